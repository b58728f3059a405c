//! Which roles read and write a SHARED table.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::catalog::{OptionChanges, TableDef, TableKind};
use crate::error::{Error, Result};
use crate::types::Role;

/// Who may, from the most to the fewest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccessLevel {
    /// Every user.
    #[default]
    Public,
    /// Services, dba and system.
    Restricted,
    /// Dba and system.
    Private,
}

impl AccessLevel {
    const ALL: [Self; 3] = [Self::Public, Self::Restricted, Self::Private];

    /// The level of this name, in any case.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.to_string().eq_ignore_ascii_case(name))
    }

    /// The lowest role that may.
    #[must_use]
    pub fn role(self) -> Role {
        match self {
            Self::Public => Role::User,
            Self::Restricted => Role::Service,
            Self::Private => Role::Dba,
        }
    }
}

impl fmt::Display for AccessLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Public => "public",
            Self::Restricted => "restricted",
            Self::Private => "private",
        })
    }
}

impl TableDef {
    /// The lowest role that may read the table.
    #[must_use]
    pub fn reader(&self) -> Role {
        self.options.access_level.role()
    }

    /// The lowest role that may write rows of the table, and change its definition.
    #[must_use]
    pub fn writer(&self) -> Role {
        self.options.write_access_level.unwrap_or(self.options.access_level).role()
    }
}

/// Takes over what a statement says of who may.
///
/// # Errors
/// `InvalidInput` for a table that is not SHARED, and where more may write than read.
pub(super) fn set(table: &mut TableDef, changes: &OptionChanges) -> Result<()> {
    if changes.access_level.is_none() && changes.write_access_level.is_none() {
        return Ok(());
    }
    if table.kind != TableKind::Shared {
        return Err(Error::invalid(format!(
            "option ACCESS_LEVEL: the rows of a {} table are of one user each, who alone reads and writes them",
            table.kind.sql_name()
        ))
        .with_hint("rows of everybody are those of CREATE SHARED TABLE"));
    }
    if let Some(level) = changes.access_level {
        table.options.access_level = level;
    }
    if let Some(level) = changes.write_access_level {
        table.options.write_access_level = level;
    }
    let (read, write) = (table.options.access_level, table.options.write_access_level);
    match write.filter(|write| *write < read) {
        Some(write) => Err(Error::invalid(format!(
            "option WRITE_ACCESS_LEVEL = '{write}': whoever writes the table must be able to read it, and that is {read}"
        ))),
        None => Ok(()),
    }
}
