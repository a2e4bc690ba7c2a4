use std::{collections::HashMap, fs::File, path::Path, time::Duration};

use parking_lot::Mutex;

use super::*;
use crate::{
    catalog::OpenDirectly,
    cog::write::{PixelError, PixelSource, WriteOptions, write},
    crs::Crs,
    geom::GeoTransform,
    render::NoCache,
    source::{BlockKey, OpenOptions},
};

const SIDE: u32 = 128;
const WHOLE: Window = Window::new(0, 0, SIDE, SIDE);
const FIRST: BlockAddress = BlockAddress { level: 0, plane: Plane::Image, col: 0, row: 0 };

/// All that was ever kept.
#[derive(Default)]
struct Kept(Mutex<HashMap<BlockKey, Arc<Block>>>);

impl BlockCache for Kept {
    fn get(&self, key: &BlockKey) -> Option<Arc<Block>> {
        self.0.lock().get(key).cloned()
    }

    fn insert(&self, key: BlockKey, block: Arc<Block>) {
        self.0.lock().insert(key, block);
    }

    fn get_or_insert(&self, key: BlockKey, block: Arc<Block>) -> Arc<Block> {
        Arc::clone(self.0.lock().entry(key).or_insert(block))
    }

    fn keeps(&self, _: usize) -> bool {
        true
    }
}

struct Grey;

impl PixelSource for Grey {
    fn pixels(&self, window: Window) -> Result<Raster, PixelError> {
        Ok(Raster::new(window.size(), 3, vec![128_u8; 3 * window.pixels() as usize], None))
    }
}

fn jpeg(path: &Path) -> Arc<Source> {
    let transform = GeoTransform::north_up(650_000.0, 6_235_000.0, 0.05, 0.05);
    let crs = Crs::from_epsg(2154).expect("it is known");
    let options =
        WriteOptions { block_px: SIDE, ..WriteOptions::new(Size::new(SIDE, SIDE), transform, &crs) };
    write(path, &options, &Grey).expect("the folder can be written to");
    Source::open(path, &OpenOptions::default()).expect("it is a GeoTIFF")
}

/// What a tile gets that finds nothing of use in the cache.
fn decoded(source: &Source, cache: &Kept) -> Result<Arc<Block>, SourceError> {
    let mut wanted = Wanted { address: FIRST, part: WHOLE, block: None, holding: Holding::Never };
    wanted.decode(source, &source.fetch(&[FIRST])?[0], cache)?;
    Ok(wanted.block.expect("it is decoded"))
}

#[test]
fn what_lies_above_is_decoded_as_well_where_the_block_is_kept() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let source = jpeg(&folder.path().join("grey.tif"));
    let middle = Window::new(40, 60, 30, 20);
    let above = Window::new(0, 0, SIDE, 60);
    let kept = Kept::default();
    let decoded = |blocks: &dyn BlockCache| {
        let context = RenderContext { files: &OpenDirectly, blocks, observer: &(), whole_blocks: false };
        let spent = Spent::default();
        let mut gatherer =
            Gatherer { context: &context, bands: &[0, 1, 2], depth: Depth::Byte, spent, faults: 0 };
        gatherer.blocks(&source, &[FIRST], &middle).expect("it is sound").remove(0)
    };
    for (block, expected) in [(decoded(&kept), Holding::All), (decoded(&NoCache), Holding::NotYet)] {
        assert_eq!((block.holding(&middle), block.holding(&above)), (Holding::All, expected));
        assert_eq!(block.holding(&WHOLE), Holding::NotYet);
    }
}

#[test]
fn who_comes_second_to_a_missing_block_takes_the_first_ones() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (source, cache) = (jpeg(&folder.path().join("grey.tif")), Kept::default());
    let first = decoded(&source, &cache).expect("it is sound");
    assert!(Arc::ptr_eq(&first, &decoded(&source, &cache).expect("it is sound")));
}

#[test]
fn a_block_that_broke_is_decoded_anew_as_soon_as_that_is_possible() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("grey.tif");
    let (source, cache) = (jpeg(&path), Kept::default());
    let file = File::options().write(true).open(&path).expect("it is there");
    let modified = file.metadata().and_then(|metadata| metadata.modified()).expect("it has a time");
    file.set_modified(modified + Duration::from_secs(1)).expect("it is ours");
    assert!(decoded(&source, &cache).is_err(), "it has changed");
    file.set_modified(modified).expect("it is ours");
    let block = decoded(&source, &cache).expect("it is as it was");
    assert!(block.ycbcr().is_some(), "in parts, so that its tiles have the same bytes as before");
    let kept = cache.get(&source.block_key(FIRST)).expect("it is kept");
    assert!(Arc::ptr_eq(&block, &kept));
}
