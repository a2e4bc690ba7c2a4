//! Quantisation, by the tables that ISO/IEC 10918-1 (T.81) suggests in its annex K.

use std::sync::OnceLock;

/// Steps at quality 50, in rows and columns (tables K.1, K.2).
const LUMA_STEPS: [u16; 64] = [
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17,
    22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78,
    87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
];
const CHROMA_STEPS: [u16; 64] = [
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99, 47, 66,
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
];

/// Bits by which coefficients come out of the transform too large.
const SCALE_BITS: u32 = 3;

/// The steps of a quality, and what divides by them.
#[derive(Debug)]
pub(super) struct Quantisation {
    /// In rows and columns.
    pub(super) steps: [u16; 64],
    /// `|c|` becomes `(|c| + correction) * reciprocal >> 16`, and that `* scale >> 16`.
    pub(super) correction: [u16; 64],
    pub(super) reciprocal: [u16; 64],
    pub(super) scale: [u16; 64],
}

impl Quantisation {
    /// As libjpeg scales the tables: 1 to 100, 50 leaves them as they are.
    fn new(steps: &[u16; 64], quality: u8) -> Self {
        let quality = u32::from(quality);
        let percent = if quality < 50 { 5000 / quality } else { 200 - 2 * quality };
        let steps = steps.map(|step| ((u32::from(step) * percent + 50) / 100).clamp(1, 255) as u16);
        let parts = steps.map(reciprocal);
        Self {
            steps,
            correction: parts.map(|(correction, ..)| correction),
            reciprocal: parts.map(|(_, reciprocal, _)| reciprocal),
            scale: parts.map(|(.., scale)| scale),
        }
    }

    /// What a coefficient is divided by, as it comes out of the transform.
    pub(super) const fn divisor(&self, place: usize) -> i32 {
        (self.steps[place] as i32) << SCALE_BITS
    }
}

/// Correction, reciprocal and scale that divide by a step exactly, with halves away from zero.
///
/// Source: A. Fog, “Optimizing subroutines in assembly language”, on division by a constant.
fn reciprocal(step: u16) -> (u16, u16, u16) {
    let divisor = u32::from(step) << SCALE_BITS;
    let bits = 16 + divisor.ilog2();
    let (quotient, rest) = ((1 << bits) / divisor, (1 << bits) % divisor);
    let half = divisor / 2;
    let (correction, reciprocal, bits) = match rest {
        // A power of two: its reciprocal would have 17 bits.
        0 => (half, quotient / 2, bits - 1),
        rest if rest <= half => (half + 1, quotient, bits),
        _ => (half, quotient + 1, bits),
    };
    (correction as u16, reciprocal as u16, (1 << (32 - bits)) as u16)
}

/// Luma's and chroma's tables of a quality.
pub(super) fn quantisation(quality: u8) -> &'static [Quantisation; 2] {
    static KEPT: [OnceLock<[Quantisation; 2]>; 100] = [const { OnceLock::new() }; 100];
    let quality = quality.clamp(1, 100);
    KEPT[usize::from(quality) - 1]
        .get_or_init(|| [LUMA_STEPS, CHROMA_STEPS].map(|steps| Quantisation::new(&steps, quality)))
}
