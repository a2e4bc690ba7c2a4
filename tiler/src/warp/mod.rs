//! Brings a window of pixels onto a target grid. It knows positions and kernels, but no file, no tile and no CRS:
//! the map from target to source comes in as a [`Grid`] of control points.

mod grid;

use std::sync::Arc;

pub use grid::{Grid, Segment};

use crate::{
    geom::{Size, Window},
    raster::{Raster, Samples},
    resample::{FloatSampler, Kernel, Row, Sampler},
};

/// One unit of a position in [`Row`]: 1/65536 px.
const ONE: f64 = 65536.0;

/// Resamples `source`, which is the given `window` of its image, onto the target pixels of `grid`.
///
/// `source` holds bytes, in one or three bands, or 32-bit floating point numbers. `kernels` are for columns and rows. The
/// result has the size of the grid's target window.
pub fn run(source: &Raster, window: &Window, grid: &Grid, kernels: &(Arc<Kernel>, Arc<Kernel>)) -> Raster {
    let target = grid.target();
    let size = Size::new(target.width, target.height);
    let bands = source.bands();
    let mut mask = vec![0; size.pixels() as usize];
    let count = size.pixels() as usize * bands;
    let samples = if let Samples::F32(_) = source.samples() {
        let mut pixels = vec![0.0; count];
        let sampler = FloatSampler::new(source, &kernels.0, &kernels.1);
        each_run(grid, window, (&mut pixels, bands), &mut mask, |row, pixels, mask| {
            sampler.run(row, pixels, mask);
        });
        Samples::F32(pixels)
    } else {
        let mut pixels = vec![0; count];
        let sampler = Sampler::new(source, &kernels.0, &kernels.1);
        each_run(grid, window, (&mut pixels, bands), &mut mask, |row, pixels, mask| {
            sampler.run(row, pixels, mask);
        });
        Samples::U8(pixels)
    };
    Raster::new(size, bands, samples, Some(mask))
}

/// Calls `run` with every run of target pixels whose source positions lie on a line.
fn each_run<T>(
    grid: &Grid,
    window: &Window,
    (pixels, bands): (&mut [T], usize),
    mask: &mut [u8],
    run: impl Fn(Row, &mut [T], &mut [u8]),
) {
    let width = grid.target().width as usize;
    let lines = pixels.chunks_exact_mut(width * bands).zip(mask.chunks_exact_mut(width));
    for (row, (pixels, mask)) in (0..grid.target().height).zip(lines) {
        for segment in grid.segments(row) {
            let (from, to) = (segment.columns.start as usize, segment.columns.end as usize);
            let line = Row {
                x: ((segment.start.0 - window.col_off as f64) * ONE).round() as i64,
                y: ((segment.start.1 - window.row_off as f64) * ONE).round() as i64,
                dx: (segment.step.0 * ONE).round() as i64,
                dy: (segment.step.1 * ONE).round() as i64,
            };
            run(line, &mut pixels[from * bands..to * bands], &mut mask[from..to]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resample::Resampling;

    #[test]
    fn a_shift_of_whole_pixels_copies_them() {
        let source = Raster::new(Size::new(8, 8), 1, (0..64u8).collect::<Vec<_>>(), None);
        let grid =
            Grid::fit(Window::new(0, 0, 4, 4), |c, r| Some((c + 102.0, r + 203.0))).expect("all is defined");
        let kernels = (Kernel::shared(Resampling::Bilinear, 1.0), Kernel::shared(Resampling::Bilinear, 1.0));
        let out = run(&source, &Window::new(100, 200, 8, 8), &grid, &kernels);
        let Samples::U8(pixels) = out.samples() else { panic!("bytes stay bytes") };
        assert_eq!(&pixels[..4], &[26, 27, 28, 29]);
        assert_eq!(out.mask(), None);
    }

    #[test]
    fn a_linear_ramp_stays_linear_under_rotation() {
        let ramp: Vec<f32> = (0..64 * 64).map(|i| (i % 64 + i / 64) as f32).collect();
        let source = Raster::new(Size::new(64, 64), 1, ramp, None);
        let map = |c: f64, r: f64| (20.0 + 0.8 * c - 0.3 * r, 20.0 + 0.3 * c + 0.8 * r);
        let grid = Grid::fit(Window::new(0, 0, 16, 16), |c, r| Some(map(c, r))).expect("all is defined");
        let kernels = (Kernel::shared(Resampling::Bilinear, 1.0), Kernel::shared(Resampling::Bilinear, 1.0));
        let out = run(&source, &Window::new(0, 0, 64, 64), &grid, &kernels);
        let Samples::F32(pixels) = out.samples() else { panic!("numbers stay numbers") };
        for (i, &pixel) in pixels.iter().enumerate() {
            let (u, v) = map((i % 16) as f64 + 0.5, (i / 16) as f64 + 0.5);
            assert!((f64::from(pixel) - (u - 0.5 + v - 0.5)).abs() <= 0.01, "{i}");
        }
    }
}
