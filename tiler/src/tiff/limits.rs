//! What a header may ask for. Every number in a file is a claim until it was compared with one of these.

use tiff::decoder::ifd::Value;

/// Bounds on what a file may ask for; a file beyond them is refused with a reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Directories (images, overviews, masks) in a file; default 64.
    pub directories: usize,
    /// Tags in a directory; default 512.
    pub tags: u64,
    /// Bytes of one tag's value; default 16 MiB, and never more than the file has.
    pub tag_bytes: u64,
    /// Bytes of one decoded block; default 64 MiB.
    pub block_bytes: u64,
    /// Bytes of one block as it is stored; default 64 MiB.
    pub stored_block_bytes: u64,
    /// Columns or rows of an image; default 2^31 - 1.
    pub side_px: u32,
    /// Columns or rows of a tile; default 4096.
    pub tile_side_px: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            directories: 64,
            tags: 512,
            tag_bytes: 16 << 20,
            block_bytes: 64 << 20,
            stored_block_bytes: 64 << 20,
            side_px: u32::MAX >> 1,
            tile_side_px: 4096,
        }
    }
}

impl Limits {
    /// The same in the terms of the `tiff` crate, which only reads tags for us.
    pub(super) fn of_the_crate(&self, file_len: u64) -> tiff::decoder::Limits {
        let mut limits = tiff::decoder::Limits::default();
        limits.ifd_value_size = self.tag_bytes.min(file_len) as usize;
        // The crate makes room for as many values as a tag claims before it reads the first: no more than the file can have.
        let room = limits.ifd_value_size.saturating_mul(size_of::<Value>());
        limits.decoding_buffer_size = limits.decoding_buffer_size.min(room);
        limits
    }
}
