//! A panic below a query ends that query, and not the program it runs in.
//!
//! It is a defect, of the engine or of a library under it. A query only reads what is shared, behind locks that are
//! released as the stack unwinds, so whoever asked can go on. Where panics end the program at once, as in
//! WebAssembly, nothing is caught here.

use std::any::Any;
use std::panic::AssertUnwindSafe;

use futures::stream::BoxStream;
use futures::{FutureExt, Stream, StreamExt};

use crate::error::{Error, Result};

/// What `work` gives.
///
/// # Errors
/// Those of `work`; `Internal` when it panics.
pub async fn caught<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let done = AssertUnwindSafe(work).catch_unwind().await;
    done.unwrap_or_else(|panic| Err(defect(panic.as_ref())))
}

/// What `work` gives one after the other; `Internal`, and nothing after it, when it panics.
pub fn caught_each<T: Send + 'static>(
    work: impl Stream<Item = Result<T>> + Send + 'static,
) -> BoxStream<'static, Result<T>> {
    let each = AssertUnwindSafe(work).catch_unwind();
    each.map(|next| next.unwrap_or_else(|panic| Err(defect(panic.as_ref())))).boxed()
}

fn defect(panic: &(dyn Any + Send)) -> Error {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("a panic");
    Error::internal(format!("the query met a defect: {text}"))
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;
    use futures::{TryStreamExt, stream};

    use super::*;
    use crate::error::ErrorKind;

    fn fails(text: &str) -> Result<u32> {
        panic!("{text} of {}", 1);
    }

    #[test]
    fn a_panic_becomes_an_error_that_keeps_its_message() {
        let error = block_on(caught(async { fails("the end") })).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Internal);
        assert!(error.to_string().contains("the end of 1"), "{error}");
        assert_eq!(block_on(caught(async { Ok(3) })).unwrap(), 3);

        let mut rows = caught_each(stream::iter([1, 2, 3]).map(|n| if n < 3 { Ok(n) } else { fails("row") }));
        assert_eq!(block_on(rows.try_next()).unwrap(), Some(1));
        assert_eq!(block_on(rows.try_next()).unwrap(), Some(2));
        assert!(block_on(rows.try_next()).unwrap_err().to_string().contains("row of 1"));
        assert_eq!(block_on(rows.try_next()).unwrap(), None);
    }
}
