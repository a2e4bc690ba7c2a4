//! What the processor can do, chosen when it runs. Decoding and encoding each say beside their own work how they do it on one.

#[cfg(target_arch = "x86_64")]
use super::avx2::Avx2;

/// What it can do.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Machine {
    /// What every one can.
    Plain,
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
}

impl Machine {
    pub(crate) fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        if let Some(found) = Avx2::detect() {
            return Self::Avx2(found);
        }
        Self::Plain
    }
}
