//! A tile at native zoom in WebMercatorQuad: the plan, the tile with all blocks to decode, and with none.

use std::{collections::HashMap, hint::black_box, sync::Arc};

use bench_support::cog;
use criterion::{Criterion, criterion_group, criterion_main};
use tiler::{
    catalog::{Dalle, Imagery, OpenFiles},
    encode::OutputFormat,
    raster::{Raster, SampleType},
    render::{self, BlockCache, NoCache, RenderContext, RenderSettings, TileAddress},
    source::{BlockKey, Source},
    style::{Interpretation, LayerFacts, StyleSpec},
    tms::{Registry, TileId, TileMatrixSet},
};

#[derive(Default)]
struct Kept(std::sync::Mutex<HashMap<BlockKey, Arc<Raster>>>);

impl BlockCache for Kept {
    fn get(&self, key: &BlockKey) -> Option<Arc<Raster>> {
        self.0.lock().ok()?.get(key).cloned()
    }

    fn insert(&self, key: BlockKey, block: Arc<Raster>) {
        if let Ok(mut kept) = self.0.lock() {
            kept.insert(key, block);
        }
    }
}

fn middle_tile(cog: &Source, set: &TileMatrixSet, matrix: usize) -> TileId {
    let (x, y) = cog.bounds_in(&set.crs).expect("the set shows it").center();
    let m = &set.matrices[matrix];
    let side = m.cell_size * f64::from(m.tile_width);
    TileId {
        matrix,
        col: ((x - m.point_of_origin.0) / side) as u32,
        row: ((m.point_of_origin.1 - y) / side) as u32,
    }
}

fn tile(criterion: &mut Criterion) {
    let cog = cog();
    let registry = Registry::standard();
    let set = registry.get("WebMercatorQuad").expect("it is a standard set");
    let settings = RenderSettings::default();
    let facts = LayerFacts::plain(3, SampleType::U8, Interpretation::Rgb);
    let style = &StyleSpec::default().resolve(&facts).expect("it fits");
    let tile = middle_tile(&cog, set, 21);
    let address = TileAddress { set, tile, scale: 1, format: OutputFormat::Jpeg, style };
    let files = OpenFiles::default();
    files.keep(&cog);
    let imagery = Imagery::from_iter([Dalle::of(&cog, &Arc::default()).expect("it has a place")]);
    let plan = || render::plan(&imagery, &address, &settings).expect("it can be planned");

    criterion.bench_function("plan", |b| b.iter(|| black_box(plan())));
    let cold = RenderContext { files: &files, blocks: &NoCache, observer: &() };
    criterion.bench_function("tile, blocks to decode", |b| {
        b.iter(|| render::render(&plan(), &cold).expect("it can be rendered"));
    });
    let kept = Kept::default();
    let warm = RenderContext { files: &files, blocks: &kept, observer: &() };
    criterion.bench_function("tile, blocks at hand", |b| {
        b.iter(|| render::render(&plan(), &warm).expect("it can be rendered"));
    });
}

criterion_group!(benches, tile);
criterion_main!(benches);
