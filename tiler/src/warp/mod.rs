//! Brings a window of pixels onto a target grid. It knows positions and kernels, but no file, no tile and no CRS:
//! the map from target to source comes in as a [`Grid`] of control points.

mod grid;

use std::{ops::Range, sync::Arc};

pub use grid::{Cell, Grid};

use crate::{
    geom::{Size, Window},
    raster::{PlanePart, Raster, Samples, YCbCr, YCbCrWindow},
    resample::{FloatSampler, Kernel, Passes, Patch, Resampling, Row, Sampler, patch_planes},
};

/// Chroma is shrunk no further by its kernel: wider ones are not done in two passes.
const WIDEST_CUBIC: f64 = 2.0;
const WIDEST_LANCZOS: f64 = 4.0 / 3.0;

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

/// The same for luma and chroma. Each is resampled for itself, chroma as an image of pixels of twice the size, with a sharper
/// kernel: whoever shows the picture will blur it once more.
///
/// `None` where kernels reach out of the source or out of what is done in two passes.
pub fn run_ycbcr(
    source: &YCbCrWindow<'_>,
    grid: &Grid,
    (resampling, shrink): (Resampling, (f64, f64)),
) -> Option<YCbCr> {
    let window = source.window();
    let (half_window, half_grid) = (window.halved()?, grid.halved()?);
    let target = grid.target();
    let mut out = YCbCr::unfilled(Size::new(target.width, target.height));
    let kernels = |resampling, shrink: (f64, f64)| {
        (Kernel::shared(resampling, shrink.0), Kernel::shared(resampling, shrink.1))
    };
    let (sharper, widest) = of_chroma(resampling);
    let chroma_kernels = kernels(sharper, (shrink.0.min(widest), shrink.1.min(widest)));
    let [to_luma, to_blue, to_red] = out.planes_mut();
    let is_done = planes(&source.luma(), (window, grid), &kernels(resampling, shrink), [to_luma])
        && planes(&source.chroma(), (&half_window, &half_grid), &chroma_kernels, [to_blue, to_red]);
    is_done.then_some(out)
}

/// Whether the kernels of luma and chroma are such as are applied in two passes.
pub fn can_run_ycbcr(resampling: Resampling, shrink: (f64, f64)) -> bool {
    // That of chroma always is.
    [shrink.0, shrink.1].iter().all(|&shrink| Passes::can_apply(&Kernel::shared(resampling, shrink)))
}

/// How far chroma is read beyond the positions of a grid, in pixels of chroma.
pub fn chroma_reach(resampling: Resampling, shrink: f64) -> f64 {
    let (sharper, widest) = of_chroma(resampling);
    // Where the map turns, a kernel leans a little.
    sharper.radius() * Kernel::widening(sharper, shrink.min(widest)) + 0.5
}

/// The kernel of chroma, and by how much it is shrunk at most.
const fn of_chroma(resampling: Resampling) -> (Resampling, f64) {
    match resampling {
        Resampling::Nearest | Resampling::Bilinear => (Resampling::Cubic, WIDEST_CUBIC),
        Resampling::Cubic | Resampling::Lanczos => (Resampling::Lanczos, WIDEST_LANCZOS),
    }
}

/// Resamples planes of the same positions; returns whether it did.
fn planes<const BANDS: usize>(
    source: &[PlanePart<'_, BANDS>],
    (window, grid): (&Window, &Grid),
    kernels: &(Arc<Kernel>, Arc<Kernel>),
    mut targets: [&mut [u8]; BANDS],
) -> bool {
    let target = grid.target();
    let mut pixels = 0;
    for cell in grid.cells() {
        let first = (cell.rows.start * target.width + cell.columns.start) as usize;
        let targets = targets.each_mut().map(|plane| &mut plane[first..]);
        let patch = cell.patch(window);
        if !patch_planes(
            &patch,
            (&kernels.0, &kernels.1),
            (source, window.size()),
            (targets, target.width as usize),
        ) {
            return false;
        }
        pixels += cell.pixels();
    }
    pixels == target.pixels()
}

/// Calls `each` with every row of a cell, as source positions and as places in a target of so many pixels a row.
fn each_row(cell: &Cell, patch: &Patch, width: u32, mut each: impl FnMut(Row, Range<usize>)) {
    for (row, line) in cell.rows.clone().zip(0..) {
        let place = |column: u32| (row * width + column) as usize;
        each(patch.positions(line), place(cell.columns.start)..place(cell.columns.end));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raster::YCbCrBlock;

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
    fn luma_and_chroma_keep_their_places_beside_each_other() {
        // Ramps: luma of its column, chroma of the column and of the row in the middle of four pixels.
        let window = Window::new(10, 20, 60, 50);
        let ramp = |width: u32, height: u32, value: &dyn Fn(u32, u32) -> u32| {
            (0..width * height).map(|at| value(at % width, at / width) as u8).collect::<Vec<u8>>()
        };
        let luma = ramp(60, 50, &|col, _| 2 * col + 1);
        let blue = ramp(30, 25, &|col, _| 4 * col + 2);
        let red = ramp(30, 25, &|_, row| 4 * row + 2);
        // In two blocks beside each other, the second of which has nothing further left.
        let planes = [(&luma[..], 60), (&blue[..], 30), (&red[..], 30)];
        let left = YCbCrBlock { planes, offset: (10, 20), shown: Window::new(10, 20, 36, 50) };
        let rest = [(&luma[36..], 60), (&blue[18..], 30), (&red[18..], 30)];
        let right = YCbCrBlock { planes: rest, offset: (46, 20), shown: Window::new(46, 20, 24, 50) };
        let source = YCbCrWindow::new(window, vec![left, right]).expect("all is even");
        // Bent so that there are several cells.
        let map = |c: f64, r: f64| (20.3 + 1.1 * c + 1e-3 * c * c, 30.6 + 1.1 * r + 2e-3 * c * r);
        let grid = Grid::fit(Window::new(0, 0, 32, 24), |c, r| Some(map(c, r))).expect("all is defined");
        assert!(grid.cells().count() > 1);
        for resampling in [Resampling::Bilinear, Resampling::Cubic] {
            let out = run_ycbcr(&source, &grid, (resampling, (1.1, 1.1))).expect("it is upright and inside");
            let [luma, blue, red] = out.planes();
            for (at, &luma) in luma.iter().enumerate() {
                let (x, _) = map((at % 32) as f64 + 0.5, 0.0);
                assert!((f64::from(luma) - 2.0 * (x - 10.0)).abs() < 1.0, "{resampling:?} {at}: {luma}");
            }
            for (at, (&blue, &red)) in blue.iter().zip(red).enumerate() {
                let (x, y) = map(2.0 * (at % 16) as f64 + 1.0, 2.0 * (at / 16) as f64 + 1.0);
                assert!((f64::from(blue) - 2.0 * (x - 10.0)).abs() < 1.0, "{resampling:?} {at}: {blue}");
                assert!((f64::from(red) - 2.0 * (y - 20.0)).abs() < 1.0, "{resampling:?} {at}: {red}");
            }
        }
        let edge =
            Grid::fit(Window::new(0, 0, 32, 24), |c, r| Some((11.0 + c, r + 30.0))).expect("all is defined");
        assert!(
            run_ycbcr(&source, &edge, (Resampling::Bilinear, (1.0, 1.0))).is_none(),
            "chroma at the edge"
        );
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
