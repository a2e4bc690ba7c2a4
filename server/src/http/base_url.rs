//! How clients reach this server: what the configuration says, else what a trusted proxy says, else the `Host` field.

use std::fmt;

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

/// The base address for links, without a slash at the end. Few answers have links: its text is made for those.
#[derive(Debug, Clone, Copy)]
pub enum BaseUrl<'a> {
    /// As set up.
    Configured(&'a str),
    /// As asked for.
    Asked {
        /// `http` or `https`.
        scheme: &'static str,
        /// With a port, perhaps.
        host: &'a str,
    },
}

impl fmt::Display for BaseUrl<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Configured(url) => f.write_str(url.trim_end_matches('/')),
            Self::Asked { scheme, host } => write!(f, "{scheme}://{host}"),
        }
    }
}

/// The base address; `None` when the request has no sound host. `host` is the field of that name.
pub fn base_url<'a>(
    headers: &'a HeaderMap,
    host: Option<&'a HeaderValue>,
    origin: Origin<'a>,
) -> Option<BaseUrl<'a>> {
    if let Some(url) = origin.configured {
        return Some(BaseUrl::Configured(url));
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
    is_host(host).then_some(BaseUrl::Asked { scheme, host })
}

/// Of a list, to which a proxy behind a proxy appends, the first.
pub fn first(list: &str) -> &str {
    list.split(',').next().unwrap_or_default().trim()
}

/// Bytes that hosts are made of. Every request has one: to look it up takes less than to compare.
const IN_HOSTS: [bool; 256] = {
    let mut allowed = [false; 256];
    let mut byte = 0;
    while byte < allowed.len() {
        let b = byte as u8;
        allowed[byte] = b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':' | b'[' | b']');
        byte += 1;
    }
    allowed
};

/// Whether this is a host with perhaps a port, and nothing that could end up as markup or as another address.
pub fn is_host(host: impl AsRef<[u8]>) -> bool {
    let host = host.as_ref();
    !host.is_empty() && host.len() <= 255 && host.iter().all(|b| IN_HOSTS[usize::from(*b)])
}

#[cfg(test)]
mod tests {
    use http::header;

    use super::*;

    fn headers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        fields.iter().map(|(k, v)| (k.parse().expect("a name"), v.parse().expect("a value"))).collect()
    }

    fn base_url(headers: &HeaderMap, origin: Origin<'_>) -> Option<String> {
        super::base_url(headers, headers.get(header::HOST), origin).map(|url| url.to_string())
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
