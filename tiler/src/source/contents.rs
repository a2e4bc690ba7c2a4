//! Opens a file and those beside it, by what their first bytes say.

use std::{path::Path, sync::Arc};

use super::{
    Facts, OpenOptions, Problem,
    level::{Blocks, Level},
    transparency::{self, Rules},
};
use crate::{
    cog::{self, Role, TiffLevel},
    crs::Crs,
    geom::GeoTransform,
    io::{self, ByteSource},
    tiff::{self, TiffFile},
};

/// All that opening a file gives.
pub(super) struct Contents {
    pub files: Vec<Arc<dyn ByteSource>>,
    pub levels: Vec<Level>,
    pub rules: Rules,
    pub facts: Facts,
    /// Or why it is not known.
    pub crs: Result<Crs, String>,
    /// Or why it is not known.
    pub geotransform: Result<GeoTransform, String>,
}

/// What a file is by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signature {
    /// TIFF or BigTIFF.
    Tiff,
    /// JPEG 2000: a JP2 file or a bare codestream.
    Jpeg2000,
    /// A raster that is not read here: its name, and the command that converts it.
    Other(&'static str, &'static str),
    /// Nothing that is known here.
    Unknown,
}

impl Signature {
    /// Looks at the first bytes of a file.
    pub fn of(bytes: &[u8]) -> Self {
        const TO_COG: &str = "gdal_translate -of COG -co COMPRESS=JPEG IN OUT.tif";
        match bytes {
            [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => Self::Tiff,
            [0, 0, 0, 12, b'j', b'P', b' ', b' ', ..] | [0xff, 0x4f, 0xff, 0x51, ..] => Self::Jpeg2000,
            [b'm', b's', b'i', b'd', ..] => Self::Other(
                "MrSID",
                "mrsidgeodecode -i IN -o OUT.tif (free from LizardTech), then gdal_translate -of COG",
            ),
            [b'e', 0..=3, ..] => Self::Other(
                "ECW",
                "gdal_translate -of COG -co COMPRESS=JPEG IN.ecw OUT.tif, with a GDAL built with the ECW SDK",
            ),
            [0x89, b'P', b'N', b'G', ..] => Self::Other("PNG", TO_COG),
            [0xff, 0xd8, 0xff, ..] => Self::Other("JPEG", TO_COG),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Self::Other("WebP", TO_COG),
            [b'<', b'V', b'R', b'T', ..] => Self::Other("a VRT", TO_COG),
            [b'E', b'H', b'F', b'A', ..] => Self::Other("Erdas Imagine", TO_COG),
            [0x89, b'H', b'D', b'F', ..] => Self::Other("HDF5 or netCDF", TO_COG),
            [b'S', b'Q', b'L', b'i', ..] => Self::Other("SQLite (GeoPackage, MBTiles)", TO_COG),
            _ => Self::Unknown,
        }
    }
}

impl Contents {
    pub(super) fn read(path: &Path, options: &OpenOptions) -> Result<Self, Problem> {
        let file = io::open(path, options.access)?;
        let first = file.read(0..file.len().min(16))?;
        match Signature::of(&first) {
            Signature::Other(name, remedy) => Err(Problem::Format { name, remedy }),
            Signature::Jpeg2000 => {
                Err(Problem::Format { name: "JPEG 2000", remedy: "gdal_translate -of COG" })
            }
            Signature::Tiff | Signature::Unknown => Self::tiff(path, &file, options),
        }
    }

    fn tiff(path: &Path, file: &Arc<dyn ByteSource>, options: &OpenOptions) -> Result<Self, Problem> {
        let header = tiff::read(file.as_ref(), &options.limits)?;
        let mut levels = cog::levels(&header)?;
        let mut files = vec![Arc::clone(file)];
        for (ending, is_mask) in [("ovr", false), ("msk", true)] {
            let mut name = path.as_os_str().to_owned();
            name.push(".");
            name.push(ending);
            let beside = Path::new(&name);
            if !beside.is_file() {
                continue;
            }
            let role = Role { file: files.len(), is_mask };
            let added = Self::beside(beside, options, &mut levels, role);
            let in_file =
                |source: Problem| Problem::Beside { path: beside.to_owned(), source: source.into() };
            files.push(added.map_err(in_file)?);
        }
        let main = &levels[0].image;
        let facts = Facts {
            format: "GTiff",
            compression: main.compression().name(),
            interpretation: main.interpretation,
            is_ycbcr: main.is_ycbcr(),
            bands: main.bands(),
            sample: main.sample(),
            bits: main.bits(),
            is_tiled: main.directory.tiled,
            is_planar: main.directory.pieces() > 1,
            is_lossy: main.is_lossy(),
            palette: main.palette(),
        };
        let nodata = transparency::nodata(main.directory.nodata.as_deref(), facts.sample)?;
        let rules = Rules { alpha: main.alpha, nodata };
        let geo = &main.directory.geo;
        let crs = cog::crs(geo).or_else(|error| options.assumed_crs.clone().ok_or(error));
        let (crs, geotransform) = (crs.map_err(|e| chain(&e)), cog::geotransform(geo).map_err(|e| chain(&e)));
        let full = levels[0].size();
        let levels: Vec<Level> = levels
            .into_iter()
            .map(|level| {
                Level::new(full, level.size(), Blocks::tiff(level.image), level.mask.map(Blocks::tiff))
            })
            .collect();
        for blocks in levels.iter().flat_map(|level| std::iter::once(&level.image).chain(&level.mask)) {
            blocks.check(files[blocks.file()].len())?;
        }
        Ok(Self { files, levels, rules, facts, crs, geotransform })
    }

    fn beside(
        path: &Path,
        options: &OpenOptions,
        levels: &mut Vec<TiffLevel>,
        role: Role,
    ) -> Result<Arc<dyn ByteSource>, Problem> {
        let file = io::open(path, options.access)?;
        let header: TiffFile = tiff::read(file.as_ref(), &options.limits)?;
        cog::beside(levels, &header, role)?;
        Ok(file)
    }
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
