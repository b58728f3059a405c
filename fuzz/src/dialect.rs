//! Any text is SQL or refused for a reason, in bounded time and stack; and a statement is what its own text says.

use firndb_core::ErrorKind;
use firndb_core::sql::{fingerprint, parse};

/// Reads `text` as SQL.
///
/// # Panics
/// When something does not hold.
pub fn check(text: &str) {
    match parse(text) {
        Ok(statements) => {
            for statement in statements {
                let again = parse(&statement.text);
                let again = again.unwrap_or_else(|e| panic!("{:?} is not read alone: {e}", statement.text));
                let [alone] = again.as_slice() else {
                    panic!("{:?} alone is {} statements", statement.text, again.len());
                };
                assert_eq!(
                    alone.parameters, statement.parameters,
                    "{:?} alone has other parameters",
                    statement.text
                );
                assert!(statement.start.line > 0 && statement.start.column > 0);
                let (shape, hash) = fingerprint(&statement.text);
                assert_eq!(
                    fingerprint(&shape).1,
                    hash,
                    "{:?} and its shape {shape:?} differ",
                    statement.text
                );
            }
        }
        Err(e) => {
            let kinds = [
                ErrorKind::Syntax,
                ErrorKind::Unsupported,
                ErrorKind::InvalidInput,
                // A default that its column cannot have.
                ErrorKind::Constraint,
                ErrorKind::LimitExceeded,
            ];
            assert!(kinds.contains(&e.kind()), "{:?}: {e}", e.kind());
            assert!(!e.to_string().is_empty());
        }
    }
}
