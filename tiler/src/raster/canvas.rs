//! A window of an image under construction, filled block by block.

use std::ops::Range;

use super::{Raster, SampleType, Samples, is_full, lay_beneath, sample::each};
use crate::geom::{Size, Window};

/// In what pixels are gathered and warped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Depth {
    /// Bytes, for images of bytes that are shown as they are or through a table.
    Byte,
    /// 32-bit floating point, for all else.
    Float,
}

impl Depth {
    /// The type of samples of that depth.
    pub const fn sample(self) -> SampleType {
        match self {
            Self::Byte => SampleType::U8,
            Self::Float => SampleType::F32,
        }
    }
}

/// A raster under construction: a window of an image, filled block by block, with a chosen few of its bands.
///
/// What no block covers stays invalid, so a window may reach outside its image.
#[derive(Debug)]
pub struct Canvas {
    window: Window,
    bands: Vec<usize>,
    pixels: Pixels,
    mask: Vec<u8>,
}

#[derive(Debug)]
enum Pixels {
    Byte(Vec<u8>),
    Float(Vec<f32>),
}

impl Canvas {
    /// An empty canvas for `window` that will hold the given bands, in this order.
    pub fn new(window: Window, bands: &[usize], depth: Depth) -> Self {
        let count = window.pixels() as usize;
        let pixels = match depth {
            Depth::Byte => Pixels::Byte(vec![0; count * bands.len()]),
            Depth::Float => Pixels::Float(vec![0.0; count * bands.len()]),
        };
        Self { window, bands: bands.to_vec(), pixels, mask: vec![0; count] }
    }

    /// Copies the part of `block` that lies in the window; `col_off`, `row_off` say where the block lies.
    ///
    /// A block that stands further out than its image (the padding of the last TIFF tile) is cut with `image`, the place
    /// of its image. A canvas of bytes takes blocks of bytes only: of others it takes the nearest byte.
    #[expect(clippy::unnecessary_cast, reason = "one of the types is the target's own")]
    pub fn paste(&mut self, block: &Raster, col_off: i64, row_off: i64, image: &Window) {
        let place = (block.size, block.bands, (col_off, row_off));
        let Some(copy) = Copy::new(place, (&self.window, &self.bands), image) else { return };
        match (&mut self.pixels, &block.samples) {
            (Pixels::Byte(target), Samples::U8(source)) => copy.run(source, target, |v| v),
            (Pixels::Byte(target), other) => each!(other, source => copy.run(source, target, |v| v as u8)),
            (Pixels::Float(target), other) => each!(other, source => copy.run(source, target, |v| v as f32)),
        }
        copy.mask(block.mask.as_deref(), &mut self.mask);
    }

    /// The same for a block of bytes of so many pixels and bands, all of them valid, whose rows are made as they are needed:
    /// `row` is told which one, which columns of it, and where to.
    pub fn paste_rows(
        &mut self,
        mut row: impl FnMut(usize, &Range<usize>, &mut [u8]),
        (size, bands): (Size, usize),
        offset: (i64, i64),
        image: &Window,
    ) {
        let Some(copy) = Copy::new((size, bands, offset), (&self.window, &self.bands), image) else { return };
        let start = (copy.part.col_off - offset.0) as usize;
        let columns = start..start + copy.part.width as usize;
        let kept = self.bands.len();
        let mut samples = vec![0; columns.len() * bands];
        for number in copy.part.row_off..copy.part.row_end() {
            let (_, to) = copy.starts(number);
            let to = to * kept..(to + columns.len()) * kept;
            let number = (number - offset.1) as usize;
            match &mut self.pixels {
                Pixels::Byte(target) if copy.in_order() => row(number, &columns, &mut target[to]),
                Pixels::Byte(target) => {
                    row(number, &columns, &mut samples);
                    copy.row(&samples, &mut target[to], |v| v);
                }
                Pixels::Float(target) => {
                    row(number, &columns, &mut samples);
                    copy.row(&samples, &mut target[to], f32::from);
                }
            }
        }
        copy.mask(None, &mut self.mask);
    }

    /// Weakens the mask by another one, block by block: a pixel stays as valid as the weaker of the two says.
    ///
    /// `mask` has one band of bytes; it counts only within `image`, the place of its image.
    pub fn restrict(&mut self, mask: &Raster, col_off: i64, row_off: i64, image: &Window) {
        let Samples::U8(values) = &mask.samples else { return };
        let place = (mask.size, mask.bands, (col_off, row_off));
        let Some(copy) = Copy::new(place, (&self.window, &self.bands), image) else { return };
        for row in copy.part.row_off..copy.part.row_end() {
            let (from, to) = copy.starts(row);
            let source = values[from * mask.bands..].iter().step_by(mask.bands);
            for (target, &source) in self.mask[to..to + copy.part.width as usize].iter_mut().zip(source) {
                *target = (*target).min(source);
            }
        }
    }

    /// Whether every pixel of a part of the window is fully valid.
    pub fn is_full(&self, part: &Window) -> bool {
        let Some(part) = part.intersection(&self.window) else { return true };
        (part.row_off..part.row_end()).all(|row| is_full(self.mask_row(row, &part)))
    }

    /// Makes a part of the window invalid.
    pub fn clear(&mut self, part: &Window) {
        let Some(part) = part.intersection(&self.window) else { return };
        for row in part.row_off..part.row_end() {
            let start = self.index(part.col_off, row);
            self.mask[start..start + part.width as usize].fill(0);
        }
    }

    /// Lays another canvas of the same bands and depth beneath: it shows where this one is not fully valid.
    pub fn underlay(&mut self, below: &Self) {
        let Some(part) = below.window.intersection(&self.window) else { return };
        let bands = self.bands.len();
        for row in part.row_off..part.row_end() {
            let (to, from) = (self.index(part.col_off, row), below.index(part.col_off, row));
            for i in 0..part.width as usize {
                let (to, from) = (to + i, from + i);
                let (target, source) = (to * bands..(to + 1) * bands, from * bands..(from + 1) * bands);
                let (present, offered) = (&mut self.mask[to], below.mask[from]);
                match (&mut self.pixels, &below.pixels) {
                    (Pixels::Byte(above), Pixels::Byte(below)) => {
                        lay_beneath(&mut above[target], present, &below[source], offered);
                    }
                    (Pixels::Float(above), Pixels::Float(below)) => {
                        lay_beneath(&mut above[target], present, &below[source], offered);
                    }
                    _ => unreachable!("canvases of different depths are never laid over each other"),
                }
            }
        }
    }

    /// Repeats the edge of images by so many pixels, within some parts of the window and never over the images themselves.
    ///
    /// Kernels weigh what is beyond an edge as nothing, so two images of different pixels that touch would both be weak there,
    /// and the ground would shine through.
    pub fn widen(&mut self, images: &[Window], within: &[Window], steps: i64) {
        let (width, height) = (self.window.width as usize, self.window.height as usize);
        let mut open = vec![false; self.mask.len()];
        for (parts, is_open) in [(within, true), (images, false)] {
            for part in parts.iter().filter_map(|part| part.intersection(&self.window)) {
                for row in part.row_off..part.row_end() {
                    let start = self.index(part.col_off, row);
                    open[start..start + part.width as usize].fill(is_open);
                }
            }
        }
        let mut left: Vec<usize> = (0..open.len()).filter(|&at| open[at] && self.mask[at] == 0).collect();
        for _ in 0..steps {
            let (mut found, mut rest) = (Vec::new(), Vec::with_capacity(left.len()));
            for at in left {
                let (col, row) = (at % width, at / width);
                let cols = col.saturating_sub(1)..(col + 2).min(width);
                let rows = row.saturating_sub(1)..(row + 2).min(height);
                let mut around = rows.flat_map(|row| cols.clone().map(move |col| row * width + col));
                match around.find(|&near| self.mask[near] == 255) {
                    Some(near) => found.push((at, near)),
                    None => rest.push(at),
                }
            }
            if found.is_empty() {
                return;
            }
            for (at, near) in found {
                let bands = self.bands.len();
                match &mut self.pixels {
                    Pixels::Byte(pixels) => pixels.copy_within(near * bands..(near + 1) * bands, at * bands),
                    Pixels::Float(pixels) => pixels.copy_within(near * bands..(near + 1) * bands, at * bands),
                }
                self.mask[at] = 255;
            }
            left = rest;
        }
    }

    fn index(&self, col: i64, row: i64) -> usize {
        (row - self.window.row_off) as usize * self.window.width as usize
            + (col - self.window.col_off) as usize
    }

    fn mask_row(&self, row: i64, part: &Window) -> &[u8] {
        let start = self.index(part.col_off, row);
        &self.mask[start..start + part.width as usize]
    }

    /// The finished window.
    pub fn finish(self) -> Raster {
        let size = Size::new(self.window.width, self.window.height);
        match self.pixels {
            Pixels::Byte(pixels) => Raster::new(size, self.bands.len(), pixels, Some(self.mask)),
            Pixels::Float(pixels) => Raster::new(size, self.bands.len(), pixels, Some(self.mask)),
        }
    }
}

/// What is copied where.
struct Copy<'a> {
    /// In the image.
    part: Window,
    /// Offsets of the block in the image, its columns, its bands.
    from: (i64, i64, usize, usize),
    to: &'a Window,
    bands: &'a [usize],
}

impl<'a> Copy<'a> {
    /// `None` where the block, within its image, does not touch the window.
    fn new(
        (size, bands, offset): (Size, usize, (i64, i64)),
        (window, kept): (&'a Window, &'a [usize]),
        image: &Window,
    ) -> Option<Self> {
        let at = Window::new(offset.0, offset.1, size.width, size.height);
        let part = at.intersection(window)?.intersection(image)?;
        Some(Self { part, from: (offset.0, offset.1, size.width as usize, bands), to: window, bands: kept })
    }

    /// Copies the mask of the block; without one it is valid.
    fn mask(&self, mask: Option<&[u8]>, target: &mut [u8]) {
        let width = self.part.width as usize;
        for row in self.part.row_off..self.part.row_end() {
            let (from, to) = self.starts(row);
            match mask {
                Some(mask) => target[to..to + width].copy_from_slice(&mask[from..from + width]),
                None => target[to..to + width].fill(255),
            }
        }
    }

    /// First pixel of a row of the image in the block and in the canvas.
    fn starts(&self, row: i64) -> (usize, usize) {
        let (col_off, row_off, width, _) = self.from;
        (
            (row - row_off) as usize * width + (self.part.col_off - col_off) as usize,
            (row - self.to.row_off) as usize * self.to.width as usize
                + (self.part.col_off - self.to.col_off) as usize,
        )
    }

    /// Whether all bands are copied, as they stand.
    fn in_order(&self) -> bool {
        self.bands.len() == self.from.3 && self.bands.iter().enumerate().all(|(i, &band)| i == band)
    }

    fn run<S: std::marker::Copy, T: std::marker::Copy>(
        &self,
        source: &[S],
        target: &mut [T],
        convert: impl Fn(S) -> T + std::marker::Copy,
    ) {
        let (width, stored, kept) = (self.part.width as usize, self.from.3, self.bands.len());
        for row in self.part.row_off..self.part.row_end() {
            let (from, to) = self.starts(row);
            let source = &source[from * stored..(from + width) * stored];
            self.row(source, &mut target[to * kept..(to + width) * kept], convert);
        }
    }

    /// Copies a row, or the part of it that is in the window.
    fn row<S: std::marker::Copy, T: std::marker::Copy>(
        &self,
        source: &[S],
        target: &mut [T],
        convert: impl Fn(S) -> T,
    ) {
        let (stored, kept) = (self.from.3, self.bands.len());
        if self.in_order() {
            target.iter_mut().zip(source).for_each(|(target, &source)| *target = convert(source));
            return;
        }
        for (target, source) in target.chunks_exact_mut(kept).zip(source.chunks_exact(stored)) {
            for (sample, &band) in target.iter_mut().zip(self.bands) {
                // A source with fewer bands than its layer shows its first one instead.
                *sample = convert(source[if band < stored { band } else { 0 }]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(raster: &Raster) -> &[u8] {
        let Samples::U8(bytes) = raster.samples() else { panic!("not bytes") };
        bytes
    }

    #[test]
    fn a_window_gathers_across_blocks_and_stays_invalid_outside_the_image() {
        let block = |v: u8| Raster::new(Size::new(4, 4), 1, vec![v; 16], None);
        let mut canvas = Canvas::new(Window::new(2, 2, 6, 4), &[0], Depth::Byte);
        let image = Window::new(0, 0, 7, 5);
        canvas.paste(&block(10), 0, 0, &image);
        canvas.paste(&block(20), 4, 0, &image);
        canvas.paste(&block(30), 0, 4, &image);
        canvas.paste(&block(40), 4, 4, &image);
        let raster = canvas.finish();
        assert_eq!(&bytes(&raster)[..6], &[10, 10, 20, 20, 20, 0]);
        assert_eq!(&bytes(&raster)[12..18], &[30, 30, 40, 40, 40, 0]);
        let mask = raster.mask().expect("the window reaches outside");
        assert_eq!(&mask[..6], &[255, 255, 255, 255, 255, 0]);
        assert_eq!(&mask[18..], &[0; 6]);
    }

    #[test]
    fn what_lies_beneath_shows_where_the_upper_one_has_nothing_and_adds_where_it_has_a_part() {
        let canvas = |value: u8, mask: Vec<u8>| {
            let mut canvas = Canvas::new(Window::new(0, 0, 3, 1), &[0], Depth::Byte);
            let block = Raster::new(Size::new(3, 1), 1, vec![value; 3], Some(mask));
            canvas.paste(&block, 0, 0, &Window::new(0, 0, 3, 1));
            canvas
        };
        let mut upper = canvas(200, vec![255, 51, 0]);
        assert!(!upper.is_full(&Window::new(0, 0, 3, 1)) && upper.is_full(&Window::new(0, 0, 1, 1)));
        upper.underlay(&canvas(100, vec![255, 255, 128]));
        let raster = upper.finish();
        assert_eq!(bytes(&raster), &[200, 120, 100]);
        assert_eq!(raster.mask(), Some(&[255, 255, 128][..]));
    }

    #[test]
    fn an_edge_is_repeated_where_it_may_be_and_holes_within_the_image_stay() {
        let mut canvas = Canvas::new(Window::new(0, 0, 6, 1), &[0], Depth::Byte);
        let block = Raster::new(Size::new(3, 1), 1, vec![7u8, 8, 9], Some(vec![0, 255, 255]));
        let image = Window::new(1, 0, 3, 1);
        canvas.paste(&block, 1, 0, &image);
        canvas.widen(&[image], &[Window::new(0, 0, 2, 1), Window::new(3, 0, 9, 1)], 1);
        let raster = canvas.finish();
        assert_eq!(raster.mask(), Some(&[0, 0, 255, 255, 255, 0][..]));
        assert_eq!(bytes(&raster)[4], 9);
    }

    #[test]
    fn the_mask_of_one_image_says_nothing_of_its_neighbour() {
        let mut canvas = Canvas::new(Window::new(0, 0, 4, 1), &[0], Depth::Byte);
        let block = Raster::new(Size::new(4, 1), 1, vec![9u8; 4], None);
        canvas.paste(&block, 0, 0, &Window::new(0, 0, 4, 1));
        let padded = Raster::new(Size::new(4, 1), 1, vec![0u8; 4], None);
        canvas.restrict(&padded, 0, 0, &Window::new(0, 0, 2, 1));
        assert_eq!(canvas.finish().mask(), Some(&[0, 0, 255, 255][..]));
    }

    #[test]
    fn bands_are_chosen_and_ordered() {
        let block = Raster::new(Size::new(2, 1), 4, vec![1u8, 2, 3, 4, 5, 6, 7, 8], None);
        let mut canvas = Canvas::new(Window::new(0, 0, 2, 1), &[3, 0, 1], Depth::Byte);
        canvas.paste(&block, 0, 0, &Window::new(0, 0, 2, 1));
        assert_eq!(bytes(&canvas.finish()), &[4, 1, 2, 8, 5, 6]);
    }

    #[test]
    fn a_grey_source_beside_a_coloured_one_shows_as_grey() {
        let block = Raster::new(Size::new(2, 1), 1, vec![7u8, 9], None);
        let mut canvas = Canvas::new(Window::new(0, 0, 2, 1), &[0, 1, 2], Depth::Byte);
        canvas.paste(&block, 0, 0, &Window::new(0, 0, 2, 1));
        assert_eq!(bytes(&canvas.finish()), &[7, 7, 7, 9, 9, 9]);
    }

    #[test]
    fn numbers_of_any_type_become_floating_point() {
        let block = Raster::new(Size::new(2, 1), 1, Samples::I16(vec![-300, 7]), Some(vec![255, 0]));
        let mut canvas = Canvas::new(Window::new(0, 0, 2, 1), &[0], Depth::Float);
        canvas.paste(&block, 0, 0, &Window::new(0, 0, 2, 1));
        let raster = canvas.finish();
        assert_eq!(raster.samples(), &Samples::F32(vec![-300.0, 7.0]));
        assert_eq!(raster.mask(), Some(&[255, 0][..]));
    }
}
