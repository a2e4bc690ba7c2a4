//! Colour tables as people have them in files: QGIS' colour map export, `gdaldem color-relief` text, SLD.

use super::{CLEAR, ColorMap, ENTRY_LIMIT, MapKind, Rgba, Stop, sld};

/// Bytes of a table.
const LENGTH_LIMIT: usize = 1 << 20;

/// Why a colour table cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// Too large.
    #[error("it has {bytes} bytes, more than {LENGTH_LIMIT}")]
    TooLong {
        /// Its size.
        bytes: usize,
    },
    /// Too many entries.
    #[error("it has more than {ENTRY_LIMIT} entries")]
    TooMany,
    /// No entry at all.
    #[error("it has no entries")]
    Empty,
    /// A line or element that means nothing.
    #[error("line {line}: expected {expected}, found `{found}`")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What should stand there.
        expected: &'static str,
        /// What does.
        found: String,
    },
    /// Not XML.
    #[error("it is not well-formed XML, or has a document type: {reason}")]
    Xml {
        /// What the parser says.
        reason: String,
    },
    /// XML without colours.
    #[error("it has no ColorMap element")]
    NoColorMap,
}

/// Where an entry stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Position {
    /// At a value.
    Value(f64),
    /// So many percent of the way from the least to the greatest value of the band.
    Percent(f64),
}

/// An entry of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct TableStop {
    /// Where it stands.
    pub position: Position,
    /// Its colour.
    pub colour: Rgba,
    /// Its label.
    pub label: Option<String>,
}

/// A colour table as it was written.
#[derive(Debug, Clone, PartialEq)]
pub struct ColorTable {
    /// How its entries are meant.
    pub kind: MapKind,
    /// Its entries.
    pub stops: Vec<TableStop>,
    /// The colour of values that no entry is for (`default`); transparent unless written.
    pub otherwise: Rgba,
}

impl ColorTable {
    /// Reads a table; which of the three forms it has shows from its text.
    ///
    /// - SLD 1.0 and 1.1: the first `ColorMap`, of type `ramp`, `intervals` or `values`.
    /// - QGIS: `value,r,g,b,a,label` below a line `INTERPOLATION:INTERPOLATED`, `DISCRETE` or `EXACT`.
    /// - gdaldem: `value r g b [a]` or `value name`, always a ramp; values may be percentages; separated by spaces, tabs,
    ///   commas or colons. `nv` is read and has no effect: pixels of no value are transparent here. `default` is the colour
    ///   of what no entry is for.
    ///
    /// # Errors
    /// When it is none of them, or too large.
    pub fn parse(text: &str) -> Result<Self, TableError> {
        if text.len() > LENGTH_LIMIT {
            return Err(TableError::TooLong { bytes: text.len() });
        }
        let text = text.trim_start_matches('\u{feff}');
        let table = if text.trim_start().starts_with('<') {
            sld::parse(text)?
        } else if let Some(kind) = text.lines().find_map(qgis_kind) {
            qgis(text, kind)?
        } else {
            gdaldem(text)?
        };
        match table.stops.len() {
            0 => Err(TableError::Empty),
            count if count > ENTRY_LIMIT => Err(TableError::TooMany),
            _ => Ok(table),
        }
    }

    /// The table for a band whose least and greatest value are known, or without them if it has no percentages.
    pub(in crate::style) fn resolve(&self, range: Option<(f64, f64)>) -> Option<ColorMap> {
        let stop = |stop: &TableStop| {
            let value = match (stop.position, range) {
                (Position::Value(value), _) => value,
                (Position::Percent(percent), Some((min, max))) => min + percent / 100.0 * (max - min),
                (Position::Percent(_), None) => return None,
            };
            Some(Stop { value, colour: stop.colour, label: stop.label.clone() })
        };
        let stops: Option<Vec<_>> = self.stops.iter().map(stop).collect();
        Some(ColorMap::new(self.kind, stops?, self.otherwise))
    }
}

fn qgis_kind(line: &str) -> Option<MapKind> {
    match line.trim().strip_prefix("INTERPOLATION:")? {
        "DISCRETE" => Some(MapKind::Classes),
        "EXACT" => Some(MapKind::Exact),
        _ => Some(MapKind::Ramp),
    }
}

/// Lines that say something, and their numbers.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate().map(|(i, line)| (i + 1, line.trim()));
    lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

fn qgis(text: &str, kind: MapKind) -> Result<ColorTable, TableError> {
    let mut stops = Vec::new();
    for (line, text) in lines(text).filter(|(_, text)| qgis_kind(text).is_none()) {
        let fields: Vec<&str> = text.splitn(6, ',').map(str::trim).collect();
        let wrong = || wrong(line, "value,red,green,blue,alpha,label", text);
        let [value, colour @ ..] = fields.as_slice() else { return Err(wrong()) };
        let value = number(value).ok_or_else(wrong)?;
        let colour = channels(colour.get(..4).unwrap_or(colour)).ok_or_else(wrong)?;
        let label = fields.get(5).filter(|label| !label.is_empty()).map(|label| (*label).to_owned());
        stops.push(TableStop { position: Position::Value(value), colour, label });
    }
    Ok(ColorTable { kind, stops, otherwise: CLEAR })
}

fn gdaldem(text: &str) -> Result<ColorTable, TableError> {
    let mut table = ColorTable { kind: MapKind::Ramp, stops: Vec::new(), otherwise: CLEAR };
    for (line, text) in lines(text) {
        let fields: Vec<&str> = text.split([' ', '\t', ',', ':']).filter(|field| !field.is_empty()).collect();
        let wrong = || wrong(line, "value red green blue [alpha], or value colour", text);
        let [value, colour @ ..] = fields.as_slice() else { return Err(wrong()) };
        let colour = match colour {
            [name] => named(name).or_else(|| parse_colour(name)),
            _ => channels(colour),
        }
        .ok_or_else(wrong)?;
        let position = match value.strip_suffix('%') {
            Some(percent) => number(percent).map(Position::Percent),
            None => number(value).map(Position::Value),
        };
        match position {
            Some(position) => table.stops.push(TableStop { position, colour, label: None }),
            None if value.eq_ignore_ascii_case("default") => table.otherwise = colour,
            None if value.eq_ignore_ascii_case("nv") => {}
            None => return Err(wrong()),
        }
    }
    Ok(table)
}

fn wrong(line: usize, expected: &'static str, found: &str) -> TableError {
    TableError::Line { line, expected, found: found.chars().take(60).collect() }
}

/// A number, or infinity, but not NaN.
pub(super) fn number(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|value| !value.is_nan())
}

/// Three or four numbers of 0 to 255.
fn channels(fields: &[&str]) -> Option<Rgba> {
    let channel = |field: &&str| number(field).filter(|v| (0.0..256.0).contains(v)).map(|v| v as u8);
    let channels: Option<Vec<u8>> = fields.iter().map(channel).collect();
    match *channels?.as_slice() {
        [r, g, b] => Some([r, g, b, 255]),
        [r, g, b, a] => Some([r, g, b, a]),
        _ => None,
    }
}

/// The names of GRASS and gdaldem, with their values (`gcore/gdal_misc.cpp`, `GDALFindNamedColor`), not those of CSS.
fn named(name: &str) -> Option<Rgba> {
    let [r, g, b] = match name.to_ascii_lowercase().as_str() {
        "white" => [255, 255, 255],
        "black" => [0, 0, 0],
        "red" => [255, 0, 0],
        "green" => [0, 255, 0],
        "blue" => [0, 0, 255],
        "yellow" => [255, 255, 0],
        "magenta" => [255, 0, 255],
        "cyan" => [0, 255, 255],
        "aqua" => [0, 191, 191],
        "grey" | "gray" => [191, 191, 191],
        "orange" => [255, 127, 0],
        "brown" => [191, 127, 63],
        "purple" | "violet" => [127, 0, 255],
        "indigo" => [0, 127, 255],
        _ => return None,
    };
    Some([r, g, b, 255])
}

/// A colour written `#rgb`, `#rrggbb` or `#rrggbbaa`.
pub fn parse_colour(text: &str) -> Option<Rgba> {
    let hex = text.trim().strip_prefix('#')?;
    if !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let value = u32::from_str_radix(hex, 16).ok()?;
    match hex.len() {
        3 => {
            let [_, _, high, low] = value.to_be_bytes();
            Some([high * 17, (low >> 4) * 17, (low & 15) * 17, 255])
        }
        6 => Some(((value << 8) | 255).to_be_bytes()),
        8 => Some(value.to_be_bytes()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_qgis_export_is_read() {
        let text = "# QGIS Generated Color Map Export File\nINTERPOLATION:DISCRETE\n\
                    10.5,215,25,28,255,faible, ou nul\n20,253,174,97,128,\ninf,0,0,0,255,plus\n";
        let table = ColorTable::parse(text).expect("it is a table");
        assert_eq!((table.kind, table.stops.len()), (MapKind::Classes, 3));
        assert_eq!(table.stops[0].label.as_deref(), Some("faible, ou nul"));
        assert_eq!((table.stops[1].colour, table.stops[1].label.as_deref()), ([253, 174, 97, 128], None));
        assert_eq!(table.stops[2].position, Position::Value(f64::INFINITY));
    }

    #[test]
    fn a_gdaldem_table_is_read() {
        let text = "# elevation\n0% 46 154 88\n\n100%\tbrown\n50,251,255,128,200\n1500:grey\nnv 0 0 0 0\n\
                    default #102030\n";
        let table = ColorTable::parse(text).expect("it is a table");
        assert_eq!((table.kind, table.otherwise), (MapKind::Ramp, [16, 32, 48, 255]));
        let map = table.resolve(Some((0.0, 4000.0))).expect("the range is known");
        let stops: Vec<_> = map.stops.iter().map(|stop| (stop.value, stop.colour)).collect();
        let expected = [
            (0.0, [46, 154, 88, 255]),
            (50.0, [251, 255, 128, 200]),
            (1500.0, [191, 191, 191, 255]),
            (4000.0, [191, 127, 63, 255]),
        ];
        assert_eq!(stops, expected);
        assert!(table.resolve(None).is_none());
    }

    #[test]
    fn a_bad_line_is_named() {
        let error = ColorTable::parse("0 1 2 3\n5 1 2\n").expect_err("two numbers are no colour");
        assert!(error.to_string().starts_with("line 2: expected value red green blue"), "{error}");
        assert!(ColorTable::parse("0 1 2 300\n").is_err() && ColorTable::parse("nan 1 2 3\n").is_err());
        assert_eq!(ColorTable::parse("# nothing\n"), Err(TableError::Empty));
        assert_eq!(ColorTable::parse(&"1 1 1 1\n".repeat(5000)), Err(TableError::TooMany));
        assert!(matches!(ColorTable::parse(&" ".repeat(2 << 20)), Err(TableError::TooLong { .. })));
    }

    #[test]
    fn colours_are_read_from_hexadecimal() {
        assert_eq!(parse_colour("#1aF"), Some([0x11, 0xaa, 0xff, 255]));
        assert_eq!(parse_colour("#12AB34"), Some([0x12, 0xab, 0x34, 255]));
        assert_eq!(parse_colour("#12AB3480"), Some([0x12, 0xab, 0x34, 0x80]));
        assert!(["12AB34", "#+2AB34", "#12AB3", "#", "#é12"].iter().all(|text| parse_colour(text).is_none()));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(INTERPOLATION:EXACT\n)?[<>#0-9,.%a-fnv \n:-]{0,80}") {
            let _ = ColorTable::parse(&text);
        }
    }
}
