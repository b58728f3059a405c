//! Commit notes: what a commit leaves in its own files, so that the files alone tell what counts.
//!
//! A manifest says which batch files are read and where their dead rows are. Its note says the same in few bytes,
//! and lies in a file that the commit writes anyway: in its deletion vectors, else in the footer of its last
//! batch file, else in deletion vectors without a vector. So a manifest that is lost can be made again, and a
//! file of a commit that was cut short is known for what it is: no note lists it.
//!
//! A note is written by the last write before the manifest, or, where rows that are not acknowledged yet must not
//! show, after the commit (a load). Either way what it tells is a state that readers may see.
//!
//! ```json
//! {"version":12,"epoch":3,"flushed_through":"7264502391808000000","schema_version":2,"user":"alice",
//!  "live":"4:10 9 11"}
//! ```
//!
//! `live` has the numbers of the batch files that are read, each with that of its deletion vectors, if it has any.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::cold::FileName;
use crate::error::{Error, Result};
use crate::manifest::{BatchEntry, Manifest};
use crate::types::{Scope, SeqId, UserId};

/// Under which key the footer of a batch file has a note.
pub const NOTE_KEY: &str = "firndb.note";

/// What one commit made of a scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitNote {
    /// The version of the manifest of the commit.
    pub version: u64,
    /// The epoch of the writer.
    pub epoch: u64,
    /// Every commit up to here is in the files.
    pub flushed_through: SeqId,
    /// The table's schema version then.
    pub schema_version: u32,
    /// The user whose scope it is; a long id cannot be read back from the directory name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
    /// The batch files that are read, each with the number of its deletion vectors.
    #[serde(with = "live_files")]
    pub live: BTreeMap<u64, Option<u64>>,
}

impl CommitNote {
    /// The note of `manifest`.
    #[must_use]
    pub fn of(manifest: &Manifest) -> Self {
        Self {
            version: manifest.version,
            epoch: manifest.epoch,
            flushed_through: manifest.flushed_through,
            schema_version: manifest.schema_version,
            user: manifest.user.clone(),
            live: live(&manifest.batches),
        }
    }

    /// Whose rows they are, which has to be the scope of the directory `dir`.
    ///
    /// # Errors
    /// `Corrupt` when it is not.
    pub fn scope(&self, dir: &str) -> Result<Scope> {
        let scope = self.user.clone().map_or(Scope::Shared, Scope::User);
        if scope.dir() != dir {
            return Err(Error::corrupt(format!(
                "the note of commit {} is of the scope {}, expected {dir}",
                self.version,
                scope.dir()
            )));
        }
        Ok(scope)
    }

    /// Its bytes.
    ///
    /// # Errors
    /// `Internal` when it has no JSON.
    pub fn encode(&self) -> Result<String> {
        serde_json::to_string(self).map_err(|e| Error::internal(format!("commit note {}: {e}", self.version)))
    }

    /// Reads the note in the file called `name`.
    ///
    /// # Errors
    /// `Corrupt` when it is none.
    pub fn decode(name: &str, bytes: &[u8]) -> Result<Self> {
        serde_json::from_slice(bytes)
            .map_err(|e| Error::corrupt(format!("{name}: expected a commit note: {e}")).with_source(e))
    }
}

/// The files among `batches` that are read.
#[must_use]
pub fn live(batches: &[BatchEntry]) -> BTreeMap<u64, Option<u64>> {
    let live = batches.iter().filter(|b| b.status.is_live());
    live.map(|b| (b.number, b.deletes.as_ref().and_then(|d| number_of(&d.path)))).collect()
}

fn number_of(path: &str) -> Option<u64> {
    FileName::parse(path).and_then(FileName::number)
}

mod live_files {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(live: &BTreeMap<u64, Option<u64>>, s: S) -> Result<S::Ok, S::Error> {
        let files = live.iter().map(|(batch, deletes)| match deletes {
            Some(deletes) => format!("{batch}:{deletes}"),
            None => batch.to_string(),
        });
        s.serialize_str(&files.collect::<Vec<_>>().join(" "))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<BTreeMap<u64, Option<u64>>, D::Error> {
        let text = String::deserialize(d)?;
        let file = |word: &str| match word.split_once(':') {
            Some((batch, deletes)) => Some((batch.parse().ok()?, Some(deletes.parse().ok()?))),
            None => Some((word.parse().ok()?, None)),
        };
        let files: Option<BTreeMap<_, _>> = text.split_whitespace().map(file).collect();
        files.ok_or_else(|| serde::de::Error::custom(format!("numbers of files, found {text:?}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_come_back() {
        let note = CommitNote {
            version: 12,
            epoch: 3,
            flushed_through: SeqId::from_i64(i64::MAX),
            schema_version: 2,
            user: Some(UserId::new("Ünüsual").unwrap()),
            live: BTreeMap::from([(4, Some(10)), (9, None), (u64::MAX, Some(u64::MAX))]),
        };
        let text = note.encode().unwrap();
        assert!(text.contains("\"4:10 9 18446744073709551615:18446744073709551615\""), "{text}");
        assert_eq!(CommitNote::decode("n", text.as_bytes()).unwrap(), note);
        let empty = CommitNote { user: None, live: BTreeMap::new(), ..note };
        assert_eq!(CommitNote::decode("n", empty.encode().unwrap().as_bytes()).unwrap(), empty);
        assert!(empty.scope("shared").is_ok() && empty.scope("u-a").is_err());
    }

    #[test]
    fn what_is_no_note_is_corrupt() {
        let good = r#"{"version":1,"epoch":1,"flushed_through":"5","schema_version":1,"live":"1:2"}"#;
        assert!(CommitNote::decode("n", good.as_bytes()).is_ok());
        for bad in ["", "{}", &good.replace("1:2", "1:"), &good.replace("1:2", "x"), &good[..40]] {
            let error = CommitNote::decode("batch-1.parquet", bad.as_bytes()).unwrap_err();
            assert!(error.to_string().contains("batch-1.parquet"), "{error}");
        }
    }
}
