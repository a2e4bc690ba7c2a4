//! The second engine, for what the first (proj-core) has no projection or prime meridian for: Lambert II étendu.
//!
//! It goes to or from longitude and latitude on WGS 84 only, with the datum shift that the PROJ string declares
//! (`+towgs84`), as PROJ does where it has no grid. It is two to three times slower than the first. It knows no file.

use std::sync::LazyLock;

use proj4rs::{Proj, transform::transform};

use super::CrsError;

static WGS84: LazyLock<Proj> =
    LazyLock::new(|| Proj::from_proj_string("+proj=longlat +datum=WGS84").expect("a string of ours"));

/// Geographic codes whose unit is the grad: NTF (Paris), Voirol, Carthage, Nord Sahara, Tananarive and others.
const IN_GRADS: [u32; 8] = [4807, 4810, 4811, 4816, 4819, 4821, 4901, 4902];

/// Longest PROJ string that is parsed.
const LONGEST: usize = 2000;

/// A PROJ string, ready to convert.
#[derive(Clone)]
pub(super) struct Proj4 {
    text: String,
    proj: Proj,
    degrees_per_unit: f64,
}

impl Proj4 {
    /// The definition of an EPSG code, `None` when the table has none; an error when its method is not there.
    pub(super) fn from_epsg(code: u32) -> Option<Result<Self, CrsError>> {
        let text = registered(code)?;
        let unit = if IN_GRADS.contains(&code) { 0.9 } else { 1.0 };
        Some(Self::parse(text).map(|proj4| Self { degrees_per_unit: unit, ..proj4 }))
    }

    /// A PROJ string; grids other than `@null` are refused.
    pub(super) fn parse(text: &str) -> Result<Self, CrsError> {
        let failed = |reason: String| CrsError::Definition { reason };
        if text.len() > LONGEST {
            return Err(failed(format!("more than {LONGEST} characters")));
        }
        let mut grids = text.split_whitespace().filter_map(|token| token.strip_prefix("+nadgrids="));
        if let Some(grid) = grids.find(|grid| *grid != "@null") {
            return Err(failed(format!("it needs the grid {grid}, and none is used here")));
        }
        let proj = Proj::from_proj_string(text).map_err(|e| failed(e.to_string()))?;
        if proj.is_geocent() || !proj.has_inverse() || !proj.has_forward() {
            return Err(failed("its projection works in one direction only".to_owned()));
        }
        Ok(Self { text: text.to_owned(), proj, degrees_per_unit: 1.0 })
    }

    /// The same with longitude and latitude in another unit.
    pub(super) fn in_unit(self, degrees_per_unit: f64) -> Self {
        Self { degrees_per_unit, ..self }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn is_geographic(&self) -> bool {
        self.proj.is_latlong()
    }

    pub(super) fn degrees_per_unit(&self) -> f64 {
        self.degrees_per_unit
    }

    pub(super) fn metres_per_unit(&self) -> f64 {
        self.proj.to_meter()
    }

    /// Longitude and latitude on WGS 84, degrees.
    pub(super) fn to_wgs84(&self, (x, y): (f64, f64)) -> Option<(f64, f64)> {
        let (x, y) = if self.is_geographic() { self.radians(x, y) } else { (x, y) };
        let mut point = (x, y, 0.0);
        transform(&self.proj, &WGS84, &mut point).ok()?;
        on_earth(point.0.to_degrees(), point.1.to_degrees())
    }

    /// From longitude and latitude on WGS 84, degrees.
    pub(super) fn out_of_wgs84(&self, (lon, lat): (f64, f64)) -> Option<(f64, f64)> {
        let (lon, lat) = on_earth(lon, lat)?;
        let mut point = (lon.to_radians(), lat.to_radians(), 0.0);
        transform(&WGS84, &self.proj, &mut point).ok()?;
        let (x, y) = (point.0, point.1);
        let unit = self.degrees_per_unit;
        let (x, y) =
            if self.is_geographic() { (x.to_degrees() / unit, y.to_degrees() / unit) } else { (x, y) };
        (x.is_finite() && y.is_finite()).then_some((x, y))
    }

    fn radians(&self, x: f64, y: f64) -> (f64, f64) {
        ((x * self.degrees_per_unit).to_radians(), (y * self.degrees_per_unit).to_radians())
    }
}

impl std::fmt::Debug for Proj4 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Proj4({})", self.text)
    }
}

/// The PROJ string of an EPSG code.
pub(super) fn registered(code: u32) -> Option<&'static str> {
    let def = crs_definitions::from_code(u16::try_from(code).ok()?)?;
    (def.proj4.starts_with('+') && !def.proj4.starts_with("+proj=geocent")).then_some(def.proj4)
}

/// Whether the longitudes of a code do not count from Greenwich, which the first engine does not see.
pub(super) fn has_own_meridian(code: u32) -> bool {
    registered(code).is_some_and(|text| text.contains("+pm=")) || IN_GRADS.contains(&code)
}

/// The part of a geographic code's PROJ string that tells the datum: ellipsoid, shift, meridian.
pub(super) fn datum_tokens(code: u32) -> Option<String> {
    let tokens = registered(code)?.strip_prefix("+proj=longlat")?;
    Some(tokens.split_whitespace().filter(|token| *token != "+no_defs").collect::<Vec<_>>().join(" "))
}

fn on_earth(lon: f64, lat: f64) -> Option<(f64, f64)> {
    (lon.is_finite() && lat.abs() <= 90.0).then_some((lon, lat))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::crs::{Crs, Transform};

    #[test]
    fn lambert_2_etendu_starts_at_the_meridian_of_paris() {
        let lambert = Proj4::from_epsg(27572).unwrap().unwrap();
        // pyproj 3.7.2: Transformer.from_crs(27572, 4326, always_xy=True).transform(600000, 2200000)
        let (lon, lat) = lambert.to_wgs84((600_000.0, 2_200_000.0)).unwrap();
        assert!((lon - 2.336_533_608_362).abs() < 1e-11 && (lat - 46.799_948_781_127).abs() < 1e-11);
    }

    #[test]
    fn ntf_paris_counts_in_grads() {
        let ntf = Proj4::from_epsg(4807).unwrap().unwrap();
        let (lon, lat) = ntf.to_wgs84((2.0, 50.0)).unwrap();
        assert!((lon - 4.136_623_906_270).abs() < 1e-10 && (lat - 44.999_984_761_451).abs() < 1e-10);
        let (x, y) = ntf.out_of_wgs84((lon, lat)).unwrap();
        // The height that the shift brings along is dropped, as PROJ does, so there and back is not exact.
        assert!((x - 2.0).abs() < 1e-6 && (y - 50.0).abs() < 1e-6, "{x} {y}");
    }

    #[test]
    fn a_string_that_asks_for_a_grid_is_refused() {
        let text = "+proj=lcc +lat_1=46.8 +lat_0=46.8 +lon_0=0 +ellps=clrk80 +nadgrids=ntf_r93.gsb +pm=paris";
        assert!(Proj4::parse(text).is_err());
        assert!(Proj4::parse(&text.replace("ntf_r93.gsb", "@null")).is_ok());
    }

    #[test]
    fn a_projection_that_only_this_engine_has_is_used_from_a_string() {
        let crs = Crs::from_name("+proj=sinu +lon_0=0 +R=6371007.181 +units=m").unwrap();
        let t = Transform::new(&crs, &Crs::from_epsg(4326).unwrap()).unwrap();
        // pyproj 3.7.2, the same string to longlat on the same sphere.
        let (lon, lat) = t.convert(500_000.0, 5_000_000.0).unwrap();
        assert!((lon - 6.355_389_9).abs() < 1e-6 && (lat - 44.966_029_6).abs() < 1e-6, "{lon} {lat}");
    }

    proptest! {
        #[test]
        fn any_number_is_converted_or_refused(x in any::<f64>(), y in any::<f64>()) {
            for code in [27572, 4807, 2065, 29100, 31700] {
                let proj4 = Proj4::from_epsg(code).unwrap().unwrap();
                for (x, y) in [proj4.to_wgs84((x, y)), proj4.out_of_wgs84((x, y))].into_iter().flatten() {
                    prop_assert!(x.is_finite() && y.is_finite());
                }
            }
        }

        #[test]
        fn any_text_is_parsed_or_refused(text in "\\+proj=(lcc|omerc|poly|krovak|utm|geos)( \\+(lat_0|lon_0|a|b|R|rf|zone|h|pm|towgs84|units|ellps)=[-0-9.,a-zA-Z]{0,9}){0,5}") {
            if let Ok(proj4) = Proj4::parse(&text) {
                let _ = proj4.to_wgs84((500_000.0, 5_000_000.0));
                let _ = proj4.out_of_wgs84((3.0, 45.0));
            }
        }
    }
}
