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
/// Name of the header of a tile that will be better soon.
const PROVISIONAL: &str = "pavage-provisional";
/// For so long clients may keep such a tile unasked, in seconds.
const PROVISIONAL_S: u32 = 5;

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
