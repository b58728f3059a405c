//! Time, randomness and turns on the thread, as the engine sees them.

use std::fmt::Debug;
use std::future::poll_fn;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::task::Poll;

use async_trait::async_trait;

/// A source of the time of day. It may jump either way.
pub trait Clock: Debug + Send + Sync + 'static {
    /// Microseconds since 1970-01-01T00:00:00Z.
    fn now_micros(&self) -> i64;

    /// Milliseconds since 1970-01-01T00:00:00Z.
    fn now_ms(&self) -> i64 {
        self.now_micros().div_euclid(1000)
    }
}

/// A source of random bytes for identifiers.
pub trait Rng: Debug + Send + Sync + 'static {
    /// Fills `bytes`.
    fn fill(&self, bytes: &mut [u8]);
}

/// Lets others have the thread for a moment.
#[async_trait]
pub trait Pause: Debug + Send + Sync + 'static {
    /// Returns once whatever else waits for the thread has had its turn.
    async fn pause(&self);
}

/// Gives way to the other tasks of the executor, once.
#[derive(Debug, Clone, Copy, Default)]
pub struct GiveWay;

#[async_trait]
impl Pause for GiveWay {
    async fn pause(&self) {
        let mut given = false;
        poll_fn(|cx| {
            if std::mem::replace(&mut given, true) {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }
}

/// The clock of the platform.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_micros(&self) -> i64 {
        chrono::Utc::now().timestamp_micros()
    }
}

/// A clock that stands still until it is set; for tests.
#[derive(Debug, Default)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that shows `unix_ms`.
    #[must_use]
    pub fn at_ms(unix_ms: i64) -> Self {
        Self(AtomicI64::new(unix_ms * 1000))
    }

    /// Moves the clock to `unix_ms`, forward or back.
    pub fn set_ms(&self, unix_ms: i64) {
        self.0.store(unix_ms * 1000, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now_micros(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// SplitMix64 (Steele, Lea and Flood 2014) from a seed: reproducible, not secret.
#[derive(Debug)]
pub struct SeededRng(AtomicU64);

impl SeededRng {
    /// A generator that always gives the same bytes for `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// A generator that differs from run to run.
    #[must_use]
    pub fn from_time(clock: &dyn Clock) -> Self {
        Self::new(clock.now_micros().cast_unsigned())
    }
}

impl Rng for SeededRng {
    fn fill(&self, bytes: &mut [u8]) {
        const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
        for chunk in bytes.chunks_mut(8) {
            let mut z = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            z ^= z >> 31;
            for (to, from) in chunk.iter_mut().zip(z.to_le_bytes()) {
                *to = from;
            }
        }
    }
}
