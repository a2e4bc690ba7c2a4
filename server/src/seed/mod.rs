//! Many tiles at the engine's full speed into a target: a cache on disk, a file of tiles or a folder. No HTTP and no async.
//!
//! 1. metatile after metatile along the curve, all zooms on the way, the target is asked what it has of it;
//! 2. a thread of the pool makes its tiles one after the other, with blocks that all share;
//! 3. this thread, and no other, writes them into the target, and commits about every second.
//!
//! [`run`] is this list as code. What was committed is not made again, however a run ends: each tile lies in the target with
//! its fingerprint, so the same command goes on where it was, and makes anew what has changed.

mod database;
mod disk;
mod engine;
mod folder;
mod images;
mod ledger;
mod mbtiles;
mod pmtiles;
mod target;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::sync_channel,
    },
    time::{Duration, Instant},
};

use tiler::{
    catalog::Imagery,
    encode::OutputFormat,
    seed::{Area, Walk, bottom_up},
    style::Style,
    tms::{TileLimits, TileMatrixSet},
};

use self::engine::Outcome;
pub use self::{
    disk::DiskTarget,
    engine::Engine,
    folder::FolderTarget,
    mbtiles::MbTilesTarget,
    pmtiles::PmTilesTarget,
    target::{About, Known, MadeTile, Target, TargetError},
};
use crate::layers::Layer;

/// The set that files of tiles are made in.
pub const WEB_MERCATOR: &str = "WebMercatorQuad";
/// What is lost when a run is killed.
const COMMIT_EVERY: Duration = Duration::from_secs(1);
/// Failures that are told one by one.
const REASONS: usize = 5;

/// Which tiles.
pub struct Job {
    /// The layer.
    pub layer: Arc<Layer>,
    /// Its imagery, of now or of a year.
    pub imagery: Imagery,
    /// One of the sets that it is offered in.
    pub set: Arc<TileMatrixSet>,
    /// Matrices of the set, by number, each with the tiles that touch imagery.
    pub matrices: Vec<(usize, TileLimits)>,
    /// In the set's CRS.
    pub area: Area,
    /// What to encode as.
    pub format: OutputFormat,
    /// One of the layer's styles.
    pub style: Style,
}

impl Job {
    /// The walks over all matrices, in their order.
    pub fn walks(&self) -> impl Iterator<Item = Walk<'_>> {
        let walk = |&(matrix, limits): &(usize, TileLimits)| {
            Walk::new(&self.set.matrices[matrix], matrix, limits, &self.area)
        };
        self.matrices.iter().map(walk)
    }

    /// The number of tiles, those without imagery included.
    pub fn count(&self) -> u64 {
        self.walks().map(|walk| walk.count()).sum()
    }

    /// What a target says of the tiles in it.
    pub fn about(&self) -> About {
        About::of(self)
    }
}

/// What came of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sum {
    /// Rendered and written.
    pub made: u64,
    /// Their bytes, those of equal ones included.
    pub bytes: u64,
    /// Of those made, whose bytes the target had already.
    pub equal: u64,
    /// In the target as they would be made now.
    pub kept: u64,
    /// Without imagery.
    pub empty: u64,
    /// Removed from the target, since they have no imagery any more.
    pub removed: u64,
    /// Of those made, which will be better later.
    pub provisional: u64,
    /// That could not be rendered.
    pub failed: u64,
    /// Why, of the first few.
    pub reasons: Vec<String>,
}

impl Sum {
    /// All that are done with.
    pub fn done(&self) -> u64 {
        self.made + self.kept + self.empty + self.failed
    }
}

/// Makes all tiles of a job that the target does not have; `watch` is told how far it is. Ends early, with all that was
/// made committed, when `stop` is set.
///
/// # Errors
/// When the target cannot be read or written.
pub fn run(
    job: &Job,
    engine: &Engine,
    target: &mut dyn Target,
    watch: &mut dyn FnMut(&Sum),
    stop: &AtomicBool,
) -> Result<Sum, TargetError> {
    let most = 3 * engine.threads() + 1;
    let (sender, receiver) = sync_channel(most);
    let mut sum = Sum::default();
    let mut metatiles = bottom_up(job.walks());
    let mut committed = Instant::now();
    let done = engine.pool().in_place_scope(|scope| {
        let mut under_way = 0;
        loop {
            while under_way < most && !stop.load(Ordering::Relaxed) {
                let Some(metatile) = metatiles.next() else { break };
                let known = target.known(&metatile)?;
                let sender = sender.clone();
                scope.spawn(move |_| {
                    // Nobody listens any more where the target has failed.
                    let _ = sender.send(engine.make(job, &metatile, &known, stop));
                });
                under_way += 1;
            }
            if under_way == 0 {
                return target.commit();
            }
            // The other end is in this function.
            let Ok(outcomes) = receiver.recv() else { return target.commit() };
            under_way -= 1;
            for outcome in outcomes {
                take(outcome, target, &mut sum)?;
            }
            if committed.elapsed() >= COMMIT_EVERY {
                target.commit()?;
                committed = Instant::now();
            }
            watch(&sum);
        }
    });
    done.map(|()| sum)
}

fn take(outcome: Outcome, target: &mut dyn Target, sum: &mut Sum) -> Result<(), TargetError> {
    match outcome {
        Outcome::Kept => sum.kept += 1,
        Outcome::Empty => sum.empty += 1,
        Outcome::Emptied(tile) => {
            target.remove(tile)?;
            sum.empty += 1;
            sum.removed += 1;
        }
        Outcome::Failed(reason) => {
            sum.failed += 1;
            if sum.reasons.len() < REASONS {
                sum.reasons.push(reason);
            }
        }
        Outcome::Made(tile) => {
            sum.made += 1;
            sum.bytes += tile.bytes.len() as u64;
            sum.provisional += u64::from(tile.fingerprint.is_none());
            sum.equal += u64::from(target.put(&tile)?);
        }
    }
    Ok(())
}
