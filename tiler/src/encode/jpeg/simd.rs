//! The same work in wider registers, for processors with AVX2: `unsafe` stands where a function for such a processor is called.
//!
//! Each function gives the same as its scalar twin, which a test compares.

#![expect(unsafe_code, reason = "the compiler cannot know which processor it will be")]

#[allow(clippy::wildcard_imports, reason = "they are many, and named alike")]
use std::arch::x86_64::*;

use super::{
    bits::Bits,
    fdct::{AFTER_COLUMNS, AFTER_ROWS, KEPT, Pair, Rows},
    quantisation::Quantisation,
    scan::{self, Band, Transform},
};
use crate::codec::jpeg::{
    avx2::{Avx2, load_half, products, store, store_half, transposed},
    dct::{ZIGZAG, factor},
};

pub(super) fn row(bands: &mut [Band<'_>], units: usize, bits: &mut Bits, how: Avx2) {
    // SAFETY: `how` proves the features.
    unsafe { wide_row(bands, units, bits, how) }
}

#[target_feature(enable = "avx2,bmi1,bmi2")]
fn wide_row(bands: &mut [Band<'_>], units: usize, bits: &mut Bits, how: Avx2) {
    scan::row(bands, units, bits, how);
}

impl Transform for Avx2 {
    #[inline(always)]
    fn transform(self, rows: &Rows<'_>, quantisation: &Quantisation, out: &mut Pair) {
        // SAFETY: `self` proves the features.
        unsafe { transform(rows, quantisation, out) }
    }
}

/// Two blocks beside each other in each register.
#[target_feature(enable = "avx2,bmi1,bmi2")]
fn transform(rows: &Rows<'_>, quantisation: &Quantisation, out: &mut Pair) {
    let middle = _mm256_set1_epi16(128);
    let samples = rows.map(|row| _mm256_sub_epi16(_mm256_cvtepu8_epi16(load_half(row)), middle));
    let columns = one_dimension::<AFTER_ROWS>(transposed(samples));
    let lines = one_dimension::<AFTER_COLUMNS>(transposed(columns));
    let quantised = std::array::from_fn(|row| divided(lines[row], quantisation, row));
    for (place, line) in out.values.as_chunks_mut::<16>().0.iter_mut().zip(quantised) {
        store(place, line);
    }
    write_low(quantised, out);
}

#[target_feature(enable = "avx2,bmi1,bmi2")]
#[inline]
fn divided(line: __m256i, quantisation: &Quantisation, row: usize) -> __m256i {
    let both = |numbers: &[u16; 64]| _mm256_broadcastsi128_si256(load_half(&numbers.as_chunks::<8>().0[row]));
    let size = _mm256_add_epi16(_mm256_abs_epi16(line), both(&quantisation.correction));
    let size = _mm256_mulhi_epu16(size, both(&quantisation.reciprocal));
    // It changes nothing, but else the compiler sees two products at once, and widens them.
    let size = _mm256_sign_epi16(size, size);
    _mm256_sign_epi16(_mm256_mulhi_epu16(size, both(&quantisation.scale)), line)
}

#[target_feature(enable = "avx2,bmi1,bmi2")]
#[inline]
fn one_dimension<const SHIFT: i32>([l0, l1, l2, l3, l4, l5, l6, l7]: [__m256i; 8]) -> [__m256i; 8] {
    let (s0, s1) = (_mm256_add_epi16(l0, l7), _mm256_add_epi16(l1, l6));
    let (s2, s3) = (_mm256_add_epi16(l2, l5), _mm256_add_epi16(l3, l4));
    let (d0, d1) = (_mm256_sub_epi16(l0, l7), _mm256_sub_epi16(l1, l6));
    let (d2, d3) = (_mm256_sub_epi16(l2, l5), _mm256_sub_epi16(l3, l4));
    let (outer, inner) = (_mm256_add_epi16(s0, s3), _mm256_add_epi16(s1, s2));
    let alone = [_mm256_add_epi16(outer, inner), _mm256_sub_epi16(outer, inner)].map(|sum| {
        if SHIFT == AFTER_ROWS {
            _mm256_slli_epi16::<KEPT>(sum)
        } else {
            _mm256_srai_epi16::<KEPT>(_mm256_add_epi16(sum, _mm256_set1_epi16(1 << (KEPT - 1))))
        }
    });
    let (even0, even1) = (_mm256_sub_epi16(s0, s3), _mm256_sub_epi16(s1, s2));
    let (z3, z4) = (_mm256_add_epi16(d3, d1), _mm256_add_epi16(d2, d0));
    let low = half::<SHIFT>(
        _mm256_unpacklo_epi16(even0, even1),
        _mm256_unpacklo_epi16(z3, z4),
        _mm256_unpacklo_epi16(d3, d0),
        _mm256_unpacklo_epi16(d2, d1),
    );
    let high = half::<SHIFT>(
        _mm256_unpackhi_epi16(even0, even1),
        _mm256_unpackhi_epi16(z3, z4),
        _mm256_unpackhi_epi16(d3, d0),
        _mm256_unpackhi_epi16(d2, d1),
    );
    let mut lines = low;
    for (line, high) in lines.iter_mut().zip(high) {
        *line = _mm256_packs_epi32(*line, high);
    }
    let [line1, line2, line3, line5, line6, line7] = lines;
    [alone[0], line1, line2, line3, alone[1], line5, line6, line7]
}

/// Four columns of each block, in 32 bits: all but the first and the fifth.
#[target_feature(enable = "avx2,bmi1,bmi2")]
#[inline]
fn half<const SHIFT: i32>(even: __m256i, z34: __m256i, d30: __m256i, d21: __m256i) -> [__m256i; 6] {
    let (sum3, sum4) = (products(z34, factor::SUM_3), products(z34, factor::SUM_4));
    let lines = [
        _mm256_add_epi32(products(d30, factor::ODD_3), sum4),
        products(even, factor::EVEN_3),
        _mm256_add_epi32(products(d21, factor::ODD_2), sum3),
        _mm256_add_epi32(products(d21, factor::ODD_1), sum4),
        products(even, factor::EVEN_2),
        _mm256_add_epi32(products(d30, factor::ODD_0), sum3),
    ];
    let round = _mm256_set1_epi32(1 << (SHIFT - 1));
    lines.map(|line| _mm256_srai_epi32::<SHIFT>(_mm256_add_epi32(line, round)))
}

/// Where to find, among bytes of two rows each, those of sixteen places of the stream; others are cleared.
const ORDER: [[[i8; 16]; 4]; 4] = {
    let mut order = [[[-1; 16]; 4]; 4];
    let mut number = 0;
    while number < 64 {
        let natural = ZIGZAG[number];
        order[number / 16][natural as usize / 16][number % 16] = (natural % 16) as i8;
        number += 1;
    }
    order
};

/// [`Pair::low`] and [`Pair::present`].
#[target_feature(enable = "avx2,bmi1,bmi2")]
#[inline]
fn write_low([l0, l1, l2, l3, l4, l5, l6, l7]: [__m256i; 8], out: &mut Pair) {
    // Two rows of each block.
    let rows = [
        _mm256_packs_epi16(l0, l1),
        _mm256_packs_epi16(l2, l3),
        _mm256_packs_epi16(l4, l5),
        _mm256_packs_epi16(l6, l7),
    ];
    out.present = [0; 2];
    let [first, second] = &mut out.low;
    let places = first.as_chunks_mut::<16>().0.iter_mut().zip(second.as_chunks_mut::<16>().0);
    for (number, (sources, (first, second))) in ORDER.iter().zip(places).enumerate() {
        let mut bytes = _mm256_setzero_si256();
        for (rows, source) in rows.iter().zip(sources) {
            let source = _mm256_broadcastsi128_si256(load_half(source));
            bytes = _mm256_or_si256(bytes, _mm256_shuffle_epi8(*rows, source));
        }
        store_half(first, _mm256_castsi256_si128(bytes));
        store_half(second, _mm256_extracti128_si256::<1>(bytes));
        let zeros = _mm256_movemask_epi8(_mm256_cmpeq_epi8(bytes, _mm256_setzero_si256())).cast_unsigned();
        out.present[0] |= u64::from(!zeros & 0xffff) << (16 * number);
        out.present[1] |= u64::from(!zeros >> 16) << (16 * number);
    }
}
