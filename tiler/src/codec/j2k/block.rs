//! One code-block: bit-planes to coefficients.
//!
//! A word of flags stands for four rows of one column, so that all neighbours of a coefficient lie in one to three words;
//! the layout of its bits is that of `OpenJPEG` (uclouvain/openjpeg: src/lib/openjp2/t1.h).
//!
//! Source: ISO/IEC 15444-1, Annex D.

#![expect(clippy::inline_always, reason = "the loops over samples need all state in registers")]

use super::{
    J2kError,
    mq::{Mq, RUN, Raw, UNIFORM, fresh_contexts},
};

/// Bits of the code-block style (Table A.19).
const BYPASS: u8 = 1;
const RESET: u8 = 2;
const TERMINATE: u8 = 4;
const CAUSAL: u8 = 8;
const SYMBOLS: u8 = 32;

/// Bits of a flag word for its first row; those of the others follow, three further each.
const SIGNIFICANT: u32 = 1 << 4;
const NEIGHBOURS: u32 = 0x1ef;
const REFINED: u32 = 1 << 20;
const VISITED: u32 = 1 << 21;
const ALL_VISITED: u32 = VISITED | VISITED << 3 | VISITED << 6 | VISITED << 9;

/// Which neighbours of a code-block's coefficients count how much: by the kind of its sub-band.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Orientation {
    Ll,
    Hl,
    Lh,
    Hh,
}

/// Zero-coding contexts of the four orientations, by the nine bits of the neighbourhood (Table D.1).
static ZERO_CODING: [[u8; 512]; 3] = [zero_coding(0), zero_coding(1), zero_coding(2)];

/// Kinds: 0 LL and LH, 1 HL, 2 HH.
const fn zero_coding(kind: usize) -> [u8; 512] {
    let mut table = [0; 512];
    let mut i = 0;
    while i < 512 {
        let n = i >> 1 & 1;
        let s = i >> 7 & 1;
        let w = i >> 3 & 1;
        let e = i >> 5 & 1;
        let d = (i & 1) + (i >> 2 & 1) + (i >> 6 & 1) + (i >> 8 & 1);
        let (h, v) = if kind == 1 { (n + s, w + e) } else { (w + e, n + s) };
        table[i] = if kind == 2 {
            match (h + v, d) {
                (_, 3..) => 8,
                (1.., 2) => 7,
                (0, 2) => 6,
                (2.., 1) => 5,
                (1, 1) => 4,
                (0, 1) => 3,
                (2.., _) => 2,
                (1, _) => 1,
                _ => 0,
            }
        } else {
            match (h, v, d) {
                (2, _, _) => 8,
                (1, 1.., _) => 7,
                (1, 0, 1..) => 6,
                (1, 0, 0) => 5,
                (0, 2, _) => 4,
                (0, 1, _) => 3,
                (0, 0, 2..) => 2,
                (0, 0, 1) => 1,
                _ => 0,
            }
        };
        i += 1;
    }
    table
}

/// Sign contexts, with the bit to flip as highest bit, by significance and sign of north, south, west, east (Table D.3).
static SIGN_CODING: [u8; 256] = sign_coding();

const fn sign_coding() -> [u8; 256] {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        let mut sums = [0i32; 2];
        let mut side = 0;
        while side < 4 {
            if i >> side & 1 == 1 {
                sums[side / 2] += if i >> (side + 4) & 1 == 1 { -1 } else { 1 };
            }
            side += 1;
        }
        let (v, h) = (sums[0].signum(), sums[1].signum());
        table[i] = match (h, v) {
            (1, 1) => 13,
            (1, 0) => 12,
            (1, _) => 11,
            (0, 1) => 10,
            (0, 0) => 9,
            (0, _) => 0x80 + 10,
            (_, 1) => 0x80 + 11,
            (_, 0) => 0x80 + 12,
            _ => 0x80 + 13,
        };
        i += 1;
    }
    table
}

/// Consecutive passes whose bytes were ended together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Segment {
    pub passes: u32,
    pub bytes: usize,
}

/// How many passes the next segment can have, after one that could have `previous`.
pub(super) const fn segment_capacity(style: u8, previous: Option<u32>) -> u32 {
    if style & TERMINATE != 0 {
        return 1;
    }
    if style & BYPASS == 0 {
        return u32::MAX;
    }
    match previous {
        None => 10,
        Some(1 | 10) => 2,
        Some(_) => 1,
    }
}

/// What a code-block's bytes depend on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub width: usize,
    pub height: usize,
    pub orientation: Orientation,
    pub style: u8,
    /// Bit-planes that are coded: those of the sub-band less the ones that are zero.
    pub planes: u8,
}

/// Where bits come from.
enum Coder<'a> {
    Arithmetic(Mq<'a>),
    Raw(Raw<'a>),
}

/// Decodes code-blocks one after another, in buffers that stay.
#[derive(Debug, Default)]
pub(super) struct BlockDecoder {
    flags: Vec<u32>,
    /// Twice the coefficients: the lowest bit is the middle of the interval that is left.
    values: Vec<i32>,
    stride: usize,
}

impl BlockDecoder {
    /// Twice the coefficients of a code-block, row by row. The bytes are those of its segments, one after the other.
    pub fn decode(&mut self, shape: &Shape, segments: &[Segment], bytes: &[u8]) -> Result<&[i32], J2kError> {
        if shape.planes == 0 || segments.is_empty() {
            self.reset(shape);
            return Ok(&self.values);
        }
        if shape.planes > 30 {
            return Err(J2kError::TooMany { what: "bit-planes", limit: 30 });
        }
        self.reset(shape);
        let mut contexts = fresh_contexts();
        // The first pass is a clean-up: 0 significance, 1 refinement, 2 clean-up.
        let (mut kind, mut plane) = (2, u32::from(shape.planes));
        let mut done = 0;
        let mut rest = bytes;
        for segment in segments {
            let (own, after) = rest
                .split_at_checked(segment.bytes)
                .ok_or(J2kError::Damaged { what: "the length of a code-block" })?;
            rest = after;
            let raw = shape.style & BYPASS != 0 && done >= 10 && kind < 2;
            let mut coder =
                if raw { Coder::Raw(Raw::new(own)) } else { Coder::Arithmetic(Mq::new(own, contexts)) };
            for _ in 0..segment.passes {
                if plane == 0 {
                    break;
                }
                self.pass(shape, kind, plane, &mut coder);
                if let (Coder::Arithmetic(mq), true) = (&mut coder, shape.style & RESET != 0) {
                    mq.contexts = fresh_contexts();
                }
                kind += 1;
                if kind == 3 {
                    kind = 0;
                    plane -= 1;
                }
                done += 1;
            }
            if let Coder::Arithmetic(mq) = coder {
                contexts = mq.contexts;
            }
        }
        Ok(&self.values)
    }

    fn reset(&mut self, shape: &Shape) {
        self.values.clear();
        self.values.resize(shape.width * shape.height, 0);
        self.stride = shape.width + 2;
        let stripes = shape.height.div_ceil(4);
        self.flags.clear();
        self.flags.resize(self.stride * (stripes + 2), 0);
    }

    fn pass(&mut self, shape: &Shape, kind: u32, plane: u32, coder: &mut Coder<'_>) {
        let causal = shape.style & CAUSAL != 0;
        let table: &[u8; 512] = match shape.orientation {
            Orientation::Ll | Orientation::Lh => &ZERO_CODING[0],
            Orientation::Hl => &ZERO_CODING[1],
            Orientation::Hh => &ZERO_CODING[2],
        };
        for top in (0..shape.height).step_by(4) {
            let rows = (shape.height - top).min(4);
            let mut stripe = Stripe {
                flags: &mut self.flags[top / 4 * self.stride..][..self.stride * 3],
                stride: self.stride,
                values: &mut self.values[top * shape.width..][..rows * shape.width],
                width: shape.width,
                rows,
                causal,
                table,
            };
            match (kind, &mut *coder) {
                (0, Coder::Arithmetic(mq)) => stripe.significance(plane, mq),
                (0, Coder::Raw(raw)) => stripe.raw_significance(plane, raw),
                (1, Coder::Arithmetic(mq)) => stripe.refinement(plane, |context| mq.decode(context)),
                (1, Coder::Raw(raw)) => stripe.refinement(plane, |_| raw.bit()),
                (_, Coder::Arithmetic(mq)) => stripe.clean_up(plane, mq),
                // A clean-up pass is never raw.
                (_, Coder::Raw(_)) => {}
            }
        }
        if let (2, Coder::Arithmetic(mq), true) = (kind, coder, shape.style & SYMBOLS != 0) {
            for _ in 0..4 {
                mq.decode(UNIFORM);
            }
        }
    }
}

/// Four rows of a code-block, with the flags of the stripes above and below.
struct Stripe<'a> {
    flags: &'a mut [u32],
    stride: usize,
    values: &'a mut [i32],
    width: usize,
    rows: usize,
    causal: bool,
    table: &'static [u8; 512],
}

impl Stripe<'_> {
    #[inline(always)]
    fn zero_context(&self, word: u32, row: usize) -> usize {
        usize::from(self.table[(word >> (3 * row) & NEIGHBOURS) as usize])
    }

    /// Context of a sign, and the bit that flips it.
    #[inline(always)]
    fn sign_context(&self, at: usize, row: usize) -> (usize, u32) {
        let word = self.flags[at];
        let shifted = word >> (3 * row);
        let own_sign = 19 + 3 * row;
        let north_sign = if row == 0 { 18 } else { own_sign - 3 };
        let index = shifted >> 1 & 1
            | (shifted >> 7 & 1) << 1
            | (shifted >> 3 & 1) << 2
            | (shifted >> 5 & 1) << 3
            | (word >> north_sign & 1) << 4
            | (if row == 3 { word >> 31 } else { word >> (own_sign + 3) & 1 }) << 5
            | (self.flags[at - 1] >> own_sign & 1) << 6
            | (self.flags[at + 1] >> own_sign & 1) << 7;
        let entry = SIGN_CODING[(index & 255) as usize];
        (usize::from(entry & 0x7f), u32::from(entry >> 7))
    }

    /// Tells all neighbours that a coefficient has become significant, with its sign.
    #[inline(always)]
    fn mark(&mut self, at: usize, row: usize, sign: u32) {
        let shift = 3 * row;
        self.flags[at - 1] |= 1 << 5 << shift;
        self.flags[at] |= (SIGNIFICANT | sign << 19) << shift;
        self.flags[at + 1] |= 1 << 3 << shift;
        if row == 0 && !self.causal {
            let above = at - self.stride;
            self.flags[above - 1] |= 1 << 17;
            self.flags[above] |= sign << 31 | 1 << 16;
            self.flags[above + 1] |= 1 << 15;
        }
        if row == 3 {
            let below = at + self.stride;
            self.flags[below - 1] |= 1 << 2;
            self.flags[below] |= sign << 18 | 1 << 1;
            self.flags[below + 1] |= 1;
        }
    }

    #[inline(always)]
    fn becomes_significant(&mut self, at: usize, col: usize, row: usize, plane: u32, mq: &mut Mq<'_>) {
        let (context, flip) = self.sign_context(at, row);
        let sign = mq.decode(context) ^ flip;
        self.set(at, col, row, plane, sign);
    }

    #[inline(always)]
    fn set(&mut self, at: usize, col: usize, row: usize, plane: u32, sign: u32) {
        let value = 3 << (plane - 1);
        self.values[row * self.width + col] = if sign == 1 { -value } else { value };
        self.mark(at, row, sign);
    }

    fn significance(&mut self, plane: u32, mq: &mut Mq<'_>) {
        for col in 0..self.width {
            let at = self.stride + col + 1;
            if self.flags[at] == 0 {
                continue;
            }
            for row in 0..self.rows {
                let shift = 3 * row;
                let word = self.flags[at];
                if word & (SIGNIFICANT | VISITED) << shift == 0 && word & NEIGHBOURS << shift != 0 {
                    if mq.decode(self.zero_context(word, row)) == 1 {
                        self.becomes_significant(at, col, row, plane, mq);
                    }
                    self.flags[at] |= VISITED << shift;
                }
            }
        }
    }

    fn raw_significance(&mut self, plane: u32, raw: &mut Raw<'_>) {
        for col in 0..self.width {
            let at = self.stride + col + 1;
            for row in 0..self.rows {
                let shift = 3 * row;
                let word = self.flags[at];
                if word & (SIGNIFICANT | VISITED) << shift == 0 && word & NEIGHBOURS << shift != 0 {
                    if raw.bit() == 1 {
                        let sign = raw.bit();
                        self.set(at, col, row, plane, sign);
                    }
                    self.flags[at] |= VISITED << shift;
                }
            }
        }
    }

    #[inline(always)]
    fn refinement(&mut self, plane: u32, mut bit: impl FnMut(usize) -> u32) {
        let half = 1 << plane >> 1;
        for col in 0..self.width {
            let at = self.stride + col + 1;
            if self.flags[at] & (SIGNIFICANT | SIGNIFICANT << 3 | SIGNIFICANT << 6 | SIGNIFICANT << 9) == 0 {
                continue;
            }
            for row in 0..self.rows {
                let shift = 3 * row;
                let word = self.flags[at];
                if word & (SIGNIFICANT | VISITED) << shift != SIGNIFICANT << shift {
                    continue;
                }
                let context = if word >> shift & REFINED != 0 {
                    16
                } else if word >> shift & NEIGHBOURS != 0 {
                    15
                } else {
                    14
                };
                let value = &mut self.values[row * self.width + col];
                *value += if (bit(context) == 1) == (*value >= 0) { half } else { -half };
                self.flags[at] |= REFINED << shift;
            }
        }
    }

    fn clean_up(&mut self, plane: u32, mq: &mut Mq<'_>) {
        for col in 0..self.width {
            let at = self.stride + col + 1;
            let mut first = 0;
            if self.rows == 4 && self.flags[at] == 0 {
                if mq.decode(RUN) == 0 {
                    continue;
                }
                let row = (mq.decode(UNIFORM) << 1 | mq.decode(UNIFORM)) as usize;
                self.becomes_significant(at, col, row, plane, mq);
                first = row + 1;
            }
            for row in first..self.rows {
                let word = self.flags[at];
                if word & (SIGNIFICANT | VISITED) << (3 * row) == 0
                    && mq.decode(self.zero_context(word, row)) == 1
                {
                    self.becomes_significant(at, col, row, plane, mq);
                }
            }
            self.flags[at] &= !ALL_VISITED;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_bytes_decode_to_something() {
        let mut decoder = BlockDecoder::default();
        let mut seed = 1u32;
        for style in [0, BYPASS, BYPASS | TERMINATE, RESET | CAUSAL, SYMBOLS] {
            let bytes: Vec<u8> = (0..600)
                .map(|_| {
                    seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (seed >> 24) as u8
                })
                .collect();
            let shape = Shape { width: 13, height: 11, orientation: Orientation::Hl, style, planes: 30 };
            let segments = [Segment { passes: 10, bytes: 300 }, Segment { passes: 90, bytes: 300 }];
            let values = decoder.decode(&shape, &segments, &bytes).expect("it has all its bytes");
            assert_eq!(values.len(), 13 * 11);
        }
    }

    #[test]
    fn segments_split_where_the_style_says() {
        assert_eq!(segment_capacity(0, None), u32::MAX);
        assert_eq!(segment_capacity(TERMINATE | BYPASS, Some(1)), 1);
        let mut previous = None;
        let lazy: Vec<u32> = (0..4)
            .map(|_| {
                let next = segment_capacity(BYPASS, previous);
                previous = Some(next);
                next
            })
            .collect();
        assert_eq!(lazy, [10, 2, 1, 2]);
    }
}
