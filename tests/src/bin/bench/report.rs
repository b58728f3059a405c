//! What a benchmark found, as a table and as JSON.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

use crate::Size;

/// Which ratio a line has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Target {
    /// Our time is at most this many times the peer's.
    TimeAtMost(f64),
    /// Our rate is at least this share of the peer's.
    RateAtLeast(f64),
}

#[derive(Debug)]
struct Line {
    what: String,
    peer: String,
    ours: Duration,
    theirs: Option<Duration>,
    target: Target,
}

/// The lines of one benchmark.
#[derive(Debug)]
pub struct Report {
    name: String,
    size: Size,
    lines: Vec<Line>,
    versions: BTreeMap<String, String>,
    notes: Vec<String>,
}

impl Report {
    /// An empty report.
    pub fn new(name: &str, size: &Size) -> Self {
        let versions = BTreeMap::from([
            ("FirnDB".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
            ("DataFusion".to_owned(), datafusion::DATAFUSION_VERSION.to_owned()),
            ("Parquet".to_owned(), parquet::file::properties::DEFAULT_CREATED_BY.to_owned()),
            ("SQLite".to_owned(), rusqlite::version().to_owned()),
        ]);
        Self { name: name.to_owned(), size: size.clone(), lines: Vec::new(), versions, notes: Vec::new() }
    }

    /// Adds a line from the times of the repetitions; no times of the peer: it is missing.
    pub fn line(
        &mut self,
        what: &str,
        peer: &str,
        ours: &mut [Duration],
        theirs: &mut [Duration],
        target: Target,
    ) {
        let theirs = (!theirs.is_empty()).then(|| median(theirs));
        self.lines.push(Line {
            what: what.to_owned(),
            peer: peer.to_owned(),
            ours: median(ours),
            theirs,
            target,
        });
    }

    /// Adds the version of a peer.
    pub fn version(&mut self, of: &str, version: &str) {
        self.versions.insert(of.to_owned(), version.to_owned());
    }

    /// Adds what a reader has to know.
    pub fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// The report as JSON, times in seconds.
    pub fn to_json(&self) -> Value {
        let lines: Vec<Value> = self
            .lines
            .iter()
            .map(|l| {
                json!({
                    "what": l.what,
                    "peer": l.peer,
                    "ours_s": l.ours.as_secs_f64(),
                    "peer_s": l.theirs.map(|t| t.as_secs_f64()),
                    "ratio": l.ratio(),
                    "target": l.target.to_string(),
                    "met": l.met(),
                })
            })
            .collect();
        json!({
            "benchmark": self.name,
            "rows": self.size.rows,
            "repetitions": self.size.repetitions,
            "tiny": self.size.tiny,
            "optimised": !cfg!(debug_assertions),
            "versions": self.versions,
            "lines": lines,
            "notes": self.notes,
        })
    }
}

impl Line {
    /// Our time over the peer's, or our rate over the peer's.
    fn ratio(&self) -> Option<f64> {
        let time = self.ours.as_secs_f64() / self.theirs?.as_secs_f64();
        Some(match self.target {
            Target::TimeAtMost(_) => time,
            Target::RateAtLeast(_) => 1.0 / time,
        })
    }

    fn met(&self) -> Option<bool> {
        let ratio = self.ratio()?;
        Some(match self.target {
            Target::TimeAtMost(most) => ratio <= most,
            Target::RateAtLeast(least) => ratio >= least,
        })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimeAtMost(most) => write!(f, "time ≤ {most:.2}×"),
            Self::RateAtLeast(least) => write!(f, "rows/s ≥ {least:.2}×"),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Size { rows, repetitions, tiny, .. } = &self.size;
        let note = if *tiny { "; a size at which the figures mean nothing" } else { "" };
        writeln!(f, "{}: {rows} rows, median of {repetitions}{note}", self.name)?;
        if cfg!(debug_assertions) {
            writeln!(f, "built without optimisation: the figures mean nothing")?;
        }
        writeln!(f, "{:49} {:>11} {:>11} {:>7}  {:24} peer", "", "ours", "peer", "ratio", "target")?;
        for line in &self.lines {
            let met = match line.met() {
                Some(true) => "met",
                Some(false) => "missed",
                None => "",
            };
            let theirs = line.theirs.map_or("missing".to_owned(), |t| format!("{t:.2?}"));
            let ratio = line.ratio().map_or("-".to_owned(), |r| format!("{r:.2}×"));
            let target = format!("{} {met}", line.target);
            let ours = format!("{:.2?}", line.ours);
            writeln!(f, "{:49} {ours:>11} {theirs:>11} {ratio:>7}  {target:24} {}", line.what, line.peer)?;
        }
        for note in &self.notes {
            writeln!(f, "- {note}")?;
        }
        let versions: Vec<String> =
            self.versions.iter().map(|(of, version)| format!("{of} {version}")).collect();
        writeln!(f, "- {}", versions.join(", "))
    }
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_of_times_or_of_rates() {
        let line = |target| Line {
            what: String::new(),
            peer: String::new(),
            ours: Duration::from_millis(200),
            theirs: Some(Duration::from_millis(100)),
            target,
        };
        let slow = line(Target::TimeAtMost(1.1));
        assert_eq!((slow.ratio(), slow.met()), (Some(2.0), Some(false)));
        let rate = line(Target::RateAtLeast(0.5));
        assert_eq!((rate.ratio(), rate.met()), (Some(0.5), Some(true)));
    }

    #[test]
    fn the_median_is_the_one_in_the_middle() {
        let mut times = [5, 1, 9].map(Duration::from_millis);
        assert_eq!(median(&mut times), Duration::from_millis(5));
    }
}
