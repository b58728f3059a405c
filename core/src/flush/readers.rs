//! Who is to have read before a flush that somebody asked for.

use crate::tiers::Tiers;

/// So long a command waits for statements that began before the last commit.
const READERS_MS: i64 = 1_000;

/// Who has not read for so long is not waited for. A statement does not read between two batches of its rows.
const IDLE_MS: i64 = 50;

/// How often it looks at most while the clock stands still.
const LOOKS: u32 = 10_000;

/// Waits for the statements that read as of before the last commit: a flush goes no further than they do, and a query of
/// a moment, of somebody else, would make of it nothing at all.
pub async fn let_readers_end(tiers: &Tiers) {
    let stores = &tiers.stores;
    let last = tiers.snapshots.committed();
    let begin = stores.clock.now_ms();
    let mut looks = 0;
    loop {
        let now = stores.clock.now_ms();
        looks = if now == begin { looks + 1 } else { 0 };
        let in_time = (0..READERS_MS).contains(&(now - begin)) && looks < LOOKS;
        if !in_time || !tiers.snapshots.any_reading_before(last, now - IDLE_MS) {
            return;
        }
        stores.pause.pause().await;
    }
}
