//! Opens a file and those beside it, by what their first bytes say.

use std::{path::Path, sync::Arc};

use super::{
    Facts, OpenOptions, Problem, facts,
    level::{Blocks, Level},
    location::{self, Beside, Location, Own},
    transparency::{self, Rules},
};
use crate::{
    cog::{self, Alpha, Role, TiffLevel},
    crs::Crs,
    geom::GeoTransform,
    io::{self, ByteSource},
    jp2::{Channel, Jp2},
    raster::Interpretation,
    sidecar::{self, GdalMetadata, Sidecars},
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
    /// Looks at the first bytes of a file, and where they say nothing, at its name.
    pub fn of(path: &Path, bytes: &[u8]) -> Self {
        match bytes {
            [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => Self::Tiff,
            [0, 0, 0, 12, b'j', b'P', b' ', b' ', ..] | [0xff, 0x4f, 0xff, 0x51, ..] => Self::Jpeg2000,
            [b'm', b's', b'i', b'd', ..] => MRSID,
            [0x89, b'P', b'N', b'G', ..] => Self::Other("PNG", TO_COG),
            [0xff, 0xd8, 0xff, ..] => Self::Other("JPEG", TO_COG),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Self::Other("WebP", TO_COG),
            [b'<', b'V', b'R', b'T', ..] => Self::Other("a VRT", TO_COG),
            [b'E', b'H', b'F', b'A', ..] => Self::Other("Erdas Imagine", TO_COG),
            [0x89, b'H', b'D', b'F', ..] => Self::Other("HDF5 or netCDF", TO_COG),
            [b'S', b'Q', b'L', b'i', ..] => Self::Other("SQLite (GeoPackage, MBTiles)", TO_COG),
            [b'v', b'e', b'r', b's', b'i', b'o', b'n', b' ', b'h', b't', ..] => {
                Self::Other("a pointer of Git LFS", "fetch the file itself with `git lfs pull`")
            }
            [b'<', b'!' | b'h' | b'H' | b'?', ..] => {
                Self::Other("a web page or XML", "download the file again")
            }
            [0x1f, 0x8b, ..] => Self::Other("a gzip archive", "unpack it with `gunzip`"),
            [b'P', b'K', 3, 4, ..] => Self::Other("a ZIP archive", "unpack it with `unzip`"),
            [b'7', b'z', 0xbc, 0xaf, ..] => Self::Other("a 7z archive", "unpack it with `7z x`"),
            _ => match path.extension().and_then(|ending| ending.to_str()) {
                // ECW has no mark of its own.
                Some(ending) if ending.eq_ignore_ascii_case("ecw") => ECW,
                Some(ending) if ending.eq_ignore_ascii_case("sid") => MRSID,
                _ => Self::Unknown,
            },
        }
    }
}

const TO_COG: &str = "convert with `gdal_translate -of COG -co COMPRESS=JPEG IN OUT.tif`";
const ECW: Signature = Signature::Other(
    "ECW",
    "convert with `gdal_translate -of COG -co COMPRESS=JPEG IN.ecw OUT.tif`, by a GDAL that has the ECW SDK (QGIS for \
     Windows brings one)",
);
const MRSID: Signature = Signature::Other(
    "MrSID",
    "convert with `gdal_translate -of COG -co COMPRESS=JPEG IN.sid OUT.tif`, by a GDAL that has the MrSID SDK, or after \
     `mrsidgeodecode`",
);

impl Contents {
    /// Opens a file and those beside it.
    pub(super) fn open(path: &Path, options: &OpenOptions) -> Result<Self, Problem> {
        Self::read(io::open(path, options.access)?, &Sidecars::beside(path), options)
    }

    /// Reads the headers of a file, and what those beside it say.
    pub(super) fn read(
        file: Arc<dyn ByteSource>,
        sidecars: &Sidecars,
        options: &OpenOptions,
    ) -> Result<Self, Problem> {
        let first = file.read(0..file.len().min(16))?;
        match Signature::of(&file.identity().path, &first) {
            Signature::Other(name, remedy) => Err(Problem::Format { name, remedy }),
            Signature::Jpeg2000 => Self::jp2(file, sidecars, options),
            Signature::Tiff | Signature::Unknown => Self::tiff(&file, sidecars, options),
        }
    }

    fn tiff(file: &Arc<dyn ByteSource>, sidecars: &Sidecars, options: &OpenOptions) -> Result<Self, Problem> {
        let header = tiff::read(file.as_ref(), &options.limits)?;
        let mut levels = cog::levels(&header)?;
        let mut files = vec![Arc::clone(file)];
        let rasters = [(&sidecars.ovr, false), (&sidecars.msk, true), (&sidecars.msk_ovr, true)];
        for (beside, is_mask) in rasters {
            let Some(beside) = beside else { continue };
            let role = Role { file: files.len(), is_mask };
            let added = Self::beside(beside, options, &mut levels, role);
            let in_file =
                |source: Problem| Problem::Beside { path: beside.to_owned(), source: source.into() };
            files.push(added.map_err(in_file)?);
        }
        let main = &levels[0].image;
        let beside = Beside::read(sidecars);
        let own = main.directory.metadata.as_deref().map(sidecar::gdal_metadata).transpose();
        let mut notes = beside.notes.clone();
        let own = own.unwrap_or_else(|error| {
            notes.push(format!("the tag GDAL_METADATA cannot be used: {}", super::chain(&error)));
            None
        });
        let GdalMetadata { items, bands } = own.unwrap_or_default();
        let band_metadata = facts::merged(beside.pam.as_ref().map_or(&[], |pam| &pam.bands[..]), &bands);
        let mut facts = Facts {
            format: "GTiff",
            compression: main.compression().name(),
            interpretation: main.interpretation,
            is_ycbcr: main.is_ycbcr(),
            bands: main.bands(),
            sample: main.sample(),
            bits: main.bits(),
            block: main.directory.told_block_size(),
            is_tiled: main.directory.tiled,
            is_planar: main.directory.pieces() > 1,
            is_lossy: main.is_lossy(),
            palette: main.palette(),
            unusable_crs: None,
            band_metadata,
            items,
            year: Facts::year_of(main.directory.date.as_ref()),
            notes,
        };
        let nodata = nodata_of(main.directory.nodata.as_deref(), &mut facts);
        let rules = Rules::new(facts.alpha(main.alpha), nodata, facts.sample, options);
        let own = Own { geo: &main.directory.geo, gml: None };
        let Location { crs, geotransform } = location::locate(&own, &beside, options);
        let has_points_only = geotransform.is_err() && !own.geo.tiepoints.is_empty();
        let unusable = cog::title(own.geo).filter(|_| crs.is_err() && !has_points_only).map(str::to_owned);
        let facts = Facts { unusable_crs: unusable, ..facts };
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

    fn jp2(file: Arc<dyn ByteSource>, sidecars: &Sidecars, options: &OpenOptions) -> Result<Self, Problem> {
        let jp2 = Arc::new(Jp2::open(file.as_ref(), &options.limits)?);
        let beside = Beside::read(sidecars);
        let alpha = jp2.alpha().map(|band| Alpha { band, is_premultiplied: jp2.is_premultiplied() });
        let palette = jp2.palette().map(<[_]>::to_vec).unwrap_or_default();
        let is_colour =
            [Channel::Red, Channel::Green, Channel::Blue].iter().all(|c| jp2.channels().contains(c));
        let facts = Facts {
            format: "JP2",
            compression: "JPEG2000",
            interpretation: match (palette.is_empty(), is_colour) {
                (false, _) => Interpretation::Palette,
                (_, true) => Interpretation::Rgb,
                _ => Interpretation::Grey,
            },
            is_ycbcr: false,
            bands: jp2.bands(),
            sample: jp2.sample(),
            bits: jp2.bits(),
            block: jp2.block_size(0),
            is_tiled: true,
            is_planar: false,
            is_lossy: !jp2.is_reversible(),
            palette,
            unusable_crs: None,
            band_metadata: beside.pam.as_ref().map(|pam| pam.bands.clone()).unwrap_or_default(),
            items: Vec::new(),
            year: None,
            notes: beside.notes.clone(),
        };
        let nodata = facts.band_metadata.first().and_then(|band| band.nodata);
        let rules = Rules::new(facts.alpha(alpha), nodata, facts.sample, options);
        let own = Own { geo: jp2.geo(), gml: jp2.gml().map(|gml| (gml.transform, gml.srs_name.as_str())) };
        let Location { crs, geotransform } = location::locate(&own, &beside, options);
        let full = jp2.size();
        let bytes = file.len();
        let blocks =
            |level| Blocks::Jp2 { file: Arc::clone(&jp2), level, bytes: bytes >> (2 * level).min(63) };
        let mut files = vec![file];
        let mut masks = Vec::new();
        for path in [&sidecars.msk, &sidecars.msk_ovr].into_iter().flatten() {
            let beside = |source: Problem| Problem::Beside { path: path.clone(), source: source.into() };
            let opened = io::open(path, options.access).map_err(|error| beside(error.into()))?;
            let header =
                tiff::read(opened.as_ref(), &options.limits).map_err(|error| beside(error.into()))?;
            masks.extend(cog::masks(&header, files.len()).map_err(|error| beside(error.into()))?);
            files.push(opened);
        }
        let mut mask = |size| {
            let at = masks.iter().position(|mask| mask.directory.size == size)?;
            Some(Blocks::tiff(masks.swap_remove(at)))
        };
        let levels: Vec<Level> = jp2
            .levels()
            .iter()
            .enumerate()
            .map(|(level, size)| Level::new(full, *size, blocks(level), mask(*size)))
            .collect();
        for mask in levels.iter().filter_map(|level| level.mask.as_ref()) {
            mask.check(files[mask.file()].len())?;
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

/// The nodata value; what cannot be used of it is noted.
fn nodata_of(tag: Option<&str>, facts: &mut Facts) -> Option<f64> {
    let own = transparency::nodata(tag, facts.sample).unwrap_or_else(|error| {
        let text = tag.unwrap_or_default().trim_matches(['\0', ' ']);
        facts.notes.push(format!("the tag GDAL_NODATA is {text:?}: {error}, so it is left aside"));
        None
    });
    let by_band: Vec<f64> = facts.band_metadata.iter().filter_map(|band| band.nodata).collect();
    let nodata = own.or(by_band.first().copied());
    if own.is_none() && by_band.iter().any(|value| Some(value.to_bits()) != nodata.map(f64::to_bits)) {
        facts
            .notes
            .push("bands have different nodata values: that of the first one counts for all".to_owned());
    }
    nodata
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_read_is_named_with_the_command_that_converts_it() {
        for (name, bytes, expected) in [
            ("a.ecw", &b"e\x02\x01\x01"[..], "ECW"),
            ("A.ECW", b"whatever", "ECW"),
            ("a.sid", b"msid\x04", "MrSID"),
            ("a.tif", b"\x89PNG\r\n", "PNG"),
            ("a.tif", b"<VRTDataset>", "a VRT"),
        ] {
            let Signature::Other(found, remedy) = Signature::of(Path::new(name), bytes) else {
                panic!("{name} is another raster")
            };
            assert_eq!(found, expected);
            assert!(remedy.contains("gdal_translate"));
        }
        assert_eq!(Signature::of(Path::new("a.tif"), b"II*\0"), Signature::Tiff);
        assert_eq!(Signature::of(Path::new("a.tif"), b"nothing"), Signature::Unknown);
    }
}
