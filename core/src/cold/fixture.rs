//! A small cold tier in memory, for tests.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::DataType;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::TaskContext;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{binary, col, lit};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::scalar::ScalarValue;
use futures::TryStreamExt;
use futures::executor::block_on;
use object_store::ObjectStoreExt;
use object_store::memory::InMemory;
use object_store::path::Path;
use parquet::basic::{Compression, ZstdLevel};
use roaring::RoaringBitmap;

use crate::cold::adapter::FieldIdAdapterFactory;
use crate::cold::schema::{FileColumn, FileSchema};
use crate::cold::selection::to_access_plan;
use crate::cold::source::ColdReaderFactory;
use crate::cold::writer::{BatchFileWriter, WrittenFile};
use crate::cold::{ColdCaches, ColdFile, names};
use crate::error::Result;
use crate::types::{ColumnId, Scope, TableId, UserId};

pub(crate) fn column(id: u32, name: &str, data_type: DataType) -> FileColumn {
    let missing = ScalarValue::try_from(&data_type).unwrap();
    FileColumn { id: ColumnId(id), name: name.to_owned(), data_type, nullable: true, missing }
}

/// A table keyed by the columns with the ids `key`, each with a Bloom filter.
pub(crate) fn table(columns: Vec<FileColumn>, key: &[u32]) -> FileSchema {
    let key: Vec<ColumnId> = key.iter().copied().map(ColumnId).collect();
    FileSchema {
        table: TableId(7),
        namespace: "app".into(),
        table_name: "t".into(),
        schema_version: 1,
        columns,
        bloom: key.iter().map(|id| (*id, 0.01)).collect(),
        key,
        compression: Compression::ZSTD(ZstdLevel::try_new(1).unwrap()),
    }
}

/// Rows of `schema` with `_seq` counting from 1000.
pub(crate) fn rows(schema: &FileSchema, columns: Vec<ArrayRef>) -> RecordBatch {
    let count = columns[0].len() as i64;
    let seq: ArrayRef = Arc::new(Int64Array::from_iter_values(1000..1000 + count));
    RecordBatch::try_new(schema.arrow(), std::iter::once(seq).chain(columns).collect()).unwrap()
}

pub(crate) fn scope() -> Scope {
    Scope::User(UserId::new("alice").unwrap())
}

pub(crate) fn write(schema: &FileSchema, number: u64, batches: &[RecordBatch]) -> WrittenFile {
    let mut writer = BatchFileWriter::new(schema, &scope(), number, 50, vec![]).unwrap();
    batches.iter().for_each(|b| writer.write(b).unwrap());
    writer.finish().unwrap()
}

#[derive(Debug)]
pub(crate) struct Blobs {
    pub(crate) store: Arc<InMemory>,
    pub(crate) dir: Path,
    pub(crate) caches: Arc<ColdCaches>,
}

impl Blobs {
    pub(crate) fn new() -> Self {
        Self {
            store: Arc::new(InMemory::new()),
            dir: Path::from("app/t-00000007/u-alice"),
            caches: Arc::new(ColdCaches::new(64 << 20, 64 << 20)),
        }
    }

    pub(crate) fn store(&self, file: WrittenFile) -> ColdFile {
        let number = file.entry.number;
        let cold = ColdFile::new(self.store.clone(), &self.dir, Arc::new(file.entry));
        block_on(self.store.put(cold.path(), file.parquet.into())).unwrap();
        let sums = self.dir.clone().join(names::sums(number));
        block_on(self.store.put(&sums, file.sums.into())).unwrap();
        cold
    }

    /// Flips one bit of a file.
    pub(crate) fn alter(&self, path: &Path, offset: usize) {
        let bytes = block_on(async { self.store.get(path).await.unwrap().bytes().await.unwrap() });
        let mut bytes = bytes.to_vec();
        bytes[offset] ^= 4;
        block_on(self.store.put(path, bytes.into())).unwrap();
    }

    /// Forgets all that was read.
    pub(crate) fn reopened(self) -> Self {
        Self { caches: Arc::new(ColdCaches::new(64 << 20, 64 << 20)), ..self }
    }

    /// The columns `names` of the living rows of `files` that satisfy `predicate`, read by DataFusion.
    pub(crate) fn scan(
        &self,
        files: &[(ColdFile, RoaringBitmap)],
        schema: &FileSchema,
        names: &[&str],
        predicate: Option<Arc<dyn PhysicalExpr>>,
        pushdown: bool,
    ) -> Result<(RecordBatch, Arc<ColdReaderFactory>)> {
        let factory = Arc::new(ColdReaderFactory::new(Arc::clone(&self.caches), true));
        let mut source = ParquetSource::new(schema.arrow())
            .with_parquet_file_reader_factory(Arc::clone(&factory) as _)
            .with_pushdown_filters(pushdown)
            .with_enable_page_index(true)
            .with_bloom_filter_on_read(true);
        if let Some(predicate) = &predicate {
            source = source.with_predicate(Arc::clone(predicate));
        }
        let group: FileGroup = files
            .iter()
            .map(|(f, dead)| f.partitioned().with_extension(to_access_plan(dead, &f.entry().row_groups)))
            .collect::<Vec<_>>()
            .into();
        let url = ObjectStoreUrl::parse("firndb://blobs").unwrap();
        let config = FileScanConfigBuilder::new(url.clone(), Arc::new(source))
            .with_file_group(group)
            .with_expr_adapter(Some(Arc::new(FieldIdAdapterFactory::new(schema))))
            .build();
        let context = Arc::new(TaskContext::default());
        context.runtime_env().register_object_store(url.as_ref(), self.store.clone());
        let mut plan: Arc<dyn ExecutionPlan> = DataSourceExec::from_data_source(config);
        if let Some(predicate) = predicate
            && !pushdown
        {
            plan = Arc::new(FilterExec::try_new(predicate, plan)?);
        }
        let stream = plan.execute(0, context)?;
        let batches: Vec<RecordBatch> = block_on(stream.try_collect())?;
        let all = concat_batches(&schema.arrow(), &batches)?;
        let indices: Vec<usize> = names.iter().map(|n| all.schema().index_of(n).unwrap()).collect();
        Ok((all.project(&indices)?, factory))
    }
}

/// `name op value` over the columns of `schema`.
pub(crate) fn compare(
    schema: &FileSchema,
    name: &str,
    op: Operator,
    value: impl Into<ScalarValue>,
) -> Arc<dyn PhysicalExpr> {
    let arrow = schema.arrow();
    binary(col(name, &arrow).unwrap(), op, lit(value.into()), &arrow).unwrap()
}
