//! `territory.json`: what a territory is and what was planted in it, for people and for tests.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use super::{
    super::{CORNER, DemoError},
    Detail, Territory,
    layout::{DALLE_M, Dalle, Flaw, LATER_YEAR, Layout, YEAR, ZONE_43},
};

const NAME: &str = "territory.json";

/// Leaves the report in the folder, unless it is there.
pub(super) fn leave(folder: &Path, territory: Territory, layout: &Layout) -> Result<(), DemoError> {
    let path: PathBuf = folder.join(NAME);
    let text = format!("{:#}\n", report(territory, layout));
    match fs::read_to_string(&path) {
        Ok(there) if there == text => Ok(()),
        Ok(_) => Err(DemoError::OtherTerritory { path }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::write(&path, text).map_err(|source| super::failed(path, source))
        }
        Err(source) => Err(super::failed(path, source)),
    }
}

fn report(territory: Territory, layout: &Layout) -> Value {
    let path = |dalle: &Dalle| dalle.path().to_string_lossy().into_owned();
    let paths = |dalles: &[Dalle]| dalles.iter().map(path).collect::<Vec<_>>();
    let twin = layout.duplicate.map(|dalle| Dalle { folder: "", ..dalle });
    json!({
        "places": territory.places,
        "columns": layout.columns,
        "rows": layout.rows,
        "files": layout.files().count(),
        "detail": match territory.detail() { Detail::Real => "real", Detail::Cheap => "cheap" },
        "crs": "EPSG:2154",
        "upper_left": [CORNER.0, CORNER.1],
        "dalle_m": DALLE_M,
        "year": YEAR,
        "planted": {
            "hole": layout.hole.as_ref().map(path),
            "reflown": {
                "year": LATER_YEAR,
                "files": paths(&layout.reflown),
            },
            "neighbour": {
                "crs": format!("EPSG:{}", ZONE_43.epsg),
                "cell_size_m": ZONE_43.cell_m(),
                "files": paths(&layout.neighbour),
            },
            "collar": layout.with(Flaw::Collar).map(path),
            "truncated": layout.with(Flaw::Truncated).map(path),
            "duplicate": twin.iter().chain(&layout.duplicate).map(path).collect::<Vec<_>>(),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_planted_is_told() {
        let territory = Territory { places: 64, detail: None, with_defects: true };
        let told = report(territory, &Layout::new(64, true).expect("both CRSs are known"));
        assert_eq!((&told["files"], &told["detail"]), (&json!(63 + 4 + 6 + 1), &json!("real")));
        assert_eq!(told["planted"]["hole"], "2023-06504-62346-LA93-0M05-RVB.tif");
        assert_eq!(told["planted"]["collar"], "2023-06500-62342-LA93-0M05-RVB.tif");
        assert_eq!(told["planted"]["reflown"]["files"][0], "2024/2024-06508-62342-LA93-0M05-RVB.tif");
        assert_eq!(told["planted"]["duplicate"][1], "duplicate/2023-06504-62340-LA93-0M05-RVB.tif");
    }
}
