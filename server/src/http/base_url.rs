//! How clients reach this server: what the configuration says, else what a trusted proxy says, else the `Host` field.

use http::{HeaderMap, header};

/// Where the base address comes from.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    /// The configured address, which wins over everything.
    pub configured: Option<&'a str>,
    /// Whether the peer is a proxy whose word counts.
    pub trusted: bool,
}

/// The base address for links, without a slash at the end; `None` when the request has no sound host.
pub fn base_url(headers: &HeaderMap, origin: Origin<'_>) -> Option<String> {
    if let Some(url) = origin.configured {
        return Some(url.trim_end_matches('/').to_owned());
    }
    let field = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(first);
    let forwarded = |name: &str| field(name).filter(|_| origin.trusted);
    let host = forwarded("x-forwarded-host").or_else(|| field(header::HOST.as_str()))?;
    let scheme = match forwarded("x-forwarded-proto") {
        Some("https") => "https",
        _ => "http",
    };
    is_host(host).then(|| format!("{scheme}://{host}"))
}

/// A proxy behind a proxy appends to the list.
fn first(list: &str) -> &str {
    list.split(',').next().unwrap_or_default().trim()
}

/// Whether this is a host with perhaps a port, and nothing that could end up as markup or as another address.
pub fn is_host(host: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
    !host.is_empty() && host.len() <= 255 && host.chars().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        fields.iter().map(|(k, v)| (k.parse().expect("a name"), v.parse().expect("a value"))).collect()
    }

    const UNTRUSTED: Origin<'_> = Origin { configured: None, trusted: false };

    #[test]
    fn a_stranger_cannot_change_the_address() {
        let fields =
            headers(&[("host", "a:8080"), ("x-forwarded-host", "evil"), ("x-forwarded-proto", "https")]);
        assert_eq!(base_url(&fields, UNTRUSTED).as_deref(), Some("http://a:8080"));
        let trusted = Origin { trusted: true, ..UNTRUSTED };
        assert_eq!(base_url(&fields, trusted).as_deref(), Some("https://evil"));
        let configured = Origin { configured: Some("https://tiles.example.org/"), trusted: true };
        assert_eq!(base_url(&fields, configured).as_deref(), Some("https://tiles.example.org"));
    }

    #[test]
    fn a_host_with_markup_is_none() {
        assert_eq!(base_url(&headers(&[("host", "a\"><b>")]), UNTRUSTED), None);
        assert_eq!(base_url(&headers(&[("host", "a/../b")]), UNTRUSTED), None);
        assert_eq!(base_url(&headers(&[]), UNTRUSTED), None);
    }
}
