//! The inner loop: weighs source pixels along a row of target positions.

use std::ops::Range;

use super::{
    kernel::{Kernel, WEIGHT_BITS},
    simd,
    two_pass::{Apart, ApartMut, Interleaved, InterleavedMut, Passes, Patch},
};
use crate::{
    geom::Size,
    raster::{PlanePart, Raster, Samples},
};

/// Weighing columns takes this many bits off a sum, so that it fits in 16 with six of them below the point.
pub(super) const COLUMN_BITS: u32 = 8;
/// Weighing rows takes off the others.
pub(super) const FINAL_BITS: u32 = 2 * WEIGHT_BITS - COLUMN_BITS;

/// A run of target pixels whose source positions lie on a line, in 1/65536 source px from the corner of the raster.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// Source column of the first target pixel's centre.
    pub x: i64,
    /// Source row of the first target pixel's centre.
    pub y: i64,
    /// Source columns from one target pixel to the next.
    pub dx: i64,
    /// Source rows from one target pixel to the next.
    pub dy: i64,
}

impl Row {
    /// The same run from its target pixel `count` on.
    fn from(self, count: usize) -> Self {
        Self { x: self.x + self.dx * count as i64, y: self.y + self.dy * count as i64, ..self }
    }
}

/// Samples one raster with one kernel per axis.
#[derive(Debug)]
pub struct Sampler<'a> {
    source: &'a Raster,
    pixels: &'a [u8],
    columns: &'a Kernel,
    rows: &'a Kernel,
}

impl<'a> Sampler<'a> {
    /// A sampler of `source`, which holds bytes; the kernels may differ where a pixel is not square.
    ///
    /// # Panics
    /// When the source holds anything else: a bug of the caller.
    pub fn new(source: &'a Raster, columns: &'a Kernel, rows: &'a Kernel) -> Self {
        let Samples::U8(pixels) = source.samples() else {
            unreachable!("bytes, not {:?}", source.samples().kind())
        };
        Self { source, pixels, columns, rows }
    }

    /// Fills a patch of target pixels, whose rows are `stride` pixels apart, in two passes; returns whether it did.
    ///
    /// It does not where some pixel is invalid or outside the raster, nor where the map is far from upright: then come runs.
    pub fn patch(&self, patch: &Patch, pixels: &mut [u8], stride: usize) -> bool {
        if self.source.mask().is_some() {
            return false;
        }
        let size = self.source.size();
        let Some(passes) = Passes::plan(patch, (self.columns, self.rows), size) else { return false };
        let image = Interleaved { pixels: self.pixels, width: size.width as usize };
        let mut target = InterleavedMut { pixels, stride };
        match self.source.bands() {
            1 => passes.run::<1>(&image, &mut target),
            3 => passes.run::<3>(&image, &mut target),
            bands => unreachable!("a canvas has one or three bands, not {bands}"),
        }
        true
    }

    /// Fills a run of target pixels: `pixels` in the source's bands, `mask` with how much of each kernel was valid.
    ///
    /// Pixels that are invalid, or outside the raster, weigh nothing: they colour no neighbour.
    pub fn run(&self, row: Row, pixels: &mut [u8], mask: &mut [u8]) {
        match self.source.bands() {
            1 => self.run_bands::<1>(row, pixels, mask),
            3 => self.run_bands::<3>(row, pixels, mask),
            bands => unreachable!("a canvas has one or three bands, not {bands}"),
        }
    }

    fn run_bands<const BANDS: usize>(&self, row: Row, pixels: &mut [u8], mask: &mut [u8]) {
        let inside = if self.source.mask().is_none() { self.inside(row, mask.len()) } else { 0..0 };
        for outside in [0..inside.start, inside.end..mask.len()] {
            let row = row.from(outside.start);
            let pixels = &mut pixels[outside.start * BANDS..outside.end * BANDS];
            self.run_valid::<BANDS>(row, pixels, &mut mask[outside]);
        }
        mask[inside.clone()].fill(255);
        let row = row.from(inside.start);
        let pixels = &mut pixels[inside.start * BANDS..inside.end * BANDS];
        let image = (self.pixels, self.source.size().width as usize);
        if BANDS == 3 && simd::weigh_rgb(image, (self.columns, self.rows), row, pixels) {
            return;
        }
        self.run_all::<BANDS>(row, pixels);
    }

    /// The target pixels of a run all of whose source pixels lie in the raster.
    fn inside(&self, row: Row, count: usize) -> Range<usize> {
        let size = self.source.size();
        let fits = |position: i64, kernel: &Kernel, len: u32| {
            let (first, weights) = kernel.at(position);
            first >= 0 && first + weights.len() as i64 <= i64::from(len)
        };
        let is_inside = |i: usize| {
            let Row { x, y, .. } = row.from(i);
            fits(x, self.columns, size.width) && fits(y, self.rows, size.height)
        };
        // Positions lie on a line and the raster has no dents: what is inside is in one piece.
        let start = (0..count).find(|&i| is_inside(i)).unwrap_or(count);
        let end = (start..count).rfind(|&i| is_inside(i)).map_or(start, |last| last + 1);
        start..end
    }

    /// Some pixels are not valid or lie outside.
    fn run_valid<const BANDS: usize>(&self, row: Row, pixels: &mut [u8], mask: &mut [u8]) {
        for (i, (pixel, valid)) in pixels.chunks_exact_mut(BANDS).zip(mask).enumerate() {
            let Row { x, y, .. } = row.from(i);
            let ((col, col_weights), (line, row_weights)) = (self.columns.at(x), self.rows.at(y));
            *valid = 0;
            if let Some((colour, validity)) = self.weigh_valid::<BANDS>(col, line, col_weights, row_weights) {
                pixel.copy_from_slice(&colour);
                *valid = validity;
            }
        }
    }

    /// Every pixel is valid and inside.
    pub(super) fn run_all<const BANDS: usize>(&self, row: Row, pixels: &mut [u8]) {
        // The usual kernels have a loop of their own, which the compiler can unroll; 0 stands for any other.
        match (self.columns.taps(), self.rows.taps()) {
            (2, 2) => self.run_taps::<BANDS, 2>(row, pixels),
            (3, 3) => self.run_taps::<BANDS, 3>(row, pixels),
            (4, 4) => self.run_taps::<BANDS, 4>(row, pixels),
            (6, 6) => self.run_taps::<BANDS, 6>(row, pixels),
            _ => self.run_taps::<BANDS, 0>(row, pixels),
        }
    }

    fn run_taps<const BANDS: usize, const TAPS: usize>(&self, row: Row, pixels: &mut [u8]) {
        for (i, pixel) in pixels.chunks_exact_mut(BANDS).enumerate() {
            let Row { x, y, .. } = row.from(i);
            let ((col, col_weights), (line, row_weights)) = (self.columns.at(x), self.rows.at(y));
            let colour = self.weigh_all::<BANDS, TAPS>((col, line), col_weights, row_weights);
            pixel.copy_from_slice(&colour);
        }
    }

    /// Whole numbers only; the vectors of [`simd`] do the very same.
    #[inline]
    fn weigh_all<const BANDS: usize, const TAPS: usize>(
        &self,
        (col, line): (i64, i64),
        col_weights: &[i16],
        row_weights: &[i16],
    ) -> [u8; BANDS] {
        let width = self.source.size().width as usize;
        let start = (line as usize * width + col as usize) * BANDS;
        let taps = if TAPS == 0 { col_weights.len() } else { TAPS };
        let (col_weights, row_taps) =
            (&col_weights[..taps], if TAPS == 0 { row_weights.len() } else { TAPS });
        let mut sums = [1i32 << (FINAL_BITS - 1); BANDS];
        for (i, &row_weight) in row_weights[..row_taps].iter().enumerate() {
            let at = start + i * width * BANDS;
            let samples = &self.pixels[at..at + taps * BANDS];
            let mut line_sums = [1i32 << (COLUMN_BITS - 1); BANDS];
            for (pixel, &weight) in samples.as_chunks::<BANDS>().0.iter().zip(col_weights) {
                for band in 0..BANDS {
                    line_sums[band] += i32::from(pixel[band]) * i32::from(weight);
                }
            }
            for band in 0..BANDS {
                sums[band] += (line_sums[band] >> COLUMN_BITS) * i32::from(row_weight);
            }
        }
        sums.map(|sum| (sum >> FINAL_BITS).clamp(0, 255) as u8)
    }

    /// Weighs by the mask as well; `None` where nothing valid is in reach.
    fn weigh_valid<const BANDS: usize>(
        &self,
        col: i64,
        line: i64,
        col_weights: &[i16],
        row_weights: &[i16],
    ) -> Option<([u8; BANDS], u8)> {
        let size = self.source.size();
        let (cols, col_weights) = clip(col, col_weights, size.width);
        let (rows, row_weights) = clip(line, row_weights, size.height);
        let mut sums = [0.0f32; BANDS];
        let mut total = 0.0f32;
        for (row, &row_weight) in (rows..).zip(row_weights) {
            for (col, &col_weight) in (cols..).zip(col_weights) {
                let validity = self.source.validity(col, row);
                if validity == 0 {
                    continue;
                }
                let weight = f32::from(col_weight) * f32::from(row_weight) * f32::from(validity);
                total += weight;
                let at = (row as usize * size.width as usize + col as usize) * BANDS;
                for (sum, &sample) in sums.iter_mut().zip(&self.pixels[at..at + BANDS]) {
                    *sum += weight * f32::from(sample);
                }
            }
        }
        // The weights of both axes sum to one each, in WEIGHT_BITS; the mask counts to 255.
        let validity = (total / (1u64 << (2 * WEIGHT_BITS)) as f32).round().clamp(0.0, 255.0);
        (validity >= 1.0)
            .then(|| (sums.map(|sum| (sum / total).round().clamp(0.0, 255.0) as u8), validity as u8))
    }
}

/// Fills a patch of target pixels in two passes, each band of which is in a plane of its own, and all of them valid.
///
/// The parts of the source cover its `size`; rows of the `targets`, which begin with the patch, are `stride` apart. Returns
/// whether it did, as [`Sampler::patch`].
pub fn patch_planes<const BANDS: usize>(
    patch: &Patch,
    kernels: (&Kernel, &Kernel),
    (source, size): (&[PlanePart<'_, BANDS>], Size),
    (targets, stride): ([&mut [u8]; BANDS], usize),
) -> bool {
    let Some(passes) = Passes::plan(patch, kernels, size) else { return false };
    let image = Apart { parts: source, width: size.width as usize };
    passes.run(&image, &mut ApartMut { planes: targets, stride });
    true
}

/// The part of a kernel that lies over a raster of `len` pixels: the first pixel, and the weights from it on.
pub(super) fn clip(first: i64, weights: &[i16], len: u32) -> (u32, &[i16]) {
    let from = first.clamp(0, i64::from(len));
    let to = (first + weights.len() as i64).clamp(from, i64::from(len));
    if from >= to {
        return (0, &[]);
    }
    (from as u32, &weights[(from - first) as usize..(to - first) as usize])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resample::Resampling;

    fn run(source: &Raster, resampling: Resampling, row: Row, count: usize) -> (Vec<u8>, Vec<u8>) {
        let kernel = Kernel::new(resampling, row.dx as f64 / 65536.0);
        let mut pixels = vec![0; count * source.bands()];
        let mut mask = vec![0; count];
        Sampler::new(source, &kernel, &kernel).run(row, &mut pixels, &mut mask);
        (pixels, mask)
    }

    #[test]
    fn vectors_give_the_very_bytes_of_the_plain_loop() {
        let size = Size::new(97, 83);
        let mut state = 1u32;
        let noise = (0..size.pixels() * 3).map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            // Many extremes, so that kernels with negative weights overshoot.
            match state >> 30 {
                0 => 0,
                1 => 255,
                _ => (state >> 16) as u8,
            }
        });
        let source = Raster::new(size, 3, noise.collect::<Vec<u8>>(), None);
        for resampling in [Resampling::Nearest, Resampling::Bilinear, Resampling::Cubic, Resampling::Lanczos]
        {
            for (across, down) in [(1.0, 1.0), (1.09, 1.09), (0.4, 1.7), (2.0, 1.2), (3.4, 2.7)] {
                let kernels = (Kernel::new(resampling, across), Kernel::new(resampling, down));
                let sampler = Sampler::new(&source, &kernels.0, &kernels.1);
                // Long runs come by every phase.
                for count in [1, 2, 7, 8, 9, 16, 17, 60] {
                    for (dy, y) in
                        [(0, 30 << 16), (900, (71 << 16) + 4321), (-900, 40 << 16), (4093, 20 << 16)]
                    {
                        let dx = (across * 65536.0) as i64;
                        let row = Row { x: (22 << 16) + 777, y, dx, dy };
                        let inside = sampler.inside(row, count);
                        let row = row.from(inside.start);
                        let mut plain = vec![0; inside.len() * 3];
                        sampler.run_all::<3>(row, &mut plain);
                        let mut vectors = vec![0; inside.len() * 3];
                        let image = (sampler.pixels, size.width as usize);
                        if simd::weigh_rgb(image, (&kernels.0, &kernels.1), row, &mut vectors) {
                            assert_eq!(vectors, plain, "{resampling:?} {across} {down} {count}");
                        }
                    }
                }
            }
        }
    }

    const IN_STEP: Row = Row { x: 1 << 15, y: 1 << 15, dx: 1 << 16, dy: 0 };

    #[test]
    fn a_raster_sampled_at_its_own_centres_is_itself() {
        let source = Raster::new(Size::new(16, 9), 1, (0..144).map(|v| v as u8).collect::<Vec<_>>(), None);
        for resampling in [Resampling::Nearest, Resampling::Bilinear, Resampling::Cubic, Resampling::Lanczos]
        {
            let row = Row { y: (4 << 16) + (1 << 15), ..IN_STEP };
            let (pixels, mask) = run(&source, resampling, row, 16);
            assert_eq!(pixels, (64..80).collect::<Vec<u8>>(), "{resampling:?}");
            assert_eq!(mask, [255; 16], "{resampling:?}");
        }
    }

    #[test]
    fn an_invalid_neighbour_lends_no_colour() {
        let source = Raster::new(Size::new(4, 1), 1, vec![200u8, 200, 0, 0], Some(vec![255, 255, 0, 0]));
        let row = Row { x: 1 << 16, ..IN_STEP };
        let (pixels, mask) = run(&source, Resampling::Bilinear, row, 3);
        assert_eq!(&pixels[..2], &[200, 200]);
        assert_eq!((mask[0], mask[1], mask[2]), (255, 128, 0));
    }

    #[test]
    fn shrinking_averages_a_checkerboard_instead_of_aliasing() {
        let checks: Vec<u8> = (0..64 * 64).map(|i| if (i / 64 + i) % 2 == 0 { 0 } else { 255 }).collect();
        let source = Raster::new(Size::new(64, 64), 1, checks, None);
        let row = Row { x: 16 << 16, y: 32 << 16, dx: 4 << 16, dy: 0 };
        for resampling in [Resampling::Bilinear, Resampling::Cubic, Resampling::Lanczos] {
            let (pixels, _) = run(&source, resampling, row, 8);
            assert!(pixels.iter().all(|p| p.abs_diff(127) < 8), "{resampling:?} {pixels:?}");
        }
    }
}
