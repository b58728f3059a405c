//! Lets everything else that waits for the worker's thread have its turn.

use async_trait::async_trait;
use firndb_core::storage::Pause;
use futures::channel::oneshot;
use js_sys::{Function, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};

#[wasm_bindgen]
extern "C" {
    type MessageChannel;
    #[wasm_bindgen(constructor)]
    fn new() -> MessageChannel;
    #[wasm_bindgen(method, getter)]
    fn port1(this: &MessageChannel) -> MessagePort;
    #[wasm_bindgen(method, getter)]
    fn port2(this: &MessageChannel) -> MessagePort;

    type MessagePort;
    #[wasm_bindgen(method, setter)]
    fn set_onmessage(this: &MessagePort, listener: &Function);
    #[wasm_bindgen(method, js_name = postMessage)]
    fn post_message(this: &MessagePort, message: &JsValue);
    #[wasm_bindgen(method)]
    fn close(this: &MessagePort);
}

/// Pauses until a message to itself has come: behind all events that the worker has not heard yet. A promise
/// would come before them, and a timer, where many follow each other, four milliseconds after.
#[derive(Debug, Clone, Copy)]
pub struct BehindEvents;

#[async_trait]
impl Pause for BehindEvents {
    async fn pause(&self) {
        let (done, turned) = oneshot::channel();
        // What JavaScript gives cannot be sent between threads, as the engine's futures must be.
        spawn_local(async move {
            let channel = MessageChannel::new();
            let listener = channel.port1();
            let event = Promise::new(&mut |resolve, _| listener.set_onmessage(&resolve));
            channel.port2().post_message(&JsValue::NULL);
            // Neither fails: the promise is only ever resolved, and nobody may wait any more.
            let _ = JsFuture::from(event).await;
            listener.close();
            let _ = done.send(());
        });
        let _ = turned.await;
    }
}
