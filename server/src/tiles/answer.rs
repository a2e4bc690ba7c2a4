//! A tile as an HTTP answer: `ETag`, `Cache-Control`, and how it was come by.

use std::{cell::RefCell, sync::Arc, time::Instant};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use tiler::encode::Format;

use super::{EntityTag, KeptTile, Origin, TileAnswer, TileBytes};
use crate::http::{
    Response,
    respond::{EVERYWHERE, empty, with_head},
    wire,
};

/// Name of the header that tells how a tile was come by.
const PATH: HeaderName = HeaderName::from_static("pavage-path");
/// Name of the header of a tile that will be better soon.
const PROVISIONAL: HeaderName = HeaderName::from_static("pavage-provisional");
/// For so long clients may keep such a tile unasked, in seconds.
const PROVISIONAL_S: u32 = 5;

/// Heads that are kept; there are a few for each age that a layer says, and ages change when layers do.
const MOST_HEADS: usize = 64;

thread_local! {
    /// Heads that were sent: to copy one takes less than half of what it takes to make one.
    static HEADS: RefCell<Heads<HeaderMap>> = const { RefCell::new(Heads(Vec::new())) };
    /// The same as HTTP/1.1 writes them.
    static LINES: RefCell<Heads<Vec<u8>>> = const { RefCell::new(Heads(Vec::new())) };
}

impl TileAnswer {
    /// A tile that is kept.
    pub(super) fn kept(tile: Arc<KeptTile>, etag: EntityTag, origin: Origin) -> Self {
        let KeptTile { format, is_provisional, .. } = *tile;
        Self::Tile { bytes: TileBytes::Kept(tile), etag, format, origin, is_provisional }
    }

    /// The answer, which clients may keep for so many seconds.
    pub fn into_response(self, max_age_s: u32) -> Response {
        let Some((head, etag)) = self.head(max_age_s) else {
            let mut response = empty(StatusCode::NO_CONTENT);
            response.headers_mut().insert(header::CACHE_CONTROL, max_age(max_age_s));
            return response;
        };
        let with_place = |mut headers: HeaderMap| {
            // For the tag, which is put there for each answer.
            headers.insert(header::ETAG, HeaderValue::from_static(""));
            headers
        };
        let mut headers = HEADS.with_borrow_mut(|heads| heads.of(head, with_place).clone());
        headers.insert(header::ETAG, etag.into());
        let mut response = with_head(head.status(), headers);
        response.body_mut().fill(self.into_body().into());
        response
    }

    /// The same as HTTP/1.1 writes it `now`: its status and body, and its head, which is appended; nothing where no tile is sent.
    pub fn write(self, max_age_s: u32, now: Instant, to: &mut Vec<u8>) -> Option<(StatusCode, TileBytes)> {
        let (head, etag) = self.head(max_age_s)?;
        let body = self.into_body();
        LINES.with_borrow_mut(|heads| {
            to.extend_from_slice(heads.of(head, |headers| wire::lines(head.status(), &headers)));
        });
        wire::field(to, header::ETAG.as_str(), etag.as_bytes());
        wire::end(to, head.sent.is_some().then_some(body.as_ref().len()), now);
        Some((head.status(), body))
    }

    fn head(&self, max_age_s: u32) -> Option<(Head, EntityTag)> {
        let (sent, etag, is_provisional) = match *self {
            Self::Tile { etag, format, origin, is_provisional, .. } => {
                (Some((format, origin)), etag, is_provisional)
            }
            Self::NotModified { etag, is_provisional } => (None, etag, is_provisional),
            Self::NoContent => return None,
        };
        Some((Head { sent, max_age_s, is_provisional }, etag))
    }

    fn into_body(self) -> TileBytes {
        match self {
            Self::Tile { bytes, .. } => bytes,
            Self::NotModified { .. } | Self::NoContent => TileBytes::Own(Bytes::new()),
        }
    }
}

/// Heads that were sent, as they are kept.
struct Heads<T>(Vec<(Head, T)>);

impl<T> Heads<T> {
    /// What is kept of a head, or is made of its headers.
    fn of(&mut self, head: Head, make: impl FnOnce(HeaderMap) -> T) -> &T {
        let found = self.0.iter().position(|(kept, _)| *kept == head);
        let index = found.unwrap_or_else(|| {
            if self.0.len() == MOST_HEADS {
                self.0.clear();
            }
            self.0.push((head, make(head.headers())));
            self.0.len() - 1
        });
        &self.0[index].1
    }
}

/// The headers of a tile but its tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Head {
    /// Nothing where the client has it.
    sent: Option<(Format, Origin)>,
    max_age_s: u32,
    is_provisional: bool,
}

impl Head {
    fn status(self) -> StatusCode {
        if self.sent.is_some() { StatusCode::OK } else { StatusCode::NOT_MODIFIED }
    }

    fn headers(self) -> HeaderMap {
        let mut headers = EVERYWHERE.clone();
        if let Some((format, origin)) = self.sent {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
            headers.insert(PATH, HeaderValue::from_static(origin.name()));
        }
        let mut max_age_s = self.max_age_s;
        if self.is_provisional {
            max_age_s = max_age_s.min(PROVISIONAL_S);
            headers.insert(PROVISIONAL, HeaderValue::from_static("1"));
        }
        headers.insert(header::CACHE_CONTROL, max_age(max_age_s));
        headers
    }
}

fn max_age(seconds: u32) -> HeaderValue {
    HeaderValue::try_from(format!("public, max-age={seconds}")).expect("it is a sound value")
}

#[cfg(test)]
mod tests {
    use tiler::render::Fingerprint;

    use super::*;

    #[test]
    fn a_head_that_is_copied_is_the_one_that_would_be_made() {
        let tile = |number: u128, format, origin, is_provisional| TileAnswer::Tile {
            bytes: TileBytes::Own(Bytes::from_static(b"tile")),
            etag: EntityTag::from(Fingerprint(number)),
            format,
            origin,
            is_provisional,
        };
        // Twice: made, then copied. More ages than are kept.
        for max_age_s in [0, 60, 3600].into_iter().chain(100..200).chain([60, 3600, 0]) {
            for (number, format, origin, is_provisional) in [
                (1, Format::Jpeg, Origin::Cached, false),
                (2, Format::Png, Origin::Rendered, true),
                (3, Format::Jpeg, Origin::Cached, false),
            ] {
                let response = tile(number, format, origin, is_provisional).into_response(max_age_s);
                let age = if is_provisional { max_age_s.min(PROVISIONAL_S) } else { max_age_s };
                let headers = response.headers();
                assert_eq!(headers[header::CACHE_CONTROL], format!("public, max-age={age}"));
                assert_eq!(headers[header::ETAG], EntityTag::from(Fingerprint(number)).as_str());
                assert_eq!(headers[header::CONTENT_TYPE], format.media_type());
                assert_eq!(
                    (&headers[PATH], headers.contains_key(PROVISIONAL)),
                    (&HeaderValue::from_static(origin.name()), is_provisional)
                );
                assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
            }
            let etag = EntityTag::from(Fingerprint(4));
            let known = TileAnswer::NotModified { etag, is_provisional: false }.into_response(max_age_s);
            assert_eq!(known.headers()[header::ETAG], etag.as_str());
            assert!(
                !known.headers().contains_key(header::CONTENT_TYPE) && !known.headers().contains_key(PATH)
            );
        }
        assert!(HEADS.with_borrow(|heads| heads.0.len()) <= MOST_HEADS);
        let nothing = TileAnswer::NoContent.into_response(60);
        assert!(!nothing.headers().contains_key(header::ETAG));
    }

    #[test]
    fn an_answer_is_written_as_it_would_be_sent() {
        let etag = EntityTag::from(Fingerprint(7));
        let bytes = TileBytes::Own(Bytes::from_static(b"tile"));
        let (format, origin) = (Format::Jpeg, Origin::Cached);
        let tile =
            |is_provisional| TileAnswer::Tile { bytes: bytes.clone(), etag, format, origin, is_provisional };
        let known = TileAnswer::NotModified { etag, is_provisional: false };
        for (answer, bytes) in [(tile(false), 4), (tile(true), 4), (tile(false), 4), (known, 0)] {
            let mut head = b"before ".to_vec();
            let (status, body) = answer.clone().write(60, Instant::now(), &mut head).expect("it is a tile");
            let response = answer.into_response(60);
            assert_eq!((status, body.as_ref().len()), (response.status(), bytes));
            let mut fields = [httparse::EMPTY_HEADER; 20];
            let mut parsed = httparse::Response::new(&mut fields);
            let len = head.len() - 7;
            assert_eq!(parsed.parse(&head[7..]), Ok(httparse::Status::Complete(len)));
            assert_eq!(parsed.code, Some(status.as_u16()));
            let mut headers: HeaderMap = (parsed.headers.iter())
                .map(|field| {
                    let value = HeaderValue::from_bytes(field.value).expect("a sound value");
                    (field.name.parse().expect("a name"), value)
                })
                .collect();
            assert!(headers.remove(header::DATE).is_some());
            let length = headers.remove(header::CONTENT_LENGTH);
            assert_eq!(length, (bytes > 0).then(|| HeaderValue::from(bytes)));
            assert_eq!(&headers, response.headers());
        }
        let mut head = Vec::new();
        assert!(TileAnswer::NoContent.write(60, Instant::now(), &mut head).is_none());
        assert!(head.is_empty());
    }
}
