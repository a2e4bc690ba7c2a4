//! Grids of pixels: dalles whose pixels lie on one grid can be read as one image, without a seam.

use std::collections::HashMap;

use crate::geom::GeoTransform;

/// Pixels that are off by more than this do not lie on the same grid.
const TOLERANCE_PX: f64 = 0.01;
/// How finely the place of a grid within a pixel is told apart when known ones are looked up.
const PHASES: f64 = 32.0;

/// An endless grid of pixels in one CRS.
#[derive(Debug, Clone)]
pub struct Lattice {
    /// From pixels of the lattice to the CRS; its pixel 0, 0 is the first of the first dalle.
    pub geotransform: GeoTransform,
    /// The way back.
    pub to_pixel: GeoTransform,
}

impl Lattice {
    /// The lattice of an image's pixels; `None` where they have no area.
    pub fn new(geotransform: GeoTransform) -> Option<Self> {
        Some(Self { geotransform, to_pixel: geotransform.inverse()? })
    }

    /// Where the first pixel of an image lies on the lattice; `None` where its pixels are others.
    pub fn offset(&self, image: &GeoTransform) -> Option<(i64, i64)> {
        let (col, row) = self.to_pixel.apply(image.0[0], image.0[3]);
        let is_near = |v: f64| (v - v.round()).abs() <= TOLERANCE_PX && v.abs() < 1e15;
        (is_near(col) && is_near(row)).then_some((col.round() as i64, row.round() as i64))
    }
}

/// All lattices of one CRS.
#[derive(Debug, Default)]
pub(super) struct Lattices {
    pub all: Vec<Lattice>,
    known: HashMap<(String, i32, i32), Vec<u32>>,
}

impl Lattices {
    /// The number of the lattice that an image lies on, and where on it; `None` where its pixels have no area.
    pub(super) fn place(&mut self, image: &GeoTransform) -> Option<(u32, (i64, i64))> {
        let Lattice { to_pixel, .. } = Lattice::new(*image)?;
        let c = image.0;
        let shape = format!("{:.9e} {:.9e} {:.9e} {:.9e}", c[1], c[2], c[4], c[5]);
        // Where zero of the CRS lies within a pixel of the image.
        let (col, row) = to_pixel.apply(0.0, 0.0);
        let phase = |v: f64| (v.rem_euclid(1.0) * PHASES).round() as i32;
        let (x, y) = (phase(col), phase(row));
        let around = |v: i32| [v - 1, v, v + 1].map(|v| v.rem_euclid(PHASES as i32));
        for near_x in around(x) {
            for near_y in around(y) {
                let Some(numbers) = self.known.get(&(shape.clone(), near_x, near_y)) else { continue };
                for &number in numbers {
                    if let Some(offset) = self.all[number as usize].offset(image) {
                        return Some((number, offset));
                    }
                }
            }
        }
        let number = self.all.len() as u32;
        self.all.push(Lattice { geotransform: *image, to_pixel });
        let wrapped = |v: i32| v.rem_euclid(PHASES as i32);
        self.known.entry((shape, wrapped(x), wrapped(y))).or_default().push(number);
        Some((number, (0, 0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dalles_of_one_grid_share_a_lattice_in_spite_of_rounding() {
        let mut lattices = Lattices::default();
        let at = |x: f64, y: f64| GeoTransform::north_up(x, y, 0.05, 0.05);
        assert_eq!(lattices.place(&at(650_000.0, 6_235_000.0)), Some((0, (0, 0))));
        assert_eq!(lattices.place(&at(650_200.000_000_1, 6_234_800.0)), Some((0, (4000, 4000))));
        assert_eq!(lattices.place(&at(649_800.0, 6_235_200.0)), Some((0, (-4000, -4000))));
    }

    #[test]
    fn half_a_pixel_off_is_another_lattice_and_so_is_another_cell_size() {
        let mut lattices = Lattices::default();
        lattices.place(&GeoTransform::north_up(0.0, 0.0, 0.05, 0.05));
        let (number, _) =
            lattices.place(&GeoTransform::north_up(200.025, 0.0, 0.05, 0.05)).expect("it has an area");
        assert_eq!(number, 1);
        let (number, _) =
            lattices.place(&GeoTransform::north_up(0.0, 0.0, 0.08, 0.08)).expect("it has an area");
        assert_eq!(number, 2);
    }
}
