//! Heads of requests that ask for nothing but an address: what they say is read where it lies.
//!
//! Any other head is hyper's to read, also each that may be malformed: nothing is judged here.

use std::mem::MaybeUninit;

use httparse::{Request, Status};

use super::base_url::{first, is_host};

/// What the head of a request ends with.
pub const HEAD_END: &[u8] = b"\r\n\r\n";
/// Fields of such a head at most.
const MOST_FIELDS: usize = 40;

/// A `GET` of HTTP/1.1 without a body, after which the connection stays open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestHead<'a> {
    /// The address, as sent.
    pub target: &'a str,
    /// Before the question mark: a slash, and nothing to decode.
    pub path: &'a str,
    /// After it, as sent, or empty.
    pub query: &'a str,
    /// What the client has.
    pub if_none_match: Option<&'a str>,
    /// How many fields there are.
    pub fields: usize,
}

impl<'a> RequestHead<'a> {
    /// The head, where that is all there is.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let mut fields = [const { MaybeUninit::uninit() }; MOST_FIELDS];
        let mut request = Request::new(&mut []);
        let parsed = request.parse_with_uninit_headers(bytes, &mut fields);
        // Blank lines before it would be skipped, and lines may end without a carriage return.
        let is_plain = bytes.starts_with(b"GET /") && bytes.ends_with(HEAD_END);
        if !is_plain || parsed != Ok(Status::Complete(bytes.len())) || request.version != Some(1) {
            return None;
        }
        let target = request.path.filter(|target| means_what_it_says(target))?;
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        if path.contains('%') {
            return None;
        }
        let (mut host, mut if_none_match) = (None, None);
        for field in &*request.headers {
            match Field::of(field.name) {
                Field::Ignored => {}
                Field::Host => once(&mut host, field.value)?,
                Field::IfNoneMatch => once(&mut if_none_match, field.value)?,
                Field::Connection => field.value.eq_ignore_ascii_case(b"keep-alive").then_some(())?,
                Field::ForwardedHost => text(field.value).filter(|hosts| is_host(first(hosts))).map(drop)?,
                Field::Decisive => return None,
            }
        }
        if !is_host(host?) {
            return None;
        }
        let if_none_match = match if_none_match {
            Some(tags) => Some(text(tags)?),
            None => None,
        };
        Some(Self { target, path, query, if_none_match, fields: request.headers.len() })
    }
}

fn once<'a>(field: &mut Option<&'a [u8]>, value: &'a [u8]) -> Option<()> {
    field.replace(value).is_none().then_some(())
}

fn text(value: &[u8]) -> Option<&str> {
    str::from_utf8(value).ok().filter(|text| text.is_ascii())
}

/// What a field is to a request for an address.
enum Field {
    Ignored,
    Host,
    IfNoneMatch,
    Connection,
    ForwardedHost,
    /// It says where the request ends, or what becomes of the connection.
    Decisive,
}

impl Field {
    fn of(name: &str) -> Self {
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        match name.len() {
            4 if is("host") => Self::Host,
            13 if is("if-none-match") => Self::IfNoneMatch,
            10 if is("connection") => Self::Connection,
            16 if is("x-forwarded-host") => Self::ForwardedHost,
            6 if is("expect") => Self::Decisive,
            7 if is("upgrade") => Self::Decisive,
            14 if is("content-length") => Self::Decisive,
            17 if is("transfer-encoding") => Self::Decisive,
            _ => Self::Ignored,
        }
    }
}

/// Whether an address is made of letters, digits, `_` and what lies between `$` and `@`, except `<` and `>`.
fn means_what_it_says(target: &str) -> bool {
    let is_odd = |byte: u8| !matches!(byte, b'$'..=b';' | b'=' | b'?'..=b'Z' | b'_' | b'a'..=b'z');
    // All of them, at once: few addresses have one to stop at.
    !target.bytes().fold(false, |found, byte| found | is_odd(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(fields: &str) -> String {
        format!("GET /xyz/a/1/2/3.png?time=2024 HTTP/1.1\r\nHost: a.example:80\r\n{fields}\r\n")
    }

    #[test]
    fn what_browsers_send_is_read() {
        let text = with(
            "Connection: Keep-Alive\r\nAccept: image/*\r\nCookie: a=\u{e9}\r\nIf-None-Match: \"1\", W/\"2\"\r\n\
             X-Forwarded-Host: b.example, c\r\nReferer: https://b.example/\r\n",
        );
        let head = RequestHead::parse(text.as_bytes()).expect("it is simple");
        let tags = Some("\"1\", W/\"2\"");
        assert_eq!((head.path, head.query, head.if_none_match), ("/xyz/a/1/2/3.png", "time=2024", tags));
        assert_eq!((head.fields, head.target), (7, "/xyz/a/1/2/3.png?time=2024"));
    }

    #[test]
    fn a_head_that_asks_for_more_is_not() {
        assert!(RequestHead::parse(with("").as_bytes()).is_some());
        for fields in [
            "Connection: close\r\n",
            "Connection: keep-alive, upgrade\r\n",
            "Content-Length: 0\r\n",
            "transfer-encoding: chunked\r\n",
            "Expect: 100-continue\r\n",
            "Upgrade: h2c\r\n",
            "Host: a.example\r\n",
            "If-None-Match: \"1\"\r\nIf-None-Match: \"2\"\r\n",
            "If-None-Match: \u{e9}\r\n",
            "X-Forwarded-Host: <b>\r\n",
            "A b: c\r\n",
            " folded\r\n",
        ] {
            assert_eq!(RequestHead::parse(with(fields).as_bytes()), None, "{fields}");
        }
        let many = "A: b\r\n".repeat(MOST_FIELDS);
        assert_eq!(RequestHead::parse(with(&many).as_bytes()), None);
    }

    #[test]
    fn nor_is_one_that_is_not_whole_or_not_alone_or_no_get() {
        let text = with("");
        for other in [
            text[..text.len() - 1].to_owned(),
            format!("\r\n{text}"),
            format!("{text}\r\n"),
            format!("{text}{text}"),
            text.replace("\r\n", "\n"),
            text.replace("\r\n\r\n", "\n\r\n"),
            text.replace("GET", "HEAD"),
            text.replace("GET", "POST"),
            text.replace("/1.1", "/1.0"),
            text.replace(" /xyz", " http://a.example/xyz"),
            text.replace("/xyz", "/xyz%2f"),
            text.replace("?time", "#time"),
            text.replace("?time", "\u{e9}time"),
            text.replace("a.example:80", "a.example/"),
            text.replace("a.example:80", ""),
            text.replace("Host", "Hose"),
            String::new(),
        ] {
            assert_eq!(RequestHead::parse(other.as_bytes()), None, "{other}");
        }
    }
}
