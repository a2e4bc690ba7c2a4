//! Shaded relief as `gdaldem hillshade -compute_edges` draws it: Horn's slope from the eight neighbours of a pixel.

use super::{Input, Pixels};

/// Where the light comes from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hillshade {
    /// Degrees clockwise from the top of the picture; default 315. Not used by the multidirectional method.
    pub azimuth_deg: f64,
    /// Degrees above the horizon; default 45.
    pub altitude_deg: f64,
    /// Elevations are multiplied by it; default 1.
    pub z_factor: f64,
    /// How light becomes brightness.
    pub method: ShadeMethod,
}

impl Default for Hillshade {
    fn default() -> Self {
        Self { azimuth_deg: 315.0, altitude_deg: 45.0, z_factor: 1.0, method: ShadeMethod::Single }
    }
}

/// How light becomes brightness. Source: OSGeo/gdal: `apps/gdaldem_lib.cpp`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShadeMethod {
    /// One light.
    Single,
    /// One light, and slopes darkened: gdaldem's `-combined`.
    Combined,
    /// Four lights from 225° to 360°, weighed by aspect: gdaldem's `-multidirectional`
    /// (<https://pubs.usgs.gov/of/1992/of92-422/of92-422.pdf>).
    Multidirectional,
}

/// Ground size of a pixel in metres, where it lies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CellSize {
    /// Along a row.
    pub x_m: f64,
    /// Along a column.
    pub y_m: f64,
}

/// Light and cell size, multiplied out.
pub(super) struct Shader {
    method: ShadeMethod,
    inverse: (f64, f64),
    sin_altitude: f64,
    cos_altitude_z: f64,
    azimuth: (f64, f64),
    z_squared: f64,
}

impl Shader {
    pub fn new(light: &Hillshade, cell: CellSize) -> Self {
        let (azimuth, altitude) = (light.azimuth_deg.to_radians(), light.altitude_deg.to_radians());
        let z = light.z_factor / 8.0;
        Self {
            method: light.method,
            inverse: (1.0 / cell.x_m, -1.0 / cell.y_m),
            sin_altitude: altitude.sin(),
            cos_altitude_z: altitude.cos() * z,
            azimuth: azimuth.sin_cos(),
            z_squared: z * z,
        }
    }

    /// Brightness, 1 to 255, of the middle one of three rows of three elevations; NaN where one is not finite.
    pub fn shade(&self, w: &[f64; 9]) -> f64 {
        let x = ((w[0] + w[3] + w[3] + w[6]) - (w[2] + w[5] + w[5] + w[8])) * self.inverse.0;
        let y = ((w[6] + w[7] + w[7] + w[8]) - (w[0] + w[1] + w[1] + w[2])) * self.inverse.1;
        let steepness = self.z_squared * (x * x + y * y);
        if !steepness.is_finite() {
            return f64::NAN;
        }
        let light = match self.method {
            ShadeMethod::Single => self.lit(x, y) / (1.0 + steepness).sqrt(),
            ShadeMethod::Combined => {
                let angle = (self.lit(x, y) / (1.0 + steepness).sqrt()).clamp(-1.0, 1.0).acos();
                let quarter = std::f64::consts::FRAC_PI_2;
                1.0 - angle * steepness.sqrt().atan() / (quarter * quarter)
            }
            ShadeMethod::Multidirectional => self.lit_from_four_sides(x, y) / (1.0 + steepness).sqrt(),
        };
        1.0 + 254.0 * light.clamp(0.0, 1.0)
    }

    fn lit(&self, x: f64, y: f64) -> f64 {
        let (sin, cos) = self.azimuth;
        self.sin_altitude - (y * cos - x * sin) * self.cos_altitude_z
    }

    fn lit_from_four_sides(&self, x: f64, y: f64) -> f64 {
        let square = x * x + y * y;
        if square == 0.0 {
            return self.sin_altitude;
        }
        let slanted = 225.0_f64.to_radians().cos() * self.cos_altitude_z;
        let lights = [
            self.sin_altitude + (x - y) * slanted,
            self.sin_altitude - x * self.cos_altitude_z,
            self.sin_altitude + (x + y) * slanted,
            self.sin_altitude - y * self.cos_altitude_z,
        ];
        let weights = [0.5 * square - x * y, x * x, 0.5 * square + x * y, y * y];
        let sum: f64 = lights.iter().zip(weights).map(|(light, weight)| light.max(0.0) * weight).sum();
        0.5 * sum / square
    }
}

/// Elevations, `[row, col]`; NaN where there is no value.
pub(super) struct Elevations {
    width: usize,
    values: Vec<f64>,
}

impl Elevations {
    pub fn of(input: &Input<'_>) -> Self {
        let mut values: Vec<f64> = match input.pixels {
            Pixels::U8(samples) => samples.iter().map(|&value| f64::from(value)).collect(),
            Pixels::F32(samples) => samples.iter().map(|&value| f64::from(value)).collect(),
        };
        for (index, value) in values.iter_mut().enumerate() {
            if input.validity(index) == 0 || !value.is_finite() {
                *value = f64::NAN;
            }
        }
        Self { width: input.size.width as usize, values }
    }

    /// The elevations around a pixel that is not on the border, row by row, itself in the middle; a neighbour without value
    /// has its value. `None` if it has none itself.
    pub fn around(&self, index: usize) -> Option<[f64; 9]> {
        let middle = self.values[index];
        let mut around = [middle; 9];
        if middle.is_nan() {
            return None;
        }
        for (row, three) in around.chunks_exact_mut(3).enumerate() {
            let first = index + row * self.width - self.width - 1;
            three.copy_from_slice(&self.values[first..first + 3]);
        }
        for value in &mut around {
            *value = if value.is_nan() { middle } else { *value };
        }
        Some(around)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        geom::Size,
        raster::SampleType,
        style::{Interpretation, LayerFacts, Style, StyleSpec},
    };

    // GDAL 3.10.3 through the library in rasterio's wheel (GDALDEMProcessing), on this 6 x 5 grid of cells of 10 m x 8 m:
    // z[row, col] = (col * col * 3 + row * 7 - col * row * 2) * 1.5 with z[4, 5] lowered to 0
    const SINGLE: [u8; 12] = [252, 235, 196, 167, 241, 244, 202, 170, 219, 252, 210, 66];
    const COMBINED: [u8; 12] = [241, 213, 171, 142, 228, 227, 179, 147, 213, 241, 189, 99];
    const MULTIDIRECTIONAL: [u8; 12] = [233, 225, 211, 200, 223, 230, 216, 203, 193, 235, 222, 161];
    const STEEP: [u8; 12] = [19, 84, 116, 131, 7, 81, 119, 135, 1, 76, 122, 241];

    fn elevations() -> Vec<f32> {
        let z = |row: f32, col: f32| (col * col * 3.0 + row * 7.0 - col * row * 2.0) * 1.5;
        let mut grid: Vec<f32> = (0..30_u8).map(|i| z(f32::from(i / 6), f32::from(i % 6))).collect();
        grid[29] = 0.0;
        grid
    }

    fn style(light: Hillshade) -> Style {
        let spec = StyleSpec { hillshade: Some(light), ..StyleSpec::default() };
        spec.resolve(&LayerFacts::plain(1, SampleType::F32, Interpretation::Grey)).expect("it fits")
    }

    fn shaded(light: Hillshade) -> Vec<u8> {
        let grid = elevations();
        let input = Input { size: Size::new(6, 5), bands: 1, pixels: Pixels::F32(&grid), mask: None };
        style(light).apply(input, CellSize { x_m: 10.0, y_m: 8.0 }).pixels
    }

    fn assert_close(ours: &[u8], gdal: &[u8]) {
        assert!(ours.iter().zip(gdal).all(|(a, b)| a.abs_diff(*b) <= 1), "{ours:?}\n{gdal:?}");
    }

    #[test]
    fn shades_are_those_of_gdal() {
        assert_close(&shaded(Hillshade::default()), &SINGLE);
        let light = |method| Hillshade { method, ..Hillshade::default() };
        assert_close(&shaded(light(ShadeMethod::Combined)), &COMBINED);
        assert_close(&shaded(light(ShadeMethod::Multidirectional)), &MULTIDIRECTIONAL);
        let steep =
            Hillshade { azimuth_deg: 200.0, altitude_deg: 30.0, z_factor: 0.7, ..Hillshade::default() };
        assert_close(&shaded(steep), &STEEP);
    }

    #[test]
    fn a_hole_takes_no_neighbour_with_it() {
        let mut grid = elevations();
        grid[7] = f32::NAN;
        let mask: Vec<u8> = (0..30).map(|i| if i == 22 { 0 } else { 255 }).collect();
        let input = Input { size: Size::new(6, 5), bands: 1, pixels: Pixels::F32(&grid), mask: Some(&mask) };
        let output = style(Hillshade::default()).apply(input, CellSize { x_m: 10.0, y_m: 8.0 });
        let clear: Vec<usize> =
            (0..12).filter(|&i| output.mask.as_ref().is_some_and(|m| m[i] == 0)).collect();
        assert_eq!(clear, [0, 11]);
    }

    #[test]
    fn flat_ground_is_as_bright_as_the_sun_is_high() {
        let shader = Shader::new(&Hillshade::default(), CellSize { x_m: 1.0, y_m: 1.0 });
        assert_eq!(shader.shade(&[7.0; 9]).round(), 181.0);
    }
}
