//! The Contents section of the capabilities: layers, their links to sets, and the sets themselves. It knows what is
//! published, not how it is asked for.

use std::sync::Arc;

use tiler::{
    crs::AxisOrder,
    geom::Bounds,
    tms::{TileMatrix, TileMatrixSet},
};

use super::{get_feature_info::InfoFormat, params::VERSION, xml::Xml};
use crate::layers::{Layer, LayerSet, Snapshot};

/// Scale denominator of the first level of the well-known sets of Google's quadtree (OGC 07-057r7, tables E.3, E.4).
const QUAD_SCALE: f64 = 559_082_264.028_717_8;

/// The dimension of vintages, and its place in templates: `OpenLayers` fills in what is written exactly so.
const TIME: &str = "Time";

/// Writes the section.
pub fn contents(xml: &mut Xml, snapshot: &Snapshot, base_url: &str) {
    xml.nest("Contents", &[], |xml| {
        published(snapshot).for_each(|one| layer(xml, one, base_url));
        for (set, levels) in linked_sets(snapshot) {
            tile_matrix_set(xml, &set, levels);
        }
    });
}

/// The layers that have a tile at all.
pub fn published(snapshot: &Snapshot) -> impl Iterator<Item = &Arc<Layer>> {
    snapshot.layers.values().filter(|layer| links(layer).next().is_some())
}

/// The sets of a layer in which it publishes a level.
fn links(layer: &Layer) -> impl Iterator<Item = &LayerSet> {
    layer.sets.iter().filter(|set| set.limits.iter().any(Option::is_some))
}

/// Each linked set once, with the number of levels that some layer publishes: levels that nobody publishes would only
/// be asked for in vain.
fn linked_sets(snapshot: &Snapshot) -> Vec<(Arc<TileMatrixSet>, usize)> {
    let mut sets: Vec<(Arc<TileMatrixSet>, usize)> = Vec::new();
    for link in snapshot.layers.values().flat_map(|layer| links(layer)) {
        let levels = link.limits.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
        match sets.iter_mut().find(|(set, _)| set.id == link.set.id) {
            Some((_, known)) => *known = levels.max(*known),
            None => sets.push((Arc::clone(&link.set), levels)),
        }
    }
    sets
}

fn layer(xml: &mut Xml, layer: &Layer, base_url: &str) {
    xml.nest("Layer", &[], |xml| {
        xml.text("ows:Title", &layer.title);
        xml.text_unless_empty("ows:Abstract", &layer.description);
        let Bounds { min_x, min_y, max_x, max_y } = layer.wgs84_bounds;
        xml.nest("ows:WGS84BoundingBox", &[], |xml| {
            corners(xml, (min_x.max(-180.0), min_y.max(-90.0)), (max_x.min(180.0), max_y.min(90.0)));
        });
        xml.text("ows:Identifier", &layer.id);
        bounding_boxes(xml, layer);
        styles(xml, layer, base_url);
        layer.formats.iter().for_each(|format| xml.text("Format", format.media_type()));
        for format in InfoFormat::ALL {
            xml.text("InfoFormat", format.media_type());
        }
        dimension(xml, layer);
        links(layer).for_each(|link| tile_matrix_set_link(xml, link));
        resource_urls(xml, layer, base_url);
    });
}

/// The Title of a style is its Identifier, because OpenLayers compares with the Title; what people read is its Abstract.
fn styles(xml: &mut Xml, layer: &Layer, base_url: &str) {
    for (number, style) in layer.styles.iter().enumerate() {
        let is_default = if number == 0 { "true" } else { "false" };
        xml.nest("Style", &[("isDefault", is_default)], |xml| {
            xml.text("ows:Title", style.name());
            if style.title() != style.name() {
                xml.text("ows:Abstract", style.title());
            }
            xml.text("ows:Identifier", style.name());
            let legend = format!("{base_url}/legend/{}/{}.png", layer.id, style.name());
            xml.empty("LegendURL", &[("format", "image/png"), ("xlink:href", &legend)]);
        });
    }
}

/// A box for every CRS of a linked set, in the very words of `SupportedCRS`: GDAL compares the texts.
fn bounding_boxes(xml: &mut Xml, layer: &Layer) {
    let mut written = Vec::new();
    for link in links(layer) {
        let crs = supported_crs(&link.set);
        if written.contains(&crs) {
            continue;
        }
        let Bounds { min_x, min_y, max_x, max_y } = link.bounds;
        xml.nest("ows:BoundingBox", &[("crs", &crs)], |xml| {
            corners(xml, in_axis_order(&link.set, (min_x, min_y)), in_axis_order(&link.set, (max_x, max_y)));
        });
        written.push(crs);
    }
}

fn corners(xml: &mut Xml, lower: (f64, f64), upper: (f64, f64)) {
    xml.text("ows:LowerCorner", position(lower));
    xml.text("ows:UpperCorner", position(upper));
}

/// The years of a layer that has several. Named and written as widely used services do (NASA GIBS, swisstopo): clients tell a
/// time by this name, QGIS's temporal controller by values that are dates throughout, and `OWSLib` wants a default among them.
fn dimension(xml: &mut Xml, layer: &Layer) {
    let Some(newest) = layer.vintages.last() else { return };
    xml.nest("Dimension", &[], |xml| {
        xml.text("ows:Identifier", TIME);
        xml.text("ows:UOM", "ISO8601");
        xml.text("Default", newest.year);
        xml.text("Current", true);
        layer.vintages.iter().for_each(|vintage| xml.text("Value", vintage.year));
    });
}

fn tile_matrix_set_link(xml: &mut Xml, link: &LayerSet) {
    xml.nest("TileMatrixSetLink", &[], |xml| {
        xml.text("TileMatrixSet", &link.set.id);
        xml.nest("TileMatrixSetLimits", &[], |xml| {
            for (level, matrix) in existing(&link.set) {
                let Some(limits) = link.limits.get(level).copied().flatten() else { continue };
                xml.nest("TileMatrixLimits", &[], |xml| {
                    xml.text("TileMatrix", &matrix.id);
                    xml.text("MinTileRow", limits.min_row);
                    xml.text("MaxTileRow", limits.max_row);
                    xml.text("MinTileCol", limits.min_col);
                    xml.text("MaxTileCol", limits.max_col);
                });
            }
        });
    });
}

/// One template per format, the default first: a client that takes the first gets JPEG, and every advertised format has
/// a REST address, as the conformance suite looks for. A single style is written out, which is legal and what `OWSLib` needs.
/// The time is a part of the path, which all clients fill in that know dimensions; a query behind a template is lost by some.
fn resource_urls(xml: &mut Xml, layer: &Layer, base_url: &str) {
    let style = match &layer.styles[..] {
        [only] => only.name(),
        _ => "{Style}",
    };
    let time = if layer.vintages.is_empty() { String::new() } else { format!("/{{{TIME}}}") };
    let stem = format!(
        "{base_url}/wmts/{VERSION}/{}/{style}{time}/{{TileMatrixSet}}/{{TileMatrix}}/{{TileRow}}/{{TileCol}}",
        layer.id
    );
    let mut resource = |kind: &str, format: &str, template: &str| {
        xml.empty("ResourceURL", &[("format", format), ("resourceType", kind), ("template", template)]);
    };
    for format in &layer.formats {
        resource("tile", format.media_type(), &format!("{stem}.{}", format.extension()));
    }
    for format in InfoFormat::ALL {
        resource("FeatureInfo", format.media_type(), &format!("{stem}/{{J}}/{{I}}.{}", format.extension()));
    }
}

fn tile_matrix_set(xml: &mut Xml, set: &TileMatrixSet, levels: usize) {
    let well_known = well_known_scale_set(set);
    xml.nest("TileMatrixSet", &[], |xml| {
        xml.text_unless_empty("ows:Title", &set.title);
        xml.text("ows:Identifier", &set.id);
        xml.text("ows:SupportedCRS", supported_crs(set));
        if let Some(name) = well_known {
            xml.text("WellKnownScaleSet", format!("urn:ogc:def:wkss:OGC:1.0:{name}"));
        }
        for (level, matrix) in existing(set).filter(|(level, _)| *level < levels) {
            // To the last digit of the table, where the set is the table's.
            let scale = if well_known.is_some() { quad_scale(level) } else { matrix.scale_denominator };
            xml.nest("TileMatrix", &[], |xml| {
                xml.text("ows:Identifier", &matrix.id);
                xml.text("ScaleDenominator", scale);
                xml.text("TopLeftCorner", position(in_axis_order(set, matrix.point_of_origin)));
                xml.text("TileWidth", matrix.tile_width);
                xml.text("TileHeight", matrix.tile_height);
                xml.text("MatrixWidth", matrix.matrix_width);
                xml.text("MatrixHeight", matrix.matrix_height);
            });
        }
    });
}

/// The matrices with tiles and their index: GDAL and the schema refuse one of no width or height.
fn existing(set: &TileMatrixSet) -> impl Iterator<Item = (usize, &TileMatrix)> {
    let has_tiles = |(_, matrix): &(usize, &TileMatrix)| matrix.matrix_width > 0 && matrix.matrix_height > 0;
    set.matrices.iter().enumerate().filter(has_tiles)
}

/// The well-known scale set that the set really is: each of its scales is the one at the same place in Annex E. So
/// `WorldCRS84Quad` claims none: its two tiles wide first level is the second of `GoogleCRS84Quad`.
fn well_known_scale_set(set: &TileMatrixSet) -> Option<&'static str> {
    let name = set.well_known_scale_set.as_deref()?.rsplit(['/', ':']).next()?;
    let name = ["GoogleMapsCompatible", "GoogleCRS84Quad"].into_iter().find(|known| *known == name)?;
    let agrees = |(level, matrix): (usize, &TileMatrix)| {
        (matrix.scale_denominator / quad_scale(level) - 1.0).abs() < 1e-9
    };
    set.matrices.iter().enumerate().all(agrees).then_some(name)
}

fn quad_scale(level: usize) -> f64 {
    QUAD_SCALE / 2_f64.powi(level as i32)
}

/// The CRS as a URN; Annex E has its own one for `GoogleMapsCompatible`, which clients and the conformance suite know.
fn supported_crs(set: &TileMatrixSet) -> String {
    match well_known_scale_set(set) {
        Some("GoogleMapsCompatible") => "urn:ogc:def:crs:EPSG:6.18:3:3857".to_owned(),
        _ => set.crs.urn(),
    }
}

fn in_axis_order(set: &TileMatrixSet, (x, y): (f64, f64)) -> (f64, f64) {
    match set.crs.axis_order() {
        AxisOrder::EastNorth => (x, y),
        AxisOrder::NorthEast => (y, x),
    }
}

/// Shortest decimals that read back as the same numbers, never with an exponent.
fn position((first, second): (f64, f64)) -> String {
    // Adding zero turns -0 into 0.
    format!("{} {}", first + 0.0, second + 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wmts::fixture;

    #[test]
    fn numbers_have_all_their_digits_and_no_exponent() {
        assert_eq!(position((-20_037_508.342_789_244, 1e21)), "-20037508.342789244 1000000000000000000000");
        assert_eq!(position((-0.0, 1e-9)), "0 0.000000001");
    }

    #[test]
    fn get_capabilities_response_tile_matrix_set_well_known_scale_set() {
        let mut set = fixture::web_mercator_quad();
        assert_eq!(well_known_scale_set(&set), Some("GoogleMapsCompatible"));
        assert_eq!(supported_crs(&set), "urn:ogc:def:crs:EPSG:6.18:3:3857");
        set.matrices.remove(0);
        assert_eq!(well_known_scale_set(&set), None);
        assert_eq!(supported_crs(&set), "urn:ogc:def:crs:EPSG::3857");
    }

    #[test]
    fn a_level_that_nobody_publishes_is_not_in_the_document() {
        let sets = linked_sets(&fixture::snapshot());
        let levels: Vec<(&str, usize)> =
            sets.iter().map(|(set, levels)| (set.id.as_str(), *levels)).collect();
        assert_eq!(levels, [("WebMercatorQuad", 3), ("LAMB93_5cm", 2)]);
    }
}
