//! What software writes into the texts of GeoKeys because no key holds it: WKT, and ERDAS Imagine's units.

use crate::tiff::GeoTags;

const CITATION: u16 = 1026;
const GEODETIC_CITATION: u16 = 2049;
const PROJECTED_CITATION: u16 = 3073;

const PE_STRING: &str = "ESRI PE String = ";
const IMAGINE: &str = "IMAGINE GeoTIFF Support";

/// The name of the CRS, for people.
pub(super) fn title(geo: &GeoTags) -> &str {
    let keys = [CITATION, PROJECTED_CITATION, GEODETIC_CITATION];
    let mut texts = keys.iter().filter_map(|&key| geo.ascii_key(key));
    let text = texts.find(|text| !text.is_empty() && *text != "unnamed").unwrap_or_default();
    match text.strip_prefix("PCS Name = ").or_else(|| text.strip_prefix("GCS Name = ")) {
        Some(name) => name.split('|').next().unwrap_or(name),
        None if text.starts_with(PE_STRING) => text.split('"').nth(1).unwrap_or_default(),
        None => text.lines().next().unwrap_or_default(),
    }
}

/// WKT in a citation: `ESRI PE String = PROJCS[…]`, or the bare text.
pub(super) fn wkt(geo: &GeoTags) -> Option<&str> {
    let keys = [PROJECTED_CITATION, CITATION, GEODETIC_CITATION];
    keys.iter().filter_map(|&key| geo.ascii_key(key)).find_map(|text| {
        let text = text.strip_prefix(PE_STRING).unwrap_or(text);
        ["PROJCS[", "GEOGCS[", "PROJCRS[", "GEOGCRS["]
            .iter()
            .any(|start| text.starts_with(start))
            .then_some(text)
    })
}

/// Metres in the unit that ERDAS Imagine names, which it may do beside a code in another unit.
pub(super) fn imagine_unit(geo: &GeoTags) -> Option<f64> {
    let text = geo.ascii_key(CITATION).filter(|text| text.starts_with(IMAGINE))?;
    let unit = text.lines().find_map(|line| line.strip_prefix("Units = "))?.trim().to_ascii_lowercase();
    match unit.as_str() {
        "meters" => Some(1.0),
        "international_feet" => Some(0.3048),
        "us_survey_feet" => Some(1200.0 / 3937.0),
        _ => None,
    }
}
