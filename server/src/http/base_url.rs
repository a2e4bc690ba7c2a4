//! How clients reach this server: what the configuration says, else what a trusted proxy says, else the `Host` field.

use http::{HeaderMap, HeaderValue};

/// Where the base address comes from.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    /// The configured address, which wins over everything.
    pub configured: Option<&'a str>,
    /// Whether the peer is a proxy whose word counts.
    pub trusted: bool,
    /// Whether the request came by TLS.
    pub is_encrypted: bool,
    /// The host where it is not in a field: HTTP/2 has it in the address.
    pub authority: Option<&'a str>,
}

impl Origin<'_> {
    /// How the peer speaks to us.
    pub fn scheme(&self) -> &'static str {
        if self.is_encrypted { "https" } else { "http" }
    }
}

/// The base address for links, without a slash at the end; `None` when the request has no sound host. `host` is the field of that name.
pub fn base_url(headers: &HeaderMap, host: Option<&HeaderValue>, origin: Origin<'_>) -> Option<String> {
    if let Some(url) = origin.configured {
        return Some(url.trim_end_matches('/').to_owned());
    }
    let forwarded = |name: &str| {
        if !origin.trusted {
            return None;
        }
        headers.get(name)?.to_str().ok().map(first)
    };
    let asked = match (origin.authority, host) {
        // Two hosts that differ are a trick: RFC 9113, 8.3.1.
        (Some(authority), Some(host)) if !host.as_bytes().eq_ignore_ascii_case(authority.as_bytes()) => None,
        (Some(authority), _) => Some(authority),
        (None, host) => host.and_then(|host| host.to_str().ok()),
    }?;
    let host = forwarded("x-forwarded-host").unwrap_or(asked);
    let scheme = match forwarded("x-forwarded-proto") {
        Some("https") => "https",
        Some(_) => "http",
        None => origin.scheme(),
    };
    if !is_host(host) {
        return None;
    }
    // Made for every request, so by the shortest way.
    let mut url = String::with_capacity(scheme.len() + 3 + host.len());
    for part in [scheme, "://", host] {
        url.push_str(part);
    }
    Some(url)
}

/// A proxy behind a proxy appends to the list.
fn first(list: &str) -> &str {
    list.split(',').next().unwrap_or_default().trim()
}

/// Whether this is a host with perhaps a port, and nothing that could end up as markup or as another address.
pub fn is_host(host: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':' | b'[' | b']');
    !host.is_empty() && host.len() <= 255 && host.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use http::header;

    use super::*;

    fn headers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        fields.iter().map(|(k, v)| (k.parse().expect("a name"), v.parse().expect("a value"))).collect()
    }

    fn base_url(headers: &HeaderMap, origin: Origin<'_>) -> Option<String> {
        super::base_url(headers, headers.get(header::HOST), origin)
    }

    const UNTRUSTED: Origin<'_> =
        Origin { configured: None, trusted: false, is_encrypted: false, authority: None };

    #[test]
    fn a_stranger_cannot_change_the_address() {
        let fields =
            headers(&[("host", "a:8080"), ("x-forwarded-host", "evil"), ("x-forwarded-proto", "https")]);
        assert_eq!(base_url(&fields, UNTRUSTED).as_deref(), Some("http://a:8080"));
        let trusted = Origin { trusted: true, ..UNTRUSTED };
        assert_eq!(base_url(&fields, trusted).as_deref(), Some("https://evil"));
        let configured = Origin { configured: Some("https://tiles.example.org/"), ..trusted };
        assert_eq!(base_url(&fields, configured).as_deref(), Some("https://tiles.example.org"));
    }

    #[test]
    fn tls_and_http_2_tell_scheme_and_host_themselves() {
        let encrypted = Origin { is_encrypted: true, authority: Some("a:8443"), ..UNTRUSTED };
        assert_eq!(base_url(&headers(&[]), encrypted).as_deref(), Some("https://a:8443"));
        assert_eq!(base_url(&headers(&[("host", "A:8443")]), encrypted).as_deref(), Some("https://a:8443"));
        assert_eq!(base_url(&headers(&[("host", "b")]), encrypted), None);
        let proxied = Origin { trusted: true, ..encrypted };
        let fields = headers(&[("x-forwarded-proto", "http")]);
        assert_eq!(base_url(&fields, proxied).as_deref(), Some("http://a:8443"));
    }

    #[test]
    fn a_host_with_markup_is_none() {
        assert_eq!(base_url(&headers(&[("host", "a\"><b>")]), UNTRUSTED), None);
        assert_eq!(base_url(&headers(&[("host", "a/../b")]), UNTRUSTED), None);
        assert_eq!(base_url(&headers(&[]), UNTRUSTED), None);
    }
}
