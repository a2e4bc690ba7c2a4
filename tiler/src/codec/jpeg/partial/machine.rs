//! How the parts of decoding are done on a [`Machine`].

use super::{
    bits::Broken,
    colour::{self, Row},
    idct::{self, Pair, Samples},
    planes::Planes,
    scan::{self, Transform, UnitRow},
    upsample::{self, Sums},
};
use crate::codec::jpeg::machine::Machine;

impl Machine {
    /// [`scan::decode`].
    pub(super) fn decode(self, units: UnitRow<'_>, planes: &mut Planes) -> Result<(), Broken> {
        match self {
            Self::Plain => scan::decode(units, planes, self),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(found) => found.decode(units, planes),
        }
    }

    /// [`scan::pass`].
    pub(super) fn pass(self, units: UnitRow<'_>) -> Result<(), Broken> {
        match self {
            Self::Plain => scan::pass(units),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(found) => found.pass(units),
        }
    }

    /// [`upsample::both`] where there is another row, else [`upsample::columns`].
    pub(super) fn upsample(self, near: &[u8], far: Option<&[u8]>, sums: &mut Sums, out: &mut [u8]) {
        match (self, far) {
            (Self::Plain, Some(far)) => upsample::both(near, far, sums, out),
            (Self::Plain, None) => upsample::columns(near, sums, out),
            #[cfg(target_arch = "x86_64")]
            (Self::Avx2(found), _) => found.upsample(near, far, sums, out),
        }
    }

    /// [`colour::convert`].
    pub(super) fn convert(self, row: Row<'_>, out: &mut [u8]) {
        match self {
            Self::Plain => colour::convert(row, out),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(found) => found.convert(row, out),
        }
    }
}

impl Transform for Machine {
    #[inline(always)]
    fn transform(self, coefficients: &Pair, quantisation: [&[i16; 64]; 2]) -> Samples {
        match self {
            Self::Plain => idct::transform(coefficients, quantisation),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(found) => found.transform(coefficients, quantisation),
        }
    }

    #[inline(always)]
    fn announce(self, memory: &[u8]) {
        match self {
            Self::Plain => {}
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(found) => found.announce(memory),
        }
    }
}
