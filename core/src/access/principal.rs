//! For whom a statement runs.

use crate::access::ImpersonationContext;
use crate::catalog::{TableDef, TableKind};
use crate::error::{Error, Result};
use crate::types::{Role, Scope, UserId};

/// For whom a statement runs: whose rows it sees, and what it may do.
///
/// It is handed from the session to planning, to reading and to the record of what was done; none of these
/// asks a session or a store again.
#[derive(Debug, Clone)]
pub struct Principal {
    subject: UserId,
    role: Role,
    impersonation: Option<ImpersonationContext>,
}

impl Principal {
    /// A session that speaks for itself.
    #[must_use]
    pub fn itself(subject: UserId, role: Role) -> Self {
        Self { subject, role, impersonation: None }
    }

    /// A session that acts for somebody.
    #[must_use]
    pub fn acting(context: ImpersonationContext) -> Self {
        Self { subject: context.subject.clone(), role: context.role, impersonation: Some(context) }
    }

    /// Whose rows USER tables show.
    #[must_use]
    pub fn subject(&self) -> &UserId {
        &self.subject
    }

    /// What it may do.
    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }

    /// Who acts for the subject; `None` where it speaks for itself.
    #[must_use]
    pub fn impersonation(&self) -> Option<&ImpersonationContext> {
        self.impersonation.as_ref()
    }

    /// The scope of `def` that it reads and writes.
    #[must_use]
    pub fn scope_of(&self, def: &TableDef) -> Scope {
        match def.kind {
            TableKind::Shared => Scope::Shared,
            TableKind::User | TableKind::Stream => Scope::User(self.subject.clone()),
        }
    }

    /// Refuses to read `def`.
    ///
    /// # Errors
    /// `PermissionDenied` below the table's ACCESS_LEVEL.
    pub fn expect_may_read(&self, def: &TableDef) -> Result<()> {
        if self.role >= def.reader() {
            return Ok(());
        }
        Err(self.denied(def, "may not be read", def.reader()))
    }

    /// Refuses to change the definition of `def`.
    ///
    /// # Errors
    /// `PermissionDenied` for who may not write it: the definition says who may.
    pub fn expect_may_define(&self, def: &TableDef) -> Result<()> {
        if self.role >= def.writer() {
            return Ok(());
        }
        Err(self.denied(def, "may not be changed", def.writer()))
    }

    fn denied(&self, def: &TableDef, what: &str, least: Role) -> Error {
        let at_least = if least == Role::Dba { "dba and system" } else { "service, dba and system" };
        Error::denied(format!("{} {what} by the role {}, but by {at_least}", def.full_name(), self.role))
    }

    /// Refuses to write to `def`.
    ///
    /// # Errors
    /// `PermissionDenied` below the table's WRITE_ACCESS_LEVEL, and for rows that are everybody's in somebody's name.
    pub fn expect_may_write(&self, def: &TableDef) -> Result<()> {
        if def.kind == TableKind::Shared && self.impersonation.is_some() {
            return Err(Error::denied("AS USER clause not supported for Shared tables"));
        }
        if self.role >= def.writer() {
            return Ok(());
        }
        Err(self.denied(def, "may not be written", def.writer()))
    }
}
