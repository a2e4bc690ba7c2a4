//! Memory that is read soon, asked of the processor before.
#![allow(unsafe_code)]

/// Bytes of memory that the processor fetches at once.
pub(crate) const LINE: usize = 64;

/// Has the processor fetch bytes that lie in main memory into its cache, while it goes on. Of each page it fetches the first lines, since
/// the others it fetches by itself as these are read; more of them at once would wait for each other.
#[cfg(target_arch = "x86_64")]
pub fn prefetch(bytes: &[u8]) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    const PAGE: usize = 4096;
    const LINES: usize = 2;
    for line in bytes.chunks(PAGE).flat_map(|page| page.chunks(LINE).take(LINES)) {
        // SAFETY: it may be any address, and nothing is read.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast()) }
    }
}

/// Nothing, where there is no such instruction.
#[cfg(not(target_arch = "x86_64"))]
pub fn prefetch(_: &[u8]) {}
