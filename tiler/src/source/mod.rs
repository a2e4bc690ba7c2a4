//! One raster file, with the files beside it, as an image with levels. It knows blocks and pixels, but no tile and no
//! target grid.

mod bands;
mod block;
mod collar;
mod contents;
mod facts;
mod level;
mod location;
mod opacity;
mod picture;
mod place;
mod read;
mod samples;
mod statistics;
mod transparency;
mod verdict;
mod verify;
mod window;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use xxhash_rust::xxh3::xxh3_128;

pub use bands::BandFacts;
pub use block::{Block, HeldPlanes, Holding};
pub use collar::{CollarRule, TOLERANCE as COLLAR_TOLERANCE};
pub use contents::Signature;
pub use facts::Facts;
pub use level::Level;
pub use place::{Place, Placement, Placements};
pub use read::{BlockAddress, BlockKey, Plane, StoredBlock};
pub use transparency::NodataError;
pub use verdict::{Advice, Cost, Severity, quoted};
pub use verify::write_verified;

use collar::Collar;
use contents::Contents;
use picture::Shown;
use transparency::Rules;

use crate::{
    codec::CodecError,
    cog::LayoutError,
    crs::{Crs, CrsError},
    geom::{Bounds, GeoTransform, Size},
    io::{Access, ByteSource, FileIdentity, IoError, Memory},
    jp2::Jp2Error,
    raster::SampleType,
    sidecar::Sidecars,
    tiff::{Limits, TiffError},
};

/// One tile reads no more than this from one source.
pub const TILE_LIMIT_PX: u64 = 256 << 20;

/// How files are opened.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OpenOptions {
    /// Memory map or `pread`; by default chosen by the file system.
    pub access: Access,
    /// What a header may ask for before the file is refused.
    pub limits: Limits,
    /// The CRS of files that do not tell theirs; none by default.
    pub assumed_crs: Option<Crs>,
    /// What counts as a collar around imagery.
    pub collar: CollarRule,
    /// The value of pixels without data, instead of what the file says.
    pub nodata: NodataRule,
    /// Whether a band that the file calls alpha is one more band of data: some producers tag infrared so.
    pub alpha_is_data: bool,
}

impl From<TiffError> for Problem {
    fn from(error: TiffError) -> Self {
        match error {
            TiffError::BlockOutOfFile { end, len, .. } if end > len => Self::CutShort(error),
            error => Self::Tiff(error),
        }
    }
}

/// Which value means "nothing here".
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum NodataRule {
    /// What the file says.
    #[default]
    Own,
    /// None.
    Off,
    /// This one.
    Value(f64),
}

/// Why a file cannot be served, or can no longer be.
#[derive(Debug, thiserror::Error)]
#[error("{}", path.display())]
pub struct SourceError {
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
    #[error("it is {name}, which is not read here: {remedy}")]
    Format { name: &'static str, remedy: &'static str },
    #[error("the JPEG 2000 data cannot be used")]
    Jp2(#[from] Jp2Error),
    #[error("the TIFF header cannot be used")]
    Tiff(#[source] TiffError),
    #[error("it is cut short: copy it again")]
    CutShort(#[source] TiffError),
    #[error("its place on earth is unclear: {reason}")]
    Unplaced { reason: String },
    #[error("its coordinate reference system cannot be used")]
    Crs(#[from] CrsError),
    #[error("its pixels cannot be used")]
    Layout(#[from] LayoutError),
    #[error("the tag GDAL_NODATA cannot be used")]
    Nodata(#[from] NodataError),
    #[error("the file {} beside it cannot be used", path.display())]
    Beside {
        path: PathBuf,
        #[source]
        source: Box<Problem>,
    },
    #[error("all its samples have {bytes} bytes, and no more than {limit} are read as a whole")]
    TooLarge { bytes: u64, limit: u64 },
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
pub struct Source {
    path: PathBuf,
    stem: String,
    /// The file itself, then those beside it.
    files: Vec<Arc<dyn ByteSource>>,
    generation: u128,
    levels: Vec<Level>,
    rules: Rules,
    collar: Option<Collar>,
    full_alpha: OnceLock<f64>,
    /// Blocks of which all pixels show, as far as that was looked at.
    shown: Shown,
    facts: Facts,
    crs: Option<Crs>,
    geotransform: Option<GeoTransform>,
    place: Result<Place, String>,
}

impl Source {
    /// Opens a file and reads all of its headers; no pixel is read. It need not say where it lies: [`Source::place`] tells.
    ///
    /// # Errors
    /// When the file is not a raster that is read here; the chain of causes names tag and remedy.
    pub fn open(path: &Path, options: &OpenOptions) -> Result<Arc<Self>, SourceError> {
        Self::named(path, Contents::open(path, options), options)
    }

    /// A file that never was on disk: with nothing beside it, and `memory` for a path.
    ///
    /// # Errors
    /// As [`Source::open`].
    pub fn from_bytes(bytes: Vec<u8>, options: &OpenOptions) -> Result<Arc<Self>, SourceError> {
        let file: Arc<dyn ByteSource> = Arc::new(Memory::new(bytes));
        let contents = Contents::read(Arc::clone(&file), &Sidecars::default(), options);
        Self::named(&file.identity().path, contents, options)
    }

    fn named(
        path: &Path,
        contents: Result<Contents, Problem>,
        options: &OpenOptions,
    ) -> Result<Arc<Self>, SourceError> {
        match contents {
            Ok(contents) => Ok(Arc::new(Self::new(path, contents, options))),
            Err(problem) => Err(SourceError { path: path.to_owned(), problem }),
        }
    }

    fn new(path: &Path, contents: Contents, options: &OpenOptions) -> Self {
        let Contents { files, levels, rules, facts, crs, geotransform } = contents;
        let size = levels[0].size;
        let reasons = [crs.as_ref().err(), geotransform.as_ref().err()];
        let place = match (&crs, &geotransform) {
            (Ok(crs), Ok(geotransform)) => Place::new(crs.clone(), *geotransform, size)
                .ok_or_else(|| "its pixels have no area".to_owned()),
            _ => Err(reasons.into_iter().flatten().cloned().collect::<Vec<_>>().join("; ")),
        };
        let (collar, rules) = match (options.collar, rules.nodata) {
            (CollarRule::Value { value, tolerance }, _) => (Some(Collar::new(value, tolerance)), rules),
            (CollarRule::Auto, Some(value)) if facts.is_lossy => {
                let collar = Collar::new(value, COLLAR_TOLERANCE * facts.levels_per_byte());
                (Some(collar), Rules { nodata_is_collar: true, ..rules })
            }
            _ => (None, rules),
        };
        let stem = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
        Self {
            path: path.to_owned(),
            stem,
            generation: generation(
                files.iter().map(|file| file.identity()),
                &(options.collar, &rules, &crs, &geotransform),
            ),
            shown: Shown::new(levels.len()),
            files,
            levels,
            rules,
            collar,
            full_alpha: OnceLock::new(),
            facts,
            crs: crs.ok(),
            geotransform: geotransform.ok(),
            place,
        }
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
        self.facts.bands - usize::from(self.rules.alpha.is_some())
    }

    /// The type of its samples.
    pub fn sample(&self) -> SampleType {
        self.facts.sample
    }

    /// What the file says of itself.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The CRS, where the file tells it.
    pub fn crs(&self) -> Option<&Crs> {
        self.crs.as_ref()
    }

    /// From pixels of the full resolution image to its CRS, where the file tells it.
    pub fn geotransform(&self) -> Option<&GeoTransform> {
        self.geotransform.as_ref()
    }

    /// Where the image lies.
    ///
    /// # Errors
    /// When the file does not say it, with the remedy.
    pub fn place(&self) -> Result<&Place, SourceError> {
        self.place.as_ref().map_err(|reason| self.fail(Problem::Unplaced { reason: reason.clone() }))
    }

    /// Bounds in another CRS; `None` where that CRS cannot show the image.
    pub fn bounds_in(&self, crs: &Crs) -> Option<Bounds> {
        self.place.as_ref().ok()?.bounds_in(crs)
    }

    /// Sizes of the overviews, the largest first.
    pub fn overviews(&self) -> Vec<Size> {
        self.levels[1..].iter().map(|level| level.size).collect()
    }

    /// Which file, and which state of it, was opened.
    pub fn identity(&self) -> &FileIdentity {
        self.files[0].identity()
    }

    /// The states of the files beside it that were opened.
    pub fn beside(&self) -> impl Iterator<Item = &FileIdentity> {
        self.files[1..].iter().map(|file| file.identity())
    }

    /// A hash of the identities: another content has another generation.
    pub fn generation(&self) -> u128 {
        self.generation
    }

    /// The value that marks pixels without data.
    pub fn nodata(&self) -> Option<f64> {
        self.rules.nodata
    }

    /// Whether the file has a band of alpha.
    pub fn has_alpha(&self) -> bool {
        self.rules.alpha.is_some()
    }

    /// The band of alpha, counted from 0.
    pub fn alpha_band(&self) -> Option<usize> {
        self.rules.alpha.map(|alpha| alpha.band)
    }

    /// Whether pixels can be invalid: by nodata, mask or alpha.
    pub fn has_transparency(&self) -> bool {
        self.rules.hide_anything()
            || self.collar.is_some()
            || self.levels[0].has_mask()
            || self.facts.sample.is_float()
    }

    /// The full resolution image is level 0, overviews follow.
    ///
    /// # Panics
    /// When there is no such level.
    pub fn level(&self, level: usize) -> &Level {
        &self.levels[level]
    }

    /// The level to read when `shrink` pixels of the full resolution image fall on one target pixel.
    pub fn level_for(&self, shrink: f64) -> usize {
        level_for(self.levels.iter().map(|level| level.factor), shrink)
    }

    fn fail(&self, problem: impl Into<Problem>) -> SourceError {
        SourceError { path: self.path.clone(), problem: problem.into() }
    }
}

/// The level to read when `shrink` pixels of the full resolution image fall on one target pixel; `factors` are pixels of
/// the full image under one of each level.
///
/// The coarsest that [`serves`]: nothing aliases, as the kernel widens for the rest.
pub fn level_for(
    factors: impl DoubleEndedIterator<Item = (f64, f64)> + ExactSizeIterator,
    shrink: f64,
) -> usize {
    let mut factors = factors;
    factors.rposition(|factor| serves((factor.0 * factor.1).sqrt(), shrink)).unwrap_or(0)
}

/// Whether a level of this factor shows all that a target can at this shrink.
///
/// The pixels of a level are means already, and a kernel of about their own width blurs them once more: `gdalwarp -ovr AUTO`,
/// which takes a level of nearly the target's resolution, gives 26.5 dB where the next finer one gives 27.4 (JPEG of a
/// photograph at a shrink of 35, against the mean over each pixel). So a level must be finer by a half, or equal:
/// where the target's grid is that of the level, it is copied.
pub fn serves(factor: f64, shrink: f64) -> bool {
    let finer = shrink / factor;
    finer >= 1.5 || (finer - 1.0).abs() < 1e-3
}

/// An error and its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// A hash of all that decides what blocks decode to, and where they lie: the files and what was made of them.
fn generation<'a>(identities: impl Iterator<Item = &'a FileIdentity>, meaning: &dyn std::fmt::Debug) -> u128 {
    let mut bytes = Vec::with_capacity(320);
    for identity in identities {
        // One file, whichever way it was named.
        let path = std::path::absolute(&identity.path);
        let path = path.as_deref().unwrap_or(&identity.path);
        bytes.extend_from_slice(path.as_os_str().as_encoded_bytes());
        // Not the device: a network drive that is mounted again has another one.
        for number in [identity.inode, identity.size] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&identity.mtime_ns.to_le_bytes());
    }
    bytes.extend_from_slice(format!("{meaning:?}").as_bytes());
    xxh3_128(&bytes)
}
