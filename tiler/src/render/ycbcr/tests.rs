use std::path::Path;

use super::*;
use crate::{
    catalog::{Dalle, OpenDirectly},
    composite::Composite,
    encode::{EncodeOptions, encode_ycbcr},
    raster::Samples,
    render::{NoCache, RenderContext, RenderSettings, fixture, gather::Spent, strips},
    resample::Resampling,
    source::{NodataRule, OpenOptions},
};

const SIDE: u32 = 608;

/// A dalle that begins so many pixels to the right of the corner.
fn dalle(folder: &Path, right_px: u32, options: &Arc<OpenOptions>) -> Dalle {
    fixture::dalle(folder, (right_px, 0), (SIDE, 128), options)
}

/// The tile of `WebMercatorQuad` so many pixels from the corner: the short way, and the long one in red green blue.
fn both_ways(
    dalles: &[Dalle],
    zoom: usize,
    place: (f64, f64),
    settings: &RenderSettings,
) -> (Option<YCbCr>, Vec<u8>) {
    let imagery = &dalles.iter().cloned().collect();
    let plan =
        fixture::planned(imagery, zoom, fixture::place(place.0, place.1), (OutputFormat::Jpeg, settings));
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
        let warped = strips::warped(read, &mut gatherer()).expect("it can be read");
        composite.feed(&warped, read.grid.target());
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
    let dalles = [dalle(folder.path(), 0, &options), dalle(folder.path(), SIDE, &options)];
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
