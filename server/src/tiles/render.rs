//! Calls the engine, and says in the server's words what it says in its own.

use std::sync::Arc;

use tiler::{
    encode::EncodedTile,
    raster::Raster,
    render::{self, BlockCache, Plan, RenderContext, RenderError, TileAddress},
    source::BlockKey,
};

use crate::{
    cache::{Cache, Metered},
    error::Fault,
    layers::Layer,
    log,
    metrics::Metrics,
};

/// What makes tiles: the engine, or a stand-in for tests.
pub trait Renderer: Send + Sync {
    /// Address to plan.
    ///
    /// # Errors
    /// When a source cannot be brought into the set.
    fn plan(&self, layer: &Layer, address: &TileAddress<'_>) -> Result<Plan, Fault>;

    /// Plan to tile.
    ///
    /// # Errors
    /// When a source cannot be read.
    fn render(&self, plan: &Plan, layer: &Layer) -> Result<EncodedTile, Fault>;
}

/// The engine with its cache of decoded blocks.
pub struct TilerRenderer {
    blocks: Blocks,
    metrics: Arc<Metrics>,
}

struct Blocks(Metered<BlockKey, Arc<Raster>>);

impl BlockCache for Blocks {
    fn get(&self, key: &BlockKey) -> Option<Arc<Raster>> {
        self.0.get(key)
    }

    fn insert(&self, key: BlockKey, block: Arc<Raster>) {
        self.0.insert(key, block);
    }
}

impl TilerRenderer {
    pub(super) fn new(blocks: Metered<BlockKey, Arc<Raster>>, metrics: Arc<Metrics>) -> Self {
        Self { blocks: Blocks(blocks), metrics }
    }
}

impl Renderer for TilerRenderer {
    fn plan(&self, layer: &Layer, address: &TileAddress<'_>) -> Result<Plan, Fault> {
        render::plan(&layer.sources, address, &layer.settings).map_err(|error| fault(layer, &error))
    }

    fn render(&self, plan: &Plan, layer: &Layer) -> Result<EncodedTile, Fault> {
        let context = RenderContext { blocks: &self.blocks, observer: self.metrics.as_ref() };
        let tile = render::render(plan, &context).map_err(|error| fault(layer, &error))?;
        if !plan.is_empty() {
            self.metrics.tiles_rendered.inc();
        }
        Ok(tile)
    }
}

/// The details go to the log, the client learns whose fault it is.
fn fault(layer: &Layer, error: &RenderError) -> Fault {
    tracing::warn!(layer = layer.id, reason = log::chain(error), "a tile could not be rendered");
    if error.is_source_fault() { Fault::Source } else { Fault::Internal }
}
