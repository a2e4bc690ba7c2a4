//! Pixels as JPEG stores photographs: luma, and chroma of half the columns and rows.

use std::ops::Range;

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
}

/// The planes of a block as it is stored, each with the samples that a row of it has.
pub type StoredPlanes<'a> = [(&'a [u8], usize); 3];

/// A window of an image across blocks, where they lie in memory: luma and halved chroma.
#[derive(Debug)]
pub struct YCbCrWindow<'a> {
    window: Window,
    blocks: Vec<YCbCrBlock<'a>>,
}

/// A block of such a window.
#[derive(Debug, Clone, Copy)]
pub struct YCbCrBlock<'a> {
    /// Its samples.
    pub planes: StoredPlanes<'a>,
    /// First column and row of it in the image.
    pub offset: (i64, i64),
    /// What of the image it shows.
    pub shown: Window,
}

/// One plane of a block, or several of the same size, as they are read.
#[derive(Debug, Clone)]
pub struct PlanePart<'a, const PLANES: usize> {
    /// Which columns of the window it shows.
    pub columns: Range<usize>,
    /// Which rows of it.
    pub rows: Range<usize>,
    /// Samples from the first that shows on.
    pub planes: [&'a [u8]; PLANES],
    /// From one row to the next.
    pub stride: usize,
}

impl<'a> YCbCrWindow<'a> {
    /// A window of blocks that share no pixel; `None` where they do not cover it, and where a sample of chroma would be shared by
    /// two of them, or by what is inside and outside.
    pub fn new(window: Window, blocks: Vec<YCbCrBlock<'a>>) -> Option<Self> {
        let is_even = |block: &YCbCrBlock<'_>| {
            block.offset.0 % 2 == 0 && block.offset.1 % 2 == 0 && block.shown.halved().is_some()
        };
        let shown = blocks.iter().map(|block| block.shown.pixels()).sum::<u64>();
        debug_assert!(shown <= window.pixels(), "blocks of a window share no pixel");
        (window.halved().is_some() && shown == window.pixels() && blocks.iter().all(is_even))
            .then_some(Self { window, blocks })
    }

    /// Where it lies in the image.
    pub const fn window(&self) -> &Window {
        &self.window
    }

    /// Its luma.
    pub fn luma(&self) -> Vec<PlanePart<'a, 1>> {
        self.parts(1, |[luma, ..]| ([luma.0], luma.1))
    }

    /// Its blue and red chroma, of half the columns and rows.
    pub fn chroma(&self) -> Vec<PlanePart<'a, 2>> {
        self.parts(2, |[_, blue, red]| ([blue.0, red.0], blue.1))
    }

    /// Parts of planes that have one sample for so many pixels a side.
    fn parts<const PLANES: usize>(
        &self,
        side: i64,
        planes: impl Fn(StoredPlanes<'a>) -> ([&'a [u8]; PLANES], usize),
    ) -> Vec<PlanePart<'a, PLANES>> {
        let part = |block: &YCbCrBlock<'a>| {
            let (planes, stride) = planes(block.planes);
            let shown = &block.shown;
            let from = |start: i64, end: i64, of: i64| {
                (start - of) as usize / side as usize..(end - of) as usize / side as usize
            };
            let skip = ((shown.row_off - block.offset.1) / side) as usize * stride
                + ((shown.col_off - block.offset.0) / side) as usize;
            PlanePart {
                columns: from(shown.col_off, shown.col_end(), self.window.col_off),
                rows: from(shown.row_off, shown.row_end(), self.window.row_off),
                planes: planes.map(|plane| plane.get(skip..).unwrap_or_default()),
                stride,
            }
        };
        self.blocks.iter().map(part).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_where_the_window_shows_them() {
        let luma: Vec<u8> = (0..64).collect();
        let chroma: Vec<u8> = (100..116).collect();
        let planes: StoredPlanes<'_> = [(&luma, 8), (&chroma, 4), (&chroma, 4)];
        let window = Window::new(10, 20, 6, 2);
        let block = YCbCrBlock { planes, offset: (8, 16), shown: Window::new(12, 20, 4, 2) };
        let beside = YCbCrBlock { shown: Window::new(10, 20, 2, 2), ..block };
        let of = |window, block| YCbCrWindow::new(window, vec![block, beside]);
        let found = of(window, block).expect("all is even");
        let [luma, _] = &found.luma()[..] else { panic!("one block is one part") };
        assert_eq!((&luma.columns, &luma.rows, luma.stride), (&(2..6), &(0..2), 8));
        assert_eq!(luma.planes[0][..4], [36, 37, 38, 39]);
        let [chroma, _] = &found.chroma()[..] else { panic!("one block is one part") };
        assert_eq!((&chroma.columns, &chroma.rows, chroma.stride), (&(1..3), &(0..1), 4));
        assert_eq!((chroma.planes[0][0], chroma.planes[1][1]), (110, 111));
        assert!(of(Window::new(10, 20, 6, 4), block).is_none(), "two rows lack");
        assert!(of(Window::new(11, 20, 6, 2), block).is_none());
        assert!(of(window, YCbCrBlock { offset: (9, 16), ..block }).is_none());
        assert!(of(window, YCbCrBlock { shown: Window::new(12, 20, 3, 2), ..block }).is_none());
    }
}
