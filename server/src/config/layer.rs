//! The sections `[[layer]]` and `[[tile_matrix_set]]`: what is published, and in which sets. Paths are resolved here, not read;
//! only set definitions are.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_spanned::Spanned;
use tiler::{
    catalog::Order,
    crs::Crs,
    encode::Format,
    render::RenderSettings,
    resample::Resampling,
    source::{COLLAR_TOLERANCE, CollarRule, NodataRule},
    style::StyleSpec,
    tms::{Registry, TileMatrixSet},
};

use super::{
    beside,
    problem::Report,
    raw::{Given, RawLayer, RawTileMatrixSet},
    read,
};

/// What a tile without any imagery is answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EmptyTile {
    /// A blank picture of the right size and format: transparent, or the background colour in JPEG.
    #[default]
    Blank,
    /// 204 without a body.
    NoContent,
    /// 404.
    NotFound,
}

/// Files and folders to publish in one manner.
#[derive(Debug, Clone)]
pub struct LayerConfig {
    /// One layer of all files under this name; `None`: each path is a layer, named by its stem.
    pub id: Option<String>,
    /// Files and folders, best first.
    pub paths: Vec<PathBuf>,
    /// How they are published.
    pub options: LayerOptions,
}

/// How a layer is published.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct LayerOptions {
    /// For people; default: made of the name.
    pub title: Option<String>,
    /// A sentence or more; default empty.
    pub description: String,
    /// Attribution line; default empty.
    pub attribution: String,
    /// Formats offered, the default first; default JPEG, PNG, WebP.
    pub formats: Vec<Format>,
    /// Sets offered; `None`: WebMercatorQuad, the native one, `WorldCRS84Quad`.
    pub sets: Option<Vec<Arc<TileMatrixSet>>>,
    /// How tiles are made.
    pub settings: RenderSettings,
    /// Answer for tiles without imagery; default a blank tile.
    pub empty_tile: EmptyTile,
    /// How long clients may keep a tile unasked, in seconds; default 3,600.
    pub max_age_s: u32,
    /// How it can be drawn, the default first; none: in the way that suits the imagery.
    pub styles: Vec<StyleSpec>,
    /// The CRS of files that do not tell theirs.
    pub assumed_crs: Option<Crs>,
    /// What counts as a collar around imagery.
    pub collar: CollarRule,
    /// The value of pixels without data.
    pub nodata: NodataRule,
    /// Whether a band that files call alpha is one more band of data.
    pub alpha_is_data: bool,
    /// Whether each file of a folder is a layer of its own; default no: a folder is one mosaic.
    pub each: bool,
    /// Which dalle shows where several have imagery; default the newest.
    pub order: Order,
    /// How the year of a file is told; default by its name, its folders.
    pub year: YearRule,
    /// Folders in which the files that a tile index names must lie; none: the folder of the index.
    pub folders: Vec<PathBuf>,
    /// Polygons that tell which dalle shows where, in a vector file; default none.
    pub seamlines: Option<PathBuf>,
    /// Whether coarser images of a mosaic are made in the background; default yes.
    pub cap: bool,
    /// Whether its files may be downloaded, from the folder that all its paths lie in; default no.
    pub download: bool,
}

/// How the year of a file's imagery is told.
#[derive(Debug, Clone, Default)]
pub enum YearRule {
    /// By its name, else by the folders it lies in.
    #[default]
    Auto,
    /// Not at all.
    None,
    /// By a pattern in its path below the folder of the layer: the first group, else all that is found.
    Pattern(regex::Regex),
}

impl Default for LayerOptions {
    fn default() -> Self {
        Self {
            title: None,
            description: String::new(),
            attribution: String::new(),
            formats: vec![Format::Jpeg, Format::Png, Format::WebP],
            sets: None,
            settings: RenderSettings::default(),
            empty_tile: EmptyTile::default(),
            max_age_s: 3600,
            styles: Vec::new(),
            assumed_crs: None,
            collar: CollarRule::Auto,
            nodata: NodataRule::Own,
            alpha_is_data: false,
            each: false,
            order: Order::default(),
            year: YearRule::default(),
            folders: Vec::new(),
            seamlines: None,
            cap: true,
            download: false,
        }
    }
}

/// The words of `resampling`.
pub(super) const RESAMPLINGS: [(&str, Resampling); 4] = [
    ("nearest", Resampling::Nearest),
    ("bilinear", Resampling::Bilinear),
    ("cubic", Resampling::Cubic),
    ("lanczos", Resampling::Lanczos),
];

const FORMATS: [(&str, Format); 4] =
    [("jpeg", Format::Jpeg), ("jpg", Format::Jpeg), ("png", Format::Png), ("webp", Format::WebP)];

/// The words of `auto_edges`.
pub(super) const EDGES: [(&str, Format); 2] = [("png", Format::Png), ("webp", Format::WebP)];

/// A pattern that needs more memory is none.
const PATTERN_LIMIT_BYTES: usize = 1 << 20;

const ORDERS: [(&str, Order); 4] =
    [("newest", Order::Newest), ("finest", Order::Finest), ("name", Order::Name), ("given", Order::Given)];

const EMPTY_TILES: [(&str, EmptyTile); 3] =
    [("blank", EmptyTile::Blank), ("no-content", EmptyTile::NoContent), ("not-found", EmptyTile::NotFound)];

/// Adds the sets of the file to the standard ones.
pub(super) fn tile_matrix_sets(raw: &[Spanned<RawTileMatrixSet>], report: &mut Report<'_>) -> Registry {
    let mut registry = Registry::standard();
    for section in raw {
        let Some(given) = section.get_ref().file.as_ref() else {
            report.at(&section.span(), "a tile_matrix_set needs `file`");
            continue;
        };
        let path = beside(report.file(), given.get_ref());
        let added = read(&path).and_then(|json| {
            registry
                .insert_json(&json)
                .map(drop)
                .map_err(|error| format!("cannot be used: {}", crate::log::chain(&error)))
        });
        if let Err(message) = added {
            report.at(&given.span(), format!("{} {message}", path.display()));
        }
    }
    registry
}

/// Checks all layers; what is not said is taken from `defaults`.
pub(super) fn layers(
    raw: &[Spanned<RawLayer>],
    defaults: &LayerOptions,
    registry: &Registry,
    report: &mut Report<'_>,
) -> Vec<LayerConfig> {
    let mut ids = BTreeSet::new();
    raw.iter()
        .map(|section| {
            let raw = section.get_ref();
            let id = layer_id(&raw.id, &mut ids, report);
            let paths = paths(section, report);
            LayerConfig { id, paths, options: options(raw, defaults, registry, report) }
        })
        .collect()
}

fn layer_id(given: &Given<String>, known: &mut BTreeSet<String>, report: &mut Report<'_>) -> Option<String> {
    let given = given.as_ref()?;
    let id = given.get_ref();
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"_.-".contains(&b);
    if id.is_empty() || id.len() > 100 || id.starts_with('.') || !id.bytes().all(allowed) {
        report.at(
            &given.span(),
            format!("id is {id:?}; it must be 1 to 100 of A-Z a-z 0-9 _ . - and not start with a dot"),
        );
    } else if !known.insert(id.clone()) {
        report.at(&given.span(), format!("there is already a layer {id:?}"));
    }
    Some(id.clone())
}

fn paths(section: &Spanned<RawLayer>, report: &mut Report<'_>) -> Vec<PathBuf> {
    let raw = section.get_ref();
    let all: Vec<_> = raw.path.iter().chain(&raw.paths).collect();
    if raw.path.is_some() && !raw.paths.is_empty() {
        report.at(&section.span(), "a layer has `path` or `paths`, not both");
    } else if all.is_empty() {
        report.at(&section.span(), "a layer needs `path` or `paths`");
    }
    let file: &Path = report.file();
    for given in all.iter().filter(|given| given.get_ref().is_empty()) {
        report.at(&given.span(), "the path is empty");
    }
    all.into_iter().map(|path| beside(file, path.get_ref())).collect()
}

fn options(
    raw: &RawLayer,
    defaults: &LayerOptions,
    registry: &Registry,
    report: &mut Report<'_>,
) -> LayerOptions {
    let mut options = defaults.clone();
    let settings = &mut options.settings;
    super::resolve::quality(settings, (&raw.jpeg_quality, &raw.webp_quality), report);
    if let Some(resampling) = report.choice("resampling", &raw.resampling, &RESAMPLINGS) {
        settings.resampling = resampling;
    }
    if let Some(background) = report.colour("background", &raw.background) {
        settings.background = background;
    }
    if let Some(edges) = report.choice("auto_edges", &raw.auto_edges, &EDGES) {
        settings.edges = edges;
    }
    settings.passthrough = raw.passthrough.unwrap_or(settings.passthrough);
    options.styles = super::style::styles(&raw.style, report);
    options.assumed_crs = crs(&raw.crs, report);
    options.collar = collar(&raw.collar, report);
    options.nodata = nodata(&raw.nodata, report);
    options.alpha_is_data = raw.alpha == Some(false);
    options.download = raw.download == Some(true);
    options.title = report.text("title", &raw.title).filter(|title| !title.is_empty());
    options.description = report.text("description", &raw.description).unwrap_or_default();
    options.attribution = report.text("attribution", &raw.attribution).unwrap_or_default();
    if let Some(formats) =
        list("formats", &raw.formats, report, |report, word| report.word("formats", word, &FORMATS))
    {
        options.formats = formats;
    }
    options.sets = list("sets", &raw.sets, report, |report, word| {
        let set = registry.get(word.get_ref()).cloned();
        if set.is_none() {
            report.at(
                &word.span(),
                format!("sets names {:?}, which is no known tile matrix set", word.get_ref()),
            );
        }
        set
    });
    options.empty_tile = report.choice("empty", &raw.empty, &EMPTY_TILES).unwrap_or(defaults.empty_tile);
    options.each = raw.each.unwrap_or(defaults.each);
    options.order = report.choice("order", &raw.order, &ORDERS).unwrap_or(defaults.order);
    options.year = year(raw, report);
    options.folders = raw.folders.iter().map(|given| beside(report.file(), given.get_ref())).collect();
    options.seamlines = raw.seamlines.as_ref().map(|given| beside(report.file(), given.get_ref()));
    options.cap = raw.cap.unwrap_or(defaults.cap);
    options.download = raw.download.unwrap_or(defaults.download);
    options.max_age_s =
        report.number("max_age_s", &raw.max_age_s, 0..=31_536_000).unwrap_or(defaults.max_age_s);
    options
}

fn crs(given: &Given<String>, report: &mut Report<'_>) -> Option<Crs> {
    let given = given.as_ref()?;
    let crs = Crs::from_name(given.get_ref());
    crs.map_err(|error| report.at(&given.span(), format!("crs: {error}; write it as \"EPSG:2154\""))).ok()
}

/// `year = "auto"` or `"none"`, or `year_pattern = '^(\d{4})-'`.
fn year(raw: &RawLayer, report: &mut Report<'_>) -> YearRule {
    if let Some(given) = raw.year_pattern.as_ref() {
        if let Some(year) = raw.year.as_ref() {
            report.at(&year.span(), "a layer has `year` or `year_pattern`, not both");
        }
        return match regex::RegexBuilder::new(given.get_ref()).size_limit(PATTERN_LIMIT_BYTES).build() {
            Ok(pattern) => YearRule::Pattern(pattern),
            Err(error) => {
                report.at(&given.span(), format!("year_pattern is no regular expression: {error}"));
                YearRule::Auto
            }
        };
    }
    let is_off = report.choice("year", &raw.year, &[("auto", false), ("none", true)]);
    if is_off == Some(true) { YearRule::None } else { YearRule::Auto }
}

/// `"auto"`, `"off"`, `"black"`, `"white"`, or `{ value = 0, tolerance = 12 }`.
fn collar(given: &Given<toml::Value>, report: &mut Report<'_>) -> CollarRule {
    let Some(given) = given.as_ref() else { return CollarRule::Auto };
    let number = |table: &toml::Table, key: &str| {
        table.get(key).and_then(|v| v.as_float().or_else(|| v.as_integer().map(|v| v as f64)))
    };
    let of = |value| CollarRule::Value { value, tolerance: COLLAR_TOLERANCE };
    match given.get_ref() {
        toml::Value::String(word) if word == "auto" => return CollarRule::Auto,
        toml::Value::String(word) if word == "off" => return CollarRule::Off,
        toml::Value::String(word) if word == "black" => return of(0.0),
        toml::Value::String(word) if word == "white" => return of(255.0),
        toml::Value::Table(table) if table.keys().all(|key| key == "value" || key == "tolerance") => {
            if let Some(value) = number(table, "value") {
                let tolerance = number(table, "tolerance").unwrap_or(COLLAR_TOLERANCE);
                return CollarRule::Value { value, tolerance };
            }
        }
        _ => {}
    }
    let expected = "collar must be \"auto\", \"off\", \"black\", \"white\" or { value = 0, tolerance = 12 }";
    report.at(&given.span(), expected);
    CollarRule::Auto
}

/// `"file"`, `"none"`, or a number.
fn nodata(given: &Given<toml::Value>, report: &mut Report<'_>) -> NodataRule {
    let Some(given) = given.as_ref() else { return NodataRule::Own };
    match given.get_ref() {
        toml::Value::String(word) if word == "file" => NodataRule::Own,
        toml::Value::String(word) if word == "none" => NodataRule::Off,
        toml::Value::Integer(value) => NodataRule::Value(*value as f64),
        toml::Value::Float(value) => NodataRule::Value(*value),
        _ => {
            report.at(&given.span(), "nodata must be a number, \"none\" or \"file\"");
            NodataRule::Own
        }
    }
}

/// A list that is not empty and says nothing twice.
fn list<T>(
    key: &str,
    given: &Given<Vec<Spanned<String>>>,
    report: &mut Report<'_>,
    mut each: impl FnMut(&mut Report<'_>, &Spanned<String>) -> Option<T>,
) -> Option<Vec<T>> {
    let given = given.as_ref()?;
    if given.get_ref().is_empty() {
        report.at(&given.span(), format!("{key} is empty; leave it out for the default"));
    }
    let mut seen = BTreeSet::new();
    let mut values = Vec::new();
    for word in given.get_ref() {
        if seen.insert(word.get_ref()) {
            values.extend(each(report, word));
        } else {
            report.at(&word.span(), format!("{key} names {:?} twice", word.get_ref()));
        }
    }
    Some(values)
}
