use std::path::Path;

use super::*;
use crate::{
    codec::Predictor,
    cog::write::{Encoding, PixelError, PixelSource, Transparency, WriteOptions, write},
    geom::{GeoTransform, Size},
    raster::{Depth, Raster, Samples},
    tms::Registry,
};

/// A pattern that depends on the place on the ground, in pixels of 5 cm.
struct Ground {
    cols: i64,
    rows: i64,
    add: u8,
}

impl PixelSource for Ground {
    fn pixels(&self, window: Window) -> Result<Raster, PixelError> {
        let mut pixels = Vec::with_capacity(window.pixels() as usize * 3);
        for row in window.row_off + self.rows..window.row_end() + self.rows {
            for col in window.col_off + self.cols..window.col_end() + self.cols {
                pixels
                    .extend([col, row, col + row].map(|v| (v.rem_euclid(200) as u8).wrapping_add(self.add)));
            }
        }
        Ok(Raster::new(window.size(), 3, pixels, None))
    }
}

const CORNER: (f64, f64) = (650_000.0, 6_235_000.0);
const SIDE: u32 = 300;

fn lossless() -> Encoding {
    Encoding::Zstd { level: 1, predictor: Predictor::None }
}

/// A file whose upper left pixel lies so many pixels east and south of the corner.
fn dalle(path: &Path, (cols, rows): (f64, f64), encoding: Encoding, add: u8) {
    let geotransform = GeoTransform::north_up(CORNER.0 + cols * 0.05, CORNER.1 - rows * 0.05, 0.05, 0.05);
    let crs = Crs::from_epsg(2154).expect("known");
    let options = WriteOptions {
        encoding,
        block_px: 128,
        smallest_px: u32::MAX,
        ..WriteOptions::new(Size::new(SIDE, SIDE), geotransform, &crs)
    };
    let ground = Ground { cols: cols as i64, rows: rows as i64, add };
    write(path, &options, &ground).expect("the folder can be written to");
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn job(&self, sources: &[&str]) -> Job {
        Job {
            sources: sources.iter().map(|name| self.path(name)).collect(),
            target: self.path("out/a.tif"),
            cell: None,
        }
    }
}

fn pixels(path: &Path, window: Window) -> Raster {
    let source = Source::open(path, &OpenOptions::default()).expect("it is a GeoTIFF");
    source.window(0, window, Depth::Byte).expect("it is sound")
}

#[test]
fn a_lossless_file_stays_so_and_is_converted_once() {
    let folder = Folder::new();
    dalle(&folder.path("a.tif"), (0.0, 0.0), lossless(), 0);
    let job = folder.job(&["a.tif"]);
    let done = convert(&job, &Options::default(), &()).expect("it converts");
    assert_eq!((done.was_there, done.compression), (false, "ZSTD"));
    let whole = Window::new(0, 0, SIDE, SIDE);
    assert_eq!(pixels(&job.target, whole), pixels(&job.sources[0], whole));
    assert!(convert(&job, &Options::default(), &()).expect("it is there").was_there);
    let other = Options { compress: Some(Compress::Jpeg), ..Options::default() };
    assert_eq!(convert(&job, &other, &()).expect("it converts again").compression, "JPEG");
    dalle(&folder.path("a.tif"), (0.0, 0.0), lossless(), 1);
    assert!(!convert(&job, &other, &()).expect("the source is another").was_there);
}

#[test]
fn a_lossy_file_becomes_jpeg() {
    let folder = Folder::new();
    dalle(&folder.path("a.tif"), (0.0, 0.0), Encoding::WebP { quality: 90 }, 0);
    let job = folder.job(&["a.tif"]);
    assert_eq!(convert(&job, &Options::default(), &()).expect("it converts").compression, "JPEG");
}

#[test]
fn originals_and_files_of_others_are_never_touched() {
    let folder = Folder::new();
    dalle(&folder.path("a.tif"), (0.0, 0.0), lossless(), 0);
    let same = Job { target: folder.path("./a.tif"), ..folder.job(&["a.tif"]) };
    assert!(matches!(convert(&same, &Options::default(), &()), Err(ConvertError::Itself { .. })));
    dalle(&folder.path("b.tif"), (0.0, 0.0), lossless(), 0);
    let other = Job { target: folder.path("b.tif"), ..folder.job(&["a.tif"]) };
    assert!(matches!(convert(&other, &Options::default(), &()), Err(ConvertError::Taken { .. })));
}

#[test]
fn nodata_becomes_a_mask_where_it_is_given() {
    let folder = Folder::new();
    dalle(&folder.path("a.tif"), (0.0, 0.0), lossless(), 0);
    let job = folder.job(&["a.tif"]);
    let options = Options { nodata: Some(0.0), compress: Some(Compress::Jpeg), ..Options::default() };
    convert(&job, &options, &()).expect("it converts");
    // Only where all bands are 0: columns and rows that are multiples of 200.
    let raster = pixels(&job.target, Window::new(199, 199, 3, 3));
    assert_eq!(raster.mask(), Some(&[255, 255, 255, 255, 0, 255, 255, 255, 255][..]));
}

#[test]
fn a_file_that_lies_on_the_grid_is_shifted_and_keeps_every_value() {
    let folder = Folder::new();
    dalle(&folder.path("a.tif"), (40.0, 30.0), lossless(), 0);
    let job = folder.job(&["a.tif"]);
    let set = Registry::standard().get("LAMB93_5cm").expect("IGN's grid").clone();
    let options = Options { into: Some(Into { set, matrix: None }), ..Options::default() };
    let done = convert(&job, &options, &()).expect("it converts");
    assert!(done.notes.is_empty(), "{:?}", done.notes);
    let target = Source::open(&job.target, &OpenOptions::default()).expect("it is a GeoTIFF");
    assert_eq!(target.level(0).block_size(), Size::new(256, 256));
    let corner = target.geotransform().expect("it is placed").0;
    assert!((corner[0] / 12.8).fract().abs() < 1e-6 && (corner[3] / 12.8).fract().abs() < 1e-6);
    let (col, row) =
        (((CORNER.0 + 2.0 - corner[0]) / 0.05).round(), ((corner[3] - CORNER.1 + 1.5) / 0.05).round());
    let part = pixels(&job.target, Window::new(col as i64, row as i64, SIDE, SIDE));
    assert_eq!(part, pixels(&job.sources[0], Window::new(0, 0, SIDE, SIDE)));
    let around = pixels(&job.target, Window::new(col as i64 - 1, row as i64, 1, 1));
    assert_eq!(around.mask(), Some(&[0][..]), "what is added is not valid");
}

#[test]
fn a_file_beside_the_grid_is_warped_and_says_so() {
    let folder = Folder::new();
    dalle(&folder.path("a.tif"), (40.4, 30.0), lossless(), 0);
    let job = folder.job(&["a.tif"]);
    let set = Registry::standard().get("LAMB93_5cm").expect("IGN's grid").clone();
    let options = Options { into: Some(Into { set, matrix: Some(22) }), ..Options::default() };
    let done = convert(&job, &options, &()).expect("it converts");
    assert!(done.notes[0].contains("it was warped"), "{:?}", done.notes);
    let mercator = Registry::standard().get("PM").expect("Mercator").clone();
    let options = Options { into: Some(Into { set: mercator, matrix: None }), ..Options::default() };
    convert(&job, &options, &()).expect("it converts");
    let target = Source::open(&job.target, &OpenOptions::default()).expect("it is a GeoTIFF");
    assert_eq!(target.crs().and_then(Crs::epsg), Some(3857));
    // Some pixels of the middle are where they were on the ground.
    let place = target.place().expect("it is placed");
    let to_lambert =
        crate::crs::Transform::new(place.crs(), &Crs::from_epsg(2154).expect("known")).expect("a way");
    let middle = (i64::from(target.size().width) / 2, i64::from(target.size().height) / 2);
    let (x, y) = place.geotransform().apply(middle.0 as f64 + 0.5, middle.1 as f64 + 0.5);
    let (x, y) = to_lambert.convert(x, y).expect("on earth");
    let expected = ((x - CORNER.0) / 0.05).floor().rem_euclid(200.0);
    let found = pixels(&job.target, Window::new(middle.0, middle.1, 1, 1)).pixel(0, 0).expect("inside");
    assert!((found[0] - expected).abs() <= 2.0, "{found:?} for {expected}, {y}");
}

#[test]
fn files_are_joined_on_a_grid_and_the_newest_wins() {
    let folder = Folder::new();
    let side = f64::from(SIDE);
    std::fs::create_dir(folder.path("in")).expect("the folder can be written to");
    for (name, at, add) in
        [("a", (0.0, 0.0), 0), ("b", (side, 0.0), 0), ("c", (0.0, side), 0), ("new", (0.0, 0.0), 9)]
    {
        dalle(&folder.path(&format!("in/{name}.tif")), at, lossless(), add);
    }
    let inputs: Vec<Input> = ["a", "b", "c", "new"]
        .map(|name| Input { path: folder.path(&format!("in/{name}.tif")), relative: "x.tif".into() })
        .into();
    for (order, add) in [(Order::Newest, 9u8), (Order::First, 0)] {
        let output = folder.path(&format!("{order:?}"));
        let (jobs, refused) =
            merged(&inputs, &output, (Merge::Count(2, 2), order), &Options::default()).expect("they join");
        assert!(refused.is_empty());
        let [job] = &jobs[..] else { panic!("{jobs:?}") };
        assert_eq!(job.target, output.join("650000_6235000.tif"));
        convert(job, &Options::default(), &()).expect("they join");
        let middle = pixels(&job.target, Window::new(290, 290, 20, 20));
        let Samples::U8(bytes) = middle.samples() else { panic!("bytes") };
        assert_eq!(bytes[..3], [90 + add, 90 + add, 180u8.wrapping_add(add)], "{order:?}");
        assert_eq!(bytes[15 * 3..][..3], [105, 90, 195], "the neighbour");
        assert_eq!((middle.validity(0, 15), middle.validity(15, 15)), (255, 0), "no file there");
    }
    let (jobs, _) =
        merged(&inputs, &folder.path("m"), (Merge::Side(10.0), Order::First), &Options::default())
            .expect("they join");
    assert_eq!(jobs.len(), 8, "{jobs:?}");
}

#[test]
fn a_file_without_a_crs_gets_the_one_that_is_given() {
    let folder = Folder::new();
    dalle(&folder.path("a.tif"), (0.0, 0.0), lossless(), 0);
    let mut bytes = std::fs::read(folder.path("a.tif")).expect("it is there");
    // The tag of GeoKeys becomes one that nobody knows.
    let at = bytes.windows(2).position(|two| two == 34_735u16.to_le_bytes()).expect("it is there");
    bytes[at..at + 2].copy_from_slice(&34_800u16.to_le_bytes());
    std::fs::write(folder.path("b.tif"), bytes).expect("the folder can be written to");
    let job = folder.job(&["b.tif"]);
    let error = convert(&job, &Options::default(), &()).expect_err("it lies nowhere");
    assert!(error.to_string().contains("--crs EPSG:2154"), "{error}");
    let options = Options { crs: Some(Crs::from_epsg(2154).expect("known")), ..Options::default() };
    convert(&job, &options, &()).expect("it converts");
    let target = Source::open(&job.target, &OpenOptions::default()).expect("it is a GeoTIFF");
    assert_eq!(target.crs().and_then(Crs::epsg), Some(2154));
}

/// Two bands.
struct Two;

impl PixelSource for Two {
    fn pixels(&self, window: Window) -> Result<Raster, PixelError> {
        Ok(Raster::new(window.size(), 2, vec![7u8; window.pixels() as usize * 2], None))
    }
}

#[test]
fn a_codec_that_does_not_hold_the_bands_is_refused_with_another() {
    let folder = Folder::new();
    let crs = Crs::from_epsg(2154).expect("known");
    let geotransform = GeoTransform::north_up(CORNER.0, CORNER.1, 0.05, 0.05);
    let options = WriteOptions {
        encoding: lossless(),
        transparency: Transparency::Alpha,
        ..WriteOptions::new(Size::new(40, 40), geotransform, &crs)
    };
    write(&folder.path("a.tif"), &options, &Ground { cols: 0, rows: 0, add: 0 }).expect("it is written");
    let job = folder.job(&["a.tif"]);
    // Alpha becomes a mask, so three bands are left.
    let jpeg = Options { compress: Some(Compress::Jpeg), ..Options::default() };
    convert(&job, &jpeg, &()).expect("it converts");
    let grey = WriteOptions { bands: 2, interpretation: crate::raster::Interpretation::Grey, ..options };
    write(&folder.path("two.tif"), &grey, &Two).expect("it is written");
    let error = convert(&folder.job(&["two.tif"]), &jpeg, &()).expect_err("two bands");
    assert!(error.to_string().contains("--compress zstd"), "{error}");
}

#[test]
fn two_files_that_would_become_one_are_told() {
    let input = |path: &str, relative: &str| Input { path: path.into(), relative: relative.into() };
    let inputs = [input("x/a.jp2", "a.jp2"), input("x/a.tif", "a.tif"), input("x/s/a.tif", "s/a.tif")];
    let (jobs, refused) = jobs(&inputs, Path::new("out"));
    let targets: Vec<&Path> = jobs.iter().map(|job| job.target.as_path()).collect();
    assert_eq!(targets, [Path::new("out/a.tif"), Path::new("out/s/a.tif")]);
    assert!(refused.len() == 1 && refused[0].reason.contains("rename one"), "{refused:?}");
}
