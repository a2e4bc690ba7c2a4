//! The table of the sets known from the start: OGC's, IGN's (Géoplateforme, ROK4) and 5 cm sets of their kind.
//!
//! The numbers are facts published by OGC and IGN; `published.rs` compares them.

use super::TileMatrixSet;
use super::ladder::{Ladder, Sizes, irregular, matrices};
use super::sizes::{
    LEVELS_LAMB93, SIZES_LAMB93_5CM, SIZES_LAMB93_25CM, SIZES_LAMB93_250CM, SIZES_OVERSEAS_10CM,
};
use crate::crs::Crs;

/// Sets in OGC's register, which have a URI.
pub(super) const OGC_IDS: [&str; 12] = [
    "WebMercatorQuad",
    "WorldCRS84Quad",
    "WorldMercatorWGS84Quad",
    "EuropeanETRS89_LAEAQuad",
    "UTM20WGS84Quad",
    "UTM21WGS84Quad",
    "UTM22WGS84Quad",
    "UTM30WGS84Quad",
    "UTM31WGS84Quad",
    "UTM32WGS84Quad",
    "UTM38WGS84Quad",
    "UTM40WGS84Quad",
];

const GOOGLE_MAPS: &str = "http://www.opengis.net/def/wkss/OGC/1.0/GoogleMapsCompatible";
const GOOGLE_CRS84: &str = "http://www.opengis.net/def/wkss/OGC/1.0/GoogleCRS84Quad";
const WORLD_MERCATOR: &str = "http://www.opengis.net/def/wkss/OGC/1.0/WorldMercatorWGS84";

/// Half of the equator of WGS 84, metres.
const HALF_EQUATOR_M: f64 = 20_037_508.342_789_244;

/// First cell of the ladder that ends with 5 cm at level 22.
const TOP_CELL_5CM: f64 = 209_715.2;

/// The corner of all IGN grids in a projected CRS.
const IGN_ORIGIN: (f64, f64) = (0.0, 12_000_000.0);

/// Overseas territories: EPSG code, name in the sets' titles, alias of the 10 cm set in ROK4.
const OVERSEAS: [(u32, &str, &str); 6] = [
    (5490, "Antilles", "RGAF09UTM20_10cm"),
    (4559, "Antilles (RRAF 1991)", "UTM20W84GUAD_10cm"),
    (2972, "Guyane", "UTM22RGFG95_10cm"),
    (2975, "La Réunion", "RGR92UTM40S_10cm"),
    (4471, "Mayotte", "RGM04UTM38S_10cm"),
    (4467, "Saint-Pierre-et-Miquelon", "RGSPM06U21_10cm"),
];

/// All sets, the ones most asked for first.
pub(super) fn sets() -> Vec<TileMatrixSet> {
    let mut all = world();
    all.extend(lambert_93());
    all.extend((42..=50).flat_map(conic_zone));
    all.extend(OVERSEAS.iter().flat_map(|row| overseas(*row)));
    all.extend([20, 21, 22, 30, 31, 32, 38, 40].map(utm_quad));
    all
}

/// The identifier of the set to publish imagery of a CRS in, when the table has one.
pub(super) fn native_id(crs: &Crs) -> Option<String> {
    let Some(code) = crs.epsg() else {
        return (crs.urn() == "urn:ogc:def:crs:OGC:1.3:CRS84").then(|| "WorldCRS84Quad".to_owned());
    };
    Some(match code {
        3857 => "WebMercatorQuad".to_owned(),
        4326 => "WorldCRS84Quad".to_owned(),
        3395 => "WorldMercatorWGS84Quad".to_owned(),
        2154 => "LAMB93_5cm".to_owned(),
        9794 => "RGF93v2b_LA93_5cm".to_owned(),
        3942..=3950 => format!("CC{}_5cm", code - 3900),
        9842..=9850 => format!("RGF93v2b_CC{}_5cm", code - 9800),
        _ if OVERSEAS.iter().any(|(overseas, ..)| *overseas == code) => format!("{code}_5cm"),
        _ => return None,
    })
}

/// The set made for a CRS the table has none for: a 5 cm ladder, or a quad for longitude and latitude.
///
/// The ladder's corner is `(-20971520, 20971520)` metres, and each matrix has twice as many columns as rows:
/// 107374 km eastward and 53687 km southward, which holds every zone, those with the number before the easting too.
pub(super) fn generated(crs: &Crs) -> Option<TileMatrixSet> {
    let code = crs.epsg()?;
    if crs.is_geographic() {
        let title = format!("{}, quad", crs.title());
        return Some(build(&format!("EPSG_{code}_Quad"), &title, &[], crs.clone(), &WORLD_QUAD));
    }
    let metres = crs.metres_per_unit();
    let ladder = Ladder {
        top_cell: TOP_CELL_5CM / metres,
        origin: (-20_971_520.0 / metres, 20_971_520.0 / metres),
        sizes: Sizes::Doubling(2, 1),
        ..LADDER_5CM
    };
    let title = format!("{}, 5 cm", crs.title());
    Some(build(&format!("EPSG_{code}_5cm"), &title, &[], crs.clone(), &ladder))
}

/// IGN's ladder for 5 cm; its sizes are Lambert-93's.
const LADDER_5CM: Ladder = Ladder {
    top_cell: TOP_CELL_5CM,
    first_id: 0,
    levels: 23,
    origin: IGN_ORIGIN,
    sizes: Sizes::Published(&SIZES_LAMB93_5CM),
};

const WORLD_QUAD: Ladder = Ladder {
    top_cell: 0.703_125,
    first_id: 0,
    levels: 24,
    origin: (-180.0, 90.0),
    sizes: Sizes::Doubling(2, 1),
};

const MERCATOR_QUAD: Ladder = Ladder {
    top_cell: HALF_EQUATOR_M / 128.0,
    first_id: 0,
    levels: 25,
    origin: (-HALF_EQUATOR_M, HALF_EQUATOR_M),
    sizes: Sizes::Doubling(1, 1),
};

fn world() -> Vec<TileMatrixSet> {
    let mercator_names = [
        "PM",
        "PM_5cm",
        "GoogleMapsCompatible",
        "EPSG:3857",
        "EPSG:900913",
        "WholeWorld_WebMercator",
        "3857",
    ];
    let quad_names = ["WGS84G", "4326", "EPSG:4326", "GoogleCRS84Quad", "WGS1984Quad", "WholeWorld_CRS_84"];
    let mut sets = vec![
        build(
            "WebMercatorQuad",
            "Google Maps Compatible for the World",
            &mercator_names,
            epsg(3857),
            &MERCATOR_QUAD,
        ),
        build("WorldCRS84Quad", "CRS84 for the World", &quad_names, crs84(), &WORLD_QUAD),
        build("WorldMercatorWGS84Quad", "World Mercator WGS84 (ellipsoid)", &[], epsg(3395), &MERCATOR_QUAD),
    ];
    for (set, scales) in sets.iter_mut().zip([GOOGLE_MAPS, GOOGLE_CRS84, WORLD_MERCATOR]) {
        set.well_known_scale_set = Some(scales.to_owned());
    }
    let europe = Ladder {
        top_cell: 17_578.125,
        first_id: 0,
        levels: 16,
        origin: (2_000_000.0, 5_500_000.0),
        sizes: Sizes::Doubling(1, 1),
    };
    let title = "Lambert Azimuthal Equal Area ETRS89 for Europe";
    sets.push(build("EuropeanETRS89_LAEAQuad", title, &[], epsg(3035), &europe));
    sets
}

fn lambert_93() -> Vec<TileMatrixSet> {
    let ladder = |top_cell, levels, sizes| Ladder { top_cell, levels, sizes, ..LADDER_5CM };
    let coarse = |levels| ladder(131_072.0, levels, Sizes::Published(&SIZES_LAMB93_25CM));
    let rows = [
        ("5cm", LADDER_5CM),
        ("10cm", Ladder { levels: 22, ..LADDER_5CM }),
        ("25cm", coarse(20)),
        ("50cm", coarse(19)),
        ("1m", coarse(18)),
        ("2.5m", ladder(163_840.0, 17, Sizes::Published(&SIZES_LAMB93_250CM))),
    ];
    let mut sets: Vec<TileMatrixSet> = rows
        .iter()
        .map(|(cell, ladder)| {
            let title = format!("Lambert-93, {cell}");
            build(&format!("LAMB93_{cell}"), &title, &[&format!("2154_{cell}")], epsg(2154), ladder)
        })
        .collect();
    let mut old =
        build("LAMB93", "Lambert-93, Géoportail", &["2154_IGNF", "LAMB93_IGNF"], epsg(2154), &LADDER_5CM);
    old.matrices = irregular(&LEVELS_LAMB93, IGN_ORIGIN, 1.0);
    sets.push(old);
    let name = "RGF93v2b_LA93_5cm";
    sets.push(build(name, "Lambert-93 (RGF93 v2b), 5 cm", &["9794_5cm"], epsg(9794), &LADDER_5CM));
    sets
}

/// The 5 cm sets of a conic zone, in both realisations of RGF93: x up to 2400 km, y down to 1000 km.
fn conic_zone(zone: u32) -> [TileMatrixSet; 2] {
    let ladder = Ladder { sizes: Sizes::Covering(2_400_000.0, 1_000_000.0), ..LADDER_5CM };
    let (v1, v2b) = (3900 + zone, 9800 + zone);
    let v1_names = [format!("{v1}_5cm"), format!("RGF93CC{zone}_5cm"), format!("RGF93_CC{zone}_5cm")];
    let v1_names: Vec<&str> = v1_names.iter().map(String::as_str).collect();
    let title = format!("CC{zone}, 5 cm");
    let v2b_title = format!("CC{zone} (RGF93 v2b), 5 cm");
    [
        build(&format!("CC{zone}_5cm"), &title, &v1_names, epsg(v1), &ladder),
        build(&format!("RGF93v2b_CC{zone}_5cm"), &v2b_title, &[&format!("{v2b}_5cm")], epsg(v2b), &ladder),
    ]
}

/// The 10 cm set of a territory, with IGN's sizes where IGN publishes some that hold it, and a 5 cm set.
fn overseas((code, place, alias): (u32, &str, &str)) -> [TileMatrixSet; 2] {
    let whole_zone = Ladder { sizes: Sizes::Covering(1_200_000.0, 0.0), ..LADDER_5CM };
    let sizes = match code {
        4559 => Sizes::Published(&SIZES_LAMB93_5CM),
        2972 | 2975 | 4471 => Sizes::Published(&SIZES_OVERSEAS_10CM),
        _ => whole_zone.sizes,
    };
    let ten = Ladder { levels: 22, sizes, ..LADDER_5CM };
    [
        build(&format!("{code}_5cm"), &format!("{place}, 5 cm"), &[], epsg(code), &whole_zone),
        build(&format!("{code}_10cm"), &format!("{place}, 10 cm"), &[alias], epsg(code), &ten),
    ]
}

/// OGC's set of a UTM zone; its identifiers start with 1.
fn utm_quad(zone: u32) -> TileMatrixSet {
    let ladder = Ladder {
        top_cell: 78_140.357_260_255_9,
        first_id: 1,
        levels: 24,
        origin: (-9_501_965.729_312_76, 20_003_931.458_625_5),
        sizes: Sizes::Doubling(1, 2),
    };
    let title = format!("Universal Transverse Mercator Zone {zone} WGS84 Quad");
    build(&format!("UTM{zone}WGS84Quad"), &title, &[], epsg(32600 + zone), &ladder)
}

fn build(id: &str, title: &str, aliases: &[&str], crs: Crs, ladder: &Ladder) -> TileMatrixSet {
    let matrices = matrices(ladder, crs.metres_per_unit());
    TileMatrixSet {
        id: id.to_owned(),
        title: title.to_owned(),
        aliases: aliases.iter().map(|&alias| alias.to_owned()).collect(),
        crs,
        well_known_scale_set: None,
        matrices,
    }
}

fn epsg(code: u32) -> Crs {
    Crs::from_epsg(code).expect("a code of the table above is in the registry")
}

fn crs84() -> Crs {
    Crs::crs84().expect("EPSG:4326 is in the registry")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crs::Transform;

    /// Code, and a longitude and latitude within.
    const PLACES: [(u32, f64, f64); 12] = [
        (2154, 9.5, 42.0),
        (2154, -5.1, 48.4),
        (9794, 2.3, 48.9),
        (3942, 9.0, 42.0),
        (3950, 2.0, 50.9),
        (9846, -1.5, 46.0),
        (5490, -61.2, 14.5),
        (2972, -52.3, 4.9),
        (2975, 55.5, -21.1),
        (4471, 45.2, -12.8),
        (4467, -56.3, 46.9),
        (32631, 3.0, 45.0),
    ];

    #[test]
    fn every_native_set_holds_its_territory_at_every_level() {
        let all = sets();
        let lon_lat = crs84();
        for (code, lon, lat) in PLACES {
            let crs = epsg(code);
            let (x, y) = Transform::new(&lon_lat, &crs).unwrap().convert(lon, lat).unwrap();
            let table = native_id(&crs).and_then(|id| all.iter().find(|set| set.id == id).cloned());
            let set = table.or_else(|| generated(&crs)).unwrap();
            assert_eq!(set.crs, crs, "{}", set.id);
            for matrix in &set.matrices {
                assert!(matrix.tile_at(x, y).is_some(), "{} {}: {x} {y}", set.id, matrix.id);
            }
        }
    }

    #[test]
    fn every_set_has_its_own_names() {
        let mut names = std::collections::BTreeSet::new();
        for set in sets() {
            for name in set.aliases.iter().chain([&set.id]) {
                assert!(names.insert(name.to_ascii_lowercase()), "{name} is taken");
            }
        }
    }

    #[test]
    fn a_generated_set_is_in_the_unit_of_its_crs() {
        let feet = generated(&epsg(2263)).unwrap();
        let last = feet.matrices.last().unwrap();
        assert!((last.cell_size * feet.crs.metres_per_unit() - 0.05).abs() < 1e-12);
        assert!((last.scale_denominator - 0.05 / 0.000_28).abs() < 1e-6);
        let degrees = generated(&epsg(4171)).unwrap();
        assert_eq!((degrees.id.as_str(), degrees.matrices.len()), ("EPSG_4171_Quad", 24));
    }

    #[test]
    fn a_zone_with_its_number_before_the_easting_fits() {
        let set = generated(&epsg(4647)).unwrap();
        assert!(set.matrices.iter().all(|matrix| matrix.tile_at(32_500_000.0, 5_500_000.0).is_some()));
    }
}
