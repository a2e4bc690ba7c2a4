//! A request from the socket to its handler and back:
//!
//! 1. the gate: method, host, target, body and path are sound, or a 4xx and the connection closes;
//! 2. a tile at hand is counted and sent at once, most often before the gate, from a head that needs none ([`Handler::at_hand`]);
//! 3. `OPTIONS` is answered for every path;
//! 4. the first part of the path chooses the handler, which keeps the snapshot that is published now;
//! 5. documents are packed, and the answer is counted and logged.
//!
//! [`Router::handle`] is this list as code.

use std::{
    borrow::Cow,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode, Version, header, request::Parts, uri::Authority};
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body as _, Incoming};
use memchr::memchr;
use percent_encoding::percent_decode_str;
use prometheus::IntGauge;
use tokio::time::timeout;

use crate::{
    admin,
    app::App,
    files::Files,
    http::{
        Answer, Handler, RequestInfo, Response,
        base_url::{self, BaseUrl, Origin},
        compression,
        connection::Peer,
        head::RequestHead,
        respond::{self, text},
    },
    layers::{Layer, Snapshot},
    legend,
    tiles::TileAnswer,
    ui, wmts, xyz,
};

/// A form sent to WMTS is no longer than an address.
const FORM_BYTES: usize = 8 << 10;
const FORM_TIMEOUT: Duration = Duration::from_secs(10);
const FORM_PATH: &str = "/wmts";

/// Answers requests for an [`App`].
#[derive(Clone)]
pub struct Router {
    app: Arc<App>,
    files: Arc<Files>,
}

impl Router {
    /// A router for this state.
    pub fn new(app: Arc<App>) -> Self {
        Self { app, files: Arc::default() }
    }

    /// The tile that a request asks for, where nobody has to wait for it, with its protocol and layer.
    fn tile_at_hand<'a>(
        &self,
        snapshot: &'a Snapshot,
        (path, query): (&str, &str),
        if_none_match: Option<&str>,
    ) -> Option<(&'static str, &'a Layer, TileAnswer)> {
        let (protocol, tile) = if let Some(path) = path.strip_prefix("/xyz/") {
            ("xyz", xyz::tile_named(snapshot, path, query)?)
        } else {
            let path = path.strip_prefix("/wmts").filter(|path| path.is_empty() || path.starts_with('/'))?;
            ("wmts", wmts::tile_named(snapshot, path, query)?)
        };
        Some((protocol, tile.layer, self.app.tiles.at_hand(&tile, if_none_match)?))
    }

    /// The same as a response that is counted.
    fn response_at_hand(
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
        let query = parts.uri.query().unwrap_or_default();
        let if_none_match = parts.headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
        let (protocol, layer, tile) = self.tile_at_hand(snapshot, (path, query), if_none_match)?;
        let mut response = tile.into_response(layer);
        if parts.version == Version::HTTP_2 {
            // It may wait for the client, and be given up: its bytes are counted as they go.
            respond::labels(&mut response, protocol, &layer.id);
            self.count(&mut response, began);
            return Some(response);
        }
        let bytes = response.body().size_hint().exact().unwrap_or(0);
        let sent = if takes_body { bytes } else { 0 };
        self.sent((protocol, layer), response.status(), began, (sent, bytes));
        Some(response)
    }

    /// Counts and logs an answer that is sent at once; a body that is not sent has bytes as well.
    fn sent(
        &self,
        (protocol, layer): (&'static str, &Layer),
        status: StatusCode,
        began: Instant,
        (sent, bytes): (u64, u64),
    ) {
        let took = began.elapsed();
        self.app.metrics.answers.sent((protocol, &layer.id), status, took, sent);
        self.log((protocol, &layer.id), status, took, bytes);
    }

    /// What is seldom needed waits in memory of its own: others would carry its room along.
    async fn answer(&self, request: &mut RequestInfo, form: Option<Incoming>) -> Result<Response, Refusal> {
        let _in_flight = InFlight::new(&self.app.metrics.in_flight);
        if request.method == Method::OPTIONS {
            return Ok(respond::options());
        }
        if let Some(form) = form {
            request.body = Some(Box::pin(read_form(form)).await?);
        }
        let response = self.route(request).await;
        if !compression::is_possible(&response) {
            return Ok(response);
        }
        Ok(Box::pin(compression::compress(response, &request.headers)).await)
    }

    async fn route(&self, request: &RequestInfo) -> Response {
        let (app, path) = (self.app.as_ref(), request.path.as_str());
        let snapshot = app.snapshot.load();
        if path == FORM_PATH || path.starts_with("/wmts/") {
            return wmts::handle(app, &snapshot, request).await;
        }
        if path.starts_with("/xyz/") {
            return xyz::handle(app, &snapshot, request).await;
        }
        if path == "/files" || path.starts_with("/files/") {
            return Box::pin(self.files.handle(&snapshot, request)).await;
        }
        if path.starts_with("/legend/") {
            return legend::handle(&snapshot, request);
        }
        if let Some(mut response) = admin::handle(app, request) {
            respond::labels(&mut response, "admin", "");
            return response;
        }
        if let Some(mut response) = ui::handle(path) {
            respond::labels(&mut response, "ui", "");
            return response;
        }
        text(StatusCode::NOT_FOUND, "There is nothing at this address.\n")
    }

    fn count(&self, response: &mut Response, began: Instant) {
        let labels = response.body_mut().take_labels();
        let (protocol, layer) = (labels.protocol, labels.layer.as_str());
        let (status, took) = (response.status(), began.elapsed());
        let series = self.app.metrics.answers.of(protocol, layer);
        series.answered(status, took);
        response.body_mut().count_in(series);
        self.log((protocol, layer), status, took, response.body().size_hint().exact().unwrap_or(0));
    }

    fn log(&self, (protocol, layer): (&str, &str), status: StatusCode, took: Duration, bytes: u64) {
        if self.app.settings.access_log {
            let (status, took_us) = (status.as_u16(), took.as_micros() as u64);
            tracing::info!(protocol, layer, status, bytes, took_us, "request");
        }
    }
}

impl Handler for Router {
    fn handle(self: &Arc<Self>, request: Request<Incoming>, peer: Peer, began: Instant) -> Answer {
        let (parts, body) = request.into_parts();
        let snapshot = self.app.snapshot.load();
        let (path, base_url) = match self.admit(&snapshot, &parts, &body, peer) {
            Ok(admitted) => admitted,
            Err(refusal) => {
                let mut response = refusal.response();
                self.count(&mut response, began);
                return Answer::Now(response);
            }
        };
        if let Some(response) = self.response_at_hand(&snapshot, &parts, &path, began) {
            return Answer::Now(response);
        }
        let (path, base_url) = (path.into_owned(), base_url.to_string());
        let form = (!body.is_end_stream()).then_some(body);
        let mut request = RequestInfo {
            query: parts.uri.query().unwrap_or_default().to_owned(),
            method: parts.method,
            path,
            body: None,
            headers: parts.headers,
            base_url,
            is_from_here: peer.address.ip().is_loopback(),
        };
        let router = Arc::clone(self);
        Answer::Later(Box::pin(async move {
            let mut response = router.answer(&mut request, form).await.unwrap_or_else(Refusal::response);
            router.count(&mut response, began);
            response
        }))
    }

    fn at_hand(
        &self,
        request: &RequestHead<'_>,
        _: Peer,
        began: Instant,
        head: &mut Vec<u8>,
    ) -> Option<Bytes> {
        let limits = &self.app.settings.limits;
        if request.target_bytes > limits.target_bytes || request.fields > limits.head_fields {
            return None;
        }
        let snapshot = self.app.snapshot.load();
        let address = (request.path, request.query);
        let (protocol, layer, tile) = self.tile_at_hand(&snapshot, address, request.if_none_match)?;
        let (status, body) = tile.write(layer, began, head)?;
        let bytes = body.len() as u64;
        self.sent((protocol, layer), status, began, (bytes, bytes));
        Some(body)
    }
}

/// Counts a request as long as it lives; whoever asked may leave before it is answered.
struct InFlight<'a>(&'a IntGauge);

impl<'a> InFlight<'a> {
    fn new(gauge: &'a IntGauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Why a request does not get past the gate. The connection closes: what follows on it may be anything.
#[derive(Clone, Copy)]
enum Refusal {
    Method,
    Target,
    TargetTooLong,
    Fields,
    Host,
    Body,
}

impl Refusal {
    fn response(self) -> Response {
        let (status, reason) = match self {
            Self::Method => {
                (StatusCode::METHOD_NOT_ALLOWED, "This method is not offered here; use GET or HEAD.\n")
            }
            Self::Target => (StatusCode::BAD_REQUEST, "The address is not well formed.\n"),
            Self::TargetTooLong => (StatusCode::URI_TOO_LONG, "The address is too long.\n"),
            Self::Fields => {
                (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "There are too many header fields.\n")
            }
            Self::Host => (StatusCode::BAD_REQUEST, "A request needs exactly one well-formed Host field.\n"),
            Self::Body => (StatusCode::PAYLOAD_TOO_LARGE, "No body is taken here.\n"),
        };
        let mut response = text(status, reason);
        let headers = response.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        if matches!(self, Self::Method) {
            headers.insert(header::ALLOW, HeaderValue::from_static("GET, HEAD, OPTIONS"));
        }
        response
    }
}

/// A path with its `%XX` decoded, unless that is no text or has control characters.
fn decoded(path: &str) -> Option<Cow<'_, str>> {
    let path = match memchr(b'%', path.as_bytes()) {
        Some(_) => percent_decode_str(path).decode_utf8().ok()?,
        None => Cow::Borrowed(path),
    };
    let has_controls = if path.is_ascii() {
        // All of them, at once: few paths have one to stop at.
        path.bytes().fold(false, |found, b| found | b.is_ascii_control())
    } else {
        path.chars().any(char::is_control)
    };
    (!has_controls).then_some(path)
}

impl Router {
    /// The path of a request, decoded, and the base address that it was sent to; or what is wrong with it.
    fn admit<'a>(
        &self,
        snapshot: &'a Snapshot,
        parts: &'a Parts,
        body: &Incoming,
        peer: Peer,
    ) -> Result<(Cow<'a, str>, BaseUrl<'a>), Refusal> {
        let has_body = !body.is_end_stream();
        let target = parts.uri.path_and_query().map_or(0, |target| target.as_str().len());
        if target > self.app.settings.limits.target_bytes {
            return Err(Refusal::TargetTooLong);
        }
        // HTTP/2 always sends scheme and authority; HTTP/1.1 does to a proxy, which this is not.
        let is_absolute = parts.uri.scheme().is_some() && parts.version < Version::HTTP_2;
        if is_absolute || !parts.uri.path().starts_with('/') {
            return Err(Refusal::Target);
        }
        if parts.headers.len() > self.app.settings.limits.head_fields {
            return Err(Refusal::Fields);
        }
        let path = decoded(parts.uri.path()).ok_or(Refusal::Target)?;
        let takes_form = path == FORM_PATH && parts.method == Method::POST;
        let is_order = path == admin::RESCAN && parts.method == Method::POST;
        if !matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS) && !takes_form && !is_order {
            return Err(Refusal::Method);
        }
        let mut hosts = parts.headers.get_all(header::HOST).iter();
        let (host, another) = (hosts.next(), hosts.next());
        let authority = parts.uri.authority().map(Authority::as_str);
        let is_nowhere = host.is_none() && authority.is_none();
        if another.is_some() || (is_nowhere && parts.version >= Version::HTTP_11) {
            return Err(Refusal::Host);
        }
        let proxies = &self.app.settings.trusted_proxies;
        let origin = Origin {
            configured: snapshot.service.public_url.as_deref(),
            trusted: proxies.iter().any(|network| network.contains(peer.address.ip())),
            is_encrypted: peer.is_encrypted,
            authority,
        };
        let base_url = match base_url::base_url(&parts.headers, host, origin) {
            Some(url) => url,
            None if is_nowhere => BaseUrl::Asked { scheme: origin.scheme(), host: "localhost" },
            None => return Err(Refusal::Host),
        };
        if has_body && !takes_form {
            return Err(Refusal::Body);
        }
        Ok((path, base_url))
    }
}

async fn read_form(form: Incoming) -> Result<Bytes, Refusal> {
    let whole = timeout(FORM_TIMEOUT, Limited::new(form, FORM_BYTES).collect()).await;
    Ok(whole.map_err(|_| Refusal::Body)?.map_err(|_| Refusal::Body)?.to_bytes())
}

#[cfg(test)]
mod tests {
    use tiler::{
        catalog::Imagery,
        encode::{EncodedTile, Format},
        render::{Plan, Rendered, TileAddress},
    };

    use super::*;
    use crate::{
        app::AppSettings,
        error::Fault,
        layers::EmptyTile,
        metrics::Metrics,
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
        assert_eq!(written(&head(address)), None);
        let snapshot = router.app.snapshot.load_full();
        xyz::handle(&router.app, &snapshot, &RequestInfo::get(address, "")).await;
        let (written, body) = written(&head(address)).expect("it is at hand");
        assert!(written.starts_with("HTTP/1.1 200 OK\r\n") && written.contains("content-length: 4\r\n"));
        assert_eq!(body, "tile");
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

    #[test]
    fn a_path_is_decoded_once_and_has_no_control_characters() {
        for (path, expected) in [("/a", "/a"), ("/%C3%A9%2520", "/é%20"), ("/é", "/é")] {
            assert_eq!(decoded(path).as_deref(), Some(expected));
        }
        for path in ["/%00", "/%7f", "/\u{7f}", "/%C2%85", "/\u{85}é", "/%ff"] {
            assert_eq!(decoded(path), None, "{path:?}");
        }
    }
}
