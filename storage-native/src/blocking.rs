//! Waiting for a disk inside of asynchronous code.

use tokio::runtime::{Handle, RuntimeFlavor};

/// Runs `work`, which waits for a disk, here and now. On a runtime with several threads the other tasks of
/// this one move elsewhere meanwhile.
///
/// Unlike work that is handed to a pool, it cannot be left half-done by a caller that stops waiting.
pub(crate) fn blocking<T>(work: impl FnOnce() -> T) -> T {
    let others_wait =
        Handle::try_current().is_ok_and(|h| matches!(h.runtime_flavor(), RuntimeFlavor::MultiThread));
    if others_wait { tokio::task::block_in_place(work) } else { work() }
}
