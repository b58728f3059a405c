//! Which batch files a predicate can match, decided from the manifest alone.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, Int64Array, UInt64Array};
use arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::Column as ColumnName;
use datafusion::common::pruning::PruningStatistics;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_optimizer::pruning::PruningPredicateBuilder;
use datafusion::scalar::ScalarValue;

use crate::cold::schema::{FileColumn, FileSchema, SEQ_COLUMN};
use crate::manifest::model::{BatchEntry, ColumnStats};
use crate::manifest::statistics::bounds;
use crate::manifest::value::StatValue;

/// What a predicate leaves of the files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pruned {
    /// Positions of the files that may hold a matching row.
    pub keep: Vec<usize>,
    /// How many files statistics ruled out.
    pub by_stats: usize,
}

impl Pruned {
    /// Nothing ruled out.
    #[must_use]
    pub fn nothing(files: usize) -> Self {
        Self { keep: (0..files).collect(), by_stats: 0 }
    }
}

/// Rules out files of which no row, live or dead, can satisfy `predicate`, whose columns go by the
/// table's names in `schema` and by `_seq`. Anything that cannot be decided keeps the file.
#[must_use]
pub fn prune(entries: &[&BatchEntry], schema: &FileSchema, predicate: &Arc<dyn PhysicalExpr>) -> Pruned {
    let everything = Pruned::nothing(entries.len());
    let arrow = schema.arrow();
    let Some(predicate) = indexed(predicate, &arrow) else { return everything };
    let Some(pruning) = PruningPredicateBuilder::new().with_file_schema(arrow).build(predicate) else {
        return everything;
    };
    let Ok(may_match) = pruning.prune(&EntryStatistics { entries, schema }) else { return everything };
    let keep: Vec<usize> = may_match.iter().enumerate().filter(|(_, may)| **may).map(|(i, _)| i).collect();
    let by_stats = entries.len() - keep.len();
    Pruned { keep, by_stats }
}

/// `predicate` with its columns numbered as in `schema`, by name: it may come from a projection.
fn indexed(predicate: &Arc<dyn PhysicalExpr>, schema: &SchemaRef) -> Option<Arc<dyn PhysicalExpr>> {
    let renumber = |expr: Arc<dyn PhysicalExpr>| {
        let place = expr.downcast_ref::<Column>().and_then(|c| {
            schema.index_of(c.name()).ok().filter(|i| *i != c.index()).map(|i| Column::new(c.name(), i))
        });
        Ok(match place {
            Some(column) => Transformed::yes(Arc::new(column) as Arc<dyn PhysicalExpr>),
            None => Transformed::no(expr),
        })
    };
    Arc::clone(predicate).transform(renumber).data().ok()
}

/// The statistics of the entries, in the shape that DataFusion's pruning reads.
struct EntryStatistics<'a> {
    entries: &'a [&'a BatchEntry],
    schema: &'a FileSchema,
}

#[derive(Clone, Copy)]
enum End {
    Min,
    Max,
}

impl End {
    fn of(self, stats: &ColumnStats) -> Option<&StatValue> {
        // A NaN is above every bound or below it, as its sign says, and the bounds leave it out.
        if stats.nans > 0 {
            return None;
        }
        match self {
            Self::Min => stats.min.as_ref(),
            Self::Max => stats.max.as_ref(),
        }
    }

    /// The value of rows that are older than the column, as a bound.
    fn of_missing(self, missing: &ScalarValue) -> Option<StatValue> {
        let zero = match self {
            Self::Min => -0.0,
            Self::Max => 0.0,
        };
        match missing {
            ScalarValue::Float64(Some(v)) if *v == 0.0 => Some(StatValue::from_float(zero)),
            ScalarValue::Float32(Some(v)) if *v == 0.0 => Some(StatValue::from_float(zero)),
            other => StatValue::from_scalar(other),
        }
    }
}

impl EntryStatistics<'_> {
    fn ends(&self, name: &str, end: End) -> Option<ArrayRef> {
        if name == SEQ_COLUMN {
            let seqs = self.entries.iter().map(|e| match end {
                End::Min => e.min_seq.as_i64(),
                End::Max => e.max_seq.as_i64(),
            });
            return Some(Arc::new(Int64Array::from_iter_values(seqs)));
        }
        let column = self.schema.column_named(name)?;
        let missing = end.of_missing(&column.missing);
        let values = self.entries.iter().map(|e| match e.columns.get(&column.id) {
            Some(stats) => end.of(stats),
            None => missing.as_ref(),
        });
        bounds(&column.data_type, values)
    }
}

impl PruningStatistics for EntryStatistics<'_> {
    fn min_values(&self, column: &ColumnName) -> Option<ArrayRef> {
        self.ends(column.name(), End::Min)
    }

    fn max_values(&self, column: &ColumnName) -> Option<ArrayRef> {
        self.ends(column.name(), End::Max)
    }

    fn num_containers(&self) -> usize {
        self.entries.len()
    }

    fn null_counts(&self, column: &ColumnName) -> Option<ArrayRef> {
        if column.name() == SEQ_COLUMN {
            return Some(Arc::new(UInt64Array::from(vec![0; self.entries.len()])));
        }
        let column = self.schema.column_named(column.name())?;
        let counts = self.entries.iter().map(|e| match e.columns.get(&column.id) {
            Some(stats) => stats.nulls,
            None if column.missing.is_null() => e.rows,
            None => 0,
        });
        Some(Arc::new(UInt64Array::from_iter_values(counts)))
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        Some(Arc::new(UInt64Array::from_iter_values(self.entries.iter().map(|e| e.rows))))
    }

    fn contained(&self, _: &ColumnName, _: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        None
    }
}
