//! The projection of a user-defined CRS in the terms of either engine.

use proj_core::{Datum, ProjectionMethod};

use super::{CrsError, Method, UserDefined, proj4};

/// The projection, lengths in metres; `None` for longitude and latitude.
pub(super) fn method(p: &UserDefined) -> Result<Option<ProjectionMethod>, CrsError> {
    let (lon0, lat0, k0) = (p.origin_longitude_deg + p.prime_meridian_deg, p.origin_latitude_deg, p.scale);
    let (false_easting, false_northing) =
        (p.false_easting * p.metres_per_unit, p.false_northing * p.metres_per_unit);
    let parallels = || {
        let first =
            p.standard_parallel_1_deg.ok_or(CrsError::Parameter { parameter: "first standard parallel" })?;
        Ok((first, p.standard_parallel_2_deg.unwrap_or(first)))
    };
    let azimuth = p.azimuth_deg.ok_or(CrsError::Parameter { parameter: "azimuth" });
    let hotine = |azimuth: f64, angle: f64, variant_b: bool| ProjectionMethod::HotineObliqueMercator {
        latc: lat0,
        lonc: lon0,
        azimuth,
        rectified_grid_angle: angle,
        k0,
        false_easting,
        false_northing,
        variant_b,
    };
    let angle = p.rectified_grid_angle_deg.unwrap_or(90.0);
    Ok(Some(match p.method {
        Method::TransverseMercator => {
            ProjectionMethod::TransverseMercator { lon0, lat0, k0, false_easting, false_northing }
        }
        Method::Mercator => ProjectionMethod::Mercator {
            lon0,
            lat_ts: p.standard_parallel_1_deg.unwrap_or(0.0),
            k0,
            false_easting,
            false_northing,
        },
        Method::LambertConic2sp => {
            let (lat1, lat2) = parallels()?;
            ProjectionMethod::LambertConformalConic {
                lon0,
                lat0,
                lat1,
                lat2,
                k0: 1.0,
                false_easting,
                false_northing,
            }
        }
        Method::LambertConic1sp => ProjectionMethod::LambertConformalConic {
            lon0,
            lat0,
            lat1: lat0,
            lat2: lat0,
            k0,
            false_easting,
            false_northing,
        },
        Method::LambertAzimuthalEqualArea => {
            ProjectionMethod::LambertAzimuthalEqualArea { lon0, lat0, false_easting, false_northing }
        }
        Method::AlbersEqualArea => {
            let (lat1, lat2) = parallels()?;
            ProjectionMethod::AlbersEqualArea { lon0, lat0, lat1, lat2, false_easting, false_northing }
        }
        Method::PolarStereographic => ProjectionMethod::PolarStereographic {
            lon0,
            lat_ts: p.standard_parallel_1_deg.unwrap_or(lat0),
            k0,
            false_easting,
            false_northing,
        },
        Method::ObliqueStereographic => {
            ProjectionMethod::ObliqueStereographic { lon0, lat0, k0, false_easting, false_northing }
        }
        Method::ObliqueMercator => hotine(azimuth?, angle, false),
        Method::ObliqueMercatorCentre => hotine(azimuth?, angle, true),
        Method::SwissObliqueMercator => hotine(90.0, 90.0, true),
        Method::LabordeObliqueMercator => ProjectionMethod::LabordeObliqueMercator {
            lon0,
            lat0,
            azimuth: azimuth?,
            k0,
            false_easting,
            false_northing,
        },
        Method::AzimuthalEquidistant => {
            ProjectionMethod::AzimuthalEquidistant { lon0, lat0, false_easting, false_northing }
        }
        Method::CassiniSoldner => {
            ProjectionMethod::CassiniSoldner { lon0, lat0, false_easting, false_northing }
        }
        Method::Polyconic => {
            ProjectionMethod::AmericanPolyconic { lon0, lat0, false_easting, false_northing }
        }
        // Geographic, and those that went to the second engine.
        _ => return Ok(None),
    }))
}

/// A PROJ string for the second engine.
pub(super) fn proj_string(p: &UserDefined, name: &str, datum: &Datum) -> String {
    let declared = p.to_wgs84.map(|shift| shift.map(|number| number.to_string()).join(","));
    let (major, flattening) = (datum.ellipsoid().semi_major_axis(), datum.ellipsoid().flattening());
    let own = format!("+a={major} +b={} +pm={}", major * (1.0 - flattening), p.prime_meridian_deg);
    let figure = match (declared, p.geographic_code.and_then(proj4::datum_tokens)) {
        (Some(shift), _) => format!("{own} +towgs84={shift}"),
        (None, Some(tokens)) => tokens,
        (None, None) => own,
    };
    if name == "longlat" {
        return format!("+proj=longlat {figure}");
    }
    let (lat, unit) = (p.origin_latitude_deg, p.metres_per_unit);
    let first = p.standard_parallel_1_deg;
    let more = match p.method {
        Method::Equirectangular => format!("+lat_ts={} +lat_0={lat}", first.unwrap_or(0.0)),
        Method::CylindricalEqualArea => format!("+lat_ts={}", first.unwrap_or(lat)),
        Method::EquidistantConic => {
            let first = first.unwrap_or(lat);
            format!("+lat_0={lat} +lat_1={first} +lat_2={}", p.standard_parallel_2_deg.unwrap_or(first))
        }
        Method::Stereographic => format!("+lat_0={lat} +k_0={}", p.scale),
        _ => format!("+lat_0={lat}"),
    };
    let (x, y) = (p.false_easting * unit, p.false_northing * unit);
    format!(
        "+proj={name} +lon_0={} {more} +x_0={x} +y_0={y} +to_meter={unit} {figure}",
        p.origin_longitude_deg
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crs::{Crs, Transform};

    /// Where a point of WGS 84 comes to lie.
    fn project(p: &UserDefined, lon: f64, lat: f64) -> (f64, f64) {
        let crs = Crs::from_user_defined(p).unwrap();
        Transform::new(&Crs::from_epsg(4326).unwrap(), &crs).unwrap().convert(lon, lat).unwrap()
    }

    /// PROJ's answers, by pyproj 3.7.2 from the same parameters on `+ellps=WGS84`, for longitude 4 and latitude 45.
    const PROJ: [(Method, f64, f64); 9] = [
        (Method::Sinusoidal, 79_846.835_094, 4_986_944.377_978),
        (Method::Equirectangular, 81_076.540_281, 558_597.453_966),
        (Method::CassiniSoldner, 79_844.833_477, 557_901.910_312),
        (Method::Polyconic, 79_844.833_599, 557_901.879_311),
        (Method::AlbersEqualArea, 79_798.148_726, 557_004.718_439),
        (Method::SwissObliqueMercator, 80_137.543_936, 558_509.258_364),
        (Method::ObliqueMercator, 2_529_701.167_100, 4_800_542.865_310),
        (Method::ObliqueMercatorCentre, 80_199.965_352, 557_882.330_681),
        (Method::AzimuthalEquidistant, 79_944.800_524, 557_873.552_281),
    ];

    #[test]
    fn each_method_agrees_with_proj_to_a_millimetre() {
        for (method, x, y) in PROJ {
            let p = UserDefined {
                method,
                origin_latitude_deg: 40.0,
                origin_longitude_deg: 3.0,
                standard_parallel_1_deg: Some(44.0),
                standard_parallel_2_deg: Some(49.0),
                azimuth_deg: Some(30.0),
                rectified_grid_angle_deg: Some(30.0),
                scale: 0.9999,
                false_easting: 1000.0,
                false_northing: 2000.0,
                geographic_code: Some(4326),
                ..UserDefined::default()
            };
            let (u, v) = project(&p, 4.0, 45.0);
            assert!((u - x).abs() < 1e-3 && (v - y).abs() < 1e-3, "{method:?}: {u} {v}");
        }
    }
}
