//! Tables whose rows live for a time: what `TTL_SECONDS` says, and what such a table cannot have.
//!
//! A version is expired once the millisecond in its `_seq` is `TTL_SECONDS` or more in the past. Versions are in the
//! order of `_seq`, so what is expired at a moment is a prefix of them.

use crate::catalog::{OptionChanges, TableDef, TableKind};
use crate::error::{Error, Result};
use crate::types::SeqId;

/// For how many seconds rows can live: up to a year, since they stay in the hot tier.
pub const TTL_RANGE: std::ops::RangeInclusive<u64> = 1..=31_536_000;

const MICROS_PER_SECOND: i64 = 1_000_000;

impl TableDef {
    /// The last `_seq` whose version is expired at `now_micros`; [`SeqId::ZERO`], which no version has, when none can
    /// be.
    #[must_use]
    pub fn expired_through(&self, now_micros: i64) -> SeqId {
        let Some(ttl_seconds) = self.options.ttl_seconds else { return SeqId::ZERO };
        let ttl_micros = i64::try_from(ttl_seconds).unwrap_or(i64::MAX).saturating_mul(MICROS_PER_SECOND);
        let last_ms = now_micros.saturating_sub(ttl_micros).div_euclid(1000);
        let expired = SeqId::before_ms(last_ms.saturating_add(1));
        expired.max(self.options.lapsed_through.unwrap_or_default())
    }
}

/// Takes over what a statement at `now_micros` says of the life of rows.
///
/// A longer life is not given back to rows that have ended: what was expired when it was set stays so, whether or not it
/// has been evicted.
///
/// # Errors
/// `InvalidInput` for a STREAM table without `TTL_SECONDS`, and for another with it; `Unsupported` for an option of files.
pub(super) fn set(table: &mut TableDef, changes: &OptionChanges, now_micros: i64) -> Result<()> {
    if table.kind != TableKind::Stream {
        if changes.ttl_seconds.is_none() {
            return Ok(());
        }
        let kind = table.kind.sql_name();
        return Err(Error::invalid(format!(
            "option TTL_SECONDS: the rows of a {kind} table live until they are deleted"
        ))
        .with_hint("rows that live for a time are those of CREATE STREAM TABLE … WITH (TTL_SECONDS = 30)"));
    }
    refuse_options_of_files(changes)?;
    let Some(ttl_seconds) = changes.ttl_seconds else {
        if table.options.ttl_seconds.is_some() {
            return Ok(());
        }
        return Err(Error::invalid("a STREAM table needs TTL_SECONDS: how many seconds its rows live")
            .with_hint("add WITH (TTL_SECONDS = 30) behind the columns"));
    };
    if table.options.ttl_seconds.is_some_and(|before| before < ttl_seconds) {
        table.options.lapsed_through = Some(table.expired_through(now_micros));
    }
    table.options.ttl_seconds = Some(ttl_seconds);
    Ok(())
}

fn refuse_options_of_files(changes: &OptionChanges) -> Result<()> {
    let given = [
        ("FLUSH_POLICY", changes.flush.is_some()),
        ("BLOOM_FILTER", changes.bloom.is_some()),
        ("BLOOM_FPP", changes.bloom_fpp.is_some()),
        ("COMPRESSION", changes.compression.is_some()),
    ];
    if let Some((name, _)) = given.iter().find(|(_, given)| *given) {
        return Err(Error::unsupported(format!(
            "option {name}: a STREAM table has no files, its rows go TTL_SECONDS after they were committed"
        )));
    }
    if changes.deleted_retention.is_some() {
        return Err(Error::unsupported(
            "option DELETED_RETENTION_HOURS: deletions in a STREAM table are known for its TTL_SECONDS",
        ));
    }
    Ok(())
}

/// Refuses an index of a STREAM table.
///
/// # Errors
/// `Unsupported`.
pub(super) fn refuse_index(table: &TableDef) -> Result<()> {
    if table.kind.has_files() {
        return Ok(());
    }
    Err(Error::unsupported(format!(
        "an index of {}: rows of a STREAM table are found by their primary key, or by reading those that have not expired",
        table.full_name()
    )))
}

/// Checks that a definition has a life of rows if its kind has one.
pub(super) fn check(table: &TableDef) -> Result<(), String> {
    let is_stream = table.kind == TableKind::Stream;
    match table.options.ttl_seconds {
        Some(ttl) if !is_stream => {
            Err(format!("rows of a {} table live {ttl} seconds", table.kind.sql_name()))
        }
        Some(ttl) if !TTL_RANGE.contains(&ttl) => Err(format!("its rows live {ttl} seconds")),
        None if is_stream => Err("it does not say how long its rows live".to_owned()),
        _ if is_stream && !table.indexes.is_empty() => Err("a STREAM table has an index".to_owned()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::tests::{create, table_of};
    use crate::catalog::{AlterAction, AlterTable, TableName, alter_table};

    const STREAM: &str = "CREATE STREAM TABLE t (id BIGINT PRIMARY KEY) WITH (TTL_SECONDS = 30)";
    const COMMITTED_MS: i64 = SeqId::EPOCH_UNIX_MS + 1_000_000;

    #[test]
    fn a_version_expires_with_the_microsecond_that_completes_its_time() {
        let table = create(STREAM);
        let last_of_ms = SeqId::from_i64(SeqId::at(COMMITTED_MS + 1, 0).as_i64() - 1);
        let is_expired = |seq: SeqId, micros: i64| seq <= table.expired_through(COMMITTED_MS * 1000 + micros);
        for seq in [SeqId::at(COMMITTED_MS, 0), SeqId::at(COMMITTED_MS, 9).next(9), last_of_ms] {
            assert!(!is_expired(seq, 0), "{seq}");
            assert!(!is_expired(seq, 29_999_999), "{seq}");
            assert!(is_expired(seq, 30_000_000), "{seq}");
            assert!(is_expired(seq, 90_000_000), "{seq}");
        }
        assert!(!is_expired(SeqId::at(COMMITTED_MS + 1, 0), 30_000_999));
        assert!(is_expired(SeqId::at(COMMITTED_MS + 1, 0), 30_001_000));
    }

    #[test]
    fn clocks_before_the_epoch_and_tables_without_a_life_let_nothing_expire() {
        let table = create(STREAM);
        for now in [i64::MIN, 0, SeqId::EPOCH_UNIX_MS * 1000] {
            assert_eq!(table.expired_through(now), SeqId::ZERO, "{now}");
        }
        assert!(table.expired_through(i64::MAX) < SeqId::MAX);
        assert_eq!(create("CREATE TABLE t (id BIGINT PRIMARY KEY)").expired_through(i64::MAX), SeqId::ZERO);
    }

    #[test]
    fn a_longer_life_brings_nothing_back_and_a_shorter_one_holds_at_once() {
        let (catalog, _) = table_of(STREAM);
        let now = COMMITTED_MS * 1000;
        let seq = |age_ms: i64| SeqId::at(COMMITTED_MS - age_ms, 0);
        let altered = |seconds: u64| {
            let changes = OptionChanges { ttl_seconds: Some(seconds), ..OptionChanges::default() };
            let actions = vec![AlterAction::SetOptions(changes)];
            let request = AlterTable { table: TableName::bare("t"), if_exists: false, actions };
            alter_table(&catalog, &request, "main", now).unwrap().unwrap().1
        };
        let longer = altered(60);
        assert_eq!(longer.options.ttl_seconds, Some(60));
        assert!(seq(30_000) <= longer.expired_through(now), "it was expired");
        assert!(seq(29_999) > longer.expired_through(now));
        assert!(seq(29_999) > longer.expired_through(now + 30_000_000), "it lives for a minute");
        assert!(seq(29_999) <= longer.expired_through(now + 30_001_000));
        let shorter = altered(5);
        assert!(seq(5_000) <= shorter.expired_through(now));
        assert!(seq(4_999) > shorter.expired_through(now));
        assert_eq!(shorter.options.lapsed_through, None);
    }

    #[test]
    fn definitions_that_contradict_themselves_are_noticed() {
        type Change = fn(&mut TableDef);
        let changes: [(&str, Change); 4] = [
            ("no time", |t| t.options.ttl_seconds = None),
            ("no time at all", |t| t.options.ttl_seconds = Some(0)),
            ("another kind", |t| t.kind = TableKind::User),
            ("an index", |t| {
                let columns = t.primary_key.clone();
                t.indexes.push(crate::catalog::IndexDef { name: "i".to_owned(), columns });
            }),
        ];
        assert_eq!(check(&create(STREAM)), Ok(()));
        for (what, change) in changes {
            let mut table = TableDef::clone(&create(STREAM));
            change(&mut table);
            assert!(check(&table).is_err(), "{what}");
        }
    }
}
