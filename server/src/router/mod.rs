//! A request from the socket to its handler and back:
//!
//! 1. the gate: method, host, target, body and path are sound, or a 4xx and the connection closes;
//! 2. a tile at hand is counted and sent at once, most often before the gate, from a head that needs none ([`Handler::at_hand`]);
//! 3. `OPTIONS` is answered for every path;
//! 4. the first part of the path chooses the handler, which keeps the snapshot that is published now;
//! 5. documents are packed, and the answer is counted and logged.
//!
//! [`Router::handle`] is this list as code.

mod addresses;
mod at_hand;
mod gate;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body as _, Incoming};
use prometheus::IntGauge;
use tokio::time::timeout;

use self::{addresses::Addresses, gate::Refusal};

use crate::{
    admin,
    app::App,
    files::Files,
    http::{
        Answer, Handler, RequestInfo, Response, compression,
        connection::Peer,
        head::RequestHead,
        respond::{self, text},
    },
    legend,
    tiles::TileBytes,
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
    addresses: Arc<Addresses>,
}

impl Router {
    /// A router for this state.
    pub fn new(app: Arc<App>) -> Self {
        let addresses = Arc::new(Addresses::of(&app.settings.tiles));
        Self { app, files: Arc::default(), addresses }
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
    type Body = TileBytes;

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
    ) -> Option<TileBytes> {
        self.write_at_hand(request, began, head)
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

async fn read_form(form: Incoming) -> Result<Bytes, Refusal> {
    let whole = timeout(FORM_TIMEOUT, Limited::new(form, FORM_BYTES).collect()).await;
    Ok(whole.map_err(|_| Refusal::Body)?.map_err(|_| Refusal::Body)?.to_bytes())
}
