//! Which batch files of a scope are rewritten next: a pure function of what its manifest says.
//!
//! Three things are bounded, each by a rule of its own:
//!
//! - **How many small files there are.** Files that are not full are in tiers by their size, each four times the
//!   one before; as many as [`CompactionSettings::fan_in`] of one tier are merged. So a scope has a few files
//!   of each tier, and full ones.
//! - **How many rows are dead.** A file with too many is rewritten by itself.
//! - **How many files a key may be in.** Merging is by key, so the files that one compaction wrote have no key in
//!   common: they are one *run*. When too many runs have a range that one key is in, their files around it
//!   are merged, and are one run there.
//!
//! Every pick makes one of them smaller and none larger, so that picking comes to an end.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use crate::config::CompactionSettings;

/// A file is full from this part of a file on.
const FULL: u64 = UNIT / 2;
/// The first tier is of files below this part of a file.
const FIRST_TIER: u64 = UNIT / 256;
/// A whole file, in the parts that shares are counted in.
const UNIT: u64 = 1 << 20;
/// The files of a run are read one after the other, so that more of them are merged at a time.
const FILES_OF_RUNS: usize = 4;

/// The lowest and the highest value of a file's keys, encoded.
pub type Ends = (Vec<u8>, Vec<u8>);

/// A batch file that may be rewritten.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Candidate {
    /// Its number.
    pub number: u64,
    /// Rows in it.
    pub rows: u64,
    /// Of these dead.
    pub dead: u64,
    /// Its size.
    pub bytes: u64,
    /// Whether it ends because a file holds no more.
    pub full: bool,
    /// The ends of the key's first column; `None` when they are not known.
    pub range: Option<Ends>,
    /// The number of the first file that was written together with it, or its own.
    pub run: u64,
}

/// What a file holds, and what is wanted of files.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The settings.
    pub compaction: CompactionSettings,
    /// Rows of a batch file.
    pub file_rows: u64,
    /// Bytes of a batch file.
    pub file_bytes: u64,
}

/// How much is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// What is due.
    Due,
    /// All that makes fewer files or leaves dead rows out.
    All,
}

/// The numbers of the files to rewrite together; `None` when nothing is to be done.
#[must_use]
pub fn pick(files: &[Candidate], limits: &Limits, effort: Effort) -> Option<Vec<u64>> {
    let picked = small(files, limits, effort)
        .or_else(|| dead(files, limits, effort))
        .or_else(|| overlapping(files, limits))?;
    let mut numbers: Vec<u64> = picked.into_iter().map(|file| file.number).collect();
    numbers.sort_unstable();
    Some(numbers)
}

impl Candidate {
    fn live_rows(&self) -> u64 {
        self.rows.saturating_sub(self.dead)
    }

    fn live_bytes(&self) -> u64 {
        scaled(self.bytes, self.live_rows(), self.rows)
    }

    /// How much of a file its live rows make, by rows or by bytes.
    fn share(&self, limits: &Limits) -> u64 {
        let rows = scaled(UNIT, self.live_rows(), limits.file_rows);
        rows.max(scaled(UNIT, self.live_bytes(), limits.file_bytes))
    }

    fn is_full(&self, limits: &Limits) -> bool {
        self.full || self.share(limits) >= FULL
    }

    fn tier(&self, limits: &Limits) -> u32 {
        let share = self.share(limits);
        let (mut tier, mut end) = (0, FIRST_TIER);
        while share >= end {
            tier += 1;
            end *= 4;
        }
        tier
    }

    fn holds(&self, point: &[u8]) -> bool {
        self.range.as_ref().is_none_or(|(min, max)| (min.as_slice()..=max.as_slice()).contains(&point))
    }
}

fn scaled(n: u64, part: u64, whole: u64) -> u64 {
    let scaled = u128::from(n) * u128::from(part) / u128::from(whole.max(1));
    u64::try_from(scaled).unwrap_or(u64::MAX)
}

/// Files of one tier, or all that are not full.
fn small<'a>(files: &'a [Candidate], limits: &Limits, effort: Effort) -> Option<Vec<&'a Candidate>> {
    let mut tiers: BTreeMap<u32, Vec<&Candidate>> = BTreeMap::new();
    for file in files.iter().filter(|file| !file.is_full(limits)) {
        let tier = if effort == Effort::All { 0 } else { file.tier(limits) };
        tiers.entry(tier).or_default().push(file);
    }
    let enough = if effort == Effort::All { 2 } else { limits.compaction.fan_in.max(2) };
    tiers.into_values().filter(|tier| tier.len() >= enough).find_map(|tier| neighbours(tier, limits))
}

/// As many files as may be merged, which are next to each other by their keys, and of these the smallest.
fn neighbours<'a>(mut files: Vec<&'a Candidate>, limits: &Limits) -> Option<Vec<&'a Candidate>> {
    files.sort_by(|a, b| (&a.range, a.number).cmp(&(&b.range, b.number)));
    let most = files.len().min(limits.compaction.most_files);
    for count in (2..=most).rev() {
        let bytes = |window: &[&Candidate]| window.iter().map(|file| file.bytes).sum::<u64>();
        let smallest = files.windows(count).min_by_key(|window| bytes(window))?;
        if bytes(smallest) <= limits.compaction.run_bytes {
            return Some(smallest.to_vec());
        }
    }
    None
}

/// The file with the most dead rows for its size, if they are too many.
fn dead<'a>(files: &'a [Candidate], limits: &Limits, effort: Effort) -> Option<Vec<&'a Candidate>> {
    let percent = if effort == Effort::All { 0 } else { u64::from(limits.compaction.dead_percent) };
    let too_many = |file: &&Candidate| file.dead.saturating_mul(100) > file.rows.saturating_mul(percent);
    let densest = files.iter().filter(too_many).max_by_key(|file| scaled(UNIT, file.dead, file.rows))?;
    Some(vec![densest])
}

/// Full files around the key that is in the ranges of the most runs, if it is in too many.
fn overlapping<'a>(files: &'a [Candidate], limits: &Limits) -> Option<Vec<&'a Candidate>> {
    let full: Vec<&Candidate> = files.iter().filter(|file| file.is_full(limits)).collect();
    let point = deepest(&full)?;
    let mut runs: BTreeMap<u64, Vec<&Candidate>> = BTreeMap::new();
    for file in full.into_iter().filter(|file| file.holds(&point)) {
        runs.entry(file.run).or_default().push(file);
    }
    if runs.len() <= limits.compaction.overlapping_files {
        return None;
    }
    let mut runs: Vec<Vec<&Candidate>> = runs.into_values().collect();
    runs.sort_by_key(|run| run.iter().map(|file| file.bytes).sum::<u64>());
    let most = limits.compaction.most_files;
    let (mut picked, mut bytes, mut taken) = (Vec::new(), 0_u64, 0);
    for run in runs {
        bytes += run.iter().map(|file| file.bytes).sum::<u64>();
        let too_many = taken == most || picked.len() + run.len() > most * FILES_OF_RUNS;
        if too_many || bytes > limits.compaction.run_bytes {
            break;
        }
        picked.extend(run);
        taken += 1;
    }
    (taken > 1).then_some(picked)
}

/// The key that is in the ranges of the most runs.
fn deepest(files: &[&Candidate]) -> Option<Vec<u8>> {
    let ranges = files.iter().filter_map(|file| file.range.as_ref().map(|(min, max)| (min, max, file.run)));
    let mut ranges: Vec<(&Vec<u8>, &Vec<u8>, u64)> = ranges.collect();
    ranges.sort_unstable();
    let mut ends: BinaryHeap<Reverse<(&[u8], u64)>> = BinaryHeap::new();
    let mut open: BTreeMap<u64, usize> = BTreeMap::new();
    let mut deepest: (usize, &[u8]) = (0, &[]);
    for (min, max, run) in ranges {
        while let Some(Reverse((_, ended))) = ends.peek().filter(|end| end.0.0 < min.as_slice()).copied() {
            ends.pop();
            if open.get(&ended).is_some_and(|count| *count > 1) {
                open.entry(ended).and_modify(|count| *count -= 1);
            } else {
                open.remove(&ended);
            }
        }
        ends.push(Reverse((max, run)));
        *open.entry(run).or_default() += 1;
        if open.len() > deepest.0 {
            deepest = (open.len(), min);
        }
    }
    (!files.is_empty()).then(|| deepest.1.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{Rng, SeededRng};

    const LIMITS: Limits = Limits {
        compaction: CompactionSettings {
            automatic: true,
            fan_in: 4,
            most_files: 8,
            run_bytes: 1 << 40,
            overlapping_files: 8,
            dead_percent: 30,
            grace_ms: 0,
            kept_manifests: 8,
            sweep_numbers: 64,
        },
        file_rows: 100_000,
        file_bytes: 100_000_000,
    };

    fn file(number: u64, rows: u64, dead: u64) -> Candidate {
        Candidate { number, rows, dead, bytes: rows * 10, run: number, ..Candidate::default() }
    }

    fn ranged(number: u64, rows: u64, min: u8, max: u8) -> Candidate {
        Candidate { range: Some((vec![min], vec![max])), ..file(number, rows, 0) }
    }

    #[test]
    fn what_is_due_and_what_is_not() {
        let due = |files: &[Candidate]| pick(files, &LIMITS, Effort::Due);
        let none: [u64; 0] = [];
        let cases: [(&str, Vec<Candidate>, &[u64]); 8] = [
            ("nothing", vec![], &none),
            ("three of a tier", (1..4).map(|n| file(n, 10, 0)).collect(), &none),
            ("four of a tier", (1..5).map(|n| file(n, 10, 0)).collect(), &[1, 2, 3, 4]),
            ("four of four tiers", (1..5).map(|n| file(n, 10 * 10_u64.pow(n as u32), 0)).collect(), &none),
            (
                "more than are merged at a time",
                (1..20).map(|n| file(n, n, 0)).collect(),
                &[1, 2, 3, 4, 5, 6, 7, 8],
            ),
            ("full ones", (1..9).map(|n| file(n, 60_000, 0)).collect(), &none),
            ("as many dead rows as may be", vec![file(1, 60_000, 18_000)], &none),
            ("one more", vec![file(1, 60_000, 18_001), file(2, 60_000, 0)], &[1]),
        ];
        for (what, files, expected) in cases {
            assert_eq!(due(&files).unwrap_or_default(), expected, "{what}");
        }
        let flagged = |n| Candidate { full: true, ..file(n, 10, 0) };
        assert_eq!(due(&(1..6).map(flagged).collect::<Vec<_>>()), None, "files that hold no more");
    }

    #[test]
    fn by_command_more_is_done() {
        let all = |files: &[Candidate]| pick(files, &LIMITS, Effort::All);
        assert_eq!(all(&[file(1, 10, 0)]), None);
        assert_eq!(all(&[file(1, 10, 0), file(2, 20_000, 0), file(3, 60_000, 0)]), Some(vec![1, 2]));
        assert_eq!(all(&[file(1, 10, 0), file(3, 60_000, 1)]), Some(vec![3]));
    }

    #[test]
    fn bytes_bound_what_is_merged_at_a_time() {
        let mut limits = LIMITS;
        limits.compaction.run_bytes = 250;
        let files: Vec<Candidate> = (1..9).map(|n| file(n, 10, 0)).collect();
        assert_eq!(pick(&files, &limits, Effort::Due).map(|p| p.len()), Some(2));
        limits.compaction.run_bytes = 150;
        assert_eq!(pick(&files, &limits, Effort::Due), None);
    }

    #[test]
    fn neighbours_are_merged() {
        let mut files: Vec<Candidate> =
            (1..10).map(|n| ranged(n, 10, 200 - 10 * n as u8, 205 - 10 * n as u8)).collect();
        files[0].rows = 100;
        files[0].bytes = 1000;
        let picked = pick(&files, &LIMITS, Effort::Due).unwrap();
        assert_eq!(picked, (2..10).collect::<Vec<u64>>(), "all but the large one at the end");
    }

    #[test]
    fn too_many_full_files_with_a_key_in_common() {
        let stack = |count: u64| (1..=count).map(|n| ranged(n, 60_000, n as u8, 100)).collect::<Vec<_>>();
        assert_eq!(pick(&stack(8), &LIMITS, Effort::Due), None);
        assert_eq!(pick(&stack(9), &LIMITS, Effort::Due).map(|p| p.len()), Some(8));
        let apart: Vec<Candidate> =
            (1..20).map(|n| ranged(n, 60_000, 10 * n as u8, 10 * n as u8 + 9)).collect();
        assert_eq!(pick(&apart, &LIMITS, Effort::Due), None);
        let one_run: Vec<Candidate> = stack(9).into_iter().map(|file| Candidate { run: 1, ..file }).collect();
        assert_eq!(pick(&one_run, &LIMITS, Effort::Due), None, "they only look as if they had");
        let unknown: Vec<Candidate> = (1..12).map(|n| file(n, 60_000, 0)).collect();
        assert_eq!(pick(&unknown, &LIMITS, Effort::Due).map(|p| p.len()), Some(8));
    }

    /// Writes the files that compacting `numbers` gives.
    fn compact(files: &mut Vec<Candidate>, numbers: &[u64], next: &mut u64) {
        let (inputs, kept): (Vec<_>, Vec<_>) =
            std::mem::take(files).into_iter().partition(|f| numbers.contains(&f.number));
        *files = kept;
        let mut rows: u64 = inputs.iter().map(Candidate::live_rows).sum();
        let ranges: Vec<_> = inputs.iter().filter_map(|f| f.range.clone()).collect();
        let low = ranges.iter().map(|r| decode(&r.0)).min().unwrap_or(0);
        let high = ranges.iter().map(|r| decode(&r.1)).max().unwrap_or(0);
        let (total, run) = (rows.max(1), *next);
        let mut done = 0;
        while rows > 0 {
            let size = rows.min(LIMITS.file_rows);
            let at = |done: u64| low + ((high - low) as u128 * u128::from(done) / u128::from(total)) as u64;
            let range = Some((encode(at(done)), encode(at(done + size))));
            let full = size == LIMITS.file_rows;
            files.push(Candidate { range, full, run, ..file(*next, size, 0) });
            (rows, done, *next) = (rows - size, done + size, *next + 1);
        }
    }

    fn encode(key: u64) -> Vec<u8> {
        key.to_be_bytes().to_vec()
    }

    fn decode(key: &[u8]) -> u64 {
        key.try_into().map(u64::from_be_bytes).unwrap_or(0)
    }

    #[test]
    fn however_often_it_is_flushed_files_stay_few() {
        for seed in 0..20 {
            let rng = SeededRng::new(seed);
            let below = |end: u64| {
                let mut bytes = [0; 8];
                rng.fill(&mut bytes);
                u64::from_le_bytes(bytes) % end
            };
            let (mut files, mut next, mut rewritten) = (Vec::<Candidate>::new(), 1, 0);
            let mut flushed = 0;
            for _ in 0..2_000 {
                let rows = 1 + below(2_000);
                let (a, b) = (below(1 << 32), below(1 << 32));
                let range = Some((encode(u64::min(a, b)), encode(u64::max(a, b))));
                files.push(Candidate { range, ..file(next, rows, 0) });
                (next, flushed) = (next + 1, flushed + rows);
                for file in &mut files {
                    file.dead = (file.dead + below(2 + file.rows / 500)).min(file.rows);
                }
                files.retain(|file| file.dead < file.rows);
                let mut runs = 0;
                while let Some(numbers) = pick(&files, &LIMITS, Effort::Due) {
                    rewritten +=
                        files.iter().filter(|f| numbers.contains(&f.number)).map(|f| f.rows).sum::<u64>();
                    compact(&mut files, &numbers, &mut next);
                    runs += 1;
                    assert!(runs < 100, "seed {seed}: it does not come to an end");
                }
                let rows: u64 = files.iter().map(Candidate::live_rows).sum();
                let most = 5 * 3 + 2 * rows.div_ceil(LIMITS.file_rows / 2) as usize;
                assert!(files.len() <= most, "seed {seed}: {} files of {rows} rows", files.len());
            }
            assert!(rewritten < 20 * flushed, "seed {seed}: {rewritten} rows rewritten for {flushed}");
        }
    }
}
