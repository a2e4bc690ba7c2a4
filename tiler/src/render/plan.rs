//! Address to plan: pure arithmetic on records, no file is opened and no pixel is read.

use std::sync::Arc;

use super::{
    Fingerprint, Passage, RenderError, RenderSettings, cap, passthrough,
    select::{Budget, Request, Selection, select, views},
    target::Target,
};
use crate::{
    catalog::{Imagery, Mosaic},
    encode::{EncodeOptions, OutputFormat},
    geom::{Size, Window},
    raster::Depth,
    resample::Resampling,
    style::{CellSize, Style},
    tms::{TileId, TileMatrixSet},
    warp::Grid,
};

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
    /// Where there is more imagery than the tile can read now, in target pixels: the colours around are spread there.
    pub(super) left_out: Vec<Window>,
    pub(super) style: Style,
    pub(super) cell: CellSize,
    pub(super) format: OutputFormat,
    pub(super) encode: EncodeOptions,
    is_provisional: bool,
    passage: Option<Arc<Passage>>,
    fingerprint: Fingerprint,
}

/// One window across the dalles of one grid, and the target pixels that it fills.
#[derive(Debug)]
pub(crate) struct Read {
    pub mosaic: Arc<Mosaic>,
    /// Best first; none is outside the window.
    pub pieces: Vec<Piece>,
    /// In pixels of the grid of this read.
    pub window: Window,
    pub grid: Grid,
    /// Source pixels per target pixel, along columns and along rows.
    pub shrink: (f64, f64),
    pub resampling: Resampling,
    /// What of the window does not count, whatever is read there.
    pub holes: Vec<Window>,
    /// Where imagery of other grids lies above: there, the edge of this one does not show.
    pub above: Vec<Window>,
}

impl Read {
    /// The part of it that lies in a window, for other target pixels; edges of other grids are not widened.
    pub fn part(&self, window: Window, grid: Grid) -> Self {
        let shows = |place: &Window| place.intersection(&window).is_some();
        Self {
            mosaic: Arc::clone(&self.mosaic),
            pieces: self.pieces.iter().filter(|piece| shows(&piece.place)).copied().collect(),
            window,
            grid,
            shrink: self.shrink,
            resampling: self.resampling,
            holes: self.holes.iter().filter(|hole| shows(hole)).copied().collect(),
            above: Vec::new(),
        }
    }
}

/// One level of one dalle within a read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Piece {
    /// Of the dalle in the mosaic.
    pub number: u32,
    pub level: usize,
    /// Where the level's pixels lie among those of the read.
    pub place: Window,
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

    /// Whether a better tile is to be had later: what it should be made of is not ready yet.
    pub fn is_provisional(&self) -> bool {
        self.is_provisional
    }

    /// The stored pixels that this tile would be a copy of, where it is one: it may be had without rendering.
    pub fn passage(&self) -> Option<&Arc<Passage>> {
        self.passage.as_ref()
    }

    /// The files that may be opened, each with the level that is read of it; for people.
    pub fn files(&self) -> impl Iterator<Item = (&std::path::Path, usize)> {
        self.reads.iter().flat_map(|read| {
            read.pieces.iter().map(|piece| (read.mosaic.dalle(piece.number).path.as_ref(), piece.level))
        })
    }
}

/// Makes the plan of a tile of some imagery.
///
/// # Errors
/// When a source cannot be brought into the set's CRS, or when so coarse a tile would read too much of it.
///
/// # Panics
/// When the address names a matrix that its set does not have.
pub fn plan(
    imagery: &Imagery,
    address: &TileAddress<'_>,
    settings: &RenderSettings,
) -> Result<Plan, RenderError> {
    let style = address.style;
    let target = Target::of(address, style.margin_px());
    let resampling = if style.is_categorical() { Resampling::Nearest } else { settings.resampling };
    let views = views(&imagery.mosaic, &target)?;
    let chosen = if let Some(tier) = cap::choose(imagery, &views) {
        cap::select(imagery, tier, &target, resampling, &views)?
    } else {
        let mosaic = &imagery.mosaic;
        let request = Request { target: &target, mosaic, resampling, budget: Budget::TILE, within: None };
        let selection = select(&request, &views)?;
        cap::Chosen { is_provisional: !selection.left_out.is_empty(), selection, regions: None }
    };
    let cap::Chosen { selection: Selection { reads, left_out }, regions, is_provisional } = chosen;
    let mut plan = Plan {
        size: target.size,
        depth: depth(&imagery.mosaic, style),
        reads,
        left_out,
        style: style.clone(),
        cell: cell_size(address),
        format: address.format,
        encode: settings.encode_options(style.must_be_lossless()),
        is_provisional,
        passage: None,
        fingerprint: Fingerprint(0),
    };
    if settings.passthrough {
        plan.passage = passthrough::find(&plan).map(Arc::new);
    }
    plan.fingerprint = Fingerprint::of(&plan, address, settings, regions);
    Ok(plan)
}

/// Bytes stay bytes where the style can do with them; kernels know one or three bands of them.
fn depth(mosaic: &Mosaic, style: &Style) -> Depth {
    if mosaic.are_bytes() && !style.needs_float() && matches!(style.bands().len(), 1 | 3) {
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

#[cfg(test)]
mod tests {
    use super::{super::fixture, *};
    use crate::catalog::{Dalle, fixture::dalle};

    fn planned(dalles: Vec<Dalle>, zoom: usize, place: (f64, f64)) -> Plan {
        let as_png = (OutputFormat::Png, &RenderSettings::default());
        fixture::planned(&dalles.into_iter().collect(), zoom, place, as_png)
    }

    fn pixels(plan: &Plan) -> u64 {
        plan.reads.iter().map(|read| read.window.pixels()).sum()
    }

    const X: f64 = fixture::CORNER.0;
    const Y: f64 = fixture::CORNER.1;

    #[test]
    fn a_tile_of_very_many_dalles_reads_a_few_of_them_by_themselves() {
        let each = (0..100).flat_map(|row| (0..100).map(move |col| (col, row)));
        let dalles = each.map(|(col, row)| {
            dalle(&format!("{col}_{row}"), X + 200.0 * f64::from(col), Y - 200.0 * f64::from(row))
        });
        let plan = planned(dalles.collect(), 11, (X + 10_000.0, Y - 10_000.0));
        assert!(plan.is_provisional());
        assert!((16..=64).contains(&plan.reads.len()), "{} reads", plan.reads.len());
        assert!(pixels(&plan) <= 64 * 500 * 500, "{} pixels", pixels(&plan));
    }

    #[test]
    fn two_dalles_that_lie_far_apart_are_not_read_with_all_that_lies_between_them() {
        let plan = planned(
            vec![dalle("a", X, Y), dalle("b", X + 40_000.0, Y - 40_000.0)],
            6,
            (X + 20_000.0, Y - 20_000.0),
        );
        assert!(!plan.is_provisional());
        assert_eq!(plan.files().count(), 2);
        assert!(pixels(&plan) <= 16 << 20, "{} pixels", pixels(&plan));
    }

    #[test]
    fn a_dalle_beside_the_grid_of_overviews_does_not_part_the_others() {
        let stray = dalle("stray", X + 1000.15, Y + 0.25);
        let dalles = vec![
            stray,
            dalle("a", X, Y),
            dalle("b", X + 200.0, Y),
            dalle("c", X, Y - 200.0),
            dalle("d", X + 200.0, Y - 200.0),
        ];
        let plan = planned(dalles, 18, (X + 200.0, Y - 200.0));
        assert!(plan.files().all(|(_, level)| level == 2), "an overview of factor 4");
        assert_eq!((plan.reads.len(), plan.reads[0].pieces.len()), (1, 4));
    }
}
