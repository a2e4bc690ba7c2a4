use std::{
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
};

use super::*;
use crate::{
    catalog::{Dalle, Imagery, OpenDirectly},
    cog::write::{PixelError, PixelSource, WriteOptions, write},
    crs::{Crs, Transform},
    encode::OutputFormat,
    geom::GeoTransform,
    raster::{Interpretation, SampleType},
    render::{NoCache, Plan, RenderSettings, TileAddress, gather::Spent, plan},
    resample::Kernel,
    source::{OpenOptions, Source},
    style::{LayerFacts, StyleSpec},
    tms::{Registry, TileId},
    warp,
};

/// Of a dalle, which is one block: so there are no overviews.
const SIDE: u32 = 512;
const DALLES: u32 = 4;
const CORNER: (f64, f64) = (650_000.0, 6_235_000.0);

/// Ground so many pixels to the right of the corner, and below it.
struct Ground(u32, u32);

impl PixelSource for Ground {
    fn pixels(&self, window: Window) -> Result<Raster, PixelError> {
        let places = (window.row_off..window.row_end())
            .flat_map(|row| (window.col_off..window.col_end()).map(move |col| (col, row)));
        let samples: Vec<u8> = places
            .map(|(col, row)| (col + i64::from(self.0), row + i64::from(self.1)))
            .flat_map(|(col, row)| [col / 8, row / 8, (col + row) / 16].map(|v| v as u8))
            .collect();
        Ok(Raster::new(window.size(), 3, samples, None))
    }
}

/// Dalles beside and below each other.
fn mosaic(folder: &Path) -> Imagery {
    let options = Arc::<OpenOptions>::default();
    let crs = Crs::from_epsg(2154).expect("it is known");
    let dalle = |number: u32| {
        let (right, down) = (number % DALLES * SIDE, number / DALLES * SIDE);
        let path = folder.join(format!("{number}.tif"));
        let (x, y) = (CORNER.0 + f64::from(right) * 0.05, CORNER.1 - f64::from(down) * 0.05);
        let transform = GeoTransform::north_up(x, y, 0.05, 0.05);
        let written =
            WriteOptions { block_px: SIDE, ..WriteOptions::new(Size::new(SIDE, SIDE), transform, &crs) };
        write(&path, &written, &Ground(right, down)).expect("the folder can be written to");
        let source = Source::open(&path, &options).expect("it is a GeoTIFF");
        Dalle::of(&source, &options).expect("it has a place")
    };
    (0..DALLES * DALLES).map(dalle).collect()
}

/// The tile over the middle of them, of a zoom.
fn planned(imagery: &Imagery, zoom: usize) -> Plan {
    let registry = Registry::standard();
    let set = registry.get("WebMercatorQuad").expect("it is a standard set");
    let to_set =
        Transform::new(&Crs::from_epsg(2154).expect("it is known"), &set.crs).expect("both are known");
    let (x, y) = to_set.convert(CORNER.0 + 51.2, CORNER.1 - 51.2).expect("it is in France");
    let (col, row) = set.matrices[zoom].tile_at(x, y).expect("it is in the set");
    let facts = LayerFacts::plain(3, SampleType::U8, Interpretation::Rgb);
    let style = &StyleSpec::default().resolve(&facts).expect("it fits");
    let tile = TileId { matrix: zoom, col, row };
    let address = TileAddress { set, tile, scale: 1, format: OutputFormat::Png, style };
    plan(imagery, &address, &RenderSettings::default()).expect("it can be planned")
}

/// Keeps nothing, and counts blocks that were not to be had.
#[derive(Default)]
struct Missed(AtomicUsize);

impl BlockCache for Missed {
    fn get(&self, _: &BlockKey) -> Option<Arc<Block>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        None
    }

    fn insert(&self, _: BlockKey, _: Arc<Block>) {}

    fn get_or_insert(&self, _: BlockKey, block: Arc<Block>) -> Arc<Block> {
        block
    }

    fn keeps(&self, _: usize) -> bool {
        false
    }
}

fn gathered<T>(
    blocks: &dyn BlockCache,
    work: impl FnOnce(&mut Gatherer<'_, '_>) -> Result<T, RenderError>,
) -> T {
    let context = RenderContext { files: &OpenDirectly, blocks, observer: &(), whole_blocks: false };
    let (bands, spent) = (&[0, 1, 2], Spent::default());
    work(&mut Gatherer { context: &context, bands, depth: Depth::Byte, spent, faults: 0 })
        .expect("it can be read")
}

fn at_once(read: &Read, gatherer: &mut Gatherer<'_, '_>) -> Result<Raster, RenderError> {
    let window = gatherer.window(read)?;
    let kernels =
        (Kernel::shared(read.resampling, read.shrink.0), Kernel::shared(read.resampling, read.shrink.1));
    Ok(warp::run(&window, &read.window, &read.grid, &kernels))
}

#[test]
fn strips_show_what_the_whole_does_and_none_is_large() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let imagery = mosaic(folder.path());
    for (zoom, is_large) in [(21, false), (18, true), (17, true)] {
        let plan = planned(&imagery, zoom);
        let read = &plan.reads[0];
        let whole = gathered(&NoCache, |gatherer| at_once(read, gatherer));
        let sizes = Mutex::new(Vec::new());
        let strips = gathered(&NoCache, |gatherer| {
            warped(read, gatherer, |strip, gatherer| {
                sizes.lock().push(strip.window.pixels() * 4);
                at_once(strip, gatherer)
            })
        });
        let sizes = sizes.into_inner();
        assert_eq!(sizes.len() > 1, is_large, "zoom {zoom}: {sizes:?}");
        // Kernels reach from one strip into the next.
        assert!(sizes.iter().all(|&size| size <= MOST_BYTES + MOST_BYTES / 4), "zoom {zoom}: {sizes:?}");
        assert!(whole == strips, "zoom {zoom}");
    }
}

#[test]
fn no_block_is_decoded_twice_for_two_strips() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let imagery = mosaic(folder.path());
    let plan = planned(&imagery, 18);
    let read = &plan.reads[0];
    let missed = Missed::default();
    gathered(&missed, |gatherer| warped(read, gatherer, at_once));
    let missed = missed.0.into_inner();
    assert!(missed > 0 && missed <= (DALLES * DALLES) as usize, "{missed}");
}
