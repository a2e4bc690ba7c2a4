//! A stored block as a picture file of its own: the stream as it is, with what stands elsewhere in the TIFF put in, and
//! nothing decoded. Only what every reader of such files shows in the same colours as a decoder here does.
//!
//! The headers are parsed and compared with the layout; what the entropy-coded data hold is not looked at.

mod jpeg;
mod webp;

use super::{BlockLayout, Compression};
use crate::raster::SampleType;

/// Whether the blocks of a layout can be pictures by themselves, as far as tags tell: grey and red green blue in JPEG, red
/// green blue and alpha in WebP, of 8 bits.
pub fn is_possible(layout: &BlockLayout) -> bool {
    let bands = match layout.compression {
        Compression::Jpeg => [1, 3],
        Compression::WebP => [3, 4],
        _ => return false,
    };
    layout.sample == SampleType::U8 && layout.bits == 8 && bands.contains(&layout.bands)
}

/// Compression makes nothing larger than this beyond its pixels: what is, is no picture to be sent.
const EXCESS_BYTES: usize = 4096;

/// Makes the file at the beginning of a buffer, and gives its length. `read` puts the stored bytes, so many of them, where they
/// shall stand in it; it is called once at most, and says whether it did.
///
/// What the buffer holds before is of no matter, and it only grows: one that was used already needs no clearing.
/// `None` where the bytes are not wholly what the layout says: decoding will tell what is wrong.
pub fn assemble(
    layout: &BlockLayout,
    stored_bytes: usize,
    buffer: &mut Vec<u8>,
    read: impl FnOnce(&mut [u8]) -> bool,
) -> Option<usize> {
    if stored_bytes > layout.decoded_bytes().saturating_add(EXCESS_BYTES) {
        return None;
    }
    match layout.compression {
        Compression::Jpeg => jpeg::assemble(layout, stored_bytes, buffer, read),
        Compression::WebP => {
            let stored = room(buffer, stored_bytes);
            if read(stored) { webp::len(stored, layout) } else { None }
        }
        _ => None,
    }
}

/// So many bytes of a buffer, which grows where it has fewer.
fn room(buffer: &mut Vec<u8>, bytes: usize) -> &mut [u8] {
    if let Some(more @ 1..) = bytes.checked_sub(buffer.len()) {
        // No more than that: large buffers are not kept.
        buffer.reserve_exact(more);
        buffer.resize(bytes, 0);
    }
    &mut buffer[..bytes]
}

/// The file of stored bytes.
#[cfg(test)]
fn picture(stored: &[u8], layout: &BlockLayout) -> Option<Vec<u8>> {
    if !is_possible(layout) {
        return None;
    }
    // What was there before shall not show.
    let mut buffer = vec![0xd9; 2 * stored.len()];
    let len = assemble(layout, stored.len(), &mut buffer, |target| {
        target.copy_from_slice(stored);
        true
    })?;
    buffer.truncate(len);
    Some(buffer)
}
