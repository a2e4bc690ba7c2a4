//! The GeoKeys of a file to its CRS: by code, by name, or by parameters.

mod citation;
mod units;

use crate::{
    crs::{Crs, CrsError, Method, UserDefined},
    tiff::GeoTags,
};

const MODEL_TYPE: u16 = 1024;
const GEODETIC_CRS: u16 = 2048;
const GEODETIC_DATUM: u16 = 2050;
const ELLIPSOID: u16 = 2056;
const SEMI_MAJOR: u16 = 2057;
const SEMI_MINOR: u16 = 2058;
const INVERSE_FLATTENING: u16 = 2059;
const TO_WGS84: u16 = 2062;
const PROJECTED_CRS: u16 = 3072;
const PROJECTION: u16 = 3074;
const PROJECTION_METHOD: u16 = 3075;
const USER_DEFINED: u16 = 32_767;
const DOUBLES: u16 = 34_736;
/// Values of `MODEL_TYPE`.
const PROJECTED: u16 = 1;
const GEOGRAPHIC: u16 = 2;
const GEOCENTRIC: u16 = 3;
/// EPSG code of an ellipsoid.
const GRS_1980: u32 = 7019;

/// Why the CRS of a file is unclear.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each variant is its message")]
pub enum GeoKeyError {
    #[error(
        "the file says nothing of its CRS; write `crs = \"EPSG:2154\"` into its layer, or into the file with \
         `gdal_edit.py -a_srs EPSG:2154`"
    )]
    Missing,
    #[error(
        "the GeoKeys place the file in a CRS of its own, tied to no place on earth; \
         assign the right one with `gdal_edit.py -a_srs EPSG:2154`"
    )]
    Local,
    #[error("the coordinates are geocentric; warp with `gdalwarp -t_srs EPSG:2154`")]
    Geocentric,
    #[error(
        "ProjMethodGeoKey (3075) is {value}, {name}, which cannot be projected here; \
         warp with `gdalwarp -t_srs EPSG:2154`"
    )]
    Method { value: u16, name: &'static str },
    #[error("the GeoKeys name no CRS that is known here; assign it with `gdal_edit.py -a_srs EPSG:2154`")]
    Crs(#[from] CrsError),
}

/// What the file calls its CRS, also where nothing can be done with it; `None` without GeoKeys.
pub fn title(geo: &GeoTags) -> Option<&str> {
    let title = citation::title(geo);
    (!geo.key_directory.is_empty()).then_some(if title.is_empty() { "unnamed" } else { title })
}

/// The CRS of a file: its horizontal part, whatever vertical keys (4096 and above) there are.
///
/// Source: OGC GeoTIFF 1.1 (OGC 19-008r4), 7.4: a code where there is one, else the parameters. Between the two, as GDAL
/// does: a linear unit beside a code wins over the code's, and WKT in a citation (`ESRI PE String`) over parameters.
///
/// # Errors
/// When the keys name no CRS on earth that is known here.
pub fn crs(geo: &GeoTags) -> Result<Crs, GeoKeyError> {
    if geo.key_directory.is_empty() {
        return Err(GeoKeyError::Missing);
    }
    let code = |key| geo.short_key(key).filter(|&code| code != 0 && code != USER_DEFINED);
    let spelled_out = code(PROJECTION).is_some() || geo.short_key(PROJECTION_METHOD).is_some();
    let projected = match geo.short_key(MODEL_TYPE) {
        Some(GEOGRAPHIC) => false,
        Some(GEOCENTRIC) => return Err(GeoKeyError::Geocentric),
        _ => code(PROJECTED_CRS).is_some() || spelled_out,
    };
    let by_code = if projected { code(PROJECTED_CRS) } else { code(GEODETIC_CRS) };
    let has_model = matches!(geo.short_key(MODEL_TYPE), Some(PROJECTED | GEOGRAPHIC));
    if let (Some(code), false) = (by_code, !has_model && !projected && geo.short_key(PROJECTED_CRS).is_some())
    {
        let crs = Crs::from_epsg(u32::from(code))?;
        let unit = citation::imagine_unit(geo).or_else(|| units::metres_per_unit(geo));
        return Ok(match unit {
            Some(unit) if projected => crs.with_linear_unit(unit)?,
            _ => crs,
        });
    }
    if let Some(wkt) = citation::wkt(geo).filter(|_| !spelled_out) {
        return Ok(Crs::from_name(wkt)?);
    }
    if !has_model && !projected {
        return Err(GeoKeyError::Local);
    }
    if let Some(code) = code(PROJECTION).and_then(crs_of_conversion).filter(|_| projected) {
        return Ok(Crs::from_epsg(code)?);
    }
    let by_parameters = Ok(Crs::from_user_defined(&parameters(geo, projected)?)?);
    match citation::wkt(geo) {
        Some(wkt) if by_parameters.is_err() => Ok(Crs::from_name(wkt)?),
        _ => by_parameters,
    }
}

fn parameters(geo: &GeoTags, projected: bool) -> Result<UserDefined, GeoKeyError> {
    let method = match geo.short_key(PROJECTION_METHOD).filter(|_| projected) {
        Some(value) => Method::from_geo_key(value)
            .ok_or(GeoKeyError::Method { value, name: Method::name_of_geo_key(value) })?,
        None => Method::Geographic,
    };
    let degrees = units::degrees_per_unit(geo);
    let number = |keys: &[u16]| keys.iter().find_map(|&key| geo.double_key(key));
    let angle = |keys: &[u16]| number(keys).map(|angle| angle * degrees);
    let known = |key| geo.short_key(key).filter(|&code| code != USER_DEFINED).map(u32::from);
    let utm = geo.short_key(PROJECTION).and_then(utm).filter(|_| projected);
    let spelled_out = UserDefined {
        method,
        // Natural origin, false origin, centre: files use one for the other.
        origin_latitude_deg: angle(&[3081, 3085, 3089]).unwrap_or(0.0),
        origin_longitude_deg: angle(&[3080, 3084, 3088, 3095]).unwrap_or(0.0),
        standard_parallel_1_deg: angle(&[3078]),
        standard_parallel_2_deg: angle(&[3079]),
        azimuth_deg: angle(&[3094]),
        rectified_grid_angle_deg: angle(&[3096]),
        scale: number(&[3092, 3093]).unwrap_or(1.0),
        false_easting: number(&[3082, 3086, 3090]).unwrap_or(0.0),
        false_northing: number(&[3083, 3087, 3091]).unwrap_or(0.0),
        metres_per_unit: citation::imagine_unit(geo).or_else(|| units::metres_per_unit(geo)).unwrap_or(1.0),
        degrees_per_unit: degrees,
        prime_meridian_deg: units::prime_meridian(geo),
        to_wgs84: to_wgs84(geo),
        geographic_code: known(GEODETIC_CRS),
        datum_code: known(GEODETIC_DATUM),
        ellipsoid_code: known(ELLIPSOID)
            .or_else(|| (projected && nothing_about_the_earth(geo)).then_some(GRS_1980)),
        semi_major_m: geo.double_key(SEMI_MAJOR),
        inverse_flattening: geo.double_key(INVERSE_FLATTENING).or_else(|| flattening_of_axes(geo)),
        citation: citation::title(geo).to_owned(),
    };
    Ok(match utm {
        Some((zone, south)) => UserDefined {
            method: Method::TransverseMercator,
            origin_longitude_deg: f64::from(zone) * 6.0 - 183.0,
            scale: 0.9996,
            false_easting: 500_000.0,
            false_northing: if south { 10_000_000.0 } else { 0.0 },
            metres_per_unit: 1.0,
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

/// The CRS of an EPSG code of a projection that stands for one: Web Mercator, Lambert-93, the zones of RGF93 and of NTF.
fn crs_of_conversion(code: u16) -> Option<u32> {
    let code = u32::from(code);
    Some(match code {
        3856 => 3857,
        18_085 => 2154,
        18_101..=18_109 => 3942 + code - 18_101,
        18_081..=18_084 => 27_571 + code - 18_081,
        18_091..=18_094 => 27_561 + code - 18_091,
        _ => return None,
    })
}

/// Whether the file spells out a projection but forgets the figure of the earth, as some French deliveries do.
///
/// GRS 1980 is then a safe guess: all French systems have it, and that of WGS 84 differs by a tenth of a millimetre.
fn nothing_about_the_earth(geo: &GeoTags) -> bool {
    let coded = |key| geo.short_key(key).is_some_and(|code| code != USER_DEFINED);
    !coded(GEODETIC_CRS) && !coded(GEODETIC_DATUM) && geo.double_key(SEMI_MAJOR).is_none()
}

/// The inverse flattening of two axes; 0 for a sphere.
fn flattening_of_axes(geo: &GeoTags) -> Option<f64> {
    let (a, b) = (geo.double_key(SEMI_MAJOR)?, geo.double_key(SEMI_MINOR)?);
    Some(if (a - b).abs() < 1e-6 { 0.0 } else { a / (a - b) })
}

/// `GeogTOWGS84GeoKey`: three or seven numbers.
fn to_wgs84(geo: &GeoTags) -> Option<[f64; 7]> {
    let mut keys = geo.key_directory.get(4..)?.chunks_exact(4);
    let key = keys.find(|key| key[0] == TO_WGS84 && key[1] == DOUBLES)?;
    let (count, start) = (usize::from(key[2]), usize::from(key[3]));
    let numbers = geo.doubles.get(start..start.checked_add(count)?)?;
    match *numbers {
        [dx, dy, dz] => Some([dx, dy, dz, 0.0, 0.0, 0.0, 0.0]),
        [dx, dy, dz, rx, ry, rz, ppm] => Some([dx, dy, dz, rx, ry, rz, ppm]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINEAR_UNITS: u16 = 3076;

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

    /// Lambert-93 by its parameters, with these keys for the datum and the unit.
    fn lambert_93(others: &[[u16; 4]]) -> GeoTags {
        let projection = [
            [MODEL_TYPE, 0, 1, 1],
            [PROJECTED_CRS, 0, 1, USER_DEFINED],
            [PROJECTION_METHOD, 0, 1, 8],
            [3078, 34_736, 1, 0],
            [3079, 34_736, 1, 1],
            [3084, 34_736, 1, 2],
            [3085, 34_736, 1, 3],
            [3086, 34_736, 1, 4],
            [3087, 34_736, 1, 5],
        ];
        keys(&[others, &projection].concat(), &[49.0, 44.0, 3.0, 46.5, 700_000.0, 6_600_000.0])
    }

    #[test]
    fn lambert_93_is_recognised_without_its_code() {
        let geo = lambert_93(&[[GEODETIC_CRS, 0, 1, 4171], [LINEAR_UNITS, 0, 1, 9001]]);
        assert_eq!(crs(&geo).expect("it is Lambert-93").epsg(), Some(2154));
    }

    #[test]
    fn lambert_93_is_recognised_even_without_an_ellipsoid() {
        let geo = lambert_93(&[GEODETIC_CRS, GEODETIC_DATUM, ELLIPSOID].map(|key| [key, 0, 1, USER_DEFINED]));
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
        assert!(matches!(crs(&geo), Err(GeoKeyError::Method { value: 999, .. })));
    }

    #[test]
    fn a_unit_beside_a_code_wins_over_the_code() {
        let geo =
            keys(&[[MODEL_TYPE, 0, 1, 1], [PROJECTED_CRS, 0, 1, 2154], [LINEAR_UNITS, 0, 1, 9002]], &[]);
        let feet = crs(&geo).expect("it is Lambert-93 in feet");
        assert_eq!(feet.epsg(), None);
        assert!((feet.metres_per_unit() - 0.3048).abs() < 1e-12);
    }

    #[test]
    fn lambert_2_etendu_keeps_its_code() {
        let geo = keys(&[[MODEL_TYPE, 0, 1, 1], [PROJECTED_CRS, 0, 1, 27_572]], &[]);
        assert_eq!(crs(&geo).expect("it is known").name(), "EPSG:27572");
    }

    #[test]
    fn the_code_of_a_projection_alone_gives_the_usual_crs() {
        for (projection, code) in [(3856, 3857), (18_085, 2154), (18_105, 3946), (18_082, 27_572)] {
            let geo = keys(
                &[[MODEL_TYPE, 0, 1, 1], [PROJECTED_CRS, 0, 1, USER_DEFINED], [PROJECTION, 0, 1, projection]],
                &[],
            );
            assert_eq!(crs(&geo).expect("it is known").epsg(), Some(code));
        }
    }

    #[test]
    fn a_map_grid_that_cannot_be_projected_is_refused_by_name() {
        let geo = keys(
            &[[MODEL_TYPE, 0, 1, 1], [PROJECTED_CRS, 0, 1, USER_DEFINED], [PROJECTION_METHOD, 0, 1, 26]],
            &[],
        );
        let error = crs(&geo).expect_err("nothing projects it").to_string();
        assert!(error.contains("New Zealand Map Grid"), "{error}");
    }

    #[test]
    fn arc_seconds_are_not_degrees() {
        let geo = keys(
            &[
                [MODEL_TYPE, 0, 1, 2],
                [GEODETIC_CRS, 0, 1, USER_DEFINED],
                [GEODETIC_DATUM, 0, 1, 6326],
                [2054, 0, 1, 9104],
            ],
            &[],
        );
        let crs = crs(&geo).expect("WGS 84 in seconds");
        let to_degrees =
            crate::crs::Transform::new(&crs, &Crs::from_epsg(4326).expect("known")).expect("a way");
        let (x, y) = to_degrees.convert(3600.0, 7200.0).expect("on earth");
        assert!((x - 1.0).abs() < 1e-12 && (y - 2.0).abs() < 1e-12, "{x} {y}");
    }

    #[test]
    fn wkt_in_a_citation_is_read_when_no_key_says_more() {
        let wkt = "ESRI PE String = GEOGCS[\"GCS_WGS_1984\",DATUM[\"D_WGS_1984\",SPHEROID[\"WGS_1984\",6378137,298.257223563]],\
                   PRIMEM[\"Greenwich\",0],UNIT[\"Degree\",0.0174532925199433]]|";
        let mut geo = keys(&[[MODEL_TYPE, 0, 1, USER_DEFINED], [3073, 34_737, wkt.len() as u16, 0]], &[]);
        wkt.clone_into(&mut geo.ascii);
        assert_eq!(crs(&geo).expect("it is WGS 84").epsg(), Some(4326));
    }

    #[test]
    fn a_file_without_a_model_is_nowhere_on_earth() {
        let geo = keys(&[[1025, 0, 1, 1], [LINEAR_UNITS, 0, 1, 9001]], &[]);
        assert!(matches!(crs(&geo), Err(GeoKeyError::Local)));
    }
}
