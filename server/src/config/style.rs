//! The sections `[[layer.style]]`: from keys to what a style asks for. Whether the imagery has such bands shows when it is
//! opened.

use std::collections::BTreeSet;

use serde_spanned::Spanned;
use tiler::raster::SampleType;
use tiler::style::{
    BandRef, BandStatistics, ColorMapSpec, ColorTable, Contrast, Hillshade, Interpretation, LayerFacts,
    MapKind, Rescale, Scope, ShadeMethod, Stop, StyleError, StyleSpec, TerrainEncoding, color_map_names,
    is_color_map, parse_colour,
};
use toml::Value;

use super::{
    beside,
    problem::Report,
    raw::{Given, RawStyle},
    read,
};

/// As many as a source may have.
const BANDS: usize = 256;

const TERRAINS: [(&str, TerrainEncoding); 2] =
    [("mapbox", TerrainEncoding::Mapbox), ("terrarium", TerrainEncoding::Terrarium)];

const KINDS: [(&str, MapKind); 4] = [
    ("ramp", MapKind::Ramp),
    ("classes", MapKind::Classes),
    ("classes-below", MapKind::ClassesBelow),
    ("exact", MapKind::Exact),
];

const METHODS: [(&str, ShadeMethod); 3] = [
    ("single", ShadeMethod::Single),
    ("combined", ShadeMethod::Combined),
    ("multidirectional", ShadeMethod::Multidirectional),
];

/// Checks the styles of a layer.
pub(super) fn styles(raw: &[Spanned<RawStyle>], report: &mut Report<'_>) -> Vec<StyleSpec> {
    let mut names = BTreeSet::new();
    raw.iter().map(|section| style(section, &mut names, report)).collect()
}

fn style(section: &Spanned<RawStyle>, names: &mut BTreeSet<String>, report: &mut Report<'_>) -> StyleSpec {
    let raw = section.get_ref();
    let mut spec = StyleSpec { name: name(section, names, report), ..StyleSpec::default() };
    spec.title = report.text("title", &raw.title).filter(|title| !title.is_empty());
    spec.unit = report.text("unit", &raw.unit).filter(|unit| !unit.is_empty());
    spec.bands = given(&raw.bands, report, bands).unwrap_or_default();
    spec.expressions = given(&raw.expression, report, texts).unwrap_or_default();
    spec.rescale = given(&raw.rescale, report, rescale).unwrap_or(Rescale::Auto);
    spec.gamma = given(&raw.gamma, report, numbers).unwrap_or_default();
    spec.contrast = given(&raw.contrast, report, contrast);
    spec.saturation = given(&raw.saturation, report, number).unwrap_or(1.0);
    spec.hillshade = given(&raw.hillshade, report, hillshade).flatten();
    spec.terrain_rgb = report.choice("terrain_rgb", &raw.terrain_rgb, &TERRAINS);
    spec.colour_map = colour_map(&raw.colormap, report);
    if let Err(error) = spec.resolve(&anything()) {
        // Bands show when the imagery is opened.
        if !matches!(error, StyleError::NoSuchBand { .. }) {
            report.at(&section.span(), format!("style {:?}: {}", spec.name, crate::log::chain(&error)));
        }
    }
    spec
}

/// Imagery that has all that a style can ask for, but for the names of bands.
fn anything() -> LayerFacts {
    let statistics = BandStatistics { min: 0.0, max: 1.0, mean: None, stddev: None, quantiles: Vec::new() };
    LayerFacts {
        palette: Some(vec![[0; 4]; 256]),
        statistics: vec![statistics; BANDS],
        ..LayerFacts::plain(BANDS, SampleType::F32, Interpretation::Grey)
    }
}

fn name(section: &Spanned<RawStyle>, names: &mut BTreeSet<String>, report: &mut Report<'_>) -> String {
    let Some(given) = section.get_ref().name.as_ref() else {
        report.at(&section.span(), "a style needs `name`");
        return String::new();
    };
    let name = given.get_ref();
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"_-".contains(&b);
    if name.is_empty() || name.len() > 60 || !name.bytes().all(allowed) {
        report.at(&given.span(), format!("name is {name:?}; it must be 1 to 60 of A-Z a-z 0-9 _ -"));
    } else if !names.insert(name.clone()) {
        report.at(&given.span(), format!("there is already a style {name:?}"));
    }
    name.clone()
}

/// What a value means, or what it must be.
type Meaning<T> = Result<T, String>;

/// A key of several forms; `None` where it is absent or wrong.
fn given<T>(
    given: &Given<Value>,
    report: &mut Report<'_>,
    meaning: impl Fn(&Value) -> Meaning<T>,
) -> Option<T> {
    let given = given.as_ref()?;
    match meaning(given.get_ref()) {
        Ok(value) => Some(value),
        Err(message) => {
            report.at(&given.span(), message);
            None
        }
    }
}

fn number(value: &Value) -> Meaning<f64> {
    let number = match value {
        Value::Integer(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        _ => None,
    };
    number.filter(|number| number.is_finite()).ok_or_else(|| "this must be a number".to_owned())
}

/// One number, or a list of them.
fn numbers(value: &Value) -> Meaning<Vec<f64>> {
    match value {
        Value::Array(values) => values.iter().map(number).collect(),
        value => number(value).map(|number| vec![number]),
    }
}

fn texts(value: &Value) -> Meaning<Vec<String>> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    match value {
        Value::Array(values) => values.iter().map(text).collect::<Option<_>>(),
        value => text(value).map(|text| vec![text]),
    }
    .ok_or_else(|| "expression must be a text, or a list of three".to_owned())
}

fn bands(value: &Value) -> Meaning<Vec<BandRef>> {
    let band = |value: &Value| match value {
        Value::Integer(number) => usize::try_from(*number).ok().filter(|n| *n > 0).map(BandRef::Number),
        Value::String(name) => Some(BandRef::Name(name.clone())),
        _ => None,
    };
    match value {
        Value::Array(values) => values.iter().map(band).collect::<Option<_>>(),
        value => band(value).map(|band| vec![band]),
    }
    .ok_or_else(|| {
        "bands must be numbers from 1, or names, as [4, 1, 2] or [\"nir\", \"red\", \"green\"]".to_owned()
    })
}

/// `"auto"`, `"2%..98%"`, `"2%..98% each"`, `[0, 4000]`, `[[0, 4000], [0, 3000], [0, 2500]]`.
fn rescale(value: &Value) -> Meaning<Rescale> {
    let expected = || {
        "rescale must be \"auto\", \"2%..98%\", \"2%..98% each\" (each band by itself), [min, max], or a pair for each channel"
            .to_owned()
    };
    let pair = |value: &Value| match numbers(value).ok()?[..] {
        [low, high] => Some((low, high)),
        _ => None,
    };
    match value {
        Value::String(text) if text == "auto" => Ok(Rescale::Auto),
        Value::String(text) => percentiles(text).ok_or_else(expected),
        Value::Array(values) if values.first().is_some_and(Value::is_array) => {
            values.iter().map(pair).collect::<Option<_>>().map(Rescale::Fixed).ok_or_else(expected)
        }
        value => pair(value).map(|pair| Rescale::Fixed(vec![pair])).ok_or_else(expected),
    }
}

fn percentiles(text: &str) -> Option<Rescale> {
    let (range, scope) = match text.strip_suffix("each") {
        Some(range) => (range.trim(), Scope::EachBand),
        None => (text.trim(), Scope::AllBands),
    };
    let (low, high) = range.split_once("..")?;
    let percent = |text: &str| text.trim().strip_suffix('%')?.trim().parse::<f64>().ok();
    let (low, high) = (percent(low)?, percent(high)?);
    (0.0 <= low && low < high && high <= 100.0).then_some(Rescale::Percentile { low, high, scope })
}

/// A strength, or `{ strength = 5, midpoint = 0.4 }`.
fn contrast(value: &Value) -> Meaning<Contrast> {
    let expected = || "contrast must be a number, or { strength = 5, midpoint = 0.5 }".to_owned();
    match value {
        Value::Table(table) if table.keys().all(|key| key == "strength" || key == "midpoint") => {
            let strength = table.get("strength").ok_or_else(expected).and_then(number)?;
            let midpoint = table.get("midpoint").map_or(Ok(0.5), number)?;
            Ok(Contrast { strength, midpoint })
        }
        value => number(value).map(|strength| Contrast { strength, midpoint: 0.5 }).map_err(|_| expected()),
    }
}

/// `true`, or `{ azimuth = 315, altitude = 45, z_factor = 1, method = "multidirectional" }`.
fn hillshade(value: &Value) -> Meaning<Option<Hillshade>> {
    let table = match value {
        Value::Boolean(true) => return Ok(Some(Hillshade::default())),
        Value::Boolean(false) => return Ok(None),
        Value::Table(table) => table,
        _ => {
            return Err(
                "hillshade must be true, or a table of azimuth, altitude, z_factor, method".to_owned()
            );
        }
    };
    let mut shade = Hillshade::default();
    for (key, value) in table {
        match key.as_str() {
            "azimuth" => shade.azimuth_deg = number(value)?,
            "altitude" => shade.altitude_deg = number(value)?,
            "z_factor" => shade.z_factor = number(value)?,
            "method" => shade.method = word(value, &METHODS)?,
            _ => return Err(format!("hillshade has no key {key:?}")),
        }
    }
    Ok(Some(shade))
}

fn word<T: Copy>(value: &Value, words: &[(&str, T)]) -> Meaning<T> {
    let found = value.as_str().and_then(|text| words.iter().find(|(word, _)| *word == text));
    found.map(|(_, meaning)| *meaning).ok_or_else(|| {
        let known: Vec<_> = words.iter().map(|(word, _)| format!("{word:?}")).collect();
        format!("{value} must be {}", known.join(" or "))
    })
}

/// A name, `"palette"`, `{ file = "table.txt" }`, or `{ kind = "classes", stops = [[0, "#d7191c", "bare"], …], otherwise = "#00000000" }`.
fn colour_map(given: &Given<Value>, report: &mut Report<'_>) -> Option<ColorMapSpec> {
    let span = given.as_ref()?.span();
    let meaning = match given.as_ref()?.get_ref() {
        Value::String(name) if name == "palette" => Ok(ColorMapSpec::Palette),
        Value::String(name) if is_color_map(name) => Ok(ColorMapSpec::Named(name.clone())),
        Value::String(name) => {
            Err(format!("no colour map is called {name:?}; known ones: {}", color_map_names().join(" ")))
        }
        Value::Table(table) if table.contains_key("file") => from_file(table, report),
        Value::Table(table) => stops(table),
        _ => Err("colormap must be a name, \"palette\", { file = … } or { kind = …, stops = … }".to_owned()),
    };
    meaning.map_err(|message| report.at(&span, message)).ok()
}

fn from_file(table: &toml::Table, report: &Report<'_>) -> Meaning<ColorMapSpec> {
    let (Some(name), 1) = (table.get("file").and_then(Value::as_str), table.len()) else {
        return Err("colormap = { file = \"…\" } takes one text and no other key".to_owned());
    };
    let path = beside(report.file(), name);
    let table = ColorTable::parse(&read(&path).map_err(|message| format!("{} {message}", path.display()))?);
    table
        .map(ColorMapSpec::Table)
        .map_err(|error| format!("{}: {}", path.display(), crate::log::chain(&error)))
}

fn stops(table: &toml::Table) -> Meaning<ColorMapSpec> {
    if let Some(key) = table.keys().find(|key| !["kind", "stops", "otherwise"].contains(&key.as_str())) {
        return Err(format!("colormap has no key {key:?}"));
    }
    let kind = table.get("kind").map_or(Ok(MapKind::Ramp), |kind| word(kind, &KINDS))?;
    let otherwise = table.get("otherwise").map_or(Ok([0; 4]), colour)?;
    let stops = table.get("stops").and_then(Value::as_array).ok_or("colormap needs `stops`")?;
    let stop = |value: &Value| match value.as_array().map(Vec::as_slice) {
        Some([value, paint]) => Ok(Stop { value: number(value)?, colour: colour(paint)?, label: None }),
        Some([value, paint, Value::String(label)]) => {
            Ok(Stop { value: number(value)?, colour: colour(paint)?, label: Some(label.clone()) })
        }
        _ => Err("a stop is [value, \"#rrggbb\"] or [value, \"#rrggbb\", \"label\"]".to_owned()),
    };
    let stops = stops.iter().map(stop).collect::<Result<_, String>>()?;
    Ok(ColorMapSpec::Stops { kind, stops, otherwise })
}

fn colour(value: &Value) -> Meaning<[u8; 4]> {
    value.as_str().and_then(parse_colour).ok_or_else(|| format!("{value} is no colour, as \"#d7191c\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Value {
        let mut table: toml::Table = format!("v = {text}").parse().expect("it is TOML");
        table.remove("v").expect("it is there")
    }

    #[test]
    fn a_stretch_has_four_forms() {
        assert_eq!(rescale(&value("\"auto\"")), Ok(Rescale::Auto));
        assert_eq!(rescale(&value("[0, 4000]")), Ok(Rescale::Fixed(vec![(0.0, 4000.0)])));
        assert_eq!(
            rescale(&value("[[0, 1], [2, 3], [4, 5]]")),
            Ok(Rescale::Fixed(vec![(0.0, 1.0), (2.0, 3.0), (4.0, 5.0)]))
        );
        assert_eq!(
            rescale(&value("\"2%..98% each\"")),
            Ok(Rescale::Percentile { low: 2.0, high: 98.0, scope: Scope::EachBand })
        );
        for wrong in ["\"98%..2%\"", "\"2..98\"", "[1]", "[1, 2, 3]", "true"] {
            assert!(rescale(&value(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn bands_are_numbers_from_one_or_names() {
        assert_eq!(
            bands(&value("[4, \"red\"]")),
            Ok(vec![BandRef::Number(4), BandRef::Name("red".to_owned())])
        );
        assert!(bands(&value("[0]")).is_err() && bands(&value("1.5")).is_err());
    }

    #[test]
    fn relief_takes_a_word_or_a_table() {
        assert_eq!(hillshade(&value("true")), Ok(Some(Hillshade::default())));
        let table = hillshade(&value("{ azimuth = 300, method = \"combined\" }"));
        assert_eq!(
            table,
            Ok(Some(Hillshade { azimuth_deg: 300.0, method: ShadeMethod::Combined, ..Hillshade::default() }))
        );
        assert!(hillshade(&value("{ azimut = 300 }")).is_err());
    }
}
