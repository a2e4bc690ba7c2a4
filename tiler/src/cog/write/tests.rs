use super::*;
use crate::{
    codec::Predictor,
    crs::Crs,
    geom::GeoTransform,
    raster::{Depth, Interpretation, SampleType, Samples},
    source::{OpenOptions, Source, write_verified},
};

/// A gradient in all bands, with a hole on the left where a mask is wanted.
struct Gradient {
    bands: usize,
    sample: SampleType,
    hole: Option<i64>,
}

impl PixelSource for Gradient {
    fn pixels(&self, window: Window) -> Result<Raster, PixelError> {
        let places = || {
            (window.row_off..window.row_end())
                .flat_map(move |row| (window.col_off..window.col_end()).map(move |col| (col, row)))
        };
        let mut samples = Samples::zeros(self.sample, window.pixels() as usize * self.bands);
        let mask = self.hole.map(|hole| {
            places().map(|(col, row)| if col < hole && row < 300 { 0 } else { 255 }).collect::<Vec<u8>>()
        });
        for (pixel, (col, row)) in places().enumerate() {
            if mask.as_ref().is_some_and(|mask| mask[pixel] == 0) {
                continue;
            }
            for band in 0..self.bands {
                let value = [col / 5 + 1, row / 5 + 1, 90][band % 3];
                samples.set(pixel * self.bands + band, value as f64);
            }
        }
        Ok(Raster::new(window.size(), self.bands, samples, mask))
    }
}

const DEFLATE: Encoding = Encoding::Deflate { level: 1, predictor: Predictor::Horizontal };

fn options() -> WriteOptions {
    let geotransform = GeoTransform::north_up(650_000.0, 6_235_000.0, 0.05, 0.05);
    let crs = Crs::from_epsg(2154).expect("known");
    WriteOptions {
        block_px: 128,
        smallest_px: 128,
        ..WriteOptions::new(Size::new(700, 500), geotransform, &crs)
    }
}

fn written(options: &WriteOptions, hole: Option<i64>) -> (std::sync::Arc<Source>, Written) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("gradient.tif");
    let source = Gradient { bands: options.bands, sample: options.sample, hole };
    let written = write_verified(&path, options, &source).expect("it is written and read back");
    assert_eq!(written.bytes, std::fs::metadata(&path).expect("it is there").len());
    (Source::open(&path, &OpenOptions::default()).expect("it is a GeoTIFF"), written)
}

#[test]
fn what_is_written_reads_back_at_every_level() {
    let options = options();
    let (cog, _) = written(&options, None);
    assert_eq!((cog.size(), cog.crs().and_then(Crs::epsg)), (options.size, Some(2154)));
    assert_eq!(cog.geotransform(), Some(&options.geotransform));
    assert_eq!(cog.overviews(), [(350, 250), (175, 125), (88, 63)].map(|(w, h)| Size::new(w, h)));
    for (level, scale) in [(0, 1), (1, 2), (2, 4), (3, 8)] {
        let pixel = cog.window(level, Window::new(20, 10, 1, 1), Depth::Byte).expect("it is there");
        let pixel = pixel.pixel(0, 0).expect("it is inside");
        let expected = [f64::from(20 * scale / 5 + 1), f64::from(10 * scale / 5 + 1), 90.0];
        assert!(
            pixel.iter().zip(&expected).all(|(a, b)| (a - b).abs() <= 3.0),
            "level {level}: {pixel:?} for {expected:?}"
        );
    }
}

#[test]
fn every_encoding_and_type_reads_back() {
    let predicted = |sample| Encoding::Zstd { level: 1, predictor: Encoding::predictor_for(sample) };
    for (bands, sample, interpretation, encoding) in [
        (1, SampleType::U8, Interpretation::Grey, Encoding::Jpeg { quality: 90, chroma: Chroma::Halved }),
        (3, SampleType::U8, Interpretation::Rgb, Encoding::Jpeg { quality: 90, chroma: Chroma::Full }),
        (1, SampleType::U8, Interpretation::WhiteIsZero, DEFLATE),
        (3, SampleType::U8, Interpretation::Rgb, Encoding::WebP { quality: 80 }),
        (3, SampleType::U8, Interpretation::Rgb, Encoding::LosslessWebP),
        (4, SampleType::U16, Interpretation::Rgb, predicted(SampleType::U16)),
        (2, SampleType::I32, Interpretation::Grey, predicted(SampleType::I32)),
        (1, SampleType::F32, Interpretation::Grey, predicted(SampleType::F32)),
        (1, SampleType::F64, Interpretation::Grey, predicted(SampleType::F64)),
        (1, SampleType::I8, Interpretation::Grey, DEFLATE),
        (1, SampleType::U64, Interpretation::Grey, predicted(SampleType::U64)),
    ] {
        for transparency in [Transparency::Opaque, Transparency::Mask, Transparency::Nodata(0.0)] {
            let options = WriteOptions { bands, sample, interpretation, encoding, transparency, ..options() };
            let hole = (transparency != Transparency::Opaque).then_some(200);
            let (cog, written) = written(&options, hole);
            assert_eq!(
                (cog.bands(), cog.sample(), cog.facts().interpretation),
                (bands, sample, interpretation)
            );
            let window = cog.window(0, Window::new(10, 10, 300, 1), Depth::Float).expect("it is there");
            assert_eq!(window.validity(280, 0), 255);
            // What lossy files call nodata hides nothing by itself.
            if hole.is_some() && (encoding.is_lossless() || transparency == Transparency::Mask) {
                assert_eq!(window.validity(0, 0), 0, "{encoding:?} {transparency:?}");
                assert!(written.blocks[0].contains(&0), "a block of nothing is left out");
            }
        }
    }
}

#[test]
fn a_large_file_is_a_big_tiff() {
    let options = WriteOptions { classic_bytes: 10_000, transparency: Transparency::Mask, ..options() };
    let (cog, _) = written(&options, Some(90));
    assert!(cog.is_big_tiff());
    assert!(!written(&super::tests::options(), None).0.is_big_tiff());
}

#[test]
fn a_mask_is_left_out_when_everything_is_valid() {
    let options = WriteOptions { transparency: Transparency::Mask, ..options() };
    assert!(!written(&options, None).0.level(0).has_mask());
    let (cog, _) = written(&options, Some(3));
    assert!((0..4).all(|level| cog.level(level).has_mask()));
    let edge = cog.window(1, Window::new(0, 0, 3, 1), Depth::Byte).expect("it is there");
    assert_eq!(edge.mask(), Some(&[0, 255, 255][..]), "one valid pixel of four is enough");
}

#[test]
fn alpha_is_one_more_band() {
    for encoding in [DEFLATE, Encoding::LosslessWebP, Encoding::WebP { quality: 80 }] {
        let options = WriteOptions { encoding, transparency: Transparency::Alpha, ..options() };
        let (cog, _) = written(&options, Some(100));
        assert_eq!((cog.bands(), cog.alpha_band()), (3, Some(3)));
        let window = cog.window(0, Window::new(98, 0, 4, 1), Depth::Byte).expect("it is there");
        assert_eq!(window.mask(), Some(&[0, 0, 255, 255][..]));
    }
}

#[test]
fn statistics_are_told_and_a_palette_is_kept() {
    let palette = vec![[0, 0, 0, 255], [200, 100, 50, 255]];
    let options = WriteOptions {
        bands: 1,
        interpretation: Interpretation::Palette,
        palette: palette.clone(),
        encoding: DEFLATE,
        has_statistics: true,
        ..options()
    };
    let (cog, written) = written(&options, None);
    assert_eq!(cog.facts().palette[..2], palette);
    let told = cog.band_facts()[0].statistics.expect("they are told");
    assert_eq!((told.min, told.max), (1.0, 140.0));
    assert!((written.statistics[0].mean - told.mean.expect("told")).abs() < 1e-9);
}

#[test]
fn a_crs_in_degrees_and_a_rotated_image_keep_their_place() {
    let crs = Crs::from_epsg(4171).expect("known");
    let geotransform = GeoTransform([2.0, 1e-6, 2e-7, 43.0, 2e-7, -1e-6]);
    let options = WriteOptions { geotransform, crs: crs.clone(), ..options() };
    let (cog, _) = written(&options, None);
    assert_eq!((cog.crs(), cog.geotransform()), (Some(&crs), Some(&geotransform)));
}

#[test]
fn a_file_that_is_being_written_is_nobody_elses_and_a_remnant_is_used_again() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("a.tif");
    let source = Gradient { bands: 3, sample: SampleType::U8, hole: None };
    let one = write_unfinished(&path, &options(), &source).expect("it is written");
    let error = write(&path, &options(), &source).expect_err("it is locked").problem;
    assert!(error.to_string().contains("another process"), "{error}");
    one.finish().expect("it gets its name");
    std::fs::write(folder.path().join("a.tif.part"), vec![7; 10_000_000]).expect("there is room");
    let bytes = write(&path, &options(), &source).expect("it is written").bytes;
    assert_eq!(std::fs::metadata(&path).expect("it is there").len(), bytes);
}

#[test]
fn what_does_not_fit_is_refused_and_nothing_stays() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("a.tif");
    let source = Gradient { bands: 4, sample: SampleType::U8, hole: None };
    let refused =
        |options: WriteOptions| write(&path, &options, &source).expect_err("it does not fit").problem;
    assert!(matches!(refused(WriteOptions { bands: 4, ..options() }), WriteProblem::Unfit { .. }));
    assert!(matches!(refused(WriteOptions { block_px: 100, ..options() }), WriteProblem::BlockSize { .. }));
    assert!(matches!(refused(options()), WriteProblem::Mismatch { .. }));
    assert_eq!(std::fs::read_dir(folder.path()).expect("it is there").count(), 0);
}
