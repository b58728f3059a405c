//! A statement that runs long makes room for others, and can be taken back.
//!
//! Where one thread does everything, as in a browser's worker, a query over rows in memory and files that
//! are read synchronously would run to its end without anything else being heard. So operators that
//! produce rows pause every few milliseconds; that is also where a cancelled statement ends.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use event_listener::Event;
use futures::future::{Either, select};

use crate::error::{Error, ErrorKind, Result};
use crate::storage::{Clock, Pause, Stores};

/// So long a statement may keep its thread.
pub const SLICE_MICROS: i64 = 10_000;
/// More than that between two pauses is not work, but a clock that jumped.
const LONGEST_SLICE_MICROS: i64 = 60_000_000;

/// Takes running statements back. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct CancelToken(Arc<Cancelled>);

#[derive(Debug, Default)]
struct Cancelled {
    is: AtomicBool,
    /// Wakes who waits for something else.
    event: Event,
}

impl CancelToken {
    /// A token that nobody has used.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends the statements that run with this token, and those that will, with `Cancelled`. A statement
    /// that is already being committed is not held up.
    pub fn cancel(&self) {
        self.0.is.store(true, Ordering::Release);
        self.0.event.notify(usize::MAX);
    }

    /// Whether [`Self::cancel`] was called.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.is.load(Ordering::Acquire)
    }

    /// Refuses once it is cancelled.
    ///
    /// # Errors
    /// `Cancelled`.
    pub fn check(&self) -> Result<()> {
        if self.is_cancelled() {
            return Err(Error::new(ErrorKind::Cancelled, "the statement was cancelled"));
        }
        Ok(())
    }

    /// Ends when it is cancelled.
    async fn cancelled(&self) {
        // Listened to before it is looked at, so that no cancellation falls in between.
        let listener = self.0.event.listen();
        if !self.is_cancelled() {
            listener.await;
        }
    }
}

/// When one statement pauses, and when it ends early.
#[derive(Clone)]
pub struct Pace {
    cancel: CancelToken,
    also: Option<CancelToken>,
    clock: Arc<dyn Clock>,
    pause: Arc<dyn Pause>,
    since: Arc<AtomicI64>,
    /// How long it may work, microseconds.
    limit_micros: Option<i64>,
    /// How long it has worked, until it paused last.
    worked_micros: Arc<AtomicI64>,
}

impl Pace {
    /// The pace of a statement that starts.
    #[must_use]
    pub fn new(cancel: CancelToken, clock: Arc<dyn Clock>, pause: Arc<dyn Pause>) -> Self {
        let since = Arc::new(AtomicI64::new(clock.now_micros()));
        Self { cancel, also: None, clock, pause, since, limit_micros: None, worked_micros: Arc::default() }
    }

    /// The pace of work that no statement does and nobody takes back.
    #[must_use]
    pub fn of_background(stores: &Stores) -> Self {
        Self::new(CancelToken::new(), Arc::clone(&stores.clock), Arc::clone(&stores.pause))
    }

    /// The same, which ends when `other` is used too.
    #[must_use]
    pub fn and_until(mut self, other: CancelToken) -> Self {
        self.also = Some(other);
        self
    }

    /// The same, for a statement that may work for `timeout_ms`; 0 for any time.
    #[must_use]
    pub fn within(mut self, timeout_ms: u64) -> Self {
        let micros = i64::try_from(timeout_ms.saturating_mul(1000)).unwrap_or(i64::MAX);
        self.limit_micros = (timeout_ms > 0).then_some(micros);
        self
    }

    /// The time by which paces go, in microseconds.
    pub fn now_micros(&self) -> i64 {
        self.clock.now_micros()
    }

    /// Says that the statement goes on, after others had the thread.
    pub fn go_on(&self) {
        self.since.store(self.clock.now_micros(), Ordering::Relaxed);
    }

    /// Pauses if it is time to.
    ///
    /// # Errors
    /// `Cancelled`; `LimitExceeded` when the time is up.
    pub async fn step(&self) -> Result<()> {
        self.check()?;
        let (now, since) = (self.clock.now_micros(), self.since.load(Ordering::Relaxed));
        let slice = now - since;
        // A clock that was set back would otherwise keep the thread for as long.
        if !(0..SLICE_MICROS).contains(&slice) {
            // Of several partitions one counts the time that all of them worked.
            if self.since.compare_exchange(since, now, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
                self.count(slice)?;
            }
            self.pause.pause().await;
            self.go_on();
            self.check()?;
        }
        Ok(())
    }

    /// What `future` gives, if it gives it before this is cancelled: for what others hold as long as they work.
    /// Nothing that `future` does may be left half-done when it is dropped. Waiting is no work.
    ///
    /// # Errors
    /// `Cancelled`.
    pub async fn wait<T>(&self, future: impl Future<Output = T>) -> Result<T> {
        self.check()?;
        let cancelled = async {
            match &self.also {
                Some(also) => {
                    select(pin!(self.cancel.cancelled()), pin!(also.cancelled())).await;
                }
                None => self.cancel.cancelled().await,
            }
        };
        match select(pin!(future), pin!(cancelled)).await {
            Either::Left((output, _)) => {
                self.go_on();
                Ok(output)
            }
            Either::Right(_) => {
                self.check().and_then(|()| Err(Error::internal("woken without being cancelled")))
            }
        }
    }

    fn check(&self) -> Result<()> {
        self.cancel.check()?;
        self.also.as_ref().map_or(Ok(()), CancelToken::check)
    }

    /// Adds what was worked since the last pause.
    fn count(&self, slice_micros: i64) -> Result<()> {
        let slice = if (0..=LONGEST_SLICE_MICROS).contains(&slice_micros) { slice_micros } else { 0 };
        let worked = self.worked_micros.fetch_add(slice, Ordering::Relaxed).saturating_add(slice);
        match self.limit_micros {
            Some(limit) if worked > limit => Err(Error::limit(format!(
                "the statement worked for more than {} ms (query.timeout_ms), so it was ended",
                limit / 1000
            ))),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pace").field("cancel", &self.cancel).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use futures::executor::block_on;
    use futures::join;

    use super::*;

    fn pace() -> Pace {
        Pace::of_background(&Stores::memory())
    }

    #[test]
    fn a_wait_ends_with_what_was_waited_for() {
        assert_eq!(block_on(pace().wait(ready(7))).unwrap(), 7);
    }

    #[test]
    fn a_wait_ends_when_either_token_is_used() {
        for at in 0..2 {
            let tokens = [CancelToken::new(), CancelToken::new()];
            let [cancel, also] = tokens.clone();
            let pace = Pace { cancel, ..pace() }.and_until(also);
            let (waited, ()) = block_on(async {
                join!(pace.wait(pending::<()>()), async {
                    tokens[at].cancel();
                })
            });
            assert_eq!(waited.map_err(|e| e.kind()), Err(ErrorKind::Cancelled), "token {at}");
        }
    }

    #[test]
    fn who_is_cancelled_waits_for_nothing() {
        let cancel = CancelToken::new();
        cancel.cancel();
        let pace = Pace { cancel, ..pace() };
        assert!(block_on(pace.wait(ready(7))).is_err());
    }
}
