//! The same work in wider registers, for processors with AVX2: `unsafe` stands where a function for such a processor is called.
//!
//! Each function gives the same bytes as its scalar twin, which a test compares.

#![expect(unsafe_code, reason = "the compiler cannot know which processor it will be")]

#[allow(clippy::wildcard_imports, reason = "they are many, and named alike")]
use std::arch::x86_64::*;

use super::{
    bits::Broken,
    colour::{self, BLUE, GREEN_CB, GREEN_CR, RED, Row},
    idct::{self, AFTER_COLUMNS, AFTER_ROWS, ALONE_MAX, Pair, Samples},
    planes::Planes,
    scan::{self, Transform, UnitRow},
    upsample::{self as plain, Sums},
};
use crate::codec::jpeg::{
    avx2::{Avx2, load, load_half, products, store, store_half, transposed},
    dct::{FRACTION, factor},
};

#[expect(clippy::unused_self, reason = "it is a proof")]
impl Avx2 {
    pub(super) fn decode(self, units: UnitRow<'_>, planes: &mut Planes) -> Result<(), Broken> {
        // SAFETY: `self` proves the features.
        unsafe { decode(units, planes, self) }
    }

    pub(super) fn pass(self, units: UnitRow<'_>) -> Result<(), Broken> {
        // SAFETY: `self` proves the features.
        unsafe { pass(units) }
    }

    pub(super) fn upsample(self, near: &[u8], far: Option<&[u8]>, sums: &mut Sums, out: &mut [u8]) {
        // SAFETY: `self` proves the features.
        unsafe { upsample(near, far, sums, out) }
    }

    pub(super) fn convert(self, row: Row<'_>, out: &mut [u8]) {
        // SAFETY: `self` proves the features.
        unsafe { convert(row, out) }
    }
}

impl Transform for Avx2 {
    #[inline(always)]
    fn transform(self, coefficients: &Pair, quantisation: [&[i16; 64]; 2]) -> Samples {
        // SAFETY: `self` proves the features.
        unsafe { transform(coefficients, quantisation) }
    }

    #[inline(always)]
    fn announce(self, memory: &[u8]) {
        // SAFETY: it may be any address.
        unsafe { _mm_prefetch::<_MM_HINT_ET0>(memory.as_ptr().cast()) }
    }
}

#[target_feature(enable = "avx2,bmi1,bmi2")]
fn decode(units: UnitRow<'_>, planes: &mut Planes, how: Avx2) -> Result<(), Broken> {
    scan::decode(units, planes, how)
}

#[target_feature(enable = "avx2,bmi1,bmi2")]
fn pass(units: UnitRow<'_>) -> Result<(), Broken> {
    scan::pass(units)
}

#[target_feature(enable = "avx2,bmi1,bmi2")]
fn upsample(near: &[u8], far: Option<&[u8]>, sums: &mut Sums, out: &mut [u8]) {
    match far {
        Some(far) => plain::both(near, far, sums, out),
        None => plain::columns(near, sums, out),
    }
}

/// Two blocks beside each other in each register.
#[target_feature(enable = "avx2,bmi1,bmi2")]
fn transform(coefficients: &Pair, quantisation: [&[i16; 64]; 2]) -> Samples {
    let [first, second] = quantisation;
    let (rows, _) = coefficients.as_chunks::<16>();
    let (first, second) = (first.as_chunks::<8>().0, second.as_chunks::<8>().0);
    let mut lines = [_mm256_setzero_si256(); 8];
    for (row, line) in lines.iter_mut().enumerate() {
        let factors = _mm256_set_m128i(load_half(&second[row]), load_half(&first[row]));
        *line = _mm256_mullo_epi16(load(&rows[row]), factors);
    }
    let from_0 = _mm256_add_epi16(lines[0], _mm256_set1_epi16(ALONE_MAX + 1));
    if _mm256_testz_si256(from_0, _mm256_set1_epi16(!(2 * ALONE_MAX + 1))) == 0 {
        return idct::transform(coefficients, quantisation);
    }
    let columns = one_dimension::<AFTER_COLUMNS>(lines);
    let [c0, c1, c2, c3, c4, c5, c6, c7] = one_dimension::<AFTER_ROWS>(transposed(columns));
    // Bytes of columns to bytes of rows.
    let (p0, p1) = (_mm256_packs_epi16(c0, c4), _mm256_packs_epi16(c1, c5));
    let (p2, p3) = (_mm256_packs_epi16(c2, c6), _mm256_packs_epi16(c3, c7));
    let (two01, two45) = (_mm256_unpacklo_epi8(p0, p1), _mm256_unpackhi_epi8(p0, p1));
    let (two23, two67) = (_mm256_unpacklo_epi8(p2, p3), _mm256_unpackhi_epi8(p2, p3));
    let (four0, four1) = (_mm256_unpacklo_epi16(two01, two23), _mm256_unpackhi_epi16(two01, two23));
    let (four2, four3) = (_mm256_unpacklo_epi16(two45, two67), _mm256_unpackhi_epi16(two45, two67));
    let middle = _mm256_set1_epi8(-128);
    let mut out = [0; 128];
    let (parts, _) = out.as_chunks_mut::<32>();
    let rows = [
        _mm256_unpacklo_epi32(four0, four2),
        _mm256_unpackhi_epi32(four0, four2),
        _mm256_unpacklo_epi32(four1, four3),
        _mm256_unpackhi_epi32(four1, four3),
    ];
    for (part, rows) in parts.iter_mut().zip(rows) {
        store(part, _mm256_xor_si256(rows, middle));
    }
    out
}

#[target_feature(enable = "avx2,bmi1,bmi2")]
#[inline]
fn one_dimension<const SHIFT: i32>(lines: [__m256i; 8]) -> [__m256i; 8] {
    let [l0, l1, l2, l3, l4, l5, l6, l7] = lines;
    let (z3, z4) = (_mm256_add_epi16(l7, l3), _mm256_add_epi16(l5, l1));
    let low = half::<SHIFT>(
        _mm256_unpacklo_epi16(_mm256_setzero_si256(), _mm256_add_epi16(l0, l4)),
        _mm256_unpacklo_epi16(_mm256_setzero_si256(), _mm256_sub_epi16(l0, l4)),
        _mm256_unpacklo_epi16(l2, l6),
        _mm256_unpacklo_epi16(z3, z4),
        _mm256_unpacklo_epi16(l7, l1),
        _mm256_unpacklo_epi16(l5, l3),
    );
    let high = half::<SHIFT>(
        _mm256_unpackhi_epi16(_mm256_setzero_si256(), _mm256_add_epi16(l0, l4)),
        _mm256_unpackhi_epi16(_mm256_setzero_si256(), _mm256_sub_epi16(l0, l4)),
        _mm256_unpackhi_epi16(l2, l6),
        _mm256_unpackhi_epi16(z3, z4),
        _mm256_unpackhi_epi16(l7, l1),
        _mm256_unpackhi_epi16(l5, l3),
    );
    let mut out = lines;
    for (out, (low, high)) in out.iter_mut().zip(low.into_iter().zip(high)) {
        *out = _mm256_packs_epi32(low, high);
    }
    out
}

/// Four columns of each block, in 32 bits.
#[target_feature(enable = "avx2,bmi1,bmi2")]
#[inline]
fn half<const SHIFT: i32>(
    sum04: __m256i,
    difference04: __m256i,
    l26: __m256i,
    z34: __m256i,
    l71: __m256i,
    l53: __m256i,
) -> [__m256i; 8] {
    let round = _mm256_set1_epi32(1 << (SHIFT - 1));
    // What was unpacked above zeros is 2^16 as large.
    let even0 = _mm256_add_epi32(_mm256_srai_epi32::<{ 16 - FRACTION }>(sum04), round);
    let even1 = _mm256_add_epi32(_mm256_srai_epi32::<{ 16 - FRACTION }>(difference04), round);
    let (even2, even3) = (products(l26, factor::EVEN_2), products(l26, factor::EVEN_3));
    let (sum3, sum4) = (products(z34, factor::SUM_3), products(z34, factor::SUM_4));
    let odd0 = _mm256_add_epi32(products(l71, factor::ODD_0), sum3);
    let odd1 = _mm256_add_epi32(products(l53, factor::ODD_1), sum4);
    let odd2 = _mm256_add_epi32(products(l53, factor::ODD_2), sum3);
    let odd3 = _mm256_add_epi32(products(l71, factor::ODD_3), sum4);
    let (a, d) = (_mm256_add_epi32(even0, even3), _mm256_sub_epi32(even0, even3));
    let (b, c) = (_mm256_add_epi32(even1, even2), _mm256_sub_epi32(even1, even2));
    [
        _mm256_srai_epi32::<SHIFT>(_mm256_add_epi32(a, odd3)),
        _mm256_srai_epi32::<SHIFT>(_mm256_add_epi32(b, odd2)),
        _mm256_srai_epi32::<SHIFT>(_mm256_add_epi32(c, odd1)),
        _mm256_srai_epi32::<SHIFT>(_mm256_add_epi32(d, odd0)),
        _mm256_srai_epi32::<SHIFT>(_mm256_sub_epi32(d, odd0)),
        _mm256_srai_epi32::<SHIFT>(_mm256_sub_epi32(c, odd1)),
        _mm256_srai_epi32::<SHIFT>(_mm256_sub_epi32(b, odd2)),
        _mm256_srai_epi32::<SHIFT>(_mm256_sub_epi32(a, odd3)),
    ]
}

/// Sixteen pixels at once; the last ones once more with those before them.
#[target_feature(enable = "avx2,bmi1,bmi2")]
fn convert(row: Row<'_>, out: &mut [u8]) {
    let len = row.iter().map(|part| part.len()).min().unwrap_or(0).min(out.len() / 3);
    if len < 16 {
        colour::convert(row, out);
        return;
    }
    let mut from = 0;
    loop {
        if let ([Some(y), Some(cb), Some(cr)], Some(to)) = (
            row.map(|part| part.get(from..).and_then(|rest| rest.first_chunk::<16>())),
            out.get_mut(3 * from..).and_then(|rest| rest.first_chunk_mut::<48>()),
        ) {
            sixteen(y, cb, cr, to);
        }
        if from + 16 >= len {
            return;
        }
        from = (from + 16).min(len - 16);
    }
}

#[target_feature(enable = "avx2,bmi1,bmi2")]
#[inline]
fn sixteen(y: &[u8; 16], cb: &[u8; 16], cr: &[u8; 16], out: &mut [u8; 48]) {
    let middle = _mm256_set1_epi16(128);
    let y = _mm256_cvtepu8_epi16(load_half(y));
    let cb = _mm256_sub_epi16(_mm256_cvtepu8_epi16(load_half(cb)), middle);
    let cr = _mm256_sub_epi16(_mm256_cvtepu8_epi16(load_half(cr)), middle);
    let red = _mm256_add_epi16(cr, scaled(cr, RED));
    let blue = _mm256_add_epi16(_mm256_add_epi16(cb, cb), scaled(cb, BLUE));
    let half = _mm256_set1_epi32(0x8000);
    let factors = [GREEN_CB, GREEN_CR];
    let low = _mm256_add_epi32(products(_mm256_unpacklo_epi16(cb, cr), factors), half);
    let high = _mm256_add_epi32(products(_mm256_unpackhi_epi16(cb, cr), factors), half);
    let green = _mm256_packs_epi32(_mm256_srai_epi32::<16>(low), _mm256_srai_epi32::<16>(high));
    let green = _mm256_sub_epi16(green, cr);
    let (r, g, b) = (_mm256_add_epi16(y, red), _mm256_add_epi16(y, green), _mm256_add_epi16(y, blue));
    // In each half: eight of red and eight of green, eight of blue.
    let (rg, b) = (_mm256_packus_epi16(r, g), _mm256_packus_epi16(b, b));
    let first_rg = _mm256_setr_epi8(
        0, 8, -1, 1, 9, -1, 2, 10, -1, 3, 11, -1, 4, 12, -1, 5, 0, 8, -1, 1, 9, -1, 2, 10, -1, 3, 11, -1, 4,
        12, -1, 5,
    );
    let first_b = _mm256_setr_epi8(
        -1, -1, 0, -1, -1, 1, -1, -1, 2, -1, -1, 3, -1, -1, 4, -1, -1, -1, 0, -1, -1, 1, -1, -1, 2, -1, -1,
        3, -1, -1, 4, -1,
    );
    let last_rg = _mm256_setr_epi8(
        13, -1, 6, 14, -1, 7, 15, -1, -1, -1, -1, -1, -1, -1, -1, -1, 13, -1, 6, 14, -1, 7, 15, -1, -1, -1,
        -1, -1, -1, -1, -1, -1,
    );
    let last_b = _mm256_setr_epi8(
        -1, 5, -1, -1, 6, -1, -1, 7, -1, -1, -1, -1, -1, -1, -1, -1, -1, 5, -1, -1, 6, -1, -1, 7, -1, -1, -1,
        -1, -1, -1, -1, -1,
    );
    let first = _mm256_or_si256(_mm256_shuffle_epi8(rg, first_rg), _mm256_shuffle_epi8(b, first_b));
    let last = _mm256_or_si256(_mm256_shuffle_epi8(rg, last_rg), _mm256_shuffle_epi8(b, last_b));
    let (front, back) = out.split_at_mut(24);
    for (to, first, last) in [
        (front, _mm256_castsi256_si128(first), _mm256_castsi256_si128(last)),
        (back, _mm256_extracti128_si256::<1>(first), _mm256_extracti128_si256::<1>(last)),
    ] {
        if let Some((sixteen, rest)) = to.split_first_chunk_mut::<16>() {
            store_half(sixteen, first);
            if let Some(eight) = rest.first_chunk_mut::<8>() {
                *eight = _mm_cvtsi128_si64(last).to_le_bytes();
            }
        }
    }
}

/// `(value * factor + 2^15) >> 16`, of values of up to 14 bits.
#[target_feature(enable = "avx2,bmi1,bmi2")]
#[inline]
fn scaled(value: __m256i, factor: i16) -> __m256i {
    let twice = _mm256_mulhi_epi16(_mm256_add_epi16(value, value), _mm256_set1_epi16(factor));
    _mm256_srai_epi16::<1>(_mm256_add_epi16(twice, _mm256_set1_epi16(1)))
}
