//! Small documents made per request: capabilities, TileJSON and errors, with their caching headers. It does not know
//! what is in them.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use tokio::sync::Semaphore;
use xxhash_rust::xxh3::xxh3_128;

use super::{
    Body, RequestInfo, Response,
    body::Chunks,
    conditional::{Validators, Verdict},
    respond,
};
use crate::error::Fault;

/// How long clients may keep a description of the service. Stated, because QGIS assumes a day otherwise.
const DESCRIPTION_CACHING: &str = "public, max-age=60";
/// When to ask again for imagery that cannot be read, in seconds.
const SOURCE_RETRY_S: u64 = 30;

/// A description of the service: kept for a minute, revalidated by ETag, 304 where the client has it already.
pub fn description(request: &RequestInfo, content_type: &'static str, body: impl Into<Bytes>) -> Response {
    let body = body.into();
    let etag = format!("\"{:032x}\"", xxh3_128(&body));
    let known = request.headers.get_all(header::IF_NONE_MATCH).iter().any(|sent| names(sent, &etag));
    let (status, body) =
        if known { (StatusCode::NOT_MODIFIED, Bytes::new()) } else { (StatusCode::OK, body) };
    let mut response = respond::with_body(status, content_type, body);
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(DESCRIPTION_CACHING));
    headers.extend(HeaderValue::try_from(etag).map(|etag| (header::ETAG, etag)));
    if known {
        headers.remove(header::CONTENT_TYPE);
    }
    response
}

/// A description too long to be made at once, with a tag that stands for all of it. No more of them are made at the same time
/// than `gate` has permits.
pub fn streamed<C: Chunks>(
    request: &RequestInfo,
    (content_type, etag): (&'static str, String),
    chunks: impl FnOnce() -> C,
    gate: Arc<Semaphore>,
) -> Response {
    let validators = Validators { etag, modified: None };
    let mut response = match validators.judge(&request.headers) {
        Verdict::Failed => respond::empty(StatusCode::PRECONDITION_FAILED),
        Verdict::NotModified => respond::empty(StatusCode::NOT_MODIFIED),
        Verdict::Send => {
            let mut response = respond::with_body(StatusCode::OK, content_type, Bytes::new());
            *response.body_mut() = Body::chunked(Box::new(chunks()), None, gate);
            response
        }
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(DESCRIPTION_CACHING));
    headers.extend(HeaderValue::try_from(validators.etag).map(|etag| (header::ETAG, etag)));
    response
}

/// An answer that nobody keeps.
pub fn transient(status: StatusCode, content_type: &'static str, body: String) -> Response {
    let mut response = respond::with_body(status, content_type, body);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The document of a fault, with `Retry-After` where trying again can help.
pub fn fault(fault: &Fault, status: StatusCode, (content_type, body): (&'static str, String)) -> Response {
    let mut response = transient(status, content_type, body);
    let headers = response.headers_mut();
    let retry_after_s = match fault {
        Fault::Overloaded { retry_after, .. } => Some(retry_after.as_secs().max(1)),
        Fault::Source => Some(SOURCE_RETRY_S),
        _ => None,
    };
    if let Some(seconds) = retry_after_s {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if matches!(fault, Fault::MethodNotAllowed) {
        headers.insert(header::ALLOW, HeaderValue::from_static("GET, HEAD, OPTIONS"));
    }
    response
}

/// Does this `If-None-Match` name the ETag? Weak comparison, as RFC 9110, 13.1.2, says.
fn names(sent: &HeaderValue, etag: &str) -> bool {
    sent.to_str().is_ok_and(|list| {
        list.split(',').map(str::trim).any(|one| one == "*" || one.trim_start_matches("W/") == etag)
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_description_that_the_client_has_is_not_sent_again() {
        let mut request = RequestInfo::get("/wmts", "");
        let first = description(&request, "application/xml", "<a/>".to_owned());
        assert_eq!(first.status(), StatusCode::OK);
        assert_eq!(first.headers()[header::CACHE_CONTROL], "public, max-age=60");
        request.headers.insert(header::IF_NONE_MATCH, first.headers()[header::ETAG].clone());
        let second = description(&request, "application/xml", "<a/>".to_owned());
        assert_eq!(second.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(second.headers()[header::ETAG], first.headers()[header::ETAG]);
        assert_eq!(description(&request, "application/xml", "<b/>".to_owned()).status(), StatusCode::OK);
    }

    #[test]
    fn overload_says_when_to_try_again_and_is_not_stored() {
        let busy = Fault::Overloaded { reason: "queue_full", retry_after: Duration::from_millis(200) };
        let response = fault(&busy, busy.status(), ("text/plain", busy.to_string()));
        assert_eq!(response.headers()[header::RETRY_AFTER], "1");
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
    }
}
