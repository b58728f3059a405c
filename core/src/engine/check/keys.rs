//! Every key is visible once over all files of a scope.
//!
//! The keys are hashed and the hashes sorted, in as many passes as keep them within a bound of memory; keys of
//! hashes that come twice are then compared themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hasher};
use std::sync::Arc;

use super::vectors::Dead;
use super::{Checking, Looking};
use crate::cold::ColdFile;
use crate::cold::rebuild::visible_keys;
use crate::error::Result;
use crate::manifest::Manifest;

/// Hashes kept at a time: 32 MiB.
const PASS_KEYS: u64 = 4 << 20;
/// How many keys of one scope are reported.
const MOST_REPORTED: usize = 16;

impl Checking<'_> {
    pub(super) async fn unique_keys(
        &mut self,
        looking: &Looking<'_>,
        manifest: &Manifest,
        dead: &Dead,
    ) -> Result<()> {
        // Within a file keys ascend.
        if manifest.live().count() < 2 {
            return Ok(());
        }
        let rows: u64 = manifest.live().map(crate::manifest::BatchEntry::live_rows).sum();
        let passes = rows.div_ceil(PASS_KEYS).max(1);
        let mut twice = BTreeSet::new();
        for pass in 0..passes {
            let mut hashes: Vec<u64> = Vec::new();
            self.each_key(looking, manifest, dead, |_, key| {
                let hash = hash(key);
                if hash % passes == pass {
                    hashes.push(hash);
                }
            })
            .await?;
            hashes.sort_unstable();
            let same = hashes.windows(2).filter_map(|pair| pair.first().filter(|h| pair.last() == Some(h)));
            twice.extend(same.copied().take(MOST_REPORTED));
        }
        if twice.is_empty() {
            return Ok(());
        }
        let mut places: BTreeMap<Vec<u8>, Vec<u64>> = BTreeMap::new();
        self.each_key(looking, manifest, dead, |batch, key| {
            if twice.contains(&hash(key)) {
                places.entry(key.to_vec()).or_default().push(batch);
            }
        })
        .await?;
        for (key, batches) in places.into_iter().filter(|(_, batches)| batches.len() > 1) {
            self.report.findings.push(format!(
                "{}: the key {} is visible in each of the batches {batches:?}",
                looking.dir,
                data_encoding::HEXLOWER.encode(&key)
            ));
        }
        Ok(())
    }

    async fn each_key(
        &self,
        looking: &Looking<'_>,
        manifest: &Manifest,
        dead: &Dead,
        mut each: impl FnMut(u64, &[u8]) + Send,
    ) -> Result<()> {
        let schema = looking.def.file_schema()?;
        for entry in manifest.live() {
            let blobs = Arc::clone(&self.tiers.stores.blobs);
            let file = ColdFile::new(blobs, &looking.dir, Arc::new(entry.clone()));
            let gone = dead.get(&entry.number).map(Arc::as_ref);
            visible_keys(&file, &schema, gone, self.pace, |key| each(entry.number, key)).await?;
        }
        Ok(())
    }
}

fn hash(key: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(key);
    hasher.finish()
}
