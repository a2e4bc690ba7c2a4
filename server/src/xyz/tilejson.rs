//! TileJSON 3.0.0 of a layer in one set. It writes the document and knows no HTTP.

use serde_json::json;
use tiler::style::Style;

use crate::layers::{Layer, LayerSet};

/// Where the tiles are.
#[derive(Debug)]
pub struct Address<'a> {
    /// Public address without a trailing slash.
    pub base_url: &'a str,
    /// The set's name in the path, `None` for the default set.
    pub set_in_path: Option<&'a str>,
    /// The style that is asked for.
    pub style: &'a Style,
    /// The year that is asked for.
    pub year: Option<u16>,
}

/// Largest zoom that the schema admits.
const MAX_ZOOM: u64 = 30;

/// The document. Beside the standard's members it has `tile_size`, `format`, `formats`, `tile_matrix_set`, `crs`, `dalles` and, where
/// the layer has imagery of several years, `vintages`; where its files can be downloaded, `coverage`.
pub fn tilejson(layer: &Layer, set: &LayerSet, address: &Address<'_>, update_sequence: u64) -> String {
    let zooms = Zooms::of(set);
    let bounds = layer.wgs84_bounds;
    let (west, east) = (bounds.min_x.max(-180.0), bounds.max_x.min(180.0));
    let (south, north) = (bounds.min_y.max(-90.0), bounds.max_y.min(90.0));
    let extension = layer.formats.first().map_or("png", |format| format.extension());
    let extension = if address.style.must_be_lossless() { "png" } else { extension };
    let is_default = layer.styles.first().is_none_or(|first| first.name() == address.style.name());
    let style = (!is_default).then(|| format!("style={}", address.style.name()));
    let year = address.year.map(|year| format!("time={year}"));
    let query: Vec<_> = style.into_iter().chain(year).collect();
    let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
    let in_path = address.set_in_path.map(|set| format!("/{set}")).unwrap_or_default();
    let mut document = json!({
        "tilejson": "3.0.0",
        "name": layer.title,
        "description": layer.description,
        "attribution": layer.attribution,
        "version": format!("1.{update_sequence}.0"),
        "scheme": "xyz",
        "tiles": [format!("{}/xyz/{}{in_path}/{{z}}/{{x}}/{{y}}.{extension}{query}", address.base_url, layer.id)],
        "minzoom": zooms.min,
        "maxzoom": zooms.max,
        "bounds": [west, south, east, north],
        "center": [f64::midpoint(west, east), f64::midpoint(south, north), zooms.showing(east - west)],
        // Required by the schema also where there are none.
        "vector_layers": [],
        "tile_size": set.set.matrices.first().map_or(256, |matrix| matrix.tile_width),
        "format": extension,
        "formats": layer.formats.iter().map(|format| format.extension()).collect::<Vec<_>>(),
        "style": address.style.name(),
        "styles": layer.styles.iter().map(Style::name).collect::<Vec<_>>(),
        "legend": format!("{}/legend/{}/{}.json", address.base_url, layer.id, address.style.name()),
        "tile_matrix_set": set.set.id,
        "crs": set.set.crs.name(),
        "dalles": layer.imagery.mosaic.dalles().len(),
    });
    if !layer.vintages.is_empty() {
        document["vintages"] = layer.vintages.iter().map(|vintage| vintage.year).collect();
    }
    if layer.download.is_some() {
        document["coverage"] = format!("{}/files/{}/index.geojson", address.base_url, layer.id).into();
    }
    document.to_string()
}

/// The published levels as numbers for `{z}`.
struct Zooms {
    min: u64,
    max: u64,
}

impl Zooms {
    fn of(set: &LayerSet) -> Self {
        let number = |level: usize| {
            let id = set.set.matrices.get(level).and_then(|matrix| matrix.id.parse().ok());
            id.unwrap_or(level as u64).min(MAX_ZOOM)
        };
        let first = set.limits.iter().position(Option::is_some).unwrap_or(0);
        let last = set.limits.iter().rposition(Option::is_some).unwrap_or(first);
        Self { min: number(first), max: number(last) }
    }

    /// A zoom that shows about so many degrees of longitude in a window, on the scale of Web Mercator.
    fn showing(&self, degrees: f64) -> u64 {
        let zoom = (360.0 / degrees.max(1e-9)).log2().ceil().max(0.0) as u64;
        zoom.clamp(self.min, self.max.max(self.min))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::Value;

    use super::*;
    use crate::{layers::Snapshot, wmts::fixture};

    fn document(set: usize, set_in_path: Option<&str>) -> Value {
        document_of(&fixture::snapshot(), (set, set_in_path), None)
    }

    fn document_of(
        snapshot: &Snapshot,
        (set, set_in_path): (usize, Option<&str>),
        year: Option<u16>,
    ) -> Value {
        let layer = &snapshot.layers["ortho"];
        let style = &layer.styles[0];
        let address = Address { base_url: "https://tiles.example.org", set_in_path, style, year };
        serde_json::from_str(&tilejson(layer, &layer.sets[set], &address, 7)).expect("is JSON")
    }

    #[test]
    fn tiles_levels_and_bounds_are_those_of_the_layer() {
        let document = document(0, None);
        assert_eq!(document["tilejson"], "3.0.0");
        assert_eq!(document["tiles"], json!(["https://tiles.example.org/xyz/ortho/{z}/{x}/{y}.jpg"]));
        assert_eq!((&document["minzoom"], &document["maxzoom"]), (&json!(0), &json!(2)));
        assert_eq!(document["bounds"], json!([3.75, 43.5, 4.0, 43.75]));
        assert_eq!(document["center"], json!([3.875, 43.625, 2]));
        assert_eq!(document["version"], "1.7.0");
        assert_eq!(document["tile_size"], 256);
    }

    #[test]
    fn another_set_is_named_in_the_address() {
        let document = document(1, Some("LAMB93_5cm"));
        assert_eq!(document["tiles"][0], "https://tiles.example.org/xyz/ortho/LAMB93_5cm/{z}/{x}/{y}.jpg");
        assert_eq!(document["crs"], "EPSG:2154");
    }

    #[test]
    fn the_coverage_is_named_where_files_can_be_downloaded() {
        assert_eq!(document(0, None).get("coverage"), None);
        let mut snapshot = fixture::snapshot();
        snapshot.layers.get_mut("ortho").map(Arc::make_mut).expect("it is there").download = Some(Vec::new());
        let coverage = &document_of(&snapshot, (0, None), None)["coverage"];
        assert_eq!(coverage, "https://tiles.example.org/files/ortho/index.geojson");
    }

    #[test]
    fn vintages_are_listed_where_there_are_several_and_the_one_asked_for_stays_in_the_address() {
        assert_eq!(document(0, None).get("vintages"), None);
        let snapshot = fixture::with_vintages();
        let newest = document_of(&snapshot, (0, None), None);
        assert_eq!(newest["vintages"], json!([2018, 2021, 2024]));
        assert_eq!(newest["tiles"][0], "https://tiles.example.org/xyz/ortho/{z}/{x}/{y}.jpg");
        let earlier = document_of(&snapshot, (0, None), Some(2021));
        assert_eq!(earlier["tiles"][0], "https://tiles.example.org/xyz/ortho/{z}/{x}/{y}.jpg?time=2021");
    }
}
