//! The directory of a store: how names lead to files, and how names change.
//!
//! ```text
//! /firndb/{store}/.firndb-temp/{id}-{counter}   a blob on its way; moved when all its bytes are flushed
//! /firndb/{store}/{path of a blob}              the blob
//! ```
//!
//! A file that is open synchronously can be neither moved over nor deleted. So names change, and handles are
//! opened, one at a time (`names`), and a name that changes loses its handle first.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use async_lock::Mutex;
use firndb_core::{Error as CoreError, ErrorKind};
use js_sys::Reflect;
use object_store::path::Path;
use object_store::{Error, ObjectMeta, Result};
use wasm_bindgen::prelude::*;
use web_sys::{
    File, FileSystemDirectoryHandle, FileSystemFileHandle, FileSystemGetDirectoryOptions,
    FileSystemGetFileOptions, FileSystemRemoveOptions,
};

use super::listing::entries;
use super::name_lock::NameLock;
use super::readers::{self, Reader, Readers};
use super::upload::Temp;
use super::{failure, generic};
use crate::js::{self, FileHandle, Thrown, settled};

/// Above the directories of all stores.
const TOP: &str = "firndb";
/// Where blobs are written before they have their name. No blob can be in it.
pub(super) const TEMP_DIR: &str = ".firndb-temp";
/// The name of the exception for a file that is open elsewhere.
const LOCKED: &str = "NoModificationAllowedError";
/// A worker that was ended holds on to its files for a moment.
const DELETE_ATTEMPTS: usize = 20;
const DELETE_PAUSE_MS: u32 = 50;
/// So many handles of directories are remembered; then the memory starts anew.
const DIRS_REMEMBERED: usize = 4096;

pub(super) struct Directory {
    root: FileSystemDirectoryHandle,
    temps: FileSystemDirectoryHandle,
    /// Part of the names of temporary files, so that two contexts never meet.
    unique: u64,
    temps_made: Cell<u64>,
    /// No directory is ever removed but with its store, so what was found stays true.
    dirs: RefCell<HashMap<String, FileSystemDirectoryHandle>>,
    readers: RefCell<Readers>,
    /// Held while a name changes or a handle is opened.
    names: Mutex<()>,
    /// The same for creations, among all contexts of the origin.
    creations: String,
}

impl Directory {
    pub(super) async fn open(name: &str, unique: u64) -> Result<Self, CoreError> {
        check_features()?;
        let failure = |e: Thrown| e.into_error(ErrorKind::Unavailable, "making a directory");
        let top = subdirectory(&origin_root().await?, TOP, true).await.map_err(failure)?;
        let root = subdirectory(&top, name, true).await.map_err(failure)?;
        let temps = subdirectory(&root, TEMP_DIR, true).await.map_err(failure)?;
        remove_leftovers(&temps).await.map_err(failure)?;
        Ok(Self {
            root,
            temps,
            unique,
            temps_made: Cell::new(0),
            dirs: RefCell::default(),
            readers: RefCell::default(),
            names: Mutex::new(()),
            creations: format!("firndb-create:{name}"),
        })
    }

    /// The directory of `prefix`, or `None` when there is none, so that no blob can be below it.
    pub(super) async fn find(&self, prefix: &Path) -> Result<Option<FileSystemDirectoryHandle>> {
        if prefix.is_root() {
            return Ok(Some(self.root.clone()));
        }
        let found = match self.parent(prefix, false).await {
            Ok((parent, name)) => subdirectory(&parent, &name, false).await.map_err(|e| failure(prefix, e)),
            Err(e) => Err(e),
        };
        match found {
            Ok(found) => Ok(Some(found)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// The directory of the blob at `location`, and its name in there. With `make` the directories on the
    /// way are made, else one that is missing is `NotFound`.
    async fn parent(&self, location: &Path, make: bool) -> Result<(FileSystemDirectoryHandle, String)> {
        let text = location.as_ref();
        let (way, name) = text.rsplit_once('/').unwrap_or(("", text));
        let top = way.split('/').next().filter(|part| !part.is_empty()).unwrap_or(name);
        if name.is_empty() || top == TEMP_DIR {
            return Err(generic(CoreError::invalid(format!("'{text}' cannot be the name of a blob"))));
        }
        let remembered = self.dirs.borrow().get(way).cloned();
        if let Some(dir) = remembered {
            return Ok((dir, name.to_owned()));
        }
        let mut dir = self.root.clone();
        for part in way.split('/').filter(|part| !part.is_empty()) {
            dir = subdirectory(&dir, part, make).await.map_err(|e| failure(location, e))?;
        }
        let mut dirs = self.dirs.borrow_mut();
        if dirs.len() >= DIRS_REMEMBERED {
            dirs.clear();
        }
        dirs.insert(way.to_owned(), dir.clone());
        Ok((dir, name.to_owned()))
    }

    /// An empty temporary file, for the blob at `location`.
    pub(super) async fn temp(self: &Rc<Self>, location: &Path) -> Result<Temp> {
        let count = self.temps_made.get();
        self.temps_made.set(count + 1);
        let name = format!("{:016x}-{count}", self.unique);
        Temp::make(Rc::clone(self), name).await.map_err(|e| failure(location, e))
    }

    pub(super) fn temps(&self) -> &FileSystemDirectoryHandle {
        &self.temps
    }

    /// Gives `file` the name `to`, which it has when this returns. With `create`, fails with `AlreadyExists`
    /// instead of replacing what has the name.
    pub(super) async fn publish(&self, file: &FileHandle, to: &Path, create: bool) -> Result<()> {
        let _names = self.names.lock().await;
        self.move_to(file, to, create).await
    }

    /// The caller holds `names`.
    async fn move_to(&self, file: &FileHandle, to: &Path, create: bool) -> Result<()> {
        let failed = |e: Thrown| moving(to, e);
        let (dir, name) = self.parent(to, true).await?;
        let _creations = if create {
            let lock = NameLock::hold(&self.creations).await.map_err(failed)?;
            match self::file(&dir, &name, false).await {
                Ok(_) => return Err(exists(to)),
                Err(e) if e.name() == "NotFoundError" => {}
                Err(e) => return Err(failed(e)),
            }
            Some(lock)
        } else {
            None
        };
        self.readers.borrow_mut().close(to);
        let moved = async { settled::<JsValue>(file.move_to(&dir, &name)?).await };
        moved.await.map_err(failed)?;
        Ok(())
    }

    pub(super) async fn rename(&self, from: &Path, to: &Path, create: bool) -> Result<()> {
        let _names = self.names.lock().await;
        let file = self.file(from).await?;
        if from == to {
            return if create { Err(exists(to)) } else { Ok(()) };
        }
        self.readers.borrow_mut().close(from);
        self.move_to(file.unchecked_ref(), to, create).await
    }

    pub(super) async fn delete(&self, location: &Path) -> Result<()> {
        let _names = self.names.lock().await;
        let (dir, name) = self.parent(location, false).await?;
        // Else an empty directory would be removed.
        self::file(&dir, &name, false).await.map_err(|e| failure(location, e))?;
        self.readers.borrow_mut().close(location);
        settled::<JsValue>(dir.remove_entry(&name)).await.map_err(|e| failure(location, e))?;
        Ok(())
    }

    /// What `read` makes of the blob at `location`, if its handle is open.
    pub(super) fn with_reader<T>(
        &self,
        location: &Path,
        read: impl Fn(&Reader) -> Result<T>,
    ) -> Option<Result<T>> {
        self.readers.borrow_mut().get(location).map(read)
    }

    /// What `read` makes of the blob at `location`, whose handle stays open.
    pub(super) async fn open_reader<T>(
        &self,
        location: &Path,
        read: impl Fn(&Reader) -> Result<T>,
    ) -> Result<T> {
        let _names = self.names.lock().await;
        // Somebody else may have opened it meanwhile.
        if let Some(found) = self.with_reader(location, &read) {
            return found;
        }
        let reader = self.reader(location).await?;
        let found = read(&reader);
        self.readers.borrow_mut().insert(reader);
        found
    }

    /// What `read` makes of the blob at `location`, whose handle is closed again.
    pub(super) async fn read_once<T>(
        &self,
        location: &Path,
        read: impl Fn(&Reader) -> Result<T>,
    ) -> Result<T> {
        let _names = self.names.lock().await;
        match self.with_reader(location, &read) {
            Some(found) => found,
            None => read(&self.reader(location).await?),
        }
    }

    pub(super) fn close_readers(&self) {
        self.readers.take();
    }

    pub(super) async fn meta(&self, location: &Path) -> Result<ObjectMeta> {
        let _names = self.names.lock().await;
        let looked_at = settled::<File>(self.file(location).await?.get_file()).await;
        looked_at.map(|file| readers::meta(location.clone(), &file)).map_err(|e| failure(location, e))
    }

    async fn reader(&self, location: &Path) -> Result<Reader> {
        let file = self.file(location).await?;
        Reader::open(location.clone(), &file).await.map_err(|e| failure(location, e))
    }

    async fn file(&self, location: &Path) -> Result<FileSystemFileHandle> {
        let (dir, name) = self.parent(location, false).await?;
        self::file(&dir, &name, false).await.map_err(|e| failure(location, e))
    }
}

/// Deletes the directory of a store.
pub(super) async fn delete(name: &str) -> Result<(), CoreError> {
    let origin = origin_root().await?;
    let options = FileSystemRemoveOptions::new();
    options.set_recursive(true);
    let remove = async || {
        let top = subdirectory(&origin, TOP, false).await?;
        settled::<JsValue>(top.remove_entry_with_options(name, &options)).await
    };
    for _ in 0..DELETE_ATTEMPTS {
        match remove().await {
            Ok(_) => return Ok(()),
            Err(e) if e.name() == "NotFoundError" => return Ok(()),
            Err(e) if e.name() == LOCKED => js::wait_ms(DELETE_PAUSE_MS).await,
            Err(e) => return Err(e.into_error(ErrorKind::Unavailable, "removing the directory")),
        }
    }
    Err(CoreError::locked("another tab has a file of it open; close it and delete it again"))
}

/// # Errors
/// `Unsupported` when files cannot be opened synchronously or moved.
fn check_features() -> Result<(), CoreError> {
    let prototype = Reflect::get(&js_sys::global(), &"FileSystemFileHandle".into())
        .and_then(|class| Reflect::get(&class, &"prototype".into()))
        .unwrap_or_default();
    let lacking = ["createSyncAccessHandle", "move"].into_iter().find(|name| {
        let there = prototype.is_object() && js::has_method(&prototype, name);
        !there
    });
    match lacking {
        None => Ok(()),
        Some(name) => Err(CoreError::unsupported(format!(
            "FileSystemFileHandle.{name} is missing: the page is not in a secure context (HTTPS), this is not \
             a dedicated worker, or the browser is too old"
        ))),
    }
}

async fn origin_root() -> Result<FileSystemDirectoryHandle, CoreError> {
    let root = settled(js::worker()?.navigator().storage().get_directory()).await;
    root.map_err(|e| e.into_error(ErrorKind::Unavailable, "opening the origin's private file system"))
}

async fn subdirectory(
    dir: &FileSystemDirectoryHandle,
    name: &str,
    make: bool,
) -> Result<FileSystemDirectoryHandle, Thrown> {
    let options = FileSystemGetDirectoryOptions::new();
    options.set_create(make);
    settled(dir.get_directory_handle_with_options(name, &options)).await
}

pub(super) async fn file(
    dir: &FileSystemDirectoryHandle,
    name: &str,
    make: bool,
) -> Result<FileSystemFileHandle, Thrown> {
    let options = FileSystemGetFileOptions::new();
    options.set_create(make);
    settled(dir.get_file_handle_with_options(name, &options)).await
}

/// Removes all temporary files but those that another context is writing at this moment, whose handle
/// protects them.
async fn remove_leftovers(temps: &FileSystemDirectoryHandle) -> Result<(), Thrown> {
    for leftover in entries(temps).await? {
        match settled::<JsValue>(temps.remove_entry(&leftover.name())).await {
            Err(e) if !matches!(e.name(), "NotFoundError" | LOCKED) => return Err(e),
            _ => {}
        }
    }
    Ok(())
}

fn exists(location: &Path) -> Error {
    Error::AlreadyExists { path: location.to_string(), source: "a blob has that name".into() }
}

/// What failed while the name `to` was given: never that something was not found.
fn moving(to: &Path, e: Thrown) -> Error {
    generic(e.into_error(ErrorKind::Unavailable, &format!("{to}: moving a file there")))
}
