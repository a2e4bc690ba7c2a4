//! Checks of single values: a number in its range, a word of a list, a text that XML can carry. They know no section.

use std::{net::SocketAddr, ops::RangeInclusive};

use serde_spanned::Spanned;

use super::{problem::Report, raw::Given};

/// No text of the configuration is longer.
const TEXT_LIMIT_BYTES: usize = 16 << 10;

impl Report<'_> {
    /// A whole number within its range; `None` where it is absent or wrong.
    pub(super) fn number(
        &mut self,
        key: &str,
        given: &Given<i64>,
        range: RangeInclusive<i64>,
    ) -> Option<u32> {
        let given = given.as_ref()?;
        let number = *given.get_ref();
        if range.contains(&number) {
            return u32::try_from(number).ok();
        }
        let (least, most) = range.into_inner();
        self.at(&given.span(), format!("{key} is {number}; it must be from {least} to {most}"));
        None
    }

    /// A word that stands for a value; `None` where it is absent or wrong.
    pub(super) fn choice<T: Copy>(
        &mut self,
        key: &str,
        given: &Given<String>,
        words: &[(&str, T)],
    ) -> Option<T> {
        self.word(key, given.as_ref()?, words)
    }

    /// As [`Report::choice`], for an element of a list.
    pub(super) fn word<T: Copy>(
        &mut self,
        key: &str,
        given: &Spanned<String>,
        words: &[(&str, T)],
    ) -> Option<T> {
        let found = words.iter().find(|(word, _)| word == given.get_ref());
        if found.is_none() {
            let known: Vec<_> = words.iter().map(|(word, _)| format!("{word:?}")).collect();
            self.at(
                &given.span(),
                format!("{key} is {:?}; it must be {}", given.get_ref(), known.join(" or ")),
            );
        }
        found.map(|&(_, value)| value)
    }

    /// A text for people; `None` where it is absent or wrong.
    pub(super) fn text(&mut self, key: &str, given: &Given<String>) -> Option<String> {
        let given = given.as_ref()?;
        let text = given.get_ref().trim();
        if text.len() > TEXT_LIMIT_BYTES {
            self.at(&given.span(), format!("{key} is longer than {TEXT_LIMIT_BYTES} bytes"));
            return None;
        }
        // XML 1.0 cannot carry these, not even escaped.
        if text
            .chars()
            .any(|c| (c.is_control() && c != '\n' && c != '\t') || matches!(c, '\u{fffe}' | '\u{ffff}'))
        {
            self.at(&given.span(), format!("{key} has control characters"));
            return None;
        }
        Some(text.to_owned())
    }

    /// A web address; `None` where it is absent or wrong.
    pub(super) fn url(&mut self, key: &str, given: &Given<String>) -> Option<String> {
        let given = given.as_ref()?;
        let checked = web_address(given.get_ref());
        if let Err(message) = checked {
            self.at(&given.span(), format!("{key} {message}"));
        }
        checked.ok()
    }

    /// A colour as `#rrggbb`; `None` where it is absent or wrong.
    pub(super) fn colour(&mut self, key: &str, given: &Given<String>) -> Option<[u8; 3]> {
        let given = given.as_ref()?;
        let colour = colour(given.get_ref());
        if colour.is_none() {
            self.at(&given.span(), format!("{key} is {:?}; it must be as \"#ffffff\"", given.get_ref()));
        }
        colour
    }
}

/// An address to listen on.
pub(super) fn listen_address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse().map_err(|_| "must be an address and a port, as \"127.0.0.1:8080\" or \"[::]:8080\"")
}

/// A web address without its trailing slashes.
pub(super) fn web_address(text: &str) -> Result<String, &'static str> {
    let trimmed = text.trim_end_matches('/');
    let rest = trimmed.strip_prefix("https://").or_else(|| trimmed.strip_prefix("http://"));
    match rest {
        None => Err("must start with http:// or https://"),
        Some(rest) if rest.is_empty() || rest.starts_with('/') => Err("has no host"),
        Some(rest) if !rest.bytes().all(|b| b.is_ascii_graphic() && !b"\"'<>\\^`{|}?#".contains(&b)) => {
            Err("must be plain, percent-encoded and without a query")
        }
        Some(_) => Ok(trimmed.to_owned()),
    }
}

fn colour(text: &str) -> Option<[u8; 3]> {
    let digits = text.strip_prefix('#')?;
    if digits.len() != 6 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let [_, red, green, blue] = u32::from_str_radix(digits, 16).ok()?.to_be_bytes();
    Some([red, green, blue])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_is_six_hexadecimal_digits() {
        assert_eq!(colour("#01abFF"), Some([1, 0xab, 0xff]));
        for wrong in ["", "#", "#fff", "ffffff", "#+12345", "#gggggg", "#1234567"] {
            assert_eq!(colour(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_web_address_loses_its_slash_and_must_have_a_host() {
        assert_eq!(web_address("https://example.org/tiles/"), Ok("https://example.org/tiles".to_owned()));
        for wrong in [
            "example.org",
            "ftp://example.org",
            "https://",
            "http:///x",
            "http://a b",
            "http://a/?q",
            "http://a\"b",
        ] {
            assert!(web_address(wrong).is_err(), "{wrong}");
        }
    }
}
