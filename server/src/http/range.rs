//! `Range`: which bytes of a representation are wanted. Source: RFC 9110, 14.

use std::ops::Range;

/// What to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// All of it: nothing else is asked for, or nothing that is understood here.
    Whole,
    /// These bytes; never empty.
    Part(Range<u64>),
    /// Nothing: the range lies behind the end.
    Nothing,
}

/// Reads the field for a representation of so many bytes.
///
/// Several ranges are answered with the whole, as the standard allows: GDAL and browsers ask for one.
pub fn wanted(range: &str, bytes: u64) -> Wanted {
    let Some((unit, set)) = range.split_once('=') else { return Wanted::Whole };
    if !unit.trim().eq_ignore_ascii_case("bytes") || set.contains(',') {
        return Wanted::Whole;
    }
    let Some((first, last)) = set.trim().split_once('-') else { return Wanted::Whole };
    let range = match (number(first), number(last)) {
        // The last bytes; of none of them there is nothing to send.
        (None, Some(count)) if first.is_empty() => bytes.saturating_sub(count)..bytes,
        (Some(first), None) if last.is_empty() => first..bytes,
        (Some(first), Some(last)) if first <= last => first..bytes.min(last.saturating_add(1)),
        _ => return Wanted::Whole,
    };
    if range.is_empty() { Wanted::Nothing } else { Wanted::Part(range) }
}

/// Digits only; a number too large for a file is larger than every file.
fn number(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_is_a_part() {
        for (range, part) in [
            ("bytes=0-0", 0..1),
            ("bytes=0-99", 0..100),
            ("bytes=10-", 10..100),
            ("bytes=-10", 90..100),
            ("bytes=-1000", 0..100),
            ("bytes=90-1000", 90..100),
            ("bytes=99-99999999999999999999999", 99..100),
            ("Bytes= 1-2 ", 1..3),
        ] {
            assert_eq!(wanted(range, 100), Wanted::Part(part), "{range}");
        }
    }

    #[test]
    fn behind_the_end_there_is_nothing() {
        for range in ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=99999999999999999999999-"] {
            assert_eq!(wanted(range, 100), Wanted::Nothing, "{range}");
        }
        assert_eq!(wanted("bytes=0-", 0), Wanted::Nothing);
    }

    #[test]
    fn what_is_not_understood_is_the_whole() {
        for range in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=5-4",
            "bytes=a-b",
            "bytes=+1-2",
            "bytes=1 - 2",
            "rows=0-1",
            "bytes=0-1,5-6",
            "bytes=--1",
            "bytes=1-2-3",
        ] {
            assert_eq!(wanted(range, 100), Wanted::Whole, "{range}");
        }
    }
}
