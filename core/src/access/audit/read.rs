//! Reading the log, and verifying that it is whole.

use super::entry::{Entry, EntryHash};
use super::log::{self, Head, key};
use crate::error::{Error, ErrorKind, Result};
use crate::pace::Pace;
use crate::storage::{KeyRange, Keyspace, KvStore};
use crate::tiers::Tiers;

/// Behind every key.
const END: &[u8] = &[0xFF];
/// How many entries are read at a time.
const PAGE: usize = 512;

/// The entries of the log that ends with `head`, the oldest first.
///
/// # Errors
/// `Corrupt` for an entry that is none; `LimitExceeded` when they take more than `most_bytes`; what the key-value
/// store reports.
pub async fn entries(kv: &dyn KvStore, head: Head, most_bytes: usize) -> Result<Vec<Entry>> {
    let mut all = Vec::new();
    let mut bytes = 0_usize;
    let mut at = head.first;
    while at < head.next {
        let page = kv.page(Keyspace::Audit, KeyRange::half_open(key(at), key(head.next)), PAGE).await?;
        let Some((last, _)) = page.last() else { break };
        let next = number_of(last)?.saturating_add(1);
        for (found, value) in &page {
            bytes = bytes.saturating_add(value.len());
            if bytes > most_bytes {
                return Err(Error::limit(format!("the audit log takes more than {most_bytes} bytes")));
            }
            all.push(Entry::parse(value, number_of(found)?)?);
        }
        at = next;
    }
    Ok(all)
}

/// What is wrong with the log: entries that are missing, changed, or too many. Memory is bounded.
///
/// # Errors
/// Only what prevents looking.
pub async fn check(tiers: &Tiers, pace: &Pace) -> Result<Vec<String>> {
    let kv = tiers.stores.kv.as_ref();
    loop {
        // Nobody adds to it while it is asked where it ends, and whether anything lies behind.
        let order = tiers.commit_order.lock().await;
        let head = match log::load(kv).await {
            Ok(head) => head,
            Err(e) if e.kind() == ErrorKind::Corrupt => return Ok(vec![e.to_string()]),
            Err(e) => return Err(e),
        };
        let behind = kv.page(Keyspace::Audit, KeyRange::half_open(key(head.next), END), 1).await?;
        drop(order);
        let mut findings = check_whole(kv, head, pace).await?;
        findings.extend(behind.iter().map(|(found, _)| {
            let number = number_of(found).unwrap_or(0);
            format!("audit entry {number}: the log has {}", extent(&head))
        }));
        // What was forgotten meanwhile was missed for good reason.
        if findings.is_empty() || log::load(kv).await?.first == head.first {
            return Ok(findings);
        }
    }
}

/// What is wrong with the entries of the log of `head`; those that are added meanwhile are none of it.
async fn check_whole(kv: &dyn KvStore, head: Head, pace: &Pace) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    let (mut expected, mut previous) = (head.first, head.anchor);
    let mut range = KeyRange::half_open(key(0), key(head.next));
    loop {
        let page = kv.page(Keyspace::Audit, range.clone(), PAGE).await?;
        for (found, value) in &page {
            pace.step().await?;
            let number = match number_of(found) {
                Ok(number) => number,
                Err(e) => {
                    findings.push(e.to_string());
                    continue;
                }
            };
            if number < head.first {
                findings.push(format!("audit entry {number}: the log has {}", extent(&head)));
                continue;
            }
            if number != expected {
                findings.push(format!("audit entry {expected}: missing, the next is {number}"));
            } else {
                findings.extend(fault(value, number, previous));
            }
            (expected, previous) = (number + 1, EntryHash::of(value));
        }
        match page.last() {
            Some((last, _)) if page.len() == PAGE => range = range.after(last.clone()),
            _ => break,
        }
    }
    if expected != head.next {
        findings.push(format!("audit entry {expected}: missing, the log has {}", extent(&head)));
    } else if previous != head.last {
        findings.push("the last audit entry is not the one that the head of the log says".to_owned());
    }
    Ok(findings)
}

/// What is wrong with one entry, behind one whose hash is `previous`.
fn fault(value: &[u8], number: u64, previous: EntryHash) -> Option<String> {
    match Entry::parse(value, number) {
        Err(e) => Some(e.to_string()),
        Ok(entry) if entry.previous != previous => {
            Some(format!("audit entry {number}: the entry before it is not the one that it follows"))
        }
        Ok(_) => None,
    }
}

fn extent(head: &Head) -> String {
    match head.next - head.first {
        0 => "no entries".to_owned(),
        _ => format!("those from {} to {}", head.first, head.next - 1),
    }
}

fn number_of(key: &[u8]) -> Result<u64> {
    let number = key.get(1..).and_then(|rest| rest.try_into().ok()).map(u64::from_be_bytes);
    number.ok_or_else(|| Error::corrupt(format!("audit key {key:02x?}: expected 9 bytes")))
}
