//! The capabilities document, by the names of the OGC assertions where there is one.

use std::sync::Arc;

use roxmltree::{Document, Node};
use tiler::{
    raster::SampleType,
    style::{Interpretation, LayerFacts, StyleSpec},
};

use super::*;
use crate::wmts::fixture;

const BASE: &str = "https://tiles.example.org/a&b";
const SCHEMA: &str = "wmts/1.0/wmts.xsd";

fn text_for(sections: &str, known: UpdateSequence) -> String {
    let sections = Sections::parse(sections).expect("known sections");
    get_capabilities(&fixture::snapshot(), BASE, &sections, known).expect("is answered")
}

fn full() -> String {
    text_for("All", UpdateSequence::None)
}

fn all<'a>(document: &'a Document<'a>, name: &str) -> Vec<Node<'a, 'a>> {
    document.descendants().filter(|node| node.tag_name().name() == name).collect()
}

fn texts<'a>(document: &'a Document<'a>, name: &str) -> Vec<&'a str> {
    all(document, name).into_iter().filter_map(|node| node.text()).collect()
}

fn child_names(document: &Document<'_>) -> Vec<String> {
    let children = document.root_element().children().filter(Node::is_element);
    children.map(|node| node.tag_name().name().to_owned()).collect()
}

#[test]
fn get_capabilities_response_schema_valid() {
    fixture::assert_schema_valid(&full(), SCHEMA);
    for section in ["ServiceIdentification", "ServiceProvider", "OperationsMetadata", "Contents", "Themes"] {
        fixture::assert_schema_valid(&text_for(section, UpdateSequence::None), SCHEMA);
    }
    fixture::assert_schema_valid(&text_for("All", UpdateSequence::Known(7)), SCHEMA);
}

#[test]
fn a_layer_with_several_styles_is_schema_valid() {
    let mut snapshot = fixture::snapshot();
    let ortho = snapshot.layers.get_mut("ortho").map(Arc::make_mut).expect("it is there");
    let facts = LayerFacts::plain(3, SampleType::U8, Interpretation::Rgb);
    let title = Some("L'infrarouge & <plus>".to_owned());
    let second = StyleSpec { name: "second".to_owned(), title, ..StyleSpec::default() };
    ortho.styles.push(second.resolve(&facts).expect("it fits"));
    let text =
        get_capabilities(&snapshot, BASE, &Sections::all(), UpdateSequence::None).expect("is answered");
    let document = Document::parse(&text).expect("well-formed");
    assert_eq!((all(&document, "Style").len(), all(&document, "LegendURL").len()), (2, 2));
    fixture::assert_schema_valid(&text, SCHEMA);
}

#[test]
fn a_layer_with_vintages_has_a_time() {
    let text = get_capabilities(&fixture::with_vintages(), BASE, &Sections::all(), UpdateSequence::None)
        .expect("is answered");
    let document = Document::parse(&text).expect("well-formed");
    let time: Vec<_> = all(&document, "Dimension")[0]
        .children()
        .filter(Node::is_element)
        .map(|node| (node.tag_name().name(), node.text().expect("has a text")))
        .collect();
    let expected = [("Identifier", "Time"), ("UOM", "ISO8601"), ("Default", "2024"), ("Current", "true")];
    let values = ["2018", "2021", "2024"].map(|year| ("Value", year));
    assert_eq!(time, [&expected[..], &values[..]].concat());
    for node in all(&document, "ResourceURL") {
        let template = node.attribute("template").expect("has one");
        assert!(template.contains("/ortho/normal/{Time}/{TileMatrixSet}/{TileMatrix}/"), "{template}");
    }
    fixture::assert_schema_valid(&text, SCHEMA);
    assert!(!full().contains("Dimension") && !full().contains("Time}"));
}

#[test]
fn a_service_without_layers_is_schema_valid() {
    let mut snapshot = fixture::snapshot();
    snapshot.layers.clear();
    let text =
        get_capabilities(&snapshot, BASE, &Sections::all(), UpdateSequence::None).expect("is answered");
    fixture::assert_schema_valid(&text, SCHEMA);
}

#[test]
fn get_capabilities_response_schema_referenced() {
    assert!(full().contains("http://schemas.opengis.net/wmts/1.0/wmtsGetCapabilities_response.xsd"));
}

#[test]
fn get_capabilities_request_sections() {
    for list in ["ServiceIdentification", "ServiceProvider", "OperationsMetadata", "Contents", "Themes"] {
        let text = text_for(list, UpdateSequence::None);
        assert_eq!(child_names(&Document::parse(&text).expect("well-formed")), [list]);
    }
    let text = text_for("themes,CONTENTS", UpdateSequence::None);
    assert_eq!(child_names(&Document::parse(&text).expect("well-formed")), ["Contents", "Themes"]);
    assert_eq!(text_for("all", UpdateSequence::None), full());
    assert_eq!(child_names(&Document::parse(&full()).expect("well-formed")).len(), 6);
    assert!(Sections::parse("Contents,Bogus").is_err());
}

#[test]
fn get_capabilities_request_update_sequence() {
    let current = text_for("All", UpdateSequence::parse("7").expect("is a number"));
    let document = Document::parse(&current).expect("well-formed");
    assert_eq!(document.root_element().attribute("updateSequence"), Some("7"));
    assert_eq!(document.root_element().attribute("version"), Some("1.0.0"));
    assert!(child_names(&document).is_empty());
    for older in ["6", "0", "-1", ""] {
        assert_eq!(text_for("All", UpdateSequence::parse(older).expect("is a number")), full());
    }
    for newer in ["8", "99999999999999999999999"] {
        let known = UpdateSequence::parse(newer).expect("is a number");
        let answer = get_capabilities(&fixture::snapshot(), BASE, &Sections::all(), known);
        assert!(matches!(answer, Err(Fault::InvalidUpdateSequence)));
    }
    assert!(UpdateSequence::parse("bogus").is_err());
}

#[test]
fn get_capabilities_response_online_resource_and_encoding_constraint() {
    let text = full();
    let document = Document::parse(&text).expect("well-formed");
    for operation in all(&document, "Operation") {
        let gets: Vec<_> = operation.descendants().filter(|node| node.tag_name().name() == "Get").collect();
        let encoding = |get: &Node<'_, '_>| {
            let value = get.descendants().find(|node| node.tag_name().name() == "Value");
            value.and_then(|node| node.text()).map(str::to_owned)
        };
        let href = gets[0].attribute(("http://www.w3.org/1999/xlink", "href")).expect("has a link");
        assert_eq!(href, "https://tiles.example.org/a&b/wmts?");
        assert_eq!(encoding(&gets[0]).as_deref(), Some("KVP"));
        assert_eq!(encoding(&gets[1]).as_deref(), Some("RESTful"));
    }
}

#[test]
fn get_capabilities_response_advertised_format() {
    let text = full();
    let document = Document::parse(&text).expect("well-formed");
    let formats =
        all(&document, "Parameter").into_iter().find(|node| node.attribute("name") == Some("AcceptFormats"));
    let mut values = formats.expect("is advertised").descendants().filter_map(|node| node.text());
    assert!(values.any(|value| value == "application/xml"));
}

#[test]
fn get_capabilities_response_layer_tile_matrix_set_valid() {
    let text = full();
    let document = Document::parse(&text).expect("well-formed");
    let contents = all(&document, "Contents")[0];
    let defined: Vec<_> = contents
        .children()
        .filter(|node| node.tag_name().name() == "TileMatrixSet")
        .filter_map(|node| node.children().find(|child| child.tag_name().name() == "Identifier")?.text())
        .collect();
    assert_eq!(defined, ["WebMercatorQuad", "LAMB93_5cm"]);
    for link in all(&document, "TileMatrixSetLink") {
        let named = link
            .children()
            .find(|child| child.tag_name().name() == "TileMatrixSet")
            .and_then(|node| node.text());
        assert!(named.is_some_and(|named| defined.contains(&named)));
    }
}

#[test]
fn get_capabilities_response_theme_layer_ref_valid() {
    let text = full();
    assert_eq!(texts(&Document::parse(&text).expect("well-formed"), "LayerRef"), ["ortho"]);
}

#[test]
fn every_supported_crs_has_a_box_with_the_same_words() {
    let text = full();
    let document = Document::parse(&text).expect("well-formed");
    let boxes: Vec<_> =
        all(&document, "BoundingBox").iter().filter_map(|node| node.attribute("crs")).collect();
    assert_eq!(boxes, texts(&document, "SupportedCRS"));
    assert_eq!(boxes, ["urn:ogc:def:crs:EPSG:6.18:3:3857", "urn:ogc:def:crs:EPSG::2154"]);
    assert_eq!(texts(&document, "LowerCorner")[0], "3.75 43.5");
}

#[test]
fn limits_name_matrices_of_the_set_and_the_style_has_one_name() {
    let text = full();
    let document = Document::parse(&text).expect("well-formed");
    assert_eq!(all(&document, "TileMatrixLimits").len(), 5);
    let style = all(&document, "Style")[0];
    let names: Vec<_> =
        style.children().filter_map(|child| child.text().filter(|text| !text.trim().is_empty())).collect();
    assert_eq!(names, ["normal", "normal"]);
    assert_eq!(style.attribute("isDefault"), Some("true"));
}

#[test]
fn every_advertised_format_has_a_restful_address_and_jpeg_comes_first() {
    let text = full();
    let document = Document::parse(&text).expect("well-formed");
    let templates: Vec<_> = all(&document, "ResourceURL")
        .iter()
        .map(|node| {
            (node.attribute("format").expect("has one"), node.attribute("template").expect("has one"))
        })
        .collect();
    assert_eq!(templates[0].0, "image/jpeg");
    let advertised: Vec<_> =
        texts(&document, "Format").into_iter().chain(texts(&document, "InfoFormat")).collect();
    assert_eq!(templates.iter().map(|(format, _)| *format).collect::<Vec<_>>(), advertised);
    let stem = "https://tiles.example.org/a&b/wmts/1.0.0/ortho/normal/{TileMatrixSet}/{TileMatrix}/{TileRow}/{TileCol}";
    assert!(templates[0].1.starts_with(stem));
    assert_eq!(templates[2].1, format!("{stem}/{{J}}/{{I}}.json"));
}

#[test]
fn restful_get_capabilities_names_itself() {
    let text = full();
    let document = Document::parse(&text).expect("well-formed");
    let link = all(&document, "ServiceMetadataURL")[0].attribute(("http://www.w3.org/1999/xlink", "href"));
    assert_eq!(link, Some("https://tiles.example.org/a&b/wmts/1.0.0/WMTSCapabilities.xml"));
}
