//! A tile as an HTTP answer: `ETag`, `Cache-Control`, and how it was come by.

use std::cell::RefCell;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use tiler::encode::Format;

use super::{EntityTag, Origin, TileAnswer};
use crate::{
    http::{
        Response,
        respond::{EVERYWHERE, empty, with_head},
    },
    layers::Layer,
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
    static HEADS: RefCell<Vec<(Head, HeaderMap)>> = const { RefCell::new(Vec::new()) };
}

impl TileAnswer {
    /// The answer with the caching rules of its layer.
    pub fn into_response(self, layer: &Layer) -> Response {
        let max_age_s = layer.max_age_s;
        match self {
            Self::Tile { bytes, etag, format, origin, is_provisional } => {
                let head = Head { sent: Some((format, origin)), max_age_s, is_provisional };
                let mut response = with_head(StatusCode::OK, head.with(etag));
                response.body_mut().fill(bytes);
                response
            }
            Self::NotModified { etag, is_provisional } => {
                let head = Head { sent: None, max_age_s, is_provisional };
                with_head(StatusCode::NOT_MODIFIED, head.with(etag))
            }
            Self::NoContent => {
                let mut response = empty(StatusCode::NO_CONTENT);
                response.headers_mut().insert(header::CACHE_CONTROL, max_age(max_age_s));
                response
            }
        }
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
    fn with(self, etag: EntityTag) -> HeaderMap {
        let mut headers = HEADS.with_borrow_mut(|heads| {
            if let Some((_, headers)) = heads.iter().find(|(head, _)| *head == self) {
                return headers.clone();
            }
            let headers = self.headers();
            if heads.len() == MOST_HEADS {
                heads.clear();
            }
            heads.push((self, headers.clone()));
            headers
        });
        headers.insert(header::ETAG, etag.into());
        headers
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
        // A place for the tag, which is put there for each answer.
        headers.insert(header::ETAG, HeaderValue::from_static(""));
        headers
    }
}

fn max_age(seconds: u32) -> HeaderValue {
    HeaderValue::try_from(format!("public, max-age={seconds}")).expect("it is a sound value")
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use tiler::render::Fingerprint;

    use super::*;
    use crate::wmts::fixture;

    #[test]
    fn a_head_that_is_copied_is_the_one_that_would_be_made() {
        let snapshot = fixture::snapshot();
        let tile = |number: u128, format, origin, is_provisional| TileAnswer::Tile {
            bytes: Bytes::from_static(b"tile"),
            etag: EntityTag::from(Fingerprint(number)),
            format,
            origin,
            is_provisional,
        };
        // Twice: made, then copied. More ages than are kept.
        for max_age_s in [0, 60, 3600].into_iter().chain(100..200).chain([60, 3600, 0]) {
            let layer = Layer { max_age_s, ..(*snapshot.layers["ortho"]).clone() };
            for (number, format, origin, is_provisional) in [
                (1, Format::Jpeg, Origin::Cached, false),
                (2, Format::Png, Origin::Rendered, true),
                (3, Format::Jpeg, Origin::Cached, false),
            ] {
                let response = tile(number, format, origin, is_provisional).into_response(&layer);
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
            let known = TileAnswer::NotModified { etag, is_provisional: false }.into_response(&layer);
            assert_eq!(known.headers()[header::ETAG], etag.as_str());
            assert!(
                !known.headers().contains_key(header::CONTENT_TYPE) && !known.headers().contains_key(PATH)
            );
        }
        assert!(HEADS.with_borrow(Vec::len) <= MOST_HEADS);
        let nothing = TileAnswer::NoContent.into_response(&snapshot.layers["ortho"]);
        assert!(!nothing.headers().contains_key(header::ETAG));
    }
}
