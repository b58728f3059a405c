//! Definitions as JSON, in the key-value store and in `table-{schema version}.json`.
//!
//! ```text
//! {
//!   "format": 1,
//!   …                                   the fields of TableDef
//!   "checksum": "crc32c:89abcdef"       of every byte before the comma in front of it
//! }
//! ```

use std::collections::HashSet;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::catalog::{DefaultExpr, FPP_RANGE, TableDef, index, lifetime};
use crate::error::{Error, Result};

const FORMAT: u32 = 1;
const CHECKSUM_START: &str = ",\n  \"checksum\": \"crc32c:";
const CHECKSUM_END: &str = "\"\n}\n";
const CHECKSUM_DIGITS: usize = 8;

/// The bytes of a definition.
///
/// # Errors
/// `Internal` when it cannot be written as JSON.
pub fn encode_table(table: &TableDef) -> Result<Vec<u8>> {
    encode(table)
}

/// The definition that `bytes`, found under `origin`, hold.
///
/// # Errors
/// `Unsupported` for a format of a later release; `Corrupt`, naming `origin`, for anything else that is
/// not a whole and consistent definition.
pub fn decode_table(bytes: &[u8], origin: &str) -> Result<TableDef> {
    let table: TableDef = decode(bytes, origin)?;
    check(&table).map_err(|why| Error::corrupt(format!("{origin} is not a table definition: {why}")))?;
    Ok(table)
}

/// `value` as JSON with a format number and a checksum.
pub(crate) fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    #[derive(Serialize)]
    struct Document<'a, T> {
        format: u32,
        #[serde(flatten)]
        value: &'a T,
    }
    let mut bytes = serde_json::to_vec_pretty(&Document { format: FORMAT, value }).map_err(|e| {
        Error::internal(format!("a definition cannot be written as JSON: {e}")).with_source(e)
    })?;
    // The closing brace and the line break before it come after the checksum.
    bytes.truncate(bytes.len().saturating_sub("\n}".len()));
    let sum = crc32c::crc32c(&bytes);
    bytes.extend_from_slice(format!("{CHECKSUM_START}{sum:08x}{CHECKSUM_END}").as_bytes());
    Ok(bytes)
}

/// What [`encode`] wrote.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8], origin: &str) -> Result<T> {
    #[derive(Deserialize)]
    struct Format {
        format: u32,
    }
    let garbage = |e: serde_json::Error| {
        Error::corrupt(format!("{origin} is not a definition of FirnDB's: {e}")).with_source(e)
    };
    // First, because another format may have its checksum elsewhere.
    let Format { format } = serde_json::from_slice(bytes).map_err(garbage)?;
    if format != FORMAT {
        return Err(Error::unsupported(format!(
            "{origin} has format {format}, this release reads format {FORMAT}"
        )));
    }
    verify(bytes, origin)?;
    serde_json::from_slice(bytes).map_err(garbage)
}

fn verify(bytes: &[u8], origin: &str) -> Result<()> {
    let tail = CHECKSUM_START.len() + CHECKSUM_DIGITS + CHECKSUM_END.len();
    let parts = bytes.len().checked_sub(tail).and_then(|at| bytes.split_at_checked(at));
    let (body, tail) = parts.ok_or_else(|| Error::corrupt(format!("{origin} is cut short")))?;
    let expected = format!("{CHECKSUM_START}{:08x}{CHECKSUM_END}", crc32c::crc32c(body));
    if tail != expected.as_bytes() {
        return Err(Error::corrupt(format!("{origin} does not have the checksum it was written with")));
    }
    Ok(())
}

/// Checks the invariants of [`TableDef`].
fn check(table: &TableDef) -> Result<(), String> {
    let mut names = HashSet::new();
    let mut last = 0;
    for column in &table.columns {
        let id = column.id.0;
        if id <= last || id >= table.next_column_id {
            return Err(format!("column id {id} is out of order"));
        }
        last = id;
        if !names.insert(column.name.as_str()) {
            return Err(format!("two columns are named {}", column.name));
        }
        if column.added_in == 0 || column.added_in > table.schema_version {
            return Err(format!("column {id} was added in schema version {}", column.added_in));
        }
        let mut literals = column.added_value.iter().collect::<Vec<_>>();
        if let Some(DefaultExpr::Literal(literal)) = &column.default {
            literals.push(literal);
        }
        for literal in literals {
            literal.to_scalar(column.ty).map_err(|e| format!("column {id}: {e}"))?;
        }
    }
    for column in &table.dropped_columns {
        let alive = column.added_in < column.dropped_in && column.dropped_in <= table.schema_version;
        if !alive || column.id.0 >= table.next_column_id || table.column_by_id(column.id).is_some() {
            return Err(format!("dropped column {} does not fit", column.id));
        }
    }
    let mut key = HashSet::new();
    for id in &table.primary_key {
        match table.column_by_id(*id) {
            Some(column) if !column.nullable && key.insert(id) => {}
            _ => return Err(format!("key column {id} does not fit")),
        }
    }
    if key.is_empty() {
        return Err("it has no primary key".to_owned());
    }
    index::check(table)?;
    lifetime::check(table)?;
    let shares = &table.options.bloom_fpp;
    if let Some(share) = shares.others.iter().chain(shares.columns.values()).find(|s| !FPP_RANGE.contains(s))
    {
        return Err(format!("a Bloom filter cannot be wrong {share} times in a million"));
    }
    let with_options = table.options.bloom.iter().chain(shares.columns.keys());
    match with_options.into_iter().find(|id| table.column_by_id(**id).is_none()) {
        Some(id) => Err(format!("the Bloom filter option names column {id}, which is none")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::tests::{alter, create, table_of};
    use crate::error::ErrorKind;

    fn rich() -> TableDef {
        let (catalog, _) = table_of(
            "CREATE USER TABLE main.t (id BIGINT PRIMARY KEY DEFAULT SNOWFLAKE_ID(), n INTEGER DEFAULT -5,
             f DOUBLE PRECISION DEFAULT 'NaN', b BYTEA DEFAULT '\\x00ff', at TIMESTAMP NOT NULL DEFAULT NOW())
             WITH (FLUSH_POLICY = 'rows:100,interval:60', BLOOM_FILTER = 'id,n', BLOOM_FPP = '0.02,n:0.001', COMPRESSION = 'lz4')",
        );
        let (catalog, _) =
            alter(&catalog, "ALTER TABLE t DROP COLUMN f, ADD COLUMN f TEXT NOT NULL DEFAULT 'é\"'");
        TableDef::clone(&alter(&catalog, "ALTER TABLE t ADD COLUMN seen TIMESTAMP DEFAULT NOW()").1)
    }

    #[test]
    fn definitions_are_read_as_they_were_written() {
        let table = rich();
        let bytes = encode_table(&table).unwrap();
        assert_eq!(decode_table(&bytes, "k").unwrap(), table);
        let text = String::from_utf8(bytes).unwrap();
        assert!(
            text.starts_with("{\n  \"format\": 1,\n  \"namespace\": \"main\",\n  \"name\": \"t\","),
            "{text}"
        );
        assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
    }

    #[test]
    fn the_life_of_rows_is_kept_and_tables_without_it_do_not_say_so() {
        let (catalog, table) =
            table_of("CREATE STREAM TABLE t (id BIGINT PRIMARY KEY) WITH (TTL_SECONDS = 30)");
        let text = String::from_utf8(encode_table(&table).unwrap()).unwrap();
        assert!(text.contains("\"kind\": \"stream\"") && text.contains("\"ttl_seconds\": 30"), "{text}");
        let (_, longer) = alter(&catalog, "ALTER TABLE t SET (TTL_SECONDS = 60)");
        assert!(longer.options.lapsed_through.is_some());
        assert_eq!(decode_table(&encode_table(&longer).unwrap(), "k").unwrap(), *longer);
        let other = encode_table(&create("CREATE TABLE t (id BIGINT PRIMARY KEY)")).unwrap();
        let other = String::from_utf8(other).unwrap();
        assert!(!other.contains("ttl_seconds") && !other.contains("lapsed_through"), "{other}");
    }

    #[test]
    fn every_single_byte_that_changes_is_noticed() {
        let bytes = encode_table(&create("CREATE TABLE t (id BIGINT PRIMARY KEY)")).unwrap();
        for at in 0..bytes.len() {
            let mut altered = bytes.clone();
            altered[at] ^= 1;
            let e = decode_table(&altered, "table:00000001").expect_err("altered");
            assert!(matches!(e.kind(), ErrorKind::Corrupt | ErrorKind::Unsupported), "byte {at}: {e}");
            assert!(e.message().contains("table:00000001"), "{e}");
            let e = decode_table(&bytes[..at], "k").expect_err("cut short");
            assert_eq!(e.kind(), ErrorKind::Corrupt, "{at} bytes: {e}");
        }
    }

    #[test]
    fn another_format_is_unsupported() {
        let e = decode_table(br#"{"format": 2, "tables": []}"#, "k").expect_err("format 2");
        assert_eq!(e.kind(), ErrorKind::Unsupported);
        assert!(e.message().contains("format 2"), "{e}");
    }

    #[test]
    fn inconsistent_definitions_are_corrupt() {
        type Change = fn(&mut TableDef);
        let changes: [(&str, Change); 11] = [
            ("no key", |t| t.primary_key.clear()),
            ("unknown key", |t| t.primary_key.push(crate::types::ColumnId(99))),
            ("key twice", |t| t.primary_key.push(crate::types::ColumnId(1))),
            ("nullable key", |t| t.columns[0].nullable = true),
            ("duplicate id", |t| t.columns[1].id = t.columns[0].id),
            ("id to come", |t| t.next_column_id = 2),
            ("duplicate name", |t| t.columns[1].name = t.columns[0].name.clone()),
            ("wrong default", |t| t.columns[1].default = t.columns[2].default.clone()),
            ("unknown share", |t| t.options.bloom_fpp.columns.extend([(crate::types::ColumnId(99), 1000)])),
            ("impossible share", |t| t.options.bloom_fpp.others = Some(99)),
            ("unknown filter", |t| t.options.bloom.push(crate::types::ColumnId(99))),
        ];
        for (what, change) in changes {
            let mut table = rich();
            change(&mut table);
            let e = decode_table(&encode_table(&table).unwrap(), "table:00000001").expect_err(what);
            assert_eq!(e.kind(), ErrorKind::Corrupt, "{what}");
            assert!(e.message().contains("table:00000001"), "{e}");
        }
    }
}
