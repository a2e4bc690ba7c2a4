//! Memory that is read soon, asked of the processor before.
#![allow(unsafe_code)]

use std::ops::Range;

/// Bytes of memory that the processor fetches at once.
pub(crate) const LINE: usize = 64;

/// Has the processor fetch bytes that lie in main memory into its cache, while it goes on: of each of the first pages these lines. It fetches the rest
/// of a page by itself as its first lines are read. Some two dozen lines are fetched at a time, and more wait for each other: so a few are
/// asked for between one piece of work and the next.
pub fn prefetch(bytes: &[u8], lines: Range<usize>) {
    const PAGE: usize = 4096;
    const PAGES: usize = 8;
    for page in bytes.chunks(PAGE).take(PAGES) {
        page.chunks(LINE).skip(lines.start).take(lines.len()).for_each(prefetch_line);
    }
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
