//! What operators and their tools ask: is it alive, is it ready, how is it doing.

use http::StatusCode;

use crate::{
    app::App,
    http::{
        Response,
        respond::{text, with_body},
    },
};

/// The media type of Prometheus' text format.
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Answers `/healthz`, `/readyz` and `/metrics`; `None` for every other path.
pub fn handle(app: &App, path: &str) -> Option<Response> {
    match path {
        "/healthz" => Some(text(StatusCode::OK, "ok\n")),
        "/readyz" => Some(if app.is_ready() {
            text(StatusCode::OK, "ready\n")
        } else {
            text(StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
        }),
        "/metrics" => {
            let mut response = with_body(StatusCode::OK, PROMETHEUS, app.metrics.text());
            let no_store = http::HeaderValue::from_static("no-store");
            response.headers_mut().insert(http::header::CACHE_CONTROL, no_store);
            Some(response)
        }
        _ => None,
    }
}
