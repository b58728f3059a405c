//! CREATE, ALTER and DROP USER.

use super::outcome::{Outcome, done};
use super::{Session, Statement};
use crate::error::{Error, Result};
use crate::sql::Password;
use crate::users::{self, PasswordHash, UserDef, Users};

/// What a statement makes of the users; `None` when it changes nothing.
type Change<'a> = Box<dyn Fn(&Users) -> Result<Option<UserDef>> + Send + Sync + 'a>;

impl Session {
    /// Runs a statement that changes who is known.
    pub(super) async fn change_users(&self, statement: &Statement) -> Result<Outcome> {
        if self.transaction.is_some() {
            return Err(Error::unsupported(
                "changing users inside a transaction; COMMIT or ROLLBACK it first",
            ));
        }
        let now = self.engine.shared.tiers.stores.clock.now_micros();
        let (subject, role) = (self.who.subject(), self.who.role());
        let (verb, password, change): (_, Option<Option<&Password>>, Change<'_>) = match statement {
            Statement::CreateUser(create) => (
                "CREATE USER",
                Some(create.password.as_ref()),
                Box::new(move |known| {
                    users::create(known, role, (&create.id, create.if_not_exists), create.role, now)
                }),
            ),
            Statement::AlterUser(alter) => (
                "ALTER USER",
                alter.password.as_ref().map(Option::as_ref),
                Box::new(move |known| users::alter(known, (subject, role), &alter.id, alter.role).map(Some)),
            ),
            Statement::DropUser(drop) => (
                "DROP USER",
                None,
                Box::new(move |known| {
                    users::drop_user(known, role, (&drop.id, drop.if_exists, drop.erase), now)
                }),
            ),
            _ => return Err(Error::internal("a statement about no user")),
        };
        // Who may not do it is told so before a hash is made, which takes time, and without the lock of commits.
        if change(&self.engine.shared.tiers.users.read())?.is_none() {
            return Ok(done(verb));
        }
        let rng = self.engine.shared.tiers.stores.rng.as_ref();
        let hash = password.flatten().map(|Password(text)| PasswordHash::of(text, rng)).transpose()?;
        self.engine
            .change_user(|known| {
                let mut user = change(known)?;
                if let (Some(user), Some(_)) = (&mut user, password) {
                    user.password.clone_from(&hash);
                }
                Ok(user)
            })
            .await?;
        if matches!(statement, Statement::DropUser(drop) if drop.erase) {
            self.engine.erase_users().await?;
        }
        Ok(done(verb))
    }
}
