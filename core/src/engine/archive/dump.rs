//! Writing an archive.

use std::io::Write;
use std::sync::Arc;

use bytes::Bytes;

use super::{ARCHIVE, BLOBS, END, HEAD, Head, KEYS, Tally};
use crate::engine::contents::{Contents, ORDER};
use crate::engine::open::{FORMAT, STORE_FILE, read_store_file};
use crate::error::{Error, Result};
use crate::pace::{CancelToken, Pace};
use crate::storage::{KeyRange, Keyspace};
use crate::tiers::Tiers;

/// Pairs read at a time, and the bytes of an entry of pairs.
const PAGE: usize = 64;
const KEYS_BYTES: usize = 8 << 20;

/// Writes the whole store to `out`, as of one moment; commits wait while keys are read.
///
/// # Errors
/// What the stores report; `Unavailable` when `out` fails, and what was written is then no archive.
pub async fn dump(tiers: &Tiers, out: &mut (dyn Write + Send)) -> Result<()> {
    let stores = &tiers.stores;
    let file = read_store_file(stores.blobs.as_ref()).await?;
    let file = file.ok_or_else(|| Error::corrupt("the blob store has lost its store.json"))?;
    let mut archive = Archive { out, tally: Tally::default() };
    let head = Head { archive: ARCHIVE, format: FORMAT, store_id: file.store_id.clone() };
    archive.add(HEAD, &json(&head)?)?;
    // In a browser's worker nothing else would get the thread before the end.
    let pace = Pace::new(CancelToken::new(), Arc::clone(&stores.clock), Arc::clone(&stores.pause));
    // What is dropped while files are read must not go before they are.
    let _files = tiers.snapshots.pin_files();
    let order = tiers.commit_order.lock().await;
    let mut contents = Contents::of(&tiers.catalog());
    for space in ORDER {
        keys(tiers, space, &mut archive, &mut contents).await?;
    }
    drop(order);
    archive.add(&format!("{BLOBS}{STORE_FILE}"), &json(&file)?)?;
    let mut damage = Vec::new();
    for file in contents.files(stores.blobs.as_ref(), &mut damage).await? {
        match file.read(stores.blobs.as_ref()).await? {
            Some(content) => archive.add(&format!("{BLOBS}{}", file.path), &content)?,
            None => damage.push(format!("{}: the file is missing", file.path)),
        }
        pace.step().await?;
    }
    for finding in damage {
        tracing::warn!(%finding, "the archive is of a damaged store");
    }
    let end = archive.tally.end();
    archive.add(END, &json(&end)?)?;
    // A tar file ends with two empty blocks.
    archive.write(&[0; 1024])?;
    archive.out.flush().map_err(failed)
}

async fn keys(
    tiers: &Tiers,
    space: Keyspace,
    archive: &mut Archive<'_>,
    contents: &mut Contents,
) -> Result<()> {
    let mut range = KeyRange::all();
    let mut content = Vec::new();
    let mut number = 0;
    loop {
        let page = tiers.stores.kv.page(space, range.clone(), PAGE).await?;
        for (key, value) in &page {
            if !contents.add(space, key, value)? {
                continue;
            }
            put(&mut content, key)?;
            put(&mut content, value)?;
        }
        let full = page.len() == PAGE;
        if content.len() >= KEYS_BYTES || (!full && !content.is_empty()) {
            archive.add(&format!("{KEYS}{}-{number}", space.name()), &content)?;
            content.clear();
            number += 1;
        }
        match page.into_iter().next_back() {
            Some((last, _)) if full => range = range.after(last),
            _ => return Ok(()),
        }
    }
}

fn put(content: &mut Vec<u8>, part: &Bytes) -> Result<()> {
    let length = u32::try_from(part.len()).map_err(|_| Error::limit("a key or value of 4 GiB or more"))?;
    content.extend_from_slice(&length.to_be_bytes());
    content.extend_from_slice(part);
    Ok(())
}

fn json(value: &impl serde::Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(|e| Error::internal(e.to_string()))
}

fn failed(e: std::io::Error) -> Error {
    Error::unavailable(format!("writing the archive: {e}")).with_source(e)
}

struct Archive<'a> {
    out: &'a mut (dyn Write + Send),
    tally: Tally,
}

impl Archive<'_> {
    fn add(&mut self, name: &str, content: &[u8]) -> Result<()> {
        self.tally.add(name, content);
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        // The builder writes names that do not fit a header in an entry of their own.
        let mut entry = tar::Builder::new(Vec::new());
        entry.append_data(&mut header, name, content).map_err(failed)?;
        let bytes = std::mem::take(entry.get_mut());
        self.write(&bytes)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.out.write_all(bytes).map_err(failed)
    }
}
