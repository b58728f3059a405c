//! The times of the statements that are reading rows which expire.
//!
//! A statement sees the rows that were alive at its own time, in each of its parts alike. So what is evicted is what was
//! expired at the oldest of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

/// Times that count, in microseconds since 1970, with how many statements have each.
#[derive(Debug, Default)]
pub struct StatementTimes {
    running: Mutex<BTreeMap<i64, usize>>,
}

impl StatementTimes {
    /// Holds evictions back to what is expired at `now_micros`, until the answer goes.
    #[must_use]
    pub fn hold(self: &Arc<Self>, now_micros: i64) -> StatementTime {
        *self.running.lock().entry(now_micros).or_default() += 1;
        StatementTime { now_micros, times: Arc::clone(self) }
    }

    /// What `act` makes of the oldest time that is held, or of `now_micros` if that is older. None is held or let go
    /// meanwhile.
    pub fn with_oldest<T>(&self, now_micros: i64, act: impl FnOnce(i64) -> T) -> T {
        let running = self.running.lock();
        act(running.keys().next().map_or(now_micros, |oldest| now_micros.min(*oldest)))
    }
}

/// The time of one statement, which counts as long as this lives.
#[derive(Debug)]
pub struct StatementTime {
    now_micros: i64,
    times: Arc<StatementTimes>,
}

impl Drop for StatementTime {
    fn drop(&mut self) {
        let mut running = self.times.running.lock();
        if let Some(count) = running.get_mut(&self.now_micros) {
            *count -= 1;
            if *count == 0 {
                running.remove(&self.now_micros);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_of_those_that_run_counts() {
        let times = Arc::new(StatementTimes::default());
        let oldest = || times.with_oldest(100, |oldest| oldest);
        assert_eq!(oldest(), 100);
        let (first, second, same) = (times.hold(7), times.hold(9), times.hold(7));
        assert_eq!(oldest(), 7);
        drop(first);
        assert_eq!(oldest(), 7, "another of the same time runs");
        drop(same);
        assert_eq!(oldest(), 9);
        // The clock went back under it.
        assert_eq!(times.with_oldest(3, |oldest| oldest), 3);
        drop(second);
        assert_eq!(oldest(), 100);
    }
}
