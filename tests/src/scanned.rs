//! What EXPLAIN ANALYZE counts of a scan.

use std::collections::BTreeMap;

use datafusion::common::ScalarValue;
use firndb_core::Session;

use crate::ask::lines;

/// The counters of one table, all its scans together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scanned(BTreeMap<String, u64>);

impl Scanned {
    /// Runs `sql` and gives what it took of `table`.
    ///
    /// # Panics
    /// When it fails.
    pub async fn of(session: &mut Session, table: &str, sql: &str, params: &[ScalarValue]) -> Self {
        let explained = session.query(&format!("EXPLAIN ANALYZE {sql}"), params).await;
        let explained = explained.unwrap_or_else(|e| panic!("{sql}\nfailed with {}: {e}", e.kind()));
        let mut counts = BTreeMap::new();
        for line in lines(&explained) {
            let Some(line) = line.strip_prefix(&format!("{table}|")) else { continue };
            for (name, value) in line.split(", ").filter_map(|pair| pair.split_once('=')) {
                // The name of an index is no count.
                if let Ok(value) = value.parse::<u64>() {
                    *counts.entry(name.to_owned()).or_default() += value;
                }
            }
        }
        Self(counts)
    }

    /// The counter of this name.
    ///
    /// # Panics
    /// When there is none: a typo must not pass for nothing counted.
    #[must_use]
    pub fn get(&self, name: &str) -> u64 {
        *self.0.get(name).unwrap_or_else(|| panic!("no {name} in {:?}", self.0))
    }
}
