//! CREATE, ALTER and DROP USER: what they make of one record, and who may.

use crate::error::{Error, ErrorKind, Result};
use crate::types::{Role, UserId};
use crate::users::{UserDef, Users};

/// The record of a new user without a password; `None` when it is there and `if_not_exists`.
///
/// # Errors
/// `AlreadyExists` also for an id that was given out before; `PermissionDenied`.
pub fn create(
    users: &Users,
    actor: Role,
    (id, if_not_exists): (&UserId, bool),
    role: Role,
    now_micros: i64,
) -> Result<Option<UserDef>> {
    expect_admin(actor, "CREATE USER")?;
    match users.get(id) {
        Some(user) if user.dropped_micros.is_some() => {
            let gone = format!("user {id} was dropped, and an id is not given out again");
            return Err(Error::new(ErrorKind::AlreadyExists, gone).with_hint("choose another id"));
        }
        Some(_) if if_not_exists => return Ok(None),
        Some(_) => {
            return Err(Error::new(ErrorKind::AlreadyExists, format!("there is a user {id} already")));
        }
        None => {}
    }
    expect_within(actor, role)?;
    let id = id.clone();
    Ok(Some(UserDef {
        id,
        role,
        password: None,
        created_micros: now_micros,
        dropped_micros: None,
        erase_micros: None,
        erased_micros: None,
    }))
}

/// The record of a user with another role, or the same; its caller may set another password.
///
/// # Errors
/// `NotFound`; `PermissionDenied`; `InvalidInput` for another role of root's.
pub fn alter(
    users: &Users,
    (subject, actor): (&UserId, Role),
    id: &UserId,
    role: Option<Role>,
) -> Result<UserDef> {
    // Everybody may change its own password, and nobody else's below dba.
    if subject != id || role.is_some() {
        expect_admin(actor, "ALTER USER")?;
    }
    let mut user = live(users, id)?.clone();
    expect_within(actor, user.role)?;
    if let Some(role) = role {
        expect_within(actor, role)?;
        if *id == UserId::root() && role != Role::System {
            return Err(Error::invalid("root keeps the role system: a store always has one who may do all"));
        }
        user.role = role;
    }
    Ok(user)
}

/// The record of a user that is dropped, and whose rows are to be removed if `erase`; `None` when there is none and
/// `if_exists`, and when both was done before. Also of a user that is dropped already the rows can be removed.
///
/// # Errors
/// `NotFound`; `PermissionDenied`; `InvalidInput` for root.
pub fn drop_user(
    users: &Users,
    actor: Role,
    (id, if_exists, erase): (&UserId, bool, bool),
    now_micros: i64,
) -> Result<Option<UserDef>> {
    expect_admin(actor, "DROP USER")?;
    if *id == UserId::root() {
        return Err(Error::invalid("root cannot be dropped: a store always has one who may do all"));
    }
    let erase_micros = erase.then_some(now_micros);
    match (live(users, id), users.get(id)) {
        (Err(_), Some(user)) if erase => {
            expect_within(actor, user.role)?;
            let erased = UserDef { erase_micros, ..user.as_ref().clone() };
            Ok(user.erase_micros.is_none().then_some(erased))
        }
        (Err(_), _) if if_exists => Ok(None),
        (Err(e), _) => Err(e),
        (Ok(user), _) => {
            expect_within(actor, user.role)?;
            // Nothing is ever asked of the password again.
            Ok(Some(UserDef {
                dropped_micros: Some(now_micros),
                erase_micros,
                password: None,
                ..user.clone()
            }))
        }
    }
}

fn live<'a>(users: &'a Users, id: &UserId) -> Result<&'a UserDef> {
    let user = users.get(id).filter(|user| user.dropped_micros.is_none());
    user.map(AsRef::as_ref).ok_or_else(|| Error::not_found(format!("there is no user {id}")))
}

fn expect_admin(actor: Role, what: &str) -> Result<()> {
    if actor >= Role::Dba {
        return Ok(());
    }
    Err(Error::denied(format!("{what} is for the roles dba and system")))
}

/// Refuses to give or take more than one has.
fn expect_within(actor: Role, role: Role) -> Result<()> {
    if role <= actor {
        return Ok(());
    }
    Err(Error::denied(format!("the role {role} is above {actor}: only {role} may give or change it")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> UserId {
        UserId::new(text).unwrap()
    }

    fn with(name: &str, role: Role) -> Users {
        let mut users = Users::new(Vec::new());
        let user = create(&users, Role::System, (&id(name), false), role, 1).unwrap().unwrap();
        users.put(user);
        users
    }

    #[test]
    fn a_fresh_store_has_root_and_nobody_else() {
        let users = Users::new(Vec::new());
        assert_eq!(users.iter().count(), 1);
        assert_eq!(users.role_of(&UserId::root()), Some(Role::System));
        assert_eq!(users.role_of(&id("alice")), None);
    }

    #[test]
    fn an_id_is_given_out_once() {
        let mut users = with("alice", Role::User);
        let again = |users: &Users, there| create(users, Role::Dba, (&id("alice"), there), Role::User, 2);
        assert_eq!(again(&users, false).unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!(again(&users, true).unwrap(), None);
        let gone = drop_user(&users, Role::Dba, (&id("alice"), false, false), 3).unwrap().unwrap();
        users.put(gone);
        assert_eq!(users.role_of(&id("alice")), None);
        for there in [false, true] {
            assert_eq!(again(&users, there).unwrap_err().kind(), ErrorKind::AlreadyExists);
        }
        assert_eq!(drop_user(&users, Role::Dba, (&id("alice"), true, false), 4).unwrap(), None);
        let missing = drop_user(&users, Role::Dba, (&id("alice"), false, false), 4).unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::NotFound);
    }

    #[test]
    fn nobody_gives_or_takes_more_than_it_has() {
        let users = with("owner", Role::System);
        let denied = |e: Error| assert_eq!(e.kind(), ErrorKind::PermissionDenied, "{e}");
        for role in [Role::User, Role::Service] {
            denied(create(&users, role, (&id("x"), false), Role::User, 1).unwrap_err());
            denied(drop_user(&users, role, (&id("owner"), false, false), 1).unwrap_err());
            denied(alter(&users, (&id("x"), role), &id("owner"), None).unwrap_err());
        }
        denied(create(&users, Role::Dba, (&id("x"), false), Role::System, 1).unwrap_err());
        denied(drop_user(&users, Role::Dba, (&id("owner"), false, false), 1).unwrap_err());
        denied(alter(&users, (&id("x"), Role::Dba), &id("owner"), Some(Role::User)).unwrap_err());
        assert!(create(&users, Role::Dba, (&id("x"), false), Role::Dba, 1).unwrap().is_some());
    }

    #[test]
    fn everybody_may_change_its_own_password_and_not_its_role() {
        let users = with("alice", Role::User);
        let alice = (&id("alice"), Role::User);
        assert!(alter(&users, alice, &id("alice"), None).is_ok());
        let more = alter(&users, alice, &id("alice"), Some(Role::Dba)).unwrap_err();
        assert_eq!(more.kind(), ErrorKind::PermissionDenied);
    }

    #[test]
    fn rows_can_be_removed_with_the_user_or_later_and_that_stays_so() {
        let erase = |users: &Users, actor| drop_user(users, actor, (&id("alice"), false, true), 7);
        let mut users = with("alice", Role::Service);
        assert_eq!(erase(&users, Role::Dba).unwrap().unwrap().erase_micros, Some(7));
        users.put(drop_user(&users, Role::Dba, (&id("alice"), false, false), 3).unwrap().unwrap());
        assert!(!users.is_erased(&id("alice")));
        assert_eq!(erase(&users, Role::Service).unwrap_err().kind(), ErrorKind::PermissionDenied);
        let gone = erase(&users, Role::Dba).unwrap().unwrap();
        assert_eq!((gone.dropped_micros, gone.erase_micros), (Some(3), Some(7)));
        users.put(gone);
        assert!(users.is_erased(&id("alice")));
        assert_eq!(erase(&users, Role::Dba).unwrap(), None);
        let none = drop_user(&users, Role::Dba, (&id("bob"), false, true), 7).unwrap_err();
        assert_eq!(none.kind(), ErrorKind::NotFound);
    }

    #[test]
    fn root_stays() {
        let users = Users::new(Vec::new());
        let root = UserId::root();
        assert!(drop_user(&users, Role::System, (&root, false, false), 1).is_err());
        assert!(alter(&users, (&root, Role::System), &root, Some(Role::User)).is_err());
        assert!(alter(&users, (&root, Role::System), &root, Some(Role::System)).is_ok());
    }
}
