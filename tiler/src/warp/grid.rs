//! Control points: the exact map at a few places, linear between them, with a bounded error.

use std::ops::Range;

use crate::{
    geom::{Bounds, Window},
    resample::{Line, Patch},
};

/// The exact map may differ from the grid by this much, in source pixels, before the grid is refined.
///
/// It is measured on cells twice as large as those that are used, so the true error is about a quarter of it; where it
/// is no more than a quarter, they are used themselves.
const TOLERANCE_PX: f64 = 0.05;
/// No more cells than this along a side; only a map near the edge of its projection needs as many.
const MAX_CELLS: u32 = 64;

/// A map from target pixels to source pixels: exact at the nodes of a regular grid, bilinear between them.
#[derive(Debug, Clone)]
pub struct Grid {
    target: Window,
    cells: u32,
    /// Source positions at the nodes, row by row; not a number where the exact map is undefined.
    nodes: Vec<(f64, f64)>,
}

/// The target pixels whose centres lie in one cell: their source positions are bilinear.
#[derive(Debug, Clone)]
pub struct Cell {
    /// Columns within the target window.
    pub columns: Range<u32>,
    /// Rows within the target window.
    pub rows: Range<u32>,
    /// Source positions of the centres, from the first row on: of the first column, and of the one after the last.
    sides: [Side; 2],
}

/// Source positions down a column: the first, and from one to the next.
type Side = ((f64, f64), (f64, f64));

impl Cell {
    /// Number of target pixels.
    pub fn pixels(&self) -> u64 {
        self.columns.len() as u64 * self.rows.len() as u64
    }

    /// The same, as positions in a window of the source.
    pub fn patch(&self, window: &Window) -> Patch {
        let (left, top) = (window.col_off as f64, window.row_off as f64);
        let [left, right] =
            self.sides.map(|(start, step)| Line { start: (start.0 - left, start.1 - top), step });
        Patch { columns: self.columns.len(), rows: self.rows.len(), left, right }
    }
}

impl Grid {
    /// Samples the exact map `(col, row) → (source col, source row)` until linear interpolation is good enough.
    ///
    /// Positions count from pixel corners on both sides. `None` where the map is defined nowhere on the grid.
    pub fn fit(target: Window, exact: impl Fn(f64, f64) -> Option<(f64, f64)>) -> Option<Self> {
        let mut coarse = Self::sample(target, 1, &exact);
        loop {
            let fine = Self::sample(target, coarse.cells * 2, &exact);
            let distance = coarse.distance(&fine);
            if distance <= TOLERANCE_PX / 4.0 {
                return Some(coarse);
            }
            if coarse.cells * 2 >= MAX_CELLS || distance <= TOLERANCE_PX {
                return fine.nodes.iter().any(|n| n.0.is_finite()).then_some(fine);
            }
            coarse = fine;
        }
    }

    fn sample(target: Window, cells: u32, exact: &impl Fn(f64, f64) -> Option<(f64, f64)>) -> Self {
        let step_x = f64::from(target.width) / f64::from(cells);
        let step_y = f64::from(target.height) / f64::from(cells);
        let nodes = (0..=cells)
            .flat_map(|j| (0..=cells).map(move |i| (i, j)))
            .map(|(i, j)| {
                let col = target.col_off as f64 + f64::from(i) * step_x;
                let row = target.row_off as f64 + f64::from(j) * step_y;
                exact(col, row)
                    .filter(|(u, v)| u.is_finite() && v.is_finite())
                    .unwrap_or((f64::NAN, f64::NAN))
            })
            .collect();
        Self { target, cells, nodes }
    }

    /// The same target pixels on another image; `map` leads from this image's pixels to the other's and must be affine.
    #[must_use]
    pub fn mapped(&self, map: impl Fn(f64, f64) -> (f64, f64)) -> Self {
        let nodes = self.nodes.iter().map(|&(x, y)| map(x, y)).collect();
        Self { target: self.target, cells: self.cells, nodes }
    }

    /// The same map between pixels of twice the size on both sides; `None` where the target does not consist of such.
    pub fn halved(&self) -> Option<Self> {
        let half = self.mapped(|x, y| (x / 2.0, y / 2.0));
        Some(Self { target: self.target.halved()?, ..half })
    }

    /// The same map in so many strips of whole target rows, or some more, from the top; no strip lies in two rows of cells.
    pub fn strips(&self, count: u32) -> impl Iterator<Item = Self> + '_ {
        let parts = count.div_ceil(self.cells);
        (0..self.cells).flat_map(move |j| {
            let (all, height) = self.span(j, self.target.height);
            let edge =
                move |part: u32| all.start + (all.len() as u64 * u64::from(part) / u64::from(parts)) as u32;
            (0..parts).filter_map(move |part| {
                let rows = edge(part)..edge(part + 1);
                (!rows.is_empty()).then(|| self.rows(j, &rows, height))
            })
        })
    }

    /// Some target rows of one row of cells, which are as high as that many target rows.
    fn rows(&self, j: u32, rows: &Range<u32>, height: f64) -> Self {
        let step = f64::from(rows.end - rows.start) / f64::from(self.cells);
        let nodes = (0..=self.cells)
            .flat_map(|below| (0..=self.cells).map(move |i| (i, below)))
            .map(|(i, below)| {
                let down = (f64::from(rows.start) + f64::from(below) * step) / height - f64::from(j);
                mix(self.node(i, j), self.node(i, j + 1), down)
            })
            .collect();
        let row_off = self.target.row_off + i64::from(rows.start);
        let target = Window { row_off, height: rows.end - rows.start, ..self.target };
        Self { target, cells: self.cells, nodes }
    }

    /// The target pixels of the cells of one column or row, of so many in all, and how many they are before rounding.
    fn span(&self, index: u32, length: u32) -> (Range<u32>, f64) {
        let side = f64::from(length) / f64::from(self.cells);
        // A pixel belongs to the cell that holds its centre.
        let edge = |index: u32| ((f64::from(index) * side - 0.5).ceil().max(0.0) as u32).min(length);
        (edge(index)..edge(index + 1), side)
    }

    /// The target pixels that this grid maps.
    pub fn target(&self) -> &Window {
        &self.target
    }

    fn node(&self, i: u32, j: u32) -> (f64, f64) {
        self.nodes[(j * (self.cells + 1) + i) as usize]
    }

    /// Farthest of the finer grid's nodes from this grid's interpolation, in source pixels.
    fn distance(&self, finer: &Self) -> f64 {
        let mut worst: f64 = 0.0;
        for j in 0..=finer.cells {
            for i in 0..=finer.cells {
                let (u, v) = self.interpolate(f64::from(i) / 2.0, f64::from(j) / 2.0);
                let (x, y) = finer.node(i, j);
                let off = (u - x).hypot(v - y);
                worst = if off.is_nan() { f64::INFINITY } else { worst.max(off) };
            }
        }
        worst
    }

    /// Source position at a place given in cells.
    fn interpolate(&self, x: f64, y: f64) -> (f64, f64) {
        let last = self.cells - 1;
        let (i, j) = ((x as u32).min(last), (y as u32).min(last));
        let (fx, fy) = (x - f64::from(i), y - f64::from(j));
        let top = mix(self.node(i, j), self.node(i + 1, j), fx);
        let bottom = mix(self.node(i, j + 1), self.node(i + 1, j + 1), fx);
        mix(top, bottom, fy)
    }

    /// Source positions of the upper left, upper right and lower left corner; `None` where one has none.
    pub fn corners(&self) -> Option<[(f64, f64); 3]> {
        let corners = [self.node(0, 0), self.node(self.cells, 0), self.node(0, self.cells)];
        corners.iter().all(|corner| corner.0.is_finite()).then_some(corners)
    }

    /// The whole pixels by which all source positions are beside those of the target; `None` where the map is any other one,
    /// or is off by more than `tolerance_px` somewhere.
    pub fn shift(&self, tolerance_px: f64) -> Option<(i64, i64)> {
        let first = self.node(0, 0);
        let (col, row) = (first.0 - self.target.col_off as f64, first.1 - self.target.row_off as f64);
        let (col, row) = (col.round(), row.round());
        let step_x = f64::from(self.target.width) / f64::from(self.cells);
        let step_y = f64::from(self.target.height) / f64::from(self.cells);
        let is_whole = (0..=self.cells).flat_map(|j| (0..=self.cells).map(move |i| (i, j))).all(|(i, j)| {
            let (x, y) = self.node(i, j);
            let off_x = x - (self.target.col_off as f64 + f64::from(i) * step_x + col);
            let off_y = y - (self.target.row_off as f64 + f64::from(j) * step_y + row);
            // Not true of what is not a number.
            off_x.abs() <= tolerance_px && off_y.abs() <= tolerance_px
        });
        (is_whole && col.abs() < 1e15 && row.abs() < 1e15).then_some((col as i64, row as i64))
    }

    /// The rectangle around all source positions of the target window.
    pub fn extent(&self) -> Option<Bounds> {
        Bounds::around(self.nodes.iter().copied().filter(|n| n.0.is_finite()))
    }

    /// The cells in which the map is defined.
    pub fn cells(&self) -> impl Iterator<Item = Cell> + '_ {
        let all = (0..self.cells).flat_map(move |j| (0..self.cells).map(move |i| (i, j)));
        all.filter_map(move |(i, j)| {
            let ((columns, width), (rows, height)) =
                (self.span(i, self.target.width), self.span(j, self.target.height));
            let corners = [(i, j), (i + 1, j), (i, j + 1), (i + 1, j + 1)].map(|(i, j)| self.node(i, j));
            let is_defined = corners.iter().all(|corner| corner.0.is_finite());
            if columns.is_empty() || rows.is_empty() || !is_defined {
                return None;
            }
            let y = (f64::from(rows.start) + 0.5) / height - f64::from(j);
            let sides = [columns.start, columns.end].map(|column| {
                let x = (f64::from(column) + 0.5) / width - f64::from(i);
                let (top, bottom) = (mix(corners[0], corners[1], x), mix(corners[2], corners[3], x));
                let step = ((bottom.0 - top.0) / height, (bottom.1 - top.1) / height);
                (mix(top, bottom, y), step)
            });
            Some(Cell { columns, rows, sides })
        })
    }
}

fn mix(a: (f64, f64), b: (f64, f64), t: f64) -> (f64, f64) {
    (a.0 + (b.0 - a.0) * t, a.1 + (b.1 - a.1) * t)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every target pixel's position by way of the cells.
    fn positions(grid: &Grid) -> Vec<(f64, f64)> {
        let target = *grid.target();
        let mut all = vec![(f64::NAN, f64::NAN); target.pixels() as usize];
        for cell in grid.cells() {
            let patch = cell.patch(&Window::new(0, 0, 0, 0));
            for (row, line) in cell.rows.clone().zip(0..) {
                let (start, step) = patch.row(line);
                for (n, col) in cell.columns.clone().enumerate() {
                    let place = &mut all[(row * target.width + col) as usize];
                    assert!(place.0.is_nan(), "a pixel belongs to one cell");
                    *place = (start.0 + n as f64 * step.0, start.1 + n as f64 * step.1);
                }
            }
        }
        all
    }

    #[test]
    fn the_error_stays_bounded_for_a_curved_map() {
        let map =
            |c: f64, r: f64| (c + 3e-4 * (c - 128.0).powi(2), r + 2e-4 * c * r + 40.0 * (c / 90.0).sin());
        let target = Window::new(0, 0, 256, 256);
        let grid = Grid::fit(target, |c, r| Some(map(c, r))).expect("the map is defined");
        for (i, (u, v)) in positions(&grid).into_iter().enumerate() {
            let (x, y) = map((i % 256) as f64 + 0.5, (i / 256) as f64 + 0.5);
            assert!((u - x).hypot(v - y) < 0.1, "pixel {i} is {} px off", (u - x).hypot(v - y));
        }
    }

    #[test]
    fn every_pixel_belongs_to_one_cell_when_cells_do_not_divide_the_width() {
        let target = Window::new(3, 5, 37, 11);
        let map = |c: f64, r: f64| (c * 2.0 + 1e-3 * c * c, r * 2.0);
        let grid = Grid::fit(target, |c, r| Some(map(c, r))).expect("the map is defined");
        assert!(grid.cells().count() > 1);
        for (i, (u, v)) in positions(&grid).into_iter().enumerate() {
            let (x, y) = map((i % 37) as f64 + 3.5, (i / 37) as f64 + 5.5);
            assert!((u - x).abs() < TOLERANCE_PX && (v - y).abs() < 1e-9);
        }
    }

    #[test]
    fn strips_map_every_pixel_to_where_the_whole_does() {
        let curved = |c: f64, r: f64| (c * 8.0 + 3e-3 * c * c + r, r * 8.0 + 2e-3 * c * r);
        for (target, count) in
            [(Window::new(3, 5, 37, 11), 3), (Window::new(0, 0, 256, 256), 6), (Window::new(0, 7, 9, 5), 40)]
        {
            let grid = Grid::fit(target, |c, r| Some(curved(c, r))).expect("the map is defined");
            let strips: Vec<Grid> = grid.strips(count).collect();
            assert!(strips.len() >= count.min(target.height) as usize, "{}", strips.len());
            let rows: Vec<i64> =
                strips.iter().flat_map(|strip| strip.target().row_off..strip.target().row_end()).collect();
            assert_eq!(
                rows,
                (target.row_off..target.row_end()).collect::<Vec<_>>(),
                "each row once, in order"
            );
            let all: Vec<(f64, f64)> = strips.iter().flat_map(positions).collect();
            for (a, b) in all.iter().zip(positions(&grid)) {
                assert!((a.0 - b.0).abs() < 1e-6 && (a.1 - b.1).abs() < 1e-6, "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn a_shift_is_one_of_whole_pixels_everywhere() {
        let shift = |x: f64, y: f64, scale: f64, turn: f64| {
            let map = move |c: f64, r: f64| Some((c * scale + r * turn + x, r * scale - c * turn + y));
            Grid::fit(Window::new(0, 0, 256, 256), map).and_then(|grid| grid.shift(1e-3))
        };
        assert_eq!(shift(512.0, -256.0, 1.0, 0.0), Some((512, -256)));
        assert_eq!(shift(512.0005, -256.0, 1.0, 0.0), Some((512, -256)));
        assert_eq!(shift(512.01, -256.0, 1.0, 0.0), None);
        assert_eq!(shift(512.0, -256.0, 1.00001, 0.0), None, "2.5 thousandths over the tile");
        assert_eq!(shift(512.0, -256.0, 1.0, 0.00001), None);
        assert_eq!(shift(f64::NAN, 0.0, 1.0, 0.0), None);
    }

    #[test]
    fn a_map_that_is_undefined_everywhere_has_no_grid() {
        assert!(Grid::fit(Window::new(0, 0, 16, 16), |_, _| None).is_none());
    }
}
