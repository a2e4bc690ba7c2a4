//! How the parts of encoding are done on a [`Machine`].

#[cfg(target_arch = "x86_64")]
use super::simd;
use super::{
    bits::Bits,
    fdct::{self, Pair, Rows},
    quantisation::Quantisation,
    scan::{self, Band, Transform},
};
use crate::codec::jpeg::machine::Machine;

impl Machine {
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
