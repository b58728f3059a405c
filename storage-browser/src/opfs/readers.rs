//! Open blobs, read in place.

use std::collections::HashMap;
use std::ops::Range;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use object_store::path::Path;
use object_store::{Error, GetOptions, GetRange, GetResult, ObjectMeta, Result};
use wasm_bindgen::prelude::*;
use web_sys::{File, FileSystemFileHandle, FileSystemReadWriteOptions, FileSystemSyncAccessHandle};

use super::{failure, result};
use crate::js::{self, FileHandle, Thrown, settled};

/// So many blobs are kept open.
const OPEN_AT_MOST: usize = 128;

/// A blob that is open for reading.
pub(super) struct Reader {
    access: FileSystemSyncAccessHandle,
    meta: ObjectMeta,
}

impl Reader {
    pub(super) async fn open(location: Path, file: &FileSystemFileHandle) -> Result<Self, Thrown> {
        // Browsers that know no modes take the option for nothing, and open it for one reader alone.
        let mode = js::options("mode", "read-only");
        let opened = file.unchecked_ref::<FileHandle>().create_sync_access_handle(&mode)?;
        let (looked_at, opened) = futures::join!(settled::<File>(file.get_file()), settled(opened));
        let access: FileSystemSyncAccessHandle = opened?;
        let meta = looked_at.map(|file| meta(location, &file));
        match meta {
            Ok(meta) => Ok(Self { access, meta }),
            Err(e) => {
                access.close();
                Err(e)
            }
        }
    }

    /// What `options` ask for.
    pub(super) fn answer(&self, options: &GetOptions) -> Result<GetResult> {
        options.check_preconditions(&self.meta)?;
        let range = match &options.range {
            Some(range) => self.inside(range)?,
            None => 0..self.meta.size,
        };
        let bytes = self.read(&range)?;
        Ok(result(bytes, self.meta.clone(), range))
    }

    /// The bytes of `range`, cut at the end of the blob.
    pub(super) fn range(&self, range: &Range<u64>) -> Result<Bytes> {
        let range = self.inside(&GetRange::Bounded(range.clone()))?;
        self.read(&range)
    }

    pub(super) fn whole(&self) -> Result<Bytes> {
        self.read(&(0..self.meta.size))
    }

    fn inside(&self, range: &GetRange) -> Result<Range<u64>> {
        range.as_range(self.meta.size).map_err(|e| Error::Generic {
            store: "OPFS",
            source: format!("a range of {}: {e}", self.meta.location).into(),
        })
    }

    fn read(&self, range: &Range<u64>) -> Result<Bytes> {
        let failed = |e: Thrown| failure(&self.meta.location, e);
        let len = usize::try_from(range.end - range.start)
            .map_err(|_| failed(Thrown::new("RangeError", "more bytes than memory can have")))?;
        let mut bytes = vec![0; len];
        let mut done = 0;
        while let Some(rest) = bytes.get_mut(done..).filter(|rest| !rest.is_empty()) {
            let options = FileSystemReadWriteOptions::new();
            // Sizes of files stay far below 2^53.
            options.set_at((range.start + done as u64) as f64);
            let read = self.access.read_with_u8_array_and_options(rest, &options);
            match read.map_err(|e| failed(e.into()))? as usize {
                0 => return Err(failed(Thrown::new("NotReadableError", "the file is shorter than it was"))),
                read => done += read,
            }
        }
        Ok(bytes.into())
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.access.close();
    }
}

/// What `file` says of the blob at `location`. The tag differs for every content that was put in another
/// millisecond or has another size.
pub(super) fn meta(location: Path, file: &File) -> ObjectMeta {
    let (size, modified_ms) = (file.size() as u64, file.last_modified() as i64);
    ObjectMeta {
        location,
        last_modified: DateTime::<Utc>::from_timestamp_millis(modified_ms).unwrap_or_default(),
        size,
        e_tag: Some(format!("{modified_ms:x}-{size:x}")),
        version: None,
    }
}

/// The blobs read last.
#[derive(Default)]
pub(super) struct Readers {
    open: HashMap<Path, (u64, Reader)>,
    /// Counts uses, so that the one used longest ago can be told.
    uses: u64,
}

impl Readers {
    pub(super) fn get(&mut self, location: &Path) -> Option<&Reader> {
        self.uses += 1;
        let (used, reader) = self.open.get_mut(location)?;
        *used = self.uses;
        Some(reader)
    }

    /// Keeps `reader` open, and closes the one used longest ago if there are too many.
    pub(super) fn insert(&mut self, reader: Reader) {
        if self.open.len() >= OPEN_AT_MOST {
            let oldest = self.open.iter().min_by_key(|(_, (used, _))| *used);
            if let Some(location) = oldest.map(|(location, _)| location.clone()) {
                self.open.remove(&location);
            }
        }
        self.uses += 1;
        self.open.insert(reader.meta.location.clone(), (self.uses, reader));
    }

    pub(super) fn close(&mut self, location: &Path) {
        self.open.remove(location);
    }
}
