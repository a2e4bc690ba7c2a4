//! Fixtures are made by `fixtures/make_fixtures.py` (GDAL with `OpenJPEG`), values and levels compared with what GDAL reads.

use std::path::PathBuf;

use super::*;

const RGB: &[u8] = include_bytes!("fixtures/rgb.jp2");
/// One tile by IGN's recipe in small: RPCL, precincts, tile-parts by resolution, PLT.
const IGN: &[u8] = include_bytes!("fixtures/ign.jp2");
const TILES: &[u8] = include_bytes!("fixtures/tiles.jp2");
const SIGNED: &[u8] = include_bytes!("fixtures/signed.jp2");
const PALETTE: &[u8] = include_bytes!("fixtures/palette.jp2");

fn opened(bytes: &[u8]) -> (Jp2, Memory) {
    let source = Memory::new(bytes.to_vec());
    (Jp2::open(&source, &Limits::default()).expect("it is well formed"), source)
}

fn whole(jp2: &Jp2, source: &dyn ByteSource, level: usize) -> Vec<f64> {
    let samples = jp2.decode(source, level, &Window::full(jp2.levels()[level])).expect("it decodes");
    (0..samples.len()).map(|index| samples.value(index)).collect()
}

/// The pattern of the fixtures, pixel by pixel.
fn pattern(size: Size, bands: u32, value: impl Fn(u32) -> f64) -> Vec<f64> {
    let pixels = (0..size.height).flat_map(|y| (0..size.width).map(move |x| x * 5 + y * 3));
    pixels.flat_map(|pixel| (0..bands).map(move |band| pixel + band * 40)).map(value).collect()
}

fn without_plt(bytes: &[u8]) -> Vec<u8> {
    // A marker that nobody knows, of the same length.
    let mut bytes = bytes.to_vec();
    while let Some(at) = bytes.windows(3).position(|window| window == [0xff, 0x58, 0x00]) {
        bytes[at + 1] = 0x6f;
    }
    bytes
}

#[test]
fn lossless_colours_are_what_was_stored() {
    let (jp2, source) = opened(RGB);
    assert_eq!((jp2.bands(), jp2.sample(), jp2.bits(), jp2.is_reversible()), (3, SampleType::U8, 8, true));
    assert_eq!(jp2.channels(), [Channel::Red, Channel::Green, Channel::Blue]);
    assert_eq!(whole(&jp2, &source, 0), pattern(Size::new(40, 30), 3, |value| f64::from(value % 256)));
}

#[test]
fn tiles_of_sixteen_bits_are_put_together() {
    let (jp2, source) = opened(TILES);
    assert_eq!((jp2.sample(), jp2.tile_size()), (SampleType::U16, Size::new(32, 32)));
    let expected = pattern(Size::new(50, 40), 1, |value| f64::from(value * 200 % 51_200));
    assert_eq!(whole(&jp2, &source, 0), expected);
}

#[test]
fn samples_with_a_sign_keep_it() {
    let (jp2, source) = opened(SIGNED);
    assert_eq!(jp2.sample(), SampleType::I16);
    let expected = pattern(Size::new(40, 30), 1, |value| f64::from(value * 4 % 1024) - 500.0);
    assert_eq!(whole(&jp2, &source, 0), expected);
}

#[test]
fn indices_stay_indices_beside_their_palette() {
    let (jp2, source) = opened(PALETTE);
    assert_eq!((jp2.bands(), jp2.palette().expect("it has one")[1]), (1, [4, 5, 6, 255]));
    assert_eq!(whole(&jp2, &source, 0), pattern(Size::new(16, 16), 1, |value| f64::from(value % 4)));
}

#[test]
fn a_window_is_a_piece_of_the_whole() {
    for bytes in [RGB, IGN, TILES] {
        let (jp2, source) = opened(bytes);
        let (size, bands) = (jp2.size(), jp2.bands());
        let all = whole(&jp2, &source, 0);
        for window in [Window::new(31, 7, 5, 19), Window::new(0, 0, 1, 1), Window::new(17, 20, 20, 10)] {
            let samples = jp2.decode(&source, 0, &window).expect("it decodes");
            let expected: Vec<f64> = (window.row_off..window.row_end())
                .flat_map(|row| {
                    let start = (row as usize * size.width as usize + window.col_off as usize) * bands;
                    all[start..start + window.width as usize * bands].to_vec()
                })
                .collect();
            let found: Vec<f64> = (0..samples.len()).map(|index| samples.value(index)).collect();
            assert_eq!(found, expected, "{window:?}");
        }
    }
}

#[test]
fn packets_are_found_without_their_lengths() {
    let (told, source) = opened(IGN);
    let (walked, other) = opened(&without_plt(IGN));
    assert!(told.has_packet_lengths() && !walked.has_packet_lengths());
    let expected = pattern(Size::new(70, 60), 1, |value| f64::from(value % 256));
    assert_eq!(whole(&told, &source, 0), expected);
    assert_eq!(whole(&walked, &other, 0), expected);
}

#[test]
fn wrong_lengths_of_packets_are_not_used() {
    let mut bytes = IGN.to_vec();
    let at = bytes.windows(3).position(|window| window == [0xff, 0x58, 0x00]).expect("it has them");
    bytes[at + 5] ^= 1;
    let (jp2, source) = opened(&bytes);
    assert_eq!(whole(&jp2, &source, 0), pattern(Size::new(70, 60), 1, |value| f64::from(value % 256)));
}

#[test]
fn levels_end_where_those_of_gdal_do() {
    let levels = |width, height| {
        // The sizes of a fixture with many resolutions are set to those asked for.
        let mut bytes = IGN.to_vec();
        let siz =
            bytes.windows(4).position(|window| window == [0xff, 0x4f, 0xff, 0x51]).expect("it is there") + 2;
        for (offset, side) in [(6, width), (10, height), (22, width), (26, height)] {
            bytes[siz + offset..siz + offset + 4].copy_from_slice(&u32::to_be_bytes(side));
        }
        opened(&bytes).0.levels().to_vec()
    };
    assert_eq!(levels(768, 768).len(), 4);
    assert_eq!(levels(512, 512).len(), 3);
    assert_eq!(levels(500, 100).len(), 3);
    assert_eq!(levels(162, 150), [Size::new(162, 150), Size::new(81, 75)]);
    assert_eq!(levels(121, 121).len(), 1);
}

#[test]
fn a_level_that_is_not_there_and_a_window_outside_are_errors() {
    let (jp2, source) = opened(RGB);
    assert!(matches!(jp2.decode(&source, 1, &Window::new(0, 0, 1, 1)), Err(Jp2Error::Level { level: 1 })));
    let outside = jp2.decode(&source, 0, &Window::new(39, 0, 2, 1));
    assert!(matches!(outside, Err(Jp2Error::Codestream(J2kError::Window))));
}

#[test]
fn a_window_beyond_the_limits_is_refused() {
    let source = Memory::new(RGB.to_vec());
    let jp2 =
        Jp2::open(&source, &Limits { block_bytes: 4000, ..Limits::default() }).expect("it is well formed");
    assert!(matches!(jp2.decode(&source, 0, &Window::new(0, 0, 40, 30)), Err(Jp2Error::TooMany { .. })));
    assert!(jp2.decode(&source, 0, &Window::new(0, 0, 10, 10)).is_ok());
}

#[test]
fn geojp2_is_read_as_tags_and_gmljp2_as_a_grid() {
    let (jp2, _) = opened(RGB);
    assert_eq!(
        (jp2.geo().pixel_scale.as_slice(), jp2.geo().short_key(3072)),
        (&[0.2, 0.2, 0.0][..], Some(2154))
    );
    assert_eq!(jp2.gml(), None);
    let (jp2, _) = opened(SIGNED);
    assert_eq!(jp2.geo(), &GeoTags::default());
    let gml = jp2.gml().expect("it has one");
    assert_eq!(gml.epsg(), Some(2154));
    let expected = [650_000.0, 0.2, 0.0, 6_860_000.0, 0.0, -0.2];
    assert!(gml.transform.0.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{gml:?}");
}

#[test]
fn damaged_files_never_panic() {
    let mut seed = 7u32;
    let mut random = move || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        seed >> 8
    };
    let cases = std::env::var("PAVAGE_FUZZ_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(2000);
    let limits = Limits { side_px: 4096, block_bytes: 1 << 20, ..Limits::default() };
    for case in 0..cases {
        let mut bytes = match case % 5 {
            0 => RGB.to_vec(),
            1 => IGN.to_vec(),
            2 => TILES.to_vec(),
            3 => without_plt(IGN),
            _ => SIGNED.to_vec(),
        };
        // Headers are as short as packets here: half of the damage is done to them.
        let start =
            bytes.windows(4).position(|window| window == [0xff, 0x4f, 0xff, 0x51]).expect("it is there");
        for _ in 0..=random() % 4 {
            let span = if random() % 2 == 0 { 130 } else { bytes.len() - start };
            let at = start + random() as usize % span;
            bytes[at] = random() as u8;
        }
        if random() % 8 == 0 {
            bytes.truncate(random() as usize % bytes.len());
        }
        let source = Memory::new(bytes);
        if let Ok(jp2) = Jp2::open(&source, &limits) {
            let block = jp2.block_size(0);
            let _ = jp2.decode(&source, 0, &Window::new(0, 0, block.width, block.height));
            let last = jp2.levels().len() - 1;
            let _ = jp2.decode(&source, last, &Window::new(0, 0, 1, 1));
        }
    }
}

fn data() -> Option<PathBuf> {
    let workspace = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let folder =
        std::env::var_os("PAVAGE_TEST_DATA").map_or_else(|| workspace.join("../shared/data"), PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: no test data at {}", folder.display());
    None
}

#[test]
fn files_of_the_corpus_hold_what_gdal_reads() {
    let Some(data) = data() else { return };
    let folder = data.join("corpus/rouault+gdal/autotest/gdrivers/data");
    // Levels, bands and the sum of all samples as `rasterio` 1.4.4 (GDAL 3.10.3) reads them; one lossy file may differ by
    // the rounding of a few samples.
    let expected = [
        ("jpeg2000/byte.jp2", 1, 1, 1_546_212.0, 0.0),
        ("jpeg2000/byte_2gcps.jp2", 1, 1, 50_494.0, 0.0),
        ("jpeg2000/erdas_foo.jp2", 3, 1, 27_288_280.0, 10.0),
        ("jpeg2000/gmljp2_dtedsm_epsg_4326_axes_alt_offsetVector.jp2", 1, 1, 875_210.0, 0.0),
        ("jpeg2000/gtsmall_10_uint16.jp2", 3, 1, 24_522_001.0, 0.0),
        ("jpeg2000/inconsitant_geojp2_gmljp2.jp2", 1, 1, 52_240.0, 0.0),
        ("jpeg2000/int16.jp2", 1, 1, 50_588.0, 0.0),
        ("jpeg2000/rgbwcmyk01_YeGeo_kakadu.jp2", 3, 3, 30_600_000.0, 0.0),
        ("jpeg2000/small_200ppcm.jp2", 1, 3, 393_216.0, 0.0),
        ("jpeg2000/stefan_full_rgba_alpha_1bit.jp2", 2, 4, 3_983_127.0, 0.0),
        ("test_validate_jp2/byte.jp2", 1, 1, 52_240.0, 0.0),
        ("test_validate_jp2/stefan_full_rgba.jp2", 2, 4, 4_262_885.0, 0.0),
    ];
    for (name, levels, bands, sum, tolerance) in expected {
        let source = crate::io::open(&folder.join(name), crate::io::Access::Pread).expect("it is there");
        let jp2 = Jp2::open(&*source, &Limits::default()).expect("it is well formed");
        assert_eq!((jp2.levels().len(), jp2.bands()), (levels, bands), "{name}");
        let found: f64 = whole(&jp2, &*source, 0).iter().sum();
        assert!((found - sum).abs() <= tolerance, "{name}: {found} where GDAL has {sum}");
    }
}

#[test]
fn more_than_31_bits_of_columns_are_refused() {
    let Some(data) = data() else { return };
    let path = data.join("corpus/rouault+gdal/autotest/gdrivers/data/jpeg2000/dimensions_above_31bit.jp2");
    let source = crate::io::open(&path, crate::io::Access::Mmap).expect("it is there");
    let error = Jp2::open(&*source, &Limits::default()).expect_err("it is too large");
    assert!(
        matches!(error, Jp2Error::Codestream(J2kError::TooMany { what: "columns or rows", .. })),
        "{error:?}"
    );
}

#[test]
fn axes_of_gml_are_turned_to_easting_first() {
    let Some(data) = data() else { return };
    let folder = data.join("corpus/rouault+gdal/autotest/gdrivers/data/jpeg2000");
    let path = folder.join("gmljp2_dtedsm_epsg_4326_axes_alt_offsetVector.jp2");
    let source = crate::io::open(&path, crate::io::Access::Mmap).expect("it is there");
    let jp2 = Jp2::open(&*source, &Limits::default()).expect("it is well formed");
    let transform = jp2.gml().expect("it has one").transform;
    // As `rasterio` has it; the writer has meant its vectors the other way round, which GDAL reads only when told to.
    let cell = 0.008_271_349_862_26;
    let expected = [42.999_583_333, 0.0, cell, 34.000_416_667, -cell, 0.0];
    assert!(transform.0.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{transform:?}");
}
