//! Answers by their parts, and the headers that every answer has.

use std::sync::LazyLock;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use super::{Body, Response, body::RequestLabels};

/// Fields of most answers, with those that hyper adds.
const FIELDS: usize = 12;

/// Names the protocol and layer of a response.
pub fn labels(response: &mut Response, protocol: &'static str, layer: &str) {
    response.body_mut().label(RequestLabels { protocol, layer: layer.to_owned() });
}

/// A response with a body and its media type.
pub fn with_body(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Response {
    let mut response = empty(status);
    response.body_mut().fill(body.into());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// A line of text that nobody keeps.
pub fn text(status: StatusCode, body: impl Into<Bytes>) -> Response {
    let mut response = with_body(status, "text/plain; charset=utf-8", body);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// No body at all.
pub fn empty(status: StatusCode) -> Response {
    with_head(status, EVERYWHERE.clone())
}

/// No body at all, and these headers, which began with [`EVERYWHERE`]. All answers begin here.
pub fn with_head(status: StatusCode, headers: HeaderMap) -> Response {
    let mut response = Response::new(Body::default());
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const TIMING_ALLOW_ORIGIN: HeaderName = HeaderName::from_static("timing-allow-origin");
const ALLOWED: &str = "Accept, Content-Type, If-Modified-Since, If-None-Match, If-Range, Range";

/// The headers of every answer: who may use it, and that its type is what it says.
///
/// To copy them takes less than half of what it takes to insert them one by one.
pub static EVERYWHERE: LazyLock<HeaderMap> = LazyLock::new(|| {
    // With room in the table for all that an answer carries.
    let mut headers = HeaderMap::with_capacity(FIELDS);
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    // All of them: with any origin allowed there are no credentials, for which a star would be a name. Every byte of a head takes
    // its time at the client as well.
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("*"));
    headers.insert(CROSS_ORIGIN_RESOURCE_POLICY, HeaderValue::from_static("cross-origin"));
    headers.insert(TIMING_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers
});

/// The answer to `OPTIONS`, whatever the address: what a page of another origin may ask for.
pub fn options() -> Response {
    let mut response = empty(StatusCode::NO_CONTENT);
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers
        .insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, HEAD, POST, OPTIONS"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(ALLOWED));
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
    response
}
