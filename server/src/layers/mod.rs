//! The published layers: an immutable [`Snapshot`], swapped whole on reload. It knows no URL syntax and no HTTP.

mod build;
mod caps;
mod catalog;
mod changed_tiles;
mod coverage;
mod file_state;
mod hints;
mod listing;
mod names;
mod opening;
mod refresh;
mod scan;
mod store;
mod styles;
mod watch;
mod years;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use tiler::{
    catalog::{Imagery, OpenFiles},
    encode::{Format, OutputFormat},
    geom::Bounds,
    render::RenderSettings,
    style::Style,
    tms::{Registry, TileLimits, TileMatrixSet},
};

pub use self::{
    build::LayerError,
    caps::{CapProgress, CapQueue, build_in_background},
    catalog::{Catalog, Offer, OpenError},
    changed_tiles::{ChangedTiles, changed_dalles, changed_tiles},
    hints::Hints,
    refresh::{Change, What},
    scan::{Found, Skipped, Wanted, is_raster_name, scan_for},
    watch::{Bells, Reload, Surroundings, tell_skipped, watch},
    years::of_path as year_of_path,
};
pub use crate::config::EmptyTile;

/// A TileMatrixSet as one layer offers it.
#[derive(Debug, Clone)]
pub struct LayerSet {
    /// The set.
    pub set: Arc<TileMatrixSet>,
    /// Coverage in the set's CRS, x, y order.
    pub bounds: Bounds,
    /// Limits by matrix index, `None` where the matrix is not offered.
    pub limits: Vec<Option<TileLimits>>,
}

/// A layer as it was at the end of a year: the newest imagery that there was then.
#[derive(Debug, Clone)]
pub struct Vintage {
    /// The year.
    pub year: u16,
    /// Imagery of that year and before.
    pub imagery: Imagery,
}

/// One published layer.
#[derive(Debug, Clone)]
pub struct Layer {
    /// Identifier in URLs: `[A-Za-z0-9_.-]+`.
    pub id: String,
    /// For people.
    pub title: String,
    /// A sentence or more; may be empty.
    pub description: String,
    /// Attribution line for TileJSON and viewers; may be empty.
    pub attribution: String,
    /// What its tiles are made of.
    pub imagery: Imagery,
    /// The same as it was at the end of each year of which it has imagery, the oldest first; none where it has of one only.
    pub vintages: Vec<Vintage>,
    /// How its tiles are made.
    pub settings: RenderSettings,
    /// How it can be drawn, the default first; never empty.
    pub styles: Vec<Style>,
    /// Formats offered, the default first.
    pub formats: Vec<Format>,
    /// Sets offered, WebMercatorQuad first, then the native one.
    pub sets: Vec<LayerSet>,
    /// Longitude and latitude coverage, x, y order.
    pub wgs84_bounds: Bounds,
    /// Answer for tiles without imagery.
    pub empty_tile: EmptyTile,
    /// `Cache-Control: public, max-age=…` of tiles, in seconds.
    pub max_age_s: u32,
    /// The files and folders that it was made of, where they may be downloaded.
    pub download: Option<Vec<PathBuf>>,
    /// Why the layer cannot be served at the moment, for the log; requests are then answered with `Fault::Source`.
    pub unavailable: Option<String>,
}

impl Layer {
    /// The layer's offer of a set, by id or alias.
    pub fn layer_set(&self, set: &TileMatrixSet) -> Option<&LayerSet> {
        self.sets.iter().find(|s| s.set.id == set.id)
    }

    /// The imagery of a time as clients write it: `current` or nothing for the newest, else a year, or a date in it, for what
    /// there was at its end. Where the layer knows of one year only, there is only one imagery.
    ///
    /// `None` where the time is no time, or was before the first imagery.
    pub fn imagery_at(&self, time: Option<&str>) -> Option<&Imagery> {
        let time = time.unwrap_or_default().trim();
        if self.vintages.is_empty() || time.is_empty() || ["current", "default"].contains(&time) {
            return Some(&self.imagery);
        }
        self.vintage_at(time).map(|vintage| &vintage.imagery)
    }

    /// The vintage that a year, or a date in it, names: its own, else the last one before. `None` for `current` and for what
    /// [`Layer::imagery_at`] refuses.
    pub fn vintage_at(&self, time: &str) -> Option<&Vintage> {
        let year = year_of(time.trim())?;
        self.vintages.iter().rev().find(|vintage| vintage.year <= year)
    }

    /// The style of that name; the default one also by the names that clients have for it.
    pub fn style(&self, name: &str) -> Option<&Style> {
        let is_default = || DEFAULT_STYLES.iter().any(|default| name.eq_ignore_ascii_case(default));
        let named = self.styles.iter().find(|style| style.name() == name);
        named.or_else(|| self.styles.first().filter(|_| is_default()))
    }

    /// Does it answer in this format? `Auto` needs both formats that it may choose; what must keep every value is no JPEG.
    pub fn offers(&self, format: OutputFormat, style: &Style) -> bool {
        let offers = |format| self.formats.contains(&format);
        match format {
            OutputFormat::Jpeg => offers(Format::Jpeg) && !style.must_be_lossless(),
            OutputFormat::Png => offers(Format::Png),
            OutputFormat::WebP => offers(Format::WebP),
            OutputFormat::Auto => {
                offers(self.settings.edges) && (offers(Format::Jpeg) || style.must_be_lossless())
            }
        }
    }
}

/// The year of a time in ISO 8601: `2021`, `2021-06`, `2021-06-30T12:00:00Z`.
fn year_of(time: &str) -> Option<u16> {
    let (year, rest) = time.split_at_checked(4)?;
    let is_date = rest.is_empty()
        || (rest.starts_with('-')
            && rest.len() <= 32
            && rest.bytes().all(|b| b.is_ascii_digit() || b"-:.+TZ".contains(&b)));
    (is_date && year.bytes().all(|b| b.is_ascii_digit())).then(|| year.parse().ok()).flatten()
}

/// What clients call the default style of a layer that they know nothing about.
const DEFAULT_STYLES: [&str; 3] = ["", "normal", "default"];

/// Texts about the service for capabilities.
#[derive(Debug, Clone)]
pub struct ServiceInfo {
    /// Title.
    pub title: String,
    /// Abstract; may be empty.
    pub description: String,
    /// Who runs it; may be empty.
    pub provider: String,
    /// Address of the provider's page; may be empty.
    pub provider_url: String,
    /// Public base address without a trailing slash, where configured, e.g. `https://tiles.example.org`.
    pub public_url: Option<String>,
}

/// All that is published at one moment.
#[derive(Debug)]
pub struct Snapshot {
    /// Layers by id.
    pub layers: BTreeMap<String, Arc<Layer>>,
    /// Known sets.
    pub registry: Registry,
    /// Grows with every change of the layers; the WMTS `updateSequence`.
    pub update_sequence: u64,
    /// Which of those that this process has published it is; given when that happens.
    pub generation: u64,
    /// About the service.
    pub service: ServiceInfo,
    /// The files that are open.
    pub files: Arc<OpenFiles>,
    /// Files that somebody stumbled over are told there.
    pub hints: Arc<Hints>,
    /// Folders that could be read once and cannot be now; what was found in them is still published.
    pub lost: Vec<PathBuf>,
    /// How far the caps of layers are.
    pub caps: BTreeMap<String, CapProgress>,
}

impl Snapshot {
    /// The layer's offer of a set, by its id, an alias, or any name that the registry knows it by.
    pub fn find_set<'a>(&self, layer: &'a Layer, name: &str) -> Option<&'a LayerSet> {
        let named =
            |offer: &&LayerSet| offer.set.id == name || offer.set.aliases.iter().any(|alias| alias == name);
        layer.sets.iter().find(named).or_else(|| layer.layer_set(self.registry.get(name)?))
    }
}

#[cfg(test)]
mod tests {
    use crate::wmts::fixture;

    #[test]
    fn the_default_style_has_many_names_and_another_one_only_its_own() {
        let snapshot = fixture::snapshot();
        let layer = &snapshot.layers["ortho"];
        for name in ["", "normal", "NORMAL", "default", "Default"] {
            assert_eq!(layer.style(name).map(tiler::style::Style::name), Some("normal"), "{name}");
        }
        assert!(layer.style("bogus").is_none());
    }
}
