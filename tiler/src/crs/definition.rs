//! A CRS by its definition: parsed from a text or put together from parameters, recognised if it amounts to a code.

use std::sync::Arc;

use proj_core::{CrsDef, Datum, DatumToWgs84, GeographicCrsDef, HelmertParams, LinearUnit, ProjectedCrsDef};

use super::{Crs, CrsError, Engine, Inner, Key, ntf, proj4::Proj4, recognise, wkt1};

/// Parameters in the terms of one of the two engines.
#[derive(Debug)]
pub(super) enum Definition {
    Core(CrsDef),
    Text(String),
}

/// WKT, PROJJSON or a PROJ string.
pub(super) fn parse(text: &str) -> Result<Crs, CrsError> {
    let title = text.split('"').nth(1).unwrap_or(text);
    if let Some(crs) = extension(text).and_then(|text| parse(text).ok()) {
        return Ok(crs);
    }
    let completed = one_parallel_completed(text);
    let text = completed.as_deref().unwrap_or(text);
    let first = proj_wkt::parse_crs(text)
        .map_err(|e| CrsError::Definition { reason: e.to_string() })
        .and_then(|parsed| {
            let reason = "it has no horizontal part".to_owned();
            let horizontal = parsed.horizontal_crs().filter(|def| !def.is_geocentric());
            custom(horizontal.ok_or(CrsError::Definition { reason })?, title, Some(text))
        });
    let error = match first {
        Ok(crs) => return Ok(crs),
        Err(error) => error,
    };
    if let Some(crs) = recognise::own_code(text).and_then(|code| Crs::from_epsg(code).ok()) {
        return Ok(crs);
    }
    if let Some(crs) = wkt1::parameters(text).and_then(|found| Crs::from_user_defined(&found).ok()) {
        return Ok(crs);
    }
    Some(text)
        .filter(|text| text.starts_with('+'))
        .and_then(|text| by_proj4(text, title, 1.0).ok())
        .ok_or(error)
}

/// A PROJ string of a conic with one parallel, with the second one written out: without it the library takes 0, where PROJ
/// takes the first.
fn one_parallel_completed(text: &str) -> Option<String> {
    let tokens = || text.split_whitespace();
    let lcc = tokens().any(|token| token == "+proj=lcc");
    let second = tokens().any(|token| token.starts_with("+lat_2="));
    let first = tokens().find_map(|token| token.strip_prefix("+lat_1=")).filter(|_| lcc && !second)?;
    Some(format!("{text} +lat_2={first}"))
}

/// Whether longitude and latitude are in something else than degrees.
pub(super) fn is_other_unit(degrees_per_unit: f64) -> bool {
    (degrees_per_unit - 1.0).abs() > 1e-9
}

/// GDAL's way to write what WKT 1 cannot say, Web Mercator among it: `EXTENSION["PROJ4","+proj=…"]`.
fn extension(wkt: &str) -> Option<&str> {
    let (_, rest) = wkt.split_once("EXTENSION[\"PROJ4\",\"")?;
    rest.split('"').next()
}

/// A definition by parameters: the code it amounts to, or itself after a check that it can project.
pub(super) fn custom(def: CrsDef, title: &str, text: Option<&str>) -> Result<Crs, CrsError> {
    let declared = !is_null_shift(def.datum()) && def.datum().declares_shift();
    let def = if declared { def } else { with_plain_datum(def) };
    if let Some(code) = ntf::code(&def) {
        return Crs::from_epsg(code);
    }
    if !declared {
        let known = if def.epsg() == 0 { recognise::code(&def, title) } else { Some(def.epsg()) };
        if let Some(crs) = known.and_then(|code| Crs::from_epsg(code).ok()) {
            return Ok(crs);
        }
    }
    let def = def.with_axis_order(proj_core::AxisOrder::EastNorth);
    check(&def)?;
    let shifted = text.filter(|_| declared).map(str::to_owned);
    let key = Key::Custom(describe(&def));
    Ok(new(key, title, Engine::Core { def, shifted, degrees_per_unit: 1.0 }))
}

/// Longitude and latitude in grads, arc-seconds and the like, which have no code.
pub(super) fn in_other_unit(def: CrsDef, title: &str, degrees_per_unit: f64) -> Result<Crs, CrsError> {
    let def = with_plain_datum(def).with_axis_order(proj_core::AxisOrder::EastNorth);
    check(&def)?;
    let key = Key::Custom(format!("{} in {degrees_per_unit} degrees", describe(&def)));
    Ok(new(key, title, Engine::Core { def, shifted: None, degrees_per_unit }))
}

/// What only the second engine can do.
pub(super) fn by_proj4(text: &str, title: &str, degrees_per_unit: f64) -> Result<Crs, CrsError> {
    let proj4 = Proj4::parse(text)?.in_unit(degrees_per_unit);
    let mut tokens: Vec<&str> = text.split_whitespace().collect();
    tokens.sort_unstable();
    let key = Key::Custom(format!("{} in {degrees_per_unit} degrees", tokens.join(" ")));
    Ok(new(key, title, Engine::Proj4(Box::new(proj4))))
}

/// See [`Crs::with_linear_unit`].
pub(super) fn with_linear_unit(crs: &Crs, metres_per_unit: f64) -> Result<Crs, CrsError> {
    let bad = || CrsError::Parameter { parameter: "linear unit" };
    let unit = LinearUnit::from_meters_per_unit(metres_per_unit).map_err(|_| bad())?;
    match &crs.0.engine {
        Engine::Core { def: CrsDef::Projected(def), shifted: None, .. } => {
            let (base, datum) = (def.base_geographic_crs_epsg(), def.datum().clone());
            let def = ProjectedCrsDef::new_with_base_geographic_crs(0, base, datum, def.method(), unit, "");
            custom(CrsDef::Projected(def), crs.title(), None)
        }
        Engine::Proj4(proj4) => {
            let kept = proj4.text().split_whitespace().filter(|token| {
                !["+units=", "+to_meter=", "+no_defs"].iter().any(|unit| token.starts_with(unit))
            });
            let text = format!("{} +to_meter={metres_per_unit}", kept.collect::<Vec<_>>().join(" "));
            by_proj4(&text, crs.title(), 1.0)
        }
        Engine::Core { .. } | Engine::Named { .. } => Err(bad()),
    }
}

fn new(key: Key, title: &str, engine: Engine) -> Crs {
    let title: String = title.trim().chars().take(120).collect();
    let title = if title.is_empty() { "user-defined CRS".to_owned() } else { title };
    Crs(Arc::new(Inner { key, title, engine }))
}

/// Whether the library can project it at all.
fn check(def: &CrsDef) -> Result<(), CrsError> {
    let base = CrsDef::Geographic(GeographicCrsDef::new(0, bare_datum(def.datum()), ""));
    let alone = def.clone().with_datum(bare_datum(def.datum()));
    proj_core::Transform::from_crs_defs(&alone, &base)
        .map(|_| ())
        .map_err(|e| CrsError::Definition { reason: e.to_string() })
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
pub(super) fn bare_datum(datum: &Datum) -> Datum {
    Datum::new(datum.ellipsoid(), DatumToWgs84::Identity).expect("the identity is a valid shift")
}
