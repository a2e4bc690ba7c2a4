//! A tile as an HTTP answer: `ETag`, `Cache-Control`, and how it was come by.

use http::{HeaderName, HeaderValue, StatusCode, header};

use super::TileAnswer;
use crate::{
    http::{
        Response,
        respond::{empty, with_body},
    },
    layers::Layer,
};

/// Name of the header that tells how a tile was come by.
const PATH: HeaderName = HeaderName::from_static("pavage-path");
/// Name of the header of a tile that will be better soon.
const PROVISIONAL: HeaderName = HeaderName::from_static("pavage-provisional");
/// For so long clients may keep such a tile unasked, in seconds.
const PROVISIONAL_S: u32 = 5;

const ASCII: &str = "digits, letters and quotation marks only";

impl TileAnswer {
    /// The answer with the caching rules of its layer.
    pub fn into_response(self, layer: &Layer) -> Response {
        let is_provisional = match self {
            Self::Tile { is_provisional, .. } | Self::NotModified { is_provisional, .. } => is_provisional,
            Self::NoContent => false,
        };
        let (mut response, etag, origin) = match self {
            Self::Tile { bytes, etag, format, origin, .. } => {
                (with_body(StatusCode::OK, format.media_type(), bytes), Some(etag), Some(origin))
            }
            Self::NotModified { etag, .. } => (empty(StatusCode::NOT_MODIFIED), Some(etag), None),
            Self::NoContent => (empty(StatusCode::NO_CONTENT), None, None),
        };
        let headers = response.headers_mut();
        let max_age_s = if is_provisional { layer.max_age_s.min(PROVISIONAL_S) } else { layer.max_age_s };
        let cache_control = format!("public, max-age={max_age_s}");
        if is_provisional {
            headers.insert(PROVISIONAL, HeaderValue::from_static("1"));
        }
        headers.insert(header::CACHE_CONTROL, HeaderValue::try_from(cache_control).expect(ASCII));
        if let Some(etag) = etag {
            headers.insert(header::ETAG, HeaderValue::from_bytes(etag.as_bytes()).expect(ASCII));
        }
        if let Some(origin) = origin {
            headers.insert(PATH, HeaderValue::from_static(origin.name()));
        }
        response
    }
}
