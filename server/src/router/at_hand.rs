//! Tiles at hand: found, counted and sent at once. An address that named one a moment ago is not read again.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use http::{Method, StatusCode, Version, header, request::Parts};
use hyper::body::Body as _;

use super::{Router, addresses::Named};
use crate::{
    http::{Response, head::RequestHead},
    layers::Snapshot,
    metrics::Series,
    tiles::{TileAnswer, TileBytes},
    wmts, xyz,
};

/// An address: as it was sent, and its decoded path and its query.
#[derive(Clone, Copy)]
struct Target<'a> {
    sent: &'a str,
    path: &'a str,
    query: &'a str,
}

/// What is asked for, and since when.
#[derive(Clone, Copy)]
struct Asked<'a> {
    target: Target<'a>,
    if_none_match: Option<&'a str>,
    began: Instant,
}

impl Router {
    /// Writes the head of an answer that is at hand, and gives its body.
    pub(super) fn write_at_hand(
        &self,
        request: &RequestHead<'_>,
        began: Instant,
        head: &mut Vec<u8>,
    ) -> Option<TileBytes> {
        let limits = &self.app.settings.limits;
        if request.target.len() > limits.target_bytes || request.fields > limits.head_fields {
            return None;
        }
        let target = Target { sent: request.target, path: request.path, query: request.query };
        let asked = Asked { target, if_none_match: request.if_none_match, began };
        self.with_tile_at_hand(&self.app.snapshot.load(), asked, |named, tile| {
            let (status, body) = tile.write(named.max_age_s, began, head)?;
            body.prefetch(3..6);
            let bytes = body.as_ref().len() as u64;
            self.sent(&named.series, status, began.elapsed(), (bytes, bytes));
            body.prefetch(6..9);
            Some(body)
        })
    }

    /// The same for a request that hyper has read.
    pub(super) fn response_at_hand(
        &self,
        snapshot: &Snapshot,
        parts: &Parts,
        path: &str,
        began: Instant,
    ) -> Option<Response> {
        let takes_body = parts.method == Method::GET;
        if !takes_body && parts.method != Method::HEAD {
            return None;
        }
        let sent = parts.uri.path_and_query()?.as_str();
        let target = Target { sent, path, query: parts.uri.query().unwrap_or_default() };
        let if_none_match = parts.headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
        let asked = Asked { target, if_none_match, began };
        self.with_tile_at_hand(snapshot, asked, |named, tile| {
            let mut response = tile.into_response(named.max_age_s);
            let (status, took) = (response.status(), began.elapsed());
            let bytes = response.body().size_hint().exact().unwrap_or(0);
            let is_multiplexed = parts.version == Version::HTTP_2;
            if is_multiplexed {
                // It may wait for the client, and be given up: its bytes are counted as they go.
                response.body_mut().count_in(Arc::clone(&named.series));
            }
            let sent = if takes_body && !is_multiplexed { bytes } else { 0 };
            self.sent(&named.series, status, took, (sent, bytes));
            Some(response)
        })
    }

    /// Answers with the tile that a request asks for, where nobody has to wait for it.
    fn with_tile_at_hand<T>(
        &self,
        snapshot: &Snapshot,
        Asked { target, if_none_match, began }: Asked<'_>,
        answer: impl FnOnce(&Named, TileAnswer) -> Option<T>,
    ) -> Option<T> {
        let tiles = &self.app.tiles;
        let place = self.addresses.place(target.sent);
        if let Some(named) = place.of(snapshot.generation, target.sent) {
            return answer(named, tiles.at_hand(&named.tile, if_none_match, began)?);
        }
        let named = self.read(snapshot, target)?;
        let answered = answer(&named, tiles.at_hand(&named.tile, if_none_match, began)?);
        self.addresses.insert(snapshot.generation, target.sent, named);
        answered
    }

    /// The tile that an address names, if its plan is known.
    fn read(&self, snapshot: &Snapshot, target: Target<'_>) -> Option<Named> {
        let (protocol, request) = if let Some(path) = target.path.strip_prefix("/xyz/") {
            ("xyz", xyz::tile_named(snapshot, path, target.query)?)
        } else {
            let path = target.path.strip_prefix("/wmts");
            let path = path.filter(|path| path.is_empty() || path.starts_with('/'))?;
            ("wmts", wmts::tile_named(snapshot, path, target.query)?)
        };
        let tile = self.app.tiles.known(&request)?;
        let series = self.app.metrics.answers.of(protocol, &request.layer.id);
        Some(Named { tile, max_age_s: request.layer.max_age_s, series })
    }

    /// Counts and logs an answer; a body that is not sent, or not yet, has bytes as well.
    fn sent(&self, series: &Series, status: StatusCode, took: Duration, (sent, bytes): (u64, u64)) {
        series.answered(status, took);
        series.bytes.inc_by(sent);
        self.log(series.labels(), status, took, bytes);
    }
}

#[cfg(test)]
mod tests {
    use http::Request;
    use tiler::{
        catalog::Imagery,
        encode::{EncodedTile, Format},
        render::{Plan, Rendered, TileAddress},
    };

    use super::*;
    use crate::{
        app::{App, AppSettings},
        error::Fault,
        http::{Handler as _, RequestInfo, connection::Peer},
        layers::{EmptyTile, Layer},
        metrics::Metrics,
        router::addresses::LONGEST_BYTES,
        tiles::{Renderer, TileService},
        wmts::fixture,
    };

    /// Plans as the engine does, and makes the same tile of every plan.
    struct OneTile;

    impl Renderer for OneTile {
        fn plan(&self, layer: &Layer, imagery: &Imagery, address: &TileAddress<'_>) -> Result<Plan, Fault> {
            tiler::render::plan(imagery, address, &layer.settings).map_err(|_| Fault::Internal)
        }

        fn render(&self, _: &Plan, _: &Layer) -> Result<Rendered, Fault> {
            let tile =
                EncodedTile { bytes: b"tile".to_vec(), format: Format::Png, opaque: true, empty: false };
            Ok(Rendered { tile, is_provisional: false, is_passed: false })
        }
    }

    /// What the router has at hand for a request, which it began to answer now.
    fn at_hand(router: &Router, method: Method, target: &str) -> Option<StatusCode> {
        let request = Request::builder().method(method).uri(target).body(()).expect("a sound request");
        let (parts, path) = (request.into_parts().0, target.split('?').next().unwrap_or_default());
        let answer = router.response_at_hand(&router.app.snapshot.load(), &parts, path, Instant::now());
        answer.map(|response| response.status())
    }

    fn router(change: impl Fn(&mut Layer)) -> Router {
        let (settings, metrics) = (AppSettings::default(), Arc::new(Metrics::new()));
        let tiles = TileService::with_renderer(&settings.tiles, Arc::clone(&metrics), Arc::new(OneTile));
        let mut snapshot = fixture::snapshot();
        snapshot.layers.values_mut().for_each(|layer| change(Arc::make_mut(layer)));
        Router::new(Arc::new(App::with_tiles(snapshot, settings, (tiles, metrics))))
    }

    #[tokio::test]
    async fn a_tile_in_memory_is_at_hand_for_a_plain_head() {
        let router = router(|_| {});
        let peer = Peer { address: ([127, 0, 0, 1], 80).into(), is_encrypted: false };
        let head = |path| format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
        let written = |head: &str| {
            let request = RequestHead::parse(head.as_bytes()).expect("a plain head");
            let mut written = Vec::new();
            let body = router.at_hand(&request, peer, Instant::now(), &mut written)?;
            Some((String::from_utf8(written).expect("text"), body))
        };
        let address = "/xyz/ortho/2/2/1.png";
        assert!(written(&head(address)).is_none());
        let snapshot = router.app.snapshot.load_full();
        xyz::handle(&router.app, &snapshot, &RequestInfo::get(address, "")).await;
        let (written, body) = written(&head(address)).expect("it is at hand");
        assert!(written.starts_with("HTTP/1.1 200 OK\r\n") && written.contains("content-length: 4\r\n"));
        assert_eq!(body.as_ref(), b"tile");
    }

    #[tokio::test]
    async fn what_is_no_tile_by_the_layers_choice_is_not_at_hand() {
        let address = "/xyz/ortho/2/2/1.png";
        for (empty_tile, status, is_at_hand) in [
            (EmptyTile::Blank, StatusCode::OK, true),
            (EmptyTile::NoContent, StatusCode::NO_CONTENT, false),
            (EmptyTile::NotFound, StatusCode::NOT_FOUND, false),
        ] {
            let router = router(|layer| layer.empty_tile = empty_tile);
            let snapshot = router.app.snapshot.load_full();
            let answer = xyz::handle(&router.app, &snapshot, &RequestInfo::get(address, "")).await;
            assert_eq!(answer.status(), status);
            assert_eq!(at_hand(&router, Method::GET, address).is_some(), is_at_hand, "{empty_tile:?}");
        }
    }

    #[tokio::test]
    async fn a_tile_that_was_made_is_at_hand_by_all_its_addresses() {
        let router = router(|_| {});
        let addresses = [
            "/xyz/ortho/2/2/1.png",
            "/xyz/ortho/WebMercatorQuad/2/2/1.png?style=default",
            "/wmts/1.0.0/ortho/default/WebMercatorQuad/2/1/2.png",
            "/wmts?service=WMTS&request=GetTile&version=1.0.0&layer=ortho&style=&format=image/png\
             &TileMatrixSet=WebMercatorQuad&TileMatrix=2&TileRow=1&TileCol=2",
        ];
        for address in addresses {
            assert_eq!(at_hand(&router, Method::GET, address), None, "{address}");
        }
        let snapshot = router.app.snapshot.load_full();
        let made = xyz::handle(&router.app, &snapshot, &RequestInfo::get(addresses[0], "")).await;
        assert_eq!(made.status(), StatusCode::OK);
        for address in addresses {
            assert_eq!(at_hand(&router, Method::GET, address), Some(StatusCode::OK), "{address}");
            assert_eq!(at_hand(&router, Method::HEAD, address), Some(StatusCode::OK), "{address}");
            assert_eq!(at_hand(&router, Method::OPTIONS, address), None, "{address}");
        }
        for address in
            ["/xyz/ortho/1/1/1.png", "/xyz/ortho/tilejson.json", "/xyz/ortho/1/0/1.gif", "/wmtsx", "/health"]
        {
            assert_eq!(at_hand(&router, Method::GET, address), None, "{address}");
        }
    }

    #[tokio::test]
    async fn an_address_is_read_once_and_again_when_something_else_is_published() {
        let router = router(|_| {});
        let address = "/xyz/ortho/2/2/1.png?style=";
        let long = format!("{address}&a={}", "b".repeat(LONGEST_BYTES));
        let known = |address: &str| {
            let place = router.addresses.place(address);
            let named = place.of(router.app.snapshot.load().generation, address)?;
            Some((std::ptr::from_ref(named), named.max_age_s))
        };
        let make = async || {
            let snapshot = router.app.snapshot.load_full();
            xyz::handle(&router.app, &snapshot, &RequestInfo::get("/xyz/ortho/2/2/1.png", "")).await;
        };
        let is_at_hand = |address: &str| at_hand(&router, Method::GET, address) == Some(StatusCode::OK);
        assert!(!is_at_hand(address) && known(address).is_none());
        make().await;
        assert!(is_at_hand(address) && is_at_hand(&long));
        let first = known(address).expect("it was read");
        assert!(known(&long).is_none() && known("/xyz/ortho/2/2/1.png").is_none());
        assert!(is_at_hand(address));
        assert_eq!(known(address), Some(first), "it is not read again");

        let mut other = fixture::snapshot();
        other.layers.values_mut().for_each(|layer| Arc::make_mut(layer).max_age_s = 7);
        router.app.publish(other);
        assert!(known(address).is_none() && !is_at_hand(address), "it is another snapshot's");
        make().await;
        assert!(is_at_hand(address));
        assert_eq!(known(address).map(|(_, max_age_s)| max_age_s), Some(7));

        let mut other = fixture::snapshot();
        other.layers.clear();
        router.app.publish(other);
        assert!(!is_at_hand(address));
    }
}
