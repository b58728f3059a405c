//! Keys as tuples that sort as their parts do, of which none is a prefix of another.
//!
//! ```text
//! u32, i64   big-endian (an i64 is never negative here)
//! text       UTF-8 with 00 written 00 FF, ended by 00 00
//! scope      01 (shared) | 02 text (a user)
//! ```

use crate::error::{Error, Result};
use crate::types::{Scope, SeqId, TableId, UserId};

const SHARED: u8 = 1;
const USER: u8 = 2;

/// `table ‖ scope`.
#[must_use]
pub fn scope_key(table: TableId, scope: &Scope) -> Vec<u8> {
    let mut key = table.0.to_be_bytes().to_vec();
    match scope {
        Scope::Shared => key.push(SHARED),
        Scope::User(id) => {
            key.push(USER);
            push_text(&mut key, id.as_str());
        }
    }
    key
}

/// `table ‖ scope ‖ _seq`.
#[must_use]
pub fn seq_key(table: TableId, scope: &Scope, seq: SeqId) -> Vec<u8> {
    let mut key = scope_key(table, scope);
    key.extend_from_slice(&seq.as_i64().to_be_bytes());
    key
}

/// The prefix of every key of `table`.
#[must_use]
pub fn table_prefix(table: TableId) -> Vec<u8> {
    table.0.to_be_bytes().to_vec()
}

/// Appends `text` so that no text's bytes are a prefix of another's.
pub fn push_text(key: &mut Vec<u8>, text: &str) {
    for byte in text.bytes() {
        key.push(byte);
        if byte == 0 {
            key.push(0xFF);
        }
    }
    key.extend_from_slice(&[0, 0]);
}

/// Splits a key of the `hot`, `manifest` or `tombstones` keyspace into table, scope and the rest.
///
/// # Errors
/// `Corrupt` when the bytes are not such a key.
pub fn parse_scope_key(key: &[u8]) -> Result<(TableId, Scope, &[u8])> {
    let bad = || Error::corrupt(format!("a key is not table and scope: {key:02x?}"));
    let (table, rest) = key.split_first_chunk::<4>().ok_or_else(bad)?;
    let table = TableId(u32::from_be_bytes(*table));
    let (tag, rest) = rest.split_first().ok_or_else(bad)?;
    match *tag {
        SHARED => Ok((table, Scope::Shared, rest)),
        USER => {
            let (text, rest) = parse_text(rest).ok_or_else(bad)?;
            let user = UserId::new(text).map_err(|_| bad())?;
            Ok((table, Scope::User(user), rest))
        }
        _ => Err(bad()),
    }
}

fn parse_text(bytes: &[u8]) -> Option<(String, &[u8])> {
    let mut text = Vec::new();
    let mut at = 0;
    loop {
        let byte = *bytes.get(at)?;
        at += 1;
        if byte != 0 {
            text.push(byte);
        } else if bytes.get(at) == Some(&0xFF) {
            text.push(0);
            at += 1;
        } else if bytes.get(at) == Some(&0) {
            return Some((String::from_utf8(text).ok()?, bytes.get(at + 1..)?));
        } else {
            return None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_ids_have_disjoint_prefix_free_keys() {
        let ids = ["", "a", "ab", "a:b", "a\0", "a\0b", "\0", "\0\0", "a\u{0}\u{ff}", "😀"];
        let scopes: Vec<Scope> =
            ids.iter().map(|id| Scope::User(UserId::new(*id).unwrap())).chain([Scope::Shared]).collect();
        for a in &scopes {
            let ka = scope_key(TableId(1), a);
            assert_eq!(parse_scope_key(&ka).unwrap(), (TableId(1), a.clone(), &[][..]));
            for b in &scopes {
                let kb = scope_key(TableId(1), b);
                assert_eq!(a == b, kb.starts_with(&ka), "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn texts_sort_as_they_do_alone() {
        let mut texts = vec!["b", "a", "", "a\0", "ab", "a\0b"];
        let mut keys: Vec<Vec<u8>> = texts
            .iter()
            .map(|t| {
                let mut k = Vec::new();
                push_text(&mut k, t);
                k
            })
            .collect();
        texts.sort_unstable();
        keys.sort();
        let back: Vec<String> = keys.iter().map(|k| parse_text(k).unwrap().0).collect();
        assert_eq!(back, texts);
    }
}
