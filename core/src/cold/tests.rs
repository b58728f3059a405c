//! The cold tier end to end: written, scanned by DataFusion, looked up, damaged.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
};
use arrow::datatypes::{DataType, Int32Type, Int64Type};
use datafusion::logical_expr::Operator;
use datafusion::scalar::ScalarValue;
use futures::executor::block_on;
use object_store::ObjectStoreExt;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::Compression;
use roaring::RoaringBitmap;

use crate::cold::checksums::ExtentSums;
use crate::cold::fixture::{Blobs, column, compare, rows, scope, table, write};
use crate::cold::lookup::{Keys, find_rows};
use crate::cold::rows::read_rows;
use crate::cold::schema::FileSchema;
use crate::cold::source::ReadCounters;
use crate::cold::writer::{BatchFileWriter, ROW_GROUP_ROWS};
use crate::cold::{ColdFile, DeletionVectors};
use crate::error::{ErrorKind, Result};
use crate::manifest::{Checksum, DeletesRef};
use crate::storage::{Rng, SeededRng};
use crate::types::{ColumnId, TableId};

fn messages() -> FileSchema {
    let mut id = column(1, "id", DataType::Int64);
    id.nullable = false;
    table(vec![id, column(2, "body", DataType::Utf8), column(3, "stars", DataType::Int32)], &[1])
}

/// Rows with the ids `first, first + step, …`; every seventh body is NULL.
fn batch(schema: &FileSchema, first: i64, step: i64, count: i64) -> RecordBatch {
    let ids: Vec<i64> = (0..count).map(|i| first + i * step).collect();
    let bodies: StringArray = ids.iter().map(|i| (i % 7 != 0).then(|| format!("body {i}"))).collect();
    let stars = Int32Array::from_iter_values(ids.iter().map(|i| (i % 5) as i32));
    rows(schema, vec![Arc::new(Int64Array::from(ids)), Arc::new(bodies), Arc::new(stars)])
}

fn ids(batch: &RecordBatch) -> Vec<i64> {
    batch.column_by_name("id").unwrap().as_primitive::<Int64Type>().values().to_vec()
}

fn lookup(
    blobs: &Blobs,
    file: &ColdFile,
    schema: &FileSchema,
    wanted: &[i64],
) -> Result<(Vec<(usize, u32)>, ReadCounters)> {
    let keys = Keys::new(schema, &[Arc::new(Int64Array::from(wanted.to_vec()))]).unwrap();
    let counters = Arc::new(ReadCounters::default());
    let found = block_on(find_rows(file, &blobs.caches, &counters, &keys, &RoaringBitmap::new()))?.rows;
    Ok((found, Arc::into_inner(counters).unwrap()))
}

#[test]
fn a_file_says_what_it_is() {
    let schema = messages();
    let written = write(&schema, 9, &[batch(&schema, 0, 1, 100), batch(&schema, 100, 1, 200_000)]);
    let entry = &written.entry;
    assert_eq!((entry.number, entry.rows, entry.path.as_str()), (9, 200_100, "batch-9.parquet"));
    assert_eq!(entry.row_groups, [ROW_GROUP_ROWS as u32, 200_100 - ROW_GROUP_ROWS as u32]);
    assert_eq!(entry.bytes, written.parquet.len() as u64);
    assert_eq!(entry.checksum, Checksum::of(&written.parquet));
    assert_eq!((entry.min_seq.as_i64(), entry.max_seq.as_i64()), (1000, 1000 + 200_000 - 1));
    assert_eq!(entry.filters[&ColumnId(1)].len(), 2);
    assert_eq!(entry.columns.keys().copied().collect::<Vec<_>>(), [ColumnId(1), ColumnId(2), ColumnId(3)]);

    let reader = ParquetRecordBatchReaderBuilder::try_new(written.parquet.clone()).unwrap();
    let metadata = reader.metadata().clone();
    let pairs = metadata.file_metadata().key_value_metadata().unwrap();
    let value = |name: &str| pairs.iter().find(|p| p.key == name).and_then(|p| p.value.clone()).unwrap();
    assert_eq!(value("firndb.format"), "1");
    assert_eq!(value("firndb.table_id"), "7");
    assert_eq!(value("firndb.scope"), "u-alice");
    assert_eq!(value("firndb.user"), "alice");
    assert_eq!(value("firndb.batch"), "9");
    assert_eq!(value("firndb.manifest_version"), "50");
    assert_eq!(value("firndb.replaces"), "");
    assert!(value("firndb.schema").contains("\"name\":\"body\""));
    let body = value("firndb.checksum");
    let (sum, length) = body.split_once(' ').unwrap();
    let length: usize = length.parse().unwrap();
    assert_eq!(sum.parse(), Ok(Checksum::of(&written.parquet[..length])));
    assert_eq!(reader.schema().fields(), schema.arrow().fields());
    assert!(pairs.iter().all(|p| p.key != "ARROW:schema"));
}

#[test]
fn a_file_of_a_later_format_is_unsupported() {
    let schema = messages();
    let mut file = write(&schema, 9, &[batch(&schema, 0, 1, 100)]);
    let mut bytes = file.parquet.to_vec();
    // The key of the pair, then one byte of Thrift for the field and one for the length, then the value.
    let at = bytes.windows(13).rposition(|w| w == b"firndb.format").unwrap() + 15;
    assert_eq!(bytes[at], b'1');
    bytes[at] = b'2';
    let sums = ExtentSums::of(&bytes);
    (file.sums, file.entry.sum, file.entry.checksum) = (sums.encode(), sums.checksum(), Checksum::of(&bytes));
    file.parquet = bytes.into();
    let blobs = Blobs::new();
    let file = blobs.store(file);
    for refused in [
        lookup(&blobs, &file, &schema, &[1]).map(drop),
        block_on(file.verify()),
        blobs.scan(&[(file.clone(), RoaringBitmap::new())], &schema, &["id"], None, true).map(drop),
    ] {
        let refused = refused.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Unsupported, "{refused}");
        assert!(refused.to_string().contains("batch-9.parquet has format 2, this version reads format 1"));
    }
}

#[test]
fn rows_of_another_user_are_refused_wherever_they_lie() {
    let schema = messages();
    let file = write(&schema, 9, &[batch(&schema, 0, 1, 100)]);
    let blobs = Blobs { dir: object_store::path::Path::from("app/t-00000007/u-bob"), ..Blobs::new() };
    let file = blobs.store(file);
    for refused in [
        lookup(&blobs, &file, &schema, &[1]).map(drop),
        blobs.scan(&[(file.clone(), RoaringBitmap::new())], &schema, &["id"], None, true).map(drop),
    ] {
        let refused = refused.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Corrupt, "{refused}");
        assert!(
            refused.to_string().contains("expected the rows of scope u-bob, found those of u-alice"),
            "{refused}"
        );
    }
}

#[test]
fn keys_out_of_order_are_refused() {
    let schema = messages();
    let mut writer = BatchFileWriter::new(&schema, &scope(), 1, 1, vec![]).unwrap();
    writer.write(&batch(&schema, 10, 1, 5)).unwrap();
    assert_eq!(writer.write(&batch(&schema, 14, 1, 1)).unwrap_err().kind(), ErrorKind::Internal);
    let mut writer = BatchFileWriter::new(&schema, &scope(), 1, 1, vec![]).unwrap();
    assert!(writer.write(&batch(&schema, 10, -1, 5)).is_err());
    let writer = BatchFileWriter::new(&schema, &scope(), 1, 1, vec![]).unwrap();
    assert!(writer.finish().is_err());
}

#[test]
fn datafusion_reads_the_living_rows() {
    let blobs = Blobs::new();
    let schema = messages();
    let one = blobs.store(write(&schema, 1, &[batch(&schema, 0, 2, 150_000)]));
    let two = blobs.store(write(&schema, 2, &[batch(&schema, 1, 2, 1000)]));
    let dead: RoaringBitmap = (0..150_000).filter(|i| i % 3 == 0 || (70_000..90_000).contains(i)).collect();
    let living = 150_000 - dead.len() as usize;
    let files = [(one, dead.clone()), (two, RoaringBitmap::new())];
    for pushdown in [false, true] {
        let (all, factory) = blobs.scan(&files, &schema, &["id", "body"], None, pushdown).unwrap();
        assert_eq!(all.num_rows(), living + 1000);
        let expected: Vec<i64> =
            (0..150_000).filter(|i| !dead.contains(*i)).map(|i| i64::from(i) * 2).collect();
        assert_eq!(ids(&all)[..living], expected);
        assert_eq!(factory.counters().files(), 2);
        assert!(factory.counters().bytes() > 0 && factory.metrics().is_some());

        let predicate = compare(&schema, "id", Operator::GtEq, 299_000i64);
        let (some, _) = blobs.scan(&files, &schema, &["id"], Some(predicate), pushdown).unwrap();
        let expected: Vec<i64> =
            (149_500..150_000).filter(|i| !dead.contains(*i)).map(|i| i64::from(i) * 2).collect();
        assert_eq!(ids(&some), expected);
    }
}

#[test]
fn predicates_read_few_pages() {
    let blobs = Blobs::new();
    let mut schema = messages();
    schema.bloom.clear();
    schema.compression = Compression::UNCOMPRESSED;
    let written = write(&schema, 1, &[batch(&schema, 0, 1, 200_000)]);
    let size = written.entry.bytes;
    let files = [(blobs.store(written), RoaringBitmap::new())];
    let predicate = compare(&schema, "id", Operator::Eq, 150_000i64);
    let (found, factory) = blobs.scan(&files, &schema, &["id"], Some(predicate), true).unwrap();
    assert_eq!(ids(&found), [150_000]);
    assert!(factory.counters().bytes() < size / 4, "{} of {size}", factory.counters().bytes());
}

#[test]
fn a_renamed_dropped_and_added_column_is_found_by_id() {
    let blobs = Blobs::new();
    let old = messages();
    let file = blobs.store(write(&old, 1, &[batch(&old, 0, 1, 50)]));
    let mut schema = old.clone();
    // RENAME body TO text; DROP stars; ADD stars TEXT; ADD kind INTEGER NOT NULL DEFAULT 4; ADD note TEXT;
    // RENAME id TO key.
    schema.columns[0].name = "key".into();
    schema.columns[1].name = "text".into();
    let mut stars = column(4, "stars", DataType::Utf8);
    stars.missing = ScalarValue::from("none");
    let mut kind = column(5, "kind", DataType::Int32);
    kind.missing = ScalarValue::from(4);
    kind.nullable = false;
    schema.columns.splice(2..3, [stars, kind, column(6, "note", DataType::Utf8)]);
    schema.schema_version = 2;

    let files = [(file.clone(), RoaringBitmap::new())];
    for pushdown in [false, true] {
        let scan = |predicate| {
            let names = ["key", "text", "stars", "kind", "note"];
            blobs.scan(&files, &schema, &names, predicate, pushdown).unwrap().0
        };
        let all = scan(None);
        assert_eq!(all.num_rows(), 50);
        assert_eq!(all["key"].as_primitive::<Int64Type>().value(49), 49);
        assert_eq!(all["text"].as_string::<i32>().value(1), "body 1");
        assert!(all["text"].is_null(7));
        assert!(all["stars"].as_string::<i32>().iter().all(|v| v == Some("none")));
        assert!(all["kind"].as_primitive::<Int32Type>().iter().all(|v| v == Some(4)));
        assert_eq!(all["note"].null_count(), 50);

        let count =
            |name: &str, op, value: ScalarValue| scan(Some(compare(&schema, name, op, value))).num_rows();
        assert_eq!(count("key", Operator::Lt, 10i64.into()), 10);
        assert_eq!(count("text", Operator::Eq, "body 3".into()), 1);
        assert_eq!(count("stars", Operator::Eq, "none".into()), 50);
        assert_eq!(count("stars", Operator::NotEq, "none".into()), 0);
        assert_eq!(count("kind", Operator::Gt, 3.into()), 50);
        assert_eq!(count("kind", Operator::Gt, 4.into()), 0);
        assert_eq!(count("note", Operator::Eq, "x".into()), 0);
        assert_eq!(count("_seq", Operator::GtEq, 1040i64.into()), 10);
    }
    let counters = Arc::default();
    let some = block_on(read_rows(&file, &blobs.caches, &counters, &schema, &[3, 14])).unwrap();
    assert_eq!(some.schema(), schema.arrow());
    assert_eq!(some["key"].as_primitive::<Int64Type>().values(), &[3, 14]);
    assert!(some["text"].is_null(1));
    assert_eq!(some["kind"].as_primitive::<Int32Type>().values(), &[4, 4]);
}

#[test]
fn lookups_open_only_what_can_hold_the_key() {
    let blobs = Blobs::new();
    let schema = messages();
    let file = blobs.store(write(&schema, 1, &[batch(&schema, 0, 2, 200_000)]));
    let (found, read) = lookup(&blobs, &file, &schema, &[-4, 400_000]).unwrap();
    assert!(found.is_empty() && read.files() == 0 && read.bytes() == 0);
    // Odd ids are in the range and not in the file: the filters say so, nearly always.
    let opened: u64 =
        (0..50).map(|i| lookup(&blobs, &file, &schema, &[i * 8000 + 1]).unwrap().1.files()).sum();
    assert!(opened <= 5, "{opened}");
    let (found, read) = lookup(&blobs, &file, &schema, &[300_000, 7, 2, 399_998, -1]).unwrap();
    assert_eq!(found, [(2, 1), (0, 150_000), (3, 199_999)]);
    assert_eq!(read.files(), 1);
    let (_, read) = lookup(&blobs, &file, &schema, &[300_000]).unwrap();
    assert!(read.bytes() <= 4 * 65_536, "{}", read.bytes());
}

#[test]
fn many_keys_merge_with_the_file() {
    let blobs = Blobs::new();
    let schema = messages();
    let file = blobs.store(write(&schema, 1, &[batch(&schema, 0, 3, 150_000)]));
    let wanted: Vec<i64> = (0..100_000).rev().map(|i| i * 5).collect();
    let (found, _) = lookup(&blobs, &file, &schema, &wanted).unwrap();
    let mut expected: Vec<(usize, u32)> = wanted
        .iter()
        .enumerate()
        .filter(|(_, id)| **id % 3 == 0 && **id < 450_000)
        .map(|(i, id)| (i, (id / 3) as u32))
        .collect();
    expected.sort_by_key(|(_, row)| *row);
    assert_eq!(found, expected);

    let keys = Keys::new(&schema, &[Arc::new(Int64Array::from(vec![0, 3, 6]))]).unwrap();
    let dead: RoaringBitmap = [1].into_iter().collect();
    let found = block_on(find_rows(&file, &blobs.caches, &Arc::default(), &keys, &dead)).unwrap().rows;
    assert_eq!(found, [(0, 0), (2, 2)]);
}

#[test]
fn composite_and_float_keys_are_found() {
    let blobs = Blobs::new();
    let schema = table(
        vec![
            column(1, "v", DataType::Int32),
            column(2, "tenant", DataType::Utf8),
            column(3, "at", DataType::Float64),
        ],
        &[2, 3],
    );
    let rng = SeededRng::new(5);
    let random = |below: u64| {
        let mut bytes = [0; 8];
        rng.fill(&mut bytes);
        u64::from_le_bytes(bytes) % below
    };
    let tenants: Vec<String> = (0..9).map(|i| format!("tenant {i}")).collect();
    let floats = [f64::NEG_INFINITY, -2.5, -0.0, 1.0, 1e300, f64::INFINITY, f64::NAN];
    let mut keys: Vec<(usize, f64)> = (0..tenants.len())
        .flat_map(|t| {
            (0..3000).map(move |i| (t, f64::from(i) / 4.0 + 2.0)).chain(floats.map(move |f| (t, f)))
        })
        .filter(|_| random(2) == 0)
        .collect();
    keys.sort_by(|a, b| (a.0).cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let columns = |keys: &[(usize, f64)]| -> Vec<ArrayRef> {
        vec![
            Arc::new(StringArray::from_iter_values(keys.iter().map(|k| &tenants[k.0]))),
            Arc::new(Float64Array::from_iter_values(keys.iter().map(|k| k.1))),
        ]
    };
    let mut stored = columns(&keys);
    stored.insert(0, Arc::new(Int32Array::from_iter_values(0..keys.len() as i32)));
    let file = blobs.store(write(&schema, 1, &[rows(&schema, stored)]));

    let mut all: Vec<(usize, f64)> = (0..tenants.len())
        .flat_map(|t| {
            (0..3000).map(move |i| (t, f64::from(i) / 4.0 + 2.0)).chain(floats.map(move |f| (t, f)))
        })
        .map(|(t, f)| (t, if f == 0.0 { 0.0 } else { f }))
        .collect();
    for take in [1, 5, 60, all.len()] {
        for _ in 0..20 {
            (1..all.len()).rev().for_each(|i| all.swap(i, random(i as u64 + 1) as usize));
            let wanted = &all[..take];
            let lookup = Keys::new(&schema, &columns(wanted)).unwrap();
            let found =
                block_on(find_rows(&file, &blobs.caches, &Arc::default(), &lookup, &RoaringBitmap::new()))
                    .unwrap()
                    .rows;
            let same = |a: &(usize, f64), b: &(usize, f64)| {
                a.0 == b.0 && (a.1 == b.1 || a.1.is_nan() && b.1.is_nan())
            };
            let expected: Vec<(usize, u32)> = (0u32..)
                .zip(&keys)
                .filter_map(|(row, k)| wanted.iter().position(|w| same(w, k)).map(|i| (i, row)))
                .collect();
            assert_eq!(found, expected);
            if take == all.len() {
                break;
            }
        }
    }
}

#[test]
fn rows_are_read_by_number() {
    let blobs = Blobs::new();
    let schema = messages();
    let file = blobs.store(write(&schema, 1, &[batch(&schema, 0, 1, 200_000)]));
    let wanted = [0u32, 1, 2, 4095, 4096, 131_071, 131_072, 150_000, 199_999];
    let counters = Arc::default();
    let found = block_on(read_rows(&file, &blobs.caches, &counters, &schema, &wanted)).unwrap();
    assert_eq!(ids(&found), wanted.map(i64::from));
    let none = block_on(read_rows(&file, &blobs.caches, &counters, &schema, &[])).unwrap();
    assert_eq!((none.num_rows(), none.schema()), (0, schema.arrow()));
    for wrong in [&[5u32, 5][..], &[200_000], &[9, 3]] {
        assert!(block_on(read_rows(&file, &blobs.caches, &counters, &schema, wrong)).is_err());
    }
}

#[test]
fn an_altered_byte_anywhere_is_corrupt_and_never_a_row() {
    let schema = messages();
    let written = write(&schema, 4, &[batch(&schema, 0, 1, 60_000)]);
    let size = written.parquet.len();
    for offset in [0, 5, size / 3, size / 2, size - 70_000, size - 3000, size - 9, size - 1] {
        let blobs = Blobs::new();
        let file = blobs.store(written.clone());
        assert!(block_on(file.verify()).is_ok());
        blobs.alter(file.path(), offset);
        assert_eq!(block_on(file.verify()).unwrap_err().kind(), ErrorKind::Corrupt);
        let files = [(file.clone(), RoaringBitmap::new())];
        for pushdown in [false, true] {
            let predicate = compare(&schema, "stars", Operator::GtEq, 0);
            let error = blobs.scan(&files, &schema, &["id"], Some(predicate), pushdown).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{offset}: {error:?}");
            assert!(error.to_string().contains("batch-4.parquet"), "{error}");
        }
    }
}

#[test]
fn a_missing_or_shortened_file_is_corrupt() {
    let schema = messages();
    let written = write(&schema, 4, &[batch(&schema, 0, 1, 60_000)]);
    for length in [None, Some(0), Some(100), Some(written.parquet.len() - 1)] {
        let blobs = Blobs::new();
        let file = blobs.store(written.clone());
        match length {
            None => block_on(blobs.store.delete(file.path())).unwrap(),
            Some(length) => {
                let cut = written.parquet.slice(..length);
                block_on(blobs.store.put(file.path(), cut.into())).map(|_| ()).unwrap();
            }
        }
        let scanned =
            blobs.scan(&[(file.clone(), RoaringBitmap::new())], &schema, &["id"], None, true).map(|_| ());
        let looked_up = lookup(&blobs, &file, &schema, &[30_000]).map(|_| ());
        for error in [scanned.unwrap_err(), looked_up.unwrap_err()] {
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
            assert!(error.to_string().contains("batch-4.parquet"), "{error}");
        }
    }
}

#[test]
fn deletion_vectors_belong_to_their_table_and_count() {
    let blobs = Blobs::new();
    let schema = messages();
    let mut entry = write(&schema, 3, &[batch(&schema, 0, 1, 10)]).entry;
    entry.deletes = Some(DeletesRef { path: "deletes-8.dv".into(), count: 2 });
    let vectors = DeletionVectors {
        note: None,
        table: TableId(7),
        scope: "u-alice".into(),
        number: 8,
        previous: None,
        vectors: [(3, [1, 9].into_iter().collect())].into(),
    };
    let path = blobs.dir.clone().join("deletes-8.dv");
    block_on(blobs.store.put(&path, vectors.encode().unwrap().into())).unwrap();
    let load = |table, scope: &str| {
        block_on(DeletionVectors::load(&*blobs.store, &blobs.dir, "deletes-8.dv", TableId(table), scope))
    };
    let loaded = load(7, "u-alice").unwrap();
    assert_eq!(loaded.dead_rows(&entry).unwrap().len(), 2);
    entry.deletes = Some(DeletesRef { path: "deletes-8.dv".into(), count: 3 });
    assert_eq!(loaded.dead_rows(&entry).unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(load(8, "u-alice").unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(load(7, "u-bob").unwrap_err().kind(), ErrorKind::Corrupt);
    let elsewhere = blobs.dir.clone().join("deletes-9.dv");
    block_on(blobs.store.copy(&path, &elsewhere)).unwrap();
    let moved = DeletionVectors::load(&*blobs.store, &blobs.dir, "deletes-9.dv", TableId(7), "u-alice");
    assert_eq!(block_on(moved).unwrap_err().kind(), ErrorKind::Corrupt);
    block_on(blobs.store.delete(&path)).unwrap();
    let error = load(7, "u-alice").unwrap_err();
    assert!(error.kind() == ErrorKind::Corrupt && error.to_string().contains("deletes-8.dv"), "{error}");
}

#[test]
fn caches_may_be_as_small_as_one_likes() {
    let schema = messages();
    let mut blobs = Blobs::new();
    blobs.caches = Arc::new(crate::cold::ColdCaches::new(0, 0));
    let file = blobs.store(write(&schema, 1, &[batch(&schema, 0, 1, 5000)]));
    assert_eq!(lookup(&blobs, &file, &schema, &[77]).unwrap().0, [(0, 77)]);
    let (all, _) =
        blobs.scan(&[(file.clone(), RoaringBitmap::new())], &schema, &["id"], None, false).unwrap();
    assert_eq!(all.num_rows(), 5000);
    let blobs = blobs.reopened();
    assert_eq!(lookup(&blobs, &file, &schema, &[77]).unwrap().0, [(0, 77)]);
    blobs.caches.forget(file.path());
    assert_eq!(lookup(&blobs, &file, &schema, &[77]).unwrap().0, [(0, 77)]);
}
