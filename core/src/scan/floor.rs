//! Queries for changes since a moment that the feed does not know any more.
//!
//! Old tombstones are forgotten, and a recovery loses them: a scope knows every deletion above its floor only.
//! Whoever asks with `_deleted` for what came after a moment below that would miss deletions, so it is refused.
//! A query from the beginning, or without a lowest `_seq`, is no such query: who has nothing misses nothing.

use datafusion::logical_expr::Expr;

use crate::error::{Error, Result};
use crate::manifest::store::read_pointer;
use crate::scan::provider::TableReads;
use crate::scan::since::lowest_seq;
use crate::types::SeqId;

/// Refuses changes since a moment below the floor of the feed. To be called after the tombstones were read:
/// the floor is raised in the commit that forgets them.
///
/// # Errors
/// `InvalidInput`, saying to read the whole; what the key-value store reports.
pub async fn check_floor(reads: &TableReads, filters: &[Expr]) -> Result<()> {
    let Some(since) = since(filters) else { return Ok(()) };
    let pointer = read_pointer(reads.tiers.stores.kv.as_ref(), reads.def.id, &reads.scope.scope).await?;
    let floor = pointer.feed_floor.max(reads.def.feed_floor.unwrap_or(SeqId::ZERO));
    if since >= floor {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "the deletions in {} are known after _seq {}, not after {}: what changed since cannot be told",
        reads.def.full_name(),
        floor.as_i64(),
        since.as_i64()
    ))
    .with_hint(format!(
        "read the whole table again, without a condition on _seq, and go on from its highest _seq, or from {} \
         if that is higher",
        floor.as_i64()
    )))
}

/// After which `_seq` the rows are that pass all of `filters`; `None` for from the beginning.
fn since(filters: &[Expr]) -> Option<SeqId> {
    let lowest = lowest_seq(filters).as_i64();
    (lowest > 1).then(|| SeqId::from_i64(lowest - 1))
}

#[cfg(test)]
mod tests {
    use datafusion::logical_expr::{col, lit};

    use super::*;
    use crate::catalog::SEQ_COLUMN;

    #[test]
    fn the_highest_bound_from_below_counts() {
        let seq = || col(SEQ_COLUMN);
        for (filters, expected) in [
            (vec![seq().gt(lit(7_i64))], Some(7)),
            (vec![seq().gt_eq(lit(7_i64))], Some(6)),
            (vec![lit(7_i64).lt(seq())], Some(7)),
            (vec![lit(7_i64).lt_eq(seq()), col("a").eq(lit(9_i64))], Some(6)),
            (vec![seq().between(lit(7_i64), lit(9_i64))], Some(6)),
            (vec![seq().eq(lit(7_i64))], Some(6)),
            (vec![seq().gt(lit(7_i64)).and(seq().gt(lit(9_i64)))], Some(9)),
            (vec![seq().gt(lit(0_i64))], None),
            (vec![seq().lt(lit(7_i64))], None),
            (vec![seq().not_between(lit(7_i64), lit(9_i64))], None),
            (vec![seq().gt(lit(7_i64)).or(col("a").gt(lit(7_i64)))], None),
            (vec![col("a").gt(lit(7_i64))], None),
            (vec![], None),
        ] {
            assert_eq!(since(&filters).map(SeqId::as_i64), expected, "{filters:?}");
        }
    }
}
