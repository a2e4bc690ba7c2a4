//! Elevations as numbers in the three channels of a picture.
//!
//! Such pictures are data: they must be encoded without loss and never be interpolated.

/// How a number becomes a colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TerrainEncoding {
    /// Steps of 0.1 m from −10 000 m: value = −10 000 + (R · 65 536 + G · 256 + B) / 10.
    /// Source: <https://docs.mapbox.com/data/tilesets/reference/mapbox-terrain-dem-v1/>.
    Mapbox,
    /// Steps of 1/256 m from −32 768 m: value = R · 256 + G + B / 256 − 32 768.
    /// Source: <https://github.com/tilezen/joerd/blob/master/docs/formats.md>.
    Terrarium,
}

impl TerrainEncoding {
    /// The colour of an elevation in metres, to the nearest step, and to the nearest elevation that can be written. `None`
    /// for what is not finite.
    pub fn encode(self, elevation_m: f64) -> Option<[u8; 3]> {
        let (base, steps) = match self {
            Self::Mapbox => (10_000.0, 10.0),
            Self::Terrarium => (32_768.0, 256.0),
        };
        let number = ((elevation_m + base) * steps).round();
        if !number.is_finite() {
            return None;
        }
        let [_, r, g, b] = (number.clamp(0.0, f64::from((1 << 24) - 1)) as u32).to_be_bytes();
        Some([r, g, b])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(encoding: TerrainEncoding, [r, g, b]: [u8; 3]) -> f64 {
        let (r, g, b) = (f64::from(r), f64::from(g), f64::from(b));
        match encoding {
            TerrainEncoding::Mapbox => -10_000.0 + (r * 65_536.0 + g * 256.0 + b) * 0.1,
            TerrainEncoding::Terrarium => r * 256.0 + g + b / 256.0 - 32_768.0,
        }
    }

    #[test]
    fn sea_level_has_its_known_colours() {
        assert_eq!(TerrainEncoding::Mapbox.encode(0.0), Some([1, 134, 160]));
        assert_eq!(TerrainEncoding::Terrarium.encode(0.0), Some([128, 0, 0]));
    }

    #[test]
    fn elevations_come_back_within_half_a_step() {
        for (encoding, step) in [(TerrainEncoding::Mapbox, 0.1), (TerrainEncoding::Terrarium, 1.0 / 256.0)] {
            for elevation in [-431.3, -0.04, 0.049, 77.77, 4805.59, 8848.86] {
                let colour = encoding.encode(elevation).expect("it is finite");
                assert!((decode(encoding, colour) - elevation).abs() <= step / 2.0 + 1e-9, "{elevation}");
            }
        }
    }

    #[test]
    fn what_cannot_be_written_is_brought_within_or_left_out() {
        assert_eq!(TerrainEncoding::Mapbox.encode(-20_000.0), Some([0, 0, 0]));
        assert_eq!(TerrainEncoding::Mapbox.encode(1e9), Some([255, 255, 255]));
        assert_eq!(TerrainEncoding::Mapbox.encode(f64::NAN), None);
    }
}
