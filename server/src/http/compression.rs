//! gzip for documents; pictures are compressed already.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use http_body_util::{BodyExt, Full};
use libdeflater::{CompressionLvl, Compressor};

use super::Response;

/// Below this a document is sent as it is.
const WORTH_BYTES: usize = 1024;

/// Whether the client takes gzip.
pub fn accepts_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|coding| {
        let (name, quality) = coding.split_once(';').unwrap_or((coding, ""));
        name.trim().eq_ignore_ascii_case("gzip") && quality.replace(' ', "") != "q=0"
    })
}

/// Compresses the body of a document where that is worth it and wanted.
pub async fn compress(mut response: Response, headers: &HeaderMap) -> Response {
    let is_document = response.headers().get(header::CONTENT_TYPE).is_some_and(|value| {
        let media_type = value.as_bytes();
        media_type.starts_with(b"text/")
            || [&b"json"[..], b"xml", b"javascript"]
                .iter()
                .any(|kind| media_type.windows(kind.len()).any(|window| window == *kind))
    });
    if !is_document || response.headers().contains_key(header::CONTENT_ENCODING) {
        return response;
    }
    response.headers_mut().append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    if !accepts_gzip(headers) {
        return response;
    }
    let (parts, body) = response.into_parts();
    // A body in memory has nothing that could fail.
    let bytes = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let Some(packed) = gzip(&bytes).filter(|_| bytes.len() >= WORTH_BYTES) else {
        return Response::from_parts(parts, Full::new(bytes));
    };
    let mut response = Response::from_parts(parts, Full::new(packed));
    let fields = response.headers_mut();
    fields.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    // Other bytes have another strong tag: say that this one is of the same document only.
    let weak = fields
        .get(header::ETAG)
        .and_then(|tag| HeaderValue::from_bytes(&[b"W/", tag.as_bytes()].concat()).ok());
    if let Some(weak) = weak {
        fields.insert(header::ETAG, weak);
    }
    response
}

fn gzip(bytes: &[u8]) -> Option<Bytes> {
    let mut compressor = Compressor::new(CompressionLvl::default());
    let mut out = vec![0; compressor.gzip_compress_bound(bytes.len())];
    let len = compressor.gzip_compress(bytes, &mut out).ok()?;
    out.truncate(len);
    Some(out.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::respond::with_body;

    fn wants_gzip() -> HeaderMap {
        [(header::ACCEPT_ENCODING, HeaderValue::from_static("br, gzip"))].into_iter().collect()
    }

    #[tokio::test]
    async fn a_large_document_is_packed_and_a_picture_never() {
        let document = with_body(http::StatusCode::OK, "application/json", vec![b' '; 5000]);
        let packed = compress(document, &wants_gzip()).await;
        assert_eq!(packed.headers()[header::CONTENT_ENCODING], "gzip");
        let picture = with_body(http::StatusCode::OK, "image/png", vec![0; 5000]);
        let sent = compress(picture, &wants_gzip()).await;
        assert!(!sent.headers().contains_key(header::CONTENT_ENCODING));
    }

    #[test]
    fn a_client_can_refuse_it() {
        let headers = [(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip;q=0"))].into_iter().collect();
        assert!(!accepts_gzip(&headers));
    }
}
