//! Where the pixels lie: tie points, pixel scale or a matrix, and what the file means by a pixel.

use crate::{geom::GeoTransform, tiff::GeoTags};

const RASTER_TYPE: u16 = 1025;
const PIXEL_IS_POINT: u16 = 2;

/// Why a file has no usable geotransform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each variant is its message")]
pub enum GeorefError {
    #[error(
        "neither ModelPixelScaleTag with ModelTiepointTag nor ModelTransformationTag is there; \
         set bounds with `gdal_edit.py -a_ullr` or lay a world file (.tfw, .j2w) beside the image"
    )]
    Missing,
    #[error("{count} ground control points and no geotransform: warp the image first with `gdalwarp`")]
    GroundControlPoints { count: usize },
    #[error("a number of the geotransform is not finite, or its pixels have no area")]
    NoArea,
}

/// The map from pixel corners to the CRS.
///
/// Source: OGC GeoTIFF 1.1 (OGC 19-008r4), 7.1.2 for PixelIsPoint: coordinates are then those of pixel centres, half a
/// pixel away from the corners that everything here counts from. Where files contradict the standard, as GDAL: a scale
/// wins over a matrix; a negative scale of rows still means north up; with a scale the first tie point is enough, without
/// one tie points are ground control points, however regular. RPCs are not looked at.
///
/// # Errors
/// When the tags give no affine map, or one without an area.
pub fn geotransform(geo: &GeoTags) -> Result<GeoTransform, GeorefError> {
    let mut c = match (&geo.pixel_scale[..], &geo.tiepoints[..], &geo.transformation[..]) {
        (&[sx, sy, ..], &[i, j, _, x, y, _, ..], _) if sx != 0.0 && sy != 0.0 => {
            [x - i * sx, sx, 0.0, y + j * sy.abs(), 0.0, -sy.abs()]
        }
        (&[sx, sy, ..], ..) if sx != 0.0 && sy != 0.0 => return Err(GeorefError::Missing),
        (_, _, &[a, b, _, d, e, f, _, h, _, _, _, _, _, _, _, _]) => [d, a, b, h, e, f],
        (_, points, _) if points.len() >= 6 => {
            return Err(GeorefError::GroundControlPoints { count: points.len() / 6 });
        }
        _ => return Err(GeorefError::Missing),
    };
    if geo.short_key(RASTER_TYPE) == Some(PIXEL_IS_POINT) {
        c[0] -= 0.5 * (c[1] + c[2]);
        c[3] -= 0.5 * (c[4] + c[5]);
    }
    let geotransform = GeoTransform(c);
    geotransform.inverse().map(|_| geotransform).ok_or(GeorefError::NoArea)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tie_point_and_a_scale_give_a_north_up_image() {
        let geo = GeoTags {
            pixel_scale: vec![0.05, 0.05, 0.0],
            tiepoints: vec![0.0, 0.0, 0.0, 650_000.0, 6_235_000.0, 0.0],
            ..GeoTags::default()
        };
        assert_eq!(geotransform(&geo), Ok(GeoTransform::north_up(650_000.0, 6_235_000.0, 0.05, 0.05)));
    }

    #[test]
    fn a_pixel_that_is_a_point_moves_the_corner_by_half_a_pixel() {
        let geo = GeoTags {
            pixel_scale: vec![2.0, 2.0, 0.0],
            tiepoints: vec![0.0, 0.0, 0.0, 101.0, 199.0, 0.0],
            key_directory: vec![1, 1, 0, 1, RASTER_TYPE, 0, 1, PIXEL_IS_POINT],
            ..GeoTags::default()
        };
        assert_eq!(geotransform(&geo), Ok(GeoTransform::north_up(100.0, 200.0, 2.0, 2.0)));
    }

    #[test]
    fn a_matrix_may_rotate() {
        let mut matrix = vec![0.0; 16];
        (matrix[0], matrix[1], matrix[3]) = (0.9, 0.1, 100.0);
        (matrix[4], matrix[5], matrix[7]) = (0.1, -0.9, 200.0);
        let geo = GeoTags { transformation: matrix, ..GeoTags::default() };
        assert_eq!(geotransform(&geo), Ok(GeoTransform([100.0, 0.9, 0.1, 200.0, 0.1, -0.9])));
    }

    #[test]
    fn numbers_that_are_not_finite_are_refused() {
        let geo = GeoTags {
            pixel_scale: vec![f64::NAN, 1.0, 0.0],
            tiepoints: vec![0.0, 0.0, 0.0, 1.0, 1.0, 0.0],
            ..GeoTags::default()
        };
        assert_eq!(geotransform(&geo), Err(GeorefError::NoArea));
        assert_eq!(geotransform(&GeoTags::default()), Err(GeorefError::Missing));
    }

    #[test]
    fn a_negative_scale_is_north_up_all_the_same() {
        let geo = GeoTags {
            pixel_scale: vec![2.0, -3.0, 0.0],
            tiepoints: vec![0.0, 10.0, 0.0, 100.0, 200.0, 0.0],
            ..GeoTags::default()
        };
        assert_eq!(geotransform(&geo), Ok(GeoTransform::north_up(100.0, 230.0, 2.0, 3.0)));
    }

    #[test]
    fn a_scale_of_zero_leaves_the_word_to_the_matrix() {
        let mut matrix = vec![0.0; 16];
        (matrix[0], matrix[3], matrix[5], matrix[7]) = (1.0, 100.0, 2.0, 200.0);
        let geo = GeoTags { pixel_scale: vec![0.0, 0.0, 0.0], transformation: matrix, ..GeoTags::default() };
        assert_eq!(geotransform(&geo), Ok(GeoTransform([100.0, 1.0, 0.0, 200.0, 0.0, 2.0])));
    }

    #[test]
    fn tie_points_without_a_scale_are_ground_control_points() {
        let corners = [0.0, 0.0, 0.0, 5.0, 9.0, 0.0, 10.0, 0.0, 0.0, 6.0, 9.0, 0.0];
        let geo = GeoTags { tiepoints: corners.to_vec(), ..GeoTags::default() };
        assert_eq!(geotransform(&geo), Err(GeorefError::GroundControlPoints { count: 2 }));
    }

    #[test]
    fn a_scale_without_a_tie_point_is_not_enough() {
        let geo = GeoTags { pixel_scale: vec![1.0, 1.0, 0.0], ..GeoTags::default() };
        assert_eq!(geotransform(&geo), Err(GeorefError::Missing));
    }
}
