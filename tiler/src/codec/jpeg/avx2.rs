//! What decoding and encoding of JPEG have in common in wider registers: `unsafe` stands where registers are filled and emptied.

#![expect(unsafe_code, reason = "the compiler cannot know which processor it will be")]

#[allow(clippy::wildcard_imports, reason = "they are many, and named alike")]
use std::arch::x86_64::*;

/// The proof that the processor has AVX2, BMI1 and BMI2: made by [`Self::detect`] alone.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Avx2(());

impl Avx2 {
    pub(crate) fn detect() -> Option<Self> {
        let found = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2");
        found.then_some(Self(()))
    }
}

/// Of each pair of numbers, the sum of the two products with the pair of factors.
#[target_feature(enable = "avx2,bmi1,bmi2")]
#[inline]
pub(crate) fn products(pairs: __m256i, [a, b]: [i16; 2]) -> __m256i {
    let both = i32::from(a) & 0xffff | i32::from(b) << 16;
    _mm256_madd_epi16(pairs, _mm256_set1_epi32(both))
}

/// Rows to columns, in each half for itself.
#[target_feature(enable = "avx2,bmi1,bmi2")]
#[inline]
pub(crate) fn transposed([r0, r1, r2, r3, r4, r5, r6, r7]: [__m256i; 8]) -> [__m256i; 8] {
    let (a0, a1) = (_mm256_unpacklo_epi16(r0, r1), _mm256_unpackhi_epi16(r0, r1));
    let (a2, a3) = (_mm256_unpacklo_epi16(r2, r3), _mm256_unpackhi_epi16(r2, r3));
    let (a4, a5) = (_mm256_unpacklo_epi16(r4, r5), _mm256_unpackhi_epi16(r4, r5));
    let (a6, a7) = (_mm256_unpacklo_epi16(r6, r7), _mm256_unpackhi_epi16(r6, r7));
    let (b0, b1) = (_mm256_unpacklo_epi32(a0, a2), _mm256_unpackhi_epi32(a0, a2));
    let (b2, b3) = (_mm256_unpacklo_epi32(a1, a3), _mm256_unpackhi_epi32(a1, a3));
    let (b4, b5) = (_mm256_unpacklo_epi32(a4, a6), _mm256_unpackhi_epi32(a4, a6));
    let (b6, b7) = (_mm256_unpacklo_epi32(a5, a7), _mm256_unpackhi_epi32(a5, a7));
    [
        _mm256_unpacklo_epi64(b0, b4),
        _mm256_unpackhi_epi64(b0, b4),
        _mm256_unpacklo_epi64(b1, b5),
        _mm256_unpackhi_epi64(b1, b5),
        _mm256_unpacklo_epi64(b2, b6),
        _mm256_unpackhi_epi64(b2, b6),
        _mm256_unpacklo_epi64(b3, b7),
        _mm256_unpackhi_epi64(b3, b7),
    ]
}

/// What registers are filled with: any bits are one of them, and all of their bytes are filled.
pub(crate) trait Lane: Copy {}
impl Lane for i8 {}
impl Lane for u8 {}
impl Lane for i16 {}
impl Lane for u16 {}

#[target_feature(enable = "avx2,bmi1,bmi2")]
#[inline]
pub(crate) fn load<T: Lane, const N: usize>(from: &[T; N]) -> __m256i {
    const { assert!(size_of::<[T; N]>() == size_of::<__m256i>()) };
    // SAFETY: the array is as long as the register, and need not be aligned.
    unsafe { _mm256_loadu_si256(from.as_ptr().cast()) }
}

#[target_feature(enable = "avx2,bmi1,bmi2")]
#[inline]
pub(crate) fn load_half<T: Lane, const N: usize>(from: &[T; N]) -> __m128i {
    const { assert!(size_of::<[T; N]>() == size_of::<__m128i>()) };
    // SAFETY: the array is as long as the register, and need not be aligned.
    unsafe { _mm_loadu_si128(from.as_ptr().cast()) }
}

#[target_feature(enable = "avx2,bmi1,bmi2")]
#[inline]
pub(crate) fn store<T: Lane, const N: usize>(to: &mut [T; N], value: __m256i) {
    const { assert!(size_of::<[T; N]>() == size_of::<__m256i>()) };
    // SAFETY: the array is as long as the register, and need not be aligned.
    unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), value) }
}

#[target_feature(enable = "avx2,bmi1,bmi2")]
#[inline]
pub(crate) fn store_half<T: Lane, const N: usize>(to: &mut [T; N], value: __m128i) {
    const { assert!(size_of::<[T; N]>() == size_of::<__m128i>()) };
    // SAFETY: the array is as long as the register, and need not be aligned.
    unsafe { _mm_storeu_si128(to.as_mut_ptr().cast(), value) }
}
