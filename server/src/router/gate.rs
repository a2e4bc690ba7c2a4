//! The gate: method, host, target, body and path are sound, or a 4xx and the connection closes.

use std::borrow::Cow;

use http::{HeaderValue, Method, StatusCode, Version, header, request::Parts, uri::Authority};
use hyper::body::{Body as _, Incoming};
use memchr::memchr;
use percent_encoding::percent_decode_str;

use super::{FORM_PATH, Router};
use crate::{
    admin,
    http::{
        Response,
        base_url::{self, BaseUrl, Origin},
        connection::Peer,
        respond::text,
    },
    layers::Snapshot,
};

/// Why a request does not get past the gate. The connection closes: what follows on it may be anything.
#[derive(Clone, Copy)]
pub(super) enum Refusal {
    Method,
    Target,
    TargetTooLong,
    Fields,
    Host,
    Body,
}

impl Refusal {
    pub(super) fn response(self) -> Response {
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
    pub(super) fn admit<'a>(
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
