//! Weights of many positions: all phases of a tap fill eight vectors, which shuffles look bytes up in.

#![expect(unsafe_code, reason = "loads of vectors, whose places are checked once for a run")]

#[allow(clippy::wildcard_imports, reason = "the names begin with what they are")]
use std::arch::x86_64::*;

use super::{BYTES, COUNTED, LANES, bytes, load};
use crate::resample::{
    Kernel,
    kernel::{PHASES, TapBytes},
    two_pass::Steps,
};

/// Positions whose weights are looked up at once.
const BATCH: usize = 2 * LANES;

/// Weights of positions, tap by tap.
#[derive(Default)]
pub(super) struct Weights {
    /// One more than all, since the last one that is read may begin anywhere.
    vectors: Vec<__m512i>,
    /// From one tap to the next.
    stride: usize,
    taps: usize,
}

impl Weights {
    /// Of so many positions.
    #[target_feature(enable = "avx512bw,avx512vl,avx512vbmi")]
    pub(super) fn set(&mut self, positions: Steps, kernel: &Kernel, count: usize) {
        (self.stride, self.taps) = (2 * count.div_ceil(BATCH), kernel.taps());
        let all = self.stride * self.taps;
        self.vectors.resize(self.vectors.len().max(all + 1), _mm512_setzero_si512());
        // Whole pixels do not matter.
        let (start, step) = ((positions.start - kernel.origin()) as i32, positions.step as i32);
        let numbers = _mm512_cvtepu8_epi16(_mm512_castsi512_si256(bytes(&COUNTED)));
        let ahead = _mm512_mullo_epi16(numbers, _mm512_set1_epi16(step as i16));
        let from = |start: i32| _mm512_add_epi16(_mm512_set1_epi16(start as i16), ahead);
        let batch = _mm512_set1_epi16(step.wrapping_mul(BATCH as i32) as i16);
        for (tap, vectors) in kernel.tap_bytes().iter().zip(self.vectors.chunks_exact_mut(self.stride)) {
            let table = Table::new(tap);
            let mut fractions = [from(start), from(start.wrapping_add(step.wrapping_mul(LANES as i32)))];
            for vectors in vectors.as_chunks_mut().0 {
                let [first, second] = fractions.map(|half| _mm512_srli_epi16::<8>(half));
                // Eight of either half beside each other, as they are unpacked.
                *vectors = table.look_up(_mm512_packus_epi16(first, second));
                fractions = fractions.map(|half| _mm512_add_epi16(half, batch));
            }
        }
    }

    /// Whether so many taps of so many positions were set.
    pub(super) fn has(&self, taps: usize, positions: usize) -> bool {
        taps <= self.taps && positions <= self.stride * LANES
    }

    /// Of a vector of positions, the first of which was set.
    #[inline]
    #[target_feature(enable = "avx512bw,avx512vl,avx512vbmi")]
    pub(super) fn at(&self, tap: usize, first: usize) -> __m512i {
        debug_assert!(tap < self.taps && first < self.stride * LANES);
        // SAFETY: whoever calls has checked it, and a vector follows the last one.
        unsafe {
            let numbers = self.vectors.as_ptr().cast::<i16>();
            _mm512_loadu_si512(numbers.add(tap * self.stride * LANES + first).cast())
        }
    }
}

/// Weights that a tap has in all phases: their low bytes and their high ones.
struct Table([[__m512i; PHASES / BYTES]; 2]);

impl Table {
    #[inline]
    #[target_feature(enable = "avx512bw,avx512vl,avx512vbmi")]
    fn new(tap: &TapBytes) -> Self {
        Self([&tap.low, &tap.high].map(|half| std::array::from_fn(|quarter| load(half, quarter * BYTES))))
    }

    /// Of a batch of phases.
    #[inline]
    #[target_feature(enable = "avx512bw,avx512vl,avx512vbmi")]
    fn look_up(&self, phases: __m512i) -> [__m512i; 2] {
        let upper = _mm512_movepi8_mask(phases);
        let [low, high] = self.0.map(|[a, b, c, d]| {
            let halves = [_mm512_permutex2var_epi8(a, phases, b), _mm512_permutex2var_epi8(c, phases, d)];
            _mm512_mask_blend_epi8(upper, halves[0], halves[1])
        });
        [_mm512_unpacklo_epi8(low, high), _mm512_unpackhi_epi8(low, high)]
    }
}
