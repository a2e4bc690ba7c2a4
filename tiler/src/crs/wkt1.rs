//! WKT 1 to parameters, for what the library's parser refuses: datums it does not know (ESRI's `D_NTF`), meridians other
//! than Greenwich, methods of the second engine. It reads what GDAL and `ArcGIS` write into `.prj` and `.aux.xml` files.

use super::{Method, UserDefined};

/// Deepest nesting and longest text that are read.
const DEEPEST: usize = 16;
const LONGEST: usize = 64 * 1024;

/// `KEYWORD["name", number, KEYWORD[…], …]`.
#[derive(Debug, Default)]
struct Node<'a> {
    keyword: &'a str,
    values: Vec<&'a str>,
    children: Vec<Node<'a>>,
}

/// Names of methods, without case and underscores, as GDAL and as ESRI spell them.
const METHODS: [(&str, Method); 34] = [
    ("transversemercator", Method::TransverseMercator),
    ("gausskruger", Method::TransverseMercator),
    ("mercator", Method::Mercator),
    ("mercator1sp", Method::Mercator),
    ("mercator2sp", Method::Mercator),
    ("lambertconformalconic2sp", Method::LambertConic2sp),
    ("lambertconformalconic1sp", Method::LambertConic1sp),
    ("lambertconformalconic", Method::LambertConic2sp),
    ("lambertazimuthalequalarea", Method::LambertAzimuthalEqualArea),
    ("albersconicequalarea", Method::AlbersEqualArea),
    ("albers", Method::AlbersEqualArea),
    ("polarstereographic", Method::PolarStereographic),
    ("stereographicnorthpole", Method::PolarStereographic),
    ("stereographicsouthpole", Method::PolarStereographic),
    ("obliquestereographic", Method::ObliqueStereographic),
    ("doublestereographic", Method::ObliqueStereographic),
    ("hotineobliquemercator", Method::ObliqueMercator),
    ("hotineobliquemercatorazimuthnaturalorigin", Method::ObliqueMercator),
    ("rectifiedskeworthomorphicnaturalorigin", Method::ObliqueMercator),
    ("hotineobliquemercatorazimuthcenter", Method::ObliqueMercatorCentre),
    ("rectifiedskeworthomorphiccenter", Method::ObliqueMercatorCentre),
    ("swissobliquecylindrical", Method::SwissObliqueMercator),
    ("labordeobliquemercator", Method::LabordeObliqueMercator),
    ("azimuthalequidistant", Method::AzimuthalEquidistant),
    ("equidistantconic", Method::EquidistantConic),
    ("stereographic", Method::Stereographic),
    ("equirectangular", Method::Equirectangular),
    ("platecarree", Method::Equirectangular),
    ("equidistantcylindrical", Method::Equirectangular),
    ("cassinisoldner", Method::CassiniSoldner),
    ("cassini", Method::CassiniSoldner),
    ("polyconic", Method::Polyconic),
    ("sinusoidal", Method::Sinusoidal),
    ("cylindricalequalarea", Method::CylindricalEqualArea),
];

/// The parameters of a `PROJCS` or `GEOGCS`, also within a `COMPD_CS`; `None` when it is something else or incomplete.
pub(super) fn parameters(wkt: &str) -> Option<UserDefined> {
    if wkt.len() > LONGEST {
        return None;
    }
    let (root, _) = node(wkt.trim_start(), 0)?;
    let root = if root.keyword.eq_ignore_ascii_case("COMPD_CS") {
        root.child("PROJCS").or(root.child("GEOGCS"))?
    } else {
        &root
    };
    let geographic = if root.keyword.eq_ignore_ascii_case("GEOGCS") { root } else { root.child("GEOGCS")? };
    let datum = geographic.child("DATUM")?;
    let spheroid = datum.child("SPHEROID")?;
    let degrees =
        geographic.child("UNIT").and_then(|unit| unit.number(1)).unwrap_or(1f64.to_radians()).to_degrees();
    // The classic factors end after 16 digits.
    let degrees = if (degrees - 1.0).abs() < 1e-9 { 1.0 } else { degrees };
    let earth = UserDefined {
        semi_major_m: Some(spheroid.number(1)?),
        inverse_flattening: Some(spheroid.number(2)?),
        prime_meridian_deg: geographic
            .child("PRIMEM")
            .and_then(|meridian| meridian.number(1))
            .map_or(0.0, meridian),
        to_wgs84: datum.child("TOWGS84").and_then(Node::shift),
        datum_code: datum.code().or_else(|| datum_code(datum.values.first()?)),
        degrees_per_unit: degrees,
        citation: root.values.first().copied().unwrap_or_default().to_owned(),
        ..UserDefined::default()
    };
    if std::ptr::eq(root, geographic) {
        return Some(UserDefined { method: Method::Geographic, ..earth });
    }
    let name = plain(root.child("PROJECTION")?.values.first()?);
    let (_, mut method) = *METHODS.iter().find(|(known, _)| *known == name)?;
    let parameter = |names: &[&str]| {
        let all = || root.children.iter().filter(|child| child.keyword.eq_ignore_ascii_case("PARAMETER"));
        names.iter().find_map(|name| {
            all()
                .find(|child| child.values.first().is_some_and(|own| plain(own) == *name))
                .and_then(|p| p.number(1))
        })
    };
    let angle = |names: &[&str]| parameter(names).map(|angle| angle * degrees);
    // ESRI has one name for both.
    if method == Method::LambertConic2sp && parameter(&["standardparallel2"]).is_none() {
        method = Method::LambertConic1sp;
    }
    Some(UserDefined {
        method,
        origin_latitude_deg: angle(&["latitudeoforigin", "latitudeofcenter", "centralparallel"])
            .unwrap_or(0.0),
        origin_longitude_deg: angle(&["centralmeridian", "longitudeofcenter", "longitudeoforigin"])
            .unwrap_or(0.0),
        standard_parallel_1_deg: angle(&["standardparallel1"]),
        standard_parallel_2_deg: angle(&["standardparallel2"]),
        azimuth_deg: angle(&["azimuth"]),
        rectified_grid_angle_deg: angle(&["rectifiedgridangle", "xyplanerotation"]),
        scale: parameter(&["scalefactor"]).unwrap_or(1.0),
        false_easting: parameter(&["falseeasting"]).unwrap_or(0.0),
        false_northing: parameter(&["falsenorthing"]).unwrap_or(0.0),
        metres_per_unit: root.child("UNIT").and_then(|unit| unit.number(1)).unwrap_or(1.0),
        ..earth
    })
}

/// Degrees: GDAL writes the meridian so whatever the unit; Paris also comes rounded to eight decimals.
fn meridian(degrees: f64) -> f64 {
    if (degrees - 2.337_229_17).abs() < 1e-7 { 2.337_229_166_666_67 } else { degrees }
}

/// Datums of French and neighbouring data whose names the library does not know; Greenwich in place of Paris.
fn datum_code(name: &str) -> Option<u32> {
    let name = plain(name);
    Some(match name.strip_prefix('d').filter(|_| name.starts_with("dntf")).unwrap_or(&name) {
        "ntf" | "ntfparis" | "nouvelletriangulationfrancaise" | "nouvelletriangulationfrancaiseparis" => 6275,
        "deuropean1950" | "europeandatum1950" => 6230,
        "ddeutscheshauptdreiecksnetz" | "deutscheshauptdreiecksnetz" => 6314,
        _ => return None,
    })
}

/// A name without case and punctuation.
fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

impl<'a> Node<'a> {
    fn child(&self, keyword: &str) -> Option<&Node<'a>> {
        self.children.iter().find(|child| child.keyword.eq_ignore_ascii_case(keyword))
    }

    fn number(&self, index: usize) -> Option<f64> {
        self.values.get(index)?.parse().ok().filter(|number: &f64| number.is_finite())
    }

    /// The code of the EPSG in an `AUTHORITY` of this node.
    fn code(&self) -> Option<u32> {
        let authority = self.child("AUTHORITY").filter(|node| node.values.first() == Some(&"EPSG"))?;
        authority.values.get(1)?.parse().ok()
    }

    fn shift(&self) -> Option<[f64; 7]> {
        let mut shift = [0.0; 7];
        if !matches!(self.values.len(), 3 | 7) {
            return None;
        }
        for (index, number) in shift.iter_mut().enumerate().take(self.values.len()) {
            *number = self.number(index)?;
        }
        Some(shift)
    }
}

/// The node at the start of a text, and what follows it.
fn node(text: &str, depth: usize) -> Option<(Node<'_>, &str)> {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')?;
    let (keyword, rest) = text.split_at_checked(end)?;
    let mut rest = rest.trim_start().strip_prefix(['[', '('])?;
    let mut found = Node { keyword, ..Node::default() };
    if depth > DEEPEST {
        return None;
    }
    loop {
        rest = rest.trim_start();
        if let Some(quoted) = rest.strip_prefix('"') {
            let (value, after) = quoted.split_once('"')?;
            found.values.push(value);
            rest = after;
        } else {
            let end = rest.find([',', '[', '(', ']', ')'])?;
            let (value, after) = rest.split_at_checked(end)?;
            if after.starts_with(['[', '(']) {
                let (child, after) = node(rest, depth + 1)?;
                found.children.push(child);
                rest = after;
            } else {
                found.values.push(value.trim());
                rest = after;
            }
        }
        rest = rest.trim_start();
        match rest.strip_prefix(',') {
            Some(after) => rest = after,
            None => return Some((found, rest.strip_prefix([']', ')'])?)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::crs::Crs;

    /// As `ArcGIS` writes `.prj` files: name, parameters of the projection.
    fn esri(name: &str, geographic: &str, projection: &str) -> String {
        format!(
            r#"PROJCS["{name}",GEOGCS[{geographic},PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],{projection},UNIT["Meter",1.0]]"#
        )
    }

    const RGF93: &str = r#""GCS_RGF_1993",DATUM["D_RGF_1993",SPHEROID["GRS_1980",6378137.0,298.257222101]]"#;
    const WGS84: &str = r#""GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]]"#;

    #[test]
    fn lambert_93_comes_under_many_names() {
        for name in
            ["RGF_1993_Lambert_93", "RGF93_Lambert_93", "RGF93_v1_Lambert-93", "Lambert_93", "unnamed"]
        {
            let wkt = esri(
                name,
                RGF93,
                r#"PROJECTION["Lambert_Conformal_Conic"],PARAMETER["False_Easting",700000.0],
                PARAMETER["False_Northing",6600000.0],PARAMETER["Central_Meridian",3.0],
                PARAMETER["Standard_Parallel_1",44.0],PARAMETER["Standard_Parallel_2",49.0],
                PARAMETER["Latitude_Of_Origin",46.5]"#,
            );
            assert_eq!(Crs::from_name(&wkt).unwrap().epsg(), Some(2154), "{name}");
            assert_eq!(
                Crs::from_user_defined(&parameters(&wkt).unwrap()).unwrap().epsg(),
                Some(2154),
                "{name}"
            );
        }
    }

    #[test]
    fn the_nine_zones_are_recognised() {
        for zone in 42..=50_u32 {
            let wkt = esri(
                &format!("RGF_1993_CC{zone}"),
                RGF93,
                &format!(
                    r#"PROJECTION["Lambert_Conformal_Conic"],PARAMETER["False_Easting",1700000.0],
                    PARAMETER["False_Northing",{}200000.0],PARAMETER["Central_Meridian",3.0],
                    PARAMETER["Standard_Parallel_1",{}.25],PARAMETER["Standard_Parallel_2",{zone}.75],
                    PARAMETER["Latitude_Of_Origin",{zone}.0]"#,
                    zone - 41,
                    zone - 1
                ),
            );
            assert_eq!(Crs::from_name(&wkt).unwrap().epsg(), Some(3900 + zone));
        }
    }

    #[test]
    fn utm_and_longitude_and_latitude_are_recognised() {
        let utm = esri(
            "WGS_1984_UTM_Zone_31N",
            WGS84,
            r#"PROJECTION["Transverse_Mercator"],PARAMETER["False_Easting",500000.0],PARAMETER["False_Northing",0.0],
            PARAMETER["Central_Meridian",3.0],PARAMETER["Scale_Factor",0.9996],PARAMETER["Latitude_Of_Origin",0.0]"#,
        );
        assert_eq!(Crs::from_name(&utm).unwrap().epsg(), Some(32631));
        let plain = format!("GEOGCS[{WGS84},PRIMEM[\"Greenwich\",0.0],UNIT[\"Degree\",0.0174532925199433]]");
        assert_eq!(Crs::from_name(&plain).unwrap().epsg(), Some(4326));
    }

    #[test]
    fn web_mercator_has_its_auxiliary_sphere() {
        let wkt = esri(
            "WGS_1984_Web_Mercator_Auxiliary_Sphere",
            WGS84,
            r#"PROJECTION["Mercator_Auxiliary_Sphere"],PARAMETER["False_Easting",0.0],PARAMETER["False_Northing",0.0],
            PARAMETER["Central_Meridian",0.0],PARAMETER["Standard_Parallel_1",0.0],PARAMETER["Auxiliary_Sphere_Type",0.0]"#,
        );
        assert_eq!(Crs::from_name(&wkt).unwrap().epsg(), Some(3857));
    }

    #[test]
    fn what_gdal_adds_in_an_extension_comes_first() {
        let wkt = esri(
            "WGS 84 / Pseudo-Mercator",
            WGS84,
            r#"PROJECTION["Mercator_1SP"],PARAMETER["central_meridian",0],PARAMETER["scale_factor",1],
            PARAMETER["false_easting",0],PARAMETER["false_northing",0],EXTENSION["PROJ4","+proj=merc +a=6378137
            +b=6378137 +lat_ts=0 +lon_0=0 +x_0=0 +y_0=0 +k=1 +units=m +nadgrids=@null +wktext +no_defs"]"#,
        );
        assert_eq!(Crs::from_name(&wkt).unwrap().epsg(), Some(3857));
    }

    #[test]
    fn lambert_2_etendu_in_grads_from_paris_keeps_its_code() {
        let wkt = r#"PROJCS["NTF_Paris_Lambert_Zone_II",GEOGCS["GCS_NTF_Paris",
            DATUM["Nouvelle_Triangulation_Francaise_(Paris)",SPHEROID["Clarke_1880_IGN",6378249.2,293.466021293627]],
            PRIMEM["Paris",2.33722917],UNIT["Grad",0.0157079632679489]],PROJECTION["Lambert_Conformal_Conic"],
            PARAMETER["False_Easting",600000.0],PARAMETER["False_Northing",2200000.0],PARAMETER["Central_Meridian",0.0],
            PARAMETER["Standard_Parallel_1",52.0],PARAMETER["Scale_Factor",0.99987742],
            PARAMETER["Latitude_Of_Origin",52.0],UNIT["Meter",1.0]]"#;
        assert_eq!(Crs::from_name(wkt).unwrap().epsg(), Some(27572));
    }

    #[test]
    fn a_datum_that_nobody_knows_is_its_ellipsoid() {
        let wkt = esri(
            "Chantier",
            r#""GCS_X",DATUM["D_X",SPHEROID["X",6378388.0,297.0]]"#,
            r#"PROJECTION["Cassini"],PARAMETER["Central_Meridian",3.0],PARAMETER["Latitude_Of_Origin",46.0]"#,
        );
        let crs = Crs::from_name(&wkt).unwrap();
        assert_eq!((crs.epsg(), crs.title()), (None, "Chantier"));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(PROJCS|GEOGCS|UNIT|[\\[\\](),\"A-Z0-9. ]){0,40}") {
            let _ = parameters(&text);
        }
    }
}
