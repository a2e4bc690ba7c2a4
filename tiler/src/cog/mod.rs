//! One GeoTIFF file as a georeferenced image with levels. It knows blocks and pixels, but no tile and no target grid.

mod geokeys;
mod georef;
mod level;
mod nodata;
mod read;
pub mod write;

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use parking_lot::RwLock;
use xxhash_rust::xxh3::xxh3_128;

pub use geokeys::GeoKeyError;
pub use georef::GeorefError;
pub use level::{Level, LevelError};
pub use nodata::NodataError;
pub use read::{BlockAddress, BlockBytes, BlockKey, Plane};

use crate::{
    codec::CodecError,
    crs::{Crs, CrsError, Transform},
    geom::{Bounds, GeoTransform, Size},
    io::{self, Access, ByteSource, FileIdentity, IoError},
    tiff::{self, Limits, TiffError},
};

/// How files are opened.
#[derive(Debug, Clone, Default)]
pub struct OpenOptions {
    /// Memory map or `pread`; by default chosen by the file system.
    pub access: Access,
    /// What a header may ask for before the file is refused.
    pub limits: Limits,
}

/// Why a file cannot be served, or can no longer be.
#[derive(Debug, thiserror::Error)]
#[error("{}", path.display())]
pub struct CogError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    #[source]
    pub problem: Problem,
}

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each variant is its message")]
pub enum Problem {
    #[error("the file cannot be read")]
    Io(#[from] IoError),
    #[error("the TIFF header cannot be used")]
    Tiff(#[from] TiffError),
    #[error("its place on earth is unclear")]
    Georef(#[from] GeorefError),
    #[error("its coordinate reference system is unclear")]
    GeoKeys(#[from] GeoKeyError),
    #[error("its coordinate reference system cannot be used")]
    Crs(#[from] CrsError),
    #[error("its pixels cannot be used")]
    Level(#[from] LevelError),
    #[error("the tag GDAL_NODATA cannot be used")]
    Nodata(#[from] NodataError),
    #[error("the block at column {col}, row {row} of level {level} cannot be decoded")]
    Block {
        level: usize,
        col: u32,
        row: u32,
        #[source]
        source: CodecError,
    },
}

/// An open file: its headers, parsed once, and its bytes. Shared by all who read it.
#[derive(Debug)]
pub struct Cog {
    path: PathBuf,
    stem: String,
    bytes: Arc<dyn ByteSource>,
    generation: u128,
    levels: Vec<Level>,
    crs: Crs,
    geotransform: GeoTransform,
    to_pixel: GeoTransform,
    placements: RwLock<HashMap<Crs, Option<Arc<Placement>>>>,
}

/// How an image lies in another CRS.
#[derive(Debug)]
pub struct Placement {
    /// From that CRS to the image's.
    pub transform: Transform,
    /// The image's bounds in that CRS.
    pub bounds: Bounds,
}

impl Cog {
    /// Opens a file and reads all of its headers; no pixel is read.
    ///
    /// # Errors
    /// When the file is not a GeoTIFF that can be served; the chain of causes names tag and remedy.
    pub fn open(path: &Path, options: &OpenOptions) -> Result<Arc<Self>, CogError> {
        Self::parse(path, options)
            .map(Arc::new)
            .map_err(|problem| CogError { path: path.to_owned(), problem })
    }

    fn parse(path: &Path, options: &OpenOptions) -> Result<Self, Problem> {
        let bytes = io::open(path, options.access)?;
        let file = tiff::read(bytes.as_ref(), &options.limits)?;
        let levels = level::levels(&file)?;
        let main = &file.directories[levels[0].directory_index];
        for level in &levels {
            level.check_blocks(bytes.len())?;
        }
        let geotransform = georef::geotransform(&main.geo)?;
        let to_pixel = geotransform.inverse().ok_or(GeorefError::NoArea)?;
        let crs = geokeys::crs(&main.geo)?;
        let stem = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
        let generation = generation(bytes.identity());
        Ok(Self {
            path: path.to_owned(),
            stem,
            bytes,
            generation,
            levels,
            crs,
            geotransform,
            to_pixel,
            placements: RwLock::default(),
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file's name without its ending.
    pub fn stem(&self) -> &str {
        &self.stem
    }

    /// Size of the full resolution image.
    pub fn size(&self) -> Size {
        self.levels[0].size
    }

    /// Colour bands; alpha is not one of them.
    pub fn bands(&self) -> usize {
        self.levels[0].colour_bands()
    }

    /// The CRS of the image.
    pub fn crs(&self) -> &Crs {
        &self.crs
    }

    /// From pixels of the full resolution image to its CRS.
    pub fn geotransform(&self) -> &GeoTransform {
        &self.geotransform
    }

    /// From the image's CRS to pixels of the full resolution image.
    pub fn to_pixel(&self) -> &GeoTransform {
        &self.to_pixel
    }

    /// Bounds in the image's CRS.
    pub fn bounds(&self) -> Bounds {
        self.geotransform.bounds(self.size())
    }

    /// Sizes of the overviews, the largest first.
    pub fn overviews(&self) -> Vec<Size> {
        self.levels[1..].iter().map(|level| level.size).collect()
    }

    /// Which file, and which state of it, was opened.
    pub fn identity(&self) -> &FileIdentity {
        self.bytes.identity()
    }

    /// A hash of the identity: another content has another generation.
    pub fn generation(&self) -> u128 {
        self.generation
    }

    /// Whether pixels can be invalid: by nodata, mask or alpha.
    pub fn has_transparency(&self) -> bool {
        self.levels[0].has_transparency()
    }

    /// The full resolution image is level 0, overviews follow.
    ///
    /// # Panics
    /// When there is no such level.
    pub fn level(&self, level: usize) -> &Level {
        &self.levels[level]
    }

    /// The level to read when `shrink` pixels of the full resolution image fall on one target pixel.
    ///
    /// Source: as `gdalwarp -ovr AUTO`, the coarsest level that is not coarser than the target, where 5 % too coarse
    /// still counts as equal: nothing aliases, as the kernel widens for the rest, and nothing is blurred needlessly.
    pub fn level_for(&self, shrink: f64) -> usize {
        let fits = |level: &Level| (level.factor.0 * level.factor.1).sqrt() <= shrink * 1.05;
        self.levels.iter().rposition(fits).unwrap_or(0)
    }

    /// How the image lies in another CRS; `None` where that CRS cannot show it.
    ///
    /// # Errors
    /// When no way between the two is known.
    pub fn placement(&self, crs: &Crs) -> Result<Option<Arc<Placement>>, CrsError> {
        if let Some(known) = self.placements.read().get(crs) {
            return Ok(known.clone());
        }
        let there = Transform::new(&self.crs, crs)?;
        let transform = Transform::new(crs, &self.crs)?;
        let corners = self.outline().filter_map(|(x, y)| there.convert(x, y));
        let placement = Bounds::around(corners)
            .filter(Bounds::is_valid)
            .map(|bounds| Arc::new(Placement { transform, bounds }));
        self.placements.write().insert(crs.clone(), placement.clone());
        Ok(placement)
    }

    /// Bounds in another CRS; `None` where that CRS cannot show the image.
    pub fn bounds_in(&self, crs: &Crs) -> Option<Bounds> {
        self.placement(crs).ok().flatten().map(|placement| placement.bounds)
    }

    /// Points along the edge of the image, which for a rotated image is not the edge of its bounds.
    fn outline(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        let (width, height) = (f64::from(self.size().width), f64::from(self.size().height));
        Bounds::new(0.0, 0.0, width, height)
            .edge_points(32)
            .map(|(col, row)| self.geotransform.apply(col, row))
    }

    fn fail(&self, problem: impl Into<Problem>) -> CogError {
        CogError { path: self.path.clone(), problem: problem.into() }
    }
}

fn generation(identity: &FileIdentity) -> u128 {
    let mut bytes = Vec::with_capacity(160);
    bytes.extend_from_slice(identity.path.as_os_str().as_encoded_bytes());
    for number in [identity.device, identity.inode, identity.size] {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    bytes.extend_from_slice(&identity.mtime_ns.to_le_bytes());
    xxh3_128(&bytes)
}
