//! Where the blocks of an image lie, in the image and in the file.

use std::ops::Range;

use super::{Directory, TiffError};
use crate::geom::Size;

/// `STRIP_SIZE_DEFAULT` of libtiff.
const LIBTIFF_STRIP_BYTES: u64 = 8192;

impl Directory {
    /// Blocks across and down.
    pub fn block_count(&self) -> (u32, u32) {
        (self.size.width.div_ceil(self.block_size.width), self.size.height.div_ceil(self.block_size.height))
    }

    /// Size of a block as it is stored: tiles are all of one size, the last strip has only the rows that are left.
    pub fn stored_size(&self, row: u32) -> Size {
        let first_row = u64::from(row) * u64::from(self.block_size.height);
        let rows_left = u64::from(self.size.height).saturating_sub(first_row);
        let height =
            if self.tiled { self.block_size.height } else { self.block_size.height.min(rows_left as u32) };
        Size::new(self.block_size.width, height)
    }

    /// The block size that libtiff, and so GDAL, tells: that of the tags, but a single strip without compression is told as
    /// strips of 8 KiB, however it is cut here.
    pub fn told_block_size(&self) -> Size {
        let rows = self.cut_strip_rows.unwrap_or(self.block_size.height);
        let is_one_strip =
            !self.tiled && self.compression == 1 && self.planar != 2 && self.offsets.len() == 1;
        if !is_one_strip {
            return Size::new(self.block_size.width, rows);
        }
        let chopped = (LIBTIFF_STRIP_BYTES / self.row_bytes().max(1)).max(1);
        Size::new(self.block_size.width, u64::from(rows).min(chopped) as u32)
    }

    /// How many stored pieces a block has: one, or one for every band where bands are stored apart.
    pub fn pieces(&self) -> usize {
        if self.planar == 2 { usize::from(self.samples_per_pixel) } else { 1 }
    }

    /// Whether all blocks lie within a file of `file_len`: one that does not was cut short.
    ///
    /// # Errors
    /// With the first block that does not, or when blocks are missing from the header.
    pub fn check_blocks(&self, file_len: u64) -> Result<(), TiffError> {
        let (cols, rows) = self.block_count();
        // The last block of a strip that was cut ends where the strip does.
        let cuts = self.cuts_per_strip() as usize;
        for piece in 0..self.pieces() {
            for first in (0..rows).step_by(cuts) {
                let row = first.saturating_add(cuts as u32 - 1).min(rows - 1);
                for col in 0..cols {
                    self.block_range(col, row, piece, file_len)?;
                }
            }
        }
        Ok(())
    }

    /// The bytes of a piece of a block within a file of `file_len`; `None` for one that was never written (a sparse file).
    ///
    /// # Errors
    /// When the piece is larger than allowed or does not lie within the file.
    pub fn block_range(
        &self,
        col: u32,
        row: u32,
        piece: usize,
        file_len: u64,
    ) -> Result<Option<Range<u64>>, TiffError> {
        let (cols, rows) = self.block_count();
        let (stored_row, cut) = match self.cut_strip_rows {
            Some(_) => (u64::from(row) / self.cuts_per_strip(), u64::from(row) % self.cuts_per_strip()),
            None => (u64::from(row), 0),
        };
        let stored_rows = u64::from(rows).div_ceil(self.cuts_per_strip());
        let index = (piece as u64 * stored_rows + stored_row) * u64::from(cols) + u64::from(col);
        let at = index as usize;
        let (Some(&start), Some(&len)) = (self.offsets.get(at), self.byte_counts.get(at)) else {
            return Err(TiffError::BlockOutOfFile { index, start: 0, end: 0, len: file_len });
        };
        if start == 0 || len == 0 {
            return Ok(None);
        }
        let end = start.saturating_add(len);
        let (start, end) = if self.cut_strip_rows.is_some() {
            let row_bytes = self.row_bytes();
            let start = start.saturating_add(cut * u64::from(self.block_size.height) * row_bytes);
            (start, start.saturating_add(u64::from(self.stored_size(row).height) * row_bytes))
        } else {
            (start, end)
        };
        if end.saturating_sub(start) > self.stored_block_bytes {
            return Err(TiffError::TooMany {
                what: "bytes in a stored block",
                limit: self.stored_block_bytes,
            });
        }
        if end > file_len {
            return Err(TiffError::BlockOutOfFile { index, start, end, len: file_len });
        }
        Ok(Some(start..end))
    }

    /// Blocks that a stored strip was cut into.
    fn cuts_per_strip(&self) -> u64 {
        self.cut_strip_rows.map_or(1, |rows| u64::from(rows.div_ceil(self.block_size.height)))
    }

    /// Bytes of a row of a strip without compression.
    fn row_bytes(&self) -> u64 {
        let samples = if self.planar == 2 { 1 } else { u64::from(self.samples_per_pixel) };
        let bits = u64::from(self.bits_per_sample.first().copied().unwrap_or(1));
        (u64::from(self.size.width) * samples * bits).div_ceil(8)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Limits, read, stub};
    use super::*;
    use crate::io::Memory;

    fn directory() -> Directory {
        let file = read(&Memory::new(stub::file(false, false)), &Limits::default());
        file.expect("the stub is a TIFF").directories.remove(0)
    }

    #[test]
    fn the_last_strip_has_the_rows_that_are_left() {
        let strips = Directory { size: Size::new(100, 25), block_size: Size::new(100, 10), ..directory() };
        assert_eq!(strips.block_count(), (1, 3));
        assert_eq!(strips.stored_size(2), Size::new(100, 5));
        let tiles = Directory { tiled: true, block_size: Size::new(16, 16), ..strips };
        assert_eq!((tiles.block_count(), tiles.stored_size(1)), ((7, 2), Size::new(16, 16)));
    }

    #[test]
    fn a_block_must_lie_within_the_file() {
        let blocks = Directory {
            offsets: vec![100, 0, u64::MAX].into(),
            byte_counts: vec![50, 0, 10].into(),
            size: Size::new(30, 1),
            block_size: Size::new(10, 1),
            ..directory()
        };
        assert_eq!(blocks.block_range(0, 0, 0, 150).expect("it fits"), Some(100..150));
        assert!(blocks.block_range(0, 0, 0, 149).is_err());
        assert_eq!(blocks.block_range(1, 0, 0, 150).expect("it is sparse"), None);
        assert!(blocks.block_range(2, 0, 0, 150).is_err());
        assert!(blocks.block_range(0, 9, 0, 150).is_err());
    }
}
