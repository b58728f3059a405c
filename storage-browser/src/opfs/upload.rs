//! Blobs on their way: temporary files, at once or part by part.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use async_trait::async_trait;
use futures::FutureExt;
use object_store::path::Path;
use object_store::{MultipartUpload, PutPayload, PutResult, Result, UploadPart};
use send_wrapper::SendWrapper;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::{FileSystemFileHandle, FileSystemReadWriteOptions, FileSystemSyncAccessHandle};

use super::directory::{Directory, file};
use super::failure;
use super::readers::Reader;
use crate::bridge;
use crate::js::{FileHandle, Thrown, settled};

/// A file on its way to its name; removed when it is dropped before it got there.
pub(super) struct Temp {
    directory: Rc<Directory>,
    name: String,
    file: FileSystemFileHandle,
    /// Open for writing, which keeps others off, until the file is complete.
    access: Option<FileSystemSyncAccessHandle>,
    /// It has its name, or is removed.
    settled: bool,
}

impl Temp {
    pub(super) async fn make(directory: Rc<Directory>, name: String) -> Result<Self, Thrown> {
        let file = file(directory.temps(), &name, true).await?;
        let mut temp = Self { directory, name, file, access: None, settled: false };
        temp.access = Some(settled(temp.file.create_sync_access_handle()).await?);
        Ok(temp)
    }

    /// Writes `payload` at `at`.
    pub(super) fn write(&mut self, mut at: u64, payload: &PutPayload) -> Result<(), Thrown> {
        let access = self.access.as_ref().ok_or_else(over)?;
        for chunk in payload {
            let options = FileSystemReadWriteOptions::new();
            // Sizes of files stay far below 2^53.
            options.set_at(at as f64);
            let written = access.write_with_u8_array_and_options(chunk, &options)?;
            if written as usize != chunk.len() {
                let expected = chunk.len();
                let message = format!("{written} of {expected} bytes were written");
                return Err(Thrown::new("QuotaExceededError", message));
            }
            at += chunk.len() as u64;
        }
        Ok(())
    }

    /// Flushes the file and gives it its name. With `create`, fails with `AlreadyExists` instead of replacing
    /// what has the name.
    pub(super) async fn publish(mut self, location: &Path, create: bool) -> Result<PutResult> {
        let access = self.access.take().ok_or_else(|| failure(location, over()))?;
        let flushed = access.flush();
        access.close();
        flushed.map_err(|e| failure(location, e.into()))?;
        let file: &FileHandle = self.file.unchecked_ref();
        self.directory.publish(file, location, create).await?;
        self.settled = true;
        Ok(PutResult { e_tag: None, version: None })
    }

    /// Removes the file, and returns when it is gone.
    async fn remove(mut self) -> Result<(), Thrown> {
        if let Some(access) = self.access.take() {
            access.close();
        }
        settled::<JsValue>(self.directory.temps().remove_entry(&self.name)).await?;
        self.settled = true;
        Ok(())
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        if let Some(access) = self.access.take() {
            access.close();
        }
        if !self.settled {
            let removed = self.directory.temps().remove_entry(&self.name);
            // What stays is removed at the next opening.
            spawn_local(async { _ = settled::<JsValue>(removed).await });
        }
    }
}

fn over() -> Thrown {
    Thrown::new("InvalidStateError", "the upload is complete or aborted")
}

/// A blob that is written part by part. Dropping it removes what was written.
pub(super) struct Upload {
    location: Path,
    parts: SendWrapper<Rc<RefCell<Parts>>>,
    /// Where the next part begins.
    end: u64,
}

struct Parts {
    /// `None` once the upload is complete or aborted.
    temp: Option<Temp>,
    bytes_written: u64,
}

impl Upload {
    pub(super) async fn start(directory: &Rc<Directory>, location: Path) -> Result<Self> {
        let temp = directory.temp(&location).await?;
        let parts = Rc::new(RefCell::new(Parts { temp: Some(temp), bytes_written: 0 }));
        Ok(Self { location, parts: SendWrapper::new(parts), end: 0 })
    }

    /// The file with all parts in it.
    fn take(&self) -> Result<Temp, Thrown> {
        let mut parts = self.parts.borrow_mut();
        let temp = parts.temp.take().ok_or_else(over)?;
        if parts.bytes_written != self.end {
            let (found, expected) = (parts.bytes_written, self.end);
            let message = format!("{found} of {expected} bytes were uploaded when it was completed");
            return Err(Thrown::new("InvalidStateError", message));
        }
        Ok(temp)
    }
}

impl Parts {
    /// Writes a part at its place; parts may come in any order.
    fn write(&mut self, at: u64, part: &PutPayload) -> Result<(), Thrown> {
        self.temp.as_mut().ok_or_else(over)?.write(at, part)?;
        self.bytes_written += part.content_length() as u64;
        Ok(())
    }
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload").field("location", &self.location).finish_non_exhaustive()
    }
}

#[async_trait]
impl MultipartUpload for Upload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let at = self.end;
        self.end += data.content_length() as u64;
        let (parts, location) = (self.parts.clone(), self.location.clone());
        async move { parts.borrow_mut().write(at, &data).map_err(|e| failure(&location, e)) }.boxed()
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let location = self.location.clone();
        let temp = SendWrapper::new(self.take().map_err(|e| failure(&location, e))?);
        bridge::run(async move { temp.take().publish(&location, false).await }).await
    }

    async fn abort(&mut self) -> Result<()> {
        let temp = SendWrapper::new(self.parts.borrow_mut().temp.take());
        if temp.is_none() {
            return Ok(());
        }
        let location = self.location.clone();
        bridge::run(async move {
            match temp.take() {
                Some(temp) => temp.remove().await.map_err(|e| failure(&location, e)),
                None => Ok(()),
            }
        })
        .await
    }
}

/// Copies a blob.
pub(super) async fn copy(directory: &Rc<Directory>, from: &Path, to: &Path, create: bool) -> Result<()> {
    let content = directory.read_once(from, Reader::whole).await?;
    let mut temp = directory.temp(to).await?;
    temp.write(0, &content.into()).map_err(|e| failure(to, e))?;
    temp.publish(to, create).await.map(|_| ())
}
