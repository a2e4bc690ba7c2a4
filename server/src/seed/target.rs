//! What tiles are written into, and what it is told of them.

use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use tiler::{
    crs::{Crs, Transform},
    encode::{Format, OutputFormat},
    geom::Bounds,
    render::Fingerprint,
    seed::Metatile,
    tms::{TileId, TileLimits},
};

use super::Job;
use crate::cache::Disk;

/// A tile that was made.
#[derive(Debug, Clone)]
pub struct MadeTile {
    /// Where it belongs.
    pub tile: TileId,
    /// Under which it is known; `None` where it will be better later, and is made again then.
    pub fingerprint: Option<Fingerprint>,
    /// A hash of its bytes, by which equal ones are found.
    pub digest: u128,
    /// The picture.
    pub bytes: Vec<u8>,
    /// Its format.
    pub format: Format,
}

/// What a target has.
#[derive(Debug)]
pub enum Known {
    /// Of one metatile: these tiles, each as it was.
    Tiles(HashMap<TileId, Option<Fingerprint>>),
    /// Whatever is in a cache, in no place.
    Cache(Arc<Disk>),
}

impl Known {
    /// Whether a tile is there, just as it would be made now.
    pub fn has(&self, tile: TileId, fingerprint: Fingerprint) -> bool {
        match self {
            Self::Tiles(tiles) => tiles.get(&tile) == Some(&Some(fingerprint)),
            Self::Cache(disk) => disk.contains(fingerprint),
        }
    }

    /// Whether a tile is there, however it was made.
    pub fn holds(&self, tile: TileId) -> bool {
        matches!(self, Self::Tiles(tiles) if tiles.contains_key(&tile))
    }
}

/// Keeps tiles. Used by one thread only.
pub trait Target {
    /// What is there of a metatile.
    ///
    /// # Errors
    /// When the target cannot be read.
    fn known(&mut self, metatile: &Metatile<'_>) -> Result<Known, TargetError>;

    /// Adds a tile, or replaces it; tells whether its bytes were there already.
    ///
    /// # Errors
    /// When the target cannot be written, or is full.
    fn put(&mut self, tile: &MadeTile) -> Result<bool, TargetError>;

    /// Takes a tile out.
    ///
    /// # Errors
    /// When the target cannot be written.
    fn remove(&mut self, tile: TileId) -> Result<(), TargetError>;

    /// From here on, what was put stays whatever happens.
    ///
    /// # Errors
    /// When the target cannot be written, or is full.
    fn commit(&mut self) -> Result<(), TargetError>;

    /// Makes the target what readers expect, and tells its size in bytes where that means something.
    ///
    /// # Errors
    /// When the target cannot be written, or is full.
    fn finish(&mut self) -> Result<Option<u64>, TargetError>;
}

/// What a target says of the tiles in it.
#[derive(Debug, Clone)]
pub struct About {
    /// Layer, style, set and format, of which a target holds one.
    pub identity: String,
    /// The layer's name.
    pub name: String,
    /// Its title, for people.
    pub title: String,
    /// A sentence or more; may be empty.
    pub description: String,
    /// May be empty.
    pub attribution: String,
    /// The format of most tiles: of `auto` that of those which are full of imagery.
    pub format: Format,
    /// Of the layer, longitude and latitude.
    pub bounds: Bounds,
}

impl About {
    pub(super) fn of(job: &Job) -> Self {
        let layer = &job.layer;
        let (style, format) = (job.style.name(), job.format.name());
        let full = match job.format {
            OutputFormat::Png => Format::Png,
            OutputFormat::WebP => Format::WebP,
            OutputFormat::Auto if job.style.must_be_lossless() => layer.settings.edges,
            OutputFormat::Jpeg | OutputFormat::Auto => Format::Jpeg,
        };
        Self {
            identity: format!("layer {}, style {style}, set {}, format {format}", layer.id, job.set.id),
            name: layer.id.clone(),
            title: layer.title.clone(),
            description: layer.description.clone(),
            attribution: layer.attribution.clone(),
            format: full,
            bounds: layer.wgs84_bounds,
        }
    }

    /// Longitude and latitude of the layer within tiles of `WebMercatorQuad`.
    pub(super) fn bounds_within(&self, zoom: u32, tiles: &TileLimits) -> Bounds {
        let side = 2.0 * HALF_WORLD_M / f64::from(zoom).exp2();
        let x = |col: u32| f64::from(col) * side - HALF_WORLD_M;
        let y = |row: u32| HALF_WORLD_M - f64::from(row) * side;
        let tiles =
            Bounds::new(x(tiles.min_col), y(tiles.max_row + 1), x(tiles.max_col + 1), y(tiles.min_row));
        let geographic = Crs::from_epsg(3857)
            .and_then(|mercator| Transform::new(&mercator, &Crs::crs84()?))
            .ok()
            .and_then(|transform| transform.convert_bounds(&tiles));
        geographic.and_then(|tiles| tiles.intersection(&self.bounds)).unwrap_or(self.bounds)
    }
}

/// Half the side of the square of Web Mercator.
const HALF_WORLD_M: f64 = 20_037_508.342_789_244;

/// Why a target cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// A file.
    #[error("{} cannot be used", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A database.
    #[error("{} cannot be used", path.display())]
    Database {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: rusqlite::Error,
    },
    /// A file of tiles.
    #[error("{} cannot be written", path.display())]
    Archive {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: ::pmtiles::PmtError,
    },
    /// Another run is at it.
    #[error("{} is in use: another command writes into it", path.display())]
    Busy {
        /// Which.
        path: PathBuf,
    },
    /// Somebody else made it, or what is known of it is lost.
    #[error("{} is there and was not made by `pavage seed`: remove it, or name another target", path.display())]
    NotOurs {
        /// Which.
        path: PathBuf,
    },
    /// It holds other tiles.
    #[error("{} holds other tiles ({holds}), not those of {wanted}: name another target", path.display())]
    Other {
        /// Which.
        path: PathBuf,
        /// What it holds.
        holds: String,
        /// What was to be put in.
        wanted: String,
    },
    /// The cache would throw away what was just put in.
    #[error(
        "the cache holds no more than {limit_bytes} bytes, which these tiles fill: raise `disk_mib`, or seed fewer zooms"
    )]
    CacheFull {
        /// Its bound.
        limit_bytes: u64,
    },
}

impl TargetError {
    pub(super) fn file(path: &Path) -> impl Fn(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { path: path.clone(), source }
    }

    /// Whether there is no room on the disk.
    pub fn is_disk_full(&self) -> bool {
        let is_full = |error: &io::Error| {
            matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
        };
        match self {
            Self::File { source, .. } => is_full(source),
            Self::Database { source, .. } => {
                source.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull)
            }
            Self::Archive { source: ::pmtiles::PmtError::Reading(error), .. } => is_full(error),
            _ => false,
        }
    }
}
