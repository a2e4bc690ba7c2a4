//! A tile that nobody has: from the cache on disk, else rendered. It belongs to no request, and goes on when all have left, as long as the
//! server does.

use std::sync::Arc;

use bytes::Bytes;
use tiler::render::{Fingerprint, Plan, Rendered};

use super::{Failures, KeptTile, Origin, Outcome, Pool, Renderer, disk::DiskTier, single_flight::Flight};
use crate::{
    cache::{Cache, Metered},
    error::Fault,
    layers::Layer,
    metrics::Metrics,
};

/// What it takes to make tiles.
#[derive(Clone)]
pub(super) struct Maker {
    pub pool: Arc<Pool>,
    pub renderer: Arc<dyn Renderer>,
    pub tiles: Arc<Metered<Fingerprint, Arc<KeptTile>>>,
    pub disk: Option<Arc<DiskTier>>,
    pub failures: Arc<Failures>,
    pub metrics: Arc<Metrics>,
}

impl Maker {
    /// Makes the tile of a plan, keeps it, and wakes those who wait.
    pub(super) fn make(&self, flight: Flight<Fingerprint, Outcome>, plan: Plan, layer: Arc<Layer>) {
        // What is blank is rendered sooner than it is read.
        let Some(disk) = self.disk.clone().filter(|_| !plan.is_empty()) else {
            return self.render(flight, plan, layer);
        };
        let maker = self.clone();
        tokio::spawn(async move {
            let key = plan.fingerprint();
            match disk.get(key).await {
                Some(tile) => {
                    maker.tiles.insert(key, Arc::clone(&tile));
                    flight.land(Ok((tile, Origin::Cached)));
                }
                None => maker.render(flight, plan, layer),
            }
        });
    }

    /// All on the render thread: nobody else is woken before the tile is there.
    fn render(&self, flight: Flight<Fingerprint, Outcome>, plan: Plan, layer: Arc<Layer>) {
        let flight = Arc::new(flight);
        let (key, is_blank) = (plan.fingerprint(), plan.is_empty());
        let job = {
            let (flight, layer, renderer) =
                (Arc::clone(&flight), Arc::clone(&layer), Arc::clone(&self.renderer));
            move || (!flight.is_abandoned()).then(|| renderer.render(&plan, &layer))
        };
        let Self { tiles, disk, failures, metrics, .. } = self.clone();
        self.pool.start(job, move |result| {
            let outcome = match result {
                Ok(Some(rendered)) => rendered.map(|Rendered { tile, is_provisional, is_passed }| {
                    let bytes = exact(tile.bytes);
                    let origin = if is_passed { Origin::Passed } else { Origin::Rendered };
                    (Arc::new(KeptTile { bytes, format: tile.format, is_provisional }), origin)
                }),
                // Nobody waited any more when its turn came.
                Ok(None) => return,
                Err(fault) => Err(fault),
            };
            match &outcome {
                Ok((tile, origin)) => {
                    tiles.insert(key, Arc::clone(tile));
                    // A stored block is on disk already.
                    if let Some(disk) = disk.filter(|_| !is_blank && *origin != Origin::Passed) {
                        disk.insert(key, tile);
                    }
                }
                Err(fault @ Fault::Source) => {
                    metrics.source_errors.with_label_values(&[layer.id.as_str()]).inc();
                    failures.remember(key, fault.clone());
                }
                Err(_) => {}
            }
            if let Some(flight) = Arc::into_inner(flight) {
                flight.land(outcome);
            }
        });
    }
}

/// Without room at the end, which an encoder may have left, and which would be kept as long as the tile.
fn exact(bytes: Vec<u8>) -> Bytes {
    // An allocator need not give back what `shrink_to_fit` lets go: ours does not, where it is less than half.
    if bytes.capacity() - bytes.len() > bytes.len() / 16 {
        Bytes::copy_from_slice(&bytes)
    } else {
        bytes.into()
    }
}
