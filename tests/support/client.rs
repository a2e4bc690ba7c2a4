//! Clients that send exactly what they are told, and read one answer, or one after the other.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// One HTTP answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
}

impl Answer {
    /// A header, empty when it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// The body as text.
    ///
    /// # Panics
    /// When it is not UTF-8.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("a document is UTF-8")
    }

    /// Red green blue alpha of every pixel of a picture.
    ///
    /// # Panics
    /// When the body is no picture.
    pub fn picture(&self) -> Vec<u8> {
        image::load_from_memory(&self.body).expect("a picture").to_rgba8().into_raw()
    }

    /// Red green blue alpha of the pixel in the middle of a picture.
    ///
    /// # Panics
    /// When the body is no picture.
    pub fn middle_pixel(&self) -> [u8; 4] {
        let image = image::load_from_memory(&self.body).expect("a picture").to_rgba8();
        image.get_pixel(image.width() / 2, image.height() / 2).0
    }
}

/// Sends a request as it is, and reads until the server closes.
pub(crate) fn exchange(address: SocketAddr, request: &[u8]) -> Option<Answer> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(30))).ok()?;
    stream.write_all(request).ok()?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).ok()?;
    parse(&bytes)
}

/// A connection that stays open from one request to the next.
pub struct KeptAlive(BufReader<TcpStream>);

impl KeptAlive {
    /// Connects.
    ///
    /// # Panics
    /// When nobody listens.
    pub fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("the server listens");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("it is a socket");
        Self(BufReader::new(stream))
    }

    /// GET with further header lines.
    ///
    /// # Panics
    /// When there is no answer, or not as long as it says.
    pub fn get(&mut self, target: &str, headers: &[&str]) -> Answer {
        let request =
            [&[&*format!("GET {target} HTTP/1.1"), "Host: a"], headers, &["\r\n"]].concat().join("\r\n");
        self.0.get_mut().write_all(request.as_bytes()).expect("it is taken");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let read = self.0.read_until(b'\n', &mut head).expect("an answer");
            assert!(read > 0, "no answer to {target}");
        }
        let mut answer = parse(&head).expect("a sound head");
        answer.body = vec![0; answer.header("content-length").parse().unwrap_or(0)];
        self.0.read_exact(&mut answer.body).expect("as long as it says");
        answer
    }
}

fn parse(bytes: &[u8]) -> Option<Answer> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).ok()?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    Some(Answer { status, headers, body: bytes[end + 4..].to_vec() })
}
