//! The GeoKeys of a file to its CRS: by code, by name, or by parameters.

use crate::{
    crs::{Crs, CrsError, Method, UserDefined},
    tiff::GeoTags,
};

const MODEL_TYPE: u16 = 1024;
const CITATION: u16 = 1026;
const GEODETIC_CRS: u16 = 2048;
const GEODETIC_CITATION: u16 = 2049;
const GEODETIC_DATUM: u16 = 2050;
const ANGULAR_UNITS: u16 = 2054;
const ELLIPSOID: u16 = 2056;
const SEMI_MAJOR: u16 = 2057;
const INVERSE_FLATTENING: u16 = 2059;
const PROJECTED_CRS: u16 = 3072;
const PROJECTED_CITATION: u16 = 3073;
const PROJECTION: u16 = 3074;
const PROJECTION_METHOD: u16 = 3075;
const LINEAR_UNITS: u16 = 3076;
const LINEAR_UNIT_SIZE: u16 = 3077;
const USER_DEFINED: u16 = 32_767;
const PROJECTED: u16 = 1;
/// EPSG code of an ellipsoid.
const GRS_1980: u32 = 7019;

/// Why the CRS of a file is unclear.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each variant is its message")]
pub enum GeoKeyError {
    #[error("the file has no GeoKeys; assign its CRS with `gdal_edit.py -a_srs EPSG:2154`")]
    Missing,
    #[error(
        "ProjMethodGeoKey (3075) is {value}, a method that is not known here; warp with `gdalwarp -t_srs`"
    )]
    Method { value: u16 },
    #[error("the GeoKeys name no CRS that is known here; assign it with `gdal_edit.py -a_srs EPSG:2154`")]
    Crs(#[from] CrsError),
}

/// The CRS of a file.
///
/// Source: OGC GeoTIFF 1.1 (OGC 19-008r4), 7.4: a code where there is one, else the parameters.
pub fn crs(geo: &GeoTags) -> Result<Crs, GeoKeyError> {
    if geo.key_directory.is_empty() {
        return Err(GeoKeyError::Missing);
    }
    let code = |key| geo.short_key(key).filter(|&code| code != 0 && code != USER_DEFINED);
    let projected = geo.short_key(MODEL_TYPE).is_none_or(|model| model == PROJECTED)
        && (code(PROJECTED_CRS).is_some()
            || code(PROJECTION).is_some()
            || geo.short_key(PROJECTION_METHOD).is_some());
    let by_code = if projected { code(PROJECTED_CRS) } else { code(GEODETIC_CRS) };
    if let Some(code) = by_code {
        return Ok(Crs::from_epsg(u32::from(code))?);
    }
    Ok(Crs::from_user_defined(&parameters(geo, projected)?)?)
}

fn parameters(geo: &GeoTags, projected: bool) -> Result<UserDefined, GeoKeyError> {
    let method = match geo.short_key(PROJECTION_METHOD).filter(|_| projected) {
        Some(value) => Method::from_geo_key(value).ok_or(GeoKeyError::Method { value })?,
        None => Method::Geographic,
    };
    let degrees = degrees_per_unit(geo);
    let number = |keys: &[u16]| keys.iter().find_map(|&key| geo.double_key(key));
    let angle = |keys: &[u16]| number(keys).map(|angle| angle * degrees);
    let known = |key| geo.short_key(key).filter(|&code| code != USER_DEFINED).map(u32::from);
    let utm = geo.short_key(PROJECTION).and_then(utm).filter(|_| projected);
    let citation =
        [PROJECTED_CITATION, CITATION, GEODETIC_CITATION].iter().find_map(|&key| geo.ascii_key(key));
    let spelled_out = UserDefined {
        method,
        // Natural origin, false origin, centre: files use one for the other.
        origin_latitude_deg: angle(&[3081, 3085, 3089]).unwrap_or(0.0),
        origin_longitude_deg: angle(&[3080, 3084, 3088, 3095]).unwrap_or(0.0),
        standard_parallel_1_deg: angle(&[3078]),
        standard_parallel_2_deg: angle(&[3079]),
        scale: number(&[3092, 3093]).unwrap_or(1.0),
        false_easting: number(&[3082, 3086, 3090]).unwrap_or(0.0),
        false_northing: number(&[3083, 3087, 3091]).unwrap_or(0.0),
        metres_per_unit: metres_per_unit(geo),
        geographic_code: known(GEODETIC_CRS),
        datum_code: known(GEODETIC_DATUM),
        ellipsoid_code: known(ELLIPSOID).or_else(|| nothing_about_the_earth(geo).then_some(GRS_1980)),
        semi_major_m: geo.double_key(SEMI_MAJOR),
        inverse_flattening: geo.double_key(INVERSE_FLATTENING),
        citation: citation.unwrap_or_default().to_owned(),
    };
    Ok(match utm {
        Some((zone, south)) => UserDefined {
            method: Method::TransverseMercator,
            origin_longitude_deg: f64::from(zone) * 6.0 - 183.0,
            scale: 0.9996,
            false_easting: 500_000.0,
            false_northing: if south { 10_000_000.0 } else { 0.0 },
            ..spelled_out
        },
        None => spelled_out,
    })
}

/// Zone and hemisphere of an EPSG code of a projection: 16001 to 16060 are UTM north, 16101 to 16160 south.
fn utm(code: u16) -> Option<(u16, bool)> {
    match code {
        16_001..=16_060 => Some((code - 16_000, false)),
        16_101..=16_160 => Some((code - 16_100, true)),
        _ => None,
    }
}

/// Whether the file spells out a projection but forgets the figure of the earth, as some French deliveries do.
///
/// GRS 1980 is then a safe guess: all French systems have it, and that of WGS 84 differs by a tenth of a millimetre.
fn nothing_about_the_earth(geo: &GeoTags) -> bool {
    let coded = |key| geo.short_key(key).is_some_and(|code| code != USER_DEFINED);
    !coded(GEODETIC_CRS) && !coded(GEODETIC_DATUM) && geo.double_key(SEMI_MAJOR).is_none()
}

/// EPSG codes of units: 9101 radian, 9105 and 9106 grad and gon, else degrees.
fn degrees_per_unit(geo: &GeoTags) -> f64 {
    match geo.short_key(ANGULAR_UNITS) {
        Some(9101) => 180.0 / std::f64::consts::PI,
        Some(9105 | 9106) => 0.9,
        _ => 1.0,
    }
}

/// EPSG codes of units: 9002 foot, 9003 US survey foot, 9036 kilometre, else metres.
fn metres_per_unit(geo: &GeoTags) -> f64 {
    match geo.short_key(LINEAR_UNITS) {
        Some(9002) => 0.3048,
        Some(9003) => 1200.0 / 3937.0,
        Some(9036) => 1000.0,
        Some(USER_DEFINED) => geo.double_key(LINEAR_UNIT_SIZE).unwrap_or(1.0),
        _ => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(entries: &[[u16; 4]], doubles: &[f64]) -> GeoTags {
        let mut key_directory = vec![1, 1, 0, entries.len() as u16];
        key_directory.extend(entries.iter().flatten());
        GeoTags { key_directory, doubles: doubles.to_vec(), ..GeoTags::default() }
    }

    #[test]
    fn a_code_is_taken_at_its_word() {
        let geo = keys(&[[MODEL_TYPE, 0, 1, 1], [PROJECTED_CRS, 0, 1, 2154]], &[]);
        assert_eq!(crs(&geo).expect("it is known").epsg(), Some(2154));
        let geo = keys(&[[MODEL_TYPE, 0, 1, 2], [GEODETIC_CRS, 0, 1, 4326]], &[]);
        assert_eq!(crs(&geo).expect("it is known").epsg(), Some(4326));
    }

    #[test]
    fn lambert_93_is_recognised_without_its_code() {
        let geo = keys(
            &[
                [MODEL_TYPE, 0, 1, 1],
                [GEODETIC_CRS, 0, 1, 4171],
                [PROJECTED_CRS, 0, 1, USER_DEFINED],
                [PROJECTION_METHOD, 0, 1, 8],
                [LINEAR_UNITS, 0, 1, 9001],
                [3078, 34_736, 1, 0],
                [3079, 34_736, 1, 1],
                [3084, 34_736, 1, 2],
                [3085, 34_736, 1, 3],
                [3086, 34_736, 1, 4],
                [3087, 34_736, 1, 5],
            ],
            &[49.0, 44.0, 3.0, 46.5, 700_000.0, 6_600_000.0],
        );
        assert_eq!(crs(&geo).expect("it is Lambert-93").epsg(), Some(2154));
    }

    #[test]
    fn lambert_93_is_recognised_even_without_an_ellipsoid() {
        let geo = keys(
            &[
                [MODEL_TYPE, 0, 1, 1],
                [GEODETIC_CRS, 0, 1, USER_DEFINED],
                [GEODETIC_DATUM, 0, 1, USER_DEFINED],
                [ELLIPSOID, 0, 1, USER_DEFINED],
                [PROJECTED_CRS, 0, 1, USER_DEFINED],
                [PROJECTION_METHOD, 0, 1, 8],
                [3078, 34_736, 1, 0],
                [3079, 34_736, 1, 1],
                [3084, 34_736, 1, 2],
                [3085, 34_736, 1, 3],
                [3086, 34_736, 1, 4],
                [3087, 34_736, 1, 5],
            ],
            &[49.0, 44.0, 3.0, 46.5, 700_000.0, 6_600_000.0],
        );
        assert_eq!(crs(&geo).expect("it is Lambert-93").epsg(), Some(2154));
    }

    #[test]
    fn a_projection_by_code_on_an_unnamed_datum_is_utm() {
        let geo = keys(
            &[
                [MODEL_TYPE, 0, 1, 1],
                [GEODETIC_CRS, 0, 1, USER_DEFINED],
                [ELLIPSOID, 0, 1, 7019],
                [PROJECTED_CRS, 0, 1, USER_DEFINED],
                [PROJECTION, 0, 1, 16_032],
            ],
            &[],
        );
        assert_eq!(crs(&geo).expect("it is UTM 32").epsg(), Some(25_832));
    }

    #[test]
    fn no_keys_and_unknown_methods_say_what_to_do() {
        assert!(matches!(crs(&GeoTags::default()), Err(GeoKeyError::Missing)));
        let geo = keys(&[[PROJECTED_CRS, 0, 1, USER_DEFINED], [PROJECTION_METHOD, 0, 1, 999]], &[]);
        assert!(matches!(crs(&geo), Err(GeoKeyError::Method { value: 999 })));
    }
}
