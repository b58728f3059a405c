//! How much memory statements may hold for sorting, grouping and joining.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation};

/// What one statement holds, within what all statements may hold.
#[derive(Debug)]
pub struct StatementMemory {
    engine: Arc<dyn MemoryPool>,
    limit: usize,
    held: AtomicUsize,
}

impl StatementMemory {
    /// At most `limit` bytes of those of `engine`.
    #[must_use]
    pub fn new(engine: Arc<dyn MemoryPool>, limit: usize) -> Self {
        Self { engine, limit, held: AtomicUsize::new(0) }
    }
}

impl fmt::Display for StatementMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}(held: {}, limit: {})", self.name(), self.reserved(), self.limit)
    }
}

impl MemoryPool for StatementMemory {
    fn name(&self) -> &'static str {
        "statement"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.engine.register(consumer);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.engine.unregister(consumer);
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.held.fetch_add(additional, Ordering::Relaxed);
        self.engine.grow(reservation, additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.held.fetch_sub(shrink, Ordering::Relaxed);
        self.engine.shrink(reservation, shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        let within = |held: usize| held.checked_add(additional).filter(|sum| *sum <= self.limit);
        if self.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, within).is_err() {
            return Err(too_much(reservation, "one statement", self.limit, "query.memory_bytes"));
        }
        if self.engine.try_grow(reservation, additional).is_err() {
            self.held.fetch_sub(additional, Ordering::Relaxed);
            let limit = match self.engine.memory_limit() {
                MemoryLimit::Finite(limit) => limit,
                MemoryLimit::Infinite | MemoryLimit::Unknown => usize::MAX,
            };
            return Err(too_much(reservation, "all statements together", limit, "execution.memory_bytes"));
        }
        Ok(())
    }

    fn reserved(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    fn memory_limit(&self) -> MemoryLimit {
        MemoryLimit::Finite(self.limit)
    }
}

/// The kind of error that tells operators to go on with files, where they can.
fn too_much(reservation: &MemoryReservation, who: &str, limit: usize, setting: &str) -> DataFusionError {
    let what = reservation.consumer().name();
    DataFusionError::ResourcesExhausted(format!(
        "{what} needs more memory than {who} may hold: {limit} bytes ({setting})"
    ))
}
