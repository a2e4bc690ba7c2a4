//! Coordinate reference systems: what a file or a client calls one, and how coordinates move between two.
//!
//! Coordinates here are always `x, y`: easting, northing or longitude, latitude, whatever order the authority
//! writes them in. It knows horizontal coordinates only: no height, no epoch, and no grid file, so a datum
//! shift is the best one that needs none (between RGF93, ETRS89 and WGS 84: the null transformation, as PROJ).
//!
//! ```
//! use tiler::crs::{Crs, Transform};
//!
//! let lambert = Crs::from_name("IGNF:LAMB93")?;
//! assert_eq!(lambert.urn(), "urn:ogc:def:crs:EPSG::2154");
//! let to_mercator = Transform::new(&lambert, &Crs::from_epsg(3857)?)?;
//! let (x, y) = to_mercator.convert(700_000.0, 6_600_000.0).expect("inside the domain");
//! assert!((x - 333_958.472_38).abs() < 1e-3 && (y - 5_860_839.829_95).abs() < 1e-3);
//! # Ok::<(), tiler::crs::CrsError>(())
//! ```

mod names;
#[cfg(test)]
mod oracle;
mod recognise;
mod transform;
mod user_defined;

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use proj_core::{CrsDef, Datum, DatumToWgs84, GeographicCrsDef, HelmertParams, ProjectedCrsDef};

pub use transform::Transform;
pub use user_defined::{Method, UserDefined};

/// Metres along the equator of WGS 84 in one degree: OGC's convention for scale denominators in degrees.
pub const METRES_PER_DEGREE: f64 = 111_319.490_793_273_58;

/// Why a CRS cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CrsError {
    /// No such EPSG code here, or its projection method is not supported.
    #[error("EPSG:{code} is not known, or its projection is not supported")]
    UnknownCode {
        /// The code asked for.
        code: u32,
    },
    /// The text is neither a code, an alias, WKT nor a PROJ string.
    #[error("\"{name}\" is not a CRS known here")]
    UnknownName {
        /// The text, cut to 120 characters.
        name: String,
    },
    /// WKT, PROJJSON or a PROJ string that cannot be read.
    #[error("the CRS definition cannot be read: {reason}")]
    Definition {
        /// What the parser says.
        reason: String,
    },
    /// Parameters of a user-defined CRS that make no projection.
    #[error("the user-defined CRS has no usable {parameter}")]
    Parameter {
        /// Which parameter.
        parameter: &'static str,
    },
    /// No way from one to the other without a grid file.
    #[error("no transformation from {from} to {to}: {reason}")]
    NoTransform {
        /// Name of the source CRS.
        from: String,
        /// Name of the target CRS.
        to: String,
        /// What the projection library says.
        reason: String,
    },
}

/// The order in which the authority writes coordinates. Code here never uses it to store them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AxisOrder {
    /// Easting or longitude first.
    EastNorth,
    /// Northing or latitude first.
    NorthEast,
}

/// A horizontal CRS. Cheap to clone; equal when the definition is: by code, else by parameters.
#[derive(Clone)]
pub struct Crs(Arc<Inner>);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Epsg(u32),
    Crs84,
    Custom(String),
}

struct Inner {
    key: Key,
    title: String,
    /// Always in east, north order.
    def: CrsDef,
    /// The text of a definition that declares its own datum shift, which `def` alone does not carry.
    shifted: Option<String>,
}

impl Crs {
    /// The CRS of an EPSG code. A compound or 3D code gives its horizontal part.
    ///
    /// # Errors
    ///
    /// When the code is not known or its projection is not supported (EPSG:27572 and other Paris meridians).
    pub fn from_epsg(code: u32) -> Result<Self, CrsError> {
        let unknown = CrsError::UnknownCode { code };
        let Some(def) = proj_core::lookup_epsg(code).and_then(|def| def.horizontal_crs()) else {
            return Err(unknown);
        };
        if def.is_geocentric() {
            return Err(unknown);
        }
        let code = if def.epsg() == 0 { code } else { def.epsg() };
        Ok(Self::new(Key::Epsg(code), def.name().to_owned(), def))
    }

    /// WGS 84 in longitude, latitude order.
    ///
    /// # Errors
    ///
    /// Never in practice: EPSG:4326 is in the registry.
    pub fn crs84() -> Result<Self, CrsError> {
        let wgs84 = Self::from_epsg(4326)?;
        Ok(Self::new(Key::Crs84, "WGS 84 (CRS84)".to_owned(), wgs84.0.def.clone()))
    }

    /// The CRS of a name in any of the usual spellings: `EPSG:2154`, an OGC URN or URL, `IGNF:LAMB93`,
    /// `OGC:CRS84`, WKT, PROJJSON or a PROJ string.
    ///
    /// # Errors
    ///
    /// When nothing here knows the name, or the definition cannot be read.
    pub fn from_name(name: &str) -> Result<Self, CrsError> {
        match names::resolve(name) {
            Some(names::Named::Epsg(code)) => Self::from_epsg(code),
            Some(names::Named::Crs84) => Self::crs84(),
            None if names::is_definition(name) => Self::from_definition(name.trim()),
            None => Err(CrsError::UnknownName { name: name.chars().take(120).collect() }),
        }
    }

    /// The CRS of parameters found in a file that gives no code, or the code they amount to.
    ///
    /// # Errors
    ///
    /// When a parameter the method needs is missing or not a number.
    pub fn from_user_defined(parameters: &UserDefined) -> Result<Self, CrsError> {
        Self::custom(user_defined::definition(parameters)?, &parameters.citation, None)
    }

    /// The EPSG code; `None` for CRS84 and for a CRS without a code.
    pub fn epsg(&self) -> Option<u32> {
        match self.0.key {
            Key::Epsg(code) => Some(code),
            Key::Crs84 | Key::Custom(_) => None,
        }
    }

    /// The OGC URN; for a CRS without a code OGC's name for "unknown".
    pub fn urn(&self) -> String {
        match self.0.key {
            Key::Epsg(code) => format!("urn:ogc:def:crs:EPSG::{code}"),
            Key::Crs84 => "urn:ogc:def:crs:OGC:1.3:CRS84".to_owned(),
            Key::Custom(_) => "urn:ogc:def:nil:OGC::unknown".to_owned(),
        }
    }

    /// The OGC URL of the definition, as OGC API documents write it.
    pub fn uri(&self) -> String {
        match self.0.key {
            Key::Epsg(code) => format!("http://www.opengis.net/def/crs/EPSG/0/{code}"),
            Key::Crs84 => "http://www.opengis.net/def/crs/OGC/1.3/CRS84".to_owned(),
            Key::Custom(_) => "http://www.opengis.net/def/nil/OGC/0/unknown".to_owned(),
        }
    }

    /// The short name, `EPSG:2154`; the title for a CRS without a code.
    pub fn name(&self) -> String {
        match self.0.key {
            Key::Epsg(code) => format!("EPSG:{code}"),
            Key::Crs84 => "OGC:CRS84".to_owned(),
            Key::Custom(_) => self.0.title.clone(),
        }
    }

    /// The name for people: `RGF93 v1 / Lambert-93`.
    pub fn title(&self) -> &str {
        &self.0.title
    }

    /// The order the authority writes the axes in.
    pub fn axis_order(&self) -> AxisOrder {
        let order = self.epsg().and_then(proj_core::lookup_authority_axis_order);
        if order == Some(proj_core::AxisOrder::NorthEast) {
            AxisOrder::NorthEast
        } else {
            AxisOrder::EastNorth
        }
    }

    /// Whether coordinates are degrees.
    pub fn is_geographic(&self) -> bool {
        self.0.def.is_geographic()
    }

    /// Metres in one unit of the coordinates; [`METRES_PER_DEGREE`] for degrees.
    pub fn metres_per_unit(&self) -> f64 {
        self.0.def.as_projected().map_or(METRES_PER_DEGREE, ProjectedCrsDef::linear_unit_to_meter)
    }

    fn new(key: Key, title: String, def: CrsDef) -> Self {
        let def = def.with_axis_order(proj_core::AxisOrder::EastNorth);
        Self(Arc::new(Inner { key, title, def, shifted: None }))
    }

    fn from_definition(text: &str) -> Result<Self, CrsError> {
        let parsed = proj_wkt::parse_crs(text).map_err(|e| CrsError::Definition { reason: e.to_string() })?;
        let def = parsed
            .horizontal_crs()
            .filter(|def| !def.is_geocentric())
            .ok_or_else(|| CrsError::Definition { reason: "it has no horizontal part".to_owned() })?;
        let title = text.split('"').nth(1).unwrap_or(text);
        Self::custom(def, title, Some(text))
    }

    /// A definition by parameters: the code it amounts to, or itself after a check that it can project.
    fn custom(def: CrsDef, title: &str, text: Option<&str>) -> Result<Self, CrsError> {
        let declared = !is_null_shift(def.datum()) && def.datum().declares_shift();
        let def = if declared { def } else { with_plain_datum(def) };
        if !declared {
            let known = if def.epsg() == 0 { recognise::code(&def) } else { Some(def.epsg()) };
            if let Some(crs) = known.and_then(|code| Self::from_epsg(code).ok()) {
                return Ok(crs);
            }
        }
        let def = def.with_axis_order(proj_core::AxisOrder::EastNorth);
        let base = CrsDef::Geographic(GeographicCrsDef::new(0, bare_datum(def.datum()), ""));
        let alone = def.clone().with_datum(bare_datum(def.datum()));
        proj_core::Transform::from_crs_defs(&alone, &base)
            .map_err(|e| CrsError::Definition { reason: e.to_string() })?;
        let title: String = title.trim().chars().take(120).collect();
        let title = if title.is_empty() { "user-defined CRS".to_owned() } else { title };
        let shifted = text.filter(|_| declared).map(str::to_owned);
        Ok(Self(Arc::new(Inner { key: Key::Custom(describe(&def)), title, def, shifted })))
    }
}

impl PartialEq for Crs {
    fn eq(&self, other: &Self) -> bool {
        self.0.key == other.0.key
    }
}

impl Eq for Crs {}

impl Hash for Crs {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.key.hash(state);
    }
}

impl std::fmt::Debug for Crs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0.key {
            Key::Custom(parameters) => write!(f, "Crs({parameters})"),
            Key::Epsg(_) | Key::Crs84 => write!(f, "Crs({})", self.name()),
        }
    }
}

/// The numbers of a definition as text: what makes two definitions without a code equal.
fn describe(def: &CrsDef) -> String {
    let (datum, unit) = (def.datum(), def.as_projected().map(ProjectedCrsDef::linear_unit_to_meter));
    let method = def.as_projected().map(ProjectedCrsDef::method);
    format!("{method:?} {unit:?} {:?} {:?} {}", datum.ellipsoid(), datum.to_wgs84(), datum.epsg())
}

fn is_null_shift(datum: &Datum) -> bool {
    datum.epsg() == 0
        && matches!(datum.to_wgs84(), DatumToWgs84::Helmert(h) if *h == HelmertParams::identity())
}

/// A datum of which nothing is known, or a declared shift of zero, keeps latitude and longitude as they are.
fn with_plain_datum(def: CrsDef) -> CrsDef {
    let datum = def.datum();
    let unknown = datum.epsg() == 0 && matches!(datum.to_wgs84(), DatumToWgs84::Unknown);
    if unknown || is_null_shift(datum) {
        let plain = bare_datum(datum);
        return def.with_datum(plain);
    }
    def
}

/// The ellipsoid alone, with latitude and longitude taken as they are.
fn bare_datum(datum: &Datum) -> Datum {
    Datum::new(datum.ellipsoid(), DatumToWgs84::Identity).expect("the identity is a valid shift")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_axes_of_the_authority_are_known() {
        for (code, order) in [
            (2154, AxisOrder::EastNorth),
            (3857, AxisOrder::EastNorth),
            (4326, AxisOrder::NorthEast),
            (4171, AxisOrder::NorthEast),
            (4258, AxisOrder::NorthEast),
            (3035, AxisOrder::NorthEast),
        ] {
            assert_eq!(Crs::from_epsg(code).unwrap().axis_order(), order, "EPSG:{code}");
        }
        assert_eq!(Crs::crs84().unwrap().axis_order(), AxisOrder::EastNorth);
    }

    #[test]
    fn crs84_is_not_epsg_4326_but_needs_no_transformation() {
        let (a, b) = (Crs::crs84().unwrap(), Crs::from_epsg(4326).unwrap());
        assert_ne!(a, b);
        assert!(Transform::new(&a, &b).unwrap().is_identity());
        assert_eq!(a.urn(), "urn:ogc:def:crs:OGC:1.3:CRS84");
    }

    #[test]
    fn titles_and_units_come_from_the_registry() {
        let lambert = Crs::from_epsg(2154).unwrap();
        assert_eq!(lambert.title(), "RGF93 v1 / Lambert-93");
        assert!((lambert.metres_per_unit() - 1.0).abs() < 1e-15 && !lambert.is_geographic());
        let feet = Crs::from_epsg(2263).unwrap();
        assert!((feet.metres_per_unit() - 0.304_800_609_601_219_2).abs() < 1e-12);
    }

    #[test]
    fn a_compound_code_gives_its_horizontal_part() {
        assert_eq!(Crs::from_epsg(5698).unwrap().epsg(), Some(2154));
    }

    #[test]
    fn an_unknown_code_is_an_error() {
        assert!(matches!(Crs::from_epsg(1), Err(CrsError::UnknownCode { code: 1 })));
        assert!(matches!(Crs::from_epsg(4978), Err(CrsError::UnknownCode { .. })), "geocentric");
    }

    #[test]
    fn two_equal_definitions_without_a_code_are_equal() {
        let text = "+proj=lcc +lat_0=46 +lon_0=2 +lat_1=45 +lat_2=47 +x_0=1000 +y_0=2000 +ellps=GRS80";
        let (a, b) = (Crs::from_name(text).unwrap(), Crs::from_name(&format!("{text} +units=m")).unwrap());
        assert_eq!(a, b);
        assert!(Transform::new(&a, &b).unwrap().is_identity());
        assert_ne!(a, Crs::from_name(&text.replace("+lat_1=45", "+lat_1=44")).unwrap());
        assert_eq!(a.epsg(), None);
    }
}
