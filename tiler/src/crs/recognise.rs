//! Recognises a definition by its numbers: Lambert-93 written without its code is still EPSG:2154.
//!
//! It compares with a list of candidates, those met in French and neighbouring data, and, for a definition that names its
//! datum, with the whole registry. It guesses nothing else.

use std::{collections::HashMap, sync::LazyLock};

use proj_core::{CrsDef, Datum, ProjectedCrsDef, ProjectionMethod};

/// How far a number may be from the registry's: files round, and some went through `f32`.
const TOLERANCE_DEG: f64 = 1e-6;
const TOLERANCE_M: f64 = 0.01;
const TOLERANCE_SCALE: f64 = 1e-7;

/// Datums between which the transformation is null, so that one standing for another moves no pixel.
/// WGS 84, RGF93 v1, ETRS89, RGF93 v2, RGF93 v2b.
const ALIKE: [u32; 5] = [6326, 6171, 6258, 1312, 1313];

/// Candidates, the preferred ones first.
fn candidates() -> impl Iterator<Item = u32> {
    [2154]
        .into_iter()
        .chain(3942..=3950)
        .chain(25828..=25837)
        .chain([5490, 2972, 2975, 4471, 4467, 4559])
        .chain(32601..=32660)
        .chain(32701..=32760)
        .chain([9794])
        .chain(9842..=9850)
        .chain(26901..=26923)
        .chain([3395, 3035, 3034, 2056, 28992, 31370, 21781, 3163])
}

/// The EPSG code whose definition has these numbers, `None` when no candidate has them; the title decides between two.
pub(super) fn code(def: &CrsDef, title: &str) -> Option<u32> {
    match def.as_projected() {
        Some(projected) => projected_code(projected).or_else(|| registered_code(projected, title)),
        None => geographic_code(def.datum()),
    }
}

/// The code that WKT gives itself as its last word: `AUTHORITY["EPSG","27572"]]` or `ID["EPSG",27572]]`.
pub(super) fn own_code(wkt: &str) -> Option<u32> {
    let inner = wkt.trim_end().strip_suffix("]]")?;
    let (before, code) = inner.rsplit_once(',')?;
    let authority = before.trim_end().ends_with("\"EPSG\"");
    authority.then(|| code.trim().trim_matches('"').parse().ok())?
}

/// Projected codes of the whole registry by datum and central meridian in microdegrees; made once, in milliseconds.
static REGISTRY: LazyLock<HashMap<(u32, i64), Vec<u32>>> = LazyLock::new(|| {
    let mut index: HashMap<_, Vec<u32>> = HashMap::new();
    for code in 2000..33_000 {
        let Some(known) = proj_core::lookup_epsg(code) else { continue };
        let Some(numbers) = known.as_projected().and_then(|def| numbers(&def.method())) else { continue };
        index.entry((known.datum().epsg(), microdegrees(numbers.angles[0]))).or_default().push(code);
    }
    index
});

fn microdegrees(angle: f64) -> i64 {
    (angle * 1e6).round() as i64
}

/// Among all codes on the very same datum, the one with these numbers and this unit.
fn registered_code(def: &ProjectedCrsDef, title: &str) -> Option<u32> {
    let datum = def.datum().epsg();
    let wanted = numbers(&def.method()).filter(|_| datum != 0)?;
    let meridian = microdegrees(wanted.angles[0]);
    let near = (meridian - 1..=meridian + 1).filter_map(|key| REGISTRY.get(&(datum, key))).flatten();
    let same =
        near.copied().filter_map(|code| Some((code, proj_core::lookup_epsg(code)?))).filter(|(_, known)| {
            let Some(known) = known.as_projected() else { return false };
            let unit = (known.linear_unit_to_meter() / def.linear_unit_to_meter() - 1.0).abs() < 1e-9;
            unit && numbers(&known.method()).is_some_and(|numbers| wanted.agrees_with(&numbers))
        });
    let same: Vec<_> = same.collect();
    let titled = same.iter().find(|(_, known)| known.name().eq_ignore_ascii_case(title.trim()));
    titled.or(same.first()).map(|(code, _)| *code)
}

fn geographic_code(datum: &Datum) -> Option<u32> {
    let by_datum = [4326, 4171, 4258, 9777, 9782, 5489, 4624, 4627, 4470, 4463, 4269, 4275, 4230, 4314, 4267]
        .into_iter()
        .find(|code| datum.epsg() != 0 && proj_core::lookup_datum_code_for_crs(*code) == Some(datum.epsg()));
    let wgs84 =
        datum.epsg() == 0 && flattening_gap(datum, proj_core::lookup_datum_epsg(6326).as_ref()) < 1e-9;
    by_datum.or_else(|| {
        (wgs84 && (datum.ellipsoid().semi_major_axis() - 6_378_137.0).abs() < 0.01).then_some(4326)
    })
}

fn projected_code(def: &ProjectedCrsDef) -> Option<u32> {
    if (def.linear_unit_to_meter() - 1.0).abs() > 1e-9 {
        return None;
    }
    if is_web_mercator(def) {
        return Some(3857);
    }
    let wanted = numbers(&def.method())?;
    let mut best: Option<(u8, u32)> = None;
    for code in candidates() {
        let Some(known) = proj_core::lookup_epsg(code) else { continue };
        let Some(projected) = known.as_projected() else { continue };
        let Some(numbers) = numbers(&projected.method()) else { continue };
        if !wanted.agrees_with(&numbers) {
            continue;
        }
        let Some(distance) = datum_distance(def.datum(), projected.datum()) else { continue };
        if best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, code));
        }
    }
    best.map(|(_, code)| code)
}

/// 0 the same datum, 1 nothing but the same ellipsoid, 2 datums alike; `None` for another datum.
fn datum_distance(file: &Datum, known: &Datum) -> Option<u8> {
    if file.epsg() != 0 && file.epsg() == known.epsg() {
        return Some(0);
    }
    let (a, b) = (file.ellipsoid(), known.ellipsoid());
    if (a.semi_major_axis() - b.semi_major_axis()).abs() > 0.01 {
        return None;
    }
    let gap = flattening_gap(file, Some(known));
    if file.epsg() == 0 && gap < 1e-8 {
        return Some(1);
    }
    let alike = |datum: &Datum| datum.epsg() == 0 || ALIKE.contains(&datum.epsg());
    (alike(file) && gap < 1e-4).then_some(2)
}

/// Difference of inverse flattenings: 1.5e-6 between GRS 80 and WGS 84, rounding below.
fn flattening_gap(a: &Datum, b: Option<&Datum>) -> f64 {
    let inverse = |datum: &Datum| 1.0 / datum.ellipsoid().flattening();
    b.map_or(f64::INFINITY, |b| {
        let gap = (inverse(a) - inverse(b)).abs();
        if gap.is_nan() { f64::INFINITY } else { gap }
    })
}

/// Mercator on the sphere of radius 6378137, as older PROJ strings and WKT write Web Mercator.
fn is_web_mercator(def: &ProjectedCrsDef) -> bool {
    let sphere = def.datum().ellipsoid();
    match def.method() {
        ProjectionMethod::WebMercator => true,
        ProjectionMethod::Mercator { lon0, lat_ts, k0, false_easting, false_northing } => {
            sphere.flattening() < 1e-12
                && (sphere.semi_major_axis() - 6_378_137.0).abs() < 0.01
                && [lon0, lat_ts, k0 - 1.0, false_easting, false_northing].iter().all(|v| v.abs() < 1e-9)
        }
        _ => false,
    }
}

/// The numbers of a method in comparable form.
#[derive(Debug)]
struct Numbers {
    kind: u8,
    angles: [f64; 4],
    lengths: [f64; 2],
    scale: f64,
}

impl Numbers {
    fn agrees_with(&self, other: &Self) -> bool {
        let close =
            |a: &[f64], b: &[f64], tolerance: f64| a.iter().zip(b).all(|(a, b)| (a - b).abs() <= tolerance);
        self.kind == other.kind
            && close(&self.angles, &other.angles, TOLERANCE_DEG)
            && close(&self.lengths, &other.lengths, TOLERANCE_M)
            && (self.scale - other.scale).abs() <= TOLERANCE_SCALE
    }
}

fn numbers(method: &ProjectionMethod) -> Option<Numbers> {
    let (kind, angles, lengths, scale) = match *method {
        ProjectionMethod::LambertConformalConic {
            lon0,
            lat0,
            lat1,
            lat2,
            k0,
            false_easting,
            false_northing,
        } => (
            1,
            // The order of the standard parallels changes nothing.
            [lon0, lat0, lat1.min(lat2), lat1.max(lat2)],
            [false_easting, false_northing],
            k0,
        ),
        ProjectionMethod::TransverseMercator { lon0, lat0, k0, false_easting, false_northing } => {
            (2, [lon0, lat0, 0.0, 0.0], [false_easting, false_northing], k0)
        }
        ProjectionMethod::Mercator { lon0, lat_ts, k0, false_easting, false_northing } => {
            (3, [lon0, lat_ts, 0.0, 0.0], [false_easting, false_northing], k0)
        }
        ProjectionMethod::LambertAzimuthalEqualArea { lon0, lat0, false_easting, false_northing } => {
            (4, [lon0, lat0, 0.0, 0.0], [false_easting, false_northing], 1.0)
        }
        ProjectionMethod::ObliqueStereographic { lon0, lat0, k0, false_easting, false_northing } => {
            (5, [lon0, lat0, 0.0, 0.0], [false_easting, false_northing], k0)
        }
        ProjectionMethod::AlbersEqualArea { lon0, lat0, lat1, lat2, false_easting, false_northing } => {
            (6, [lon0, lat0, lat1.min(lat2), lat1.max(lat2)], [false_easting, false_northing], 1.0)
        }
        ProjectionMethod::PolarStereographic { lon0, lat_ts, k0, false_easting, false_northing } => {
            (7, [lon0, lat_ts, 0.0, 0.0], [false_easting, false_northing], k0)
        }
        ProjectionMethod::HotineObliqueMercator {
            latc,
            lonc,
            azimuth,
            rectified_grid_angle,
            k0,
            false_easting,
            false_northing,
            variant_b,
        } => (
            8 + u8::from(variant_b),
            [lonc, latc, azimuth, rectified_grid_angle],
            [false_easting, false_northing],
            k0,
        ),
        ProjectionMethod::CassiniSoldner { lon0, lat0, false_easting, false_northing } => {
            (10, [lon0, lat0, 0.0, 0.0], [false_easting, false_northing], 1.0)
        }
        _ => return None,
    };
    Some(Numbers { kind, angles, lengths, scale })
}

#[cfg(test)]
mod tests {
    use crate::crs::Crs;

    fn code_of(text: &str) -> Option<u32> {
        Crs::from_name(text).unwrap().epsg()
    }

    #[test]
    fn the_proj_string_of_lambert_93_is_epsg_2154() {
        let text = "+proj=lcc +lat_0=46.5 +lon_0=3 +lat_1=49 +lat_2=44 +x_0=700000 +y_0=6600000";
        for rest in ["+ellps=GRS80 +towgs84=0,0,0,0,0,0,0 +units=m +no_defs", "+ellps=GRS80", "+datum=WGS84"]
        {
            assert_eq!(code_of(&format!("{text} {rest}")), Some(2154), "{rest}");
        }
        assert_eq!(code_of(&format!("{text} +ellps=intl")), None, "another ellipsoid is another CRS");
    }

    #[test]
    fn zones_and_utm_are_recognised() {
        let cc46 =
            "+proj=lcc +lat_0=46 +lon_0=3 +lat_1=45.25 +lat_2=46.75 +x_0=1700000 +y_0=5200000 +ellps=GRS80";
        assert_eq!(code_of(cc46), Some(3946));
        assert_eq!(code_of("+proj=utm +zone=31 +datum=WGS84"), Some(32631));
        assert_eq!(code_of("+proj=utm +zone=31 +ellps=GRS80"), Some(25831));
        assert_eq!(code_of("+proj=utm +zone=40 +south +datum=WGS84"), Some(32740));
    }

    #[test]
    fn the_old_proj_string_of_web_mercator_is_epsg_3857() {
        let text = "+proj=merc +a=6378137 +b=6378137 +lat_ts=0 +lon_0=0 +x_0=0 +y_0=0 +k=1 +units=m";
        assert_eq!(code_of(text), Some(3857));
        assert_eq!(code_of("+proj=longlat +datum=WGS84 +no_defs"), Some(4326));
    }

    #[test]
    fn a_definition_that_names_its_datum_is_compared_with_the_whole_registry() {
        let text =
            "+proj=aea +lat_1=27.5 +lat_2=35 +lat_0=18 +lon_0=-100 +x_0=1500000 +y_0=6000000 +datum=NAD83";
        assert_eq!(code_of(text), Some(3083));
    }

    #[test]
    fn wkt_without_authority_is_recognised() {
        let wkt = r#"PROJCS["RGF93_Lambert_93",GEOGCS["GCS_RGF_1993",DATUM["D_RGF_1993",
            SPHEROID["GRS_1980",6378137.0,298.257222101]],PRIMEM["Greenwich",0.0],
            UNIT["Degree",0.0174532925199433]],PROJECTION["Lambert_Conformal_Conic"],
            PARAMETER["False_Easting",700000.0],PARAMETER["False_Northing",6600000.0],
            PARAMETER["Central_Meridian",3.0],PARAMETER["Standard_Parallel_1",44.0],
            PARAMETER["Standard_Parallel_2",49.0],PARAMETER["Latitude_Of_Origin",46.5],UNIT["Meter",1.0]]"#;
        assert_eq!(code_of(wkt), Some(2154));
    }
}
