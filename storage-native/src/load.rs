//! A store of an archive, which appears when it is whole ([`crate::making`]).

use std::io::Read;
use std::path::Path;

use firndb_core::{Config, Engine, Result};

use crate::making::{Making, Origin};
use crate::open;

/// Makes the store of the archive in `input` in the directory `dir`, which must be absent or empty; its blobs
/// are at the URL `blobs`, or else in the directory too.
///
/// # Errors
/// `AlreadyExists` when `dir` is not empty, `InvalidInput` when it cannot be a directory of its own; else as
/// [`open`] and [`Engine::load`]. Nothing is left at `dir` then, nor where this process is killed.
pub async fn load(
    dir: &Path,
    blobs: Option<&str>,
    config: Config,
    input: &mut (dyn Read + Send),
) -> Result<()> {
    let mut making = Making::begin(dir, Origin::Load)?;
    let stores = open(&making.dir, blobs)?;
    making.stores = Some(stores.clone());
    let engine = Engine::load(stores, config, input).await?;
    engine.close().await?;
    drop(engine);
    making.publish()
}
