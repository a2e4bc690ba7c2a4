//! From open files and what the configuration says about them to one published [`Layer`]. It opens nothing itself.

use std::sync::Arc;

use tiler::{
    crs::{Crs, CrsError},
    encode::Format,
    source::{Source, SourceError},
    style::{Style, StyleError},
    tms::{Registry, TileMatrixSet},
};

use super::{Layer, coverage, styles};
use crate::config::LayerConfig;

/// Why open files do not make a layer.
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

/// Makes a layer of its sources, best first, which were found at some paths.
///
/// # Errors
/// When the sources cannot be placed in any of the layer's sets.
pub fn layer(
    label: &Label,
    LayerConfig { paths, options, .. }: &LayerConfig,
    sources: Vec<Arc<Source>>,
    registry: &Registry,
) -> Result<Layer, LayerError> {
    let first = sources.first().ok_or(LayerError::NoSource)?;
    let native = first.place()?.crs();
    let wgs84_bounds =
        coverage::bounds(&sources, &Crs::from_epsg(4326)?).ok_or(LayerError::NowhereOnEarth)?;
    let offered = options.sets.clone().unwrap_or_else(|| default_sets(native, registry));
    let sets: Vec<_> = offered.iter().filter_map(|set| coverage::layer_set(&sources, set)).collect();
    if sets.is_empty() {
        return Err(LayerError::OutsideSets);
    }
    let styles = styles::styles(&options.styles, &sources)?;
    let mut formats = options.formats.clone();
    if styles.iter().all(Style::must_be_lossless) {
        formats.retain(|format| *format != Format::Jpeg);
    }
    Ok(Layer {
        id: label.id.clone(),
        title: label.title.clone(),
        description: options.description.clone(),
        attribution: options.attribution.clone(),
        styles,
        sources,
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
