//! Tags of GeoTIFF from bytes.

use tiler::{cog, tiff::GeoTags};

/// Looks for a CRS and a place in tags that are lengths, keys, doubles, and text.
pub fn exercise_geo(bytes: &[u8]) {
    let [keys, doubles, scales, ties, rest @ ..] = bytes else { return };
    let (keys, rest) = rest.split_at((usize::from(*keys) * 2).min(rest.len()));
    let (doubles, rest) = rest.split_at((usize::from(*doubles) * 8).min(rest.len()));
    let (scales, rest) = rest.split_at((usize::from(*scales % 17) * 8).min(rest.len()));
    let (ties, text) = rest.split_at((usize::from(*ties % 17) * 8).min(rest.len()));
    let numbers = |bytes: &[u8]| -> Vec<f64> {
        bytes.as_chunks::<8>().0.iter().map(|number| f64::from_le_bytes(*number)).collect()
    };
    let scales = numbers(scales);
    let geo = GeoTags {
        key_directory: keys.as_chunks::<2>().0.iter().map(|key| u16::from_le_bytes(*key)).collect(),
        doubles: numbers(doubles),
        transformation: if scales.len() > 3 { scales.clone() } else { Vec::new() },
        pixel_scale: scales,
        tiepoints: numbers(ties),
        ascii: String::from_utf8_lossy(text).into_owned(),
    };
    let _ = cog::crs(&geo);
    let _ = cog::geotransform(&geo);
}
