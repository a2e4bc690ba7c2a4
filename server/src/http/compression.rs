//! gzip for documents, at once or chunk by chunk; pictures are compressed already, and a file is sent byte by byte.

use std::io::{self, Write as _};

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http::{HeaderMap, HeaderValue, header};
use hyper::body::Body as _;
use libdeflater::{CompressionLvl, Compressor};

use super::{Response, body::Chunks};

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
pub fn compress(mut response: Response, headers: &HeaderMap) -> Response {
    let is_document = response.headers().get(header::CONTENT_TYPE).is_some_and(|value| {
        let media_type = value.as_bytes();
        media_type.starts_with(b"text/")
            || [&b"json"[..], b"xml", b"javascript"]
                .iter()
                .any(|kind| media_type.windows(kind.len()).any(|window| window == *kind))
    });
    let is_ranged = response.headers().contains_key(header::ACCEPT_RANGES);
    if !is_document || is_ranged || response.headers().contains_key(header::CONTENT_ENCODING) {
        return response;
    }
    response.headers_mut().append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    if !accepts_gzip(headers) || response.body().is_end_stream() {
        return response;
    }
    if let Some(bytes) = response.body_mut().take_whole() {
        let packed = gzip(&bytes).filter(|_| bytes.len() >= WORTH_BYTES);
        let is_packed = packed.is_some();
        response.body_mut().fill(packed.unwrap_or(bytes));
        if !is_packed {
            return response;
        }
    } else {
        response.body_mut().map_chunks(|chunks| {
            Box::new(Packed { chunks, encoder: Some(GzEncoder::new(Vec::new(), Compression::fast())) })
        });
    }
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

/// Chunks, compressed.
struct Packed {
    chunks: Box<dyn Chunks>,
    /// Until the end.
    encoder: Option<GzEncoder<Vec<u8>>>,
}

impl Chunks for Packed {
    fn next_chunk(&mut self) -> io::Result<Option<Bytes>> {
        while let Some(encoder) = &mut self.encoder {
            let Some(chunk) = self.chunks.next_chunk()? else {
                return self.encoder.take().map(|encoder| encoder.finish().map(Bytes::from)).transpose();
            };
            encoder.write_all(&chunk)?;
            let packed = std::mem::take(encoder.get_mut());
            if !packed.is_empty() {
                return Ok(Some(packed.into()));
            }
        }
        Ok(None)
    }
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

    #[test]
    fn a_large_document_is_packed_and_a_picture_never() {
        let document = with_body(http::StatusCode::OK, "application/json", vec![b' '; 5000]);
        let packed = compress(document, &wants_gzip());
        assert_eq!(packed.headers()[header::CONTENT_ENCODING], "gzip");
        let picture = with_body(http::StatusCode::OK, "image/png", vec![0; 5000]);
        let sent = compress(picture, &wants_gzip());
        assert!(!sent.headers().contains_key(header::CONTENT_ENCODING));
    }

    #[test]
    fn a_client_can_refuse_it() {
        let headers = [(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip;q=0"))].into_iter().collect();
        assert!(!accepts_gzip(&headers));
    }
}
