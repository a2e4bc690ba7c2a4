//! Memory that is read soon, asked of the processor before.
#![allow(unsafe_code)]

/// Bytes of memory that the processor fetches at once.
pub(crate) const LINE: usize = 64;

/// Has the processor fetch bytes that lie in main memory into its cache, while it goes on. Of each page it fetches the first lines, since
/// the others it fetches by itself as these are read; more of them at once would wait for each other.
pub fn prefetch(bytes: &[u8]) {
    const PAGE: usize = 4096;
    const LINES: usize = 2;
    bytes.chunks(PAGE).flat_map(|page| page.chunks(LINE).take(LINES)).for_each(prefetch_line);
}

/// Has it fetch the line where this memory starts; nothing, where there is no such instruction.
#[inline(always)]
#[cfg_attr(not(target_arch = "x86_64"), allow(unused_variables))]
pub(crate) fn prefetch_line(memory: &[u8]) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: it may be any address, and nothing is read.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(memory.as_ptr().cast()) }
    }
}
