//! Files that stay while somebody copies them.
//!
//! Whatever removes files that a committed manifest has referred to asks here first.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_lock::{Mutex, MutexGuard};

/// Either somebody removes files, or others hold them.
#[derive(Debug, Default)]
pub struct Removals {
    /// Held by whoever removes, and for a moment by whoever begins to hold.
    removing: Mutex<()>,
    holders: Arc<AtomicUsize>,
}

/// While this lives, no file of the store is removed.
#[derive(Debug)]
pub struct FileHold(Arc<AtomicUsize>);

impl Removals {
    /// Keeps all files from now on; waits for a removal that is under way.
    pub async fn hold(&self) -> FileHold {
        let removing = self.removing.lock().await;
        self.holders.fetch_add(1, Ordering::AcqRel);
        drop(removing);
        FileHold(Arc::clone(&self.holders))
    }

    /// The right to remove files, for as long as it is kept; `None` while files are held.
    pub async fn begin(&self) -> Option<MutexGuard<'_, ()>> {
        let removing = self.removing.lock().await;
        (self.holders.load(Ordering::Acquire) == 0).then_some(removing)
    }
}

impl Drop for FileHold {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use futures::executor::block_on;

    use super::*;

    #[test]
    fn nothing_is_removed_while_anybody_holds() {
        let removals = Removals::default();
        let (one, two) = block_on(async { (removals.hold().await, removals.hold().await) });
        drop(one);
        assert!(block_on(removals.begin()).is_none());
        drop(two);
        let removing = block_on(removals.begin());
        assert!(removing.is_some());
        assert!(removals.hold().now_or_never().is_none(), "it waits for the removal");
        drop(removing);
        block_on(removals.hold());
    }
}
