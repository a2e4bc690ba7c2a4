//! One raster file of a mosaic as a light record: what planning needs, without the file being open.

use std::{path::Path, sync::Arc};

use geo_types::MultiPolygon;
use xxhash_rust::xxh3::xxh3_128;

use crate::{
    crs::Crs,
    geom::{Bounds, GeoTransform, Size},
    io::FileIdentity,
    raster::SampleType,
    source::{OpenOptions, Source, SourceError, level_for},
};

/// The state of a file: another content has another stamp, unless somebody takes pains.
///
/// The device is not part of it: it changes when a network drive is mounted again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Stamp {
    /// Number of the file on its device.
    pub inode: u64,
    /// Bytes.
    pub bytes: u64,
    /// Last modification, in nanoseconds since 1970.
    pub mtime_ns: i64,
}

impl Stamp {
    /// The stamp of a file in a known state.
    pub fn of(identity: &FileIdentity) -> Self {
        Self { inode: identity.inode, bytes: identity.size, mtime_ns: identity.mtime_ns as i64 }
    }
}

/// What the dalles of one delivery have in common; kept once for all of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Kind {
    /// The CRS of the pixels.
    pub crs: Crs,
    /// Sizes of all levels; the full resolution image first.
    pub levels: Vec<Size>,
    /// Colour bands, without alpha.
    pub bands: usize,
    /// The type of samples.
    pub sample: SampleType,
    /// Whether pixels can be invalid.
    pub has_transparency: bool,
    /// Whether compression loses details.
    pub is_lossy: bool,
    /// How blocks are compressed, as GDAL names it.
    pub compression: String,
    /// How the file is opened.
    pub options: Arc<OpenOptions>,
}

impl Kind {
    /// Columns and rows of the full resolution image.
    pub fn size(&self) -> Size {
        self.levels[0]
    }

    /// Pixels of the full resolution image under one pixel of a level, along columns and along rows.
    ///
    /// # Panics
    /// When there is no such level.
    pub fn factor(&self, level: usize) -> (f64, f64) {
        let ratio = |full: u32, part: u32| f64::from(full) / f64::from(part);
        let (full, part) = (self.size(), self.levels[level]);
        (ratio(full.width, part.width), ratio(full.height, part.height))
    }

    /// The level to read when `shrink` pixels of the full resolution image fall on one target pixel.
    pub fn level_for(&self, shrink: f64) -> usize {
        level_for((0..self.levels.len()).map(|level| self.factor(level)), shrink)
    }
}

/// Keeps each kind once.
#[derive(Debug, Default)]
pub struct Kinds(Vec<Arc<Kind>>);

impl Kinds {
    /// The kind that is kept for all that are equal to this one.
    pub fn shared(&mut self, kind: Arc<Kind>) -> Arc<Kind> {
        // Neighbours in a folder are mostly of one kind: the last that was asked for stands first.
        if let Some(at) = self.0.iter().position(|known| Arc::ptr_eq(known, &kind) || **known == *kind) {
            self.0.swap(0, at);
            return Arc::clone(&self.0[0]);
        }
        self.0.push(Arc::clone(&kind));
        kind
    }
}

/// One raster file of a mosaic, not open.
#[derive(Debug, Clone, PartialEq)]
pub struct Dalle {
    /// The file.
    pub path: Arc<Path>,
    /// The state of the file when it was looked at.
    pub stamp: Stamp,
    /// A hash of the file's state, of those beside it, and of how they are read.
    pub generation: u128,
    /// From pixels of the full resolution image to its CRS.
    pub geotransform: GeoTransform,
    /// What it has in common with others.
    pub kind: Arc<Kind>,
    /// The year of its imagery, where it is known.
    pub year: Option<u16>,
    /// Where it shows, where that is not everywhere.
    pub footprint: Option<Arc<Footprint>>,
}

/// The polygons in which a dalle shows, whatever else it holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Footprint {
    /// In the CRS of the dalle.
    pub polygons: MultiPolygon,
    hash: u128,
}

impl Footprint {
    /// Of polygons in the CRS of the dalle.
    pub fn new(polygons: MultiPolygon) -> Self {
        let mut bytes = Vec::new();
        for polygon in &polygons {
            for ring in std::iter::once(polygon.exterior()).chain(polygon.interiors()) {
                for point in &ring.0 {
                    bytes.extend_from_slice(&point.x.to_bits().to_le_bytes());
                    bytes.extend_from_slice(&point.y.to_bits().to_le_bytes());
                }
                bytes.push(0);
            }
        }
        Self { polygons, hash: xxh3_128(&bytes) }
    }
}

impl Dalle {
    /// The record of an open file.
    ///
    /// # Errors
    /// When the file does not say where it lies.
    pub fn of(source: &Source, options: &Arc<OpenOptions>) -> Result<Self, SourceError> {
        let place = source.place()?;
        let facts = source.facts();
        let kind = Kind {
            crs: place.crs().clone(),
            levels: std::iter::once(source.size()).chain(source.overviews()).collect(),
            bands: source.bands(),
            sample: source.sample(),
            has_transparency: source.has_transparency(),
            is_lossy: facts.is_lossy,
            compression: facts.compression.to_owned(),
            options: Arc::clone(options),
        };
        Ok(Self {
            path: source.path().into(),
            stamp: Stamp::of(source.identity()),
            generation: source.generation(),
            geotransform: *place.geotransform(),
            kind: Arc::new(kind),
            year: facts.year,
            footprint: None,
        })
    }

    /// A hash of all that decides what it adds to a mosaic.
    pub fn state(&self) -> u128 {
        self.generation ^ self.footprint.as_ref().map_or(0, |footprint| footprint.hash)
    }

    /// The file's name without its ending.
    pub fn stem(&self) -> String {
        self.path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// Bounds in its own CRS.
    pub fn bounds(&self) -> Bounds {
        self.geotransform.bounds(self.kind.size())
    }

    /// The smaller side of a pixel in units of its CRS.
    pub fn cell_size(&self) -> f64 {
        let (width, height) = self.geotransform.cell_size();
        width.abs().min(height.abs())
    }
}
