//! WMTS 1.0.0 (OGC 07-057r7) over KVP, by GET and urlencoded POST, and REST. A request is read into one
//! [`params::Operation`], whichever way it came; a [`Fault`] becomes an exception report here and nowhere else.

pub mod contents;
pub mod exception;
pub mod get_capabilities;
pub mod get_feature_info;
pub mod get_tile;
pub mod params;
pub mod probe;
pub mod xml;

#[cfg(test)]
pub(crate) mod fixture;

use std::sync::Arc;

use http::{HeaderMap, Method, header};
use tokio::task::spawn_blocking;

use self::{exception::Binding, params::Operation};
use crate::{
    app::App,
    error::{Fault, Parameter},
    http::{RequestInfo, Response, document, query::Query, respond},
    layers::Snapshot,
    tiles::TileRequest,
};

/// The tile that an address names, if it is one; `path` is what comes after `/wmts`.
pub fn tile_named<'a>(snapshot: &'a Snapshot, path: &str, query: &str) -> Option<TileRequest<'a>> {
    let query = Query::parse(query).ok()?;
    let path = path.trim_start_matches('/');
    let operation = if path.is_empty() {
        Operation::from_kvp(&query)
    } else {
        Operation::from_path(path, query.get(Parameter::Time).ok()?)
    };
    let Ok(Operation::GetTile(params)) = operation else { return None };
    get_tile::tile_request(snapshot, &params).ok()
}

/// Answers `/wmts` and everything under it.
pub async fn handle(app: &App, snapshot: &Arc<Snapshot>, request: &RequestInfo) -> Response {
    let path = request.path.strip_prefix("/wmts").unwrap_or(&request.path).trim_start_matches('/');
    let binding = if path.is_empty() { Binding::Kvp } else { Binding::Rest };
    let mut layer = String::new();
    let answer = match binding {
        Binding::Kvp => kvp(app, snapshot, request, &mut layer).await,
        Binding::Rest => rest(app, snapshot, request, path, &mut layer).await,
    };
    let mut response = answer.unwrap_or_else(|fault| exception::respond(&fault, binding));
    respond::labels(&mut response, "wmts", &layer);
    response
}

async fn kvp(
    app: &App,
    snapshot: &Arc<Snapshot>,
    request: &RequestInfo,
    layer: &mut String,
) -> Result<Response, Fault> {
    let query = Query::parse(&kvp_text(request)?)?;
    let operation = Operation::from_kvp(&query)?;
    answer(app, snapshot, request, &operation, layer).await
}

async fn rest(
    app: &App,
    snapshot: &Arc<Snapshot>,
    request: &RequestInfo,
    path: &str,
    layer: &mut String,
) -> Result<Response, Fault> {
    if request.method == Method::POST {
        return Err(Fault::MethodNotAllowed);
    }
    let query = Query::parse(&request.query)?;
    let operation = Operation::from_path(path, query.get(Parameter::Time)?)?;
    if matches!(operation, Operation::GetCapabilities { .. }) && !accepts_xml(&request.headers) {
        return Err(Fault::NotAcceptable);
    }
    answer(app, snapshot, request, &operation, layer).await
}

async fn answer(
    app: &App,
    snapshot: &Arc<Snapshot>,
    request: &RequestInfo,
    operation: &Operation<'_>,
    layer: &mut String,
) -> Result<Response, Fault> {
    // A label only where the layer exists: clients must not be able to make up series.
    if let Some(known) = operation.layer().and_then(|name| snapshot.layers.get(name)) {
        layer.clone_from(&known.id);
    }
    match operation {
        Operation::GetCapabilities { sections, known } => {
            let (snapshot, base_url) = (Arc::clone(snapshot), request.base_url.clone());
            let (sections, known) = (sections.clone(), *known);
            // With many layers it takes milliseconds, for which nobody else shall wait.
            let text = spawn_blocking(move || {
                get_capabilities::get_capabilities(&snapshot, &base_url, &sections, known)
            });
            let text = text.await.map_err(|_| Fault::Internal)??;
            Ok(document::description(request, get_capabilities::MEDIA_TYPE, text))
        }
        Operation::GetTile(params) => get_tile::get_tile(app, snapshot, request, params).await,
        // In memory of its own: seldom needed, and others would carry its room along.
        Operation::GetFeatureInfo(params) => {
            Box::pin(get_feature_info::get_feature_info(app, snapshot, params)).await
        }
    }
}

/// The query and, of a POST, the body: clients put parameters in either.
fn kvp_text(request: &RequestInfo) -> Result<String, Fault> {
    let Some(body) = &request.body else { return Ok(request.query.clone()) };
    let body = std::str::from_utf8(body).map_err(|_| Fault::Invalid { parameter: Parameter::Query })?;
    Ok(format!("{}&{}", request.query, body.trim()))
}

/// Does the client take XML? One that says nothing takes everything.
fn accepts_xml(headers: &HeaderMap) -> bool {
    let mut lists = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).peekable();
    lists.peek().is_none() || lists.any(|list| list.split(',').any(is_xml))
}

fn is_xml(range: &str) -> bool {
    let mut parts = range.split(';').map(str::trim);
    let media_type = parts.next().unwrap_or("").to_ascii_lowercase();
    let refused = parts.any(|parameter| {
        parameter
            .strip_prefix("q=")
            .and_then(|quality| quality.parse::<f32>().ok())
            .is_some_and(|quality| quality <= 0.0)
    });
    !refused
        && ["application/xml", "text/xml", "application/*", "text/*", "*/*"].contains(&media_type.as_str())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn accepts(value: &'static str) -> bool {
        accepts_xml(&HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(value))]))
    }

    #[test]
    fn restful_http_mandatory() {
        assert!(!accepts("example/unknown"));
        assert!(!accepts("application/xml;q=0"));
        assert!(accepts("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"));
        assert!(accepts("text/xml"));
        assert!(accepts_xml(&HeaderMap::new()));
    }

    #[test]
    fn parameters_may_be_in_the_query_and_in_the_body_of_a_post() {
        let mut request = RequestInfo::get("/wmts", "service=WMTS");
        request.body = Some(bytes::Bytes::from_static(b"request=GetCapabilities\r\n"));
        let query = Query::parse(&kvp_text(&request).expect("is text")).expect("parses");
        assert!(matches!(Operation::from_kvp(&query), Ok(Operation::GetCapabilities { .. })));
    }
}
