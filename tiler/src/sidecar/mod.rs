//! The files beside a raster: world file, `.prj`, `.aux.xml`, `MapInfo` `.tab`, and where `.ovr` and `.msk` would be.
//!
//! It parses text and knows no pixel, no CRS engine and no TIFF: a CRS is handed on as the text that was found. Which of
//! two sources wins is the caller's business; GDAL's order for a GeoTIFF is `.aux.xml`, the file itself, `.tab`, world file.
//!
//! ```
//! use tiler::sidecar::Sidecars;
//!
//! let folder = tempfile::tempdir()?;
//! std::fs::write(folder.path().join("dalle.tfw"), "0,05\n0\n0\n-0,05\n650000,025\n6234999,975\n")?;
//! let beside = Sidecars::beside(&folder.path().join("dalle.tif"));
//! let place = beside.world_file()?.expect("there is one");
//! assert!((place.0[0] - 650_000.0).abs() < 1e-6, "the corner, not the centre, of the first pixel");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod band;
mod gdal_metadata;
mod mapinfo;
mod pam;
mod prj;
mod text;
mod world_file;

use std::{
    collections::HashSet,
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
};

pub use band::{BandMetadata, Category, ColourInterpretation, Statistics};
pub use gdal_metadata::{GdalMetadata, Item, parse as gdal_metadata};
pub use mapinfo::{CoordSys, Tab};
pub use pam::Pam;

use crate::geom::GeoTransform;

/// Why a sidecar cannot be used. The raster itself may be fine.
#[derive(Debug, thiserror::Error)]
#[error("{}{}", path.display(), line.map(|line| format!(", line {line}")).unwrap_or_default())]
pub struct SidecarError {
    /// The sidecar, or the raster for what stands inside it.
    pub path: PathBuf,
    /// Where in it, from 1.
    pub line: Option<usize>,
    /// What is wrong.
    #[source]
    pub problem: Problem,
}

/// What is wrong with a sidecar.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each variant is its message")]
pub enum Problem {
    #[error("it cannot be read")]
    Io(#[from] std::io::Error),
    #[error("it is not a regular file")]
    NotAFile,
    #[error("it has more than {limit} bytes")]
    TooLarge { limit: u64 },
    #[error("it is not a text")]
    NotText,
    #[error("\"{text}\" is not a finite number")]
    Number { text: String },
    #[error("{found} numbers where {wanted} are needed")]
    Count { found: usize, wanted: usize },
    #[error("its pixels have no area")]
    NoArea,
    #[error("the XML cannot be read: {reason}")]
    Xml { reason: String },
    #[error("it is no raster table of MapInfo")]
    NotARaster,
    #[error(
        "the control points are off by up to {residual_px:.2} pixels: no plain georeference; warp the image first"
    )]
    Residual { residual_px: f64 },
    #[error("it is empty")]
    Empty,
}

/// Which sidecars a raster has. Nothing is read before it is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sidecars {
    /// `.tfw`, `.wld` and their like.
    pub world_file: Option<PathBuf>,
    /// `.prj`.
    pub prj: Option<PathBuf>,
    /// `name.ext.aux.xml`.
    pub pam: Option<PathBuf>,
    /// `MapInfo` `.tab`.
    pub tab: Option<PathBuf>,
    /// Overviews: `name.ext.ovr`.
    pub ovr: Option<PathBuf>,
    /// Mask: `name.ext.msk`.
    pub msk: Option<PathBuf>,
    /// Overviews of the mask: `name.ext.msk.ovr`.
    pub msk_ovr: Option<PathBuf>,
}

impl Sidecars {
    /// Asks the file system for each candidate name; a folder of 150 000 files is not listed.
    ///
    /// A raster without sidecars costs 18 `stat`s for a `.tif`. Who has the folder's listing uses [`Sidecars::among`].
    pub fn beside(path: &Path) -> Self {
        Self::where_exists(path, Path::is_file)
    }

    /// The same from the names in the folder, without a system call.
    pub fn among(path: &Path, names: &HashSet<OsString>) -> Self {
        Self::where_exists(path, |candidate| candidate.file_name().is_some_and(|name| names.contains(name)))
    }

    /// The same from whatever knows which files exist.
    pub fn where_exists(path: &Path, exists: impl Fn(&Path) -> bool) -> Self {
        let first = |candidates: Vec<PathBuf>| candidates.into_iter().find(|candidate| exists(candidate));
        let replaced = |endings: &[&str]| endings.iter().map(|ending| path.with_extension(ending)).collect();
        let appended = |endings: &[&str]| endings.iter().map(|ending| with_suffix(path, ending)).collect();
        let msk = first(appended(&[".msk", ".MSK"]));
        Self {
            world_file: first(world_file::endings(path).iter().map(|e| path.with_extension(e)).collect()),
            prj: first(replaced(&["prj", "PRJ"])),
            pam: first(appended(&[".aux.xml", ".AUX.XML"])),
            tab: first(replaced(&["tab", "TAB"])),
            ovr: first(appended(&[".ovr", ".OVR"])).or_else(|| first(replaced(&["ovr", "OVR"]))),
            msk_ovr: msk
                .as_deref()
                .and_then(|msk| first(vec![with_suffix(msk, ".ovr"), with_suffix(msk, ".OVR")])),
            msk,
        }
    }

    /// All that there are.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        let all = [&self.world_file, &self.prj, &self.pam, &self.tab, &self.ovr, &self.msk, &self.msk_ovr];
        all.into_iter().flatten().map(PathBuf::as_path)
    }

    /// Whether there is none at all.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Where the world file places the raster, counted from pixel corners.
    ///
    /// # Errors
    /// When it cannot be read or does not hold six numbers.
    pub fn world_file(&self) -> Result<Option<GeoTransform>, SidecarError> {
        self.world_file.as_deref().map(world_file::read).transpose()
    }

    /// The CRS in the `.prj`: the text for `Crs::from_name`, usually WKT.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn prj(&self) -> Result<Option<String>, SidecarError> {
        self.prj.as_deref().map(prj::read).transpose()
    }

    /// What GDAL or `ArcGIS` wrote into the `.aux.xml`.
    ///
    /// # Errors
    /// When it cannot be read or is no XML.
    pub fn pam(&self) -> Result<Option<Pam>, SidecarError> {
        self.pam.as_deref().map(pam::read).transpose()
    }

    /// Place and CRS by `MapInfo`; `None` also when the `.tab` describes no raster.
    ///
    /// # Errors
    /// When it cannot be read, or its control points make no affine map.
    pub fn tab(&self) -> Result<Option<Tab>, SidecarError> {
        let read = self.tab.as_deref().map(mapinfo::read).transpose();
        match read {
            Err(SidecarError { problem: Problem::NotARaster, .. }) => Ok(None),
            read => read,
        }
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(OsStr::new(suffix));
    name.into()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn among(raster: &str, names: &[&str]) -> Sidecars {
        Sidecars::among(Path::new(raster), &names.iter().map(OsString::from).collect())
    }

    #[test]
    fn every_sidecar_is_found_by_its_usual_name() {
        let names =
            ["a.tfw", "a.prj", "a.tif.aux.xml", "a.tab", "a.tif.ovr", "a.tif.msk", "a.tif.msk.ovr", "b.tfw"];
        let found = among("folder/a.tif", &names);
        assert_eq!(found.world_file.as_deref(), Some(Path::new("folder/a.tfw")));
        assert_eq!(found.pam.as_deref(), Some(Path::new("folder/a.tif.aux.xml")));
        assert_eq!(found.msk_ovr.as_deref(), Some(Path::new("folder/a.tif.msk.ovr")));
        assert!(found.prj.is_some() && found.tab.is_some() && found.ovr.is_some() && found.msk.is_some());
    }

    #[test]
    fn upper_case_and_overviews_without_the_ending_are_found() {
        let found = among("A.TIF", &["A.TFW", "A.PRJ", "A.ovr"]);
        assert_eq!(found.world_file.as_deref(), Some(Path::new("A.TFW")));
        assert!(found.prj.is_some() && found.ovr.is_some());
        assert!(among("a.tif", &["c.tfw"]).is_empty());
    }

    #[test]
    fn a_raster_without_sidecars_costs_eighteen_questions() {
        let asked = Cell::new(0);
        Sidecars::where_exists(Path::new("folder/2020-04960-66124-LA93-0M05-RVB.tif"), |_| {
            asked.set(asked.get() + 1);
            false
        });
        assert_eq!(asked.get(), 18);
    }
}
