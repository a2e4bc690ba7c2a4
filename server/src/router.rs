//! A request from the socket to its handler and back:
//!
//! 1. the gate: method, host, target, body and path are sound, or a 4xx and the connection closes;
//! 2. `OPTIONS` is answered for every path;
//! 3. the first part of the path chooses the handler, which keeps the snapshot that is published now;
//! 4. documents are packed, and the answer is counted and logged.
//!
//! [`Router::handle`] is this list as code.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode, Version, header, uri::Authority};
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
        Handler, RequestInfo, Response,
        base_url::{self, Origin},
        compression,
        connection::Peer,
        respond::{self, text},
    },
    legend, ui, wmts, xyz,
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

    /// What is seldom needed waits in memory of its own: what a tile carries along is copied several times.
    async fn answer(&self, request: &mut RequestInfo, form: Option<Incoming>) -> Result<Response, Refusal> {
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

    fn count(&self, response: &mut Response, started: Instant) {
        let labels = response.body_mut().take_labels();
        let (protocol, layer) = (labels.protocol, labels.layer.as_str());
        let metrics = &self.app.metrics;
        let (status, took) = (response.status(), started.elapsed());
        let series = metrics.answers.of(protocol, layer);
        series.answered(status, took);
        response.body_mut().count_in(series);
        if self.app.settings.access_log {
            let status = status.as_u16();
            let bytes = response.body().size_hint().exact().unwrap_or(0);
            tracing::info!(protocol, layer, status, bytes, took_us = took.as_micros() as u64, "request");
        }
    }
}

impl Handler for Router {
    fn handle(
        self: Arc<Self>,
        request: Request<Incoming>,
        peer: Peer,
    ) -> impl Future<Output = Response> + Send + use<> {
        let started = Instant::now();
        let mut admitted = self.admit(request, peer);
        async move {
            let _in_flight = InFlight::new(&self.app.metrics.in_flight);
            let answered = match &mut admitted {
                Ok((request, form)) => self.answer(request, form.take()).await,
                Err(refusal) => Err(*refusal),
            };
            let mut response = answered.unwrap_or_else(Refusal::response);
            self.count(&mut response, started);
            response
        }
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
fn decoded(path: &str) -> Option<String> {
    let path = match memchr(b'%', path.as_bytes()) {
        Some(_) => percent_decode_str(path).decode_utf8().ok()?.into_owned(),
        None => path.to_owned(),
    };
    let has_controls = if path.is_ascii() {
        path.bytes().any(|b| b.is_ascii_control())
    } else {
        path.chars().any(char::is_control)
    };
    (!has_controls).then_some(path)
}

impl Router {
    /// Takes a request apart, with the form that is still to be read, or says what is wrong with it.
    fn admit(
        &self,
        request: Request<Incoming>,
        peer: Peer,
    ) -> Result<(RequestInfo, Option<Incoming>), Refusal> {
        let (parts, body) = request.into_parts();
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
        let snapshot = self.app.snapshot.load();
        let origin = Origin {
            configured: snapshot.service.public_url.as_deref(),
            trusted: proxies.iter().any(|network| network.contains(peer.address.ip())),
            is_encrypted: peer.is_encrypted,
            authority,
        };
        let base_url = match base_url::base_url(&parts.headers, host, origin) {
            Some(url) => url,
            None if is_nowhere => format!("{}://localhost", origin.scheme()),
            None => return Err(Refusal::Host),
        };
        if has_body && !takes_form {
            return Err(Refusal::Body);
        }
        let query = parts.uri.query().unwrap_or_default().to_owned();
        let request = RequestInfo {
            method: parts.method,
            path,
            query,
            body: None,
            headers: parts.headers,
            base_url,
            is_from_here: peer.address.ip().is_loopback(),
        };
        Ok((request, takes_form.then_some(body)))
    }
}

async fn read_form(form: Incoming) -> Result<Bytes, Refusal> {
    let whole = timeout(FORM_TIMEOUT, Limited::new(form, FORM_BYTES).collect()).await;
    Ok(whole.map_err(|_| Refusal::Body)?.map_err(|_| Refusal::Body)?.to_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

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
