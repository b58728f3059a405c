//! Blobs that are written part by part.

use std::fs;
use std::io::{self, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use futures::FutureExt;
use object_store::path::Path;
use object_store::{MultipartUpload, PutPayload, PutResult, Result, UploadPart};
use parking_lot::Mutex;

use super::directory::{Directory, Temp};
use super::{failure, read};
use crate::blocking::blocking;

/// A temporary file that gets its name when it is complete. Dropping it removes the file.
#[derive(Debug)]
pub(super) struct Upload {
    directory: Arc<Directory>,
    location: Path,
    target: PathBuf,
    parts: Arc<Mutex<Parts>>,
    /// Where the next part begins.
    end: u64,
}

#[derive(Debug)]
struct Parts {
    /// `None` once the upload is complete or aborted.
    temp: Option<Temp>,
    bytes_written: u64,
}

impl Upload {
    pub(super) fn start(directory: Arc<Directory>, location: Path, target: PathBuf) -> Result<Self> {
        let temp = directory.temp().map_err(|e| failure(&location, e))?;
        let parts = Parts { temp: Some(temp), bytes_written: 0 };
        Ok(Self { directory, location, target, parts: Arc::new(Mutex::new(parts)), end: 0 })
    }
}

impl Parts {
    /// Writes a part at its place; parts may come in any order.
    fn write(&mut self, at: u64, part: &PutPayload) -> io::Result<()> {
        let temp = self.temp.as_mut().ok_or_else(over)?;
        temp.file().seek(SeekFrom::Start(at))?;
        for chunk in part {
            temp.write(chunk)?;
            self.bytes_written += chunk.len() as u64;
        }
        Ok(())
    }
}

fn over() -> io::Error {
    io::Error::other("the upload is complete or aborted")
}

#[async_trait]
impl MultipartUpload for Upload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let at = self.end;
        self.end += data.content_length() as u64;
        let (parts, location) = (Arc::clone(&self.parts), self.location.clone());
        async move { parts.lock().write(at, &data).map_err(|e| failure(&location, e)) }.boxed()
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let complete = || {
            let mut parts = self.parts.lock();
            let temp = parts.temp.take().ok_or_else(over)?;
            if parts.bytes_written != self.end {
                let (found, expected) = (parts.bytes_written, self.end);
                let message = format!("{found} of {expected} bytes were uploaded when it was completed");
                return Err(io::Error::other(message));
            }
            self.directory.publish(temp, &self.target, false)?;
            fs::metadata(&self.target)
        };
        let metadata = blocking(complete).map_err(|e| failure(&self.location, e))?;
        Ok(PutResult { e_tag: read::meta(self.location.clone(), &metadata).e_tag, version: None })
    }

    async fn abort(&mut self) -> Result<()> {
        self.parts.lock().temp = None;
        Ok(())
    }
}
