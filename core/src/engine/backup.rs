//! A consistent copy of a store in other stores, while statements go on.
//!
//! ```text
//! target is said to be a copy in the making → keys, as of one moment → files that they lead to
//!     → store.json → target is said to be a store
//! ```
//!
//! The copy has an id of its own. Whoever opens its keys over the blob store of the original, which goes on
//! without it, is told that the two do not belong together.

use std::sync::Arc;

use object_store::path::Path;
use object_store::{PutMode, PutOptions, PutPayload};

use crate::catalog::Catalog;
use crate::cold::{ColdFile, FileName};
use crate::engine::contents::{Contents, File, ORDER};
use crate::engine::create::{begin_load, end_load, undo_load};
use crate::engine::open::{FORMAT, STORE_FILE, STORE_ID, StoreFile};
use crate::error::{Error, ErrorKind, Result};
use crate::pace::{CancelToken, Pace};
use crate::storage::{KeyRange, Keyspace, Stores, WriteBatch};
use crate::tiers::Tiers;
use crate::types::Durability;

/// Pairs read at a time, and bytes of pairs that are committed at once.
const PAGE: usize = 64;
const BATCH_BYTES: usize = 8 << 20;

/// What a backup copied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BackupReport {
    /// Files of the cold tier.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Damage that was copied as it is, or files that are missing, a line each.
    pub damage: Vec<String>,
}

/// How far a backup is: bytes of batch files that are copied, and of all.
pub type OnProgress<'a> = &'a mut (dyn FnMut(u64, u64) + Send);

/// Copies the store of `tiers` into `target`, which must be empty.
///
/// # Errors
/// As [`crate::Engine::backup`].
pub async fn backup(tiers: &Tiers, target: &Stores, progress: OnProgress<'_>) -> Result<BackupReport> {
    begin_load(target).await?;
    let mut written = Vec::new();
    let copied = copy(tiers, target, &mut written, progress).await;
    if copied.is_err()
        && let Err(error) = undo_load(target, &written).await
    {
        tracing::warn!(%error, "a backup that failed left a part of itself");
    }
    copied
}

async fn copy(
    tiers: &Tiers,
    target: &Stores,
    written: &mut Vec<Path>,
    progress: OnProgress<'_>,
) -> Result<BackupReport> {
    let _files = tiers.snapshots.pin_files();
    let mut id = [0; 16];
    target.rng.fill(&mut id);
    let id = data_encoding::HEXLOWER.encode(&id);
    let mut contents = copy_keys(tiers, target, &id).await?;
    let mut report = BackupReport::default();
    let files = contents.files(tiers.stores.blobs.as_ref(), &mut report.damage).await?;
    copy_files(&tiers.stores, target, &files, written, &mut report, progress).await?;
    verify(target, &files, &mut report).await?;
    let file = StoreFile { format: FORMAT, store_id: id.clone() };
    let bytes = serde_json::to_vec_pretty(&file).map_err(|e| Error::internal(e.to_string()))?;
    put(target, Path::from(STORE_FILE), bytes.into(), written).await?;
    end_load(target, &id).await?;
    Ok(report)
}

/// Copies every pair; commits wait meanwhile.
async fn copy_keys(tiers: &Tiers, target: &Stores, id: &str) -> Result<Contents> {
    let pace = pace(&tiers.stores);
    let order = tiers.commit_order.lock().await;
    let catalog: Arc<Catalog> = tiers.catalog();
    let mut contents = Contents::of(&catalog);
    for space in ORDER {
        let mut batch = WriteBatch::new();
        let mut bytes = 0;
        let mut range = KeyRange::all();
        loop {
            pace.step().await?;
            let page = tiers.stores.kv.page(space, range.clone(), PAGE).await?;
            let full = page.len() == PAGE;
            let last = page.last().map(|(key, _)| key.clone());
            for (key, value) in page {
                if !contents.add(space, &key, &value)? {
                    continue;
                }
                bytes += key.len() + value.len();
                let is_id = space == Keyspace::Meta && key == STORE_ID;
                batch.put(space, key, if is_id { id.as_bytes().to_vec().into() } else { value });
            }
            if bytes >= BATCH_BYTES || !full {
                target.kv.commit(std::mem::take(&mut batch), Durability::Strict).await?;
                bytes = 0;
            }
            match last {
                Some(last) if full => range = range.after(last),
                _ => break,
            }
        }
    }
    drop(order);
    Ok(contents)
}

async fn copy_files(
    from: &Stores,
    target: &Stores,
    files: &[File],
    written: &mut Vec<Path>,
    report: &mut BackupReport,
    progress: OnProgress<'_>,
) -> Result<()> {
    let pace = pace(from);
    let total = files.iter().map(File::expected_bytes).sum();
    let mut done = 0;
    progress(done, total);
    for file in files {
        pace.step().await?;
        let Some(content) = file.read(from.blobs.as_ref()).await? else {
            // Of batch files and their checksums, `verify` tells.
            let name = file.path.filename().and_then(FileName::parse);
            if !matches!(name, Some(FileName::Batch(_) | FileName::Sums(_))) {
                report.damage.push(format!("{}: the file is missing", file.path));
            }
            continue;
        };
        report.files += 1;
        report.bytes += content.len() as u64;
        put(target, file.path.clone(), content, written).await?;
        done += file.expected_bytes();
        progress(done, total);
    }
    Ok(())
}

/// Others get the thread meanwhile, and whoever gives the backup up is heard.
fn pace(stores: &Stores) -> Pace {
    Pace::new(CancelToken::new(), Arc::clone(&stores.clock), Arc::clone(&stores.pause))
}

/// Reads every batch file of the copy and compares it with its checksums; what was damaged before, or on the
/// way, is told.
async fn verify(target: &Stores, files: &[File], report: &mut BackupReport) -> Result<()> {
    let pace = pace(target);
    for (dir, entry) in files.iter().filter_map(|file| file.batch.as_ref()) {
        pace.step().await?;
        let copy = ColdFile::new(Arc::clone(&target.blobs), dir, Arc::clone(entry));
        match copy.verify().await {
            Err(e) if e.kind() == ErrorKind::Corrupt => report.damage.push(e.to_string()),
            verified => verified?,
        }
    }
    Ok(())
}

async fn put(target: &Stores, path: Path, content: bytes::Bytes, written: &mut Vec<Path>) -> Result<()> {
    let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
    target.blobs.put_opts(&path, PutPayload::from_bytes(content), options).await?;
    written.push(path);
    Ok(())
}
