//! XYZ tiles, `/xyz/{layer}[/{tms}]/{z}/{x}/{y}[@2x].{ext}[?style={style}&time={time}]`, their TileJSON, and what made them at a point. Only
//! here is a row called `y`. Faults are short fixed texts.

mod point;
pub mod tilejson;

use std::sync::Arc;

use http::header;
use tiler::{
    encode::OutputFormat,
    style::Style,
    tms::{TileId, TileMatrixSet},
};

use crate::{
    app::App,
    error::{Fault, Parameter},
    http::{
        RequestInfo, Response, document,
        query::{Query, cut, cut_last, strict_u32},
        respond,
    },
    layers::{Layer, LayerSet, Snapshot},
    tiles::TileRequest,
};

/// The set of addresses that name none.
const DEFAULT_SET: &str = "WebMercatorQuad";
/// One more than any address has.
const MAX_SEGMENTS: usize = 6;
/// How an address asks for twice the pixels.
const DOUBLE: &str = "@2x";

/// The tile that `path`, after `/xyz/`, names, if it is one.
pub fn tile_named<'a>(snapshot: &'a Snapshot, path: &str, query: &str) -> Option<TileRequest<'a>> {
    match resolve(snapshot, path, &Query::parse(query).ok()?) {
        Ok(Resource::Tile(tile)) => Some(tile),
        _ => None,
    }
}

/// Answers everything under `/xyz`.
pub async fn handle(app: &App, snapshot: &Arc<Snapshot>, request: &RequestInfo) -> Response {
    let path = request.path.strip_prefix("/xyz/").unwrap_or("");
    // A label only where the layer exists: clients must not be able to make up series.
    let name = cut(path, b'/').map_or(path, |(name, _)| name);
    let layer = snapshot.layers.get(name);
    let mut response = answer(app, snapshot, request, path).await.unwrap_or_else(|fault| {
        document::fault(&fault, fault.status(), ("text/plain; charset=utf-8", format!("{fault}\n")))
    });
    respond::labels(&mut response, "xyz", layer.map_or("", |layer| &layer.id));
    response
}

async fn answer(
    app: &App,
    snapshot: &Snapshot,
    request: &RequestInfo,
    path: &str,
) -> Result<Response, Fault> {
    let query = Query::parse(&request.query)?;
    match resolve(snapshot, path, &query)? {
        Resource::Tile(tile) => {
            let if_none_match =
                request.headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
            let answer = app.tiles.tile(&tile, if_none_match).await?;
            Ok(answer.into_response(tile.layer.max_age_s))
        }
        // In memory of its own: seldom needed, and others would carry its room along.
        Resource::Point(place) => Box::pin(point::answer(app, snapshot, place)).await,
        Resource::TileJson { layer, set, style, year } => {
            let address = tilejson::Address {
                base_url: &request.base_url,
                set_in_path: (set.set.id != DEFAULT_SET).then_some(set.set.id.as_str()),
                style,
                year,
            };
            let body = tilejson::tilejson(layer, set, &address, snapshot.update_sequence);
            Ok(document::description(request, "application/json", body))
        }
    }
}

/// What a path names.
#[derive(Debug)]
enum Resource<'a> {
    Tile(TileRequest<'a>),
    Point(point::Place),
    TileJson { layer: &'a Layer, set: &'a LayerSet, style: &'a Style, year: Option<u16> },
}

fn resolve<'a>(snapshot: &'a Snapshot, path: &str, query: &Query) -> Result<Resource<'a>, Fault> {
    let style = query.get(Parameter::Style)?.unwrap_or_default();
    let time = query.get(Parameter::Time)?;
    let mut segments = [""; MAX_SEGMENTS];
    match *split(path, &mut segments) {
        [layer, "tilejson.json"] => tile_json(snapshot, (layer, DEFAULT_SET, style), time),
        [layer, set, "tilejson.json"] => tile_json(snapshot, (layer, set, style), time),
        [layer, "point"] => point::Place::read(find_layer(snapshot, layer)?, query).map(Resource::Point),
        [layer, z, x, file] => {
            tile(snapshot, (layer, DEFAULT_SET, style), time, [z, x, file]).map(Resource::Tile)
        }
        [layer, set, z, x, file] => {
            tile(snapshot, (layer, set, style), time, [z, x, file]).map(Resource::Tile)
        }
        _ => Err(Fault::NotFound),
    }
}

/// What is between slashes; of more than there is room for, the first ones.
fn split<'a, 'b>(path: &'a str, segments: &'b mut [&'a str]) -> &'b [&'a str] {
    let (mut count, mut left) = (0, Some(path));
    while let (Some(segment), Some(path)) = (segments.get_mut(count), left) {
        (*segment, left) = cut(path, b'/').map_or((path, None), |(segment, path)| (segment, Some(path)));
        count += 1;
    }
    &segments[..count]
}

fn tile_json<'a>(
    snapshot: &'a Snapshot,
    names: (&str, &str, &str),
    time: Option<&str>,
) -> Result<Resource<'a>, Fault> {
    let (layer, set, style) = find(snapshot, names)?;
    layer.imagery_at(time).ok_or(Fault::Invalid { parameter: Parameter::Time })?;
    let year = time.and_then(|time| layer.vintage_at(time)).map(|vintage| vintage.year);
    Ok(Resource::TileJson { layer, set, style, year })
}

fn find_layer<'a>(snapshot: &'a Snapshot, name: &str) -> Result<&'a Arc<Layer>, Fault> {
    snapshot.layers.get(name).ok_or(Fault::Invalid { parameter: Parameter::Layer })
}

/// A layer, one of its sets and one of its styles by their names.
fn find<'a>(
    snapshot: &'a Snapshot,
    (layer, set, style): (&str, &str, &str),
) -> Result<(&'a Arc<Layer>, &'a LayerSet, &'a Style), Fault> {
    let layer = find_layer(snapshot, layer)?;
    let set = snapshot.find_set(layer, set).ok_or(Fault::Invalid { parameter: Parameter::TileMatrixSet })?;
    let style = layer.style(style).ok_or(Fault::Invalid { parameter: Parameter::Style })?;
    Ok((layer, set, style))
}

/// The tile, which may be outside of the imagery: that is the layer's policy for empty tiles, not a fault.
fn tile<'a>(
    snapshot: &'a Snapshot,
    names: (&str, &str, &str),
    time: Option<&str>,
    [z, x, file]: [&str; 3],
) -> Result<TileRequest<'a>, Fault> {
    let (layer, layer_set, style) = find(snapshot, names)?;
    let (y, extension) = cut_last(file, b'.').ok_or(Fault::Invalid { parameter: Parameter::Format })?;
    let (y, scale) = y.strip_suffix(DOUBLE).map_or((y, 1), |y| (y, 2));
    let set = &layer_set.set;
    let matrix = matrix(set, z)?;
    let col = strict_u32(x).ok_or(Fault::Invalid { parameter: Parameter::X })?;
    let row = strict_u32(y).ok_or(Fault::Invalid { parameter: Parameter::Y })?;
    let size = set.matrices.get(matrix).ok_or(Fault::Internal)?;
    if col >= size.matrix_width {
        return Err(Fault::TileOutOfRange { parameter: Parameter::X });
    }
    if row >= size.matrix_height {
        return Err(Fault::TileOutOfRange { parameter: Parameter::Y });
    }
    let format = output_format(extension)
        .filter(|format| layer.offers(*format, style))
        .ok_or(Fault::Invalid { parameter: Parameter::Format })?;
    Ok(TileRequest {
        generation: snapshot.generation,
        imagery: layer.imagery_at(time).ok_or(Fault::Invalid { parameter: Parameter::Time })?,
        layer,
        set,
        tile: TileId { matrix, col, row },
        scale,
        format,
        style,
    })
}

/// A matrix by its identifier, as it is or in the set's other spellings; a number that is none is out of range, and
/// anything else is malformed.
fn matrix(set: &TileMatrixSet, z: &str) -> Result<usize, Fault> {
    let is_named = |index: &usize| set.matrices.get(*index).is_some_and(|matrix| matrix.id == z);
    let number = strict_u32(z);
    // Most sets number their matrices.
    if let Some(index) = number.map(|number| number as usize).filter(is_named) {
        return Ok(index);
    }
    let looks_like_a_number = z.starts_with(|first: char| first.is_ascii_digit() || "+-".contains(first));
    let exact = (0..set.matrices.len()).find(is_named);
    match exact {
        Some(index) => Ok(index),
        None if looks_like_a_number && number.is_none() && !z.contains(':') => {
            Err(Fault::Invalid { parameter: Parameter::Z })
        }
        None => set.matrix_index(z).ok_or(match number {
            Some(_) => Fault::TileOutOfRange { parameter: Parameter::Z },
            None => Fault::Invalid { parameter: Parameter::Z },
        }),
    }
}

fn output_format(extension: &str) -> Option<OutputFormat> {
    match extension {
        "jpg" | "jpeg" => Some(OutputFormat::Jpeg),
        "png" => Some(OutputFormat::Png),
        "webp" => Some(OutputFormat::WebP),
        "auto" => Some(OutputFormat::Auto),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;
    use crate::wmts::fixture;

    fn tile_at(path: &str) -> Result<TileRequest<'static>, Fault> {
        tile_of(Box::leak(Box::new(fixture::snapshot())), path, "")
    }

    fn tile_of<'a>(snapshot: &'a Snapshot, path: &str, query: &str) -> Result<TileRequest<'a>, Fault> {
        match resolve(snapshot, path, &Query::parse(query)?)? {
            Resource::Tile(request) => Ok(request),
            other => panic!("{path} is no tile but {other:?}"),
        }
    }

    fn status(path: &str) -> StatusCode {
        tile_at(path).expect_err("is refused").status()
    }

    #[test]
    fn a_path_has_as_many_parts_as_there_is_room_for() {
        for path in ["", "/", "a", "a/", "/a/b", "1/2/3/4/5/6", "1/2/3/4/5/6/7", "é//ü"] {
            let expected: Vec<&str> = path.split('/').take(MAX_SEGMENTS).collect();
            assert_eq!(split(path, &mut [""; MAX_SEGMENTS]), expected, "{path}");
        }
    }

    #[test]
    fn a_tile_is_named_by_level_column_and_row() {
        let request = tile_at("ortho/2/2/1.jpg").expect("exists");
        assert_eq!(request.tile, TileId { matrix: 2, col: 2, row: 1 });
        assert_eq!(
            (request.set.id.as_str(), request.scale, request.format),
            ("WebMercatorQuad", 1, OutputFormat::Jpeg)
        );
        let named = tile_at("ortho/WebMercatorQuad/2/2/1.jpeg").expect("exists");
        assert_eq!((named.tile, named.format), (request.tile, request.format));
    }

    #[test]
    fn a_retina_tile_is_the_same_tile_at_scale_two() {
        let request = tile_at("ortho/LAMB93_5cm/1/0/0@2x.png").expect("exists");
        assert_eq!((request.tile, request.scale), (TileId { matrix: 1, col: 0, row: 0 }, 2));
    }

    #[test]
    fn a_tile_outside_of_the_imagery_is_for_the_layers_policy() {
        assert!(tile_at("ortho/2/0/3.png").is_ok());
        assert!(tile_at("ortho/3/7/7.png").is_ok());
    }

    #[test]
    fn a_tile_outside_of_the_matrix_is_not_found() {
        for path in ["ortho/2/4/0.png", "ortho/2/0/4.png", "ortho/9/0/0.png", "ortho/2/99999999999/0.png"] {
            assert_eq!(status(path), StatusCode::NOT_FOUND, "{path}");
        }
    }

    #[test]
    fn malformed_numbers_and_formats_are_bad_requests() {
        for path in [
            "ortho/02/0/0.png",
            "ortho/2/00/0.png",
            "ortho/2/-1/0.png",
            "ortho/2/0/0@3x.png",
            "ortho/2/0/a.png",
            "ortho/z/0/0.png",
            "ortho/2/0/0.gif",
            "ortho/2/0/0.webp",
            "ortho/2/0/0",
            "ortho/2/0/.png",
        ] {
            assert_eq!(status(path), StatusCode::BAD_REQUEST, "{path}");
        }
    }

    #[test]
    fn a_time_chooses_the_imagery_of_its_year_or_of_the_last_one_before() {
        let snapshot = fixture::with_vintages();
        let imagery = |query: &str| {
            tile_of(&snapshot, "ortho/2/2/1.jpg", query).map(|tile| Arc::clone(&tile.imagery.mosaic))
        };
        let newest = imagery("").expect("exists");
        let first = imagery("time=2018").expect("exists");
        assert!(!Arc::ptr_eq(&newest, &first));
        for (query, expected) in [
            ("time=current", &newest),
            ("TIME=2024", &newest),
            ("time=2031", &newest),
            ("time=2019", &first),
            ("time=2020-12-31", &first),
        ] {
            assert!(Arc::ptr_eq(&imagery(query).expect("exists"), expected), "{query}");
        }
        for query in ["time=2017", "time=bogus", "time=20", "time=2018x", "time=-2018"] {
            let fault = imagery(query).expect_err("is refused");
            assert_eq!(fault.status(), StatusCode::BAD_REQUEST, "{query}");
        }
    }

    #[test]
    fn a_point_is_no_tile_and_of_layers_that_are_there() {
        let snapshot = fixture::snapshot();
        let query = Query::parse("lon=3.8&lat=43.6").expect("parses");
        assert!(matches!(resolve(&snapshot, "ortho/point", &query), Ok(Resource::Point(_))));
        let fault = resolve(&snapshot, "bogus/point", &query).expect_err("is refused");
        assert_eq!(fault.status(), StatusCode::NOT_FOUND);
    }

    #[test]
    fn unknown_layers_sets_and_paths_are_not_found() {
        for path in ["bogus/2/0/0.png", "ortho/Bogus/2/0/0.png", "ortho", "", "ortho/1/2/3/4/5/6.png"] {
            assert_eq!(status(path), StatusCode::NOT_FOUND, "{path}");
        }
    }

    #[test]
    fn tilejson_has_an_address_with_and_without_a_set() {
        for (path, expected) in
            [("ortho/tilejson.json", "WebMercatorQuad"), ("ortho/LAMB93_5cm/tilejson.json", "LAMB93_5cm")]
        {
            let snapshot = fixture::snapshot();
            let Ok(Resource::TileJson { set, .. }) = resolve(&snapshot, path, &Query::default()) else {
                panic!("{path} is no TileJSON")
            };
            assert_eq!(set.set.id, expected);
        }
    }
}
