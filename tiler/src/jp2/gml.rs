//! The grid of a coverage in GML, as GMLJP2 1 and 2 embed it.
//!
//! Source: OGC 05-047r3 (GMLJP2 1.0), OGC 08-085r8 (GMLJP2 2.1).

use roxmltree::{Document, Node, ParsingOptions};

use crate::geom::GeoTransform;

/// Elements, attributes and texts of a document.
const MAX_NODES: u32 = 100_000;
/// Bytes of a document.
const MAX_BYTES: usize = 1 << 20;

/// Where a `RectifiedGrid` says that the image lies.
#[derive(Debug, Clone, PartialEq)]
pub struct GmlGeoreference {
    /// From the corner of the first pixel, easting or longitude first, whatever the order in the document.
    pub transform: GeoTransform,
    /// The name of the CRS as it is written, such as `urn:ogc:def:crs:EPSG::2154`.
    pub srs_name: String,
}

impl GmlGeoreference {
    /// The EPSG code that the name ends with.
    pub fn epsg(&self) -> Option<u32> {
        let name = self.srs_name.to_ascii_uppercase();
        let (_, code) = name.rsplit_once([':', '/', '#'])?;
        name.contains("EPSG").then(|| code.parse().ok())?
    }

    /// The first grid of a document. The first vector is that of the columns, as in GDAL, even where a writer has ordered the
    /// vectors as the axes of the CRS.
    ///
    /// `latitude_first` says whether an EPSG code has its northing or latitude first in the registry; names that follow the
    /// registry are URNs and URLs of definitions, others have the easting first.
    pub(super) fn read(xml: &[u8], latitude_first: impl Fn(u32) -> bool) -> Option<Self> {
        if xml.len() > MAX_BYTES {
            return None;
        }
        let text = std::str::from_utf8(xml).ok()?.trim_matches('\0');
        let options = ParsingOptions { nodes_limit: MAX_NODES, ..ParsingOptions::default() };
        let document = Document::parse_with_options(text, options).ok()?;
        let grid = document.descendants().find(|node| is(node, "RectifiedGrid"))?;
        let origin = grid.descendants().find(|node| is(node, "origin"))?;
        let place = origin.descendants().find(|node| is(node, "pos") || is(node, "coordinates"))?;
        let mut vectors = grid.descendants().filter(|node| is(node, "offsetVector"));
        let (first, second) = (vectors.next()?, vectors.next()?);
        let srs_name = [grid, place]
            .into_iter()
            .chain(origin.descendants())
            .chain([first])
            .chain(document.descendants().filter(|node| is(node, "Envelope")))
            .find_map(|node| node.attribute("srsName"))?
            .to_owned();

        let (mut centre, mut col, mut row) = (pair(&place)?, pair(&first)?, pair(&second)?);
        let mut found = Self { transform: GeoTransform([0.0; 6]), srs_name };
        let follows_registry = found.srs_name.starts_with("urn:") || found.srs_name.contains("/def/crs/");
        // Some files name their axes and mean it: easting first in spite of the registry.
        let says_easting =
            grid.descendants().find(|node| is(node, "axisName")).and_then(|node| node.text()).is_some_and(
                |name| name.eq_ignore_ascii_case("Easting") || name.eq_ignore_ascii_case("Longitude"),
            );
        if follows_registry && !says_easting && found.epsg().is_some_and(latitude_first) {
            for values in [&mut centre, &mut col, &mut row] {
                values.swap(0, 1);
            }
        }
        let corner = |axis: usize| centre[axis] - 0.5 * (col[axis] + row[axis]);
        found.transform = GeoTransform([corner(0), col[0], row[0], corner(1), col[1], row[1]]);
        Some(found)
    }
}

fn is(node: &Node<'_, '_>, name: &str) -> bool {
    node.tag_name().name() == name
}

fn pair(node: &Node<'_, '_>) -> Option<[f64; 2]> {
    let text = node.text()?;
    let mut numbers = text.split([' ', ',', '\n', '\t', '\r']).filter(|part| !part.is_empty());
    let mut next = || numbers.next()?.parse::<f64>().ok().filter(|value| value.is_finite());
    Some([next()?, next()?])
}
