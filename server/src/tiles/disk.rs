//! The disk behind the memory: asked by threads of its own and never waited for long. Where it is slow, broken or full it is
//! left alone for a while, and tiles are rendered as if there were none.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use prometheus::{IntCounter, IntGauge};
use tiler::render::Fingerprint;
use tokio::{
    sync::{Semaphore, oneshot},
    time::timeout,
};

use super::KeptTile;
use crate::{
    cache::{Disk, DiskConfig, DiskTile},
    log,
    metrics::Metrics,
};

/// Files that are read at the same time.
const READERS: usize = 8;
/// A tile is rendered rather than waited for longer.
const PATIENCE: Duration = Duration::from_millis(250);
/// After a fault the disk is left alone.
const PAUSE: Duration = Duration::from_secs(10);
/// Tiles that wait to be written; more are not kept.
const WAITING: usize = 64;
/// What other processes have written is counted now and then.
const COUNT_EVERY: Duration = Duration::from_hours(1);

/// Tiles on disk, for async code.
pub(super) struct DiskTier {
    disk: Arc<Disk>,
    threads: rayon::ThreadPool,
    reading: Arc<Semaphore>,
    /// The writer ends when this is dropped.
    writer: SyncSender<(Fingerprint, Arc<KeptTile>)>,
    health: Arc<Health>,
    hits: IntCounter,
    misses: IntCounter,
}

impl DiskTier {
    /// Starts its threads; `None` where the system gives none, and tiles are served without it.
    pub(super) fn start(config: &DiskConfig, metrics: &Metrics) -> Option<Self> {
        let disk = Arc::new(Disk::new(config));
        let health = Arc::new(Health::new(metrics));
        let (writer, written) = sync_channel(WAITING);
        let threads =
            rayon::ThreadPoolBuilder::new().num_threads(READERS).thread_name(|n| format!("disk-{n}"));
        let keeper = Keeper {
            disk: Arc::clone(&disk),
            health: Arc::clone(&health),
            bytes: metrics.cache_bytes.with_label_values(&["disk"]),
        };
        let started = threads.build().map_err(io::Error::other).and_then(|threads| {
            thread::Builder::new().name("disk-writer".to_owned()).spawn(move || keeper.run(&written))?;
            Ok(threads)
        });
        match started {
            Ok(threads) => Some(Self {
                disk,
                threads,
                reading: Arc::new(Semaphore::new(READERS)),
                writer,
                health,
                hits: metrics.cache_requests.with_label_values(&["disk", "hit"]),
                misses: metrics.cache_requests.with_label_values(&["disk", "miss"]),
            }),
            Err(error) => {
                tracing::warn!(reason = log::chain(&error), "tiles are not kept on disk");
                None
            }
        }
    }

    /// The tile, if it is there and comes soon.
    pub(super) async fn get(&self, key: Fingerprint) -> Option<Arc<KeptTile>> {
        let found = self.find(key).await;
        let counter = if found.is_some() { &self.hits } else { &self.misses };
        counter.inc();
        let DiskTile { bytes, format } = found?;
        Some(Arc::new(KeptTile { bytes, format, is_provisional: false }))
    }

    async fn find(&self, key: Fingerprint) -> Option<DiskTile> {
        if !self.health.is_well() {
            return None;
        }
        // A read that hangs keeps its place: when all hang, nobody waits for them any more.
        let place = Arc::clone(&self.reading).try_acquire_owned().ok()?;
        let disk = Arc::clone(&self.disk);
        let (sender, receiver) = oneshot::channel();
        self.threads.spawn(move || {
            let read = disk.get(key);
            drop(place);
            // The asker may be gone.
            let _ = sender.send(read);
        });
        match timeout(PATIENCE, receiver).await {
            Ok(Ok(Ok(found))) => found,
            Ok(Ok(Err(error))) => self.health.fault("cannot be read", &error),
            Ok(Err(_)) => None,
            Err(_) => self.health.fault("is slow", &io::Error::from(io::ErrorKind::TimedOut)),
        }
    }

    /// Keeps a tile soon, unless too many wait.
    pub(super) fn insert(&self, key: Fingerprint, tile: &Arc<KeptTile>) {
        if !tile.is_provisional && self.health.is_well() {
            let _ = self.writer.try_send((key, Arc::clone(tile)));
        }
    }
}

/// Writes what is new and makes room.
struct Keeper {
    disk: Arc<Disk>,
    health: Arc<Health>,
    bytes: IntGauge,
}

impl Keeper {
    fn run(&self, tiles: &Receiver<(Fingerprint, Arc<KeptTile>)>) {
        self.sweep();
        let mut counted = Instant::now();
        loop {
            match tiles.recv_timeout(COUNT_EVERY.saturating_sub(counted.elapsed())) {
                Ok((key, tile)) => self.write(key, &tile),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if self.disk.is_nearly_full() || counted.elapsed() >= COUNT_EVERY {
                self.sweep();
                counted = Instant::now();
            }
        }
    }

    fn write(&self, key: Fingerprint, tile: &KeptTile) {
        if !self.health.is_well() {
            return;
        }
        if let Err(error) = self.disk.insert(key, tile.format, &tile.bytes) {
            let _: Option<()> = self.health.fault("cannot be written to", &error);
        }
        self.tell();
    }

    fn sweep(&self) {
        if let Err(error) = self.disk.sweep() {
            let _: Option<()> = self.health.fault("cannot be listed", &error);
        }
        self.tell();
    }

    fn tell(&self) {
        self.bytes.set(self.disk.bytes().cast_signed());
    }
}

/// Whether the disk is worth asking.
struct Health {
    started: Instant,
    /// Until then it is left alone, in milliseconds since the start.
    pause_until_ms: AtomicU64,
    faults: IntCounter,
}

impl Health {
    fn new(metrics: &Metrics) -> Self {
        let faults = metrics.cache_faults.with_label_values(&["disk"]);
        Self { started: Instant::now(), pause_until_ms: AtomicU64::new(0), faults }
    }

    fn is_well(&self) -> bool {
        self.pause_until_ms.load(Ordering::Relaxed) <= self.now_ms()
    }

    /// Begins a pause; told once for all who meet the same fault.
    fn fault<T>(&self, what: &str, error: &io::Error) -> Option<T> {
        self.faults.inc();
        let now = self.now_ms();
        let until = self.pause_until_ms.swap(now + PAUSE.as_millis() as u64, Ordering::Relaxed);
        if until <= now {
            tracing::warn!(
                reason = log::chain(error),
                "the cache on disk {what}; tiles are served without it for {} s",
                PAUSE.as_secs()
            );
        }
        None
    }

    fn now_ms(&self) -> u64 {
        self.started.elapsed().as_millis() as u64
    }
}
