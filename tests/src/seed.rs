//! Where the randomness of a test run comes from.

use std::env;

/// The seed when `FIRNDB_SEED` is not set.
const DEFAULT: u64 = 20_261_122;

/// The seed of this run: `FIRNDB_SEED`, or a fixed one, so that a run without it is repeatable.
#[must_use]
pub fn from_env() -> u64 {
    number("FIRNDB_SEED", DEFAULT)
}

/// The number in the environment variable `name`, or `default` without it.
///
/// # Panics
/// When the variable is not a number: a typo must not quietly test something else.
#[must_use]
pub fn number(name: &str, default: u64) -> u64 {
    match env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name}={text}: expected a number")),
        Err(_) => default,
    }
}
