//! Telling who follows tables of the commits to them.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Weak};

use event_listener::Event;
use parking_lot::Mutex;

use crate::error::{Error, Result};
use crate::pace::Pace;
use crate::txn::snapshot::{Snapshot, Snapshots};
use crate::types::{Scope, SeqId, TableId};

/// Who follows the tables of an engine.
#[derive(Debug, Default)]
pub struct Feed {
    followers: Mutex<Vec<Weak<Follower>>>,
}

/// Somebody who is told of commits.
#[derive(Debug)]
pub struct Follower {
    state: Mutex<State>,
    event: Event,
    /// How many commits may wait for it.
    most: usize,
}

#[derive(Debug)]
struct State {
    /// What it follows; everything until that is known.
    scopes: Option<BTreeSet<(TableId, Scope)>>,
    /// The moments of commits that it has not taken, the oldest first; whether something else changed there.
    waiting: VecDeque<(Snapshot, bool)>,
    /// More came than may wait: those are gone.
    is_behind: bool,
    is_closed: bool,
}

/// What a follower is told.
#[derive(Debug)]
pub enum News {
    /// There was a commit, which this snapshot includes and none after it.
    Commit(Snapshot),
    /// There were more commits than may wait, and which is not known any more.
    Behind,
}

impl Feed {
    /// A follower of everything, for whom `most` commits may wait, from the next commit on until it is dropped.
    #[must_use]
    pub fn follow(&self, most: usize) -> Arc<Follower> {
        let state = State { scopes: None, waiting: VecDeque::new(), is_behind: false, is_closed: false };
        let follower = Arc::new(Follower { state: Mutex::new(state), event: Event::new(), most });
        let mut followers = self.followers.lock();
        followers.retain(|other| other.strong_count() > 0);
        followers.push(Arc::downgrade(&follower));
        drop(followers);
        follower
    }

    /// Tells of a commit to `written`, which is published. The caller holds the lock of commits, so that the last
    /// commit is this one.
    pub fn committed<'a>(
        &self,
        snapshots: &Arc<Snapshots>,
        now_ms: i64,
        written: impl Iterator<Item = (TableId, &'a Scope)> + Clone,
    ) {
        self.each(|follower| {
            let mut state = follower.state.lock();
            let concerns = state.scopes.as_ref().is_none_or(|scopes| {
                written.clone().any(|(table, scope)| scopes.contains(&(table, scope.clone())))
            });
            if concerns {
                follower.push(&mut state, snapshots, now_ms, false);
            }
        });
    }

    /// Tells that rows of a scope have expired and are evicted: no commit, but other rows. The caller holds the lock of
    /// commits.
    pub fn evicted(&self, snapshots: &Arc<Snapshots>, now_ms: i64, table: TableId, scope: &Scope) {
        self.each(|follower| {
            let mut state = follower.state.lock();
            if state.scopes.as_ref().is_none_or(|scopes| scopes.contains(&(table, scope.clone()))) {
                follower.push(&mut state, snapshots, now_ms, true);
            }
        });
    }

    /// Tells of definitions that are others: whoever follows anything may follow something else.
    pub fn redefined(&self, snapshots: &Arc<Snapshots>, now_ms: i64) {
        self.each(|follower| follower.push(&mut follower.state.lock(), snapshots, now_ms, true));
    }

    /// Wakes everybody for good: there are no more commits.
    pub fn close(&self) {
        self.each(|follower| {
            follower.state.lock().is_closed = true;
            follower.event.notify(usize::MAX);
        });
    }

    fn each(&self, tell: impl Fn(&Follower)) {
        let mut followers = self.followers.lock();
        followers.retain(|follower| match follower.upgrade() {
            Some(follower) => {
                tell(&follower);
                true
            }
            None => false,
        });
    }
}

impl Follower {
    fn push(&self, state: &mut State, snapshots: &Arc<Snapshots>, now_ms: i64, is_no_commit: bool) {
        if state.is_behind {
            return;
        }
        if state.waiting.len() >= self.most {
            state.waiting.clear();
            state.is_behind = true;
        } else {
            let snapshot = snapshots.acquire();
            // It holds flushes back like one that nobody reads on: not for ever.
            snapshot.rest(now_ms);
            state.waiting.push_back((snapshot, is_no_commit));
        }
        self.event.notify(usize::MAX);
    }

    /// Follows `scopes` from here on, and what waits is from after `seen`.
    pub fn narrow(&self, scopes: BTreeSet<(TableId, Scope)>, seen: SeqId) {
        let mut state = self.state.lock();
        state.scopes = Some(scopes);
        state.waiting.retain(|(snapshot, is_no_commit)| match is_no_commit {
            // What was seen may have been planned before.
            true => snapshot.seq() >= seen,
            false => snapshot.seq() > seen,
        });
    }

    /// What there is to tell, without waiting.
    ///
    /// # Errors
    /// `Unavailable` once the store is closed.
    pub fn try_next(&self) -> Result<Option<News>> {
        let mut state = self.state.lock();
        if state.is_closed {
            return Err(Error::unavailable("the store is closed"));
        }
        if state.is_behind {
            state.is_behind = false;
            return Ok(Some(News::Behind));
        }
        Ok(state.waiting.pop_front().map(|(snapshot, _)| News::Commit(snapshot)))
    }

    /// The next thing to tell; waits for it.
    ///
    /// # Errors
    /// `Unavailable` once the store is closed; `Cancelled` by `pace`.
    pub async fn next(&self, pace: &Pace) -> Result<News> {
        loop {
            // Listened to before it is looked at, so that nothing falls in between.
            let listener = self.event.listen();
            if let Some(news) = self.try_next()? {
                return Ok(news);
            }
            pace.wait(listener).await?;
        }
    }

    /// Forgets what waits; whether there was anything.
    ///
    /// # Errors
    /// As [`Self::try_next`].
    pub fn drain(&self) -> Result<bool> {
        let mut any = false;
        while self.try_next()?.is_some() {
            any = true;
        }
        Ok(any)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::Stores;

    fn commit(feed: &Feed, snapshots: &Arc<Snapshots>, seq: i64, table: u32) {
        snapshots.publish(SeqId::from_i64(seq));
        feed.committed(snapshots, 0, std::iter::once((TableId(table), &Scope::Shared)));
    }

    fn told(follower: &Follower) -> Option<i64> {
        follower.try_next().unwrap().map(|news| match news {
            News::Commit(snapshot) => snapshot.seq().as_i64(),
            News::Behind => -1,
        })
    }

    #[test]
    fn commits_come_in_order_and_only_those_that_are_followed() {
        let (feed, snapshots) = (Feed::default(), Snapshots::starting_at(SeqId::ZERO));
        let follower = feed.follow(8);
        commit(&feed, &snapshots, 1, 7);
        commit(&feed, &snapshots, 2, 7);
        follower.narrow([(TableId(7), Scope::Shared)].into(), SeqId::from_i64(1));
        commit(&feed, &snapshots, 3, 8);
        commit(&feed, &snapshots, 4, 7);
        assert_eq!([told(&follower), told(&follower), told(&follower)], [Some(2), Some(4), None]);
        feed.redefined(&snapshots, 0);
        assert_eq!(told(&follower), Some(4));
    }

    #[test]
    fn nobody_is_told_of_definitions_before_what_it_has_seen() {
        let (feed, snapshots) = (Feed::default(), Snapshots::starting_at(SeqId::ZERO));
        let follower = feed.follow(8);
        commit(&feed, &snapshots, 5, 7);
        feed.redefined(&snapshots, 0);
        commit(&feed, &snapshots, 6, 7);
        follower.narrow([(TableId(7), Scope::Shared)].into(), SeqId::from_i64(6));
        assert_eq!(told(&follower), None);
        feed.redefined(&snapshots, 0);
        follower.narrow([(TableId(7), Scope::Shared)].into(), SeqId::from_i64(6));
        assert_eq!([told(&follower), told(&follower)], [Some(6), None]);
    }

    #[test]
    fn followers_that_are_gone_are_forgotten() {
        let feed = Feed::default();
        for _ in 0..100 {
            drop(feed.follow(1));
        }
        assert!(feed.followers.lock().len() < 3);
    }

    #[test]
    fn who_is_too_slow_is_told_so_once_and_holds_nothing_back() {
        let (feed, snapshots) = (Feed::default(), Snapshots::starting_at(SeqId::ZERO));
        let follower = feed.follow(2);
        for seq in 1..=5 {
            commit(&feed, &snapshots, seq, 7);
        }
        assert_eq!(snapshots.flush_horizon(), SeqId::from_i64(5));
        assert_eq!([told(&follower), told(&follower)], [Some(-1), None]);
        commit(&feed, &snapshots, 6, 7);
        assert_eq!(told(&follower), Some(6));
    }

    #[test]
    fn who_waits_is_woken_by_a_commit_and_by_the_end() {
        let (feed, snapshots) = (Feed::default(), Snapshots::starting_at(SeqId::ZERO));
        let follower = feed.follow(2);
        let pace = Pace::of_background(&Stores::memory());
        let news = futures::executor::block_on(async {
            let (news, ()) = futures::join!(follower.next(&pace), async { commit(&feed, &snapshots, 1, 7) });
            news
        });
        assert!(matches!(news, Ok(News::Commit(_))));
        feed.close();
        assert!(futures::executor::block_on(follower.next(&pace)).is_err());
        drop(follower);
        commit(&feed, &snapshots, 2, 7);
        assert!(feed.followers.lock().is_empty());
    }
}
