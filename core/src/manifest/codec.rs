//! Manifests as JSON.
//!
//! The checksum is the CRC-32C of the *canonical* form: the document without its `checksum` member, no
//! white space, members sorted by the bytes of their names. So the copy that people read may be laid
//! out in any way, and members that this version does not know are protected too.

use std::io::{self, Write};

use bytes::Bytes;
use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::manifest::model::{Checksum, Manifest};

/// The version of the format that this code writes and reads.
pub const FORMAT: u32 = 1;

/// The bytes of a manifest and its checksum, which the pointer to it repeats.
///
/// # Errors
/// `Internal` when the manifest breaks its own rules.
pub fn encode(manifest: &Manifest) -> Result<(Bytes, Checksum)> {
    let broken = |why: String| Error::internal(format!("manifest {}: {why}", manifest.version));
    manifest.check().map_err(broken)?;
    manifest.scope()?;
    let mut document = serde_json::to_value(manifest).map_err(|e| broken(e.to_string()))?;
    let checksum = canonical_checksum(&document).map_err(|e| broken(e.to_string()))?;
    if let Value::Object(members) = &mut document {
        members.insert("checksum".to_owned(), Value::String(checksum.to_string()));
    }
    let bytes = serde_json::to_vec_pretty(&document).map_err(|e| broken(e.to_string()))?;
    Ok((bytes.into(), checksum))
}

/// Reads the bytes of the manifest called `name`, and gives its checksum.
///
/// # Errors
/// `Unsupported` for a format of another version; `Corrupt`, naming the file, when the bytes are not
/// a manifest, their checksum is wrong, or a rule of manifests is broken.
pub fn decode(name: &str, bytes: &[u8]) -> Result<(Manifest, Checksum)> {
    let damaged = |why: String| Error::corrupt(format!("manifest {name}: {why}"));
    let mut document: Map<String, Value> =
        serde_json::from_slice(bytes).map_err(|e| damaged(format!("expected a JSON object: {e}")))?;
    match document.get("format").and_then(Value::as_u64) {
        Some(format) if format == u64::from(FORMAT) => {}
        Some(format) => {
            return Err(Error::unsupported(format!(
                "manifest {name} has format {format}, this version reads format {FORMAT}"
            )));
        }
        None => return Err(damaged("expected a format number, found none".to_owned())),
    }
    let expected = match document.remove("checksum") {
        Some(Value::String(text)) => text.parse().map_err(damaged)?,
        _ => return Err(damaged("expected a checksum, found none".to_owned())),
    };
    let document = Value::Object(document);
    let found = canonical_checksum(&document).map_err(|e| damaged(e.to_string()))?;
    if found != expected {
        return Err(damaged(format!("expected checksum {expected}, found {found}")));
    }
    let manifest: Manifest = serde_json::from_value(document).map_err(|e| damaged(e.to_string()))?;
    manifest.check().map_err(damaged)?;
    manifest.scope().map_err(|e| e.context(format!("manifest {name}")))?;
    Ok((manifest, expected))
}

fn canonical_checksum(document: &Value) -> io::Result<Checksum> {
    let mut sum = Crc32c(0);
    write_canonical(document, true, &mut sum)?;
    Ok(Checksum(sum.0))
}

/// Recursion is bounded by the depth that `serde_json` accepts.
fn write_canonical(value: &Value, top: bool, out: &mut Crc32c) -> io::Result<()> {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().filter(|(k, _)| !top || *k != "checksum").collect();
            members.sort_unstable_by_key(|(name, _)| *name);
            out.write_all(b"{")?;
            for (i, (name, member)) in members.into_iter().enumerate() {
                if i > 0 {
                    out.write_all(b",")?;
                }
                serde_json::to_writer(&mut *out, name)?;
                out.write_all(b":")?;
                write_canonical(member, false, out)?;
            }
            out.write_all(b"}")
        }
        Value::Array(items) => {
            out.write_all(b"[")?;
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.write_all(b",")?;
                }
                write_canonical(item, false, out)?;
            }
            out.write_all(b"]")
        }
        scalar => Ok(serde_json::to_writer(out, scalar)?),
    }
}

/// Sums what is written to it.
struct Crc32c(u32);

impl Write for Crc32c {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = crc32c::crc32c_append(self.0, bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::error::ErrorKind;
    use crate::manifest::model::{BatchEntry, BatchStatus, ColumnStats, DeletesRef, FilterRef};
    use crate::manifest::value::StatValue;
    use crate::types::{ColumnId, Scope, SeqId, TableId, UserId};

    fn sample() -> Manifest {
        let user = UserId::new("Ünüsual id").unwrap();
        let stats = ColumnStats {
            min: Some(StatValue::from_bigint(i64::MIN)),
            max: Some(StatValue::from_float(0.1)),
            nulls: 2,
            nans: 1,
            min_exact: true,
            max_exact: false,
        };
        Manifest {
            format: FORMAT,
            namespace: "app".into(),
            table: "messages".into(),
            table_id: TableId(7),
            scope: Scope::User(user.clone()).dir(),
            user: Some(user),
            version: 12,
            previous: Some(11),
            epoch: 3,
            generated_at: "2026-11-22T10:00:00.000Z".into(),
            max_batch: 11,
            flushed_through: SeqId::from_i64(7_264_502_391_808_000_000),
            schema_version: 2,
            rebuilt: None,
            noted: None,
            last_deletes: Some(9),
            batches: vec![BatchEntry {
                number: 9,
                path: "batch-9.parquet".into(),
                sum: Checksum(1),
                status: BatchStatus::Active,
                rows: 100,
                bytes: 1_834_211,
                checksum: Checksum(2),
                schema_version: 2,
                min_seq: SeqId::from_i64(5),
                max_seq: SeqId::MAX,
                row_groups: vec![60, 40],
                columns: BTreeMap::from([(ColumnId(1), stats)]),
                filters: BTreeMap::from([(
                    ColumnId(1),
                    vec![FilterRef { row_group: 0, offset: 4, length: 125_000 }],
                )]),
                deletes: Some(DeletesRef { path: "deletes-10.dv".into(), count: 40 }),
                replaces: vec![3, 4],
                full: true,
                archived_at_ms: Some(1_795_341_600_000),
            }],
        }
    }

    #[test]
    fn manifests_come_back() {
        let (bytes, checksum) = encode(&sample()).unwrap();
        assert_eq!(decode("m", &bytes).unwrap(), (sample(), checksum));
        let text = std::str::from_utf8(&bytes).unwrap();
        assert!(text.contains("\"flushed_through\": \"7264502391808000000\""), "{text}");
    }

    #[test]
    fn layout_and_order_of_members_do_not_matter() {
        let (bytes, checksum) = encode(&sample()).unwrap();
        let value: BTreeMap<String, Value> = serde_json::from_slice(&bytes).unwrap();
        let reversed: Vec<String> =
            value.iter().rev().map(|(k, v)| format!("{}: {v}", Value::from(k.as_str()))).collect();
        let text = format!("{{ {} }}", reversed.join(" ,\n"));
        assert_eq!(decode("m", text.as_bytes()).unwrap().1, checksum);
    }

    #[test]
    fn damage_is_corrupt_and_names_the_file() {
        let (bytes, _) = encode(&sample()).unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        for (from, to) in [
            ("\"rows\": 100", "\"rows\": 101"),
            ("\"checksum\": \"crc32c", "\"checksum\": \"md5"),
            ("\"epoch\": 3", "\"epoch\": 3, \"extra\": 1"),
            ("{", "["),
        ] {
            let altered = text.replacen(from, to, 1);
            assert_ne!(altered, text);
            let error = decode("manifest-12.json", altered.as_bytes()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{from}");
            assert!(error.to_string().contains("manifest-12.json"));
        }
        assert_eq!(decode("m", &bytes[..bytes.len() / 2]).unwrap_err().kind(), ErrorKind::Corrupt);
    }

    #[test]
    fn a_manifest_with_any_bit_flipped_is_not_believed() {
        let (bytes, _) = encode(&sample()).unwrap();
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut bad = bytes.to_vec();
                bad[at] ^= 1 << bit;
                let found = decode("manifest-12.json", &bad);
                assert!(found.is_err(), "bit {bit} of byte {at}: {found:?}");
            }
            assert!(decode("manifest-12.json", &bytes[..at]).is_err(), "cut to {at} bytes");
        }
    }

    #[test]
    fn members_of_later_minor_versions_are_kept_under_the_checksum() {
        let (bytes, _) = encode(&sample()).unwrap();
        let mut document: Map<String, Value> = serde_json::from_slice(&bytes).unwrap();
        document.insert("later".into(), Value::from(1));
        let checksum = canonical_checksum(&Value::Object(document.clone())).unwrap();
        document.insert("checksum".into(), Value::from(checksum.to_string()));
        let text = serde_json::to_string(&document).unwrap();
        assert_eq!(decode("m", text.as_bytes()).unwrap().0, sample());
    }

    #[test]
    fn another_format_is_unsupported_whatever_its_checksum() {
        let (bytes, _) = encode(&sample()).unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap().replace("\"format\": 1", "\"format\": 2");
        assert_eq!(decode("m", text.as_bytes()).unwrap_err().kind(), ErrorKind::Unsupported);
    }

    #[test]
    fn a_manifest_that_breaks_a_rule_is_not_written() {
        let mut broken = sample();
        broken.max_batch = 1;
        assert_eq!(encode(&broken).unwrap_err().kind(), ErrorKind::Internal);
    }
}
