//! The first half of the demo: rows that go cold, and are changed all the same.

use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use firndb_core::Error;
use indicatif::ProgressBar;

use super::flights::Flights;
use super::{Demo, TABLE, quietly};
use crate::failure::Failure;
use crate::progress::{Unit, bar};
use crate::render::{counted, duration, grouped, size};

/// Flushes that the flights are loaded with.
const SLICES: u64 = 6;

impl Demo {
    /// Create, load, ask, update, delete, look up, flush.
    pub(super) async fn cold_rows(&mut self, flights: &Flights) -> Result<(), Failure> {
        self.stage.step("A table that everyone shares")?;
        quietly(&mut self.session, "CREATE NAMESPACE demo").await?;
        let sql = "CREATE SHARED TABLE demo.flights (id BIGINT PRIMARY KEY, date TIMESTAMP, delay BIGINT, \
                   distance BIGINT, origin TEXT, destination TEXT)";
        self.run(sql).await?;
        self.load(flights).await?;

        self.stage.step("The busiest airports and their average delay, in minutes")?;
        self.stage.sql(Self::QUESTION)?;
        let took = self.ask().await?;
        self.show_answer()?;
        self.stage.timed("All of it from cold files.", took)?;

        self.update().await?;
        self.delete().await?;
        self.look_up(flights.total / 2).await?;
        self.flush().await
    }

    async fn load(&mut self, flights: &Flights) -> Result<(), Failure> {
        self.stage.step(&format!("Load the flights, with a flush after each of {SLICES} slices"))?;
        let bar = bar(flights.total, Unit::Rows, "loading");
        let mut rows = flights.batches()?;
        let mut left_over = None;
        let mut table = vec![["rows", "load", "flush", "file", "size"].map(str::to_owned).to_vec()];
        for slice in 1..=SLICES {
            let wanted = flights.total * slice / SLICES - flights.total * (slice - 1) / SLICES;
            let loading = self.load_slice(&mut rows, &mut left_over, wanted, &bar).await?;
            let started = Instant::now();
            let reports = self.engine.flush_all().await?;
            let flushing = started.elapsed();
            let bytes = reports.iter().map(|r| r.bytes).sum();
            let files: Vec<_> = reports.iter().flat_map(|r| &r.files).map(|f| short(f)).collect();
            let flushed = reports.iter().map(|r| r.rows).sum();
            table.push(vec![
                grouped(flushed),
                duration(loading),
                duration(flushing),
                files.join(" "),
                size(bytes),
            ]);
        }
        bar.finish_and_clear();
        self.stage.columns(&table)?;
        self.show_tiers().await
    }

    /// Inserts the next `wanted` rows; what is left of a batch waits in `left_over`.
    async fn load_slice(
        &mut self,
        rows: &mut impl Iterator<Item = firndb_core::Result<RecordBatch>>,
        left_over: &mut Option<RecordBatch>,
        wanted: u64,
        bar: &ProgressBar,
    ) -> Result<Duration, Failure> {
        let mut left = usize::try_from(wanted).unwrap_or(usize::MAX);
        let mut took = Duration::ZERO;
        while left > 0 {
            let batch = match left_over.take() {
                Some(batch) => batch,
                None => rows.next().ok_or_else(|| Error::invalid("the file ended early"))??,
            };
            let now = left.min(batch.num_rows());
            if now < batch.num_rows() {
                *left_over = Some(batch.slice(now, batch.num_rows() - now));
            }
            let started = Instant::now();
            self.session.insert_batches(TABLE, vec![batch.slice(0, now)]).await?;
            took += started.elapsed();
            left -= now;
            bar.inc(now as u64);
        }
        Ok(took)
    }

    async fn update(&mut self) -> Result<(), Failure> {
        let busiest = self.answer.first().and_then(|r| r.first()).cloned().unwrap_or_default();
        let before = self.delay_of(&busiest);
        self.stage.step(&format!("Update cold rows: no delay at {busiest} was over an hour"))?;
        let sql = format!("UPDATE demo.flights SET delay = 60 WHERE origin = '{busiest}' AND delay > 60");
        let done = self.run(&sql).await?;
        self.stage.timed(format!("{} changed; no file was touched.", done.changed()), done.took)?;
        self.show_tiers().await?;
        let took = self.ask().await?;
        let after = self.delay_of(&busiest);
        self.stage.timed(format!("The question again: {busiest} went from {before} to {after}."), took)
    }

    fn delay_of(&self, airport: &str) -> String {
        let row = self.answer.iter().find(|r| r.first().is_some_and(|a| a == airport));
        row.and_then(|r| r.last()).cloned().unwrap_or_default()
    }

    async fn delete(&mut self) -> Result<(), Failure> {
        self.stage.step("Delete cold rows: leaving an hour early is a misprint")?;
        let done = self.run("DELETE FROM demo.flights WHERE delay < -60").await?;
        self.stage.timed(format!("{} deleted.", done.changed()), done.took)?;
        let count = quietly(&mut self.session, "SELECT count(*) FROM demo.flights").await?;
        let left = count.first().parse().map_or_else(|_| count.first(), grouped);
        self.stage.timed(format!("{left} are left."), count.took)?;
        self.ask().await?;
        self.show_tiers().await
    }

    async fn look_up(&mut self, id: u64) -> Result<(), Failure> {
        self.stage.step("Look one row up by its key")?;
        let sql = format!("SELECT * FROM demo.flights WHERE id = {id}");
        let done = self.run(&sql).await?;
        let row = done.rows.first().map_or_else(|| "no such row".to_owned(), |r| r.join("  "));
        self.stage.timed(row, done.took)?;
        let explained = quietly(&mut self.session, &format!("EXPLAIN ANALYZE {sql}")).await?;
        let text = explained.rows.concat().join("\n");
        let count = |name: &str| metric(&text, name).map_or_else(|| "?".to_owned(), |n| n.to_string());
        self.stage.note(format!(
            "EXPLAIN ANALYZE: read {} of {} files; pruned by statistics {}, by Bloom filters {}.",
            count("files_read"),
            count("files_total"),
            count("files_pruned_stats"),
            count("files_pruned_bloom"),
        ))
    }

    async fn flush(&mut self) -> Result<(), Failure> {
        self.stage.step("Flush again: deletion vectors hide the older versions, files stay")?;
        let started = Instant::now();
        let reports = self.engine.flush_all().await?;
        let took = started.elapsed();
        for report in &reports {
            let files: Vec<_> = report.files.iter().map(|f| short(f)).collect();
            let text = format!(
                "{} rows to {}, {}; {} cold rows hidden.",
                grouped(report.rows),
                files.join(" "),
                size(report.bytes),
                grouped(report.hidden),
            );
            self.stage.timed(text, took)?;
        }
        self.show_tiers().await?;
        self.ask_again().await
    }

    /// Flushes what is hot and compacts: the files hold the rows that there are, and no others.
    pub(super) async fn compact(&mut self) -> Result<(), Failure> {
        self.stage.step("Compact: what is hidden goes, and small files become few")?;
        self.run("STORAGE FLUSH TABLE demo.flights").await?;
        let started = Instant::now();
        self.stage.sql("STORAGE COMPACT ALL")?;
        let reports = self.engine.compact_all().await?;
        let took = started.elapsed();
        for report in reports.iter().filter(|report| report.table == TABLE) {
            let text = format!(
                "{} files became {}, {}; {} left out.",
                grouped(report.replaced.len() as u64),
                grouped(report.files.len() as u64),
                size(report.bytes),
                counted(report.dropped, "hidden row", "hidden rows"),
            );
            self.stage.timed(text, took)?;
        }
        self.show_tiers().await?;
        self.ask_again().await
    }
}

/// The last part of a path.
fn short(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The value of a metric in the text of EXPLAIN ANALYZE, summed where it occurs several times.
fn metric(text: &str, name: &str) -> Option<u64> {
    let values = text.split(name).skip(1).filter_map(|rest| {
        let digits = rest.strip_prefix('=')?;
        let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
        digits.get(..end)?.parse::<u64>().ok()
    });
    values.reduce(|a, b| a + b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_found_in_plans() {
        let plan =
            "FirnScan: t, metrics=[files_total=6, files_read=1]\n FirnScan: u, metrics=[files_total=2]";
        assert_eq!(metric(plan, "files_total"), Some(8));
        assert_eq!(metric(plan, "files_read"), Some(1));
        assert_eq!(metric(plan, "rows_hidden"), None);
    }
}
