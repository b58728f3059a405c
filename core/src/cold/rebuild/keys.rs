//! The keys of a batch file that no deletion vector hides.

use std::sync::Arc;

use futures::TryStreamExt;
use roaring::RoaringBitmap;

use crate::cold::ColdCaches;
use crate::cold::file::ColdFile;
use crate::cold::footers::named;
use crate::cold::rebuild::survey::{CACHE_BYTES, key_of};
use crate::cold::rows;
use crate::cold::schema::FileSchema;
use crate::cold::selection::RowPick;
use crate::cold::source::ReadCounters;
use crate::error::Result;
use crate::key::KeyEncoder;
use crate::pace::Pace;

/// Gives `each` the keys of the rows of `file` that are not in `dead`, as bytes that [`KeyEncoder`] makes.
///
/// # Errors
/// `Corrupt`, naming the file, when it is not as written; `Cancelled` by the pace.
pub async fn visible_keys(
    file: &ColdFile,
    schema: &FileSchema,
    dead: Option<&RoaringBitmap>,
    pace: &Pace,
    mut each: impl FnMut(&[u8]) + Send,
) -> Result<()> {
    let caches = Arc::new(ColdCaches::new(CACHE_BYTES, CACHE_BYTES));
    let counters = Arc::new(ReadCounters::default());
    let footer = caches.footers.footer(file).await?;
    let encoder: KeyEncoder = schema.key_encoder()?;
    let mut pick = RowPick::default();
    let mut base = 0;
    for (group, count) in file.entry().row_groups.iter().enumerate() {
        let rows = u64::from(*count);
        pick.push(group, base, rows, std::slice::from_ref(&(0..rows)));
        base += rows;
    }
    let mut stream = rows::open(file, &caches, &counters, &footer, &schema.key, &pick)?;
    let mut row = 0u32;
    while let Some(batch) = stream.try_next().await.map_err(|e| named(file, e))? {
        let key =
            key_of(&batch, &schema.key).ok_or_else(|| file.damaged("a file without its key columns"))?;
        for key in &encoder.encode(&key)? {
            if !dead.is_some_and(|dead| dead.contains(row)) {
                each(key.data());
            }
            row = row.saturating_add(1);
        }
        pace.step().await?;
    }
    Ok(())
}
