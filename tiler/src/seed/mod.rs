//! Many tiles at once: which, in what order, and each of them rendered unless somebody has it.
//!
//! A [`Walk`] gives [`Metatile`]s, squares of neighbouring tiles, along a Hilbert curve. Who makes the tiles of one metatile
//! one after the other decodes each block once, with a [`BlockCache`](crate::render::BlockCache) that holds those of a few
//! metatiles. [`bottom_up`] gives those of several zooms so that the blocks which two zooms read are decoded once as well.
//! Tiles are rendered one by one as the server does, so that their bytes are the same. It knows no file of tiles.
//!
//! ```
//! use tiler::{seed::{Area, Walk}, tms::{Registry, TileLimits}};
//!
//! let registry = Registry::standard();
//! let set = registry.get("WebMercatorQuad").expect("it is a standard set");
//! let limits = TileLimits { min_col: 0, max_col: 99, min_row: 0, max_row: 49 };
//! let area = Area::everywhere();
//! let walk = Walk::new(&set.matrices[10], 10, limits, &area);
//! assert_eq!(walk.count(), 5000);
//! assert_eq!(walk.metatiles().map(|metatile| metatile.tiles().count()).sum::<usize>(), 5000);
//! ```

mod area;
mod curve;
mod walk;

pub use area::{Area, Polygon};
pub use curve::{curve_order, curve_place, curve_position};
pub use walk::{METATILE_SIDE, Metatile, Walk, bottom_up};

use crate::{
    catalog::Imagery,
    render::{self, Fingerprint, RenderContext, RenderError, RenderSettings, Rendered, TileAddress},
};

/// What came of one tile.
#[derive(Debug)]
pub enum Made {
    /// There is no imagery under it.
    Empty,
    /// Somebody has it as it would be now.
    Kept,
    /// It was rendered.
    Tile(Fingerprint, Rendered),
}

/// Makes a tile, unless there is no imagery or `has` it under its fingerprint.
///
/// # Errors
/// As [`render::plan`] and [`render::render`].
pub fn make(
    imagery: &Imagery,
    address: &TileAddress<'_>,
    settings: &RenderSettings,
    context: &RenderContext<'_>,
    has: impl FnOnce(Fingerprint) -> bool,
) -> Result<Made, RenderError> {
    let plan = render::plan(imagery, address, settings)?;
    if plan.is_empty() {
        return Ok(Made::Empty);
    }
    let fingerprint = plan.fingerprint();
    if has(fingerprint) {
        return Ok(Made::Kept);
    }
    Ok(Made::Tile(fingerprint, render::render(&plan, context)?))
}
