//! Connections with limits: who is too slow, who has to go, and how the last ones end, over both versions of HTTP.

use std::{
    io::{Read, Write},
    net::TcpStream as Blocking,
    time::{Duration, Instant},
};

use server::{AppSettings, Limits};
use support::{Http2, Painted, Running, write_cog};
use tokio::{net::TcpStream, time::timeout};

const TILE: &str = "/xyz/ortho/0/0/0.png";
const WINDOW_BYTES: u32 = 65_535;
const SECOND: Duration = Duration::from_secs(1);

fn served(limits: Limits) -> (tempfile::TempDir, Running) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let imagery = folder.path().join("ortho.tif");
    write_cog(&imagery, 512, &Painted([200, 60, 30]));
    let server = Running::serve_with(&[imagery], AppSettings { limits, ..AppSettings::default() });
    (folder, server)
}

/// HTTP/2 without TLS, as a proxy speaks it that knows.
async fn http2(server: &Running, window_bytes: u32) -> Http2 {
    let stream = TcpStream::connect(server.address()).await.expect("the server listens");
    Http2::new(stream, &format!("http://{}", server.address()), window_bytes).await
}

/// A connection of HTTP/1.1 on which a request was answered.
fn used(server: &Running) -> Blocking {
    let mut stream = Blocking::connect(server.address()).expect("the server listens");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("it is a socket");
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").expect("it is taken");
    let read = stream.read(&mut [0; 4096]).expect("an answer");
    assert!(read > 0);
    stream
}

/// How long the server leaves it open.
fn open_for(stream: &mut Blocking) -> Duration {
    let started = Instant::now();
    let _ = stream.read(&mut [0; 4096]);
    started.elapsed()
}

#[tokio::test]
async fn http_2_in_clear_text_gives_the_same_tile() {
    let (_folder, server) = served(Limits::default());
    let mut client = http2(&server, WINDOW_BYTES).await;
    let (one, other) = (server.get(TILE), client.get(TILE).await.expect("an answer"));
    assert_eq!((one.status, &one.body), (200, other.body()));
    assert_eq!(one.header("etag"), other.headers()["etag"]);
    let refused = client.get("/xyz/ortho/0/0/00.png").await.expect("an answer");
    assert_eq!(refused.status(), 400);
    assert!(server.get("/metrics").text().contains("pavage_http_requests_in_flight 1"));
}

#[test]
fn a_client_that_leaves_before_its_answer_is_no_request_in_flight() {
    let (_folder, server) = served(Limits::default());
    let in_flight = |wanted: &str| {
        let line = format!("pavage_http_requests_in_flight {wanted}\n");
        server.wait_for("/metrics", |answer| answer.text().contains(&line));
    };
    let mut stream = Blocking::connect(server.address()).expect("the server listens");
    let head = "POST /wmts HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n";
    write!(stream, "{head}Content-Length: 9\r\n\r\nREQ").expect("it is taken");
    // The other one asks for the metrics.
    in_flight("2");
    drop(stream);
    in_flight("1");
}

#[tokio::test]
async fn http_2_is_told_to_go_after_as_many_requests_as_a_connection_may_have() {
    let (_folder, server) = served(Limits { requests_per_connection: 3, ..Limits::default() });
    let mut client = http2(&server, WINDOW_BYTES).await;
    for _ in 0..3 {
        assert_eq!(client.get(TILE).await.expect("an answer").status(), 200);
    }
    timeout(SECOND, client.closed()).await.expect("soon").expect("with a word");
}

#[test]
fn as_many_fields_as_are_allowed_are_taken_and_no_more() {
    for allowed in [10, 100, 200] {
        let (_folder, server) = served(Limits { head_fields: allowed, ..Limits::default() });
        for (count, wanted) in [(allowed, 200), (allowed + 1, 431)] {
            let more = "X-Many: 1\r\n".repeat(count - 2);
            let request = format!("GET {TILE} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{more}\r\n");
            let answer = server.raw(request.as_bytes()).expect("an answer");
            assert_eq!(answer.status, wanted, "{count} of {allowed}");
        }
    }
}

#[tokio::test]
async fn too_many_fields_are_refused_over_http_2() {
    let (_folder, server) = served(Limits { head_fields: 10, ..Limits::default() });
    let stream = TcpStream::connect(server.address()).await.expect("the server listens");
    let (mut sender, connection) = h2::client::handshake(stream).await.expect("HTTP/2");
    tokio::spawn(connection);
    let mut request =
        http::Request::get(format!("http://{}{TILE}", server.address())).body(()).expect("sound");
    for number in 0..11 {
        let name = http::HeaderName::try_from(format!("x-{number}")).expect("a name");
        request.headers_mut().insert(name, http::HeaderValue::from_static("1"));
    }
    let answer = sender.send_request(request, true).expect("it is sent").0.await.expect("an answer");
    assert_eq!(answer.status(), 431);
}

#[tokio::test]
async fn a_reader_that_takes_nothing_is_given_up_over_http_2() {
    let (_folder, server) = served(Limits { write_timeout: SECOND, ..Limits::default() });
    let mut client = http2(&server, 0).await;
    let answer = client.ask(TILE).await.expect("the head is not counted");
    assert_eq!(answer.status(), 200);
    let _ = timeout(5 * SECOND, client.closed()).await.expect("within the timeout");
    assert!(server.metric("pavage_connections_closed_total{reason=\"timeout\"}") >= 1.0);
}

#[tokio::test]
async fn an_idle_connection_of_http_2_is_closed() {
    let (_folder, server) =
        served(Limits { idle_timeout: SECOND, head_timeout: SECOND / 2, ..Limits::default() });
    let mut client = http2(&server, WINDOW_BYTES).await;
    let started = Instant::now();
    assert_eq!(client.get(TILE).await.expect("an answer").status(), 200);
    timeout(5 * SECOND, client.closed()).await.expect("within the timeout").expect("with a word");
    assert!(started.elapsed() >= SECOND);
}

#[test]
fn a_head_that_drips_in_and_an_idle_connection_are_closed() {
    let (_folder, server) =
        served(Limits { head_timeout: SECOND, idle_timeout: 3 * SECOND, ..Limits::default() });
    let mut dripping = Blocking::connect(server.address()).expect("the server listens");
    let started = Instant::now();
    while dripping.write_all(b"x").is_ok() && started.elapsed() < 10 * SECOND {
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!((SECOND..3 * SECOND).contains(&started.elapsed()), "{:?}", started.elapsed());
    let (mut silent, mut idle) = (Blocking::connect(server.address()).expect("it listens"), used(&server));
    assert!((2 * SECOND..6 * SECOND).contains(&open_for(&mut idle)));
    assert!(open_for(&mut silent) < 2 * SECOND, "it was silent as long");
}

#[test]
fn the_idle_make_room_for_new_ones() {
    let (_folder, server) = served(Limits { connections: 2, ..Limits::default() });
    let mut first = used(&server);
    std::thread::sleep(Duration::from_millis(50));
    let mut second = used(&server);
    assert_eq!(server.get(TILE).status, 200);
    assert!(open_for(&mut first) < SECOND);
    second.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").expect("it is open");
    assert!(second.read(&mut [0; 4096]).expect("an answer") > 0);
}

#[tokio::test]
async fn a_server_that_stops_lets_idle_connections_go_at_once() {
    let (_folder, mut server) = served(Limits::default());
    let mut client = http2(&server, WINDOW_BYTES).await;
    assert_eq!(client.get(TILE).await.expect("an answer").status(), 200);
    let _idle = used(&server);
    let closing = tokio::spawn(async move { client.closed().await });
    let started = Instant::now();
    assert!(tokio::task::spawn_blocking(move || server.stop()).await.expect("it stops"));
    assert!(started.elapsed() < 5 * SECOND);
    closing.await.expect("no panic").expect("with a word");
}
