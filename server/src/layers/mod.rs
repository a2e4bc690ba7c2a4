//! The published layers: an immutable [`Snapshot`], swapped whole on reload. It knows no URL syntax and no HTTP.

mod build;
mod catalog;
mod coverage;
mod file_state;
mod names;
mod refresh;
mod scan;
mod styles;
mod watch;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use tiler::{
    encode::{Format, OutputFormat},
    geom::Bounds,
    render::RenderSettings,
    source::Source,
    style::Style,
    tms::{Registry, TileLimits, TileMatrixSet},
};

pub use self::{
    build::LayerError,
    catalog::{Catalog, Offer, OpenError},
    refresh::{Change, What},
    scan::{Found, Skipped, Wanted, is_raster_name, scan_for},
    watch::{Reload, Surroundings, tell_skipped, watch},
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
    /// The files, best first.
    pub sources: Vec<Arc<Source>>,
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
    /// About the service.
    pub service: ServiceInfo,
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
