//! Where the image lies, as tags of GeoTIFF. Source: OGC GeoTIFF 1.1 (OGC 19-008r4).

use super::{WriteOptions, WriteProblem};
use crate::{crs::Crs, tiff::GeoTags};

const USER_DEFINED: u32 = 32_767;
const RASTER_TYPE: u16 = 1025;
const WGS_84: u32 = 4326;

/// The tags of the first directory.
pub(super) fn tags(options: &WriteOptions) -> Result<GeoTags, WriteProblem> {
    let c = options.geotransform.0;
    let mut tags = match &options.geo_keys {
        Some(keys) => with_areas(keys),
        None => of_code(&options.crs)?,
    };
    (tags.pixel_scale, tags.tiepoints, tags.transformation) = (Vec::new(), Vec::new(), Vec::new());
    if options.geotransform.is_north_up() {
        tags.pixel_scale = vec![c[1], -c[5], 0.0];
        tags.tiepoints = vec![0.0, 0.0, 0.0, c[0], c[3], 0.0];
    } else {
        tags.transformation =
            vec![c[1], c[2], 0.0, c[0], c[4], c[5], 0.0, c[3], 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0];
    }
    Ok(tags)
}

/// The same keys, of pixels that are areas: the geotransform counts from their corners.
fn with_areas(keys: &GeoTags) -> GeoTags {
    let mut keys = keys.clone();
    let entries = keys.key_directory.get_mut(4..).unwrap_or_default();
    for entry in entries.chunks_exact_mut(4).filter(|entry| entry[0] == RASTER_TYPE) {
        entry.copy_from_slice(&[RASTER_TYPE, 0, 1, 1]);
    }
    keys
}

fn of_code(crs: &Crs) -> Result<GeoTags, WriteProblem> {
    let is_crs84 = Crs::crs84().is_ok_and(|crs84| crs84 == *crs);
    let code = crs.epsg().or(is_crs84.then_some(WGS_84)).filter(|code| *code < USER_DEFINED);
    let Some(code) = code else { return Err(WriteProblem::Crs { name: crs.name() }) };
    let (model, key) = if crs.is_geographic() { (2, 2048) } else { (1, 3072) };
    // Model, pixels that are areas, code.
    let key_directory = vec![1, 1, 0, 3, 1024, 0, 1, model, RASTER_TYPE, 0, 1, 1, key, 0, 1, code as u16];
    Ok(GeoTags { key_directory, ..GeoTags::default() })
}
