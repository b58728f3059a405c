//! What a file tells of itself is what its writer said, and a file that breaks a rule is found out.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Decimal128Array, Float32Array, Float64Array, Int64Array,
    StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, TimeUnit};
use bytes::Bytes;
use futures::executor::block_on;
use object_store::ObjectStore;
use roaring::RoaringBitmap;

use super::{read_entry, survey, visible_keys};
use crate::cold::checksums::ExtentSums;
use crate::cold::fixture::{Blobs, column, rows, scope, table, write};
use crate::cold::schema::FileSchema;
use crate::cold::writer::WrittenFile;
use crate::manifest::{BatchEntry, Checksum};
use crate::pace::Pace;
use crate::storage::Stores;
use crate::types::TableId;

fn schema() -> FileSchema {
    table(
        vec![
            column(1, "id", DataType::Int64),
            column(3, "f", DataType::Float64),
            column(4, "r", DataType::Float32),
            column(5, "s", DataType::Utf8),
            column(6, "d", DataType::Decimal128(20, 4)),
            column(7, "z", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))),
            column(8, "b", DataType::Binary),
            column(9, "ok", DataType::Boolean),
        ],
        &[1],
    )
}

fn edges(schema: &FileSchema, ids: Vec<i64>) -> WrittenFile {
    let n = ids.len();
    let long = "é".repeat(40);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(ids)),
        Arc::new((0..n).map(|i| [Some(f64::NAN), Some(-0.0), None][i % 3]).collect::<Float64Array>()),
        Arc::new((0..n).map(|_| None::<f32>).collect::<Float32Array>()),
        Arc::new((0..n).map(|i| [Some(long.as_str()), Some(""), None][i % 3]).collect::<StringArray>()),
        Arc::new(
            (0..n)
                .map(|i| i128::try_from(i).ok().map(|v| v - 5))
                .collect::<Decimal128Array>()
                .with_precision_and_scale(20, 4)
                .unwrap(),
        ),
        Arc::new(
            (0..n).map(|i| Some(i as i64 - 5)).collect::<TimestampMicrosecondArray>().with_timezone("UTC"),
        ),
        Arc::new((0..n).map(|i| [Some(&b"\xff\x00"[..]), None][i % 2]).collect::<BinaryArray>()),
        Arc::new((0..n).map(|i| [Some(true), None][i % 2]).collect::<BooleanArray>()),
    ];
    write(schema, 3, &[rows(schema, columns)])
}

fn again(blobs: &Blobs, schema: &FileSchema) -> (BatchEntry, Vec<String>) {
    let store: Arc<dyn ObjectStore> = blobs.store.clone();
    let mut entry = block_on(read_entry(&store, &blobs.dir, 3, TableId(7), &scope().dir())).unwrap();
    let file = crate::cold::ColdFile::new(store, &blobs.dir, Arc::new(entry.clone()));
    let found = block_on(survey(&file, schema, &Pace::of_background(&Stores::memory()))).unwrap();
    entry.columns = found.columns;
    (entry, found.faults)
}

#[test]
fn a_file_tells_of_itself_what_its_writer_said() {
    let schema = schema();
    for ids in [vec![7], (0..10_000).collect(), (0..300_000).collect()] {
        let written = edges(&schema, ids);
        let blobs = Blobs::new();
        let expected = written.entry.clone();
        blobs.store(written);
        let (entry, faults) = again(&blobs, &schema);
        assert_eq!(entry, expected);
        assert_eq!(faults, [""; 0]);
    }
}

#[test]
fn a_file_of_another_table_scope_or_number_is_corrupt() {
    let schema = schema();
    let blobs = Blobs::new();
    blobs.store(edges(&schema, vec![1, 2]));
    let store: Arc<dyn ObjectStore> = blobs.store.clone();
    for (table, of) in [(TableId(8), scope().dir()), (TableId(7), "shared".to_owned())] {
        let error = block_on(read_entry(&store, &blobs.dir, 3, table, &of)).unwrap_err();
        assert!(error.to_string().contains("batch-3.parquet"), "{error}");
    }
    assert!(block_on(read_entry(&store, &blobs.dir, 4, TableId(7), &scope().dir())).is_err());
}

/// The file with `edit` applied, and checksums that fit.
fn edited(mut file: WrittenFile, edit: impl FnOnce(&mut Vec<u8>, &BatchEntry)) -> WrittenFile {
    let mut bytes = file.parquet.to_vec();
    edit(&mut bytes, &file.entry);
    let sums = ExtentSums::of(&bytes);
    assert_eq!(sums.whole(), Checksum::of(&bytes));
    (file.entry.sum, file.entry.checksum) = (sums.checksum(), sums.whole());
    (file.parquet, file.sums) = (Bytes::from(bytes), sums.encode());
    file
}

#[test]
fn a_bloom_filter_that_denies_a_key_is_found() {
    let schema = schema();
    let blobs = Blobs::new();
    let file = edited(edges(&schema, (0..1000).collect()), |bytes, entry| {
        let filter = entry.filters.values().flatten().next().unwrap();
        let end = usize::try_from(filter.offset).unwrap() + filter.length as usize;
        // The header is the first few bytes.
        bytes[end - 32..end].fill(0);
    });
    blobs.store(file);
    let (_, faults) = again(&blobs, &schema);
    assert!(faults.iter().any(|f| f.contains("Bloom filter of column 1")), "{faults:?}");
}

#[test]
fn keys_that_do_not_ascend_are_found() {
    let written = schema();
    let blobs = Blobs::new();
    blobs.store(edges(&written, (0..10).collect()));
    // By the decimals the rows ascend too, by the text they do not.
    let by = |id: u32| FileSchema { key: vec![crate::types::ColumnId(id)], ..schema() };
    assert_eq!(again(&blobs, &by(6)).1, [""; 0]);
    let faults = again(&blobs, &by(5)).1;
    assert!(
        faults.iter().any(|f| f.contains("ascend")) && faults.iter().any(|f| f.contains("NULL")),
        "{faults:?}"
    );
}

#[test]
fn visible_keys_are_those_that_are_not_dead() {
    let schema = schema();
    let blobs = Blobs::new();
    let file = blobs.store(edges(&schema, (0..1000).collect()));
    let dead: RoaringBitmap = (0..1000).filter(|row| row % 3 != 0).collect();
    let mut keys = Vec::new();
    let pace = Pace::of_background(&Stores::memory());
    block_on(visible_keys(&file, &schema, Some(&dead), &pace, |key| keys.push(key.to_vec()))).unwrap();
    let encoder = schema.key_encoder().unwrap();
    let expected: ArrayRef = Arc::new(Int64Array::from_iter_values((0..1000).step_by(3)));
    let expected: Vec<Vec<u8>> =
        encoder.encode(&[expected]).unwrap().iter().map(|key| key.data().to_vec()).collect();
    assert_eq!(keys, expected);
}
