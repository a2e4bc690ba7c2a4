//! The many spellings of one CRS: from a name to a code. It reads no definition and no file.

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Named {
    Epsg(u32),
    Crs84,
}

/// Names of IGN and of software, upper case, without authority, and the EPSG code that draws the same map.
const ALIASES: [(&str, u32); 31] = [
    ("LAMB93", 2154),
    ("LAMBERT93", 2154),
    ("LAMBERT-93", 2154),
    ("RGF93LAMB93", 2154),
    ("RGF93V1LAMB93", 2154),
    ("RGF93V2BLAMB93", 9794),
    ("RGF93V2B_LA93", 9794),
    ("RGF93G", 4171),
    ("RGF93GDD", 4171),
    ("ETRS89GEO", 4258),
    ("ETRS89LAEA", 3035),
    ("ETRS89LCC", 3034),
    ("RGAF09UTM20", 5490),
    ("RGAF09_UTM20N", 5490),
    ("UTM20W84GUAD", 4559),
    ("UTM20W84MART", 4559),
    ("UTM22RGFG95", 2972),
    ("RGFG95UTM22", 2972),
    ("RGFG95_UTM22N", 2972),
    ("RGR92UTM40S", 2975),
    ("RGR92_UTM40S", 2975),
    ("RGM04UTM38S", 4471),
    ("RGM04_UTM38S", 4471),
    ("RGSPM06U21", 4467),
    ("RGSPM06_UTM21N", 4467),
    ("RGNCLAM", 3163),
    ("PM", 3857),
    ("WEBMERCATOR", 3857),
    ("GOOGLE", 3857),
    ("900913", 3857),
    ("102100", 3857),
];

/// Families of names that end in a number: prefix, first and last number, code of the number zero.
const NUMBERED: [(&str, u32, u32, u32); 8] = [
    ("RGF93CC", 42, 50, 3900),
    ("RGF93_CC", 42, 50, 3900),
    ("RGF93V1CC", 42, 50, 3900),
    ("CC", 42, 50, 3900),
    ("RGF93V2BCC", 42, 50, 9800),
    ("RGF93V2B_CC", 42, 50, 9800),
    ("ETRS89UTM", 28, 37, 25800),
    ("RGF93UTM", 30, 32, 25800),
];

/// The code behind a name; `None` for a definition (WKT, PROJ string) and for a name nobody here knows.
pub(super) fn resolve(name: &str) -> Option<Named> {
    let name = name.trim();
    let name = name.strip_prefix('[').and_then(|n| n.strip_suffix(']')).unwrap_or(name);
    if name.len() > 120 {
        return None;
    }
    let upper = name.to_ascii_uppercase();
    if let Some(rest) = upper.strip_prefix("URN:") {
        return from_urn(rest);
    }
    for scheme in ["HTTP://", "HTTPS://"] {
        if let Some(rest) = upper.strip_prefix(scheme) {
            return from_url(rest.strip_prefix("WWW.").unwrap_or(rest));
        }
    }
    match upper.split_once(':') {
        Some((authority, code)) => from_authority(authority.trim(), code.trim_start_matches(':').trim()),
        None => from_alias(&upper),
    }
}

/// Whether the text looks like WKT, PROJJSON or a PROJ string rather than a name.
pub(super) fn is_definition(text: &str) -> bool {
    let text = text.trim_start();
    text.starts_with(['+', '{']) || text.contains('[')
}

/// `OGC:DEF:CRS:EPSG:[version]:2154`.
fn from_urn(rest: &str) -> Option<Named> {
    let mut parts = rest.split(':');
    let (namespace, def, crs) = (parts.next()?, parts.next()?, parts.next()?);
    if !matches!(namespace, "OGC" | "X-OGC") || def != "DEF" || crs != "CRS" {
        return None;
    }
    let authority = parts.next()?;
    let code = parts.next_back()?;
    from_authority(authority, code)
}

/// `OPENGIS.NET/DEF/CRS/EPSG/0/2154` and the older `OPENGIS.NET/GML/SRS/EPSG.XML#4326`.
fn from_url(rest: &str) -> Option<Named> {
    let path = rest.strip_prefix("OPENGIS.NET/")?;
    if let Some(code) = path.strip_prefix("GML/SRS/EPSG.XML#") {
        return from_authority("EPSG", code);
    }
    let mut parts = path.strip_prefix("DEF/CRS/")?.split('/');
    let (authority, _version, code) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() { None } else { from_authority(authority, code) }
}

fn from_authority(authority: &str, code: &str) -> Option<Named> {
    match (authority, code) {
        ("OGC" | "CRS", "84" | "CRS84") | ("IGNF", "WGS84G" | "WGS84GDD") => Some(Named::Crs84),
        ("EPSG" | "ESRI" | "OSGEO", "900913" | "102100" | "102113" | "3785") => Some(Named::Epsg(3857)),
        ("EPSG", digits) => digits.parse().ok().map(Named::Epsg),
        ("ESRI", "102110") => Some(Named::Epsg(2154)),
        ("IGNF", name) => from_alias(name),
        _ => None,
    }
}

fn from_alias(name: &str) -> Option<Named> {
    if matches!(name, "CRS84" | "WGS84G") {
        return Some(Named::Crs84);
    }
    let alias = ALIASES.iter().find(|(alias, _)| *alias == name).map(|(_, code)| *code);
    alias.or_else(|| numbered(name)).map(Named::Epsg)
}

fn numbered(name: &str) -> Option<u32> {
    NUMBERED.iter().find_map(|(prefix, first, last, base)| {
        let number: u32 = name.strip_prefix(prefix)?.parse().ok()?;
        (*first..=*last).contains(&number).then_some(base + number)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crs::{Crs, CrsError};

    #[test]
    fn every_spelling_of_lambert_93_is_the_same() {
        for name in [
            "EPSG:2154",
            "epsg:2154",
            "EPSG::2154",
            "[EPSG:2154]",
            "urn:ogc:def:crs:EPSG::2154",
            "urn:ogc:def:crs:EPSG:9.8.6:2154",
            "urn:x-ogc:def:crs:EPSG:2154",
            "http://www.opengis.net/def/crs/EPSG/0/2154",
            "https://www.opengis.net/def/crs/EPSG/9.9.1/2154",
            "http://www.opengis.net/gml/srs/epsg.xml#2154",
            "IGNF:LAMB93",
            "IGNF:RGF93LAMB93",
            "lamb93",
        ] {
            assert_eq!(resolve(name), Some(Named::Epsg(2154)), "{name}");
        }
    }

    #[test]
    fn the_zones_have_their_ign_names() {
        assert_eq!(resolve("IGNF:RGF93CC42"), Some(Named::Epsg(3942)));
        assert_eq!(resolve("RGF93CC50"), Some(Named::Epsg(3950)));
        assert_eq!(resolve("RGF93v2b_CC46"), Some(Named::Epsg(9846)));
        assert_eq!(resolve("CC41"), None);
        assert_eq!(resolve("IGNF:RGM04UTM38S"), Some(Named::Epsg(4471)));
    }

    #[test]
    fn crs84_has_five_spellings() {
        for name in [
            "OGC:CRS84",
            "CRS:84",
            "urn:ogc:def:crs:OGC:1.3:CRS84",
            "urn:ogc:def:crs:OGC::CRS84",
            "http://www.opengis.net/def/crs/OGC/1.3/CRS84",
        ] {
            assert_eq!(resolve(name), Some(Named::Crs84), "{name}");
        }
    }

    #[test]
    fn every_alias_leads_to_a_crs() {
        for (alias, code) in ALIASES {
            assert_eq!(Crs::from_name(alias).unwrap().epsg(), Some(code), "{alias}");
        }
        for (prefix, first, last, base) in NUMBERED {
            for number in first..=last {
                let name = format!("{prefix}{number}");
                assert_eq!(Crs::from_name(&name).unwrap().epsg(), Some(base + number), "{name}");
            }
        }
    }

    #[test]
    fn nonsense_is_an_unknown_name() {
        for name in ["", ":", "EPSG:", "EPSG:abc", "urn:ogc", "http://example.org/2154", "IGNF:", "MOON:1"] {
            assert!(matches!(Crs::from_name(name), Err(CrsError::UnknownName { .. })), "{name}");
        }
    }
}
