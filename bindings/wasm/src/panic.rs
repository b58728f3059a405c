//! What becomes of a panic's message.

use std::cell::RefCell;
use std::panic::PanicHookInfo;

use js_sys::Function;
use wasm_bindgen::prelude::*;

thread_local! {
    static LISTENER: RefCell<Option<Function>> = const { RefCell::new(None) };
}

/// Has `listener` called with the message of a panic, before the module ends. The message is printed on the
/// console too, with a stack.
#[wasm_bindgen(js_name = onPanic)]
pub fn on_panic(listener: Function) {
    LISTENER.with(|slot| slot.replace(Some(listener)));
    std::panic::set_hook(Box::new(report));
}

fn report(info: &PanicHookInfo<'_>) {
    console_error_panic_hook::hook(info);
    let text = JsValue::from(info.to_string());
    LISTENER.with(|slot| {
        // Borrowed already means that the panic came from within the listener's own call.
        if let Ok(slot) = slot.try_borrow()
            && let Some(listener) = slot.as_ref()
        {
            // An exception of the listener has nowhere to go from here.
            let _ = listener.call1(&JsValue::NULL, &text);
        }
    });
}
