//! TLS: the protocols, the addresses in documents, certificates that are renewed.

use std::{fs, sync::Arc};

use server::{AppSettings, Tls};
use support::{Certificate, Http2, Painted, Running, write_cog};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const CAPABILITIES: &str = "/wmts/1.0.0/WMTSCapabilities.xml";
const WINDOW_BYTES: u32 = 65_535;

struct Fixture {
    folder: tempfile::TempDir,
    certificate: Certificate,
    tls: Arc<Tls>,
    server: Running,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let imagery = folder.path().join("ortho.tif");
        write_cog(&imagery, 512, &Painted([200, 60, 30]));
        let (certificate, files) = Certificate::write(folder.path());
        let tls = Arc::new(Tls::open(files).expect("they go together"));
        let server = Running::serve_encrypted(&[imagery], AppSettings::default(), Arc::clone(&tls));
        Self { folder, certificate, tls, server }
    }
}

#[tokio::test]
async fn a_browser_gets_http_2_and_addresses_by_https() {
    let it = Fixture::new();
    let stream = it.certificate.connect(it.server.address(), &["h2", "http/1.1"]).await.expect("TLS");
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let mut client = Http2::new(stream, "https://tiles.example.org:8443", WINDOW_BYTES).await;
    let answer = client.get(CAPABILITIES).await.expect("an answer");
    let text = str::from_utf8(answer.body()).expect("text");
    assert!(text.contains("\"https://tiles.example.org:8443/wmts"), "{text}");
    assert!(!text.contains("http://tiles"), "{text}");
    let tile = client.get("/xyz/ortho/0/0/0.png").await.expect("an answer");
    assert_eq!(tile.status(), 200);
    assert!(tile.headers().contains_key("etag") && !tile.headers().contains_key("connection"));
}

#[tokio::test]
async fn a_client_without_http_2_gets_http_1() {
    let it = Fixture::new();
    let mut stream = it.certificate.connect(it.server.address(), &["http/1.1"]).await.expect("TLS");
    let request =
        "GET /xyz/ortho/tilejson.json HTTP/1.1\r\nHost: tiles.example.org\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.expect("it is taken");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("text");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("https://tiles.example.org/xyz/ortho/"), "{answer}");
}

#[tokio::test]
async fn clear_text_is_not_answered_where_tls_is_spoken() {
    let it = Fixture::new();
    assert!(it.server.raw(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").is_none());
}

#[tokio::test]
async fn a_renewed_certificate_is_shown_and_a_broken_one_is_not() {
    let it = Fixture::new();
    let address = it.server.address();
    assert!(!it.tls.renew().expect("nothing is wrong"), "nothing has changed");
    fs::write(it.folder.path().join("cert.pem"), "half a certif").expect("it can be written");
    let error = it.tls.renew().expect_err("it is none");
    assert!(error.to_string().contains("holds no certificate"), "{error}");
    assert!(it.certificate.connect(address, &["h2"]).await.is_ok(), "the one before stays");

    let (renewed, _) = Certificate::write(it.folder.path());
    assert!(it.tls.renew().expect("they go together"));
    assert!(renewed.connect(address, &["h2"]).await.is_ok());
    assert!(it.certificate.connect(address, &["h2"]).await.is_err(), "no more");
}

#[test]
fn what_is_wrong_with_a_certificate_is_said() {
    let (one, other) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let (_, files) = Certificate::write(one.path());
    let (_, others) = Certificate::write(other.path());
    let told = |files| Tls::open(files).expect_err("it cannot be used").to_string();
    let mut apart = files.clone();
    apart.key.clone_from(&others.key);
    assert!(told(apart).contains("do not go together"));
    let mut swapped = files.clone();
    std::mem::swap(&mut swapped.certificate, &mut swapped.key);
    assert!(told(swapped).contains("holds no certificate"));
    let mut absent = files;
    absent.key = one.path().join("absent.pem");
    assert!(told(absent).contains("absent.pem cannot be read"));
}
