//! What the processor can do, chosen when it runs.

use super::{
    bits::Broken,
    colour::{self, Row},
    idct::{self, Pair, Samples},
    planes::Planes,
    scan::{self, Transform, UnitRow},
    upsample::{self, Sums},
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
}
