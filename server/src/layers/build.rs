//! From dalles and what the configuration says about them to one published [`Layer`].

use std::sync::Arc;

use tiler::{
    catalog::{Dalle, Imagery, Mosaic, Opener as _, Order, index::IndexError, seamlines},
    crs::{Crs, CrsError},
    encode::Format,
    source::{Source, SourceError},
    style::{Style, StyleError},
    tms::{Registry, TileMatrixSet},
};

use super::{Layer, Offer, Vintage, coverage, styles};
use crate::config::LayerConfig;

/// Files that styles are made for, spread evenly.
const SAMPLED: usize = 9;

/// Why files do not make a layer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LayerError {
    /// No file.
    #[error("holds no GeoTIFF that can be served")]
    NoSource,
    /// Not to be placed in longitude and latitude.
    #[error("cannot be placed on the earth")]
    NowhereOnEarth,
    /// Longitude and latitude themselves are missing.
    #[error("cannot be placed on the earth")]
    Crs(#[from] CrsError),
    /// A file does not say where it lies.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A style asks for what the imagery does not have.
    #[error("its style {name:?} does not fit the imagery")]
    Style {
        /// The style.
        name: String,
        /// What it asks for.
        #[source]
        source: StyleError,
    },
    /// The file of seamlines cannot be used.
    #[error("its seamlines cannot be used")]
    Seamlines(#[from] IndexError),
    /// All sets are elsewhere.
    #[error("lies outside all tile matrix sets that it is offered in")]
    OutsideSets,
}

/// What a layer is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// In addresses.
    pub id: String,
    /// For people.
    pub title: String,
}

/// Makes a layer.
pub struct Build<'a> {
    /// What it is called.
    pub label: &'a Label,
    /// Where its files were found, and how it is published.
    pub config: &'a LayerConfig,
    /// Of which it is a part.
    pub offer: &'a Offer,
    /// Whether an index says which of its files lies on top, by their order.
    pub is_ordered: bool,
    /// The layer before some of its files changed: its styles stay as they are, since they decide all tiles.
    pub before: Option<&'a Layer>,
}

impl Build<'_> {
    /// Makes a layer of dalles.
    ///
    /// # Errors
    /// When the dalles cannot be placed in any of the layer's sets.
    pub fn layer(&self, dalles: Vec<Arc<Dalle>>) -> Result<Layer, LayerError> {
        let Self { label, config: LayerConfig { paths, options, .. }, offer, is_ordered, before } = *self;
        let dalles = match &options.seamlines {
            Some(file) => seamlines::cut(dalles, &seamlines::read(file)?),
            None => dalles,
        };
        let order =
            if is_ordered && options.order == Order::default() { Order::Given } else { options.order };
        let mosaic = Mosaic::new(dalles, order);
        // Of dalles in their order, which are put in it again in no time.
        let earlier = earlier(mosaic.dalles(), order);
        let native = mosaic.main_zone().ok_or(LayerError::NoSource)?.crs().clone();
        let wgs84_bounds = mosaic.bounds_in(&Crs::from_epsg(4326)?).ok_or(LayerError::NowhereOnEarth)?;
        let offered = options.sets.clone().unwrap_or_else(|| default_sets(&native, &offer.registry));
        let sets: Vec<_> = offered.iter().filter_map(|set| coverage::layer_set(&mosaic, set)).collect();
        if sets.is_empty() {
            return Err(LayerError::OutsideSets);
        }
        let styles = match before {
            Some(before) if before.unavailable.is_none() => before.styles.clone(),
            _ => styles::styles(&options.styles, &samples(&mosaic, offer)?)?,
        };
        let mut formats = options.formats.clone();
        if styles.iter().all(Style::must_be_lossless) {
            formats.retain(|format| *format != Format::Jpeg);
        }
        let imagery = Imagery::new(mosaic);
        let last = imagery.mosaic.years().last().filter(|_| !earlier.is_empty());
        let last = last.map(|&year| Vintage { year, imagery: imagery.clone() });
        Ok(Layer {
            id: label.id.clone(),
            title: label.title.clone(),
            description: options.description.clone(),
            attribution: options.attribution.clone(),
            styles,
            vintages: earlier.into_iter().chain(last).collect(),
            imagery,
            settings: options.settings.clone(),
            formats,
            sets,
            wgs84_bounds,
            empty_tile: options.empty_tile,
            max_age_s: options.max_age_s,
            download: options.download.then(|| paths.clone()),
            unavailable: None,
        })
    }
}

/// Some of the files, open; where many cannot be opened at the moment, those that can.
fn samples(mosaic: &Mosaic, offer: &Offer) -> Result<Vec<Arc<Source>>, LayerError> {
    let (open, failed): (Vec<_>, Vec<_>) =
        mosaic.sample(SAMPLED).map(|dalle| offer.files.open(dalle)).partition(Result::is_ok);
    let open: Vec<_> = open.into_iter().flatten().collect();
    match failed.into_iter().next() {
        Some(Err(error)) if open.is_empty() => Err(error.into()),
        _ => Ok(open),
    }
}

/// The mosaic as it was at the end of each year but the last; none where there is one year only.
fn earlier(dalles: &[Arc<Dalle>], order: Order) -> Vec<Vintage> {
    let mut years: Vec<u16> = dalles.iter().filter_map(|dalle| dalle.year).collect();
    years.sort_unstable();
    years.dedup();
    years.pop();
    let until = |year: u16| {
        let known = dalles.iter().filter(|dalle| dalle.year.is_none_or(|of| of <= year)).cloned();
        Vintage { year, imagery: Imagery::new(Mosaic::new(known.collect(), order)) }
    };
    years.into_iter().map(until).collect()
}

/// WebMercatorQuad, the finest set of the files' own CRS, `WorldCRS84Quad`.
fn default_sets(crs: &Crs, registry: &Registry) -> Vec<Arc<TileMatrixSet>> {
    let wanted = [
        registry.get("WebMercatorQuad").cloned(),
        registry.native_for(crs),
        registry.get("WorldCRS84Quad").cloned(),
    ];
    let mut sets: Vec<Arc<TileMatrixSet>> = Vec::new();
    for set in wanted.into_iter().flatten() {
        if sets.iter().all(|known| known.id != set.id) {
            sets.push(set);
        }
    }
    sets
}
