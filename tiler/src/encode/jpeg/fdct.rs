//! The cosine transform of two blocks at once and their quantisation: libjpeg's accurate one in integers.

use super::quantisation::Quantisation;
use crate::codec::jpeg::dct::{FRACTION, ZIGZAG, factor};

/// Eight rows of two blocks beside each other.
pub(super) type Rows<'a> = [&'a [u8; 16]; 8];

/// Two blocks of quantised coefficients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pair {
    /// Row beside row: row `i` of the first at `16 * i`, of the second at `16 * i + 8`.
    pub(super) values: [i16; 128],
    /// Of each block, what a byte can hold of the coefficients, in the order of the stream.
    pub(super) low: [[i8; 64]; 2],
    /// Of each block, a bit for each coefficient that is not zero, in the order of the stream.
    pub(super) present: [u64; 2],
}

impl Pair {
    pub(super) const EMPTY: Self = Self { values: [0; 128], low: [[0; 64]; 2], present: [0; 2] };
}

/// Where a coefficient of the first block is among [`Pair::values`], by its number in the stream.
pub(super) const PLACES: [u8; 64] = {
    let mut places = [0; 64];
    let mut number = 0;
    while number < 64 {
        let natural = ZIGZAG[number];
        places[number] = natural / 8 * 16 + natural % 8;
        number += 1;
    }
    places
};

/// Bits of a fraction that are kept after rows.
pub(super) const KEPT: i32 = 2;
/// What is taken off after rows, and after columns.
pub(super) const AFTER_ROWS: i32 = FRACTION - KEPT;
pub(super) const AFTER_COLUMNS: i32 = FRACTION + KEPT;

pub(super) fn transform(rows: &Rows<'_>, quantisation: &Quantisation, out: &mut Pair) {
    for block in 0..2 {
        let mut values = [[0; 8]; 8];
        for (line, row) in values.iter_mut().zip(rows) {
            for (value, &sample) in line.iter_mut().zip(&row[8 * block..]) {
                *value = i32::from(sample) - 128;
            }
            *line = one_dimension::<AFTER_ROWS>(*line);
        }
        for col in 0..8 {
            let column = one_dimension::<AFTER_COLUMNS>(values.map(|line| line[col]));
            for (row, value) in column.into_iter().enumerate() {
                let divisor = quantisation.divisor(8 * row + col);
                let size = (value.abs() + divisor / 2) / divisor;
                out.values[16 * row + 8 * block + col] = (size * value.signum()) as i16;
            }
        }
        out.present[block] = 0;
        for (number, (place, low)) in PLACES.iter().zip(&mut out.low[block]).enumerate() {
            let value = out.values[usize::from(*place) + 8 * block];
            *low = value.clamp(i8::MIN.into(), i8::MAX.into()) as i8;
            out.present[block] |= u64::from(value != 0) << number;
        }
    }
}

fn one_dimension<const SHIFT: i32>([l0, l1, l2, l3, l4, l5, l6, l7]: [i32; 8]) -> [i32; 8] {
    let ([s0, s1, s2, s3], [d0, d1, d2, d3]) =
        ([l0 + l7, l1 + l6, l2 + l5, l3 + l4], [l0 - l7, l1 - l6, l2 - l5, l3 - l4]);
    let (outer, inner) = (s0 + s3, s1 + s2);
    let (even0, even1) = (s0 - s3, s1 - s2);
    let alone = |sum: i32| if SHIFT == AFTER_ROWS { sum << KEPT } else { (sum + (1 << (KEPT - 1))) >> KEPT };
    let scaled = |sum: i32| (sum + (1 << (SHIFT - 1))) >> SHIFT;
    let products = |a: i32, b: i32, [p, q]: [i16; 2]| a * i32::from(p) + b * i32::from(q);
    let (z3, z4) = (d3 + d1, d2 + d0);
    let (sum3, sum4) = (products(z3, z4, factor::SUM_3), products(z3, z4, factor::SUM_4));
    [
        alone(outer + inner),
        scaled(products(d3, d0, factor::ODD_3) + sum4),
        scaled(products(even0, even1, factor::EVEN_3)),
        scaled(products(d2, d1, factor::ODD_2) + sum3),
        alone(outer - inner),
        scaled(products(d2, d1, factor::ODD_1) + sum4),
        scaled(products(even0, even1, factor::EVEN_2)),
        scaled(products(d3, d0, factor::ODD_0) + sum3),
    ]
}
