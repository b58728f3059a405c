//! One context at a time creates names: a Web Lock, held around the look and the move.

use futures::channel::oneshot;
use js_sys::{Function, Promise};
use wasm_bindgen::prelude::*;

use crate::js::{self, Thrown};

/// A Web Lock of the origin, held until this is dropped or the worker ends.
pub(super) struct NameLock {
    /// Fulfils the promise for whose time the browser holds the lock.
    release: Option<Function>,
}

impl NameLock {
    /// Waits for the lock `name`, and holds it.
    pub(super) async fn hold(name: &str) -> Result<Self, Thrown> {
        let locks = js::locks().map_err(|e| Thrown::new("NotSupportedError", e.to_string()))?;
        let mut release = None;
        let held = Promise::new(&mut |resolve, _| release = Some(resolve));
        let lock = Self { release };
        let (granted, grant) = oneshot::channel();
        let callback = Closure::once(move |_: JsValue| {
            _ = granted.send(());
            held
        });
        // This promise ends with the lock, or when it cannot be had, and then the callback is not called.
        let ended = locks.request(name, callback.as_ref().unchecked_ref())?;
        let refused = js::settled::<JsValue>(ended);
        futures::pin_mut!(refused);
        match futures::future::select(grant, refused).await {
            futures::future::Either::Left((Ok(()), _)) => Ok(lock),
            futures::future::Either::Right((Err(e), _)) => Err(e),
            _ => Err(Thrown::new("AbortError", format!("the lock {name} was not granted"))),
        }
    }
}

impl Drop for NameLock {
    fn drop(&mut self) {
        if let Some(release) = self.release.take() {
            _ = release.call0(&JsValue::UNDEFINED);
        }
    }
}
