//! One tile in the middle of the imagery at native zoom, ready to be planned and rendered.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use tiler::{
    catalog::{Dalle, Imagery, OpenFiles},
    encode::OutputFormat,
    raster::SampleType,
    render::{self, BlockCache, Plan, RenderContext, RenderSettings, Rendered, TileAddress},
    source::{Block, BlockKey, Source},
    style::{Interpretation, LayerFacts, Style, StyleSpec},
    tms::{Registry, TileId, TileMatrixSet},
};

/// Decoded blocks that are never thrown away.
#[derive(Default)]
pub struct Kept(Mutex<HashMap<BlockKey, Arc<Block>>>);

impl BlockCache for Kept {
    fn get(&self, key: &BlockKey) -> Option<Arc<Block>> {
        self.0.lock().ok()?.get(key).cloned()
    }

    fn insert(&self, key: BlockKey, block: Arc<Block>) {
        if let Ok(mut kept) = self.0.lock() {
            kept.insert(key, block);
        }
    }

    fn get_or_insert(&self, key: BlockKey, block: Arc<Block>) -> Arc<Block> {
        match self.0.lock() {
            Ok(mut kept) => Arc::clone(kept.entry(key).or_insert(block)),
            Err(_) => block,
        }
    }

    fn keeps(&self, _: usize) -> bool {
        true
    }
}

/// A source, and a tile of it in `WebMercatorQuad`.
pub struct Scene {
    files: OpenFiles,
    imagery: Imagery,
    set: Arc<TileMatrixSet>,
    tile: TileId,
    style: Style,
    settings: RenderSettings,
}

impl Scene {
    /// The tile in the middle of a source of three bands, at zoom 21.
    ///
    /// # Panics
    /// When the source has no place on earth.
    pub fn new(source: &Arc<Source>) -> Self {
        let registry = Registry::standard();
        let set = Arc::clone(registry.get("WebMercatorQuad").expect("it is a standard set"));
        let files = OpenFiles::default();
        files.keep(source);
        let facts = LayerFacts::plain(3, SampleType::U8, Interpretation::Rgb);
        Self {
            imagery: Imagery::from_iter([Dalle::of(source, &Arc::default()).expect("it has a place")]),
            tile: middle_tile(source, &set, 21),
            style: StyleSpec::default().resolve(&facts).expect("it fits"),
            settings: RenderSettings::default(),
            files,
            set,
        }
    }

    /// The plan of the tile.
    ///
    /// # Panics
    /// When it cannot be planned.
    pub fn plan(&self, format: OutputFormat) -> Plan {
        let address = TileAddress { set: &self.set, tile: self.tile, scale: 1, format, style: &self.style };
        render::plan(&self.imagery, &address, &self.settings).expect("it can be planned")
    }

    /// Carries out a plan.
    ///
    /// # Panics
    /// When it cannot be rendered.
    pub fn render(&self, plan: &Plan, blocks: &dyn BlockCache) -> Rendered {
        let context = RenderContext { files: &self.files, blocks, observer: &(), whole_blocks: false };
        render::render(plan, &context).expect("it can be rendered")
    }
}

fn middle_tile(source: &Source, set: &TileMatrixSet, matrix: usize) -> TileId {
    let (x, y) = source.bounds_in(&set.crs).expect("the set shows it").center();
    let m = &set.matrices[matrix];
    let side = m.cell_size * f64::from(m.tile_width);
    TileId {
        matrix,
        col: ((x - m.point_of_origin.0) / side) as u32,
        row: ((m.point_of_origin.1 - y) / side) as u32,
    }
}
