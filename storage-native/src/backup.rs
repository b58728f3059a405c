//! A backup of a store as another directory, which appears when it is whole ([`crate::making`]).

use std::fs;
use std::path::Path;

use firndb_core::{BackupReport, Config, Engine, Error, OnProgress, Result};

use crate::files::LocalFiles;
use crate::making::{Making, Origin};
use crate::{open, open_read_only};

/// How often a backup is made that meets files missing, which another process may have removed.
const ATTEMPTS: usize = 3;

/// Copies the store in `dir`, whose blobs may be at the URL `blobs`, to the directory `target`, which must be
/// absent or empty, and holds everything then, blobs too.
///
/// The store is only read, and whoever has it open goes on: the copy has every statement that was
/// acknowledged before the call, and one that came later entirely or not at all. An engine of this process
/// on the same store should keep its files meanwhile ([`Engine::pin_files`]).
///
/// # Errors
/// `NotFound` when there is no store in `dir`, `AlreadyExists` when `target` is not empty, `InvalidInput` when
/// it cannot be a directory of its own or is in that of the store; else as [`open_read_only`] and [`Engine::backup`]. Nothing is left at
/// `target` then.
pub async fn backup(
    dir: &Path,
    blobs: Option<&str>,
    target: &Path,
    progress: OnProgress<'_>,
) -> Result<BackupReport> {
    crate::dir::require(dir)?;
    refuse_inside(dir, blobs, target)?;
    let mut seen = Vec::new();
    let mut attempt = 1;
    loop {
        let engine = reader(dir, blobs).await?;
        let (making, report) = make(&engine, target, progress).await?;
        engine.close().await?;
        // Whoever has the store open elsewhere may have dropped a table or compacted it, and removed its files,
        // before they were copied. Then they are not missing from the store as it is now: what is met twice is.
        if report.damage.is_empty() || report.damage == seen || attempt == ATTEMPTS {
            making.publish()?;
            return Ok(report);
        }
        seen = report.damage;
        attempt += 1;
    }
}

/// Copies the store that `engine` has open, wherever it is, to the directory `target`.
///
/// # Errors
/// As [`backup`].
pub async fn backup_engine(engine: &Engine, target: &Path, progress: OnProgress<'_>) -> Result<BackupReport> {
    let (making, report) = make(engine, target, progress).await?;
    making.publish()?;
    Ok(report)
}

/// Refuses a backup in a directory of the store that it is of: whatever loses the one loses the other.
fn refuse_inside(dir: &Path, blobs: Option<&str>, target: &Path) -> Result<()> {
    // Of what is not there yet, the directory counts that it is made in.
    let absolute = std::path::absolute(target).unwrap_or_else(|_| target.to_owned());
    let there = absolute.ancestors().find_map(|path| fs::canonicalize(path).ok());
    let within =
        there.is_some_and(|there| LocalFiles::outside_of(dir, blobs).is_ok_and(|out| out.holds(&there)));
    if within {
        return Err(Error::invalid(format!(
            "{} is in the directory of the store that it would be the backup of",
            target.display()
        ))
        .with_hint("name a directory outside of it, best on another disk"));
    }
    Ok(())
}

async fn reader(dir: &Path, blobs: Option<&str>) -> Result<Engine> {
    let mut config = Config::default();
    config.writer.read_only = true;
    Engine::open(open_read_only(dir, blobs)?, config).await
}

async fn make(engine: &Engine, target: &Path, progress: OnProgress<'_>) -> Result<(Making, BackupReport)> {
    let mut making = Making::begin(target, Origin::Backup)?;
    let stores = open(&making.dir, None)?;
    making.stores = Some(stores.clone());
    let report = engine.backup(&stores, progress).await?;
    stores.kv.close().await?;
    Ok((making, report))
}
