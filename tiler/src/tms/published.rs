//! Compares our table with the sets OGC and IGN publish, when their files are at hand.

use std::path::PathBuf;

use super::{Registry, TileMatrix, TileMatrixSet, json};

/// `tms/<folder>` in the test data: `PAVAGE_TEST_DATA`, or `shared/data` beside the repository.
fn folder(name: &str) -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data");
    let data = std::env::var_os("PAVAGE_TEST_DATA").map_or_else(|| PathBuf::from(beside), PathBuf::from);
    let folder = data.join("tms").join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: no {}", folder.display());
    None
}

fn documents(name: &str) -> Vec<(String, String)> {
    let Some(folder) = folder(name) else { return Vec::new() };
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut all: Vec<(String, String)> = files
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| {
            let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
            (stem, std::fs::read_to_string(path).unwrap())
        })
        .collect();
    all.sort();
    all
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * a.abs().max(b.abs())
}

fn assert_same(context: &str, ours: &TileMatrix, theirs: &TileMatrix) {
    assert!(close(ours.scale_denominator, theirs.scale_denominator), "{context}: scale {ours:?} {theirs:?}");
    assert!(close(ours.cell_size, theirs.cell_size), "{context}: cell {ours:?} {theirs:?}");
    assert!(close(ours.point_of_origin.0, theirs.point_of_origin.0), "{context}: x of {ours:?} {theirs:?}");
    assert!(close(ours.point_of_origin.1, theirs.point_of_origin.1), "{context}: y of {ours:?} {theirs:?}");
    let sizes = |m: &TileMatrix| (m.id.clone(), m.tile_width, m.tile_height, m.matrix_width, m.matrix_height);
    assert_eq!(sizes(ours), sizes(theirs), "{context}");
}

/// Every matrix of the published set is in ours; ours may go on to finer levels.
fn compare(name: &str, ours: &TileMatrixSet, theirs: &TileMatrixSet) {
    assert!(ours.matrices.len() >= theirs.matrices.len(), "{name}");
    for (a, b) in ours.matrices.iter().zip(&theirs.matrices) {
        assert_same(&format!("{name} {}", b.id), a, b);
    }
}

#[test]
fn our_sets_are_the_published_ones() {
    let registry = Registry::standard();
    let mut compared = 0;
    for (name, text) in documents("ogc").into_iter().chain(documents("ign")) {
        let Some(ours) = registry.get(&name) else { continue };
        let theirs = json::read(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
        compare(&name, ours, &theirs);
        // IGN's 4326 and OGC's WGS1984Quad are WorldCRS84Quad under the other name of the CRS.
        let alike = ours.crs == theirs.crs || theirs.crs.epsg() == Some(4326);
        assert!(alike, "{name}: {:?} {:?}", ours.crs, theirs.crs);
        compared += 1;
    }
    println!("compared {compared} sets");
    assert!(compared == 0 || compared >= 25, "{compared}");
}

#[test]
fn every_published_document_is_read_or_refused_with_its_reason() {
    for (name, text) in documents("ogc").into_iter().chain(documents("ign")) {
        match json::read(&text) {
            Ok(set) => assert_eq!(set.id, name),
            Err(error) => assert!(
                matches!(name.as_str(), "CDB1GlobalGrid" | "GNOSISGlobalGrid")
                    && error.to_string().contains("variableMatrixWidths"),
                "{name}: {error}"
            ),
        }
    }
}

#[test]
fn a_document_of_linz_has_its_origin_turned_to_x_y() {
    let Some((_, text)) = documents("ogc").into_iter().find(|(name, _)| name == "NZTM2000Quad") else {
        return;
    };
    let set = json::read(&text).unwrap();
    assert!((set.matrices[0].point_of_origin.0 - -3_260_586.728_4).abs() < 1e-6);
}
