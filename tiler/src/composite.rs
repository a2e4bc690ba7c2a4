//! Lays rasters of the same grid over each other, best first, until the target is full. It reads nothing itself.

use crate::{geom::Size, geom::Window, raster::Raster};

/// A target under construction.
///
/// The first raster that covers a pixel keeps it. Where it covers only a part of it, at the edge of its imagery, the next
/// one adds the missing part: two images that touch join without a seam.
#[derive(Debug)]
pub struct Composite {
    size: Size,
    bands: usize,
    pixels: Vec<u8>,
    mask: Vec<u8>,
    missing: usize,
}

impl Composite {
    /// An empty target.
    pub fn new(size: Size, bands: usize) -> Self {
        let count = size.pixels() as usize;
        Self { size, bands, pixels: vec![0; count * bands], mask: vec![0; count], missing: count }
    }

    /// Whether every pixel is fully valid, so that nothing more needs to be read.
    pub fn is_full(&self) -> bool {
        self.missing == 0
    }

    /// Adds a raster that covers the given pixels of the target.
    pub fn feed(&mut self, raster: &Raster, at: &Window) {
        let Some(part) = at.intersection(&Window::full(self.size)) else { return };
        for row in part.row_off..part.row_end() {
            let from = (row - at.row_off) as usize * at.width as usize + (part.col_off - at.col_off) as usize;
            let to = row as usize * self.size.width as usize + part.col_off as usize;
            for i in 0..part.width as usize {
                let offered = raster.mask().map_or(255, |mask| mask[from + i]);
                let present = self.mask[to + i];
                let added = offered.min(255 - present);
                if added == 0 {
                    continue;
                }
                let new = &raster.pixels()[(from + i) * self.bands..(from + i + 1) * self.bands];
                let old = &mut self.pixels[(to + i) * self.bands..(to + i + 1) * self.bands];
                if present == 0 {
                    old.copy_from_slice(new);
                } else {
                    let (a, b) = (u32::from(present), u32::from(added));
                    let total = a + b;
                    for (old, &new) in old.iter_mut().zip(new) {
                        *old = ((u32::from(*old) * a + u32::from(new) * b + total / 2) / total) as u8;
                    }
                }
                self.mask[to + i] = present + added;
                self.missing -= usize::from(present + added == 255);
            }
        }
    }

    /// The finished target.
    pub fn finish(self) -> Raster {
        Raster::new(self.size, self.bands, self.pixels, Some(self.mask))
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
        let mut target = Composite::new(Size::new(3, 1), 1);
        target.feed(&grey(10, &[255, 0, 0]), &Window::new(0, 0, 3, 1));
        target.feed(&grey(20, &[255, 255, 0]), &Window::new(0, 0, 3, 1));
        assert!(!target.is_full());
        target.feed(&grey(30, &[255, 255]), &Window::new(2, 0, 2, 1));
        assert!(target.is_full());
        assert_eq!(target.finish().pixels(), &[10, 20, 30]);
    }

    #[test]
    fn two_images_that_touch_join_without_a_seam() {
        let mut target = Composite::new(Size::new(1, 1), 1);
        target.feed(&grey(100, &[64]), &Window::new(0, 0, 1, 1));
        target.feed(&grey(200, &[191]), &Window::new(0, 0, 1, 1));
        let raster = target.finish();
        assert_eq!((raster.pixels(), raster.mask()), (&[175u8][..], None));
    }
}
