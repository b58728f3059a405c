//! Reading an archive into empty stores.

use std::io::Read;

use bytes::Bytes;
use object_store::path::Path;
use object_store::{ObjectStore, PutMode, PutOptions, PutPayload};
use serde::de::DeserializeOwned;

use super::{ARCHIVE, BLOBS, END, End, HEAD, Head, KEYS, Tally};
use crate::engine::create::{begin_load, end_load, undo_load};
use crate::engine::open::FORMAT;
use crate::error::{Error, ErrorKind, Result};
use crate::storage::{Keyspace, Stores, WriteBatch};
use crate::types::Durability;

const BLOCK: usize = 512;
/// Bytes of pairs that are committed at once.
const BATCH_BYTES: usize = 8 << 20;
const CUT_SHORT: &str = "the archive is cut short";

/// Makes the store of the archive in `input` of `stores`, which must be empty.
///
/// # Errors
/// `AlreadyExists` when the stores are not empty, `Corrupt` when the archive is cut short or altered,
/// `Unsupported` for one of another version. The stores are empty again after an error; where that fails too,
/// or the process ends in the middle, they are of no use, and say so when they are opened.
pub async fn load(stores: &Stores, input: &mut (dyn Read + Send)) -> Result<()> {
    begin_load(stores).await?;
    let mut written = Vec::new();
    let filled = match fill(stores, input, &mut written).await {
        Ok(store_id) => end_load(stores, &store_id).await,
        Err(e) => Err(e),
    };
    if filled.is_err()
        && let Err(error) = undo_load(stores, &written).await
    {
        tracing::warn!(%error, "an archive that could not be loaded left a part of it in the store");
    }
    filled
}

/// Puts everything of the archive into `stores`, and the files that this made into `written`; gives the id of
/// the store.
async fn fill(stores: &Stores, input: &mut (dyn Read + Send), written: &mut Vec<Path>) -> Result<String> {
    let mut tally = Tally::default();
    let (name, content) = first(input)?;
    let head: Head = parse(HEAD, &content)?;
    if head.archive != ARCHIVE || head.format != FORMAT {
        return Err(Error::unsupported(format!(
            "the archive has version {} of a store of version {}; this FirnDB reads {ARCHIVE} and {FORMAT}",
            head.archive, head.format
        )));
    }
    tally.add(&name, &content);
    loop {
        let Some((name, content)) = next(input)? else {
            return Err(Error::corrupt("the archive is cut short: it has no end.json"));
        };
        if name == END {
            let (found, expected) = (parse::<End>(END, &content)?, tally.end());
            if found != expected {
                return Err(Error::corrupt(
                    "the archive is altered: its checksum is not that of its entries",
                ));
            }
            return Ok(head.store_id);
        }
        tally.add(&name, &content);
        if let Some(space) = name.strip_prefix(KEYS) {
            put_keys(stores, &name, keyspace(space)?, &content).await?;
        } else if let Some(path) = name.strip_prefix(BLOBS) {
            written.push(put_blob(stores, path, content).await?);
        } else {
            return Err(Error::corrupt(format!("{name}: no entry of an archive")));
        }
    }
}

fn keyspace(name: &str) -> Result<Keyspace> {
    let space = name.rsplit_once('-').map_or(name, |(space, _)| space);
    let found = Keyspace::ALL.into_iter().find(|s| s.name() == space);
    found.ok_or_else(|| Error::corrupt(format!("{KEYS}{name}: there is no keyspace {space}")))
}

async fn put_blob(stores: &Stores, path: &str, content: Vec<u8>) -> Result<Path> {
    let path = Path::parse(path).map_err(|e| Error::corrupt(format!("{BLOBS}{path}: {e}")))?;
    let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
    stores.blobs.put_opts(&path, PutPayload::from(content), options).await?;
    Ok(path)
}

async fn put_keys(stores: &Stores, name: &str, space: Keyspace, content: &[u8]) -> Result<()> {
    let mut batch = WriteBatch::new();
    let mut bytes = 0;
    let mut rest = content;
    while !rest.is_empty() {
        let (key, after) = part(name, rest)?;
        let (value, after) = part(name, after)?;
        rest = after;
        bytes += key.len() + value.len();
        batch.put(space, Bytes::copy_from_slice(key), Bytes::copy_from_slice(value));
        if bytes >= BATCH_BYTES || rest.is_empty() {
            stores.kv.commit(std::mem::take(&mut batch), Durability::Strict).await?;
            bytes = 0;
        }
    }
    Ok(())
}

/// The part at the start of `content` and what is behind it.
fn part<'a>(name: &str, content: &'a [u8]) -> Result<(&'a [u8], &'a [u8])> {
    let split = content.split_first_chunk::<4>().and_then(|(length, rest)| {
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        rest.split_at_checked(length)
    });
    split.ok_or_else(|| Error::corrupt(format!("{name}: a pair is cut short")))
}

fn parse<T: DeserializeOwned>(name: &str, content: &[u8]) -> Result<T> {
    serde_json::from_slice(content).map_err(|e| Error::corrupt(format!("{name}: {e}")).with_source(e))
}

/// The entry that an archive starts with.
fn first(input: &mut dyn Read) -> Result<(String, Vec<u8>)> {
    let none = |why: String| {
        Error::corrupt(format!("this is no archive of FirnDB: {why}"))
            .with_hint("an archive is made by firndb dump, and by dump() in JavaScript")
    };
    match next(input) {
        Ok(Some((name, content))) if name == HEAD => Ok((name, content)),
        Ok(Some((name, _))) => Err(none(format!("it starts with {name}, expected {HEAD}"))),
        Ok(None) => Err(none("it is empty".to_owned())),
        Err(e) if e.kind() == ErrorKind::Corrupt && e.message() != CUT_SHORT => {
            Err(none("it does not start with the header of a tar file".to_owned()))
        }
        Err(e) => Err(e),
    }
}

/// The next entry: its name and content.
fn next(input: &mut dyn Read) -> Result<Option<(String, Vec<u8>)>> {
    let mut long_name = None;
    loop {
        let mut block = [0; BLOCK];
        if !read_block(input, &mut block)? || block.iter().all(|b| *b == 0) {
            return Ok(None);
        }
        let header = tar::Header::from_byte_slice(&block);
        let sum: u32 = block
            .iter()
            .enumerate()
            .map(|(at, b)| u32::from(if (148..156).contains(&at) { b' ' } else { *b }))
            .sum();
        if header.cksum().ok() != Some(sum) {
            return Err(Error::corrupt("the archive is altered: a tar header does not fit its checksum"));
        }
        let size = header.entry_size().map_err(|e| Error::corrupt(format!("the archive: {e}")))?;
        let content = read_content(input, size)?;
        if header.entry_type().is_gnu_longname() {
            let name = content.split(|b| *b == 0).next().unwrap_or_default();
            long_name = Some(String::from_utf8_lossy(name).into_owned());
            continue;
        }
        let name =
            long_name.take().unwrap_or_else(|| String::from_utf8_lossy(&header.path_bytes()).into_owned());
        return Ok(Some((name, content)));
    }
}

/// Fills `block`; `false` at the end of the input.
fn read_block(input: &mut dyn Read, block: &mut [u8; BLOCK]) -> Result<bool> {
    let mut found = Vec::with_capacity(BLOCK);
    input.take(BLOCK as u64).read_to_end(&mut found).map_err(failed)?;
    if found.is_empty() {
        return Ok(false);
    }
    let length = found.len();
    let whole = found.try_into();
    *block = whole.map_err(|_| Error::corrupt(format!("a tar header has {BLOCK} bytes, found {length}")))?;
    Ok(true)
}

fn read_content(input: &mut dyn Read, size: u64) -> Result<Vec<u8>> {
    // Not reserved ahead: the size is only what the archive says.
    let mut content = Vec::new();
    input.take(size.next_multiple_of(BLOCK as u64)).read_to_end(&mut content).map_err(failed)?;
    let size =
        usize::try_from(size).map_err(|_| Error::limit("an entry of the archive does not fit memory"))?;
    if content.len() < size {
        return Err(Error::corrupt(CUT_SHORT));
    }
    content.truncate(size);
    Ok(content)
}

fn failed(e: std::io::Error) -> Error {
    Error::unavailable(format!("reading the archive: {e}")).with_source(e)
}
