//! What every request shares: the published layers, the tile service, the metrics.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use arc_swap::ArcSwap;

use crate::{
    config::Network,
    http::Limits,
    layers::{Bells, Snapshot},
    metrics::Metrics,
    tiles::{TileService, TileSettings},
};

/// How a server is set up; what it publishes is in the [`Snapshot`].
#[derive(Debug, Clone, Default)]
pub struct AppSettings {
    /// What clients may take.
    pub limits: Limits,
    /// How tiles are made and kept.
    pub tiles: TileSettings,
    /// Proxies whose `X-Forwarded-…` fields are believed.
    pub trusted_proxies: Vec<Network>,
    /// Whether each request is logged.
    pub access_log: bool,
}

/// The running server's state.
pub struct App {
    /// What is published; a request keeps the snapshot that it began with.
    pub snapshot: ArcSwap<Snapshot>,
    /// Makes tiles.
    pub tiles: TileService,
    /// Counts.
    pub metrics: Arc<Metrics>,
    /// As set up.
    pub settings: AppSettings,
    generations: AtomicU64,
    bells: OnceLock<Arc<Bells>>,
    draining: AtomicBool,
}

impl App {
    /// The state of a server that publishes `snapshot`.
    pub fn new(snapshot: Snapshot, settings: AppSettings) -> Arc<Self> {
        let metrics = Arc::new(Metrics::new());
        let found = (Arc::clone(&snapshot.files), Arc::clone(&snapshot.hints));
        let tiles = TileService::new(&settings.tiles, found, Arc::clone(&metrics));
        Arc::new(Self::with_tiles(snapshot, settings, (tiles, metrics)))
    }

    /// The same with a tile service of one's own, for tests.
    pub fn with_tiles(
        snapshot: Snapshot,
        settings: AppSettings,
        (tiles, metrics): (TileService, Arc<Metrics>),
    ) -> Self {
        metrics.layers.set(snapshot.layers.len() as i64);
        tell_caps(&metrics, &snapshot);
        let draining = AtomicBool::new(false);
        let bells = OnceLock::new();
        let generations = AtomicU64::new(snapshot.generation);
        let snapshot = ArcSwap::from_pointee(snapshot);
        Self { snapshot, tiles, metrics, settings, generations, bells, draining }
    }

    /// Publishes something else from now on.
    pub fn publish(&self, mut snapshot: Snapshot) {
        snapshot.generation = self.generations.fetch_add(1, Ordering::AcqRel) + 1;
        self.metrics.layers.set(snapshot.layers.len() as i64);
        self.metrics.lost_folders.set(snapshot.lost.len() as i64);
        tell_caps(&self.metrics, &snapshot);
        self.snapshot.store(Arc::new(snapshot));
    }

    /// Who is woken when all files shall be looked at.
    pub fn ring_rescan_with(&self, bells: Arc<Bells>) {
        let _ = self.bells.set(bells);
    }

    /// Has all files looked at soon; false where nobody looks.
    pub fn rescan(&self) -> bool {
        let bells = self.bells.get();
        bells.inspect(|bells| bells.rescan.notify_one()).is_some()
    }

    /// Whether it is worth sending requests here.
    pub fn is_ready(&self) -> bool {
        !self.draining.load(Ordering::Acquire) && !self.snapshot.load().layers.is_empty()
    }

    /// From now on it is not: the server stops.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Release);
    }
}

fn tell_caps(metrics: &Metrics, snapshot: &Snapshot) {
    metrics.cap_patches.reset();
    metrics.cap_missing.reset();
    for (layer, progress) in &snapshot.caps {
        metrics.cap_patches.with_label_values(&[layer.as_str()]).set(progress.wanted as i64);
        metrics.cap_missing.with_label_values(&[layer.as_str()]).set(progress.missing as i64);
    }
}
