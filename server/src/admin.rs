//! What operators and their tools ask: is it alive, is it ready, how is it doing.

use http::{HeaderValue, Method, StatusCode, header};

use crate::{
    app::App,
    http::{
        RequestInfo, Response,
        respond::{text, with_body},
    },
};

/// The media type of Prometheus' text format.
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Where a look at all files is asked for.
pub const RESCAN: &str = "/admin/rescan";

/// Answers `/healthz`, `/readyz`, `/metrics` and `/admin/rescan`; `None` for every other path.
pub fn handle(app: &App, request: &RequestInfo) -> Option<Response> {
    match request.path.as_str() {
        "/healthz" => Some(text(StatusCode::OK, "ok\n")),
        "/readyz" => Some(if app.is_ready() {
            text(StatusCode::OK, readiness(app))
        } else {
            text(StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
        }),
        "/metrics" => {
            let mut response = with_body(StatusCode::OK, PROMETHEUS, app.metrics.text());
            let no_store = http::HeaderValue::from_static("no-store");
            response.headers_mut().insert(http::header::CACHE_CONTROL, no_store);
            Some(response)
        }
        RESCAN => Some(rescan(app, request)),
        _ => None,
    }
}

/// Ready; with what is amiss nevertheless. Other replicas are no better off where a drive is not mounted.
fn readiness(app: &App) -> String {
    match app.snapshot.load().lost.len() {
        0 => "ready\n".to_owned(),
        lost => format!("ready, but {lost} folder(s) cannot be read: what was published before still is\n"),
    }
}

/// Has all files looked at. From this machine only, and not through a proxy: everybody could ask for it otherwise.
fn rescan(app: &App, request: &RequestInfo) -> Response {
    if request.method != Method::POST {
        let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "Use POST.\n");
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST, OPTIONS"));
        return response;
    }
    if !request.is_local() {
        return text(StatusCode::FORBIDDEN, "Only from the machine itself.\n");
    }
    if app.rescan() {
        text(StatusCode::ACCEPTED, "All files are looked at; the log tells what has changed.\n")
    } else {
        text(StatusCode::SERVICE_UNAVAILABLE, "Nobody looks at files here.\n")
    }
}
