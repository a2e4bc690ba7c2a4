//! Legends, `/legend/{layer}/{style}.png` and `.json`: what the colours of a style mean. `@2x` doubles the picture.

use std::sync::Arc;

use crate::{
    error::{Fault, Parameter},
    http::{RequestInfo, Response, document, respond},
    layers::{Layer, Snapshot},
};

/// Answers everything under `/legend`.
pub fn handle(snapshot: &Arc<Snapshot>, request: &RequestInfo) -> Response {
    let path = request.path.strip_prefix("/legend/").unwrap_or("");
    let layer = path.split('/').next().and_then(|name| snapshot.layers.get(name));
    let mut response = answer(layer, path, request).unwrap_or_else(|fault| {
        document::fault(&fault, fault.status(), ("text/plain; charset=utf-8", format!("{fault}\n")))
    });
    respond::labels(&mut response, "legend", layer.map_or("", |layer| &layer.id));
    response
}

fn answer(layer: Option<&Arc<Layer>>, path: &str, request: &RequestInfo) -> Result<Response, Fault> {
    let layer = layer.ok_or(Fault::Invalid { parameter: Parameter::Layer })?;
    let [_, file] = path.split('/').collect::<Vec<_>>()[..] else { return Err(Fault::NotFound) };
    let (name, extension) = file.rsplit_once('.').ok_or(Fault::Invalid { parameter: Parameter::Format })?;
    let (name, scale) = name.strip_suffix("@2x").map_or((name, 1), |name| (name, 2));
    let style = layer.style(name).ok_or(Fault::Invalid { parameter: Parameter::Style })?;
    match extension {
        "json" => {
            Ok(document::description(request, "application/json", style.legend().to_json().to_string()))
        }
        "png" => Ok(document::description(request, "image/png", style.legend().to_png(scale))),
        _ => Err(Fault::Invalid { parameter: Parameter::Format }),
    }
}

#[cfg(test)]
mod tests {
    use http::header;

    use super::*;
    use crate::wmts::fixture;

    #[test]
    fn a_legend_is_had_as_picture_and_as_document() {
        let snapshot = fixture::snapshot();
        let layer = snapshot.layers.get("ortho");
        let request = RequestInfo::get("/legend/ortho/normal.png", "");
        for (path, media) in [("ortho/normal.png", "image/png"), ("ortho/default.json", "application/json")] {
            let response = answer(layer, path, &request).expect("it is there");
            assert_eq!(response.headers()[header::CONTENT_TYPE], media, "{path}");
        }
        assert!(answer(layer, "ortho/bogus.png", &request).is_err());
        assert!(answer(layer, "ortho/normal.gif", &request).is_err());
        assert!(answer(None, "bogus/normal.png", &request).is_err());
    }
}
