//! gzip for documents, at once or chunk by chunk; pictures are compressed already, and a file is sent byte by byte.

use std::io::{self, Write as _};

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http::{HeaderMap, HeaderValue, header};
use hyper::body::Body as _;
use libdeflater::{CompressionLvl, Compressor};
use tokio::task::spawn_blocking;

use super::{Response, body::Chunks};

/// Below this a document is sent as it is.
const WORTH_BYTES: usize = 1024;
/// From here on it is compressed on another thread: other connections would wait for this one some milliseconds.
const LONG_BYTES: usize = 64 << 10;

/// What media types of documents have in their names, where they are not `text/…`.
const KINDS: [&[u8]; 3] = [b"json", b"xml", b"javascript"];

/// Whether the client takes gzip.
pub fn accepts_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|coding| {
        let (name, quality) = coding.split_once(';').unwrap_or((coding, ""));
        name.trim().eq_ignore_ascii_case("gzip") && quality.replace(' ', "") != "q=0"
    })
}

/// Whether it is a document whose body may be compressed.
pub fn is_possible(response: &Response) -> bool {
    let headers = response.headers();
    headers.get(header::CONTENT_TYPE).is_some_and(|value| is_document(value.as_bytes()))
        && !headers.contains_key(header::ACCEPT_RANGES)
        && !headers.contains_key(header::CONTENT_ENCODING)
}

fn is_document(media_type: &[u8]) -> bool {
    // Most answers are tiles: there is nothing to look for.
    let is_tile = matches!(media_type, b"image/jpeg" | b"image/png" | b"image/webp");
    let names = |kind: &[u8]| media_type.windows(kind.len()).any(|window| window == kind);
    !is_tile && (media_type.starts_with(b"text/") || KINDS.iter().any(|kind| names(kind)))
}

/// Compresses the body of a document ([`is_possible`]) where that is worth it and wanted.
pub async fn compress(mut response: Response, headers: &HeaderMap) -> Response {
    response.headers_mut().append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    if !accepts_gzip(headers) || response.body().is_end_stream() {
        return response;
    }
    if let Some(bytes) = response.body_mut().take_whole() {
        let packed = match bytes.len() {
            ..WORTH_BYTES => None,
            WORTH_BYTES..LONG_BYTES => gzip(&bytes),
            LONG_BYTES.. => {
                let bytes = bytes.clone();
                spawn_blocking(move || gzip(&bytes)).await.ok().flatten()
            }
        };
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

    #[tokio::test]
    async fn a_large_document_is_packed_and_a_picture_never() {
        for (len, is_packed) in [(1000, false), (5000, true), (2 * LONG_BYTES, true)] {
            let document = with_body(http::StatusCode::OK, "application/json", vec![b' '; len]);
            assert!(is_possible(&document));
            let mut sent = compress(document, &wants_gzip()).await;
            assert_eq!(sent.headers().contains_key(header::CONTENT_ENCODING), is_packed, "{len}");
            let sent = sent.body_mut().take_whole().expect("it is one piece").len();
            assert_eq!(sent < len, is_packed, "{len}");
        }
        assert!(!is_possible(&with_body(http::StatusCode::OK, "image/png", vec![0; 5000])));
    }

    #[test]
    fn a_client_can_refuse_it() {
        let headers = [(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip;q=0"))].into_iter().collect();
        assert!(!accepts_gzip(&headers));
    }
}
