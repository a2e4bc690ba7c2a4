//! The passes in vectors of AVX-512, thirty-two target pixels at a time.

#![expect(unsafe_code, reason = "loads of vectors, whose places are checked once for a run")]

mod weights;

#[allow(clippy::wildcard_imports, reason = "the names begin with what they are")]
use std::arch::x86_64::*;

use self::weights::Weights;
use super::{Across, Down, Machine, PIXEL_BITS, Planes, SPARE, Steps, WIDE_LANES as LANES, avx2::Avx2};
use crate::resample::Kernel;

/// Bytes of a vector.
const BYTES: usize = 64;

pub(super) struct Avx512 {
    /// What shorter vectors do as well.
    shorter: Avx2,
    /// Of the source row at work.
    across: Weights,
    /// Of the target row at work.
    down: Weights,
}

impl Avx512 {
    /// Where the processor has them.
    pub(super) fn detected() -> Option<Self> {
        let found = is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512vbmi");
        let shorter = Avx2::detected().filter(|_| found)?;
        Some(Self { shorter, across: Weights::default(), down: Weights::default() })
    }
}

impl Machine for Avx512 {
    fn split<const BANDS: usize>(&mut self, pixels: &[u8], planes: &mut Planes) {
        self.shorter.split::<BANDS>(pixels, planes);
    }

    fn across<const BANDS: usize>(&mut self, part: &Across<'_, BANDS>, kernel: &Kernel, out: &mut [i16]) {
        // The last target pixels' place, which the others lie before.
        let last = (part.x.at(part.count) - kernel.origin()) >> 16;
        assert!(last >= 0 && part.samples.iter().all(|samples| last as usize + SPARE <= samples.len()));
        assert!(
            part.x.start >= kernel.origin() && part.x.step > 0 && part.x.at(part.count) < i64::from(i32::MAX)
        );
        // From its first place on, a vector of target pixels reads no further than this.
        let reach = ((part.x.step * LANES as i64) >> 16) as usize + kernel.taps();
        let narrow = reach <= BYTES;
        assert!(reach <= 2 * BYTES);
        // SAFETY: the processor has AVX-512; the places were checked.
        unsafe {
            self.across.set(part.x, kernel, part.count);
            if narrow {
                across::<BANDS, false>(part, kernel, &self.across, out);
            } else {
                across::<BANDS, true>(part, kernel, &self.across, out);
            }
        }
    }

    fn begin_row(&mut self, y: Steps, kernel: &Kernel, columns: usize) {
        // SAFETY: the processor has AVX-512.
        unsafe { self.down.set(y, kernel, columns) }
    }

    fn down<const BANDS: usize>(&mut self, part: &Down<'_>, kernel: &Kernel, target: &mut [u8]) {
        const { assert!(BANDS == 1 || BANDS == 3, "pixels are grey or red green blue") };
        self.weigh_rows::<BANDS, 1>(part, kernel, target.len() / BANDS, [target]);
    }

    fn down_apart<const BANDS: usize>(
        &mut self,
        part: &Down<'_>,
        kernel: &Kernel,
        targets: [&mut [u8]; BANDS],
    ) {
        let count = targets.iter().map(|target| target.len()).min().unwrap_or(0);
        self.weigh_rows::<BANDS, BANDS>(part, kernel, count, targets);
    }
}

impl Avx512 {
    /// The pixels of a run: a target for each band, or one in which they are beside each other.
    fn weigh_rows<const BANDS: usize, const TARGETS: usize>(
        &self,
        part: &Down<'_>,
        kernel: &Kernel,
        count: usize,
        targets: [&mut [u8]; TARGETS],
    ) {
        let whole = count.next_multiple_of(LANES);
        let last = part.rows.iter().max().expect("there are rows") + (BANDS - 1) * part.plane + whole;
        assert!(last <= part.weighed.len() && self.down.has(kernel.taps(), part.from + count));
        let rows = &part.rows[..kernel.taps()];
        // SAFETY: the processor has AVX-512; the places were checked.
        unsafe { down::<BANDS, TARGETS>(part, (rows, &self.down), count, targets) }
    }
}

/// `WIDE` says that a vector of target pixels lies over more columns of the source than one holds.
#[target_feature(enable = "avx512bw,avx512vl,avx512vbmi")]
fn across<const BANDS: usize, const WIDE: bool>(
    part: &Across<'_, BANDS>,
    kernel: &Kernel,
    weights: &Weights,
    out: &mut [i16],
) {
    let step = part.x.step as i32;
    let mut position = (part.x.start - kernel.origin()) as i32;
    let numbers = _mm512_cvtepu8_epi32(_mm512_castsi512_si128(bytes(&COUNTED)));
    let ahead = _mm512_mullo_epi32(numbers, _mm512_set1_epi32(step));
    let further = _mm512_add_epi32(ahead, _mm512_set1_epi32(step * (LANES / 2) as i32));
    for first in (0..part.count).step_by(LANES) {
        let base = (position >> 16) as usize;
        let start = _mm512_set1_epi32(position & 0xffff);
        let positions = [ahead, further].map(|ahead| _mm512_add_epi32(start, ahead));
        // Both bytes of each number are taken from a place: 64 times each together is what a sample is weighed as.
        let mut places = _mm512_permutex2var_epi8(positions[0], bytes(&WHOLE), positions[1]);
        let near = part.samples.map(|samples| load(samples, base));
        let far = if WIDE { part.samples.map(|samples| load(samples, base + BYTES)) } else { near };
        let mut sums = [_mm512_setzero_si512(); BANDS];
        for tap in 0..kernel.taps() {
            let weight = weights.at(tap, first);
            for (band, sum) in sums.iter_mut().enumerate() {
                let taken = if WIDE {
                    _mm512_permutex2var_epi8(near[band], places, far[band])
                } else {
                    _mm512_permutexvar_epi8(places, near[band])
                };
                let sample = _mm512_maddubs_epi16(taken, _mm512_set1_epi8(64));
                *sum = _mm512_add_epi16(*sum, _mm512_mulhrs_epi16(sample, weight));
            }
            places = _mm512_add_epi8(places, _mm512_set1_epi8(1));
        }
        for (band, sum) in sums.into_iter().enumerate() {
            let start = band * part.plane + part.from;
            store(&mut out[start + first..start + part.count], sum);
        }
        position += step * LANES as i32;
    }
}

#[target_feature(enable = "avx512bw,avx512vl,avx512vbmi")]
fn down<const BANDS: usize, const TARGETS: usize>(
    part: &Down<'_>,
    (rows, weights): (&[usize], &Weights),
    count: usize,
    mut targets: [&mut [u8]; TARGETS],
) {
    for at in (0..count).step_by(LANES) {
        let mut sums = [_mm512_set1_epi16(1 << (PIXEL_BITS - 1)); BANDS];
        for (tap, row) in rows.iter().enumerate() {
            let weight = weights.at(tap, part.from + at);
            for (band, sum) in sums.iter_mut().enumerate() {
                let row = load(part.weighed, row + band * part.plane + at);
                *sum = _mm512_add_epi16(*sum, _mm512_mulhrs_epi16(row, weight));
            }
        }
        let bands = sums.map(|sum| {
            let sum = _mm512_srai_epi16::<{ PIXEL_BITS }>(sum);
            _mm512_cvtusepi16_epi8(_mm512_max_epi16(sum, _mm512_setzero_si512()))
        });
        if TARGETS == BANDS {
            for (target, band) in targets.iter_mut().zip(bands) {
                store_half(&mut target[at..count], band);
            }
        } else {
            store_beside(&mut targets[0][at * BANDS..], bands);
        }
    }
}

/// Numbers in order.
const COUNTED: [u8; BYTES] = {
    let mut bytes = [0; BYTES];
    let mut at = 0;
    while at < BYTES {
        bytes[at] = at as u8;
        at += 1;
    }
    bytes
};

/// Of two vectors of positions, the lowest byte of whole pixels of each: into both bytes of as many numbers.
const WHOLE: [u8; BYTES] = {
    let mut bytes = [0; BYTES];
    let mut at = 0;
    while at < LANES {
        (bytes[2 * at], bytes[2 * at + 1]) = ((4 * at + 2) as u8, (4 * at + 2) as u8);
        at += 1;
    }
    bytes
};

/// Of three bands, of which the first two are in one vector, which bytes go where in two vectors of pixels.
const JOIN: [[u8; BYTES]; 2] = {
    let mut bytes = [[0; BYTES]; 2];
    let mut at = 0;
    while at < 3 * LANES {
        bytes[at / BYTES][at % BYTES] = (at % 3 * LANES + at / 3) as u8;
        at += 1;
    }
    bytes
};

#[inline]
#[target_feature(enable = "avx512bw,avx512vl,avx512vbmi")]
fn bytes(bytes: &[u8; BYTES]) -> __m512i {
    load(bytes, 0)
}

/// A vector from a place that was checked.
#[inline]
#[target_feature(enable = "avx512bw,avx512vl,avx512vbmi")]
fn load<T: Copy>(from: &[T], at: usize) -> __m512i {
    debug_assert!(at * size_of::<T>() + BYTES <= size_of_val(from));
    // SAFETY: whoever calls has checked it.
    unsafe { _mm512_loadu_si512(from.as_ptr().add(at).cast()) }
}

/// As many numbers as there is room for.
#[inline]
#[target_feature(enable = "avx512bw,avx512vl,avx512vbmi")]
fn store(to: &mut [i16], values: __m512i) {
    // SAFETY: no more are stored than that.
    unsafe {
        if to.len() >= LANES {
            _mm512_storeu_si512(to.as_mut_ptr().cast(), values);
        } else {
            _mm512_mask_storeu_epi16(to.as_mut_ptr(), (1 << to.len()) - 1, values);
        }
    }
}

/// As many bytes as there is room for.
#[inline]
#[target_feature(enable = "avx512bw,avx512vl,avx512vbmi")]
fn store_half(to: &mut [u8], values: __m256i) {
    // SAFETY: no more are stored than that.
    unsafe {
        if to.len() >= LANES {
            _mm256_storeu_si256(to.as_mut_ptr().cast(), values);
        } else {
            _mm256_mask_storeu_epi8(to.as_mut_ptr().cast(), (1 << to.len()) - 1, values);
        }
    }
}

/// Three bands beside each other, as many pixels as there is room for.
#[inline]
#[target_feature(enable = "avx512bw,avx512vl,avx512vbmi")]
fn store_beside<const BANDS: usize>(to: &mut [u8], bands: [__m256i; BANDS]) {
    let two = _mm512_inserti64x4::<1>(_mm512_castsi256_si512(bands[0]), bands[1 % BANDS]);
    let third = _mm512_castsi256_si512(bands[2 % BANDS]);
    for (to, from) in to.chunks_mut(BYTES).zip(&JOIN) {
        let mask = u64::MAX >> (BYTES - to.len());
        // SAFETY: no more are stored than there is room for.
        unsafe {
            let pixels = _mm512_permutex2var_epi8(two, bytes(from), third);
            _mm512_mask_storeu_epi8(to.as_mut_ptr().cast(), mask, pixels);
        }
    }
}
