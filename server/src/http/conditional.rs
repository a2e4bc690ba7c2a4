//! Conditions of requests: does the client have it already, and is it still what the client thinks? Source: RFC 9110, 13.

use std::time::SystemTime;

use http::{HeaderMap, HeaderName, header};

/// Whether a list of entity tags names this one.
///
/// Source: RFC 9110, 13.1.2: the weak comparison, and `*` for any.
pub fn matches(if_none_match: &str, etag: &str) -> bool {
    if_none_match
        .split(',')
        .map(str::trim)
        .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

/// By what a representation is known again.
#[derive(Debug, Clone)]
pub struct Validators {
    /// A strong entity tag, with its quotation marks.
    pub etag: String,
    /// Last modification, to the second.
    pub modified: Option<SystemTime>,
}

/// What the conditions of a GET or HEAD come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// There is none, or all hold.
    Send,
    /// The client has it: 304.
    NotModified,
    /// It is not what the client thinks: 412.
    Failed,
}

impl Validators {
    /// Judges the conditions in the order of RFC 9110, 13.2.2.
    pub fn judge(&self, headers: &HeaderMap) -> Verdict {
        if let Some(tags) = joined(headers, &header::IF_MATCH) {
            if !tags.split(',').map(str::trim).any(|tag| tag == "*" || tag == self.etag) {
                return Verdict::Failed;
            }
        } else if self.was_modified_since(headers, &header::IF_UNMODIFIED_SINCE) == Some(true) {
            return Verdict::Failed;
        }
        let is_known = match joined(headers, &header::IF_NONE_MATCH) {
            Some(tags) => matches(&tags, &self.etag),
            None => self.was_modified_since(headers, &header::IF_MODIFIED_SINCE) == Some(false),
        };
        if is_known { Verdict::NotModified } else { Verdict::Send }
    }

    /// Whether a `Range` counts: not if `If-Range` names another state.
    pub fn allow_range(&self, headers: &HeaderMap) -> bool {
        let Some(given) = headers.get(header::IF_RANGE) else { return true };
        let Ok(given) = given.to_str() else { return false };
        // A weak tag never compares as strong.
        given == self.etag
            || (self.modified.is_some() && httpdate::parse_http_date(given).ok() == self.modified)
    }

    fn was_modified_since(&self, headers: &HeaderMap, name: &HeaderName) -> Option<bool> {
        let since = httpdate::parse_http_date(headers.get(name)?.to_str().ok()?).ok()?;
        Some(self.modified? > since)
    }
}

/// A field that may be sent in several lines.
fn joined(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let lines: Vec<&str> = headers.get_all(name).iter().filter_map(|line| line.to_str().ok()).collect();
    headers.contains_key(name).then(|| lines.join(","))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_list_a_weak_tag_and_the_star_match() {
        for tags in ["\"a\"", "\"b\", \"a\"", "W/\"a\"", "*"] {
            assert!(matches(tags, "\"a\""), "{tags}");
        }
        for tags in ["\"b\"", "a", ""] {
            assert!(!matches(tags, "\"a\""), "{tags}");
        }
    }

    const BEFORE: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
    const THEN: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const LATER: &str = "Sun, 06 Nov 1994 08:49:38 GMT";

    fn validators() -> Validators {
        let modified = UNIX_EPOCH + Duration::from_secs(784_111_777);
        Validators { etag: "\"a\"".to_owned(), modified: Some(modified) }
    }

    fn headers(fields: &[(HeaderName, &'static str)]) -> HeaderMap {
        fields.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn tags_come_before_dates() {
        use header::{IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_UNMODIFIED_SINCE};
        for (fields, verdict) in [
            (&[][..], Verdict::Send),
            (&[(IF_NONE_MATCH, "\"a\"")], Verdict::NotModified),
            (&[(IF_NONE_MATCH, "\"b\""), (IF_MODIFIED_SINCE, LATER)], Verdict::Send),
            (&[(IF_MODIFIED_SINCE, THEN)], Verdict::NotModified),
            (&[(IF_MODIFIED_SINCE, BEFORE)], Verdict::Send),
            (&[(IF_MODIFIED_SINCE, "yesterday")], Verdict::Send),
            (&[(IF_MATCH, "\"b\"")], Verdict::Failed),
            (&[(IF_MATCH, "W/\"a\"")], Verdict::Failed),
            (&[(IF_MATCH, "\"a\""), (IF_UNMODIFIED_SINCE, BEFORE)], Verdict::Send),
            (&[(IF_UNMODIFIED_SINCE, BEFORE)], Verdict::Failed),
            (&[(IF_UNMODIFIED_SINCE, THEN)], Verdict::Send),
        ] {
            assert_eq!(validators().judge(&headers(fields)), verdict, "{fields:?}");
        }
    }

    #[test]
    fn a_range_of_another_state_does_not_count() {
        let allows = |value| validators().allow_range(&headers(&[(header::IF_RANGE, value)]));
        assert!(allows("\"a\"") && allows(THEN) && validators().allow_range(&HeaderMap::new()));
        assert!(!allows("W/\"a\"") && !allows("\"b\"") && !allows(LATER) && !allows(""));
    }
}
