//! Random bytes from the browser.

use firndb_core::storage::Rng;
use firndb_core::{Error, Result};

/// Random bytes from `crypto.getRandomValues`; fit for secrets.
#[derive(Debug, Clone, Copy)]
pub struct CryptoRng(());

impl CryptoRng {
    /// The generator, once it is seen to work: [`Rng::fill`] cannot fail later.
    ///
    /// # Errors
    /// `Unsupported` when the context has no `crypto`.
    pub fn new() -> Result<Self> {
        let mut probe = [0; 16];
        getrandom_04::fill(&mut probe).map_err(|e| Error::unsupported(format!("random numbers: {e}")))?;
        Ok(Self(()))
    }
}

impl Rng for CryptoRng {
    fn fill(&self, bytes: &mut [u8]) {
        // It fails only where there is no `crypto`, which `new` has ruled out.
        _ = getrandom_04::fill(bytes);
    }
}
