//! `If-None-Match`: does the client have it already?

/// Whether a list of entity tags names this one.
///
/// Source: RFC 9110, 13.1.2: the weak comparison, and `*` for any.
pub fn matches(if_none_match: &str, etag: &str) -> bool {
    if_none_match
        .split(',')
        .map(str::trim)
        .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

#[cfg(test)]
mod tests {
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
}
