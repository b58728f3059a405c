//! Futures on the heap.

use std::pin::Pin;

/// The future that `make` makes, on the heap from the start.
///
/// Planning takes much of a stack, and what awaits a large future has room for it in its own frame, without
/// optimisation several times over. `Box::pin(f())` in the same function does not help there: the future is made on
/// the stack first. Here it is made in a frame that is gone before anything is awaited.
#[inline(never)]
pub fn on_heap<F: Future>(make: impl FnOnce() -> F) -> Pin<Box<F>> {
    Box::pin(make())
}
