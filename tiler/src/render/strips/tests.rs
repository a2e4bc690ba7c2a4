use std::{
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
};

use super::*;
use crate::{
    catalog::{Imagery, OpenDirectly},
    encode::OutputFormat,
    render::{NoCache, Plan, RenderSettings, fixture, gather::Spent},
};

/// Of a dalle, which is one block: so there are no overviews.
const SIDE: u32 = 512;
const DALLES: u32 = 4;

/// Dalles beside and below each other.
fn mosaic(folder: &Path) -> Imagery {
    let places = (0..DALLES).flat_map(|down| (0..DALLES).map(move |right| (right * SIDE, down * SIDE)));
    places.map(|at| fixture::dalle(folder, at, (SIDE, SIDE), &Arc::default())).collect()
}

/// The tile over the middle of them.
fn planned(imagery: &Imagery, zoom: usize) -> Plan {
    let middle = f64::from(DALLES * SIDE) / 2.0;
    let as_png = (OutputFormat::Png, &RenderSettings::default());
    fixture::planned(imagery, zoom, fixture::place(middle, middle), as_png)
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

#[test]
fn strips_show_what_the_whole_does_and_none_is_large() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let imagery = mosaic(folder.path());
    for (zoom, is_large) in [(21, false), (18, true), (17, true)] {
        let plan = planned(&imagery, zoom);
        let read = &plan.reads[0];
        let strips: Vec<Read> = strips(read, count(read, 3, Depth::Byte)).collect();
        assert_eq!(strips.len() > 1, is_large, "zoom {zoom}: {}", strips.len());
        // Kernels reach from one strip into the next.
        let most = strips.iter().map(|strip| strip.window.pixels() * 4).max();
        assert!(most.is_some_and(|bytes| bytes <= MOST_BYTES + MOST_BYTES / 4), "zoom {zoom}: {most:?}");
        let whole = gathered(&NoCache, |gatherer| at_once(read, gatherer));
        assert!(whole == gathered(&NoCache, |gatherer| warped(read, gatherer)), "zoom {zoom}");
    }
}

#[test]
fn no_block_is_decoded_twice_for_two_strips() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let imagery = mosaic(folder.path());
    let plan = planned(&imagery, 18);
    let read = &plan.reads[0];
    let missed = Missed::default();
    gathered(&missed, |gatherer| warped(read, gatherer));
    let missed = missed.0.into_inner();
    assert!(missed > 0 && missed <= (DALLES * DALLES) as usize, "{missed}");
}
