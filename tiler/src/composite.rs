//! Lays rasters of the same grid over each other, best first, until the target is full. It reads nothing itself.

use crate::{
    geom::{Size, Window},
    raster::{Depth, Raster, Samples, Weighed, lay_beneath},
};

/// A target under construction.
///
/// The first raster that covers a pixel keeps it. Where it covers only a part of it, at the edge of its imagery, the next
/// one adds the missing part: two images that touch join without a seam.
#[derive(Debug)]
pub struct Composite {
    size: Size,
    bands: usize,
    pixels: Samples,
    mask: Vec<u8>,
    missing: usize,
}

impl Composite {
    /// An empty target.
    pub fn new(size: Size, bands: usize, depth: Depth) -> Self {
        let count = size.pixels() as usize;
        let pixels = Samples::zeros(depth.sample(), count * bands);
        Self { size, bands, pixels, mask: vec![0; count], missing: count }
    }

    /// Whether every pixel is fully valid, so that nothing more needs to be read.
    pub fn is_full(&self) -> bool {
        self.missing == 0
    }

    /// Adds a raster of the same depth that covers the given pixels of the target.
    pub fn feed(&mut self, raster: &Raster, at: &Window) {
        let Some(part) = at.intersection(&Window::full(self.size)) else { return };
        let lay =
            Lay { part, at, width: self.size.width as usize, bands: self.bands, offered: raster.mask() };
        self.missing -= match (&mut self.pixels, raster.samples()) {
            (Samples::U8(old), Samples::U8(new)) => lay.run(old, &mut self.mask, new),
            (Samples::F32(old), Samples::F32(new)) => lay.run(old, &mut self.mask, new),
            (_, other) => unreachable!("a raster of {:?} in a composite of another depth", other.kind()),
        };
    }

    /// Spreads the colours that are there over parts of the target that have none: for imagery that could not be read in
    /// time, of which only some was. Each step away they come from twice as far.
    pub fn spread(&mut self, parts: &[Window]) {
        if parts.is_empty() || self.missing == 0 {
            return;
        }
        let (width, height, bands) = (self.size.width as usize, self.size.height as usize, self.bands);
        let mut wanted = vec![false; width * height];
        for part in parts.iter().filter_map(|part| part.intersection(&Window::full(self.size))) {
            for row in part.row_off..part.row_end() {
                let start = row as usize * width + part.col_off as usize;
                wanted[start..start + part.width as usize].fill(true);
            }
        }
        let mut side = 2;
        while side <= 2 * width.max(height) {
            for top in (0..height).step_by(side) {
                for left in (0..width).step_by(side) {
                    self.spread_within((left, top, side), &mut wanted, (width, height, bands));
                }
            }
            side *= 2;
        }
        self.missing = self.mask.iter().filter(|&&mask| mask < 255).count();
    }

    /// Gives the pixels of a square that are wanted the mean of those that are there.
    fn spread_within(
        &mut self,
        (left, top, side): (usize, usize, usize),
        wanted: &mut [bool],
        (width, height, bands): (usize, usize, usize),
    ) {
        let rows = top..(top + side).min(height);
        let cols = left..(left + side).min(width);
        let each = || rows.clone().flat_map(|row| cols.clone().map(move |col| row * width + col));
        if !each().any(|at| wanted[at] && self.mask[at] < 255) {
            return;
        }
        // Of dalles that are smaller than a pixel none is there wholly: each counts for what it covers.
        let known: Vec<(usize, f64)> =
            each().filter(|&at| self.mask[at] > 0).map(|at| (at, f64::from(self.mask[at]))).collect();
        if known.is_empty() {
            return;
        }
        let total: f64 = known.iter().map(|(_, part)| part).sum();
        for band in 0..bands {
            let sum: f64 = known.iter().map(|(at, part)| self.pixels.value(at * bands + band) * part).sum();
            let mean = sum / total;
            for at in each().filter(|&at| wanted[at] && self.mask[at] < 255) {
                // At the edge of what was read a pixel is there in part.
                let present = f64::from(self.mask[at]) / 255.0;
                let value = self.pixels.value(at * bands + band) * present + mean * (1.0 - present);
                match &mut self.pixels {
                    Samples::U8(pixels) => pixels[at * bands + band] = value.round() as u8,
                    Samples::F32(pixels) => pixels[at * bands + band] = value as f32,
                    _ => {}
                }
            }
        }
        for at in each() {
            if wanted[at] {
                self.mask[at] = 255;
            }
        }
    }

    /// The finished target.
    pub fn finish(self) -> Raster {
        Raster::new(self.size, self.bands, self.pixels, Some(self.mask))
    }
}

/// What is laid where.
struct Lay<'a> {
    part: Window,
    at: &'a Window,
    width: usize,
    bands: usize,
    offered: Option<&'a [u8]>,
}

impl Lay<'_> {
    /// Returns how many pixels became fully valid.
    fn run<T: Weighed>(&self, old: &mut [T], mask: &mut [u8], new: &[T]) -> usize {
        let (part, at, bands) = (&self.part, self.at, self.bands);
        let mut filled = 0;
        for row in part.row_off..part.row_end() {
            let from = (row - at.row_off) as usize * at.width as usize + (part.col_off - at.col_off) as usize;
            let to = row as usize * self.width + part.col_off as usize;
            for i in 0..part.width as usize {
                let offered = self.offered.map_or(255, |mask| mask[from + i]);
                let new = &new[(from + i) * bands..(from + i + 1) * bands];
                let old = &mut old[(to + i) * bands..(to + i + 1) * bands];
                filled += usize::from(lay_beneath(old, &mut mask[to + i], new, offered));
            }
        }
        filled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grey(value: u8, mask: &[u8]) -> Raster {
        Raster::new(Size::new(mask.len() as u32, 1), 1, vec![value; mask.len()], Some(mask.to_vec()))
    }

    #[test]
    fn the_first_raster_keeps_its_pixels_and_the_next_fills_the_holes() {
        let mut target = Composite::new(Size::new(3, 1), 1, Depth::Byte);
        target.feed(&grey(10, &[255, 0, 0]), &Window::new(0, 0, 3, 1));
        target.feed(&grey(20, &[255, 255, 0]), &Window::new(0, 0, 3, 1));
        assert!(!target.is_full());
        target.feed(&grey(30, &[255, 255]), &Window::new(2, 0, 2, 1));
        assert!(target.is_full());
        assert_eq!(target.finish().samples(), &Samples::U8(vec![10, 20, 30]));
    }

    #[test]
    fn two_images_that_touch_join_without_a_seam() {
        let mut target = Composite::new(Size::new(1, 1), 1, Depth::Byte);
        target.feed(&grey(100, &[64]), &Window::new(0, 0, 1, 1));
        target.feed(&grey(200, &[191]), &Window::new(0, 0, 1, 1));
        let raster = target.finish();
        assert_eq!((raster.samples(), raster.mask()), (&Samples::U8(vec![175]), None));
    }

    #[test]
    fn colours_spread_over_what_is_left_out_and_complete_what_is_there_in_part() {
        let mut target = Composite::new(Size::new(4, 1), 1, Depth::Byte);
        target.feed(&grey(100, &[255, 51, 0, 0]), &Window::new(0, 0, 4, 1));
        target.spread(&[Window::new(0, 0, 3, 1)]);
        assert_eq!(target.finish().mask(), Some(&[255, 255, 255, 0][..]));
    }
}
