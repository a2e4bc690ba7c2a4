//! The affine map between pixels and CRS coordinates.

use super::{Bounds, Size};

/// `x = c[0] + col·c[1] + row·c[2]`, `y = c[3] + col·c[4] + row·c[5]`, coefficients in GDAL's order.
///
/// `col` and `row` count from the *corner* of the upper left pixel: the centre of that pixel is `(0.5, 0.5)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GeoTransform(pub [f64; 6]);

impl GeoTransform {
    /// North-up: the upper left corner and a cell size in CRS units per pixel, both positive.
    pub const fn north_up(min_x: f64, max_y: f64, cell_width: f64, cell_height: f64) -> Self {
        Self([min_x, cell_width, 0.0, max_y, 0.0, -cell_height])
    }

    /// The transform under which `bounds` is exactly `size` pixels, north up.
    pub fn from_bounds(bounds: &Bounds, size: Size) -> Self {
        Self::north_up(
            bounds.min_x,
            bounds.max_y,
            bounds.width() / f64::from(size.width),
            bounds.height() / f64::from(size.height),
        )
    }

    /// CRS coordinates `(x, y)` of a position in pixels.
    #[inline]
    pub fn apply(&self, col: f64, row: f64) -> (f64, f64) {
        let c = &self.0;
        (c[0] + col * c[1] + row * c[2], c[3] + col * c[4] + row * c[5])
    }

    /// The map that does what this one and then another does.
    #[must_use]
    pub fn then(&self, next: &Self) -> Self {
        let (c, n) = (&self.0, &next.0);
        let (x, y) = next.apply(c[0], c[3]);
        Self([
            x,
            n[1] * c[1] + n[2] * c[4],
            n[1] * c[2] + n[2] * c[5],
            y,
            n[4] * c[1] + n[5] * c[4],
            n[4] * c[2] + n[5] * c[5],
        ])
    }

    /// The map from CRS coordinates to `(col, row)`; `None` when the transform has no area or is not finite.
    pub fn inverse(&self) -> Option<Self> {
        let c = &self.0;
        let det = c[1] * c[5] - c[2] * c[4];
        if !det.is_finite() || det == 0.0 || c.iter().any(|v| !v.is_finite()) {
            return None;
        }
        let (a, b, d, e) = (c[5] / det, -c[2] / det, -c[4] / det, c[1] / det);
        Some(Self([-(c[0] * a + c[3] * b), a, b, -(c[0] * d + c[3] * e), d, e]))
    }

    /// The same place seen with pixels `factor_x` by `factor_y` times as large: an overview's transform.
    #[must_use]
    pub fn scaled(&self, factor_x: f64, factor_y: f64) -> Self {
        let c = &self.0;
        Self([c[0], c[1] * factor_x, c[2] * factor_y, c[3], c[4] * factor_x, c[5] * factor_y])
    }

    /// Length of one pixel step along columns and along rows, in CRS units.
    pub fn cell_size(&self) -> (f64, f64) {
        let c = &self.0;
        (c[1].hypot(c[4]), c[2].hypot(c[5]))
    }

    /// Whether rows go east and columns go south, without rotation.
    pub fn is_north_up(&self) -> bool {
        let c = &self.0;
        c[2] == 0.0 && c[4] == 0.0 && c[1] > 0.0 && c[5] < 0.0
    }

    /// The rectangle around an image of this size; for a rotated image it is larger than the image.
    pub fn bounds(&self, size: Size) -> Bounds {
        let (w, h) = (f64::from(size.width), f64::from(size.height));
        let corners = [self.apply(0.0, 0.0), self.apply(w, 0.0), self.apply(0.0, h), self.apply(w, h)];
        let xs = corners.map(|p| p.0);
        let ys = corners.map(|p| p.1);
        Bounds::new(
            xs.iter().copied().fold(f64::INFINITY, f64::min),
            ys.iter().copied().fold(f64::INFINITY, f64::min),
            xs.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            ys.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inverse_goes_back_for_a_rotated_transform() {
        let gt = GeoTransform([650_000.0, 0.3, 0.1, 6_235_000.0, 0.1, -0.3]);
        let inv = gt.inverse().expect("it has an area");
        let (x, y) = gt.apply(12.25, 99.5);
        let (col, row) = inv.apply(x, y);
        assert!((col - 12.25).abs() < 1e-6 && (row - 99.5).abs() < 1e-6);
    }

    #[test]
    fn a_transform_without_area_has_no_inverse() {
        assert!(GeoTransform([0.0, 1.0, 0.0, 0.0, 1.0, 0.0]).inverse().is_none());
        assert!(GeoTransform([0.0, f64::NAN, 0.0, 0.0, 0.0, -1.0]).inverse().is_none());
    }

    #[test]
    fn an_overview_keeps_the_corner() {
        let gt = GeoTransform::north_up(10.0, 20.0, 0.05, 0.05).scaled(2.0, 2.0);
        assert_eq!(gt, GeoTransform::north_up(10.0, 20.0, 0.1, 0.1));
    }
}
