//! CREATE, ALTER and DROP USER.
//!
//! ```text
//! CREATE USER [IF NOT EXISTS] id [WITH] [ROLE role] [PASSWORD 'text']
//! ALTER USER id [WITH | SET] [ROLE role] [PASSWORD 'text' | NULL]
//! DROP USER [IF EXISTS] id [ERASE]
//! ```
//!
//! An id is a string, or a name as of a table: folded to lower case unless it is quoted.

use std::fmt;

use datafusion::sql::sqlparser::tokenizer::Token;

use super::Statement;
use super::tokens::Cursor;
use crate::error::{Error, Result};
use crate::types::{Role, UserId};

/// A password as it was written. Not shown, so that no log and no message has it.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(pub String);

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// `CREATE USER`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateUser {
    /// The id.
    pub id: UserId,
    /// Whether one that is there makes the statement do nothing.
    pub if_not_exists: bool,
    /// What the user may do.
    pub role: Role,
    /// Its password.
    pub password: Option<Password>,
}

/// `ALTER USER`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlterUser {
    /// The id.
    pub id: UserId,
    /// Another role.
    pub role: Option<Role>,
    /// Another password, or none from now on.
    pub password: Option<Option<Password>>,
}

/// `DROP USER`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DropUser {
    /// The id.
    pub id: UserId,
    /// Whether a missing one makes the statement do nothing.
    pub if_exists: bool,
    /// Whether its rows are removed too.
    pub erase: bool,
}

/// Reads what follows `CREATE USER`.
///
/// # Errors
/// `Syntax`; `InvalidInput` for what is no role.
pub(super) fn create(cursor: &mut Cursor<'_>) -> Result<Statement> {
    let if_not_exists = cursor.take_all(&["IF", "NOT", "EXISTS"]);
    let id = user_id(cursor)?;
    cursor.take("WITH");
    let (role, password) = options(cursor)?;
    let password = password.flatten();
    Ok(Statement::CreateUser(CreateUser { id, if_not_exists, role: role.unwrap_or(Role::User), password }))
}

/// Reads what follows `ALTER USER`.
///
/// # Errors
/// As [`create`].
pub(super) fn alter(cursor: &mut Cursor<'_>) -> Result<Statement> {
    let id = user_id(cursor)?;
    if !cursor.take("SET") {
        cursor.take("WITH");
    }
    if cursor.peek().is_none() {
        return Err(cursor.expected("ROLE or PASSWORD"));
    }
    let (role, password) = options(cursor)?;
    Ok(Statement::AlterUser(AlterUser { id, role, password }))
}

/// Reads what follows `DROP USER`.
///
/// # Errors
/// As [`create`].
pub(super) fn drop(cursor: &mut Cursor<'_>) -> Result<Statement> {
    let if_exists = cursor.take_all(&["IF", "EXISTS"]);
    let id = user_id(cursor)?;
    let erase = cursor.take("ERASE");
    cursor.finish()?;
    Ok(Statement::DropUser(DropUser { id, if_exists, erase }))
}

fn user_id(cursor: &mut Cursor<'_>) -> Result<UserId> {
    match cursor.peek() {
        Some(Token::SingleQuotedString(text)) => {
            cursor.advance();
            UserId::new(text.clone())
        }
        _ => UserId::new(cursor.name("the id of a user")?),
    }
}

/// Role and password, each at most once.
type Options = (Option<Role>, Option<Option<Password>>);

fn options(cursor: &mut Cursor<'_>) -> Result<Options> {
    let (mut role, mut password) = (None, None);
    while cursor.peek().is_some() {
        if role.is_none() && cursor.take("ROLE") {
            role = Some(read_role(cursor)?);
        } else if password.is_none() && cursor.take("PASSWORD") {
            password = Some(read_password(cursor)?);
        } else {
            return Err(cursor.expected("ROLE or PASSWORD"));
        }
    }
    Ok((role, password))
}

fn read_role(cursor: &mut Cursor<'_>) -> Result<Role> {
    let name = match cursor.peek() {
        Some(Token::SingleQuotedString(text)) => {
            cursor.advance();
            text.clone()
        }
        _ => cursor.name("user, service, dba or system")?,
    };
    Role::of_name(&name).ok_or_else(|| {
        Error::invalid(format!("there is no role {name}"))
            .with_hint("roles are user, service, dba and system")
    })
}

fn read_password(cursor: &mut Cursor<'_>) -> Result<Option<Password>> {
    match cursor.peek() {
        Some(Token::SingleQuotedString(text)) => {
            cursor.advance();
            Ok(Some(Password(text.clone())))
        }
        _ if cursor.take("NULL") => Ok(None),
        // What stands there may be the password without its quotes: not repeated.
        _ => Err(Error::syntax("expected a password in single quotes, or NULL, after PASSWORD")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::sql::parse;

    fn read(sql: &str) -> Statement {
        parse(sql).unwrap().pop().unwrap().statement
    }

    fn id(text: &str) -> UserId {
        UserId::new(text).unwrap()
    }

    #[test]
    fn users_are_created_with_any_id() {
        for (sql, text) in
            [("alice", "alice"), ("Alice", "alice"), ("\"Alice\"", "Alice"), ("'a:b/é'", "a:b/é")]
        {
            let Statement::CreateUser(create) = read(&format!("CREATE USER {sql}")) else { panic!("{sql}") };
            assert_eq!((create.id, create.role, create.password), (id(text), Role::User, None), "{sql}");
        }
        let sql = "create user if not exists 'svc' with password 'it''s' role service";
        assert_eq!(
            read(sql),
            Statement::CreateUser(CreateUser {
                id: id("svc"),
                if_not_exists: true,
                role: Role::Service,
                password: Some(Password("it's".to_owned())),
            })
        );
    }

    #[test]
    fn users_are_altered_and_dropped() {
        let alter = |role, password| Statement::AlterUser(AlterUser { id: id("a"), role, password });
        assert_eq!(read("ALTER USER a SET ROLE dba"), alter(Some(Role::Dba), None));
        assert_eq!(read("ALTER USER a PASSWORD NULL"), alter(None, Some(None)));
        let drop = |if_exists, erase| Statement::DropUser(DropUser { id: id("a"), if_exists, erase });
        assert_eq!(read("DROP USER a"), drop(false, false));
        assert_eq!(read("DROP USER IF EXISTS 'a'"), drop(true, false));
        assert_eq!(read("DROP USER 'a' ERASE"), drop(false, true));
    }

    #[test]
    fn what_is_wrong_is_said_and_no_password_is() {
        for (sql, kind) in [
            ("CREATE USER", ErrorKind::Syntax),
            ("CREATE USER a ROLE king", ErrorKind::InvalidInput),
            ("CREATE USER a ROLE", ErrorKind::Syntax),
            ("CREATE USER a ROLE user ROLE user", ErrorKind::Syntax),
            ("CREATE USER a PASSWORD hunter2", ErrorKind::Syntax),
            ("ALTER USER a", ErrorKind::Syntax),
            ("ALTER USER a SET", ErrorKind::Syntax),
            ("DROP USER a, b", ErrorKind::Syntax),
            ("DROP USER a ERASE NOW", ErrorKind::Syntax),
        ] {
            let e = parse(sql).unwrap_err();
            assert_eq!(e.kind(), kind, "{sql}: {e}");
            assert!(!e.to_string().contains("hunter2"), "{e}");
        }
        assert_eq!(format!("{:?}", Password("hunter2".to_owned())), "Password(…)");
    }
}
