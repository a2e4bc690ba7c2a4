//! The value that means "nothing here", as GDAL writes it in tag 42113.

use crate::raster::Raster;

/// Why a nodata value cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the value is not a number")]
pub struct NodataError;

/// The nodata value of an 8-bit image; `None` where the tag names a value that no 8-bit pixel can have.
pub(super) fn parse(text: Option<&str>) -> Result<Option<u8>, NodataError> {
    let Some(text) = text else { return Ok(None) };
    let value: f64 = text.trim_matches(['\0', ' ']).parse().map_err(|_| NodataError)?;
    Ok((value.fract() == 0.0 && (0.0..=255.0).contains(&value)).then_some(value as u8))
}

/// The block with all pixels masked whose every band has the nodata value, as GDAL's `UNIFIED_SRC_NODATA`.
pub(super) fn apply(block: Raster, nodata: u8) -> Raster {
    let (size, bands) = (block.size(), block.bands());
    let (pixels, mask) = block.into_parts();
    let mut mask = mask.unwrap_or_else(|| vec![255; size.pixels() as usize]);
    for (pixel, valid) in pixels.chunks_exact(bands).zip(&mut mask) {
        if pixel.iter().all(|&sample| sample == nodata) {
            *valid = 0;
        }
    }
    Raster::new(size, bands, pixels, Some(mask))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geom::Size;

    #[test]
    fn a_pixel_is_nothing_when_all_its_bands_say_so() {
        let block = Raster::new(Size::new(2, 1), 3, vec![255, 255, 255, 255, 255, 0], None);
        assert_eq!(apply(block, 255).mask(), Some(&[0, 255][..]));
    }

    #[test]
    fn values_that_no_pixel_can_have_hide_nothing() {
        assert_eq!(parse(Some("255\0")), Ok(Some(255)));
        assert_eq!(parse(Some("-9999")), Ok(None));
        assert_eq!(parse(Some("nan")), Ok(None));
        assert_eq!(parse(Some("white")), Err(NodataError));
    }
}
