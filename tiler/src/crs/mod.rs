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

mod definition;
mod method;
mod names;
mod ntf;
#[cfg(test)]
mod oracle;
mod proj4;
mod projection;
mod recognise;
mod transform;
mod user_defined;
mod wkt1;

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use proj_core::{CrsDef, ProjectedCrsDef};

use definition::Definition;
pub use method::Method;
use proj4::Proj4;
pub use transform::Transform;
pub use user_defined::UserDefined;

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
    #[error(
        "no transformation from {from} to {to}: {reason}; \
         warp the image first, with grids where they matter: `gdalwarp -t_srs EPSG:2154`"
    )]
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
    engine: Engine,
}

/// What moves the coordinates of a CRS.
enum Engine {
    /// proj-core, the first choice.
    Core {
        /// Always in east, north order.
        def: CrsDef,
        /// The text of a definition that declares its own datum shift, which `def` alone does not carry.
        shifted: Option<String>,
        /// Degrees in a unit of geographic coordinates; 1 for all but a few old files.
        degrees_per_unit: f64,
    },
    /// proj4rs, by way of WGS 84.
    Proj4(Box<Proj4>),
    /// Nothing: the CRS can be named, no more.
    Named { reason: String },
}

impl Crs {
    /// The CRS of an EPSG code. A compound or 3D code gives its horizontal part.
    ///
    /// A code can be known although nothing here can project it (EPSG:27200, New Zealand Map Grid): it has its name, and
    /// [`Transform::new`] says why it goes nowhere.
    ///
    /// # Errors
    ///
    /// When the code is not known, or not that of a horizontal CRS.
    pub fn from_epsg(code: u32) -> Result<Self, CrsError> {
        let def = proj_core::lookup_epsg(code).and_then(|def| def.horizontal_crs());
        let def = def.filter(|def| !def.is_geocentric());
        if let Some(def) = &def
            && !proj4::has_own_meridian(def.epsg())
        {
            let code = if def.epsg() == 0 { code } else { def.epsg() };
            return Ok(Self::with_core(Key::Epsg(code), def.name().to_owned(), def.clone(), 1.0));
        }
        let title = def.as_ref().map_or_else(|| format!("EPSG:{code}"), |def| def.name().to_owned());
        let engine = match Proj4::from_epsg(code).ok_or(CrsError::UnknownCode { code })? {
            Ok(proj4) => Engine::Proj4(Box::new(proj4)),
            Err(error) => Engine::Named { reason: error.to_string() },
        };
        Ok(Self(Arc::new(Inner { key: Key::Epsg(code), title, engine })))
    }

    /// WGS 84 in longitude, latitude order.
    ///
    /// # Errors
    ///
    /// Never in practice: EPSG:4326 is in the registry.
    pub fn crs84() -> Result<Self, CrsError> {
        let def = proj_core::lookup_epsg(4326).ok_or(CrsError::UnknownCode { code: 4326 })?;
        Ok(Self::with_core(Key::Crs84, "WGS 84 (CRS84)".to_owned(), def, 1.0))
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
            None if names::is_definition(name) => definition::parse(name.trim()),
            None => Err(CrsError::UnknownName { name: name.chars().take(120).collect() }),
        }
    }

    /// The CRS of parameters found in a file that gives no code, or the code they amount to.
    ///
    /// # Errors
    ///
    /// When a parameter the method needs is missing or not a number.
    pub fn from_user_defined(parameters: &UserDefined) -> Result<Self, CrsError> {
        let unit = parameters.degrees_per_unit;
        match user_defined::definition(parameters)? {
            Definition::Core(def) if definition::is_other_unit(unit) && def.is_geographic() => {
                definition::in_other_unit(def, &parameters.citation, unit)
            }
            Definition::Core(def) => definition::custom(def, &parameters.citation, None),
            Definition::Text(text) => definition::by_proj4(&text, &parameters.citation, unit),
        }
    }

    /// The same CRS with coordinates in another linear unit, as a file may have it beside a code.
    ///
    /// The false origin stays where it is on the ground. A CRS in degrees is returned as it is.
    ///
    /// # Errors
    ///
    /// When the unit is no length, or the CRS cannot be given another one.
    pub fn with_linear_unit(&self, metres_per_unit: f64) -> Result<Self, CrsError> {
        let own = self.metres_per_unit();
        if self.is_geographic() || (own - metres_per_unit).abs() <= 1e-9 * own {
            return Ok(self.clone());
        }
        definition::with_linear_unit(self, metres_per_unit)
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

    /// Whether coordinates are longitude and latitude, in degrees but for a few old files (grads, arc-seconds).
    pub fn is_geographic(&self) -> bool {
        match &self.0.engine {
            Engine::Core { def, .. } => def.is_geographic(),
            Engine::Proj4(proj4) => proj4.is_geographic(),
            Engine::Named { .. } => false,
        }
    }

    /// Metres in one unit of the coordinates; [`METRES_PER_DEGREE`] for degrees.
    pub fn metres_per_unit(&self) -> f64 {
        match &self.0.engine {
            Engine::Core { def, degrees_per_unit, .. } => def
                .as_projected()
                .map_or(METRES_PER_DEGREE * degrees_per_unit, ProjectedCrsDef::linear_unit_to_meter),
            Engine::Proj4(proj4) if proj4.is_geographic() => METRES_PER_DEGREE * proj4.degrees_per_unit(),
            Engine::Proj4(proj4) => proj4.metres_per_unit(),
            Engine::Named { .. } => 1.0,
        }
    }

    fn with_core(key: Key, title: String, def: CrsDef, degrees_per_unit: f64) -> Self {
        let def = def.with_axis_order(proj_core::AxisOrder::EastNorth);
        Self(Arc::new(Inner { key, title, engine: Engine::Core { def, shifted: None, degrees_per_unit } }))
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
    fn a_code_that_nothing_projects_still_has_its_name() {
        let grid = Crs::from_epsg(27200).unwrap();
        assert_eq!(grid.name(), "EPSG:27200");
        let error = Transform::new(&grid, &Crs::from_epsg(4326).unwrap()).unwrap_err();
        assert!(error.to_string().contains("gdalwarp -t_srs"), "{error}");
    }

    #[test]
    fn lambert_2_etendu_has_its_title_and_unit() {
        let lambert = Crs::from_epsg(27572).unwrap();
        assert_eq!(lambert.title(), "NTF (Paris) / Lambert zone II");
        assert!((lambert.metres_per_unit() - 1.0).abs() < 1e-15 && !lambert.is_geographic());
    }

    #[test]
    fn another_unit_keeps_the_place_and_loses_the_code() {
        let feet = Crs::from_epsg(2154).unwrap().with_linear_unit(0.3048).unwrap();
        assert_eq!(feet.epsg(), None);
        let t = Transform::new(&feet, &Crs::from_epsg(2154).unwrap()).unwrap();
        let (x, y) = t.convert(700_000.0 / 0.3048, 6_600_000.0 / 0.3048).unwrap();
        assert!((x - 700_000.0).abs() < 1e-4 && (y - 6_600_000.0).abs() < 1e-4, "{x} {y}");
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
