//! `batch-N.sum`: the CRC-32C of every extent of a batch file.
//!
//! Parquet pages carry no checksum when they are written here, and footers and indexes have none at
//! all; with sums beside the file, any range can be verified by reading the extents around it.
//!
//! ```text
//! offset  size  what
//! 0       4     magic "FSUM"
//! 4       2     version, 1
//! 6       2     zero
//! 8       4     extent size in bytes, 65536
//! 12      8     size of the batch file
//! 20      4n    CRC-32C of each extent in order; the last extent may be shorter
//! 20+4n   4     CRC-32C of all bytes before; the manifest has it too
//! ```
//! Integers are little-endian.

use std::ops::Range;

use bytes::Bytes;

use crate::error::{Error, Result};
use crate::manifest::Checksum;

/// Bytes that share one checksum.
pub const EXTENT_BYTES: u64 = 64 * 1024;

const MAGIC: [u8; 4] = *b"FSUM";
const VERSION: u16 = 1;
const HEADER_BYTES: usize = 20;

/// The checksums of one file's extents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtentSums {
    total: u64,
    sums: Vec<u32>,
}

impl ExtentSums {
    /// The sums of a whole file.
    #[must_use]
    pub fn of(file: &[u8]) -> Self {
        let extent = usize::try_from(EXTENT_BYTES).unwrap_or(usize::MAX);
        Self { total: file.len() as u64, sums: file.chunks(extent).map(crc32c::crc32c).collect() }
    }

    /// The size of the file, in bytes.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Bytes that the sums take in memory.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        size_of::<Self>() + self.sums.len() * 4
    }

    /// The checksum of the sums themselves, with which [`ExtentSums::encode`] ends. It does not cover
    /// itself: a CRC over bytes and their own CRC is the same for all bytes.
    #[must_use]
    pub fn checksum(&self) -> Checksum {
        Checksum::of(&self.body())
    }

    /// The checksum of the whole batch file, put together from those of its extents.
    #[must_use]
    pub fn whole(&self) -> Checksum {
        let mut at = 0;
        let sum = self.sums.iter().fold(0, |whole, sum| {
            let length = EXTENT_BYTES.min(self.total.saturating_sub(at));
            at += length;
            crc32c::crc32c_combine(whole, *sum, usize::try_from(length).unwrap_or(usize::MAX))
        });
        Checksum(sum)
    }

    /// The bytes of the file of sums.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut out = self.body();
        let own = crc32c::crc32c(&out);
        out.extend_from_slice(&own.to_le_bytes());
        out.into()
    }

    fn body(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER_BYTES + self.sums.len() * 4 + 4);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&[0, 0]);
        out.extend_from_slice(&(EXTENT_BYTES as u32).to_le_bytes());
        out.extend_from_slice(&self.total.to_le_bytes());
        self.sums.iter().for_each(|sum| out.extend_from_slice(&sum.to_le_bytes()));
        out
    }

    /// Reads the file of sums called `name`.
    ///
    /// # Errors
    /// `Unsupported` for another version or extent size, `Corrupt` for anything that is not as written.
    pub fn decode(name: &str, bytes: &[u8]) -> Result<Self> {
        let damaged = |why: String| Error::corrupt(format!("checksums {name}: {why}"));
        let (body, own) =
            bytes.split_last_chunk::<4>().filter(|(body, _)| body.len() >= HEADER_BYTES).ok_or_else(
                || damaged(format!("expected at least {} bytes, found {}", HEADER_BYTES + 4, bytes.len())),
            )?;
        let mut at = Fields(body);
        if at.take::<4>() != MAGIC {
            return Err(damaged("expected the magic FSUM, found other bytes".to_owned()));
        }
        let version = u16::from_le_bytes(at.take());
        if version != VERSION {
            return Err(Error::unsupported(format!(
                "checksums {name} have version {version}, this version reads {VERSION}"
            )));
        }
        let (expected, found) = (u32::from_le_bytes(*own), crc32c::crc32c(body));
        if expected != found {
            return Err(damaged(format!("expected checksum {expected:08x}, found {found:08x}")));
        }
        at.take::<2>();
        let extent = u32::from_le_bytes(at.take());
        if u64::from(extent) != EXTENT_BYTES {
            return Err(Error::unsupported(format!("checksums {name} have extents of {extent} bytes")));
        }
        let total = u64::from_le_bytes(at.take());
        let (sums, rest) = at.0.as_chunks::<4>();
        if !rest.is_empty() || sums.len() as u64 != total.div_ceil(EXTENT_BYTES) {
            return Err(damaged(format!("{} sums do not cover {total} bytes", sums.len())));
        }
        Ok(Self { total, sums: sums.iter().map(|s| u32::from_le_bytes(*s)).collect() })
    }

    /// The smallest range of whole extents around `range`.
    #[must_use]
    pub fn widen(&self, range: &Range<u64>) -> Range<u64> {
        let start = range.start - range.start % EXTENT_BYTES;
        start..range.end.next_multiple_of(EXTENT_BYTES).min(self.total)
    }

    /// Checks `bytes`, read from offset `start`, which begins an extent; they end where an extent ends.
    ///
    /// # Errors
    /// What was expected and found, where; the caller names the file.
    pub fn verify(&self, start: u64, bytes: &[u8]) -> std::result::Result<(), String> {
        let extent = usize::try_from(EXTENT_BYTES).unwrap_or(usize::MAX);
        for (i, chunk) in bytes.chunks(extent).enumerate() {
            let number = start / EXTENT_BYTES + i as u64;
            let at = number * EXTENT_BYTES;
            let length = EXTENT_BYTES.min(self.total.saturating_sub(at));
            if chunk.len() as u64 != length {
                return Err(format!("expected {length} bytes at offset {at}, found {}", chunk.len()));
            }
            let expected = usize::try_from(number).ok().and_then(|n| self.sums.get(n)).copied();
            let found = crc32c::crc32c(chunk);
            if expected != Some(found) {
                let expected = expected.map_or_else(|| "nothing".to_owned(), |e| format!("{e:08x}"));
                return Err(format!(
                    "expected checksum {expected} of {length} bytes at offset {at}, found {found:08x}"
                ));
            }
        }
        Ok(())
    }
}

/// Fields of a header whose length was checked; short reads give zeros.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        match self.0.split_first_chunk::<N>() {
            Some((field, rest)) => {
                self.0 = rest;
                *field
            }
            None => [0; N],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn file(len: usize) -> Vec<u8> {
        (0..len).map(|i| (i * 31 % 251) as u8).collect()
    }

    #[test]
    fn sums_come_back_whatever_the_length() {
        for len in [0, 1, 65_535, 65_536, 65_537, 200_000] {
            let sums = ExtentSums::of(&file(len));
            assert_eq!(ExtentSums::decode("s", &sums.encode()).unwrap(), sums, "{len}");
            assert_eq!(sums.verify(0, &file(len)), Ok(()));
        }
    }

    #[test]
    fn ranges_widen_to_extents() {
        let sums = ExtentSums::of(&file(200_000));
        assert_eq!(sums.widen(&(1..2)), 0..65_536);
        assert_eq!(sums.widen(&(65_536..65_536 * 2)), 65_536..131_072);
        assert_eq!(sums.widen(&(70_000..199_999)), 65_536..200_000);
    }

    #[test]
    fn a_changed_or_missing_byte_shows() {
        let mut bytes = file(200_000);
        let sums = ExtentSums::of(&bytes);
        assert!(sums.verify(131_072, &bytes[131_072..199_999]).unwrap_err().contains("offset 196608"));
        assert!(sums.verify(0, &bytes[..65_000]).is_err());
        bytes[70_000] ^= 1;
        assert_eq!(sums.verify(0, &bytes[..65_536]), Ok(()));
        assert!(sums.verify(65_536, &bytes[65_536..]).unwrap_err().contains("offset 65536"));
        bytes.extend_from_slice(&[0; 10]);
        assert!(sums.verify(131_072, &bytes[131_072..]).is_err());
    }

    #[test]
    fn damaged_sums_are_corrupt_and_later_versions_unsupported() {
        let good = ExtentSums::of(&file(100_000)).encode();
        for at in [0, 8, 12, 20, good.len() - 1] {
            let mut bad = good.to_vec();
            bad[at] ^= 1;
            let error = ExtentSums::decode("batch-9.sum", &bad).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{at}");
            assert!(error.to_string().contains("batch-9.sum"));
        }
        assert_eq!(ExtentSums::decode("s", &good[..good.len() - 4]).unwrap_err().kind(), ErrorKind::Corrupt);
        assert_eq!(ExtentSums::decode("s", b"").unwrap_err().kind(), ErrorKind::Corrupt);
        let mut later = good.to_vec();
        later[4] = 2;
        assert_eq!(ExtentSums::decode("s", &later).unwrap_err().kind(), ErrorKind::Unsupported);
    }
}
