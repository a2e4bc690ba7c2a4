//! Rows of units: their blocks transformed and written, two units at once.

use super::{
    bits::Bits,
    fdct::{Pair, Rows},
    huffman::Codes,
    quantisation::Quantisation,
};

/// Transforms and quantises.
pub(super) trait Transform: Copy {
    fn transform(self, rows: &Rows<'_>, quantisation: &Quantisation, out: &mut Pair);
}

/// A component in a row of units.
pub(super) struct Band<'a> {
    /// Its rows, each of a whole number of pairs of units.
    pub(super) samples: &'a [u8],
    /// From one to the next.
    pub(super) stride: usize,
    /// Columns and rows of blocks that it has in a unit: 1 or 2.
    pub(super) blocks: usize,
    /// Columns and rows of blocks with pixels of the picture, where units have four of them: those beyond are of the last one's colour.
    pub(super) filled: (usize, usize),
    pub(super) quantisation: &'a Quantisation,
    pub(super) codes: &'a Codes,
    /// The first coefficient of its last block.
    pub(super) dc: i16,
}

impl<'a> Band<'a> {
    /// Eight rows of two blocks.
    #[inline(always)]
    fn rows(&self, col: usize, row: usize) -> Rows<'a> {
        std::array::from_fn(|number| {
            let from = &self.samples[(row + number) * self.stride + col..];
            from.first_chunk().expect("rows are as long as pairs of units")
        })
    }
}

/// A row of `units` units.
#[inline(always)]
pub(super) fn row(bands: &mut [Band<'_>], units: usize, bits: &mut Bits, how: impl Transform) {
    let mut pairs = [const { [const { Pair::EMPTY }; 4] }; 3];
    for first in (0..units).step_by(2) {
        for (band, pairs) in bands.iter().zip(&mut pairs) {
            if band.blocks == 1 {
                how.transform(&band.rows(8 * first, 0), band.quantisation, &mut pairs[0]);
            } else {
                for (number, pair) in pairs.iter_mut().enumerate() {
                    let (col, row) = (16 * (first + number % 2), 8 * (number / 2));
                    how.transform(&band.rows(col, row), band.quantisation, pair);
                }
            }
        }
        for unit in 0..(units - first).min(2) {
            for (band, pairs) in bands.iter_mut().zip(&pairs) {
                if band.blocks == 1 {
                    bits.block(&pairs[0], unit, &mut band.dc, band.codes);
                } else {
                    for (row, pair) in [&pairs[unit], &pairs[unit + 2]].into_iter().enumerate() {
                        for col in 0..2 {
                            if 2 * (first + unit) + col < band.filled.0 && row < band.filled.1 {
                                bits.block(pair, col, &mut band.dc, band.codes);
                            } else {
                                bits.block(&Pair::EMPTY, 0, &mut 0, band.codes);
                            }
                        }
                    }
                }
            }
        }
    }
}
