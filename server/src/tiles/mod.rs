//! A tile from its canonical address, by the shortest way:
//!
//! 1. the plan, in microseconds, or what it came to a moment ago, and its fingerprint: cache key and `ETag`;
//! 2. the client has it already: 304, nothing else is done;
//! 3. there is no imagery: the layer's answer for that;
//! 4. it is a stored block, and that is in memory: the block as it is;
//! 5. the cache in memory has it;
//! 6. it failed a moment ago: the same failure, without trying again;
//! 7. somebody makes it already: wait for that one;
//! 8. else make it ([`making`]), which outlives this request: from the cache on disk, where there is one, or rendered on the pool
//!    behind its queue; keep it; answer.
//!
//! [`TileService::tile`] is this list as code, and [`TileService::at_hand`] what of it asks nobody to wait. It knows no protocol: they
//! all come here with a [`TileRequest`].

mod answer;
mod buffers;
mod disk;
mod entity_tag;
mod failures;
mod kept;
mod known;
mod making;
mod pool;
mod queue;
mod render;
mod single_flight;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tiler::{
    catalog::{Imagery, OpenFiles},
    encode::{Format, OutputFormat},
    io::prefetch,
    render::{Fingerprint, Plan, Stage, StageObserver, TileAddress},
    style::Style,
    tms::{TileId, TileMatrixSet},
};
use tokio::time::timeout;

pub use entity_tag::EntityTag;
pub use kept::{TileBytes, TileHandle};
pub use pool::{Pool, PoolLimits};
pub use render::{Renderer, TilerRenderer};

use self::{
    disk::DiskTier,
    failures::Failures,
    kept::{KeptTile, Ticks},
    known::{KnownPlans, KnownTile},
    making::Maker,
    single_flight::SingleFlight,
};
use crate::{
    cache::{self, Blocks, Cache, CachePolicy, Capacity, DiskConfig, Metered},
    error::Fault,
    http::conditional,
    layers::{EmptyTile, Hints, Layer},
    metrics::Metrics,
};

/// The canonical address of a tile: WMTS, XYZ and all others come down to this.
///
/// It borrows from its snapshot: counts of owners are written to by all processors, and each waits for the others.
#[derive(Debug, Clone, Copy)]
pub struct TileRequest<'a> {
    /// Of the snapshot that all of it is from.
    pub generation: u64,
    /// The layer.
    pub layer: &'a Arc<Layer>,
    /// The layer's imagery, of now or of a year.
    pub imagery: &'a Imagery,
    /// One of the sets that it is offered in.
    pub set: &'a Arc<TileMatrixSet>,
    /// The tile.
    pub tile: TileId,
    /// 1, or 2 for the same place with twice the pixels along each side.
    pub scale: u32,
    /// What to encode as.
    pub format: OutputFormat,
    /// One of the layer's styles.
    pub style: &'a Style,
}

/// A tile, or why none is sent.
#[derive(Debug, Clone)]
pub enum TileAnswer {
    /// A picture.
    Tile {
        /// The file.
        bytes: TileBytes,
        /// Of these very bytes.
        etag: EntityTag,
        /// Its format.
        format: Format,
        /// How it was come by.
        origin: Origin,
        /// Whether a better one is to be had soon.
        is_provisional: bool,
    },
    /// The client has this very tile.
    NotModified {
        /// Of these very bytes.
        etag: EntityTag,
        /// Whether a better one is to be had soon.
        is_provisional: bool,
    },
    /// There is no imagery, and the layer sends nothing then.
    NoContent,
}

/// How a tile was come by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// From a cache of encoded tiles, in memory or on disk.
    Cached,
    /// Rendered for this request, or for one at the same time.
    Rendered,
    /// As it is stored.
    Passed,
    /// There is no imagery under it.
    Blank,
}

impl Origin {
    /// The value of the header `Pavage-Path`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cached => "cached",
            Self::Rendered => "rendered",
            Self::Passed => "passthrough",
            Self::Blank => "blank",
        }
    }
}

const TYPICAL_TILE_BYTES: u64 = 20_000;

/// How the service is set up.
#[derive(Debug, Clone)]
pub struct TileSettings {
    /// Threads, queue and its deadline.
    pub pool: PoolLimits,
    /// From the request to the answer; default 15 s.
    pub request_timeout: Duration,
    /// Bytes of encoded tiles; default 256 MiB.
    pub tile_bytes: u64,
    /// Bytes of decoded blocks; default 512 MiB.
    pub block_bytes: u64,
    /// Encoded tiles on disk; default none.
    pub disk: Option<DiskConfig>,
    /// What the caches throw away first.
    pub policy: CachePolicy,
}

impl Default for TileSettings {
    fn default() -> Self {
        Self {
            pool: PoolLimits::default(),
            request_timeout: Duration::from_secs(15),
            tile_bytes: 256 << 20,
            block_bytes: 512 << 20,
            disk: None,
            policy: CachePolicy::default(),
        }
    }
}

impl TileSettings {
    /// About as many tiles as are kept in memory, or as is worth knowing where none are.
    pub fn typical_tiles(&self) -> usize {
        (self.tile_bytes / TYPICAL_TILE_BYTES).max(1024) as usize
    }
}

type Outcome = Result<(Arc<KeptTile>, Origin), Fault>;

/// Makes tiles, and keeps them.
pub struct TileService {
    maker: Maker,
    known: KnownPlans,
    ticks: Ticks,
    flights: SingleFlight<Fingerprint, Outcome>,
    request_timeout: Duration,
}

impl TileService {
    /// A service that renders with `tiler`.
    pub fn new(
        settings: &TileSettings,
        (files, hints): (Arc<OpenFiles>, Arc<Hints>),
        metrics: Arc<Metrics>,
    ) -> Self {
        let capacity = Capacity::of_blocks(settings.block_bytes);
        let blocks = metered("blocks", cache::build(settings.policy, capacity), &metrics);
        let blocks = Blocks::new(Box::new(blocks), capacity.bytes);
        let renderer = Arc::new(TilerRenderer::new(files, hints, blocks, Arc::clone(&metrics)));
        Self::with_renderer(settings, metrics, renderer)
    }

    /// A service that renders with something else, for tests.
    pub fn with_renderer(
        settings: &TileSettings,
        metrics: Arc<Metrics>,
        renderer: Arc<dyn Renderer>,
    ) -> Self {
        let capacity = Capacity { bytes: settings.tile_bytes, typical_bytes: TYPICAL_TILE_BYTES };
        // Tiles without imagery are one tile, and clients have tiles that we have no more.
        let plans = 2 * settings.typical_tiles();
        Self {
            maker: Maker {
                pool: Arc::new(Pool::new(settings.pool, Arc::clone(&metrics))),
                renderer,
                tiles: Arc::new(metered("tiles", cache::build(settings.policy, capacity), &metrics)),
                disk: settings.disk.as_ref().and_then(|disk| DiskTier::start(disk, &metrics)).map(Arc::new),
                failures: Arc::default(),
                metrics,
            },
            known: KnownPlans::new(plans),
            ticks: Ticks::default(),
            flights: SingleFlight::default(),
            request_timeout: settings.request_timeout,
        }
    }

    /// The tile, unless `if_none_match` says that the client has it.
    ///
    /// # Errors
    /// `NoData` by the layer's choice, `Overloaded`, `Source` when a file cannot be read, `Internal` for a bug.
    pub async fn tile(
        &self,
        request: &TileRequest<'_>,
        if_none_match: Option<&str>,
    ) -> Result<TileAnswer, Fault> {
        if request.layer.unavailable.is_some() {
            return Err(Fault::Source);
        }
        let (known, plan) = match self.known.get(request) {
            Some(known) => (known, None),
            None => self.plan(request).map(|(known, plan)| (known, Some(plan)))?,
        };
        if known.is_empty {
            match request.layer.empty_tile {
                EmptyTile::Blank => {}
                EmptyTile::NoContent => return Ok(TileAnswer::NoContent),
                EmptyTile::NotFound => return Err(Fault::NoData),
            }
        }
        if let Some(answer) = self.kept(&known, if_none_match, |key| self.maker.tiles.get(key)) {
            return Ok(answer);
        }
        let KnownTile { fingerprint: key, is_empty, .. } = known;
        if let Some(fault) = self.maker.failures.recent(&key) {
            return Err(fault);
        }
        let plan = match plan {
            Some(plan) => plan,
            None => self.plan(request)?.1,
        };
        let (tile, origin) =
            // In memory of its own: seldom needed, and others would carry its room along.
            Box::pin(self.fetched(plan, request)).await?;
        Ok(TileAnswer::kept(tile, EntityTag::from(key), if is_empty { Origin::Blank } else { origin }))
    }

    /// What is known of a tile that was planned a moment ago, if one is sent; of what the layer never sends nothing is.
    pub fn known(&self, request: &TileRequest<'_>) -> Option<TileHandle> {
        let known = self.known.get(request)?;
        let is_sent = !known.is_empty || request.layer.empty_tile == EmptyTile::Blank;
        (request.layer.unavailable.is_none() && is_sent).then(|| known.into())
    }

    /// The tile where nobody has to wait for it. Whoever gets none asks for [`Self::tile`].
    pub fn at_hand(
        &self,
        handle: &TileHandle,
        if_none_match: Option<&str>,
        now: Instant,
    ) -> Option<TileAnswer> {
        self.kept(&handle.known, if_none_match, |key| {
            let tick = self.ticks.at(now);
            if let Some(tile) = handle.recent(tick) {
                self.maker.tiles.hit();
                return Some(tile);
            }
            self.maker.tiles.at_hand(key).inspect(|tile| handle.found(tile, tick))
        })
    }

    /// What the client has, what is stored as it is, or what the cache in memory has.
    fn kept(
        &self,
        known: &KnownTile,
        if_none_match: Option<&str>,
        cached: impl FnOnce(&Fingerprint) -> Option<Arc<KeptTile>>,
    ) -> Option<TileAnswer> {
        let etag = EntityTag::from(known.fingerprint);
        if if_none_match.is_some_and(|tags| conditional::matches(tags, etag.as_str())) {
            return Some(TileAnswer::NotModified { etag, is_provisional: known.is_provisional });
        }
        // The page cache keeps it: it need not be kept here too.
        if let Some((bytes, format)) =
            known.passage.as_ref().and_then(|passage| self.maker.renderer.at_hand(passage))
        {
            let (bytes, origin) = (TileBytes::Own(bytes), Origin::Passed);
            return Some(TileAnswer::Tile { bytes, etag, format, origin, is_provisional: false });
        }
        let tile = cached(&known.fingerprint)?;
        prefetch(&tile.bytes, 0..3);
        Some(TileAnswer::kept(tile, etag, if known.is_empty { Origin::Blank } else { Origin::Cached }))
    }

    /// Runs something else on the render threads.
    ///
    /// # Errors
    /// `Overloaded` when too much waits, `Internal` when it panics.
    pub async fn run<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Result<T, Fault> {
        self.maker.pool.run(job).await
    }

    /// Makes the plan, and keeps what it comes to.
    fn plan(&self, request: &TileRequest<'_>) -> Result<(KnownTile, Plan), Fault> {
        let started = Instant::now();
        let address = TileAddress {
            set: request.set,
            tile: request.tile,
            scale: request.scale,
            format: request.format,
            style: request.style,
        };
        let plan = self.maker.renderer.plan(request.layer, request.imagery, &address)?;
        self.maker.metrics.observe(Stage::Plan, started.elapsed());
        let known = KnownTile::from(&plan);
        self.known.insert(request, known.clone());
        Ok((known, plan))
    }

    /// From disk, else rendered: once for all who ask at the same time.
    async fn fetched(&self, plan: Plan, request: &TileRequest<'_>) -> Outcome {
        let (waiter, flight) = self.flights.join(&plan.fingerprint());
        if let Some(flight) = flight {
            self.maker.make(flight, plan, Arc::clone(request.layer));
        }
        match timeout(self.request_timeout, waiter.wait()).await {
            Ok(Some(outcome)) => outcome,
            Ok(None) => Err(Fault::Internal),
            Err(_) => {
                self.maker.metrics.rejected.with_label_values(&["deadline"]).inc();
                Err(Fault::Overloaded { reason: "deadline", retry_after: Duration::from_secs(1) })
            }
        }
    }
}

fn metered<K, V>(name: &str, inner: Box<dyn Cache<K, V>>, metrics: &Metrics) -> Metered<K, V> {
    let count = |result: &str| metrics.cache_requests.with_label_values(&[name, result]);
    Metered::new(inner, count("hit"), count("miss"), metrics.cache_bytes.with_label_values(&[name]))
}
