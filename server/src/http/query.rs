//! The query string and urlencoded bodies as parameters. It knows how names and values are written, not which of them
//! an operation needs.

use percent_encoding::percent_decode;

use crate::error::{Fault, Parameter};

/// Longest query string that is looked at, in bytes.
const MAX_BYTES: usize = 8 * 1024;
/// Most parameters that are looked at.
const MAX_PARAMETERS: usize = 100;

/// Decoded parameters; names compare without ASCII case, unknown ones are ignored.
#[derive(Debug, Default)]
pub struct Query {
    /// Name and value; `None` where the value is not UTF-8 once decoded.
    pairs: Vec<(String, Option<String>)>,
}

impl Query {
    /// Reads `name=value&…`. Doubled or trailing separators are skipped, and a `?` separates like a `&`: clients append
    /// `?SERVICE=…` to addresses that have a query already.
    ///
    /// # Errors
    /// [`Fault::Invalid`] with [`Parameter::Query`] for a text over the limits.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        if text.len() > MAX_BYTES {
            return Err(Fault::Invalid { parameter: Parameter::Query });
        }
        let mut pairs = Vec::new();
        for part in text.split(['&', '?']).filter(|part| !part.is_empty()) {
            if pairs.len() == MAX_PARAMETERS {
                return Err(Fault::Invalid { parameter: Parameter::Query });
            }
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            if let Some(name) = decode(name) {
                pairs.push((name, decode(value)));
            }
        }
        Ok(Self { pairs })
    }

    /// The value of a parameter, `None` where it is absent; it may be empty.
    ///
    /// # Errors
    /// [`Fault::Duplicate`] where it is given twice, [`Fault::Invalid`] where it is not UTF-8.
    pub fn get(&self, parameter: Parameter) -> Result<Option<&str>, Fault> {
        let mut found = self.pairs.iter().filter(|(name, _)| name.eq_ignore_ascii_case(parameter.name()));
        let Some((_, value)) = found.next() else { return Ok(None) };
        if found.next().is_some() {
            return Err(Fault::Duplicate { parameter });
        }
        value.as_deref().map(Some).ok_or(Fault::Invalid { parameter })
    }

    /// The value of a parameter that must be there and not be empty.
    ///
    /// # Errors
    /// As [`Query::get`], and [`Fault::Missing`].
    pub fn required(&self, parameter: Parameter) -> Result<&str, Fault> {
        self.get(parameter)?.filter(|value| !value.is_empty()).ok_or(Fault::Missing { parameter })
    }
}

/// A whole number written as `0|[1-9][0-9]*`, else `None`. One too large for 32 bits is `u32::MAX`, which is outside
/// every tile matrix and every tile.
pub fn strict_u32(text: &str) -> Option<u32> {
    let digits @ ([b'0'] | [b'1'..=b'9', ..]) = text.as_bytes() else { return None };
    digits.iter().try_fold(0_u32, |number, byte| {
        byte.is_ascii_digit().then(|| number.saturating_mul(10).saturating_add(u32::from(byte - b'0')))
    })
}

/// What is before and after the first byte of that value, an ASCII character. For texts as short as parts of a path it takes less
/// than [`str::split_once`].
pub fn cut(text: &str, byte: u8) -> Option<(&str, &str)> {
    debug_assert!(byte.is_ascii(), "others are parts of characters");
    let at = text.bytes().position(|one| one == byte)?;
    Some((&text[..at], &text[at + 1..]))
}

/// The same with the last one.
pub fn cut_last(text: &str, byte: u8) -> Option<(&str, &str)> {
    debug_assert!(byte.is_ascii(), "others are parts of characters");
    let at = text.bytes().rposition(|one| one == byte)?;
    Some((&text[..at], &text[at + 1..]))
}

/// A decimal number, with a point and an exponent or without: no name of a number that is none, no blank.
pub fn strict_decimal(text: &str) -> Option<f64> {
    let well_formed = text.len() <= 32 && text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
    text.parse().ok().filter(|number: &f64| well_formed && number.is_finite())
}

/// `+` and `%XX` to text; `None` where the bytes are not UTF-8.
fn decode(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    percent_decode(spaced.as_bytes()).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_compare_without_case_and_values_are_decoded() {
        let query = Query::parse("LaYeR=a%20b+c&tilematrix=%C3%A9").expect("parses");
        assert_eq!(query.get(Parameter::Layer).expect("one"), Some("a b c"));
        assert_eq!(query.get(Parameter::TileMatrix).expect("one"), Some("é"));
        assert_eq!(query.get(Parameter::Style).expect("absent"), None);
    }

    #[test]
    fn doubled_and_trailing_separators_are_skipped() {
        for text in
            ["?service=WMTS", "service=WMTS&", "&&service=WMTS&&", "map=x?service=WMTS", "??service=WMTS?"]
        {
            let query = Query::parse(text).expect("parses");
            assert_eq!(query.get(Parameter::Service).expect("one"), Some("WMTS"), "{text}");
        }
    }

    #[test]
    fn a_known_parameter_given_twice_is_a_duplicate_and_an_unknown_one_is_not() {
        let query = Query::parse("layer=a&LAYER=a&x_=1&x_=2").expect("parses");
        assert!(matches!(query.get(Parameter::Layer), Err(Fault::Duplicate { parameter: Parameter::Layer })));
        assert!(query.get(Parameter::Style).is_ok());
    }

    #[test]
    fn bytes_that_are_not_utf8_blame_their_parameter_only() {
        let query = Query::parse("comment=%E9&layer=%E9&style=").expect("parses");
        assert!(matches!(query.get(Parameter::Layer), Err(Fault::Invalid { parameter: Parameter::Layer })));
        assert!(matches!(
            query.required(Parameter::Style),
            Err(Fault::Missing { parameter: Parameter::Style })
        ));
    }

    #[test]
    fn a_query_over_the_limits_is_refused() {
        let long = format!("layer={}", "a".repeat(MAX_BYTES));
        let many = "a=b&".repeat(MAX_PARAMETERS + 1);
        for text in [long, many] {
            assert!(matches!(Query::parse(&text), Err(Fault::Invalid { parameter: Parameter::Query })));
        }
    }

    #[test]
    fn a_text_is_cut_once() {
        for text in ["", "a", "/", "é/ü", "a/b/c", "/a/", "//"] {
            assert_eq!(cut(text, b'/'), text.split_once('/'), "{text}");
            assert_eq!(cut_last(text, b'/'), text.rsplit_once('/'), "{text}");
        }
    }

    #[test]
    fn only_plain_numbers_are_numbers() {
        assert_eq!(strict_u32("0"), Some(0));
        assert_eq!(strict_u32("4294967294"), Some(4_294_967_294));
        assert_eq!(strict_u32("99999999999999999999"), Some(u32::MAX));
        for text in ["", "00", "01", "-1", "+1", "1.0", "1e3", " 1", "0x10", "١"] {
            assert_eq!(strict_u32(text), None, "{text}");
        }
    }

    #[test]
    fn decimals_are_numbers_and_finite() {
        for (text, number) in [("3.5", 3.5), ("-43", -43.0), ("1e-7", 1e-7), ("0", 0.0)] {
            assert_eq!(strict_decimal(text), Some(number), "{text}");
        }
        let long = "1".repeat(33);
        for text in ["", " 1", "1,5", "nan", "inf", "-infinity", "1e999", "0x1", "--1", "1e", "٣", &long] {
            assert_eq!(strict_decimal(text), None, "{text}");
        }
    }
}
