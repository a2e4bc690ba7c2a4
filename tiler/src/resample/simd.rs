//! The inner loop for colours in vectors of AVX2: two target pixels at a time, one in each half.
//!
//! It gives the very bytes of the plain loop in `sample.rs`, about twelve times as fast.

#![cfg_attr(target_arch = "x86_64", expect(unsafe_code, reason = "loads of vectors, checked once for a run"))]

use super::{Kernel, Row};

/// Weighs a run of target pixels in three bands, all of whose source pixels lie in the image of so many columns.
///
/// Returns whether it did: not where the processor has no such vectors, nor at the very end of the image.
pub(super) fn weigh_rgb(
    image: (&[u8], usize),
    kernels: (&Kernel, &Kernel),
    row: Row,
    target: &mut [u8],
) -> bool {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2")
        && let Some(run) = avx2::Run::checked(image, kernels, row, target.len() / 3)
    {
        // SAFETY: the processor has AVX2.
        unsafe { run.weigh(target) };
        return true;
    }
    let _ = (image, kernels, row, target);
    false
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    #[allow(clippy::wildcard_imports, reason = "the names begin with what they are")]
    use std::arch::x86_64::*;

    use super::{Kernel, Row};
    use crate::resample::{
        kernel::GROUP,
        sample::{COLUMN_BITS, FINAL_BITS},
    };

    const BANDS: usize = 3;
    /// Bytes that one load takes.
    const LOAD: usize = 16;
    /// Target pixels whose addresses are calculated at once.
    const LANES: usize = 8;

    /// A run all of whose loads lie within the image and the tables.
    pub(super) struct Run<'a> {
        image: &'a [u8],
        stride: usize,
        columns: &'a Kernel,
        rows: &'a Kernel,
        row: Row,
    }

    impl<'a> Run<'a> {
        /// `None` where a load would reach beyond the image, or a position beyond what 32 bits hold.
        pub(super) fn checked(
            (image, width): (&'a [u8], usize),
            (columns, rows): (&'a Kernel, &'a Kernel),
            row: Row,
            count: usize,
        ) -> Option<Self> {
            let stride = width * BANDS;
            let last = count.checked_sub(1)? as i64;
            let ends = |start: i64, step: i64, kernel: &Kernel| {
                let (a, b) = (start - kernel.origin(), start + step * last - kernel.origin());
                (a.min(b), a.max(b))
            };
            let (cols, lines) = (ends(row.x, row.dx, columns), ends(row.y, row.dy, rows));
            // Positions run up to one vector beyond the last.
            let fits = |(least, most): (i64, i64), step: i64| {
                let beyond = step.abs() * 2 * LANES as i64;
                least >= 0 && most + beyond < i64::from(i32::MAX) && beyond < i64::from(i32::MAX)
            };
            if !fits(cols, row.dx) || !fits(lines, row.dy) || image.len() > i32::MAX as usize {
                return None;
            }
            // The farthest corner of all kernels, though none may be there.
            let (_, group) = columns.table();
            let line = (lines.1 >> 16) as usize + rows.taps() - 1;
            let end = line * stride + (cols.1 >> 16) as usize * BANDS + (group - GROUP) * BANDS + LOAD;
            (end <= image.len()).then_some(Self { image, stride, columns, rows, row })
        }

        /// Fills the target, which has as many pixels as were checked.
        #[target_feature(enable = "avx2")]
        pub(super) fn weigh(&self, target: &mut [u8]) {
            match (self.columns.table().1, self.rows.taps()) {
                (GROUP, 2) => self.fill::<2>(target),
                (GROUP, 3) => self.fill::<3>(target),
                (GROUP, 4) => self.fill::<4>(target),
                _ => self.fill::<0>(target),
            }
        }

        /// `ROWS` is the number of rows that a kernel of one group weighs; 0 stands for any kernel.
        #[inline]
        #[target_feature(enable = "avx2")]
        fn fill<const ROWS: usize>(&self, target: &mut [u8]) {
            let lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
            let start = |position: i64, kernel: &Kernel, step: i64| {
                let first = _mm256_set1_epi32((position - kernel.origin()) as i32);
                _mm256_add_epi32(first, _mm256_mullo_epi32(lanes, _mm256_set1_epi32(step as i32)))
            };
            let mut x = start(self.row.x, self.columns, self.row.dx);
            let mut y = start(self.row.y, self.rows, self.row.dy);
            let step = |step: i64| _mm256_set1_epi32(step as i32 * LANES as i32);
            let (step_x, step_y) = (step(self.row.dx), step(self.row.dy));
            let mut places = Places::default();
            for pixels in target.chunks_mut(LANES * BANDS) {
                places.set(x, y, self.stride as i32);
                x = _mm256_add_epi32(x, step_x);
                y = _mm256_add_epi32(y, step_y);
                let count = pixels.len() / BANDS;
                if count < LANES {
                    places.repeat(count - 1);
                }
                let mut colours = [0; LANES * BANDS + 4];
                for half in 0..2 {
                    let pair = |first: usize| self.pair::<ROWS>(&places, first);
                    let four = packed(pair(half * 4), pair(half * 4 + 2));
                    let out: &mut [u8; LOAD] =
                        (&mut colours[half * 12..half * 12 + LOAD]).try_into().expect("it is as long");
                    // SAFETY: `out` has as many bytes as are stored.
                    unsafe { _mm_storeu_si128(out.as_mut_ptr().cast(), four) };
                }
                pixels.copy_from_slice(&colours[..pixels.len()]);
            }
        }

        /// Colours of two target pixels, in 32 bits each: the first and the second half.
        #[inline]
        #[target_feature(enable = "avx2")]
        fn pair<const ROWS: usize>(&self, places: &Places, first: usize) -> __m256i {
            let (columns, col_group) = self.columns.table();
            let (rows, row_group) = self.rows.table();
            let of = |lanes: &[i32; LANES]| (lanes[first] as usize, lanes[first + 1] as usize);
            let at = of(&places.offset);
            let phase = of(&places.col_phase);
            let col_weights = (phase.0 * col_group, phase.1 * col_group);
            let phase = of(&places.row_phase);
            let row_weights = (phase.0 * row_group, phase.1 * row_group);
            // SAFETY: `checked` looked at the farthest of these loads; phases are below 256 and the tables end in spare zeros.
            let image = |skip: usize| unsafe { load(self.image, at.0 + skip, at.1 + skip) };
            let col_weights =
                |skip: usize| unsafe { load(columns, col_weights.0 + skip, col_weights.1 + skip) };
            let row_weights = |skip: usize| unsafe { load(rows, row_weights.0 + skip, row_weights.1 + skip) };
            let usual = col_weights(0);
            let line = |number: usize| {
                let mut sum = _mm256_set1_epi32(1 << (COLUMN_BITS - 1));
                let start = number * self.stride;
                if ROWS == 0 {
                    for tap in (0..col_group).step_by(GROUP) {
                        sum = add_four(sum, image(start + tap * BANDS), col_weights(tap));
                    }
                } else {
                    sum = add_four(sum, image(start), usual);
                }
                _mm256_srai_epi32::<{ COLUMN_BITS as i32 }>(sum)
            };
            // Two lines in the lower and the upper half of each 32 bits, weighed at once.
            let two = |number: usize| {
                _mm256_blend_epi16::<0b1010_1010>(line(number), _mm256_slli_epi32::<16>(line(number + 1)))
            };
            let one = |number: usize| _mm256_blend_epi16::<0b1010_1010>(line(number), _mm256_setzero_si256());
            let mut sum = _mm256_set1_epi32(1 << (FINAL_BITS - 1));
            let taps = if ROWS == 0 { self.rows.taps() } else { ROWS };
            for tap in (0..taps).step_by(2) {
                let lines = if tap + 1 < taps { two(tap) } else { one(tap) };
                let weights = _mm256_shuffle_epi32::<0>(row_weights(tap));
                sum = _mm256_add_epi32(sum, _mm256_madd_epi16(lines, weights));
            }
            _mm256_srai_epi32::<{ FINAL_BITS as i32 }>(sum)
        }
    }

    /// Adds the weighed colours of four source pixels, for two target pixels.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn add_four(sum: __m256i, pixels: __m256i, weights: __m256i) -> __m256i {
        // The same colour of two neighbours, side by side in 16 bits each.
        let first = _mm_setr_epi8(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1);
        let second = _mm_setr_epi8(6, -1, 9, -1, 7, -1, 10, -1, 8, -1, 11, -1, -1, -1, -1, -1);
        let taken = |which: __m128i| _mm256_shuffle_epi8(pixels, _mm256_broadcastsi128_si256(which));
        let sum = _mm256_add_epi32(sum, _mm256_madd_epi16(taken(first), _mm256_shuffle_epi32::<0>(weights)));
        let weights = _mm256_shuffle_epi32::<0b01_01_01_01>(weights);
        _mm256_add_epi32(sum, _mm256_madd_epi16(taken(second), weights))
    }

    /// Four colours of three bytes each, from two pairs.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn packed(a: __m256i, b: __m256i) -> __m128i {
        // Halves: the first and the third pixel, the second and the fourth.
        let both = _mm256_packs_epi32(a, b);
        let all = _mm_packus_epi16(_mm256_castsi256_si128(both), _mm256_extracti128_si256::<1>(both));
        _mm_shuffle_epi8(all, _mm_setr_epi8(0, 1, 2, 8, 9, 10, 4, 5, 6, 12, 13, 14, -1, -1, -1, -1))
    }

    /// Sixteen bytes from each of two places, counted in elements.
    ///
    /// # Safety
    /// They lie within the slice.
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn load<T>(from: &[T], first: usize, second: usize) -> __m256i {
        debug_assert!((first.max(second)) * size_of::<T>() + LOAD <= size_of_val(from));
        // SAFETY: as the caller promised.
        unsafe {
            let half = |at: usize| _mm_loadu_si128(from.as_ptr().add(at).cast());
            _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(half(first)), half(second))
        }
    }

    /// Where the kernels of some target pixels begin, and their phases.
    #[derive(Default)]
    struct Places {
        offset: [i32; LANES],
        col_phase: [i32; LANES],
        row_phase: [i32; LANES],
    }

    impl Places {
        /// From positions in 1/65536 px.
        #[inline]
        #[target_feature(enable = "avx2")]
        fn set(&mut self, x: __m256i, y: __m256i, stride: i32) {
            let whole = |position: __m256i, step: i32| {
                _mm256_mullo_epi32(_mm256_srai_epi32::<16>(position), _mm256_set1_epi32(step))
            };
            let phase = |position: __m256i| {
                _mm256_and_si256(_mm256_srli_epi32::<8>(position), _mm256_set1_epi32(0xff))
            };
            store(&mut self.offset, _mm256_add_epi32(whole(y, stride), whole(x, BANDS as i32)));
            store(&mut self.col_phase, phase(x));
            store(&mut self.row_phase, phase(y));
        }

        /// Puts the place at `last` into all after it, which may lie anywhere.
        #[cold]
        fn repeat(&mut self, last: usize) {
            for lanes in [&mut self.offset, &mut self.col_phase, &mut self.row_phase] {
                let place = lanes[last];
                lanes[last..].fill(place);
            }
        }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn store(lanes: &mut [i32; LANES], values: __m256i) {
        // SAFETY: eight numbers of 32 bits are stored into as many.
        unsafe { _mm256_storeu_si256(lanes.as_mut_ptr().cast(), values) };
    }
}
