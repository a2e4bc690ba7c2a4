//! A tile as an HTTP answer: `ETag`, `Cache-Control`, and how it was come by.

use http::{HeaderValue, StatusCode, header};

use super::TileAnswer;
use crate::{
    http::{
        Response,
        respond::{empty, with_body},
    },
    layers::Layer,
};

/// Name of the header that tells how a tile was come by.
const PATH: &str = "pavage-path";

impl TileAnswer {
    /// The answer with the caching rules of its layer.
    pub fn into_response(self, layer: &Layer) -> Response {
        let (mut response, etag, origin) = match self {
            Self::Tile { bytes, etag, format, origin } => {
                (with_body(StatusCode::OK, format.media_type(), bytes), Some(etag), Some(origin))
            }
            Self::NotModified { etag } => (empty(StatusCode::NOT_MODIFIED), Some(etag), None),
            Self::NoContent => (empty(StatusCode::NO_CONTENT), None, None),
        };
        let headers = response.headers_mut();
        let cache_control = format!("public, max-age={}", layer.max_age_s);
        headers.insert(header::CACHE_CONTROL, ascii(&cache_control));
        if let Some(etag) = etag {
            headers.insert(header::ETAG, ascii(&etag));
        }
        if let Some(origin) = origin {
            headers.insert(PATH, HeaderValue::from_static(origin.name()));
        }
        response
    }
}

fn ascii(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("digits, letters and quotes only")
}
