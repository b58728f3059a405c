//! One batch file against its checksums, and its manifest entry against its rows.

use std::sync::Arc;

use super::{Checking, Looking};
use crate::cold::ColdFile;
use crate::cold::rebuild::{read_entry, survey};
use crate::error::{ErrorKind, Result};
use crate::manifest::{BatchEntry, ColumnStats};
use crate::types::ColumnId;

impl Checking<'_> {
    /// Reads the file of `entry` twice: whole, for its checksums, and its rows, for what the manifest says of them.
    pub(super) async fn file(&mut self, looking: &Looking<'_>, entry: &BatchEntry) -> Result<()> {
        self.report.files += 1;
        self.report.bytes += entry.bytes;
        self.report.rows += entry.rows;
        let blobs = &self.tiers.stores.blobs;
        let file = ColdFile::new(Arc::clone(blobs), &looking.dir, Arc::new(entry.clone()));
        if let Err(e) = file.verify().await {
            return self.report.note_damage(e);
        }
        match self.faults(looking, &file).await {
            Ok(faults) if faults.is_empty() => {
                let dead = entry.deletes.as_ref().map_or(0, |deletes| deletes.count);
                self.report.verified.push(format!(
                    "{}: {} rows in {} row groups, {dead} of them dead, {} bytes, {} Bloom filters",
                    file.path(),
                    entry.rows,
                    entry.row_groups.len(),
                    entry.bytes,
                    entry.filters.values().map(Vec::len).sum::<usize>()
                ));
            }
            Ok(faults) => {
                self.report.findings.extend(faults.into_iter().map(|f| format!("{}: {f}", file.path())));
            }
            Err(e) => self.report.note_damage(e)?,
        }
        Ok(())
    }

    async fn faults(&self, looking: &Looking<'_>, file: &ColdFile) -> Result<Vec<String>> {
        let (def, entry) = (looking.def, file.entry());
        let scope = looking.dir.filename().unwrap_or_default();
        let blobs = &self.tiers.stores.blobs;
        let mut faults = Vec::new();
        match read_entry(blobs, &looking.dir, entry.number, def.id, scope).await {
            Ok(found) => faults.extend(differences(entry, &found)),
            Err(e) if e.kind() == ErrorKind::Corrupt => faults.push(e.to_string()),
            Err(e) => return Err(e),
        }
        let found = survey(file, &def.file_schema()?, self.pace).await?;
        faults.extend(found.faults);
        if (entry.min_seq, entry.max_seq) != (found.min_seq, found.max_seq) {
            faults.push(format!(
                "the manifest has _seq from {} to {}, the rows {} to {}",
                entry.min_seq, entry.max_seq, found.min_seq, found.max_seq
            ));
        }
        for (id, rows) in &found.columns {
            let said = entry.columns.get(id).filter(|said| *said != rows);
            faults.extend(said.map(|said| lie(*id, said, rows)));
        }
        Ok(faults)
    }
}

fn lie(id: ColumnId, said: &ColumnStats, rows: &ColumnStats) -> String {
    let json = |stats: &ColumnStats| serde_json::to_string(stats).unwrap_or_default();
    format!("the manifest says of column {id} {}, the rows {}", json(said), json(rows))
}

/// What `said`, of the manifest, and `found`, of footer and checksums, do not agree on, values aside.
fn differences(said: &BatchEntry, found: &BatchEntry) -> Vec<String> {
    let checks = [
        ("rows", said.rows == found.rows),
        ("row groups", said.row_groups == found.row_groups),
        ("schema version", said.schema_version == found.schema_version),
        ("checksum of its checksums", said.sum == found.sum),
        ("checksum", said.checksum == found.checksum),
        ("replaced files", said.replaces == found.replaces),
        ("places of Bloom filters", said.filters == found.filters),
        ("columns", said.columns.keys().eq(found.columns.keys())),
    ];
    let wrong = checks.into_iter().filter(|(_, same)| !same);
    wrong.map(|(what, _)| format!("the manifest has other {what} than the file")).collect()
}
