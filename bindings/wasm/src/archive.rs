//! An archive that JavaScript takes or gives, a part at a time.

use std::io::{self, Read, Write};

use js_sys::{Function, Uint8Array};
use send_wrapper::SendWrapper;
use wasm_bindgen::prelude::*;

/// Gives what is written to a function.
#[derive(Debug)]
pub struct Parts(SendWrapper<Function>);

impl Parts {
    /// Calls `take` with each part.
    pub fn new(take: Function) -> Self {
        Self(SendWrapper::new(take))
    }
}

impl Write for Parts {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        self.0.call1(&JsValue::NULL, &Uint8Array::from(part)).map_err(|e| failed(&e))?;
        Ok(part.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads what a function gives.
#[derive(Debug)]
pub struct Source(SendWrapper<Function>);

impl Source {
    /// Calls `give` with a number of bytes.
    pub fn new(give: Function) -> Self {
        Self(SendWrapper::new(give))
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = u32::try_from(buffer.len()).unwrap_or(u32::MAX);
        let given = self.0.call1(&JsValue::NULL, &wanted.into()).map_err(|e| failed(&e))?;
        let given = given.dyn_into::<Uint8Array>().map_err(|_| io::Error::other("expected a Uint8Array"))?;
        let count = given.length() as usize;
        let part =
            buffer.get_mut(..count).ok_or_else(|| io::Error::other("more bytes than were asked for"))?;
        given.copy_to(part);
        Ok(count)
    }
}

fn failed(thrown: &JsValue) -> io::Error {
    let message = thrown.dyn_ref::<js_sys::Error>().map(|e| String::from(e.message()));
    io::Error::other(message.unwrap_or_else(|| "an exception of JavaScript".to_owned()))
}
