//! Reads a tile matrix set from OGC TMS 2.0 JSON (OGC 17-083r4, annex on JSON encoding).
//!
//! The document's own types stay here; what it cannot express in our terms is refused with the field's name.

use serde::Deserialize;

use super::{STANDARD_PIXEL_M, TileMatrix, TileMatrixSet};
use crate::crs::{AxisOrder, Crs, CrsError};

/// Limits on what an operator's file may describe.
const MAX_MATRICES: usize = 64;
const MAX_TILE_PX: u32 = 4096;
/// So that a place on the curve over all tiles is a number of 64 bits.
const MAX_SIDE_TILES: u32 = 1 << 31;

/// Why a document is not a usable tile matrix set.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TmsError {
    /// It is not JSON, or not of the shape of a tile matrix set.
    #[error("not a tile matrix set in OGC TMS 2.0 JSON")]
    Json {
        /// What the JSON reader says, with line and column.
        #[source]
        source: serde_json::Error,
    },
    /// A field has a value that is wrong or not supported.
    #[error("{field}: {reason}")]
    Field {
        /// Path of the field, `tileMatrices[3].cellSize`.
        field: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The CRS is not known.
    #[error("crs")]
    Crs {
        /// Why not.
        #[source]
        source: CrsError,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    id: String,
    title: Option<String>,
    crs: CrsField,
    ordered_axes: Option<Vec<String>>,
    well_known_scale_set: Option<String>,
    tile_matrices: Vec<Level>,
}

/// A URI, or an object with one, or with WKT or PROJJSON.
#[derive(Deserialize)]
#[serde(untagged)]
enum CrsField {
    Uri(String),
    Object { uri: String },
    Wkt { wkt: serde_json::Value },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Level {
    id: String,
    scale_denominator: f64,
    cell_size: f64,
    corner_of_origin: Option<String>,
    point_of_origin: [f64; 2],
    tile_width: u32,
    tile_height: u32,
    matrix_width: u32,
    matrix_height: u32,
    #[serde(default)]
    variable_matrix_widths: Vec<serde_json::Value>,
}

/// The set a document describes.
pub(super) fn read(document: &str) -> Result<TileMatrixSet, TmsError> {
    let document: Document = serde_json::from_str(document).map_err(|source| TmsError::Json { source })?;
    check_name("id", &document.id)?;
    let crs = crs(&document.crs)?;
    let order = axis_order(document.ordered_axes.as_deref(), &crs);
    if document.tile_matrices.is_empty() || document.tile_matrices.len() > MAX_MATRICES {
        return Err(field("tileMatrices", format!("from 1 to {MAX_MATRICES} matrices are supported")));
    }
    let mut matrices = Vec::with_capacity(document.tile_matrices.len());
    for (index, matrix) in document.tile_matrices.iter().enumerate() {
        matrices.push(read_matrix(index, matrix, order, crs.metres_per_unit())?);
    }
    check_order(&matrices)?;
    Ok(TileMatrixSet {
        title: document.title.unwrap_or_else(|| document.id.clone()),
        id: document.id,
        aliases: Vec::new(),
        crs,
        well_known_scale_set: document.well_known_scale_set,
        matrices,
    })
}

fn crs(document: &CrsField) -> Result<Crs, TmsError> {
    let name = match document {
        CrsField::Uri(uri) | CrsField::Object { uri } => uri.clone(),
        CrsField::Wkt { wkt: serde_json::Value::String(wkt) } => wkt.clone(),
        CrsField::Wkt { wkt } => wkt.to_string(),
    };
    Crs::from_name(&name).map_err(|source| TmsError::Crs { source })
}

/// The order of `pointOfOrigin`: what `orderedAxes` says when it can be understood, else the authority's.
fn axis_order(ordered_axes: Option<&[String]>, crs: &Crs) -> AxisOrder {
    let first = ordered_axes.and_then(<[String]>::first).map(|axis| axis.to_ascii_lowercase());
    match first.as_deref() {
        Some("e" | "x" | "lon" | "long" | "longitude" | "easting" | "east") => AxisOrder::EastNorth,
        Some("n" | "y" | "lat" | "latitude" | "northing" | "north") => AxisOrder::NorthEast,
        _ => crs.axis_order(),
    }
}

fn read_matrix(
    index: usize,
    matrix: &Level,
    order: AxisOrder,
    metres_per_unit: f64,
) -> Result<TileMatrix, TmsError> {
    let wrong = |name: &str, reason: &str| Err(field(&format!("tileMatrices[{index}].{name}"), reason));
    check_name(&format!("tileMatrices[{index}].id"), &matrix.id)?;
    if !matrix.variable_matrix_widths.is_empty() {
        return wrong(
            "variableMatrixWidths",
            "rows with coalesced tiles are not supported: every tile of a matrix must have the same width",
        );
    }
    match matrix.corner_of_origin.as_deref() {
        None | Some("topLeft") => {}
        Some("bottomLeft") => {
            return wrong(
                "cornerOfOrigin",
                "bottomLeft is not supported: rows must count down from the top left",
            );
        }
        Some(_) => return wrong("cornerOfOrigin", "must be topLeft"),
    }
    for (name, value) in [("cellSize", matrix.cell_size), ("scaleDenominator", matrix.scale_denominator)] {
        if !value.is_finite() || value <= 0.0 {
            return wrong(name, "must be more than zero");
        }
    }
    let expected = matrix.cell_size * metres_per_unit / STANDARD_PIXEL_M;
    // OGC's own Canadian set counts with pixels of 0.26 mm, so a tenth is let through; degrees for metres is not.
    if (matrix.scale_denominator / expected - 1.0).abs() > 0.1 {
        return wrong("scaleDenominator", &format!("does not fit cellSize, which makes it {expected}"));
    }
    for (name, value) in [("tileWidth", matrix.tile_width), ("tileHeight", matrix.tile_height)] {
        if value == 0 || value > MAX_TILE_PX {
            return wrong(name, &format!("must be from 1 to {MAX_TILE_PX}"));
        }
    }
    for (name, value) in [("matrixWidth", matrix.matrix_width), ("matrixHeight", matrix.matrix_height)] {
        if value == 0 || value > MAX_SIDE_TILES {
            return wrong(name, &format!("must be from 1 to {MAX_SIDE_TILES}"));
        }
    }
    let [first, second] = matrix.point_of_origin;
    Ok(TileMatrix {
        id: matrix.id.clone(),
        scale_denominator: matrix.scale_denominator,
        cell_size: matrix.cell_size,
        point_of_origin: if order == AxisOrder::NorthEast { (second, first) } else { (first, second) },
        tile_width: matrix.tile_width,
        tile_height: matrix.tile_height,
        matrix_width: matrix.matrix_width,
        matrix_height: matrix.matrix_height,
    })
}

/// Cells must shrink from one matrix to the next, and no identifier come twice.
fn check_order(matrices: &[TileMatrix]) -> Result<(), TmsError> {
    for (index, pair) in matrices.windows(2).enumerate() {
        if let [coarse, fine] = pair
            && fine.cell_size >= coarse.cell_size
        {
            let name = format!("tileMatrices[{}].cellSize", index + 1);
            return Err(field(&name, "must be smaller than in the matrix before"));
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    match matrices.iter().position(|matrix| !seen.insert(&matrix.id)) {
        Some(index) => Err(field(&format!("tileMatrices[{index}].id"), "is used twice")),
        None => Ok(()),
    }
}

/// Identifiers become parts of URLs.
fn check_name(name: &str, value: &str) -> Result<(), TmsError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ':');
    if value.is_empty() || value.len() > 100 || !value.chars().all(fits) || value.starts_with('.') {
        return Err(field(
            name,
            "must be 1 to 100 letters, digits, '_', '-', '.' or ':', not starting with '.'",
        ));
    }
    Ok(())
}

fn field(field: &str, reason: impl Into<String>) -> TmsError {
    TmsError::Field { field: field.to_owned(), reason: reason.into() }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn document() -> Value {
        json!({
            "id": "mine",
            "crs": "http://www.opengis.net/def/crs/EPSG/0/2154",
            "tileMatrices": [
                {"id": "0", "scaleDenominator": 10000.0, "cellSize": 2.8, "pointOfOrigin": [0, 12_000_000],
                 "tileWidth": 256, "tileHeight": 256, "matrixWidth": 10, "matrixHeight": 20},
                {"id": "1", "scaleDenominator": 5000.0, "cellSize": 1.4, "pointOfOrigin": [0, 12_000_000],
                 "tileWidth": 512, "tileHeight": 512, "matrixWidth": 10, "matrixHeight": 20}
            ]
        })
    }

    fn error_of(pointer: &str, value: Value) -> String {
        let mut changed = document();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        changed.pointer_mut(parent).unwrap()[name] = value;
        read(&changed.to_string()).unwrap_err().to_string()
    }

    #[test]
    fn a_plain_document_is_read() {
        let set = read(&document().to_string()).unwrap();
        assert_eq!((set.id.as_str(), set.title.as_str(), set.crs.epsg()), ("mine", "mine", Some(2154)));
        assert_eq!(set.matrices[1].point_of_origin, (0.0, 12_000_000.0));
        assert_eq!(set.matrices[1].tile_width, 512);
    }

    #[test]
    fn the_crs_may_be_an_object() {
        for crs in [json!({"uri": "urn:ogc:def:crs:EPSG::2154"}), json!({"wkt": "EPSG:2154"})] {
            let mut changed = document();
            changed["crs"] = crs;
            assert_eq!(read(&changed.to_string()).unwrap().crs.epsg(), Some(2154));
        }
    }

    #[test]
    fn the_origin_follows_the_axes() {
        let origin = |crs: &str, axes: Value| {
            let mut changed = document();
            changed["crs"] = json!(crs);
            changed["orderedAxes"] = axes;
            changed["tileMatrices"][0]["pointOfOrigin"] = json!([1.0, 2.0]);
            read(&changed.to_string()).unwrap().matrices[0].point_of_origin
        };
        assert_eq!(origin("EPSG:3035", Value::Null), (2.0, 1.0), "the authority writes northing first");
        assert_eq!(origin("EPSG:3035", json!(["E", "N"])), (1.0, 2.0));
        assert_eq!(origin("EPSG:2154", json!(["N", "E"])), (2.0, 1.0));
        assert_eq!(origin("EPSG:2154", Value::Null), (1.0, 2.0));
    }

    #[test]
    fn an_error_names_its_field() {
        for (pointer, value, field) in [
            ("/tileMatrices/1/cellSize", json!(-1.0), "tileMatrices[1].cellSize"),
            ("/tileMatrices/1/scaleDenominator", json!(1.0), "tileMatrices[1].scaleDenominator"),
            ("/tileMatrices/0/tileWidth", json!(0), "tileMatrices[0].tileWidth"),
            ("/tileMatrices/0/tileHeight", json!(1_000_000), "tileMatrices[0].tileHeight"),
            ("/tileMatrices/0/matrixWidth", json!(0), "tileMatrices[0].matrixWidth"),
            ("/tileMatrices/1/matrixHeight", json!(u32::MAX), "tileMatrices[1].matrixHeight"),
            ("/tileMatrices/0/cornerOfOrigin", json!("bottomLeft"), "tileMatrices[0].cornerOfOrigin"),
            ("/tileMatrices/0/variableMatrixWidths", json!([{}]), "tileMatrices[0].variableMatrixWidths"),
            ("/tileMatrices/1/id", json!("0"), "tileMatrices[1].id"),
            ("/tileMatrices/1/id", json!("../x"), "tileMatrices[1].id"),
            ("/tileMatrices", json!([]), "tileMatrices"),
            ("/id", json!(""), "id"),
            ("/crs", json!("EPSG:1"), "crs"),
        ] {
            let message = error_of(pointer, value);
            assert!(message.starts_with(field), "{pointer}: {message}");
        }
    }

    #[test]
    fn matrices_from_fine_to_coarse_are_refused() {
        let mut changed = document();
        changed["tileMatrices"].as_array_mut().unwrap().reverse();
        assert!(read(&changed.to_string()).unwrap_err().to_string().contains("must be smaller"));
    }

    #[test]
    fn what_is_not_json_is_an_error() {
        assert!(matches!(read("<tileMatrixSet>"), Err(TmsError::Json { .. })));
        assert!(matches!(read("{}"), Err(TmsError::Json { .. })));
    }
}
