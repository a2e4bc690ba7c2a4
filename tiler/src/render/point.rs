//! What the sources hold at one place, for `GetFeatureInfo`.

use std::sync::Arc;

use super::RenderError;
use crate::{
    crs::{Crs, Transform},
    geom::Window,
    source::{Plane, Source},
};

/// The pixel of one source under a place.
#[derive(Debug, Clone, PartialEq)]
pub struct PixelValue {
    /// Stem of the file's name.
    pub source: String,
    /// Column in the full resolution image.
    pub col: u32,
    /// Row in it.
    pub row: u32,
    /// A value per band.
    pub values: Vec<f64>,
    /// Whether nodata, mask and alpha let it show.
    pub valid: bool,
}

/// The pixels of all sources under a place, best first; `x, y` in the given CRS, easting first.
///
/// # Errors
/// When a source cannot be read or cannot be brought into the CRS.
pub fn pixel_values(
    sources: &[Arc<Source>],
    crs: &Crs,
    x: f64,
    y: f64,
) -> Result<Vec<PixelValue>, RenderError> {
    sources.iter().filter_map(|source| pixel_value(source, crs, x, y).transpose()).collect()
}

fn pixel_value(source: &Source, crs: &Crs, x: f64, y: f64) -> Result<Option<PixelValue>, RenderError> {
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
    let mut found =
        PixelValue { source: source.stem().to_owned(), col, row, values: Vec::new(), valid: false };
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
