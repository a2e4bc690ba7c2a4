//! What the processor can do, chosen when it runs.

#[cfg(target_arch = "x86_64")]
use super::simd;
use super::{
    bits::Bits,
    fdct::{self, Pair, Rows},
    quantisation::Quantisation,
    scan::{self, Band, Transform},
};
#[cfg(target_arch = "x86_64")]
use crate::codec::jpeg::avx2::Avx2;

/// What it can do.
#[derive(Debug, Clone, Copy)]
pub(super) enum Machine {
    /// What every one can.
    Plain,
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
}

impl Machine {
    pub(super) fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        if let Some(found) = Avx2::detect() {
            return Self::Avx2(found);
        }
        Self::Plain
    }

    /// [`scan::row`].
    pub(super) fn row(self, bands: &mut [Band<'_>], units: usize, bits: &mut Bits) {
        match self {
            Self::Plain => scan::row(bands, units, bits, self),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(found) => simd::row(bands, units, bits, found),
        }
    }
}

impl Transform for Machine {
    #[inline(always)]
    fn transform(self, rows: &Rows<'_>, quantisation: &Quantisation, out: &mut Pair) {
        match self {
            Self::Plain => fdct::transform(rows, quantisation, out),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(found) => found.transform(rows, quantisation, out),
        }
    }
}
