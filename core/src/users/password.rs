//! Passwords, which are kept as Argon2id hashes.

use std::fmt;

use argon2::Argon2;
use argon2::password_hash::{self, PasswordHasher, PasswordVerifier, SaltString};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::storage::Rng;

/// Longest password that is hashed, in bytes.
const MAX_BYTES: usize = 1024;
const SALT_BYTES: usize = 16;

/// A hash in the PHC string format, which says how it was made. Never shown, not even for debugging.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// The hash of `password`, with a salt of its own: 19 MiB of memory and some tens of milliseconds.
    ///
    /// # Errors
    /// `InvalidInput` for one that is empty or longer than a kilobyte.
    pub fn of(password: &str, rng: &dyn Rng) -> Result<Self> {
        if password.is_empty() || password.len() > MAX_BYTES {
            return Err(Error::invalid(format!(
                "a password has 1 to {MAX_BYTES} bytes, this one has {}",
                password.len()
            )));
        }
        let mut salt = [0; SALT_BYTES];
        rng.fill(&mut salt);
        let salt = SaltString::encode_b64(&salt).map_err(internal)?;
        let hash = Argon2::default().hash_password(password.as_bytes(), &salt).map_err(internal)?;
        Ok(Self(hash.to_string()))
    }

    /// Whether it is the hash of `password`; takes as long whether or not.
    ///
    /// # Errors
    /// `Corrupt` when it is no hash.
    pub fn matches(&self, password: &str) -> Result<bool> {
        let hash = password_hash::PasswordHash::new(&self.0)
            .map_err(|e| Error::corrupt(format!("a password's hash cannot be read: {e}")))?;
        match Argon2::default().verify_password(password.as_bytes(), &hash) {
            Ok(()) => Ok(true),
            Err(password_hash::Error::Password) => Ok(false),
            Err(e) => Err(Error::corrupt(format!("a password's hash cannot be read: {e}"))),
        }
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

fn internal(e: password_hash::Error) -> Error {
    Error::internal(format!("a password cannot be hashed: {e}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::SeededRng;

    #[test]
    fn a_hash_matches_its_password_and_no_other() {
        let rng = SeededRng::new(1);
        let hash = PasswordHash::of("correct horse", &rng).unwrap();
        assert!(hash.matches("correct horse").unwrap());
        assert!(!hash.matches("correct hors").unwrap());
        assert!(!hash.matches("").unwrap());
        assert_ne!(hash, PasswordHash::of("correct horse", &rng).unwrap(), "each has a salt of its own");
        assert!(hash.0.starts_with("$argon2id$"), "{}", hash.0);
        assert_eq!(format!("{hash:?}"), "PasswordHash(…)");
    }

    #[test]
    fn empty_and_endless_passwords_are_refused() {
        let rng = SeededRng::new(1);
        assert!(PasswordHash::of("", &rng).is_err());
        assert!(PasswordHash::of(&"x".repeat(MAX_BYTES + 1), &rng).is_err());
        assert!(PasswordHash::of(&"x".repeat(MAX_BYTES), &rng).is_ok());
    }

    #[test]
    fn what_is_no_hash_is_damage() {
        assert!(PasswordHash("plain".to_owned()).matches("plain").is_err());
    }
}
