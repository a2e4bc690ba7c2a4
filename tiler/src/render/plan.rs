//! Address to plan: pure arithmetic on headers, no pixel is read.

use std::sync::Arc;

use super::{Fingerprint, RenderError, RenderSettings};
use crate::{
    encode::{EncodeOptions, OutputFormat},
    geom::{Bounds, GeoTransform, Size, Window},
    raster::{Depth, SampleType},
    resample::{Kernel, Resampling},
    source::{BlockAddress, Source, TILE_LIMIT_PX},
    style::{CellSize, Style},
    tms::{TileId, TileMatrixSet},
    warp::Grid,
};

/// A window larger than this is read in parts, so that memory does not grow with the image.
const WINDOW_LIMIT_PX: u64 = 16 << 20;
/// Target pixels around a source's bounds whose kernels may still reach it.
const MARGIN_PX: f64 = 3.0;

const WEB_MERCATOR: u32 = 3857;
const EARTH_RADIUS_M: f64 = 6_378_137.0;

/// Which tile, how large and as what.
#[derive(Debug, Clone, Copy)]
pub struct TileAddress<'a> {
    /// The tile matrix set.
    pub set: &'a TileMatrixSet,
    /// The tile in it.
    pub tile: TileId,
    /// 1, or 2 for the same place with twice the pixels along each side (`@2x`).
    pub scale: u32,
    /// What to encode as.
    pub format: OutputFormat,
    /// How it is drawn.
    pub style: &'a Style,
}

impl TileAddress<'_> {
    /// Size of the picture in pixels.
    pub fn size(&self) -> Size {
        let matrix = &self.set.matrices[self.tile.matrix];
        Size::new(matrix.tile_width * self.scale, matrix.tile_height * self.scale)
    }
}

/// All that has to be done for one tile.
#[derive(Debug)]
pub struct Plan {
    /// With the margin that the style needs.
    pub(super) size: Size,
    pub(super) depth: Depth,
    pub(super) reads: Vec<Read>,
    pub(super) style: Style,
    pub(super) cell: CellSize,
    pub(super) format: OutputFormat,
    pub(super) encode: EncodeOptions,
    fingerprint: Fingerprint,
}

/// One window of one level of one source, and the target pixels that it fills.
#[derive(Debug)]
pub(super) struct Read {
    pub source: Arc<Source>,
    pub level: usize,
    pub window: Window,
    pub grid: Grid,
    /// Source pixels per target pixel, along columns and along rows, at this level.
    pub shrink: (f64, f64),
    pub resampling: Resampling,
    pub bands: Vec<usize>,
    pub blocks: Vec<BlockAddress>,
}

impl Plan {
    /// The hash of all that decides the bytes of this tile.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// Whether no source has anything under the tile.
    pub fn is_empty(&self) -> bool {
        self.reads.is_empty()
    }
}

/// Makes the plan of a tile from the sources of a layer, best first.
///
/// # Errors
/// When a source cannot be brought into the set's CRS, or when so coarse a tile would read too much of it.
///
/// # Panics
/// When the address names a matrix that its set does not have.
pub fn plan(
    sources: &[Arc<Source>],
    address: &TileAddress<'_>,
    settings: &RenderSettings,
) -> Result<Plan, RenderError> {
    let style = address.style;
    let target = Target::of(address, style.margin_px());
    let resampling = if style.is_categorical() { Resampling::Nearest } else { settings.resampling };
    let mut reads = Vec::new();
    for source in sources {
        target.reads(source, address.set, (resampling, style.bands()), &mut reads)?;
    }
    let mut plan = Plan {
        size: target.size,
        depth: depth(sources, style),
        reads,
        style: style.clone(),
        cell: cell_size(address),
        format: address.format,
        encode: settings.encode_options(style.must_be_lossless()),
        fingerprint: Fingerprint(0),
    };
    plan.fingerprint = Fingerprint::of(&plan, address, settings);
    Ok(plan)
}

/// Bytes stay bytes where the style can do with them; kernels know one or three bands of them.
fn depth(sources: &[Arc<Source>], style: &Style) -> Depth {
    let are_bytes = sources.iter().all(|source| source.sample() == SampleType::U8);
    if are_bytes && !style.needs_float() && matches!(style.bands().len(), 1 | 3) {
        Depth::Byte
    } else {
        Depth::Float
    }
}

/// The size of the tile's pixels on the ground, at its middle.
fn cell_size(address: &TileAddress<'_>) -> CellSize {
    let (set, bounds) = (address.set, address.set.bounds(address.tile));
    let size = address.size();
    let (x, y) = (bounds.width() / f64::from(size.width), bounds.height() / f64::from(size.height));
    let unit = set.crs.metres_per_unit();
    let middle = bounds.center().1;
    if set.crs.is_geographic() {
        CellSize { x_m: x * unit * middle.to_radians().cos(), y_m: y * unit }
    } else if set.crs.epsg() == Some(WEB_MERCATOR) {
        // The scale of Mercator is 1 / cos(latitude), which is cosh(northing / radius).
        let scale = (middle / EARTH_RADIUS_M).cosh();
        CellSize { x_m: x / scale, y_m: y / scale }
    } else {
        CellSize { x_m: x * unit, y_m: y * unit }
    }
}

/// The pixels of a tile and where they lie.
struct Target {
    bounds: Bounds,
    size: Size,
    to_crs: GeoTransform,
}

impl Target {
    /// The target of a tile with a margin of so many pixels on every side.
    fn of(address: &TileAddress<'_>, margin_px: u32) -> Self {
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
        Self { bounds, size, to_crs: GeoTransform::from_bounds(&bounds, size) }
    }

    fn reads(
        &self,
        source: &Arc<Source>,
        set: &TileMatrixSet,
        (resampling, bands): (Resampling, &[usize]),
        reads: &mut Vec<Read>,
    ) -> Result<(), RenderError> {
        let place = source.place()?;
        let Some(placement) = place.placement(&set.crs)? else { return Ok(()) };
        let Some(window) = self.window(&placement.bounds) else { return Ok(()) };
        let exact = |col: f64, row: f64| {
            let (x, y) = self.to_crs.apply(col, row);
            placement.transform.convert(x, y).map(|(x, y)| place.to_pixel().apply(x, y))
        };
        let Some(full_shrink) = shrink(&window, exact) else { return Ok(()) };
        let level = source.level_for((full_shrink.0 * full_shrink.1).sqrt());
        let factor = source.level(level).factor;
        let shrink = (full_shrink.0 / factor.0, full_shrink.1 / factor.1);
        let at_level = |col: f64, row: f64| exact(col, row).map(|(u, v)| (u / factor.0, v / factor.1));
        let mut parts = vec![window];
        let mut pixels = 0;
        while let Some(part) = parts.pop() {
            let Some(grid) = Grid::fit(part, at_level) else { continue };
            let Some(window) = source_window(&grid, source.level(level).size, shrink, resampling) else {
                continue;
            };
            if window.pixels() > WINDOW_LIMIT_PX && part.height > 1 {
                let upper = part.height / 2;
                parts.push(Window { height: upper, ..part });
                parts.push(Window {
                    row_off: part.row_off + i64::from(upper),
                    height: part.height - upper,
                    ..part
                });
                continue;
            }
            pixels += window.pixels();
            if pixels > TILE_LIMIT_PX {
                let path = source.path().display().to_string();
                return Err(RenderError::TooCostly { pixels, limit: TILE_LIMIT_PX, path });
            }
            let blocks = source.blocks(level, &window);
            let (source, bands) = (Arc::clone(source), bands.to_vec());
            reads.push(Read { source, level, window, grid, shrink, resampling, bands, blocks });
        }
        Ok(())
    }

    /// The target pixels that a source with these bounds may touch.
    fn window(&self, source: &Bounds) -> Option<Window> {
        let cell_x = self.bounds.width() / f64::from(self.size.width);
        let cell_y = self.bounds.height() / f64::from(self.size.height);
        let left = (source.min_x - self.bounds.min_x) / cell_x - MARGIN_PX;
        let right = (source.max_x - self.bounds.min_x) / cell_x + MARGIN_PX;
        let top = (self.bounds.max_y - source.max_y) / cell_y - MARGIN_PX;
        let bottom = (self.bounds.max_y - source.min_y) / cell_y + MARGIN_PX;
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
fn shrink(window: &Window, exact: impl Fn(f64, f64) -> Option<(f64, f64)>) -> Option<(f64, f64)> {
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

/// The part of an image that the kernels of a grid can reach.
fn source_window(grid: &Grid, image: Size, shrink: (f64, f64), resampling: Resampling) -> Option<Window> {
    let extent = grid.extent()?;
    let side = |min: f64, max: f64, shrink: f64, size: u32| {
        let reach = Kernel::reach(resampling, shrink) as f64;
        let size = f64::from(size);
        ((min.floor() - reach).clamp(0.0, size) as i64, (max.ceil() + reach).clamp(0.0, size) as i64)
    };
    let (left, right) = side(extent.min_x, extent.max_x, shrink.0, image.width);
    let (top, bottom) = side(extent.min_y, extent.max_y, shrink.1, image.height);
    (left < right && top < bottom)
        .then(|| Window::new(left, top, (right - left) as u32, (bottom - top) as u32))
}
