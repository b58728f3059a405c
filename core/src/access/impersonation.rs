//! Acting for somebody: who may, and for whom.
//!
//! | actor | may act as |
//! |---|---|
//! | user | itself |
//! | service | user, service |
//! | dba | user, service, dba |
//! | system | anyone |

use crate::error::Error;
use crate::types::{Role, UserId};
use crate::users::Users;

/// Who acts for whom in one statement, and as what. Made by [`impersonate`] and nowhere else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImpersonationContext {
    /// Whose session it is.
    pub actor: UserId,
    /// What the actor may do.
    pub actor_role: Role,
    /// Whom it acts for.
    pub subject: UserId,
    /// What the statement may do: what the subject may, and no more than the actor.
    pub role: Role,
    /// The statement, without its values.
    pub statement: String,
    /// Tells this statement from others, whatever its values.
    pub fingerprint: String,
}

/// Why nobody may act so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The actor's role acts for nobody else.
    Role,
    /// There is no such user, or no more, or one whom this role does not act for: which of these is not told.
    Subject,
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Role => Self::denied("Permission denied: AS USER requires service/admin role"),
            Refusal::Subject => Self::denied("Invalid user_id for AS USER operation"),
        }
    }
}

/// Who acts for whom, if `actor` may act for `subject`, whatever that text is.
///
/// # Errors
/// A [`Refusal`]; that of the subject is found by the same work whether it is missing, dropped or above the actor.
pub fn impersonate(
    users: &Users,
    (actor, actor_role): (&UserId, Role),
    subject: &str,
    (statement, fingerprint): (String, String),
) -> Result<ImpersonationContext, Refusal> {
    let is_itself = actor.as_str() == subject;
    if actor_role == Role::User && !is_itself {
        return Err(Refusal::Role);
    }
    let subject = UserId::new(subject);
    let role = subject.as_ref().ok().and_then(|id| users.role_of(id));
    match (subject, role) {
        (Ok(subject), Some(role)) if is_itself || role <= actor_role => Ok(ImpersonationContext {
            actor: actor.clone(),
            actor_role,
            subject,
            role: role.min(actor_role),
            statement,
            fingerprint,
        }),
        _ => Err(Refusal::Subject),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::users::UserDef;

    const ROLES: [Role; 4] = [Role::User, Role::Service, Role::Dba, Role::System];

    fn id(text: &str) -> UserId {
        UserId::new(text).unwrap()
    }

    fn users() -> Users {
        let user = |id: String, role, dropped_micros| UserDef {
            id: UserId::new(id).unwrap(),
            role,
            password: None,
            created_micros: 1,
            dropped_micros,
            erase_micros: None,
            erased_micros: None,
        };
        let live = ROLES.map(|role| user(role.name().to_owned(), role, None));
        let gone = ROLES.map(|role| user(format!("gone {role}"), role, Some(2)));
        Users::new(live.into_iter().chain(gone).collect())
    }

    fn acts(actor: (&str, Role), subject: &str) -> Result<ImpersonationContext, Refusal> {
        impersonate(&users(), (&id(actor.0), actor.1), subject, (String::new(), String::new()))
    }

    #[test]
    fn each_role_acts_for_those_up_to_its_own() {
        for actor in ROLES {
            for subject in ROLES {
                let found = acts(("actor", actor), subject.name());
                match (actor, subject) {
                    (Role::User, _) => assert_eq!(found, Err(Refusal::Role), "{actor} as {subject}"),
                    _ if subject <= actor => assert_eq!(found.unwrap().role, subject, "{actor} as {subject}"),
                    _ => assert_eq!(found, Err(Refusal::Subject), "{actor} as {subject}"),
                }
            }
        }
    }

    #[test]
    fn who_is_not_there_is_refused_as_who_is_above() {
        let long = "x".repeat(UserId::MAX_BYTES + 1);
        for actor in ROLES {
            let expected = if actor == Role::User { Refusal::Role } else { Refusal::Subject };
            for subject in ["gone user", "gone system", "nobody", "", "User", "user ", "\0", &long] {
                assert_eq!(acts(("actor", actor), subject), Err(expected), "{actor} as {subject:?}");
            }
        }
    }

    #[test]
    fn everybody_acts_for_itself_and_gains_nothing_by_it() {
        for role in ROLES {
            for most in ROLES {
                // A session that was lowered stays low.
                let actor_role = role.min(most);
                assert_eq!(acts((role.name(), actor_role), role.name()).unwrap().role, actor_role);
            }
        }
        assert_eq!(acts(("gone user", Role::User), "gone user"), Err(Refusal::Subject));
    }
}
