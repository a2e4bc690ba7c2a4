//! GetFeatureInfo: the values of the imagery under one pixel of a tile, as JSON, HTML or text. Values are those of the
//! files, before any style.

use std::{fmt::Write as _, sync::Arc};

use http::StatusCode;
use serde_json::json;
use tiler::render::PixelValue;

use super::{
    get_tile::{Located, locate},
    params::{InfoParams, index, output_format},
    xml::escape,
};
use crate::{
    app::App,
    error::{Fault, Parameter},
    http::{Response, document},
    layers::Snapshot,
    point,
};

/// A format of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InfoFormat {
    /// `GeoJSON` without geometry, one feature per file.
    Json,
    /// A table.
    Html,
    /// Lines.
    Text,
}

impl InfoFormat {
    /// All, the default first.
    pub const ALL: [Self; 3] = [Self::Json, Self::Html, Self::Text];

    /// As advertised.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Html => "text/html",
            Self::Text => "text/plain",
        }
    }

    /// In REST addresses.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Html => "html",
            Self::Text => "txt",
        }
    }

    /// With the encoding, for `Content-Type`.
    const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Html => "text/html; charset=utf-8",
            Self::Text => "text/plain; charset=utf-8",
        }
    }

    /// Reads a media type, with or without parameters, or an extension.
    pub fn parse(text: &str) -> Option<Self> {
        let name = text.split(';').next().unwrap_or("").trim();
        Self::ALL.into_iter().find(|format| {
            name.eq_ignore_ascii_case(format.media_type()) || name.eq_ignore_ascii_case(format.extension())
        })
    }
}

/// A place in the CRS of a set, x, y order.
#[derive(Debug)]
struct Place {
    layer: String,
    crs: String,
    x: f64,
    y: f64,
}

/// Answers GetFeatureInfo.
///
/// # Errors
/// Parameters that name nothing, and files that cannot be read.
pub async fn get_feature_info(
    app: &App,
    snapshot: &Snapshot,
    params: &InfoParams<'_>,
) -> Result<Response, Fault> {
    let (located, format, place) = resolve(snapshot, params)?;
    let (imagery, set) = (located.imagery.clone(), Arc::clone(located.set));
    let (x, y) = (place.x, place.y);
    let files = Arc::clone(&snapshot.files);
    let look = move || point::values(&imagery, files.as_ref(), (&set.crs, x, y));
    let values = app.tiles.run(look).await??;
    Ok(document::transient(StatusCode::OK, format.content_type(), write(format, &place, &values)))
}

fn resolve<'a>(
    snapshot: &'a Snapshot,
    params: &InfoParams<'_>,
) -> Result<(Located<'a>, InfoFormat, Place), Fault> {
    let located = locate(snapshot, &params.tile)?;
    // Empty in RESTful addresses, which have no place for it.
    let format_is_fine = params.tile.format.is_empty()
        || output_format(params.tile.format)
            .is_some_and(|format| located.layer.offers(format, located.style));
    if !format_is_fine {
        return Err(Fault::Invalid { parameter: Parameter::Format });
    }
    let info_format =
        InfoFormat::parse(params.info_format).ok_or(Fault::Invalid { parameter: Parameter::InfoFormat })?;
    let j = index(params.j, Parameter::J)?;
    let i = index(params.i, Parameter::I)?;
    let matrix = located.set.matrices.get(located.tile.matrix).ok_or(Fault::Internal)?;
    if j >= matrix.tile_height {
        return Err(Fault::PointOutOfRange { parameter: Parameter::J });
    }
    if i >= matrix.tile_width {
        return Err(Fault::PointOutOfRange { parameter: Parameter::I });
    }
    let pixel =
        |tile: u32, size: u32, offset: u32| f64::from(tile) * f64::from(size) + f64::from(offset) + 0.5;
    let place = Place {
        layer: located.layer.id.clone(),
        crs: located.set.crs.name(),
        x: matrix.point_of_origin.0 + pixel(located.tile.col, matrix.tile_width, i) * matrix.cell_size,
        y: matrix.point_of_origin.1 - pixel(located.tile.row, matrix.tile_height, j) * matrix.cell_size,
    };
    Ok((located, info_format, place))
}

fn write(format: InfoFormat, place: &Place, values: &[PixelValue]) -> String {
    match format {
        InfoFormat::Json => write_json(place, values),
        InfoFormat::Html => write_html(place, values),
        InfoFormat::Text => write_text(place, values),
    }
}

fn write_json(place: &Place, values: &[PixelValue]) -> String {
    json!({
        "type": "FeatureCollection",
        "layer": place.layer,
        "coordinate": { "crs": place.crs, "x": place.x, "y": place.y },
        "features": point::features(values),
    })
    .to_string()
}

fn write_text(place: &Place, values: &[PixelValue]) -> String {
    let mut out = format!("{}: {} {} ({})\n", place.layer, place.x, place.y, place.crs);
    if values.is_empty() {
        out.push_str("no imagery here\n");
    }
    for value in values {
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "{}: {} (column {}, row {}{})",
            value.dalle.stem(),
            samples(value),
            value.col,
            value.row,
            year(value)
        );
    }
    out
}

fn year(value: &PixelValue) -> String {
    value.dalle.year.map(|year| format!(", {year}")).unwrap_or_default()
}

fn write_html(place: &Place, values: &[PixelValue]) -> String {
    let mut out = String::from("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>");
    escape(&place.layer, &mut out);
    out.push_str("</title></head><body><table>\n<caption>");
    escape(&format!("{} {} ({})", place.x, place.y, place.crs), &mut out);
    out.push_str(
        "</caption>\n<tr><th>Source</th><th>Year</th><th>Column</th><th>Row</th><th>Values</th></tr>\n",
    );
    for value in values {
        out.push_str("<tr>");
        let year = value.dalle.year.map(|year| year.to_string()).unwrap_or_default();
        for cell in [value.dalle.stem(), year, value.col.to_string(), value.row.to_string(), samples(value)] {
            out.push_str("<td>");
            escape(&cell, &mut out);
            out.push_str("</td>");
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</table></body></html>\n");
    out
}

fn samples(value: &PixelValue) -> String {
    if !value.valid {
        return "no data".to_owned();
    }
    value.values.iter().map(f64::to_string).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{wmts::fixture, wmts::params::Operation};

    fn place(path: &str) -> Result<Place, Fault> {
        let Operation::GetFeatureInfo(params) = Operation::from_path(path, None)? else {
            panic!("not a feature info")
        };
        resolve(&fixture::snapshot(), &params).map(|(_, _, place)| place)
    }

    fn values() -> [PixelValue; 2] {
        [point::fixture::value("dalle <1>", true), point::fixture::value("dalle 2", false)]
    }

    #[test]
    fn i_and_j_count_from_the_top_left_pixel_of_the_tile() {
        let at = place("1.0.0/ortho/normal/WebMercatorQuad/2/1/2/0/255.json").expect("exists");
        let cell = fixture::CELL_SIZE / 4.0;
        assert!((at.x - (2.0 * 256.0 + 255.5) * cell + fixture::HALF_WORLD).abs() < 1e-6);
        assert!((at.y - fixture::HALF_WORLD + (256.0 + 0.5) * cell).abs() < 1e-6);
    }

    #[test]
    fn get_feature_info_invalid_pixel_and_info_format() {
        let fault = |path: &str| place(path).expect_err("is refused");
        assert!(matches!(
            fault("1.0.0/ortho/normal/WebMercatorQuad/2/1/2/256/0.json"),
            Fault::PointOutOfRange { parameter: Parameter::J }
        ));
        assert!(matches!(
            fault("1.0.0/ortho/normal/WebMercatorQuad/2/1/2/0/256.json"),
            Fault::PointOutOfRange { parameter: Parameter::I }
        ));
        assert!(matches!(
            fault("1.0.0/ortho/normal/WebMercatorQuad/2/1/2/0/0.bogus"),
            Fault::Invalid { parameter: Parameter::InfoFormat }
        ));
        assert!(matches!(
            fault("1.0.0/ortho/normal/WebMercatorQuad/2/9/2/0/0.json"),
            Fault::TileOutOfRange { parameter: Parameter::TileRow }
        ));
    }

    #[test]
    fn get_feature_info_valid_info_format() {
        for format in InfoFormat::ALL {
            assert_eq!(InfoFormat::parse(format.media_type()), Some(format));
            assert_eq!(InfoFormat::parse(format.extension()), Some(format));
            assert!(format.content_type().starts_with(format.media_type()));
        }
        assert_eq!(InfoFormat::parse("text/html; charset=utf-8"), Some(InfoFormat::Html));
        assert_eq!(InfoFormat::parse("application/vnd.ogc.gml"), None);
    }

    #[test]
    fn every_format_names_the_sources_and_escapes_them() {
        let place = place("1.0.0/ortho/normal/WebMercatorQuad/2/1/2/0/0.json").expect("exists");
        let json: serde_json::Value =
            serde_json::from_str(&write(InfoFormat::Json, &place, &values())).expect("is JSON");
        assert_eq!(json["features"][0]["properties"]["band_3"], 3);
        assert_eq!(json["features"][1]["properties"]["valid"], false);
        let html = write(InfoFormat::Html, &place, &values());
        assert!(html.contains("dalle &lt;1&gt;") && html.contains("no data"));
        assert!(
            write(InfoFormat::Text, &place, &values()).contains("dalle <1>: 1 2 3 (column 5, row 6, 2023)")
        );
    }
}
