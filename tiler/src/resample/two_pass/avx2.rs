//! The passes in vectors of AVX2, sixteen target pixels at a time.

#![expect(unsafe_code, reason = "loads of vectors, whose places are checked once for a run")]

#[allow(clippy::wildcard_imports, reason = "the names begin with what they are")]
use std::arch::x86_64::*;

use super::{Across, Down, LANES, Machine, PIXEL_BITS, Planes, REACH, Steps};
use crate::resample::{
    Kernel,
    kernel::{GROUP, PHASES},
};

/// Bytes, or numbers of 16 bits in bytes, that half a vector takes.
const HALF: usize = 16;

/// Fractions of sixteen positions, of which there are [`PHASES`].
type Phases = [u16; LANES];

pub(super) struct Avx2 {
    /// Of the row at work.
    phases: Vec<Phases>,
    /// What became of it.
    pixels: Vec<__m128i>,
}

impl Avx2 {
    /// Where the processor has them.
    pub(super) fn detected() -> Option<Self> {
        is_x86_feature_detected!("avx2").then(|| Self { phases: Vec::new(), pixels: Vec::new() })
    }
}

impl Machine for Avx2 {
    fn split<const BANDS: usize>(&mut self, pixels: &[u8], planes: &mut Planes) {
        // SAFETY: the processor has AVX2.
        unsafe { split::<BANDS>(pixels, planes) }
    }

    fn across<const BANDS: usize>(&mut self, part: &Across<'_, BANDS>, kernel: &Kernel, out: &mut [i16]) {
        // The last target pixels' place, which the others lie before.
        let last = (part.x.at(part.count) - kernel.origin()) >> 16;
        assert!(last >= 0 && part.samples.iter().all(|samples| last as usize + REACH <= samples.len()));
        assert!(
            part.x.start >= kernel.origin() && part.x.step > 0 && part.x.at(part.count) < i64::from(i32::MAX)
        );
        assert!(part.from + part.count <= part.plane && part.plane * BANDS <= out.len());
        // From its first place on, half a vector of target pixels reads no further than this.
        let narrow = ((part.x.step * 7) >> 16) + 1 + kernel.taps() as i64 <= HALF as i64;
        // SAFETY: the processor has AVX2; the places were checked.
        unsafe {
            let phases = phases(&mut self.phases, part.x, kernel, part.count);
            match (kernel.taps(), narrow) {
                (2, true) => across::<BANDS, 2, false>(part, (kernel, phases), out),
                (3, true) => across::<BANDS, 3, false>(part, (kernel, phases), out),
                (4, true) => across::<BANDS, 4, false>(part, (kernel, phases), out),
                (5, true) => across::<BANDS, 5, false>(part, (kernel, phases), out),
                (5, false) => across::<BANDS, 5, true>(part, (kernel, phases), out),
                (..=4, false) => across::<BANDS, 4, true>(part, (kernel, phases), out),
                (_, true) => across::<BANDS, 8, false>(part, (kernel, phases), out),
                (_, false) => across::<BANDS, 8, true>(part, (kernel, phases), out),
            }
        }
    }

    fn down<const BANDS: usize>(&mut self, part: &Down<'_>, kernel: &Kernel, target: &mut [u8]) {
        let pixels = self.weigh_rows::<BANDS, true>(part, kernel, target.len() / BANDS);
        store_pixels(pixels, target);
    }

    fn down_apart<const BANDS: usize>(
        &mut self,
        part: &Down<'_>,
        kernel: &Kernel,
        mut targets: [&mut [u8]; BANDS],
    ) {
        let count = targets.iter().map(|target| target.len()).min().unwrap_or(0);
        let vectors = self.weigh_rows::<BANDS, false>(part, kernel, count);
        for (band, target) in targets.iter_mut().enumerate() {
            let (whole, rest) = target[..count].as_chunks_mut::<LANES>();
            let mut vectors = vectors[band..].iter().step_by(BANDS);
            for (sixteen, vector) in whole.iter_mut().zip(&mut vectors) {
                // SAFETY: sixteen bytes are stored into as many.
                unsafe { _mm_storeu_si128(sixteen.as_mut_ptr().cast(), *vector) };
            }
            if let Some(vector) = vectors.next() {
                store_pixels(std::slice::from_ref(vector), rest);
            }
        }
    }
}

impl Avx2 {
    /// The pixels of a run: bands beside each other, or for each sixteen pixels one band after the other.
    fn weigh_rows<const BANDS: usize, const BESIDE: bool>(
        &mut self,
        part: &Down<'_>,
        kernel: &Kernel,
        count: usize,
    ) -> &[__m128i] {
        let count = count.next_multiple_of(LANES);
        let last = part.rows.iter().max().expect("there are rows") + (BANDS - 1) * part.plane + count;
        assert!(last <= part.weighed.len());
        // SAFETY: the processor has AVX2; the places were checked.
        unsafe {
            let phases = phases(&mut self.phases, part.y, kernel, count);
            let zero = _mm_setzero_si128();
            self.pixels.resize(self.pixels.len().max(count / LANES * BANDS), zero);
            let pixels = &mut self.pixels[..count / LANES * BANDS];
            match kernel.taps() {
                2 => down::<BANDS, 2, BESIDE>(part, (kernel, phases), pixels),
                3 => down::<BANDS, 3, BESIDE>(part, (kernel, phases), pixels),
                4 => down::<BANDS, 4, BESIDE>(part, (kernel, phases), pixels),
                5 => down::<BANDS, 5, BESIDE>(part, (kernel, phases), pixels),
                _ => down::<BANDS, 8, BESIDE>(part, (kernel, phases), pixels),
            }
            pixels
        }
    }
}

#[target_feature(enable = "avx2")]
fn split<const BANDS: usize>(pixels: &[u8], planes: &mut Planes) {
    const { assert!(BANDS == 1 || BANDS == 3, "pixels are grey or red green blue") };
    let width = planes.width;
    if BANDS == 1 {
        planes.samples[..pixels.len()].copy_from_slice(pixels);
        return;
    }
    let count = pixels.len() / 3;
    assert!(count <= width && width * 3 <= planes.samples.len());
    let whole = count / HALF * HALF;
    for at in (0..whole).step_by(HALF) {
        let parts = [0, 1, 2].map(|part| load_half(pixels, at * 3 + part * HALF));
        for (band, masks) in SPLIT.iter().enumerate() {
            let taken = |part: usize| _mm_shuffle_epi8(parts[part], mask(&masks[part]));
            let samples = _mm_or_si128(_mm_or_si128(taken(0), taken(1)), taken(2));
            // SAFETY: a whole half lies before the end of its band.
            unsafe { _mm_storeu_si128(planes.samples.as_mut_ptr().add(band * width + at).cast(), samples) };
        }
    }
    for at in whole..count {
        for band in 0..3 {
            planes.samples[band * width + at] = pixels[at * 3 + band];
        }
    }
}

/// For each band and each third of sixteen pixels, which of its bytes go where.
const SPLIT: [[[i8; HALF]; 3]; 3] = {
    let mut masks = [[[-1; HALF]; 3]; 3];
    let mut byte = 0;
    while byte < 3 * HALF {
        masks[byte % 3][byte / HALF][byte / 3] = (byte % HALF) as i8;
        byte += 1;
    }
    masks
};

/// The other way: for each third of sixteen pixels and each band, which of its bytes go where.
const JOIN: [[[i8; HALF]; 3]; 3] = {
    let mut masks = [[[-1; HALF]; 3]; 3];
    let mut byte = 0;
    while byte < 3 * HALF {
        masks[byte / HALF][byte % 3][byte % HALF] = (byte / 3) as i8;
        byte += 1;
    }
    masks
};

/// `WIDE` says that eight target pixels lie over more than sixteen columns of the source.
#[target_feature(enable = "avx2")]
fn across<const BANDS: usize, const TAPS: usize, const WIDE: bool>(
    part: &Across<'_, BANDS>,
    (kernel, phases): (&Kernel, &[Phases]),
    out: &mut [i16],
) {
    let step = part.x.step as i32;
    let mut position = (part.x.start - kernel.origin()) as i32;
    let (a, b) = ahead(step);
    for (first, phases) in (0..part.count).step_by(LANES).zip(phases) {
        let half = position + step * 8;
        let bases = [position >> 16, half >> 16];
        let base = _mm256_inserti128_si256::<1>(_mm256_set1_epi32(bases[0]), _mm_set1_epi32(bases[1]));
        let start = _mm256_set1_epi32(position);
        let (a, b) = (_mm256_add_epi32(start, a), _mm256_add_epi32(start, b));
        let beneath = |x: __m256i| _mm256_sub_epi32(_mm256_srai_epi32::<16>(x), base);
        let places = _mm256_slli_epi16::<8>(_mm256_packs_epi32(beneath(a), beneath(b)));
        let weights = weights::<TAPS>(phases, kernel);
        // The upper byte of each number is taken from a place, the lower one stays empty.
        let empty = _mm256_set1_epi16(0x80);
        let control =
            |shift: i16| _mm256_or_si256(_mm256_add_epi16(places, _mm256_set1_epi16(shift << 8)), empty);
        for band in 0..BANDS {
            let samples = |skip: usize| {
                let halves = bases.map(|base| load_half(part.samples[band], base as usize + skip));
                _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(halves[0]), halves[1])
            };
            let near = samples(0);
            let far = if WIDE { samples(HALF) } else { near };
            let mut sum = _mm256_setzero_si256();
            for (tap, &weight) in weights.iter().enumerate() {
                let tap = tap as i16;
                let taken = if WIDE {
                    // Of places from 16 on the first gives nothing, of others the second.
                    let low = _mm256_shuffle_epi8(near, control(tap + 0x70));
                    _mm256_or_si256(low, _mm256_shuffle_epi8(far, control(tap - HALF as i16)))
                } else {
                    _mm256_shuffle_epi8(near, control(tap))
                };
                sum = _mm256_add_epi16(sum, _mm256_mulhrs_epi16(_mm256_srli_epi16::<1>(taken), weight));
            }
            store(&mut out[band * part.plane + part.from + first..], sum);
        }
        position += step * LANES as i32;
    }
}

#[target_feature(enable = "avx2")]
fn down<const BANDS: usize, const TAPS: usize, const BESIDE: bool>(
    part: &Down<'_>,
    (kernel, phases): (&Kernel, &[Phases]),
    pixels: &mut [__m128i],
) {
    for (number, (pixels, phases)) in pixels.chunks_exact_mut(BANDS).zip(phases).enumerate() {
        let weights = weights::<TAPS>(phases, kernel);
        let bands: [__m128i; BANDS] = std::array::from_fn(|band| {
            let at = band * part.plane + number * LANES;
            let mut sum = _mm256_set1_epi16(1 << (PIXEL_BITS - 1));
            for (&row, &weight) in part.rows.iter().zip(&weights) {
                sum = _mm256_add_epi16(sum, _mm256_mulhrs_epi16(load(part.weighed, row + at), weight));
            }
            let sum = _mm256_srai_epi16::<{ PIXEL_BITS as i32 }>(sum);
            _mm_packus_epi16(_mm256_castsi256_si128(sum), _mm256_extracti128_si256::<1>(sum))
        });
        for (third, pixels) in pixels.iter_mut().enumerate().take(BANDS) {
            *pixels = if BESIDE && BANDS == 3 {
                let taken = |band: usize| _mm_shuffle_epi8(bands[band], mask(&JOIN[third][band]));
                _mm_or_si128(_mm_or_si128(taken(0), taken(1)), taken(2))
            } else {
                bands[third]
            };
        }
    }
}

/// Sixteen positions from the first of them, in such an order that packing brings them into their own.
#[inline]
#[target_feature(enable = "avx2")]
fn ahead(step: i32) -> (__m256i, __m256i) {
    let steps = |numbers: __m256i| _mm256_mullo_epi32(numbers, _mm256_set1_epi32(step));
    (steps(_mm256_setr_epi32(0, 1, 2, 3, 8, 9, 10, 11)), steps(_mm256_setr_epi32(4, 5, 6, 7, 12, 13, 14, 15)))
}

/// Fractions of so many positions.
#[target_feature(enable = "avx2")]
fn phases<'a>(kept: &'a mut Vec<Phases>, positions: Steps, kernel: &Kernel, count: usize) -> &'a [Phases] {
    // Whole pixels do not matter.
    let mut position = ((positions.start - kernel.origin()) & 0xffff) as i32;
    let (a, b) = ahead(positions.step as i32);
    let count = count / LANES;
    if kept.len() < count {
        kept.resize(count, [0; LANES]);
    }
    for sixteen in &mut kept[..count] {
        let start = _mm256_set1_epi32(position);
        let phase = |ahead: __m256i| {
            let fraction = _mm256_srli_epi32::<8>(_mm256_add_epi32(start, ahead));
            _mm256_and_si256(fraction, _mm256_set1_epi32(PHASES as i32 - 1))
        };
        // SAFETY: sixteen numbers of 16 bits are stored into as many.
        unsafe { _mm256_storeu_si256(sixteen.as_mut_ptr().cast(), _mm256_packs_epi32(phase(a), phase(b))) };
        position = position.wrapping_add(positions.step as i32 * LANES as i32);
    }
    &kept[..count]
}

/// Weights of sixteen positions, tap by tap.
#[inline]
#[target_feature(enable = "avx2")]
fn weights<const TAPS: usize>(phases: &Phases, kernel: &Kernel) -> [__m256i; TAPS] {
    let group = if TAPS <= GROUP { GROUP } else { 2 * GROUP };
    let table = kernel.table().0;
    debug_assert!(kernel.table().1 == group);
    // Two positions side by side: one of the first eight, and the eighth after it.
    let pair = |index: usize| {
        let halves = [index, index + 8].map(|index| {
            // SAFETY: a phase is below 256; after the last one the table goes on for half a vector.
            unsafe { _mm_loadu_si128(table.as_ptr().add(usize::from(phases[index]) * group).cast()) }
        });
        _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(halves[0]), halves[1])
    };
    let rows: [__m256i; 8] = [pair(0), pair(1), pair(2), pair(3), pair(4), pair(5), pair(6), pair(7)];
    // Columns become rows: pairs, then fours, then eights.
    let fours = |pairs: [__m256i; 4]| {
        let [a, b, c, d] = pairs;
        let (low, high) = (_mm256_unpacklo_epi32(a, b), _mm256_unpacklo_epi32(c, d));
        let (low2, high2) = (_mm256_unpackhi_epi32(a, b), _mm256_unpackhi_epi32(c, d));
        [
            _mm256_unpacklo_epi64(low, high),
            _mm256_unpackhi_epi64(low, high),
            _mm256_unpacklo_epi64(low2, high2),
            _mm256_unpackhi_epi64(low2, high2),
        ]
    };
    let low = fours(std::array::from_fn(|i| _mm256_unpacklo_epi16(rows[2 * i], rows[2 * i + 1])));
    if TAPS <= 4 {
        return std::array::from_fn(|tap| low[tap]);
    }
    let high = fours(std::array::from_fn(|i| _mm256_unpackhi_epi16(rows[2 * i], rows[2 * i + 1])));
    std::array::from_fn(|tap| if tap < 4 { low[tap] } else { high[tap - 4] })
}

#[inline]
#[target_feature(enable = "avx2")]
fn mask(bytes: &[i8; HALF]) -> __m128i {
    // SAFETY: there are sixteen bytes.
    unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
}

/// Sixteen bytes of a place that was checked.
#[inline]
#[target_feature(enable = "avx2")]
fn load_half(from: &[u8], at: usize) -> __m128i {
    debug_assert!(at + HALF <= from.len());
    // SAFETY: whoever calls has checked it.
    unsafe { _mm_loadu_si128(from.as_ptr().add(at).cast()) }
}

/// Sixteen numbers of a place that was checked.
#[inline]
#[target_feature(enable = "avx2")]
fn load(from: &[i16], at: usize) -> __m256i {
    debug_assert!(at + LANES <= from.len());
    // SAFETY: whoever calls has checked it.
    unsafe { _mm256_loadu_si256(from.as_ptr().add(at).cast()) }
}

fn store_pixels(pixels: &[__m128i], target: &mut [u8]) {
    assert!(target.len() <= size_of_val(pixels));
    // SAFETY: vectors are bytes, and there are as many.
    let bytes = unsafe { std::slice::from_raw_parts(pixels.as_ptr().cast(), target.len()) };
    target.copy_from_slice(bytes);
}

#[inline]
#[target_feature(enable = "avx2")]
fn store(to: &mut [i16], values: __m256i) {
    let to: &mut [i16; LANES] = to.first_chunk_mut().expect("it is long enough");
    // SAFETY: it has sixteen numbers.
    unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), values) };
}
