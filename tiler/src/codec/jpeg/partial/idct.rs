//! The inverse cosine transform of two blocks at once: libjpeg's accurate one in integers, as its SIMD code rounds and
//! saturates it.

use crate::codec::jpeg::dct::{FRACTION, factor};

/// Two blocks, row beside row: row `i` of the first at `16 * i`, of the second at `16 * i + 8`.
pub(super) type Pair = [i16; 128];

/// Samples of two blocks: for each two rows of both, two of the first and then two of the second.
pub(super) type Samples = [u8; 128];

/// Where row `row` of block `block` is in [`Samples`].
#[inline(always)]
pub(super) const fn samples_at(block: usize, row: usize) -> usize {
    32 * (row / 2) + 16 * block + 8 * (row % 2)
}

/// What is taken off after columns, which keep two bits of a fraction, and after rows.
pub(super) const AFTER_COLUMNS: i32 = FRACTION - 2;
pub(super) const AFTER_ROWS: i32 = FRACTION + 5;

/// Samples of a block whose only coefficient is the first.
#[inline(always)]
pub(super) fn flat(dc: i16, quantisation: i16) -> u8 {
    let column = i32::from(dc.wrapping_mul(quantisation).wrapping_shl(2));
    (((column + 16) >> 5) + 128).clamp(0, 255) as u8
}

/// Samples of two blocks of coefficients in rows and columns, with the quantisation of each.
pub(super) fn transform(coefficients: &Pair, quantisation: [&[i16; 64]; 2]) -> Samples {
    let mut out = [0; 128];
    for block in 0..2 {
        let coefficient = |row: usize, col: usize| coefficients[16 * row + 8 * block + col];
        let dequantised =
            |row: usize, col: usize| coefficient(row, col).wrapping_mul(quantisation[block][8 * row + col]);
        let one_row = (1..8).all(|row| (0..8).all(|col| coefficient(row, col) == 0));
        let columns: [[i16; 8]; 8] = std::array::from_fn(|col| {
            if one_row {
                return [dequantised(0, col).wrapping_shl(2); 8];
            }
            let column = std::array::from_fn(|row| dequantised(row, col));
            one_dimension(column, AFTER_COLUMNS, |sum| i32::from(sum as i16))
        });
        for row in 0..8 {
            let line = columns.map(|column| column[row]);
            let line = if one_row {
                one_dimension(line, AFTER_ROWS, |sum| sum)
            } else {
                one_dimension(line, AFTER_ROWS, |sum| i32::from(sum as i16))
            };
            for (to, value) in out[samples_at(block, row)..].iter_mut().zip(line) {
                *to = (value.clamp(-128, 127) + 128) as u8;
            }
        }
    }
    out
}

/// Coefficients of the first row beyond this, which no picture has, make a difference where they are alone: sums of two
/// are of 32 bits then, as in libjpeg's code without SIMD, which libjpeg-turbo uses there.
pub(super) const ALONE_MAX: i16 = 4095;

/// `sum` is what becomes of a sum of two in the registers that are used.
fn one_dimension(line: [i16; 8], shift: i32, sum: impl Fn(i32) -> i32) -> [i16; 8] {
    let products = |a: i32, b: i32, [f, g]: [i16; 2]| {
        a.wrapping_mul(i32::from(f)).wrapping_add(b.wrapping_mul(i32::from(g)))
    };
    let [l0, l1, l2, l3, l4, l5, l6, l7] = line.map(i32::from);
    let round = 1 << (shift - 1);
    let even0 = (sum(l0 + l4) << FRACTION) + round;
    let even1 = (sum(l0 - l4) << FRACTION) + round;
    let (even2, even3) = (products(l2, l6, factor::EVEN_2), products(l2, l6, factor::EVEN_3));
    let (z3, z4) = (sum(l7 + l3), sum(l5 + l1));
    let (sum3, sum4) = (products(z3, z4, factor::SUM_3), products(z3, z4, factor::SUM_4));
    let odd0 = products(l7, l1, factor::ODD_0).wrapping_add(sum3);
    let odd1 = products(l5, l3, factor::ODD_1).wrapping_add(sum4);
    let odd2 = products(l5, l3, factor::ODD_2).wrapping_add(sum3);
    let odd3 = products(l7, l1, factor::ODD_3).wrapping_add(sum4);
    let parts = [
        (even0.wrapping_add(even3), odd3),
        (even1.wrapping_add(even2), odd2),
        (even1.wrapping_sub(even2), odd1),
        (even0.wrapping_sub(even3), odd0),
    ];
    let narrow = |value: i32| (value >> shift).clamp(i16::MIN.into(), i16::MAX.into()) as i16;
    let front = parts.map(|(even, odd)| narrow(even.wrapping_add(odd)));
    let back = parts.map(|(even, odd)| narrow(even.wrapping_sub(odd)));
    let ([a, b, c, d], [h, g, f, e]) = (front, back);
    [a, b, c, d, e, f, g, h]
}
