//! The pixels that are to be filled and where they lie: a tile with its margin, or any other rectangle.

use super::TileAddress;
use crate::{
    crs::Crs,
    geom::{Bounds, GeoTransform, Size, Window},
};

/// Target pixels around imagery whose kernels may still reach it.
const MARGIN_PX: f64 = 3.0;

/// The pixels of a rectangle and where they lie.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub crs: Crs,
    pub bounds: Bounds,
    pub size: Size,
    pub to_crs: GeoTransform,
}

impl Target {
    /// A rectangle of so many pixels.
    pub fn new(crs: Crs, bounds: Bounds, size: Size) -> Self {
        Self { crs, bounds, size, to_crs: GeoTransform::from_bounds(&bounds, size) }
    }

    /// The target of a tile with a margin of so many pixels on every side.
    pub fn of(address: &TileAddress<'_>, margin_px: u32) -> Self {
        let (tile, inner) = (address.size(), address.set.bounds(address.tile));
        let cell = (inner.width() / f64::from(tile.width), inner.height() / f64::from(tile.height));
        let margin = f64::from(margin_px);
        let bounds = Bounds::new(
            inner.min_x - margin * cell.0,
            inner.min_y - margin * cell.1,
            inner.max_x + margin * cell.0,
            inner.max_y + margin * cell.1,
        );
        let size = Size::new(tile.width + 2 * margin_px, tile.height + 2 * margin_px);
        Self::new(address.set.crs.clone(), bounds, size)
    }

    /// The target pixels that imagery with these bounds may touch.
    pub fn window(&self, imagery: &Bounds) -> Option<Window> {
        let cell_x = self.bounds.width() / f64::from(self.size.width);
        let cell_y = self.bounds.height() / f64::from(self.size.height);
        let left = (imagery.min_x - self.bounds.min_x) / cell_x - MARGIN_PX;
        let right = (imagery.max_x - self.bounds.min_x) / cell_x + MARGIN_PX;
        let top = (self.bounds.max_y - imagery.max_y) / cell_y - MARGIN_PX;
        let bottom = (self.bounds.max_y - imagery.min_y) / cell_y + MARGIN_PX;
        let (width, height) = (f64::from(self.size.width), f64::from(self.size.height));
        if !(left < width && right > 0.0 && top < height && bottom > 0.0) {
            return None;
        }
        let (left, top) = (left.max(0.0).floor(), top.max(0.0).floor());
        let (right, bottom) = (right.min(width).ceil(), bottom.min(height).ceil());
        Some(Window::new(left as i64, top as i64, (right - left) as u32, (bottom - top) as u32))
    }
}

/// How many source pixels a target pixel spans along the source's columns and rows.
///
/// Taken in the middle of the window, or where the map is undefined there, near a corner. Under rotation it is the side of
/// the box around the target pixel, as in GDAL's warper.
pub(super) fn shrink(window: &Window, exact: impl Fn(f64, f64) -> Option<(f64, f64)>) -> Option<(f64, f64)> {
    let (left, top) = (window.col_off as f64, window.row_off as f64);
    let (width, height) = (f64::from(window.width), f64::from(window.height));
    let places = [(0.5, 0.5), (0.1, 0.1), (0.9, 0.1), (0.1, 0.9), (0.9, 0.9)];
    places.iter().find_map(|(x, y)| {
        let (col, row) = (left + x * width, top + y * height);
        let here = exact(col, row)?;
        let east = exact(col + 1.0, row)?;
        let south = exact(col, row + 1.0)?;
        let columns = (east.0 - here.0).abs() + (south.0 - here.0).abs();
        let rows = (east.1 - here.1).abs() + (south.1 - here.1).abs();
        (columns.is_finite() && rows.is_finite() && columns > 0.0 && rows > 0.0).then_some((columns, rows))
    })
}
