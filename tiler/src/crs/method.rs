//! The projection methods a file may spell out, and the numbers GeoTIFF gives them.

/// The projection methods a file may spell out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// No projection: longitude and latitude.
    Geographic,
    /// Transverse Mercator, UTM among them.
    TransverseMercator,
    /// Mercator, with a scale or (as "2SP") a latitude of true scale.
    Mercator,
    /// Lambert conformal conic with two standard parallels: Lambert-93, CC42 to CC50.
    LambertConic2sp,
    /// Lambert conformal conic with one standard parallel and a scale.
    LambertConic1sp,
    /// Lambert azimuthal equal area.
    LambertAzimuthalEqualArea,
    /// Albers equal area conic.
    AlbersEqualArea,
    /// Polar stereographic.
    PolarStereographic,
    /// Oblique (double) stereographic.
    ObliqueStereographic,
    /// Hotine oblique Mercator, variant A: false origin where the initial line meets the equator of the aposphere.
    ObliqueMercator,
    /// Hotine oblique Mercator, variant B: false origin at the projection centre.
    ObliqueMercatorCentre,
    /// Swiss oblique Mercator (Rosenmund).
    SwissObliqueMercator,
    /// Laborde oblique Mercator: Madagascar.
    LabordeObliqueMercator,
    /// Azimuthal equidistant.
    AzimuthalEquidistant,
    /// Equidistant conic.
    EquidistantConic,
    /// Stereographic.
    Stereographic,
    /// Equirectangular, plate carrée.
    Equirectangular,
    /// Cassini-Soldner.
    CassiniSoldner,
    /// Gnomonic.
    Gnomonic,
    /// Miller cylindrical.
    MillerCylindrical,
    /// Orthographic.
    Orthographic,
    /// American polyconic.
    Polyconic,
    /// Robinson.
    Robinson,
    /// Sinusoidal.
    Sinusoidal,
    /// Cylindrical equal area.
    CylindricalEqualArea,
}

/// `ProjMethodGeoKey`: number, method, and for those that nothing here projects, the name alone.
const METHODS: [(u16, Option<Method>, &str); 30] = [
    (1, Some(Method::TransverseMercator), "Transverse Mercator"),
    (2, None, "Transverse Mercator modified for Alaska"),
    (3, Some(Method::ObliqueMercator), "Hotine oblique Mercator"),
    (4, Some(Method::LabordeObliqueMercator), "Laborde oblique Mercator"),
    (5, Some(Method::SwissObliqueMercator), "Swiss oblique Mercator"),
    (6, None, "spherical oblique Mercator"),
    (7, Some(Method::Mercator), "Mercator"),
    (8, Some(Method::LambertConic2sp), "Lambert conformal conic 2SP"),
    (9, Some(Method::LambertConic1sp), "Lambert conformal conic 1SP"),
    (10, Some(Method::LambertAzimuthalEqualArea), "Lambert azimuthal equal area"),
    (11, Some(Method::AlbersEqualArea), "Albers equal area"),
    (12, Some(Method::AzimuthalEquidistant), "azimuthal equidistant"),
    (13, Some(Method::EquidistantConic), "equidistant conic"),
    (14, Some(Method::Stereographic), "stereographic"),
    (15, Some(Method::PolarStereographic), "polar stereographic"),
    (16, Some(Method::ObliqueStereographic), "oblique stereographic"),
    (17, Some(Method::Equirectangular), "equirectangular"),
    (18, Some(Method::CassiniSoldner), "Cassini-Soldner"),
    (19, Some(Method::Gnomonic), "gnomonic"),
    (20, Some(Method::MillerCylindrical), "Miller cylindrical"),
    (21, Some(Method::Orthographic), "orthographic"),
    (22, Some(Method::Polyconic), "polyconic"),
    (23, Some(Method::Robinson), "Robinson"),
    (24, Some(Method::Sinusoidal), "sinusoidal"),
    (25, None, "Van der Grinten"),
    (26, None, "New Zealand Map Grid"),
    (27, None, "Transverse Mercator, south orientated"),
    (28, Some(Method::CylindricalEqualArea), "cylindrical equal area"),
    (9815, Some(Method::ObliqueMercatorCentre), "Hotine oblique Mercator, azimuth centre"),
    (9820, Some(Method::LambertAzimuthalEqualArea), "Lambert azimuthal equal area"),
];

impl Method {
    /// The method of a `ProjMethodGeoKey` (3075), `None` when nothing here projects it.
    ///
    /// Source: OGC 19-008r4, annex C.3.3; 28 and above as libgeotiff has them.
    pub fn from_geo_key(value: u16) -> Option<Self> {
        METHODS.iter().find(|(number, ..)| *number == value).and_then(|(_, method, _)| *method)
    }

    /// What the standard calls a `ProjMethodGeoKey`, whether it can be projected here or not.
    pub fn name_of_geo_key(value: u16) -> &'static str {
        METHODS.iter().find(|(number, ..)| *number == value).map_or("a private method", |(_, _, name)| name)
    }

    /// What PROJ calls a method that only the second engine projects.
    pub(super) fn proj_name(self) -> Option<&'static str> {
        Some(match self {
            Self::EquidistantConic => "eqdc",
            Self::Stereographic => "stere",
            Self::Equirectangular => "eqc",
            Self::Gnomonic => "gnom",
            Self::MillerCylindrical => "mill",
            Self::Orthographic => "ortho",
            Self::Robinson => "robin",
            Self::Sinusoidal => "sinu",
            Self::CylindricalEqualArea => "cea",
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_that_nothing_projects_have_a_name() {
        assert_eq!(Method::from_geo_key(26), None);
        assert_eq!(Method::name_of_geo_key(26), "New Zealand Map Grid");
        assert_eq!(Method::name_of_geo_key(999), "a private method");
    }
}
