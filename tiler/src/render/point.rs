//! What the dalles hold at one place, for `GetFeatureInfo`.

use std::sync::Arc;

use super::RenderError;
use crate::{
    catalog::{Dalle, Mosaic, Opener},
    crs::{Crs, Transform},
    geom::Window,
    source::{Plane, Source},
};

/// Dalles over each other of which values are told.
const DALLES_LIMIT: usize = 10;

/// The pixel of one dalle under a place.
#[derive(Debug, Clone, PartialEq)]
pub struct PixelValue {
    /// The dalle.
    pub dalle: Arc<Dalle>,
    /// Column in the full resolution image.
    pub col: u32,
    /// Row in it.
    pub row: u32,
    /// A value per band.
    pub values: Vec<f64>,
    /// Whether nodata, mask and alpha let it show.
    pub valid: bool,
}

/// The pixels of the dalles under a place, best first; `x, y` in the given CRS, easting first.
///
/// # Errors
/// When a file cannot be read or cannot be brought into the CRS.
pub fn pixel_values(
    mosaic: &Mosaic,
    files: &dyn Opener,
    (crs, x, y): (&Crs, f64, f64),
) -> Result<Vec<PixelValue>, RenderError> {
    let mut values = Vec::new();
    for number in mosaic.at(crs, x, y) {
        let dalle = mosaic.dalle(number);
        let source = files.open(dalle)?;
        values.extend(pixel_value(dalle, &source, crs, x, y)?);
        if values.len() == DALLES_LIMIT {
            break;
        }
    }
    Ok(values)
}

fn pixel_value(
    dalle: &Arc<Dalle>,
    source: &Source,
    crs: &Crs,
    x: f64,
    y: f64,
) -> Result<Option<PixelValue>, RenderError> {
    let place = source.place()?;
    let Some((x, y)) = Transform::new(crs, place.crs())?.convert(x, y) else { return Ok(None) };
    let (col, row) = place.to_pixel().apply(x, y);
    let size = source.size();
    if !(col >= 0.0 && row >= 0.0 && col < f64::from(size.width) && row < f64::from(size.height)) {
        return Ok(None);
    }
    let (col, row) = (col as u32, row as u32);
    let blocks = source.blocks(0, &Window::new(i64::from(col), i64::from(row), 1, 1));
    let bytes = source.fetch(&blocks)?;
    let mut found = PixelValue { dalle: Arc::clone(dalle), col, row, values: Vec::new(), valid: false };
    for (block, bytes) in blocks.iter().zip(&bytes) {
        let raster = source.decode(*block, bytes)?;
        let (col_off, row_off) = source.level(0).block_offset(*block);
        let (col, row) = ((i64::from(col) - col_off) as u32, (i64::from(row) - row_off) as u32);
        match block.plane {
            Plane::Image => {
                found.values = raster.pixel(col, row).unwrap_or_default();
                found.valid = raster.validity(col, row) > 0;
            }
            Plane::Mask => found.valid &= raster.pixel(col, row).is_some_and(|v| v != [0.0]),
        }
    }
    source.check()?;
    Ok(Some(found))
}
