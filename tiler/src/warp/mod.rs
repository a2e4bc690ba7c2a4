//! Brings a window of pixels onto a target grid. It knows positions and kernels, but no file, no tile and no CRS:
//! the map from target to source comes in as a [`Grid`] of control points.

mod grid;

use std::{ops::Range, sync::Arc};

pub use grid::{Cell, Grid};

use crate::{
    geom::{Size, Window},
    raster::{Raster, Samples},
    resample::{FloatSampler, Kernel, Patch, Row, Sampler},
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
    let count = size.pixels() as usize * bands;
    if let Samples::F32(_) = source.samples() {
        let (mut pixels, mut mask) = (vec![0.0; count], vec![0; size.pixels() as usize]);
        let sampler = FloatSampler::new(source, &kernels.0, &kernels.1);
        for cell in grid.cells() {
            each_row(&cell, &cell.patch(window), target.width, |row, at| {
                sampler.run(row, &mut pixels[at.start * bands..at.end * bands], &mut mask[at]);
            });
        }
        return Raster::new(size, bands, pixels, Some(mask));
    }
    let mut pixels = vec![0; count];
    let sampler = Sampler::new(source, &kernels.0, &kernels.1);
    let (done, left): (Vec<Cell>, Vec<Cell>) = grid.cells().partition(|cell| {
        let first = (cell.rows.start * target.width + cell.columns.start) as usize;
        sampler.patch(&cell.patch(window), &mut pixels[first * bands..], target.width as usize)
    });
    if done.iter().map(Cell::pixels).sum::<u64>() == size.pixels() {
        return Raster::new(size, bands, pixels, None);
    }
    let mut mask = vec![0; size.pixels() as usize];
    for cell in &done {
        each_row(cell, &cell.patch(window), target.width, |_, at| mask[at].fill(255));
    }
    for cell in &left {
        each_row(cell, &cell.patch(window), target.width, |row, at| {
            sampler.run(row, &mut pixels[at.start * bands..at.end * bands], &mut mask[at]);
        });
    }
    Raster::new(size, bands, pixels, Some(mask))
}

/// Calls `each` with every row of a cell, as source positions and as places in a target of so many pixels a row.
fn each_row(cell: &Cell, patch: &Patch, width: u32, mut each: impl FnMut(Row, Range<usize>)) {
    let fixed = |position: f64| (position * ONE).round() as i64;
    for (row, line) in cell.rows.clone().zip(0..) {
        let (start, step) = patch.row(line);
        let place = |column: u32| (row * width + column) as usize;
        let positions = Row { x: fixed(start.0), y: fixed(start.1), dx: fixed(step.0), dy: fixed(step.1) };
        each(positions, place(cell.columns.start)..place(cell.columns.end));
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
