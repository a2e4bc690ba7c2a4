//! Calls the engine, and says in the server's words what it says in its own.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tiler::{
    catalog::{Imagery, OpenFiles},
    encode::Format,
    render::{self, Passage, Plan, RenderContext, RenderError, Rendered, Stage, StageObserver, TileAddress},
    source::SourceError,
};

use super::buffers;
use crate::{
    cache::Blocks,
    error::Fault,
    layers::{Hints, Layer},
    log,
    metrics::Metrics,
};

/// What makes tiles: the engine, or a stand-in for tests.
pub trait Renderer: Send + Sync {
    /// Address to plan.
    ///
    /// # Errors
    /// When a source cannot be brought into the set.
    fn plan(&self, layer: &Layer, imagery: &Imagery, address: &TileAddress<'_>) -> Result<Plan, Fault>;

    /// The tile, where it is stored so and is to be had without waiting and without work.
    fn at_hand(&self, _: &Passage) -> Option<(Bytes, Format)> {
        None
    }

    /// Plan to tile.
    ///
    /// # Errors
    /// When a source cannot be read.
    fn render(&self, plan: &Plan, layer: &Layer) -> Result<Rendered, Fault>;
}

/// The engine with its cache of decoded blocks.
pub struct TilerRenderer {
    files: Arc<OpenFiles>,
    hints: Arc<Hints>,
    blocks: Blocks,
    metrics: Arc<Metrics>,
}

impl TilerRenderer {
    pub(super) fn new(
        files: Arc<OpenFiles>,
        hints: Arc<Hints>,
        blocks: Blocks,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self { files, hints, blocks, metrics }
    }
}

impl Renderer for TilerRenderer {
    fn plan(&self, layer: &Layer, imagery: &Imagery, address: &TileAddress<'_>) -> Result<Plan, Fault> {
        render::plan(imagery, address, &layer.settings).map_err(|error| fault(layer, &error))
    }

    fn at_hand(&self, passage: &Passage) -> Option<(Bytes, Format)> {
        let source = self.files.known(passage.dalle())?;
        let tile = buffers::filled(|buffer| passage.pass_at_hand(&source, buffer))?;
        self.metrics.tiles_passed.inc();
        Some(tile)
    }

    fn render(&self, plan: &Plan, layer: &Layer) -> Result<Rendered, Fault> {
        let observer = Observer { metrics: &self.metrics, layer: &layer.id };
        let context = RenderContext {
            files: self.files.as_ref(),
            blocks: &self.blocks,
            observer: &observer,
            whole_blocks: false,
        };
        let rendered = render::render(plan, &context).map_err(|error| {
            if let RenderError::Source(error) = &error {
                self.hints.give(error.path.clone());
            }
            fault(layer, &error)
        })?;
        if rendered.is_passed {
            self.metrics.tiles_passed.inc();
        } else if !plan.is_empty() {
            self.metrics.tiles_rendered.inc();
        }
        Ok(rendered)
    }
}

/// Counts what a tile took, and tells of dalles that are left out of it.
struct Observer<'a> {
    metrics: &'a Metrics,
    layer: &'a str,
}

impl StageObserver for Observer<'_> {
    fn observe(&self, stage: Stage, took: Duration) {
        self.metrics.observe(stage, took);
    }

    fn file_fault(&self, error: &SourceError) {
        self.metrics.source_errors.with_label_values(&[self.layer]).inc();
        let file = log::printable(&error.path.display().to_string());
        let reason = log::chain(error);
        tracing::warn!(
            layer = self.layer,
            file,
            reason,
            "a dalle is damaged and is left out: deliver it again"
        );
    }
}

/// The details go to the log, the client learns whose fault it is.
fn fault(layer: &Layer, error: &RenderError) -> Fault {
    tracing::warn!(layer = layer.id, reason = log::chain(error), "a tile could not be rendered");
    if error.is_source_fault() { Fault::Source } else { Fault::Internal }
}
