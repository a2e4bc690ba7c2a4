//! The inner loop for numbers that are no bytes: any number of bands, in 32-bit floating point.

use super::{
    Row,
    kernel::{Kernel, WEIGHT_BITS},
    sample::clip,
};
use crate::raster::{Raster, Samples};

/// Samples one raster of floating point numbers with one kernel per axis.
#[derive(Debug)]
pub struct FloatSampler<'a> {
    source: &'a Raster,
    pixels: &'a [f32],
    columns: &'a Kernel,
    rows: &'a Kernel,
}

impl<'a> FloatSampler<'a> {
    /// A sampler of `source`, which holds 32-bit floating point numbers.
    ///
    /// # Panics
    /// When the source holds anything else: a bug of the caller.
    pub fn new(source: &'a Raster, columns: &'a Kernel, rows: &'a Kernel) -> Self {
        let Samples::F32(pixels) = source.samples() else {
            unreachable!("32-bit floating point, not {:?}", source.samples().kind())
        };
        Self { source, pixels, columns, rows }
    }

    /// Fills a run of target pixels: `pixels` in the source's bands, `mask` with how much of each kernel was valid.
    ///
    /// Pixels that are invalid, or outside the raster, weigh nothing: they colour no neighbour.
    pub fn run(&self, row: Row, pixels: &mut [f32], mask: &mut [u8]) {
        let bands = self.source.bands();
        let (mut x, mut y) = (row.x, row.y);
        for (pixel, valid) in pixels.chunks_exact_mut(bands).zip(mask) {
            *valid = self.weigh(x, y, pixel);
            x += row.dx;
            y += row.dy;
        }
    }

    /// Weighs one position into `pixel` and returns how much of the kernel was valid, 0 to 255.
    fn weigh(&self, x: i64, y: i64, pixel: &mut [f32]) -> u8 {
        let (size, bands) = (self.source.size(), self.source.bands());
        let ((col, col_weights), (line, row_weights)) = (self.columns.at(x), self.rows.at(y));
        let (first_col, col_weights) = clip(col, col_weights, size.width);
        let (first_row, row_weights) = clip(line, row_weights, size.height);
        pixel.fill(0.0);
        let mut total = 0.0f32;
        for (row, &row_weight) in (first_row..).zip(row_weights) {
            let start = row as usize * size.width as usize;
            for (col, &col_weight) in (first_col..).zip(col_weights) {
                let at = start + col as usize;
                let validity = self.source.mask().map_or(255, |mask| mask[at]);
                let weight = f32::from(col_weight) * f32::from(row_weight) * f32::from(validity);
                if validity == 0 || weight == 0.0 {
                    continue;
                }
                total += weight;
                for (sum, &sample) in pixel.iter_mut().zip(&self.pixels[at * bands..]) {
                    *sum += weight * sample;
                }
            }
        }
        let validity = (total / (255u64 << (2 * WEIGHT_BITS)) as f32 * 255.0).round().clamp(0.0, 255.0);
        if validity < 1.0 {
            return 0;
        }
        for sum in pixel {
            *sum /= total;
        }
        validity as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{geom::Size, resample::Resampling};

    #[test]
    fn an_invalid_neighbour_lends_nothing_and_large_numbers_stay_exact() {
        let values = vec![70_000.5f32, 70_000.5, -9999.0, -9999.0];
        let source = Raster::new(Size::new(4, 1), 1, values, Some(vec![255, 255, 0, 0]));
        let kernel = Kernel::new(Resampling::Bilinear, 1.0);
        let (mut pixels, mut mask) = (vec![0.0; 3], vec![0; 3]);
        let row = Row { x: 1 << 16, y: 1 << 15, dx: 1 << 16, dy: 0 };
        FloatSampler::new(&source, &kernel, &kernel).run(row, &mut pixels, &mut mask);
        assert_eq!((&pixels[..2], &mask[..]), (&[70_000.5, 70_000.5][..], &[255, 128, 0][..]));
    }
}
