//! Heads of answers as HTTP/1.1 writes them, for answers that do not pass through hyper.

use std::{
    cell::RefCell,
    io::Write,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use http::{HeaderMap, StatusCode};
use httpdate::HttpDate;

/// The status line and the fields, without the end of the head.
pub fn lines(status: StatusCode, headers: &HeaderMap) -> Vec<u8> {
    let mut lines = format!("HTTP/1.1 {status}\r\n").into_bytes();
    for (name, value) in headers {
        field(&mut lines, name.as_str(), value.as_bytes());
    }
    lines
}

/// One more field.
pub fn field(head: &mut Vec<u8>, name: &str, value: &[u8]) {
    for part in [name.as_bytes(), b": ", value, b"\r\n"] {
        head.extend_from_slice(part);
    }
}

/// Ends a head that is sent `now`: the length of the body, unless the status never has one, and the date.
pub fn end(head: &mut Vec<u8>, body_bytes: Option<usize>, now: Instant) {
    if let Some(bytes) = body_bytes {
        // Memory takes all that is written.
        let _ = write!(head, "content-length: {bytes}\r\n");
    }
    TODAY.with_borrow_mut(|today| field(head, "date", today.at(now)));
    head.extend_from_slice(b"\r\n");
}

thread_local! {
    static TODAY: RefCell<Today> = const { RefCell::new(Today { text: Vec::new(), until: None }) };
}

/// The date, written once a second.
struct Today {
    text: Vec<u8>,
    until: Option<Instant>,
}

impl Today {
    fn at(&mut self, now: Instant) -> &[u8] {
        if self.until.is_none_or(|until| now >= until) {
            let date = SystemTime::now();
            let past = date.duration_since(UNIX_EPOCH).unwrap_or_default().subsec_nanos();
            self.text = HttpDate::from(date).to_string().into_bytes();
            self.until = Some(now + Duration::from_nanos(u64::from(1_000_000_000 - past)));
        }
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, header};

    use super::*;

    #[test]
    fn a_head_has_its_fields_the_length_and_the_date() {
        let headers = HeaderMap::from_iter([(header::ETAG, HeaderValue::from_static("\"1\""))]);
        let mut head = lines(StatusCode::NOT_MODIFIED, &headers);
        let mut other = head.clone();
        end(&mut head, None, Instant::now());
        let head = String::from_utf8(head).expect("text");
        let date =
            head.strip_prefix("HTTP/1.1 304 Not Modified\r\netag: \"1\"\r\ndate: ").expect("in this order");
        let date = httpdate::parse_http_date(date.trim_end()).expect("a date");
        assert!(date.elapsed().expect("it is past") < Duration::from_secs(3));
        end(&mut other, Some(1234), Instant::now());
        assert!(String::from_utf8(other).expect("text").contains("\"1\"\r\ncontent-length: 1234\r\ndate: "));
    }

    #[test]
    fn the_date_changes_with_the_second() {
        let mut today = Today { text: Vec::new(), until: None };
        let now = Instant::now();
        let first = today.at(now).to_owned();
        today.text = b"kept".to_vec();
        let until = today.until.expect("it was written");
        assert!(until > now && until <= now + Duration::from_secs(1));
        assert_eq!(today.at(now), b"kept");
        assert_eq!(today.at(until).len(), first.len());
    }
}
