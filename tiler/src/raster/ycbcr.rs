//! Pixels as JPEG stores photographs: luma, and chroma of half the columns and rows.

use super::spare;
use crate::geom::{Size, Window};

/// Luma and two planes of chroma, blue and red, of half the columns and rows, rounded up. Every pixel is valid.
///
/// Colours are those of JFIF: BT.601 in the full range of a byte, with a sample of chroma in the middle of four pixels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct YCbCr {
    size: Size,
    planes: [Vec<u8>; 3],
}

impl Drop for YCbCr {
    fn drop(&mut self) {
        self.planes.iter_mut().for_each(|plane| spare::put(std::mem::take(plane)));
    }
}

/// The planes of a block as it is stored, each with the samples that a row of it has.
pub type StoredPlanes<'a> = [(&'a [u8], usize); 3];

impl YCbCr {
    /// A picture of its planes.
    ///
    /// # Panics
    /// When one of them does not have the length that the size asks for: a bug of the caller.
    pub fn new(size: Size, planes: [Vec<u8>; 3]) -> Self {
        for (number, plane) in planes.iter().enumerate() {
            assert_eq!(
                plane.len() as u64,
                Self::plane_size(size, number).pixels(),
                "plane {number} of {size:?}"
            );
        }
        Self { size, planes }
    }

    /// A picture that is to be filled: before that, pixels may be anything.
    pub fn unfilled(size: Size) -> Self {
        let plane = |number| spare::take(Self::plane_size(size, number).pixels() as usize);
        Self { size, planes: [0, 1, 2].map(plane) }
    }

    /// Columns and rows of a plane, the first of which is luma.
    pub const fn plane_size(size: Size, plane: usize) -> Size {
        if plane == 0 { size } else { Size::new(size.width.div_ceil(2), size.height.div_ceil(2)) }
    }

    /// Columns and rows.
    pub const fn size(&self) -> Size {
        self.size
    }

    /// Luma, blue chroma, red chroma.
    pub fn planes(&self) -> [&[u8]; 3] {
        self.planes.each_ref().map(Vec::as_slice)
    }

    /// The same, to be filled.
    pub fn planes_mut(&mut self) -> [&mut [u8]; 3] {
        self.planes.each_mut().map(Vec::as_mut_slice)
    }

    /// Copies a part of a block into this picture, which is a window of an image; `col_off`, `row_off` say where in the image
    /// the block lies. Returns whether it did: all places and sizes must be even, so that no chroma is shared.
    #[must_use]
    pub fn paste(
        &mut self,
        window: &Window,
        block: &StoredPlanes<'_>,
        (col_off, row_off): (i64, i64),
        part: &Window,
    ) -> bool {
        let block_at = Window::new(col_off, row_off, 0, 0);
        let (Some(half), Some(half_block), Some(half_part)) =
            (window.halved(), block_at.halved(), part.halved())
        else {
            return false;
        };
        for (number, (target, &(samples, stride))) in self.planes.iter_mut().zip(block).enumerate() {
            let (window, block, part) =
                if number == 0 { (window, &block_at, part) } else { (&half, &half_block, &half_part) };
            let len = part.width as usize;
            for row in part.row_off..part.row_end() {
                let from = (row - block.row_off) as usize * stride + (part.col_off - block.col_off) as usize;
                let to = (row - window.row_off) as usize * window.width as usize
                    + (part.col_off - window.col_off) as usize;
                target[to..to + len].copy_from_slice(&samples[from..from + len]);
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_block_comes_to_its_place_in_every_plane() {
        let luma: Vec<u8> = (0..64).collect();
        let chroma: Vec<u8> = (100..116).collect();
        let block: StoredPlanes<'_> = [(&luma, 8), (&chroma, 4), (&chroma, 4)];
        let window = Window::new(10, 20, 6, 4);
        let mut picture = YCbCr::new(window.size(), [vec![0; 24], vec![0; 6], vec![0; 6]]);
        let part = Window::new(12, 20, 4, 2);
        assert!(picture.paste(&window, &block, (8, 16), &part));
        let [y, cb, cr] = picture.planes();
        assert_eq!(y[..12], [0, 0, 36, 37, 38, 39, 0, 0, 44, 45, 46, 47]);
        assert_eq!((cb, cr), (&[0, 110, 111, 0, 0, 0][..], &[0, 110, 111, 0, 0, 0][..]));
        for (window, offset, part) in [
            (Window::new(11, 20, 6, 4), (8, 16), part),
            (window, (9, 16), part),
            (window, (8, 16), Window::new(12, 20, 3, 2)),
        ] {
            assert!(!picture.paste(&window, &block, offset, &part));
        }
    }
}
