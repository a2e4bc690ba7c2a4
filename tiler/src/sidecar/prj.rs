//! `.prj`: the text of a CRS, as ESRI's WKT, WKT 2 or a PROJ string. What it means is the business of `crs`.

use std::path::Path;

use super::{Problem, SidecarError, text};

const LIMIT_BYTES: u64 = 64 * 1024;

/// The definition on one line.
pub(super) fn read(path: &Path) -> Result<String, SidecarError> {
    let text = text::read(path, LIMIT_BYTES)?;
    let joined = text.lines().map(str::trim).collect::<Vec<_>>().join(" ");
    let joined = joined.trim();
    if joined.is_empty() { Err(text::fail(path, None, Problem::Empty)) } else { Ok(joined.to_owned()) }
}

#[cfg(test)]
mod tests {
    use crate::{crs::Crs, sidecar::Sidecars};

    #[test]
    fn a_definition_over_several_lines_becomes_a_crs() {
        let folder = tempfile::tempdir().unwrap();
        let wkt = "\u{feff}GEOGCS[\"GCS_WGS_1984\",\r\n  DATUM[\"D_WGS_1984\",SPHEROID[\"WGS_1984\",6378137.0,298.257223563]],\r\n\
                   PRIMEM[\"Greenwich\",0.0],UNIT[\"Degree\",0.0174532925199433]]\r\n";
        std::fs::write(folder.path().join("a.prj"), wkt).unwrap();
        let found = Sidecars::beside(&folder.path().join("a.tif")).prj().unwrap().unwrap();
        assert_eq!(Crs::from_name(&found).unwrap().epsg(), Some(4326));
    }

    #[test]
    fn an_empty_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.prj"), " \n").unwrap();
        assert!(Sidecars::beside(&folder.path().join("a.tif")).prj().is_err());
    }
}
