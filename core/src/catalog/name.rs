//! Names of namespaces and tables: what is accepted, how they are shown.

use std::fmt;

pub(crate) use crate::error::nearest;
pub use crate::error::quoted;
use crate::error::{Error, Result};

/// The namespace that is always there and that unqualified names are of.
pub const MAIN_NAMESPACE: &str = "main";
/// Namespaces of the engine's own tables.
pub const RESERVED_NAMESPACES: [&str; 2] = ["system", "information_schema"];
/// The column that shows when a version was committed.
pub const SEQ_COLUMN: &str = "_seq";
/// The column that shows whether a version is a tombstone.
pub const DELETED_COLUMN: &str = "_deleted";
/// Ends the name under which a query reads a table together with `_seq`.
pub const SEQ_SUFFIX: &str = "$seq";
/// Ends the name under which a query reads a table together with `_seq`, `_deleted` and tombstones.
pub const DELETED_SUFFIX: &str = "$deleted";
/// Longest name accepted, in bytes.
pub const MAX_NAME_BYTES: usize = 255;

/// A table as a statement names it. Names are as they are stored: unquoted ones are folded already.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableName {
    /// The namespace, or `None` for the session's own.
    pub namespace: Option<String>,
    /// The table.
    pub name: String,
}

impl TableName {
    /// The table `name` of `namespace`.
    #[must_use]
    pub fn qualified(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self { namespace: Some(namespace.into()), name: name.into() }
    }

    /// The table `name` of the session's namespace.
    #[must_use]
    pub fn bare(name: impl Into<String>) -> Self {
        Self { namespace: None, name: name.into() }
    }
}

/// Shown as it would have to be written in SQL.
impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(namespace) = &self.namespace {
            write!(f, "{}.", quoted(namespace))?;
        }
        f.write_str(&quoted(&self.name))
    }
}

/// Checks that a namespace, table or column may have this name.
///
/// # Errors
/// `InvalidInput` when it is empty, too long or holds a NUL.
pub(crate) fn check_name(what: &str, name: &str) -> Result<()> {
    if name.is_empty() {
        return Err(Error::invalid(format!("the name of a {what} must not be empty")));
    }
    if name.len() > MAX_NAME_BYTES {
        let found = name.len();
        return Err(Error::invalid(format!(
            "the name of a {what} has at most {MAX_NAME_BYTES} bytes, this one has {found}"
        )));
    }
    if name.contains('\0') {
        return Err(Error::invalid(format!("the name of a {what} must not hold a NUL character")));
    }
    Ok(())
}

/// Checks that a table may have this name.
///
/// # Errors
/// `InvalidInput` as [`check_name`], and when queries use such names for system columns.
pub(crate) fn check_table_name(name: &str) -> Result<()> {
    check_name("table", name)?;
    for suffix in [SEQ_SUFFIX, DELETED_SUFFIX] {
        if name.ends_with(suffix) {
            return Err(Error::invalid(format!(
                "table names that end in {suffix} are reserved, and {} does: choose another name",
                quoted(name)
            )));
        }
    }
    Ok(())
}

/// Checks that a column may have this name.
///
/// # Errors
/// `InvalidInput` as [`check_name`], and for the names of system columns, however they are capitalised.
pub(crate) fn check_column_name(name: &str) -> Result<()> {
    check_name("column", name)?;
    for system in [SEQ_COLUMN, DELETED_COLUMN] {
        if name.eq_ignore_ascii_case(system) {
            return Err(Error::invalid(format!(
                "a column cannot be named {}: every table has the system column {system}",
                quoted(name)
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_shown_as_sql_reads_them() {
        for (name, shown) in [
            (TableName::bare("messages"), "messages"),
            (TableName::qualified("app", "messages"), "app.messages"),
            (TableName::qualified("App", "my \"table\""), "\"App\".\"my \"\"table\"\"\""),
            (TableName::bare("1st"), "\"1st\""),
            (TableName::bare("é"), "\"é\""),
        ] {
            assert_eq!(name.to_string(), shown);
        }
    }

    #[test]
    fn names_that_cannot_be_are_refused() {
        assert!(check_name("table", "").is_err());
        assert!(check_name("table", "a\0b").is_err());
        assert!(check_name("table", &"é".repeat(127)).is_ok());
        assert!(check_name("table", &"é".repeat(128)).is_err());
        assert!(check_table_name("messages$seq").is_err());
        assert!(check_table_name("messages$deleted").is_err());
        assert!(check_table_name("messages$").is_ok());
        for name in ["_seq", "_SEQ", "_deleted", "_Deleted"] {
            assert!(check_column_name(name).is_err(), "{name}");
        }
        assert!(check_column_name("seq").is_ok());
    }
}
