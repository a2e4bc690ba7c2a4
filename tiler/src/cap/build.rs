//! Builds one patch: of dalles, or of the patches of the tier below.

use std::{path::PathBuf, sync::Arc};

use super::folder::{CapFolder, MadeOf};
use crate::{
    catalog::{CapLayout, Dalle, Mosaic, Opener, Order, PATCH_PX, PatchAddress},
    cog::write::{Chroma, Encoding, PixelError, PixelSource, Transparency, WriteError, WriteOptions},
    geom::{Bounds, Size, Window},
    raster::{Interpretation, Raster, SampleType},
    render::{RegionRequest, region},
    source::{OpenOptions, Source, SourceError, write_verified},
};

/// Columns of the smallest overview of a patch.
const SMALLEST_PX: u32 = 256;
/// Of lossy imagery, patches are JPEG of this quality, with chroma at full resolution: tiles have pixels of 1.5 to 3 of
/// theirs, so that halved chroma would be as coarse as the tile, and encoded there once more.
const JPEG_QUALITY: u8 = 85;
/// Of lossless imagery, patches are lossless.
const ZSTD_LEVEL: i32 = 6;

/// Why a patch could not be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The folder cannot be written to.
    #[error("{} cannot be written to", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The patch cannot be written, or its dalles cannot be read.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// A patch of the tier below cannot be read.
    #[error("a patch below cannot be read")]
    Below(#[from] SourceError),
}

impl BuildError {
    /// Whether the disk is full, and all others would fail as well.
    pub fn is_disk_full(&self) -> bool {
        match self {
            Self::Folder { source, .. } => source.kind() == std::io::ErrorKind::StorageFull,
            Self::Write(error) => error.is_disk_full(),
            Self::Below(_) => false,
        }
    }
}

/// A patch that has to be built.
#[derive(Debug, Clone)]
pub struct Job {
    folder: CapFolder,
    layout: CapLayout,
    patch: PatchAddress,
    hash: u128,
    made_of: MadeOf,
    mosaic: Arc<Mosaic>,
}

impl Job {
    pub(super) fn new(
        folder: CapFolder,
        layout: CapLayout,
        (patch, hash): (PatchAddress, u128),
        made_of: MadeOf,
        mosaic: Arc<Mosaic>,
    ) -> Self {
        Self { folder, layout, patch, hash, made_of, mosaic }
    }

    /// The file that will be there.
    pub fn file(&self) -> PathBuf {
        self.folder.file(&self.layout, self.patch, self.hash)
    }

    /// Which patch.
    pub fn patch(&self) -> PatchAddress {
        self.patch
    }
}

/// Builds a patch; it is there whole and verified, or not at all. One that is there already is left as it is.
///
/// # Errors
/// When dalles cannot be read, or the patch cannot be written.
pub fn build(job: &Job, files: &dyn Opener) -> Result<(), BuildError> {
    let path = job.file();
    if path.is_file() {
        return Ok(());
    }
    let folder = |source| BuildError::Folder { path: path.clone(), source };
    job.folder.keep_anchor(&job.layout).map_err(folder)?;
    job.made_of.keep_beside(&path).map_err(folder)?;
    let below = match &job.made_of {
        MadeOf::Dalles(_) => Arc::clone(&job.mosaic),
        MadeOf::Patches(patches) => Arc::new(mosaic_of(job, patches)?),
    };
    let pixels = PatchPixels { job, below: &below, files, bands: bands(&job.mosaic) };
    write_verified(&path, &options(job, pixels.bands), &pixels)?;
    Ok(())
}

/// The patches of the tier below.
fn mosaic_of(job: &Job, patches: &[(PatchAddress, u128)]) -> Result<Mosaic, SourceError> {
    let options = Arc::new(OpenOptions::default());
    let record = |&(patch, hash): &(PatchAddress, u128)| {
        let source = Source::open(&job.folder.file(&job.layout, patch, hash), &options)?;
        Dalle::of(&source, &options).map(Arc::new)
    };
    let dalles = patches.iter().map(record).collect::<Result<Vec<_>, _>>()?;
    Ok(Mosaic::new(dalles, Order::Given))
}

/// As many as the dalle with the most.
fn bands(mosaic: &Mosaic) -> usize {
    mosaic.dalles().iter().map(|dalle| dalle.kind.bands).max().unwrap_or(3)
}

fn options(job: &Job, bands: usize) -> WriteOptions {
    let main = job.mosaic.main_zone().map(|zone| job.mosaic.dalle(zone.main()));
    let sample = main.map_or(SampleType::U8, |dalle| dalle.kind.sample);
    let is_lossy = main.is_some_and(|dalle| dalle.kind.is_lossy);
    let fits_jpeg = sample == SampleType::U8 && matches!(bands, 1 | 3);
    let encoding = if is_lossy && fits_jpeg {
        Encoding::Jpeg { quality: JPEG_QUALITY, chroma: Chroma::Full }
    } else {
        Encoding::Zstd { level: ZSTD_LEVEL, predictor: Encoding::predictor_for(sample) }
    };
    WriteOptions {
        bands,
        sample,
        interpretation: if bands >= 3 { Interpretation::Rgb } else { Interpretation::Grey },
        encoding,
        transparency: Transparency::Mask,
        // A tile of the whole mosaic needs one that is as small as itself.
        smallest_px: SMALLEST_PX,
        ..WriteOptions::new(size(), job.layout.geotransform(job.patch), &job.layout.crs)
    }
}

fn size() -> Size {
    Size::new(PATCH_PX, PATCH_PX)
}

/// The pixels of a patch, from what lies below it.
struct PatchPixels<'a> {
    job: &'a Job,
    below: &'a Arc<Mosaic>,
    files: &'a dyn Opener,
    bands: usize,
}

impl PixelSource for PatchPixels<'_> {
    fn pixels(&self, window: Window) -> Result<Raster, PixelError> {
        let to_crs = self.job.layout.geotransform(self.job.patch);
        let (min_x, max_y) = to_crs.apply(window.col_off as f64, window.row_off as f64);
        let (max_x, min_y) = to_crs.apply(window.col_end() as f64, window.row_end() as f64);
        let request = RegionRequest {
            mosaic: self.below,
            crs: &self.job.layout.crs,
            bounds: Bounds::new(min_x, min_y, max_x, max_y),
            size: Size::new(window.width, window.height),
            bands: self.bands,
        };
        Ok(region(&request, self.files)?)
    }
}
