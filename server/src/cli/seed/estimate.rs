//! How many tiles it will be and what they will take, before the first is made: counted, and weighed by a few of them.

use std::path::Path;

use rustix::fs::statvfs;
use tiler::{seed::Walk, tms::TileLimits};

use super::{Failure, Kind, columns};
use crate::{
    config::Config,
    seed::{Engine, Job},
};

/// Tiles that are made to learn how large they are.
const SAMPLED: u32 = 24;
/// Places that are looked at for them.
const PLACES: u32 = 400;

/// What a run will make.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Estimate {
    /// All, those without imagery included.
    pub tiles: u64,
    /// About so many have imagery.
    full: u64,
    /// About.
    bytes: u64,
}

impl Estimate {
    pub(super) fn of(job: &Job, engine: &Engine) -> Self {
        let tiles = job.count();
        let (mut looked, mut full, mut sampled, mut bytes) = (0_u64, 0_u64, 0_u64, 0_u64);
        // Most tiles are of the finest zoom.
        if let Some((matrix, limits)) = job.matrices.last() {
            for (col, row) in places(limits) {
                let one = TileLimits { min_col: col, max_col: col, min_row: row, max_row: row };
                let walk = Walk::new(&job.set.matrices[*matrix], *matrix, one, &job.area);
                let Some(metatile) = walk.metatiles().next() else { continue };
                let Some(tile) = metatile.tiles().next() else { continue };
                looked += 1;
                let Some(has_imagery) = engine.has_imagery(job, tile) else { continue };
                full += u64::from(has_imagery);
                if has_imagery
                    && sampled < u64::from(SAMPLED)
                    && let Some(size) = engine.size_of(job, tile)
                {
                    sampled += 1;
                    bytes += size;
                }
            }
        }
        // A small area may fall between all places.
        let share = if looked == 0 { 1.0 } else { full as f64 / looked as f64 };
        let each = if sampled == 0 { TYPICAL_BYTES } else { bytes as f64 / sampled as f64 };
        let full = (tiles as f64 * share) as u64;
        Self { tiles, full, bytes: (full as f64 * each) as u64 }
    }

    pub(super) fn line(&self, layer: &str) -> String {
        let (tiles, full) = (columns::grouped(self.tiles), columns::grouped(self.full));
        let bytes = columns::bytes(self.bytes);
        format!("{tiles} tiles of {layer}, about {full} of them with imagery, about {bytes}")
    }

    /// Refuses what there is obviously no room for: half of it would fill the disk, or the cache.
    pub(super) fn check_room(&self, kind: Kind, target: &Path, config: &Config) -> Result<(), Failure> {
        let need = match kind {
            // First beside the file, then in it.
            Kind::PmTiles => 2 * self.bytes,
            // A file takes whole units of the disk.
            Kind::Folder | Kind::Cache => self.bytes + self.full * 2048,
            Kind::MbTiles => self.bytes,
        };
        let place = match (kind, &config.cache.disk) {
            (Kind::Cache, Some(disk)) => {
                if need / 2 > disk.bytes {
                    let (need, room) = (columns::bytes(need), columns::bytes(disk.bytes));
                    return Err(format!(
                        "they need about {need}, and the cache holds {room}: raise `disk_mib`, or seed fewer zooms"
                    )
                    .into());
                }
                &disk.dir
            }
            _ => target,
        };
        // The first folder that is there.
        let there = place.ancestors().find(|path| path.exists()).unwrap_or(Path::new("."));
        let there = if there.as_os_str().is_empty() { Path::new(".") } else { there };
        let Ok(room) = statvfs(there) else { return Ok(()) };
        let room = room.f_bavail * room.f_frsize;
        if need / 2 > room {
            let (need, room) = (columns::bytes(need), columns::bytes(room));
            return Err(format!("they need about {need}, and the disk has {room} left").into());
        }
        Ok(())
    }
}

/// Of a tile where none could be made.
const TYPICAL_BYTES: f64 = 20_000.0;

/// Places spread evenly over a range of tiles, always the same (the additive recurrence of the plastic number).
fn places(limits: &TileLimits) -> impl Iterator<Item = (u32, u32)> {
    const STEP: (f64, f64) = (0.754_877_666_246_692_8, 0.569_840_290_998_053_3);
    let (width, height) = (limits.max_col - limits.min_col, limits.max_row - limits.min_row);
    let (col, row) = (limits.min_col, limits.min_row);
    (1..=PLACES).map(move |n| {
        let at = |step: f64, side: u32| ((f64::from(n) * step).fract() * (f64::from(side) + 1.0)) as u32;
        (col + at(STEP.0, width), row + at(STEP.1, height))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn places_are_within_the_limits_and_everywhere() {
        let limits = TileLimits { min_col: 5, max_col: 14, min_row: 100, max_row: 109 };
        let found: HashSet<_> = places(&limits).collect();
        assert!(found.iter().all(|&(col, row)| limits.contains(col, row)));
        assert!(found.len() > 95, "{} of 100", found.len());
        let one = TileLimits { min_col: 7, max_col: 7, min_row: 9, max_row: 9 };
        assert!(places(&one).all(|place| place == (7, 9)));
    }
}
