use std::path::Path;

use super::*;
use crate::{
    catalog::{Dalle, OpenDirectly},
    cog::write::{PixelError, PixelSource, WriteOptions, write},
    composite::Composite,
    crs::{Crs, Transform},
    encode::{EncodeOptions, encode_ycbcr},
    geom::{GeoTransform, Size},
    raster::{Interpretation, Raster, SampleType, Samples},
    render::{NoCache, RenderContext, RenderSettings, TileAddress, gather::Spent, plan},
    resample::{Kernel, Resampling},
    source::{NodataRule, OpenOptions, Source},
    style::{LayerFacts, StyleSpec},
    tms::{Registry, TileId},
};

const SIDE: u32 = 608;
const CORNER: (f64, f64) = (650_000.0, 6_235_000.0);

/// Ground whose colours change slowly, from so many pixels to the right of the corner on.
struct Ground(i64);

impl PixelSource for Ground {
    fn pixels(&self, window: Window) -> Result<Raster, PixelError> {
        let wave = |at: i64, length: f64| 128.0 + 90.0 * (at as f64 / length).sin();
        let colour =
            |col: i64, row: i64| [wave(col, 9.0) as u8, wave(row, 30.0) as u8, wave(col + row, 50.0) as u8];
        let places = (window.row_off..window.row_end())
            .flat_map(|row| (window.col_off..window.col_end()).map(move |col| (col, row)));
        let samples: Vec<u8> = places.flat_map(|(col, row)| colour(col + self.0, row)).collect();
        Ok(Raster::new(window.size(), 3, samples, None))
    }
}

/// A dalle that begins so many pixels to the right of the corner.
fn dalle(folder: &Path, right_px: i64, options: &Arc<OpenOptions>) -> Dalle {
    let path = folder.join(format!("{right_px}.tif"));
    let crs = Crs::from_epsg(2154).expect("it is known");
    let transform = GeoTransform::north_up(CORNER.0 + right_px as f64 * 0.05, CORNER.1, 0.05, 0.05);
    let written = WriteOptions { block_px: 128, ..WriteOptions::new(Size::new(SIDE, SIDE), transform, &crs) };
    write(&path, &written, &Ground(right_px)).expect("the folder can be written to");
    Dalle::of(&Source::open(&path, options).expect("it is a GeoTIFF"), options).expect("it has a place")
}

/// The tile of `WebMercatorQuad` so many pixels from the corner: the short way, and the long one in red green blue.
fn both_ways(
    dalles: &[Dalle],
    zoom: usize,
    place: (f64, f64),
    settings: &RenderSettings,
) -> (Option<YCbCr>, Vec<u8>) {
    let registry = Registry::standard();
    let set = registry.get("WebMercatorQuad").expect("it is a standard set");
    let to_set =
        Transform::new(&Crs::from_epsg(2154).expect("it is known"), &set.crs).expect("both are known");
    let (x, y) =
        to_set.convert(CORNER.0 + place.0 * 0.05, CORNER.1 - place.1 * 0.05).expect("it is in France");
    let (col, row) = set.matrices[zoom].tile_at(x, y).expect("it is in the set");
    let facts = LayerFacts::plain(3, SampleType::U8, Interpretation::Rgb);
    let style = &StyleSpec::default().resolve(&facts).expect("it fits");
    let tile = TileId { matrix: zoom, col, row };
    let address = TileAddress { set, tile, scale: 1, format: OutputFormat::Jpeg, style };
    let plan = plan(&dalles.iter().cloned().collect(), &address, settings).expect("it can be planned");
    let context =
        RenderContext { files: &OpenDirectly, blocks: &NoCache, observer: &(), whole_blocks: false };
    let gatherer = || Gatherer {
        context: &context,
        bands: &[0, 1, 2],
        depth: Depth::Byte,
        spent: Spent::default(),
        faults: 0,
    };
    let short = super::tile(&plan, &mut gatherer()).expect("it can be read");
    let mut composite = Composite::new(plan.size, 3, Depth::Byte);
    for read in &plan.reads {
        let window = gatherer().window(read).expect("it can be read");
        let kernels =
            (Kernel::shared(read.resampling, read.shrink.0), Kernel::shared(read.resampling, read.shrink.1));
        composite.feed(&warp::run(&window, &read.window, &read.grid, &kernels), read.grid.target());
    }
    let (Samples::U8(long), _) = composite.finish().into_parts() else { panic!("bytes stay bytes") };
    (short, long)
}

/// Mean and greatest difference of what a JPEG shows from a picture.
fn difference(picture: &YCbCr, long: &[u8]) -> (f64, u8) {
    let options = EncodeOptions { jpeg_quality: 98, ..EncodeOptions::default() };
    let tile = encode_ycbcr(picture, OutputFormat::Jpeg, options).expect("it encodes");
    let shown = image::load_from_memory(&tile.bytes).expect("it is a JPEG").to_rgb8();
    let differences: Vec<u8> = shown.as_raw().iter().zip(long).map(|(a, b)| a.abs_diff(*b)).collect();
    let mean = differences.iter().map(|&d| f64::from(d)).sum::<f64>() / differences.len() as f64;
    (mean, differences.into_iter().max().unwrap_or(0))
}

#[test]
fn the_short_way_shows_what_the_long_one_does() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let options = Arc::default();
    let dalles = [dalle(folder.path(), 0, &options), dalle(folder.path(), i64::from(SIDE), &options)];
    for resampling in [Resampling::Bilinear, Resampling::Cubic, Resampling::Lanczos] {
        let settings = RenderSettings { resampling, ..RenderSettings::default() };
        // Within one dalle, and over the edge between two.
        for place in [(300.0, 300.0), (608.0, 300.0)] {
            let (short, long) = both_ways(&dalles, 21, place, &settings);
            let (mean, most) = difference(&short.expect("all is stored so"), &long);
            assert!(mean < 1.0 && most < 10, "{resampling:?} {place:?}: {mean} {most}");
        }
    }
}

#[test]
fn what_cannot_go_the_short_way_goes_the_long_one() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (options, settings) = (Arc::default(), RenderSettings::default());
    let whole = dalle(folder.path(), 0, &options);
    let short =
        |dalles: &[Dalle], zoom, place, settings: &RenderSettings| both_ways(dalles, zoom, place, settings).0;
    let inside = (300.0, 300.0);
    let alone = std::slice::from_ref(&whole);
    assert!(short(alone, 21, inside, &settings).is_some());
    assert!(short(alone, 21, (600.0, 300.0), &settings).is_none(), "imagery ends in the tile");
    let lanczos = RenderSettings { resampling: Resampling::Lanczos, ..RenderSettings::default() };
    assert!(short(alone, 20, inside, &lanczos).is_none(), "the kernel is too wide");
    let nearest = RenderSettings { resampling: Resampling::Nearest, ..RenderSettings::default() };
    assert!(short(alone, 21, inside, &nearest).is_none(), "pixels stay as they are");
    let hiding = Arc::new(OpenOptions { nodata: NodataRule::Value(0.0), ..OpenOptions::default() });
    assert!(
        short(&[dalle(folder.path(), 0, &hiding)], 21, inside, &settings).is_none(),
        "pixels may be hidden"
    );
}

#[test]
fn what_shows_in_a_window_is_what_covers_it_and_is_not_covered() {
    let window = Window::new(10, 10, 20, 20);
    let numbers = |places: &[(i64, i64, u32, u32)]| {
        let places: Vec<Window> = places.iter().map(|&(x, y, w, h)| Window::new(x, y, w, h)).collect();
        let shown = shown(&window, &places)?;
        Some(shown.into_iter().map(|(number, _)| number).collect::<Vec<_>>())
    };
    assert_eq!(numbers(&[(0, 0, 100, 100)]), Some(vec![0]));
    assert_eq!(numbers(&[(0, 0, 16, 100), (16, 0, 100, 100)]), Some(vec![0, 1]));
    assert_eq!(numbers(&[(0, 0, 100, 100), (15, 0, 100, 100)]), Some(vec![0]), "the second one lies below");
    let below = [(0, 0, 16, 100), (0, 0, 16, 50), (16, 0, 100, 100)];
    assert_eq!(numbers(&below), Some(vec![0, 2]), "the second one lies below the first");
    assert_eq!(numbers(&[(0, 0, 16, 100), (18, 0, 100, 100)]), None, "a gap");
    assert_eq!(numbers(&[(0, 0, 16, 100), (16, 0, 100, 18)]), None, "a corner");
    assert_eq!(numbers(&[(0, 0, 16, 100), (0, 0, 100, 100)]), None, "the second one shows in part");
    assert_eq!(numbers(&[(0, 0, 17, 100), (17, 0, 100, 100)]), None, "chroma shared by two images");
    assert_eq!(numbers(&[(-1, 0, 100, 100)]), None, "chroma between pixels of chroma");
}
