//! Decoded pixels that always travel with their mask. It knows no file, no CRS and no picture format.

mod sample;

pub use sample::{SampleType, Samples};

use crate::geom::{Size, Window};

/// 8-bit pixels in `[row, col, band]` order with a mask of one byte per pixel.
///
/// Colours are not premultiplied by the mask: a pixel of mask 0 may hold anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raster {
    size: Size,
    bands: usize,
    pixels: Vec<u8>,
    mask: Option<Vec<u8>>,
}

impl Raster {
    /// A raster from its parts; a mask in which every pixel is valid is dropped.
    ///
    /// # Panics
    /// When `pixels` or `mask` do not have the length that `size` and `bands` ask for: a bug of the caller.
    pub fn new(size: Size, bands: usize, pixels: Vec<u8>, mask: Option<Vec<u8>>) -> Self {
        let count = size.pixels() as usize;
        assert_eq!(pixels.len(), count * bands, "pixels of a raster of {size:?} x {bands}");
        let mask = mask.filter(|m| m.iter().any(|&v| v != 255));
        assert!(mask.as_ref().is_none_or(|m| m.len() == count), "mask of a raster of {size:?}");
        Self { size, bands, pixels, mask }
    }

    /// A raster in which no pixel is valid.
    pub fn invalid(size: Size, bands: usize) -> Self {
        let count = size.pixels() as usize;
        Self { size, bands, pixels: vec![0; count * bands], mask: Some(vec![0; count]) }
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
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// Validity per pixel, 0 (nothing) to 255 (fully valid); `None` where all is valid.
    pub fn mask(&self) -> Option<&[u8]> {
        self.mask.as_deref()
    }

    /// Bytes held in memory.
    pub fn byte_len(&self) -> usize {
        self.pixels.capacity() + self.mask.as_ref().map_or(0, Vec::capacity) + size_of::<Self>()
    }

    /// Samples of one pixel, `None` outside.
    pub fn pixel(&self, col: u32, row: u32) -> Option<&[u8]> {
        if col >= self.size.width || row >= self.size.height {
            return None;
        }
        let at = (row as usize * self.size.width as usize + col as usize) * self.bands;
        self.pixels.get(at..at + self.bands)
    }

    /// Mask of one pixel; 0 outside.
    pub fn validity(&self, col: u32, row: u32) -> u8 {
        if col >= self.size.width || row >= self.size.height {
            return 0;
        }
        self.mask.as_ref().map_or(255, |m| m[row as usize * self.size.width as usize + col as usize])
    }

    /// Pixels, mask.
    pub fn into_parts(self) -> (Vec<u8>, Option<Vec<u8>>) {
        (self.pixels, self.mask)
    }
}

/// A raster under construction: a window of an image, filled block by block, with a chosen few of its bands.
///
/// What no block covers stays invalid, so a window may reach outside its image.
#[derive(Debug)]
pub struct Canvas {
    window: Window,
    bands: Vec<usize>,
    pixels: Vec<u8>,
    mask: Vec<u8>,
}

impl Canvas {
    /// An empty canvas for `window` that will hold the given bands, in this order.
    pub fn new(window: Window, bands: &[usize]) -> Self {
        let count = window.pixels() as usize;
        Self { window, bands: bands.to_vec(), pixels: vec![0; count * bands.len()], mask: vec![0; count] }
    }

    /// Copies the part of `block` that lies in the window; `col_off`, `row_off` say where the block lies in the image.
    ///
    /// A block that stands further out than its image (the padding of the last TIFF tile) must be cut with `image`.
    pub fn paste(&mut self, block: &Raster, col_off: i64, row_off: i64, image: Size) {
        let at = Window::new(col_off, row_off, block.size.width, block.size.height);
        let Some(part) =
            at.intersection(&self.window).and_then(|part| part.intersection(&Window::full(image)))
        else {
            return;
        };
        let (width, out_bands) = (part.width as usize, self.bands.len());
        let in_order = self.bands.len() == block.bands && self.bands.iter().enumerate().all(|(i, &b)| i == b);
        for row in part.row_off..part.row_end() {
            let from =
                (row - row_off) as usize * block.size.width as usize + (part.col_off - col_off) as usize;
            let to = (row - self.window.row_off) as usize * self.window.width as usize
                + (part.col_off - self.window.col_off) as usize;
            let source = &block.pixels[from * block.bands..(from + width) * block.bands];
            let target = &mut self.pixels[to * out_bands..(to + width) * out_bands];
            if in_order {
                target.copy_from_slice(source);
            } else {
                for (target, source) in
                    target.chunks_exact_mut(out_bands).zip(source.chunks_exact(block.bands))
                {
                    for (sample, &band) in target.iter_mut().zip(&self.bands) {
                        *sample = source.get(band).copied().unwrap_or(0);
                    }
                }
            }
            let target = &mut self.mask[to..to + width];
            match &block.mask {
                Some(mask) => target.copy_from_slice(&mask[from..from + width]),
                None => target.fill(255),
            }
        }
    }

    /// Weakens the mask by another one, block by block: a pixel stays as valid as the weaker of the two says.
    pub fn restrict(&mut self, mask: &Raster, col_off: i64, row_off: i64) {
        let at = Window::new(col_off, row_off, mask.size.width, mask.size.height);
        let Some(part) = at.intersection(&self.window) else { return };
        for row in part.row_off..part.row_end() {
            let from =
                (row - row_off) as usize * mask.size.width as usize + (part.col_off - col_off) as usize;
            let to = (row - self.window.row_off) as usize * self.window.width as usize
                + (part.col_off - self.window.col_off) as usize;
            let source = mask.pixels[from * mask.bands..].iter().step_by(mask.bands);
            for (target, &source) in self.mask[to..to + part.width as usize].iter_mut().zip(source) {
                *target = (*target).min(source);
            }
        }
    }

    /// The finished window.
    pub fn finish(self) -> Raster {
        let size = Size::new(self.window.width, self.window.height);
        Raster::new(size, self.bands.len(), self.pixels, Some(self.mask))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_gathers_across_blocks_and_stays_invalid_outside_the_image() {
        let block = |v: u8| Raster::new(Size::new(4, 4), 1, vec![v; 16], None);
        let mut canvas = Canvas::new(Window::new(2, 2, 6, 4), &[0]);
        let image = Size::new(7, 5);
        canvas.paste(&block(10), 0, 0, image);
        canvas.paste(&block(20), 4, 0, image);
        canvas.paste(&block(30), 0, 4, image);
        canvas.paste(&block(40), 4, 4, image);
        let raster = canvas.finish();
        assert_eq!(&raster.pixels()[..6], &[10, 10, 20, 20, 20, 0]);
        assert_eq!(&raster.pixels()[12..18], &[30, 30, 40, 40, 40, 0]);
        let mask = raster.mask().expect("the window reaches outside");
        assert_eq!(&mask[..6], &[255, 255, 255, 255, 255, 0]);
        assert_eq!(&mask[18..], &[0; 6]);
    }

    #[test]
    fn bands_are_chosen_and_ordered() {
        let block = Raster::new(Size::new(2, 1), 4, vec![1, 2, 3, 4, 5, 6, 7, 8], None);
        let mut canvas = Canvas::new(Window::new(0, 0, 2, 1), &[3, 0, 1]);
        canvas.paste(&block, 0, 0, Size::new(2, 1));
        assert_eq!(canvas.finish().pixels(), &[4, 1, 2, 8, 5, 6]);
    }

    #[test]
    fn a_mask_that_hides_nothing_is_dropped() {
        let raster = Raster::new(Size::new(2, 1), 1, vec![1, 2], Some(vec![255, 255]));
        assert!(raster.mask().is_none());
    }
}
