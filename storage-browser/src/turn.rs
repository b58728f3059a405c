//! Giving the worker's event loop a turn.

use async_trait::async_trait;
use firndb_core::ErrorKind;
use firndb_core::storage::Pause;
use js_sys::{Function, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::MessageChannel;

use crate::bridge;
use crate::js::Thrown;

/// Lets the event loop run the tasks that wait: messages of pages, events of IndexedDB.
///
/// A promise that is settled would not do, since microtasks come before every task; and timers wait for
/// several milliseconds once a few follow each other, a third of the time that a statement has. A message
/// to oneself is a task like any other.
#[derive(Debug, Clone, Copy, Default)]
pub struct EventLoopTurn;

#[async_trait]
impl Pause for EventLoopTurn {
    async fn pause(&self) {
        // Without a turn the statement only goes on at once.
        _ = bridge::run(async { turn().await.map_err(|e| Thrown::from(e).into_error(ErrorKind::Unavailable, "pausing")) }).await;
    }
}

async fn turn() -> Result<(), JsValue> {
    let channel = MessageChannel::new()?;
    let port = channel.port1();
    let arrived = Promise::new(&mut |resolve: Function, _| {
        port.set_onmessage(Some(&resolve));
    });
    channel.port2().post_message(&JsValue::NULL)?;
    JsFuture::from(arrived).await?;
    port.set_onmessage(None);
    port.close();
    Ok(())
}
