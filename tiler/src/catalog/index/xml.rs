//! XML of a file: without a DTD, and so without entities, and of limited size.

use std::path::Path;

use roxmltree::{Document, Node, ParsingOptions};

use super::{error::Problem, file};

const LIMIT_BYTES: u64 = 128 << 20;
const NODES: u32 = 8_000_000;

pub(super) fn text(path: &Path) -> Result<String, Problem> {
    file::text(path, LIMIT_BYTES)
}

pub(super) fn parse(text: &str) -> Result<Document<'_>, Problem> {
    let options = ParsingOptions { allow_dtd: false, nodes_limit: NODES, ..ParsingOptions::default() };
    Document::parse_with_options(text, options).map_err(|error| Problem::Xml { reason: error.to_string() })
}

/// The first child of a name.
pub(super) fn child<'a, 'input>(node: Node<'a, 'input>, name: &str) -> Option<Node<'a, 'input>> {
    node.children().find(|child| child.has_tag_name(name))
}

/// The text of the first child of a name.
pub(super) fn child_text<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    child(node, name)?.text().map(str::trim).filter(|text| !text.is_empty())
}
