//! Inks of 8 bits to RGB, as libtiff's RGBA interface and so GDAL do it: without a profile.

/// The first four samples of each pixel to red, green, blue and an alpha of 255.
pub fn to_rgba(inks: &[u8], bands: usize) -> Vec<u8> {
    let light = |ink: u8, black: u8| (u16::from(255 - black) * u16::from(255 - ink) / 255) as u8;
    inks.chunks_exact(bands.max(4))
        .flat_map(|pixel| match *pixel {
            [c, m, y, k, ..] => [light(c, k), light(m, k), light(y, k), 255],
            _ => [0; 4],
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::{
        codec::{BlockLayout, Compression, Photometric, decode, plain},
        geom::Size,
        raster::SampleType,
    };

    #[test]
    fn inks_take_light_away_and_a_fifth_sample_is_dropped() {
        let layout = BlockLayout {
            bands: 5,
            photometric: Photometric::Cmyk,
            ..plain(Size::new(2, 1), Compression::None)
        };
        let rgba = decode(&[0, 255, 100, 0, 7, 0, 0, 0, 200, 7], &layout).expect("it is well formed");
        assert_eq!(rgba, [255, 0, 155, 255, 55, 55, 55, 255]);
        assert_eq!(rgba.len(), layout.decoded_bytes());
    }

    #[test]
    fn inks_of_three_bands_or_of_sixteen_bits_are_an_error() {
        let layout =
            BlockLayout { photometric: Photometric::Cmyk, ..plain(Size::new(1, 1), Compression::None) };
        assert!(decode(&[0; 3], &BlockLayout { bands: 3, ..layout.clone() }).is_err());
        let wide = BlockLayout { bands: 4, bits: 16, sample: SampleType::U16, ..layout };
        assert!(decode(&[0; 8], &wide).is_err());
    }
}
