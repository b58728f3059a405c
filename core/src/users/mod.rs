//! Who is known to a store, and what each may do there.
//!
//! A user is a record that is never removed: one that was dropped stays, so that its id is not given out again and nobody
//! inherits its rows.

mod change;
mod password;
mod store;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use change::{alter, create, drop_user};
pub use password::PasswordHash;
pub use store::{DIRECTORY, file, file_of, key, load, parse};

use crate::types::{Role, UserId};

/// One user, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserDef {
    /// The id, which owns rows.
    pub id: UserId,
    /// What the user may do.
    pub role: Role,
    /// What its password has to match; without one nobody can prove to be this user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<PasswordHash>,
    /// When it was created, microseconds since 1970.
    pub created_micros: i64,
    /// When it was dropped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dropped_micros: Option<i64>,
    /// When it was asked that its rows are removed too. No row is written for it from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erase_micros: Option<i64>,
    /// When they were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erased_micros: Option<i64>,
}

/// The users of a store, dropped ones too.
#[derive(Debug)]
pub struct Users(BTreeMap<UserId, Arc<UserDef>>);

impl Users {
    /// Those of `stored`, and `root`, who is there also where nothing was ever said about it.
    #[must_use]
    pub fn new(stored: Vec<UserDef>) -> Self {
        let root = UserDef {
            id: UserId::root(),
            role: Role::System,
            password: None,
            created_micros: 0,
            dropped_micros: None,
            erase_micros: None,
            erased_micros: None,
        };
        let all = std::iter::once(root).chain(stored);
        Self(all.map(|user| (user.id.clone(), Arc::new(user))).collect())
    }

    /// What is known of `id`, also after it was dropped.
    #[must_use]
    pub fn get(&self, id: &UserId) -> Option<&Arc<UserDef>> {
        self.0.get(id)
    }

    /// What `id` may do; `None` when there is no such user, or no more.
    #[must_use]
    pub fn role_of(&self, id: &UserId) -> Option<Role> {
        self.get(id).filter(|user| user.dropped_micros.is_none()).map(|user| user.role)
    }

    /// Whether the rows of `id` are removed, or are to be.
    #[must_use]
    pub fn is_erased(&self, id: &UserId) -> bool {
        self.get(id).is_some_and(|user| user.erase_micros.is_some())
    }

    /// All of them, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<UserDef>> {
        self.0.values()
    }

    /// Whether `id` may do more than `role`, or might before it was dropped.
    #[must_use]
    pub fn is_above(&self, id: &UserId, role: Role) -> bool {
        self.get(id).is_some_and(|user| user.role > role)
    }

    /// Those who are above `role`, by id.
    pub fn above(&self, role: Role) -> impl Iterator<Item = &UserId> {
        self.iter().filter(move |user| user.role > role).map(|user| &user.id)
    }

    /// Takes what was committed of one user.
    pub fn put(&mut self, user: UserDef) {
        self.0.insert(user.id.clone(), Arc::new(user));
    }
}
