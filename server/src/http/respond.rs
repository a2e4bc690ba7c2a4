//! Answers by their parts, and the headers that every answer has.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, StatusCode, header};

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
    let mut response = Response::new(Body::default());
    *response.status_mut() = status;
    // All that an answer carries fits, so that it does not grow several times.
    response.headers_mut().reserve(FIELDS);
    response
}

const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const TIMING_ALLOW_ORIGIN: HeaderName = HeaderName::from_static("timing-allow-origin");

/// Headers that every answer carries: who may use it, and that its type is what it says.
pub fn finish(response: &mut Response, method: &Method) {
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static("Accept-Ranges, Content-Disposition, Content-Length, Content-Range, ETag, Last-Modified, Pavage-Path, Retry-After",),
    );
    headers.insert(CROSS_ORIGIN_RESOURCE_POLICY, HeaderValue::from_static("cross-origin"));
    headers.insert(TIMING_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if *method == Method::OPTIONS {
        headers.insert(
            header::ACCESS_CONTROL_ALLOW_METHODS,
            HeaderValue::from_static("GET, HEAD, POST, OPTIONS"),
        );
        headers.insert(
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            HeaderValue::from_static(
                "Accept, Content-Type, If-Modified-Since, If-None-Match, If-Range, Range",
            ),
        );
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
    }
}
