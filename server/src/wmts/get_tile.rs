//! GetTile: the tile that the parameters name, and whether the layer publishes it. It knows no pixels.

use std::sync::Arc;

use http::header;
use tiler::{
    catalog::Imagery,
    style::Style,
    tms::{TileId, TileLimits, TileMatrix, TileMatrixSet},
};

use super::params::{TileParams, index, output_format};
use crate::{
    app::App,
    error::{Fault, Parameter},
    http::{RequestInfo, Response},
    layers::{Layer, Snapshot},
    tiles::TileRequest,
};

/// A tile that exists.
#[derive(Debug, Clone, Copy)]
pub struct Located<'a> {
    /// Its layer.
    pub layer: &'a Arc<Layer>,
    /// Its set.
    pub set: &'a Arc<TileMatrixSet>,
    /// The tile.
    pub tile: TileId,
    /// How it is drawn.
    pub style: &'a Style,
    /// Imagery of now or of a year.
    pub imagery: &'a Imagery,
}

/// Answers GetTile.
///
/// # Errors
/// Parameters that name nothing, and what the tile service says.
pub async fn get_tile(
    app: &App,
    snapshot: &Snapshot,
    request: &RequestInfo,
    params: &TileParams<'_>,
) -> Result<Response, Fault> {
    let tile = tile_request(snapshot, params)?;
    let if_none_match = request.headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let answer = app.tiles.tile(&tile, if_none_match).await?;
    Ok(answer.into_response(tile.layer.max_age_s))
}

/// The canonical request for a tile: the same whichever way it was written.
///
/// # Errors
/// The first parameter that names nothing.
pub fn tile_request<'a>(snapshot: &'a Snapshot, params: &TileParams<'_>) -> Result<TileRequest<'a>, Fault> {
    let Located { layer, set, tile, style, imagery } = locate(snapshot, params)?;
    let format = output_format(params.format)
        .filter(|format| layer.offers(*format, style))
        .ok_or(Fault::Invalid { parameter: Parameter::Format })?;
    let generation = snapshot.generation;
    Ok(TileRequest { generation, layer, imagery, set, tile, scale: 1, format, style })
}

/// Finds the tile, whatever its format.
///
/// # Errors
/// The first parameter that names nothing.
pub fn locate<'a>(snapshot: &'a Snapshot, params: &TileParams<'_>) -> Result<Located<'a>, Fault> {
    let layer = snapshot.layers.get(params.layer).ok_or(Fault::Invalid { parameter: Parameter::Layer })?;
    let style = layer.style(params.style).ok_or(Fault::Invalid { parameter: Parameter::Style })?;
    let layer_set =
        snapshot.find_set(layer, params.set).ok_or(Fault::Invalid { parameter: Parameter::TileMatrixSet })?;
    let matrix = layer_set
        .set
        .matrix_index(params.matrix)
        .ok_or(Fault::Invalid { parameter: Parameter::TileMatrix })?;
    let row = index(params.row, Parameter::TileRow)?;
    let col = index(params.col, Parameter::TileCol)?;
    // Clients ask beyond the published levels as well (QGIS does): those are answered by resampling, within the matrix.
    let published = layer_set.limits.get(matrix).copied().flatten();
    let limits = published.unwrap_or_else(|| whole(&layer_set.set.matrices[matrix]));
    if !(limits.min_row..=limits.max_row).contains(&row) {
        return Err(Fault::TileOutOfRange { parameter: Parameter::TileRow });
    }
    if !(limits.min_col..=limits.max_col).contains(&col) {
        return Err(Fault::TileOutOfRange { parameter: Parameter::TileCol });
    }
    Ok(Located {
        layer,
        set: &layer_set.set,
        tile: TileId { matrix, col, row },
        style,
        imagery: layer.imagery_at(params.time).ok_or(Fault::Invalid { parameter: Parameter::Time })?,
    })
}

/// Every tile of a matrix.
fn whole(matrix: &TileMatrix) -> TileLimits {
    let last = |count: u32| count.saturating_sub(1);
    TileLimits {
        min_col: 0,
        max_col: last(matrix.matrix_width),
        min_row: 0,
        max_row: last(matrix.matrix_height),
    }
}

#[cfg(test)]
mod tests {
    use tiler::encode::OutputFormat;

    use super::*;
    use crate::{http::query::Query, wmts::fixture, wmts::params::Operation};

    const TILE: &str = "service=WMTS&request=GetTile&version=1.0.0&layer=ortho&style=normal&format=image/jpeg\
                        &TileMatrixSet=WebMercatorQuad&TileMatrix=2&TileRow=1&TileCol=2";

    fn resolve(text: &str) -> Result<TileRequest<'static>, Fault> {
        let query = Query::parse(text)?;
        let Operation::GetTile(params) = Operation::from_kvp(&query)? else { panic!("not a tile") };
        tile_request(Box::leak(Box::new(fixture::snapshot())), &params)
    }

    fn assert_invalid(changed: &str, with: &str, expected: Parameter) {
        let fault = resolve(&TILE.replace(changed, with)).expect_err("is refused");
        assert!(matches!(fault, Fault::Invalid { parameter } if parameter == expected), "{fault:?}");
    }

    fn assert_out_of_range(changed: &str, with: &str, expected: Parameter) {
        let fault = resolve(&TILE.replace(changed, with)).expect_err("is refused");
        assert!(matches!(fault, Fault::TileOutOfRange { parameter } if parameter == expected), "{fault:?}");
    }

    #[test]
    fn get_tile_mandatory() {
        let request = resolve(TILE).expect("exists");
        assert_eq!(request.tile, TileId { matrix: 2, col: 2, row: 1 });
        assert_eq!((request.scale, request.format), (1, OutputFormat::Jpeg));
    }

    #[test]
    fn get_tile_invalid_layer_set_matrix_style_and_format() {
        assert_invalid("layer=ortho", "layer=BogusForTest", Parameter::Layer);
        assert_invalid("WebMercatorQuad", "BogusForTest", Parameter::TileMatrixSet);
        assert_invalid("TileMatrix=2", "TileMatrix=BogusForTest", Parameter::TileMatrix);
        assert_invalid("style=normal", "style=BogusForTest", Parameter::Style);
        assert_invalid("image/jpeg", "image/gif", Parameter::Format);
        assert_invalid("image/jpeg", "image/webp", Parameter::Format);
        assert_invalid("TileRow=1", "TileRow=a", Parameter::TileRow);
    }

    #[test]
    fn get_tile_invalid_tile_row_and_col_tile_matrix_set_limits() {
        assert_out_of_range("TileRow=1", "TileRow=2", Parameter::TileRow);
        assert_out_of_range("TileRow=1", "TileRow=-1", Parameter::TileRow);
        assert_out_of_range("TileCol=2", "TileCol=3", Parameter::TileCol);
        assert_out_of_range("TileCol=2", "TileCol=99999999999", Parameter::TileCol);
    }

    #[test]
    fn a_matrix_that_is_not_published_answers_all_of_its_tiles_and_no_more() {
        let beyond = TILE.replace("TileMatrix=2", "TileMatrix=3");
        assert!(resolve(&beyond).is_ok());
        assert!(resolve(&beyond.replace("TileRow=1", "TileRow=8")).is_err());
        assert!(resolve(&beyond.replace("TileCol=2", "TileCol=8")).is_err());
    }

    #[test]
    fn a_set_is_found_by_its_alias() {
        assert!(resolve(&TILE.replace("WebMercatorQuad", "EPSG:3857")).is_ok());
    }

    #[test]
    fn the_restful_address_is_the_same_request() {
        let Ok(Operation::GetTile(params)) =
            Operation::from_path("1.0.0/ortho/default/WebMercatorQuad/2/1/2.jpg", None)
        else {
            panic!("not a tile")
        };
        let rest = tile_request(Box::leak(Box::new(fixture::snapshot())), &params).expect("exists");
        let kvp = resolve(TILE).expect("exists");
        assert_eq!((rest.tile, rest.scale, rest.format), (kvp.tile, kvp.scale, kvp.format));
        assert_eq!(rest.set.id, kvp.set.id);
    }
}
