//! Joins that come back soon.
//!
//! A join asks for the next batch of its probe side when it has gone through the last with every row of its
//! build side, and makes no pause in between unless it has rows to give. Where its filter keeps none, as in
//! `FROM a, b WHERE a.x + b.x < 0`, that is a batch times a whole table. So a probe side is given to it in
//! pieces that it is done with in one slice of [`Pace`].

use arrow::array::RecordBatch;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::{StreamExt, stream};

use crate::pace::{Pace, SLICE_MICROS};

/// Rows of the first piece: a join may well have a million rows on its other side.
const FIRST: usize = 16;
/// A piece is at most so many times the one before.
const GROWTH: usize = 4;

/// The rows of `input`, in batches as large as whoever asks for them is quick.
pub fn pieces(input: SendableRecordBatchStream, pace: Pace) -> SendableRecordBatchStream {
    let schema = input.schema();
    let state = Pieces { input, rest: None, size: Size(FIRST), given_at: None, pace };
    let pieces = stream::try_unfold(state, |mut state| async {
        Ok::<_, DataFusionError>(state.next().await?.map(|piece| (piece, state)))
    });
    Box::pin(RecordBatchStreamAdapter::new(schema, pieces))
}

struct Pieces {
    input: SendableRecordBatchStream,
    rest: Option<RecordBatch>,
    size: Size,
    /// When the last piece was given, microseconds.
    given_at: Option<i64>,
    pace: Pace,
}

impl Pieces {
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        if let Some(given_at) = self.given_at.take() {
            self.size.learn(self.pace.now_micros() - given_at);
            self.pace.step().await?;
        }
        let batch = match self.rest.take() {
            Some(rest) => rest,
            None => match self.input.next().await.transpose()? {
                Some(batch) => batch,
                None => return Ok(None),
            },
        };
        let rows = self.size.0.min(batch.num_rows());
        if rows < batch.num_rows() {
            self.rest = Some(batch.slice(rows, batch.num_rows() - rows));
        }
        self.given_at = Some(self.pace.now_micros());
        Ok(Some(batch.slice(0, rows)))
    }
}

/// Rows of the next piece.
struct Size(usize);

impl Size {
    /// Fits the next piece to how long the last one took.
    fn learn(&mut self, took_micros: i64) {
        let took = usize::try_from(took_micros).unwrap_or(0).max(1);
        let slice = usize::try_from(SLICE_MICROS).unwrap_or(usize::MAX);
        let fitting = self.0.saturating_mul(slice) / took;
        self.0 = fitting.clamp(1, self.0.saturating_mul(GROWTH));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_as_large_as_fits_a_slice() {
        let mut size = Size(FIRST);
        let mut after = |took_micros| {
            size.learn(took_micros);
            size.0
        };
        assert_eq!(after(0), 64, "never more than four times the last");
        assert_eq!(after(SLICE_MICROS / 2), 128);
        assert_eq!(after(SLICE_MICROS * 4), 32);
        assert_eq!(after(SLICE_MICROS * 1000), 1, "and never nothing");
        assert_eq!(after(-5), 4, "a clock that was set back says nothing");
    }
}
