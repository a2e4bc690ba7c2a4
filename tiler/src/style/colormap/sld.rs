//! The `ColorMap` of an SLD document, of which nothing else is read.
//!
//! Source: OGC 05-078r4 (SLD 1.1) and 02-070 (SLD 1.0), and `GeoServer`'s extension `type="ramp|intervals|values"`:
//! <https://docs.geoserver.org/stable/en/user/styling/sld/reference/rastersymbolizer.html>.

use roxmltree::{Document, Node, ParsingOptions};

use super::{CLEAR, MapKind, table};
use table::{ColorTable, Position, TableError, TableStop};

/// Elements, texts and comments of a document.
const NODE_LIMIT: u32 = 100_000;

pub(super) fn parse(text: &str) -> Result<ColorTable, TableError> {
    let options = ParsingOptions { allow_dtd: false, nodes_limit: NODE_LIMIT, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options)
        .map_err(|error| TableError::Xml { reason: error.to_string() })?;
    let named = |name: &'static str| move |node: &Node<'_, '_>| node.tag_name().name() == name;
    let map = document.descendants().find(named("ColorMap")).ok_or(TableError::NoColorMap)?;
    let kind = match map.attribute("type") {
        Some("intervals") => MapKind::ClassesBelow,
        Some("values") => MapKind::Exact,
        _ => MapKind::Ramp,
    };
    let stops: Result<Vec<_>, _> = map.children().filter(named("ColorMapEntry")).map(entry).collect();
    Ok(ColorTable { kind, stops: stops?, otherwise: CLEAR })
}

fn entry(node: Node<'_, '_>) -> Result<TableStop, TableError> {
    let read = || {
        let mut colour = table::parse_colour(node.attribute("color")?)?;
        let value = table::number(node.attribute("quantity")?.trim())?;
        if let Some(opacity) = node.attribute("opacity") {
            colour[3] = (table::number(opacity.trim())?.clamp(0.0, 1.0) * 255.0).round() as u8;
        }
        let label = node.attribute("label").filter(|label| !label.is_empty()).map(str::to_owned);
        Some(TableStop { position: Position::Value(value), colour, label })
    };
    read().ok_or_else(|| {
        let line = node.document().text_pos_at(node.range().start).row as usize;
        let found = node.document().input_text().get(node.range()).unwrap_or_default();
        let found = found.chars().take(60).collect();
        TableError::Line { line, expected: "a color `#rrggbb`, a quantity, an opacity of 0 to 1", found }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(body: &str) -> String {
        format!(
            "<?xml version=\"1.0\"?>\n<StyledLayerDescriptor xmlns=\"http://www.opengis.net/sld\" \
             xmlns:se=\"http://www.opengis.net/se\"><NamedLayer><se:RasterSymbolizer>\n{body}\n\
             </se:RasterSymbolizer></NamedLayer></StyledLayerDescriptor>"
        )
    }

    #[test]
    fn intervals_with_labels_and_opacity_are_read() {
        let table = ColorTable::parse(&document(
            "<se:ColorMap type=\"intervals\"><se:ColorMapEntry color=\"#AA0000\" quantity=\"-5\" opacity=\"0\"/>\
             <se:ColorMapEntry color=\"#00FF00\" quantity=\"2.5e2\" label=\"forêt\" opacity=\"0.5\"/></se:ColorMap>",
        ))
        .expect("it is an SLD");
        assert_eq!((table.kind, table.stops.len()), (MapKind::ClassesBelow, 2));
        assert_eq!(table.stops[0].colour, [170, 0, 0, 0]);
        let forest = TableStop {
            position: Position::Value(250.0),
            colour: [0, 255, 0, 128],
            label: Some("forêt".to_owned()),
        };
        assert_eq!(table.stops[1], forest);
    }

    #[test]
    fn a_bad_entry_is_named() {
        let bad = document("<ColorMap><ColorMapEntry color=\"${env('c')}\" quantity=\"1\"/></ColorMap>");
        let error = ColorTable::parse(&bad).expect_err("this is no colour");
        assert!(error.to_string().starts_with("line 3: expected a color"), "{error}");
        assert_eq!(ColorTable::parse(&document("")), Err(TableError::NoColorMap));
    }

    #[test]
    fn a_document_type_is_refused() {
        let text = "<!DOCTYPE a [<!ENTITY e \"x\">]><ColorMap><ColorMapEntry color=\"#000000\" quantity=\"1\" label=\"&e;\"/></ColorMap>";
        assert!(matches!(ColorTable::parse(text), Err(TableError::Xml { .. })));
    }

    #[test]
    fn a_document_nested_without_end_is_refused() {
        assert!(matches!(ColorTable::parse(&"<a>".repeat(300_000)), Err(TableError::Xml { .. })));
    }
}
