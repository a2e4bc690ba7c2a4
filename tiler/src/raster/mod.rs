//! Decoded pixels that always travel with their mask. It knows no file, no CRS and no picture format.

mod beneath;
mod canvas;
mod sample;
pub(crate) mod spare;
mod ycbcr;

pub use beneath::{Weighed, lay_beneath};
pub use canvas::{Canvas, Depth};
pub use sample::{SampleType, Samples};
pub use ycbcr::{PlanePart, StoredPlanes, YCbCr, YCbCrBlock, YCbCrWindow};

use crate::geom::Size;

/// Pixels in `[row, col, band]` order with a mask of one byte per pixel.
///
/// Colours are not premultiplied by the mask: a pixel of mask 0 may hold anything.
#[derive(Debug, Clone, PartialEq)]
pub struct Raster {
    size: Size,
    bands: usize,
    samples: Samples,
    mask: Option<Vec<u8>>,
}

impl Raster {
    /// A raster from its parts; a mask in which every pixel is valid is dropped.
    ///
    /// # Panics
    /// When `samples` or `mask` do not have the length that `size` and `bands` ask for: a bug of the caller.
    pub fn new(size: Size, bands: usize, samples: impl Into<Samples>, mask: Option<Vec<u8>>) -> Self {
        let (count, samples) = (size.pixels() as usize, samples.into());
        assert_eq!(samples.len(), count * bands, "samples of a raster of {size:?} x {bands}");
        let mask = mask.filter(|mask| !is_full(mask));
        assert!(mask.as_ref().is_none_or(|m| m.len() == count), "mask of a raster of {size:?}");
        Self { size, bands, samples, mask }
    }

    /// A raster in which no pixel is valid.
    pub fn invalid(size: Size, bands: usize, kind: SampleType) -> Self {
        let count = size.pixels() as usize;
        Self { size, bands, samples: Samples::zeros(kind, count * bands), mask: Some(vec![0; count]) }
    }

    /// Columns and rows.
    pub fn size(&self) -> Size {
        self.size
    }

    /// Number of colour bands; alpha is not one of them, it is in the mask.
    pub fn bands(&self) -> usize {
        self.bands
    }

    /// Samples, band by band within a pixel, pixel by pixel within a row.
    pub fn samples(&self) -> &Samples {
        &self.samples
    }

    /// Validity per pixel, 0 (nothing) to 255 (fully valid); `None` where all is valid.
    pub fn mask(&self) -> Option<&[u8]> {
        self.mask.as_deref()
    }

    /// Bytes held in memory.
    pub fn byte_len(&self) -> usize {
        self.samples.byte_len() + self.mask.as_ref().map_or(0, Vec::capacity) + size_of::<Self>()
    }

    /// Samples of one pixel, `None` outside.
    pub fn pixel(&self, col: u32, row: u32) -> Option<Vec<f64>> {
        if col >= self.size.width || row >= self.size.height {
            return None;
        }
        let at = (row as usize * self.size.width as usize + col as usize) * self.bands;
        Some((at..at + self.bands).map(|index| self.samples.value(index)).collect())
    }

    /// Mask of one pixel; 0 outside.
    pub fn validity(&self, col: u32, row: u32) -> u8 {
        if col >= self.size.width || row >= self.size.height {
            return 0;
        }
        self.mask.as_ref().map_or(255, |m| m[row as usize * self.size.width as usize + col as usize])
    }

    /// Lays other rows of as many columns and bands in place of those from `top` on.
    ///
    /// # Panics
    /// When there are not as many, or this raster has no mask: a bug of the caller.
    pub fn lay_rows(&mut self, top: u32, rows: &Self) {
        let start = top as usize * self.size.width as usize;
        let count = rows.size.pixels() as usize;
        self.samples.copy_from(start * self.bands, &rows.samples, 0..count * self.bands);
        let mask = self.mask.as_mut().expect("rows are laid into a raster that was invalid");
        match rows.mask() {
            Some(validity) => mask[start..start + count].copy_from_slice(validity),
            None => mask[start..start + count].fill(255),
        }
    }

    /// Samples, mask.
    pub fn into_parts(self) -> (Samples, Option<Vec<u8>>) {
        (self.samples, self.mask)
    }
}

/// Whether every pixel of a mask is fully valid.
pub(crate) fn is_full(mask: &[u8]) -> bool {
    // Without an exit in the middle of a piece the compiler takes it in vectors.
    mask.chunks(256).all(|piece| piece.iter().fold(255, |all, &validity| all & validity) == 255)
}

/// What the bands of an image stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Interpretation {
    /// The first band is brightness; also said of bands that mean nothing in particular.
    Grey,
    /// As grey, with the greatest value for black.
    WhiteIsZero,
    /// The first three bands are red, green, blue.
    Rgb,
    /// The first band is an index into a table of colours.
    Palette,
    /// Inks: cyan, magenta, yellow, black.
    Cmyk,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_that_hides_nothing_is_dropped() {
        let raster = Raster::new(Size::new(2, 1), 1, vec![1u8, 2], Some(vec![255, 255]));
        assert!(raster.mask().is_none());
    }

    #[test]
    fn a_pixel_is_its_bands_and_nothing_outside() {
        let raster = Raster::new(Size::new(2, 1), 2, vec![1.5f32, -2.0, 3.0, 4.0], None);
        assert_eq!(raster.pixel(0, 0), Some(vec![1.5, -2.0]));
        assert_eq!((raster.pixel(2, 0), raster.validity(2, 0)), (None, 0));
    }
}
