//! A CRS by its parameters, as the GeoKeys of a TIFF give them when they give no code (32767, user-defined).
//!
//! It does not read GeoKeys: the reader of the file fills [`UserDefined`], with angles already in degrees.

use proj_core::{
    CrsDef, Datum, DatumToWgs84, Ellipsoid, GeographicCrsDef, HelmertParams, LinearUnit, ProjectedCrsDef,
};

use super::{CrsError, Method, definition::Definition, projection};

/// The parameters of a CRS without a code. Angles are degrees; false origin in `metres_per_unit`.
#[derive(Debug, Clone, PartialEq)]
pub struct UserDefined {
    /// Projection method; default geographic.
    pub method: Method,
    /// Latitude of the (false or natural) origin, degrees; default 0.
    pub origin_latitude_deg: f64,
    /// Longitude of the origin or central meridian, degrees from the prime meridian; default 0.
    pub origin_longitude_deg: f64,
    /// First standard parallel, degrees. Needed by the conics with two; latitude of true scale of the others.
    pub standard_parallel_1_deg: Option<f64>,
    /// Second standard parallel, degrees; default the first.
    pub standard_parallel_2_deg: Option<f64>,
    /// Azimuth of the initial line of the oblique methods, degrees clockwise from north; default 90.
    pub azimuth_deg: Option<f64>,
    /// Angle from the rectified to the skew grid of the oblique methods, degrees; default 90.
    pub rectified_grid_angle_deg: Option<f64>,
    /// Scale at the natural origin; default 1.
    pub scale: f64,
    /// Easting of the origin, in units of the CRS; default 0.
    pub false_easting: f64,
    /// Northing of the origin, in units of the CRS; default 0.
    pub false_northing: f64,
    /// Metres in a unit of the CRS; default 1.
    pub metres_per_unit: f64,
    /// Degrees in a unit of longitude and latitude, where these are the coordinates; default 1.
    pub degrees_per_unit: f64,
    /// Prime meridian, degrees from Greenwich; default 0.
    pub prime_meridian_deg: f64,
    /// Shift of the datum to WGS 84 that the file declares: metres, arc-seconds, ppm (position vector).
    pub to_wgs84: Option<[f64; 7]>,
    /// `GeodeticCRSGeoKey` (2048): EPSG code of the geographic CRS below, when it is not user-defined.
    pub geographic_code: Option<u32>,
    /// `GeodeticDatumGeoKey` (2050): EPSG code of the datum.
    pub datum_code: Option<u32>,
    /// `EllipsoidGeoKey` (2056): EPSG code of the ellipsoid.
    pub ellipsoid_code: Option<u32>,
    /// Semi-major axis, metres.
    pub semi_major_m: Option<f64>,
    /// Inverse flattening; 0 for a sphere.
    pub inverse_flattening: Option<f64>,
    /// What the file calls the CRS; may be empty.
    pub citation: String,
}

impl Default for UserDefined {
    fn default() -> Self {
        Self {
            method: Method::Geographic,
            origin_latitude_deg: 0.0,
            origin_longitude_deg: 0.0,
            standard_parallel_1_deg: None,
            standard_parallel_2_deg: None,
            azimuth_deg: None,
            rectified_grid_angle_deg: None,
            scale: 1.0,
            false_easting: 0.0,
            false_northing: 0.0,
            metres_per_unit: 1.0,
            degrees_per_unit: 1.0,
            prime_meridian_deg: 0.0,
            to_wgs84: None,
            geographic_code: None,
            datum_code: None,
            ellipsoid_code: None,
            semi_major_m: None,
            inverse_flattening: None,
            citation: String::new(),
        }
    }
}

/// EPSG code, semi-major axis in metres, inverse flattening (0 for a sphere).
const ELLIPSOIDS: [(u32, f64, f64); 24] = [
    (7019, 6_378_137.0, 298.257_222_101),
    (7030, 6_378_137.0, 298.257_223_563),
    (7001, 6_377_563.396, 299.324_964_6),
    (7002, 6_377_340.189, 299.324_964_6),
    (7003, 6_378_160.0, 298.25),
    (7004, 6_377_397.155, 299.152_812_8),
    (7008, 6_378_206.4, 294.978_698_213_898),
    (7011, 6_378_249.2, 293.466_021_293_626_5),
    (7012, 6_378_249.145, 293.465),
    (7013, 6_378_249.145, 293.466_307_7),
    (7014, 6_378_249.2, 293.465_98),
    (7015, 6_377_276.345, 300.801_7),
    (7020, 6_378_200.0, 298.3),
    (7022, 6_378_388.0, 297.0),
    (7024, 6_378_245.0, 298.3),
    (7027, 6_376_523.0, 308.64),
    (7036, 6_378_160.0, 298.247_167_427),
    (7043, 6_378_135.0, 298.26),
    (7050, 6_378_160.0, 298.25),
    (7035, 6_371_000.0, 0.0),
    (7047, 6_370_997.0, 0.0),
    (7048, 6_371_007.0, 0.0),
    (7052, 6_370_997.0, 0.0),
    (7059, 6_378_137.0, 0.0),
];

/// The definition in the terms of the engine that can project it.
pub(super) fn definition(p: &UserDefined) -> Result<Definition, CrsError> {
    check_numbers(p)?;
    let datum = datum(p)?;
    let own_meridian = p.method == Method::Geographic && p.prime_meridian_deg != 0.0;
    if let Some(name) = p.method.proj_name().or(own_meridian.then_some("longlat")) {
        return Ok(Definition::Text(projection::proj_string(p, name, &datum)));
    }
    let base = p.geographic_code.filter(|code| proj_core::lookup_epsg(*code).is_some()).unwrap_or(0);
    let Some(method) = projection::method(p)? else {
        return Ok(Definition::Core(CrsDef::Geographic(GeographicCrsDef::new(base, datum, ""))));
    };
    let unit = LinearUnit::from_meters_per_unit(p.metres_per_unit)
        .map_err(|_| CrsError::Parameter { parameter: "linear unit" })?;
    let def = ProjectedCrsDef::new_with_base_geographic_crs(0, base, datum, method, unit, "");
    Ok(Definition::Core(CrsDef::Projected(def)))
}

fn check_numbers(p: &UserDefined) -> Result<(), CrsError> {
    let checks = [
        ("origin latitude", p.origin_latitude_deg, 90.0),
        ("origin longitude", p.origin_longitude_deg, 360.0),
        ("first standard parallel", p.standard_parallel_1_deg.unwrap_or(0.0), 90.0),
        ("second standard parallel", p.standard_parallel_2_deg.unwrap_or(0.0), 90.0),
        ("azimuth", p.azimuth_deg.unwrap_or(0.0), 360.0),
        ("rectified grid angle", p.rectified_grid_angle_deg.unwrap_or(0.0), 360.0),
        ("prime meridian", p.prime_meridian_deg, 180.0),
        ("scale", p.scale, 10.0),
        ("false easting", p.false_easting, 1e9),
        ("false northing", p.false_northing, 1e9),
        ("linear unit", p.metres_per_unit, 1e6),
        ("angular unit", p.degrees_per_unit, 360.0),
    ];
    let bad = checks.into_iter().find(|(_, value, most)| value.is_nan() || value.abs() > *most);
    let positive =
        [("scale", p.scale), ("linear unit", p.metres_per_unit), ("angular unit", p.degrees_per_unit)];
    let bad = bad.map(|(name, ..)| name);
    match bad.or(positive.into_iter().find(|(_, value)| *value <= 0.0).map(|(name, _)| name)) {
        Some(parameter) => Err(CrsError::Parameter { parameter }),
        None => Ok(()),
    }
}

/// The datum by its code, by the geographic CRS, or as an ellipsoid whose shift nobody declared.
fn datum(p: &UserDefined) -> Result<Datum, CrsError> {
    let code = p.datum_code.or_else(|| p.geographic_code.and_then(proj_core::lookup_datum_code_for_crs));
    let known = code.and_then(proj_core::lookup_datum_epsg);
    if let Some(datum) = &known
        && p.to_wgs84.is_none()
        && p.semi_major_m.is_none_or(|a| (a - datum.ellipsoid().semi_major_axis()).abs() < 1.0)
    {
        return Ok(datum.clone());
    }
    let missing = || CrsError::Parameter { parameter: "ellipsoid" };
    let by_code = ELLIPSOIDS.iter().find(|(code, ..)| p.ellipsoid_code == Some(*code));
    let ellipsoid = match (p.semi_major_m, p.inverse_flattening, by_code, &known) {
        (Some(a), Some(0.0), ..) | (None, _, Some(&(_, a, 0.0)), _) => Ellipsoid::sphere(a),
        (Some(a), Some(inverse), ..) | (None, _, Some(&(_, a, inverse)), _) => {
            Ellipsoid::from_a_rf(a, inverse)
        }
        (_, _, _, Some(datum)) => Ok(datum.ellipsoid()),
        (Some(_), None, Some(&(_, a, inverse)), None) => Ellipsoid::from_a_rf(a, inverse),
        _ => return Err(missing()),
    };
    let ellipsoid = ellipsoid.map_err(|_| missing())?;
    let shift = match p.to_wgs84 {
        Some([dx, dy, dz, rx, ry, rz, ppm]) => HelmertParams::new(dx, dy, dz, rx, ry, rz, ppm)
            .map(DatumToWgs84::Helmert)
            .map_err(|_| CrsError::Parameter { parameter: "datum shift" })?,
        None => DatumToWgs84::Unknown,
    };
    Datum::new(ellipsoid, shift).map_err(|_| missing())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crs::{Crs, Transform};

    fn lambert_93() -> UserDefined {
        UserDefined {
            method: Method::LambertConic2sp,
            origin_latitude_deg: 46.5,
            origin_longitude_deg: 3.0,
            standard_parallel_1_deg: Some(49.0),
            standard_parallel_2_deg: Some(44.0),
            false_easting: 700_000.0,
            false_northing: 6_600_000.0,
            ellipsoid_code: Some(7019),
            citation: "RGF93 / Lambert-93".to_owned(),
            ..UserDefined::default()
        }
    }

    fn code(p: &UserDefined) -> Option<u32> {
        Crs::from_user_defined(p).unwrap().epsg()
    }

    #[test]
    fn lambert_93_without_its_code_is_epsg_2154() {
        let exact = lambert_93();
        assert_eq!(code(&exact), Some(2154));
        let rounded = UserDefined {
            origin_latitude_deg: 46.5 + 1e-9,
            false_easting: 699_999.999_9,
            semi_major_m: Some(6_378_137.0),
            inverse_flattening: Some(298.257_222_1),
            ellipsoid_code: None,
            ..lambert_93()
        };
        assert_eq!(code(&rounded), Some(2154));
        assert_eq!(code(&UserDefined { geographic_code: Some(4171), ..lambert_93() }), Some(2154));
        assert_eq!(code(&UserDefined { datum_code: Some(6326), ..lambert_93() }), Some(2154));
    }

    #[test]
    fn each_zone_is_recognised_on_its_own_datum() {
        for zone in 42..=50_u32 {
            let latitude = f64::from(zone);
            let v1 = UserDefined {
                origin_latitude_deg: latitude,
                standard_parallel_1_deg: Some(latitude - 0.75),
                standard_parallel_2_deg: Some(latitude + 0.75),
                false_easting: 1_700_000.0,
                false_northing: f64::from(zone - 41) * 1_000_000.0 + 200_000.0,
                ..lambert_93()
            };
            assert_eq!(code(&v1), Some(3900 + zone));
            let v2b = UserDefined { geographic_code: Some(9782), ..v1 };
            assert_eq!(code(&v2b), Some(9800 + zone));
        }
    }

    #[test]
    fn utm_is_recognised_from_its_central_meridian() {
        let utm = UserDefined {
            method: Method::TransverseMercator,
            origin_longitude_deg: 3.0,
            scale: f64::from(0.9996_f32),
            false_easting: 500_000.0,
            geographic_code: Some(4326),
            ..UserDefined::default()
        };
        assert_eq!(code(&utm), Some(32631));
        assert_eq!(code(&UserDefined { geographic_code: Some(4258), ..utm.clone() }), Some(25831));
        let reunion = UserDefined {
            origin_longitude_deg: 57.0,
            false_northing: 10_000_000.0,
            geographic_code: Some(4627),
            ..utm
        };
        assert_eq!(code(&reunion), Some(2975));
    }

    #[test]
    fn other_parameters_make_a_crs_without_code_that_still_projects() {
        let odd = UserDefined { false_easting: 600_000.0, ..lambert_93() };
        let crs = Crs::from_user_defined(&odd).unwrap();
        assert_eq!((crs.epsg(), crs.title()), (None, "RGF93 / Lambert-93"));
        let to_known = Transform::new(&crs, &Crs::from_epsg(2154).unwrap()).unwrap();
        let (x, y) = to_known.convert(600_000.0, 6_700_000.0).unwrap();
        assert!((x - 700_000.0).abs() < 1e-6 && (y - 6_700_000.0).abs() < 1e-6, "{x} {y}");
    }

    #[test]
    fn parameters_that_make_no_projection_are_refused() {
        for bad in [
            UserDefined { standard_parallel_1_deg: None, ..lambert_93() },
            UserDefined { origin_latitude_deg: f64::NAN, ..lambert_93() },
            UserDefined { ellipsoid_code: None, ..lambert_93() },
            UserDefined { metres_per_unit: 0.0, ..lambert_93() },
            UserDefined { scale: -1.0, ..lambert_93() },
            UserDefined { semi_major_m: Some(-1.0), inverse_flattening: Some(0.5), ..lambert_93() },
            UserDefined {
                standard_parallel_1_deg: Some(45.0),
                standard_parallel_2_deg: Some(-45.0),
                ..lambert_93()
            },
        ] {
            assert!(Crs::from_user_defined(&bad).is_err(), "{bad:?}");
        }
    }
}
