//! Sets, layers and a snapshot made by hand for tests of documents and parameters; no file is behind them.

use std::{collections::BTreeMap, path::PathBuf, process::Command, sync::Arc};

use tiler::{
    catalog::{Imagery, Mosaic},
    crs::Crs,
    encode::Format,
    geom::Bounds,
    raster::SampleType,
    render::RenderSettings,
    style::{Interpretation, LayerFacts, StyleSpec},
    tms::{Registry, TileLimits, TileMatrix, TileMatrixSet},
};

use crate::layers::{EmptyTile, Layer, LayerSet, ServiceInfo, Snapshot, Vintage};

/// Half the width of the Web Mercator world, in metres.
pub const HALF_WORLD: f64 = 20_037_508.342_789_244;
/// Cell of its level 0, in metres.
pub const CELL_SIZE: f64 = HALF_WORLD / 128.0;

/// `WebMercatorQuad`, levels 0 to 3.
pub fn web_mercator_quad() -> TileMatrixSet {
    set("WebMercatorQuad", 3857, (-HALF_WORLD, HALF_WORLD), CELL_SIZE, 4)
}

/// A set in Lambert-93, levels 0 to 1.
pub fn lambert_93() -> TileMatrixSet {
    set("LAMB93_5cm", 2154, (0.0, 12_000_000.0), 104_857.6, 2)
}

fn set(id: &str, epsg: u32, point_of_origin: (f64, f64), cell_size: f64, levels: i32) -> TileMatrixSet {
    let matrix = |level: i32| TileMatrix {
        id: level.to_string(),
        scale_denominator: cell_size / 2_f64.powi(level) / 0.000_28,
        cell_size: cell_size / 2_f64.powi(level),
        point_of_origin,
        tile_width: 256,
        tile_height: 256,
        matrix_width: 1 << level,
        matrix_height: 1 << level,
    };
    let google = "http://www.opengis.net/def/wkss/OGC/1.0/GoogleMapsCompatible";
    TileMatrixSet {
        id: id.to_owned(),
        title: format!("{id} & more"),
        aliases: vec![format!("EPSG:{epsg}")],
        crs: Crs::from_epsg(epsg).expect("is a known code"),
        well_known_scale_set: (epsg == 3857).then(|| google.to_owned()),
        matrices: (0..levels).map(matrix).collect(),
    }
}

/// One layer, `ortho`, in JPEG and PNG: Web Mercator levels 0 to 2 of 4, and Lambert-93.
pub fn snapshot() -> Snapshot {
    let one = |col, row| Some(TileLimits { min_col: col, max_col: col, min_row: row, max_row: row });
    let layer = Layer {
        id: "ortho".to_owned(),
        title: "Orthophoto <5 cm> & \"more\"".to_owned(),
        description: "L'été".to_owned(),
        attribution: "© somebody".to_owned(),
        imagery: Imagery::new(Mosaic::default()),
        vintages: Vec::new(),
        styles: vec![
            StyleSpec { name: "normal".to_owned(), ..StyleSpec::default() }
                .resolve(&LayerFacts::plain(3, SampleType::U8, Interpretation::Rgb))
                .expect("it fits"),
        ],
        settings: RenderSettings::default(),
        formats: vec![Format::Jpeg, Format::Png],
        sets: vec![
            LayerSet {
                set: Arc::new(web_mercator_quad()),
                bounds: Bounds { min_x: 420_000.0, min_y: 5_400_000.0, max_x: 430_000.0, max_y: 5_410_000.0 },
                limits: vec![one(0, 0), one(1, 0), one(2, 1), None],
            },
            LayerSet {
                set: Arc::new(lambert_93()),
                bounds: Bounds { min_x: 770_000.0, min_y: 6_270_000.0, max_x: 780_000.0, max_y: 6_280_000.0 },
                limits: vec![one(0, 0), one(0, 0)],
            },
        ],
        wgs84_bounds: Bounds { min_x: 3.75, min_y: 43.5, max_x: 4.0, max_y: 43.75 },
        empty_tile: EmptyTile::Blank,
        unavailable: None,
        max_age_s: 3600,
        download: None,
    };
    Snapshot {
        layers: BTreeMap::from([(layer.id.clone(), Arc::new(layer))]),
        registry: Registry::standard(),
        update_sequence: 7,
        generation: 7,
        service: ServiceInfo {
            title: "Tiles & co".to_owned(),
            description: String::new(),
            provider: String::new(),
            provider_url: "https://example.org/?a&b".to_owned(),
            public_url: None,
        },
        files: Arc::default(),
        hints: Arc::default(),
        lost: Vec::new(),
        caps: BTreeMap::new(),
    }
}

/// The same layer with imagery of 2018, 2021 and 2024.
pub fn with_vintages() -> Snapshot {
    let mut snapshot = snapshot();
    let layer = snapshot.layers.get_mut("ortho").map(Arc::make_mut).expect("it is there");
    layer.vintages =
        [2018, 2021].map(|year| Vintage { year, imagery: Imagery::new(Mosaic::default()) }).to_vec();
    layer.vintages.push(Vintage { year: 2024, imagery: layer.imagery.clone() });
    snapshot
}

/// Validates a document with `xmllint` against one of OGC's schemas, under `$PAVAGE_TEST_DATA/ogc/schemas` or
/// `../shared/data/ogc/schemas` beside the workspace; says so where either is not there.
pub fn assert_schema_valid(document: &str, schema: &str) {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let data = std::env::var_os("PAVAGE_TEST_DATA").map_or(beside, PathBuf::from);
    // By its one true path: the parser takes a file with two names for two schemas.
    let named = data.join("ogc/schemas").join(schema);
    let schema = named.canonicalize().unwrap_or(named);
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::io::Write::write_all(&mut file, document.as_bytes()).expect("is written");
    let mut xmllint = Command::new("xmllint");
    xmllint.args(["--nonet", "--noout", "--schema"]).arg(&schema).arg(file.path());
    match (schema.is_file(), xmllint.output()) {
        (true, Ok(output)) => {
            assert!(output.status.success(), "{}\n{document}", String::from_utf8_lossy(&output.stderr));
        }
        (false, _) => println!("skipped: there is no {}", schema.display()),
        (_, Err(error)) => println!("skipped: xmllint does not run: {error}"),
    }
}
