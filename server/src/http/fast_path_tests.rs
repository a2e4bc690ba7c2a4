//! The oracle is hyper: whatever a client sends, and in whatever pieces, it gets the same answers as from hyper alone.

use std::{
    convert::Infallible,
    future::poll_fn,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use http::{HeaderValue, Method, Request, Response, header};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    time::{sleep, timeout},
};

use super::*;
use crate::http::{Answer, Body, Limits, activity::Verdict, connection::Service, wire};

/// A big answer, which no socket takes at once.
const BIG: usize = 300_000;
/// What a client waits for an answer that does not come.
const QUIET: Duration = Duration::from_secs(3);
/// Less than an answer takes.
const SOON: Duration = Duration::from_millis(1);

/// Answers what begins with `/now`, and what the client has, at once; all else later.
#[derive(Clone, Default)]
struct Echo {
    answered: Arc<AtomicUsize>,
}

impl Echo {
    fn response(path: &str, query: &str, if_none_match: Option<&str>) -> Response<Body> {
        let mut response = Response::new(Body::default());
        let tag = format!("\"{path}\"").parse().expect("a sound value");
        response.headers_mut().insert(header::ETAG, tag);
        if if_none_match.is_some() {
            *response.status_mut() = http::StatusCode::NOT_MODIFIED;
        } else if path.ends_with("big") {
            response.body_mut().fill(vec![b'x'; BIG].into());
        } else {
            response.body_mut().fill(format!("{path}?{query}").into());
        }
        response
    }
}

impl Handler for Echo {
    type Body = Bytes;

    fn handle(self: &Arc<Self>, request: Request<Incoming>, _: Peer, _: std::time::Instant) -> Answer {
        let (path, query) = (request.uri().path().to_owned(), request.uri().query().unwrap_or_default());
        let tags = request.headers().get(header::IF_NONE_MATCH).and_then(|tags| tags.to_str().ok());
        let response = Self::response(&path, query, tags);
        if path.starts_with("/now") && request.method() == Method::GET {
            return Answer::Now(response);
        }
        Answer::Later(Box::pin(async {
            sleep(Duration::from_millis(5)).await;
            response
        }))
    }

    fn at_hand(
        &self,
        request: &RequestHead<'_>,
        _: Peer,
        now: std::time::Instant,
        head: &mut Vec<u8>,
    ) -> Option<Bytes> {
        if !request.path.starts_with("/now") {
            return None;
        }
        self.answered.fetch_add(1, Ordering::Relaxed);
        let mut response = Self::response(request.path, request.query, request.if_none_match);
        head.extend(wire::lines(response.status(), response.headers()));
        let body = response.body_mut().take_whole().expect("it is at hand");
        wire::end(head, request.if_none_match.is_none().then_some(body.len()), now);
        Some(body)
    }
}

const PEER: Peer =
    Peer { address: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 80), is_encrypted: false };

/// A connection that hyper alone serves.
fn oracle(most_requests: usize) -> DuplexStream {
    let (client, server) = duplex(64 << 10);
    let (echo, begun) = (Arc::new(Echo::default()), AtomicUsize::new(0));
    let service = service_fn(move |request: Request<Incoming>| {
        let is_last = begun.fetch_add(1, Ordering::Relaxed) + 1 >= most_requests;
        let mut answer = echo.handle(request, PEER, std::time::Instant::now());
        async move {
            let mut response = poll_fn(|context| answer.poll(context)).await;
            if is_last {
                response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            Ok::<_, Infallible>(response)
        }
    });
    tokio::spawn(async move {
        let mut http1 = http1::Builder::new();
        let _ = http1.half_close(false).serve_connection(TokioIo::new(server), service).await;
    });
    client
}

/// A connection that is being served, and what it did.
fn connect(limits: Limits) -> (DuplexStream, Arc<Activity>, Arc<AtomicUsize>) {
    let (client, server) = duplex(64 << 10);
    let (activity, echo) = (Arc::<Activity>::default(), Echo::default());
    let answered = Arc::clone(&echo.answered);
    let service = Arc::new(Service::new(echo, None, limits));
    let watched = Arc::clone(&activity);
    tokio::spawn(async move { service.answer(server, PEER, &watched).await });
    (client, activity, answered)
}

/// What comes back for some pieces, each sent after a pause, in which a slow client reads what there is.
async fn replies(mut client: DuplexStream, pause: Duration, pieces: &[&[u8]]) -> Vec<u8> {
    let mut all = Vec::new();
    for (number, piece) in pieces.iter().enumerate() {
        // It may have been closed.
        let _ = client.write_all(piece).await;
        let pause = if number + 1 < pieces.len() { pause } else { QUIET };
        while let Ok(Ok(1..)) = timeout(pause, client.read_buf(&mut all)).await {}
    }
    all
}

/// Answers without their dates, and with the fields of each head in order.
fn normal(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let mut parts = Vec::new();
    for part in text.split("\r\n\r\n") {
        let mut lines: Vec<&str> = part.split("\r\n").filter(|line| !line.starts_with("date: ")).collect();
        lines.sort_unstable();
        parts.push(lines.join("\n"));
    }
    parts
}

/// Compares what hyper alone answers; returns how many answers did not come from it.
async fn compare(limits: Limits, pause: Duration, pieces: &[&[u8]]) -> usize {
    let expected = replies(oracle(limits.requests_per_connection as usize), pause, pieces).await;
    let (client, _, answered) = connect(limits);
    let found = replies(client, pause, pieces).await;
    let sent: Vec<_> = pieces.iter().map(|piece| String::from_utf8_lossy(piece)).collect();
    assert_eq!(normal(&found), normal(&expected), "{sent:?} every {pause:?}");
    answered.load(Ordering::Relaxed)
}

const NOW: &[u8] = b"GET /now?a=1 HTTP/1.1\r\nHost: a\r\n\r\n";
const NEWER: &[u8] = b"GET /now/2 HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\n\r\n";
const KNOWN: &[u8] = b"GET /now HTTP/1.1\r\nHost: a\r\nIf-None-Match: \"1\"\r\n\r\n";
const BIG_NOW: &[u8] = b"GET /now/big HTTP/1.1\r\nHost: a\r\n\r\n";
const LATER: &[u8] = b"GET /later HTTP/1.1\r\nHost: a\r\n\r\n";
const BIG_LATER: &[u8] = b"GET /later/big HTTP/1.1\r\nHost: a\r\n\r\n";
const HEAD: &[u8] = b"HEAD /now HTTP/1.1\r\nHost: a\r\n\r\n";
const LAST: &[u8] = b"GET /now HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
const FORM: &[u8] = b"POST /later HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n\r\n\r\n";
const OLD: &[u8] = b"GET /now HTTP/1.0\r\n\r\n";
const ODD: &[u8] = b"G\0T /now HTTP/1.1\r\n\r\n";
const ALL: [&[u8]; 11] = [NOW, NEWER, KNOWN, BIG_NOW, LATER, BIG_LATER, HEAD, LAST, FORM, OLD, ODD];

#[tokio::test(start_paused = true)]
async fn what_is_at_hand_is_answered_here_also_after_what_was_not() {
    let limits = Limits::default();
    for (pieces, answered) in [
        (vec![NOW], 1),
        (vec![NOW, NEWER, KNOWN, BIG_NOW, NOW], 5),
        (vec![LATER, NOW, BIG_LATER, KNOWN, LATER, LATER, BIG_NOW], 3),
        (vec![HEAD, NOW], 0),
        (vec![NOW, LAST], 1),
        (vec![NOW, FORM, NOW], 1),
        (vec![NOW, &NOW[..9], &NOW[9..], NOW], 1),
        (vec![OLD], 0),
        (vec![ODD], 0),
    ] {
        assert_eq!(compare(limits, QUIET, &pieces).await, answered, "{pieces:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_comes_while_another_is_answered_waits_for_its_turn() {
    for pieces in [[LATER, LATER, NOW], [LATER, NOW, NOW], [BIG_LATER, NOW, KNOWN], [LATER, LATER, LATER]] {
        assert_eq!(compare(Limits::default(), SOON, &pieces).await, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn lines_that_end_without_a_carriage_return_leave_no_mark() {
    let (mut client, activity, answered) = connect(Limits::default());
    client.write_all(b"GET /now HTTP/1.1\nHost: a\n\n").await.expect("it is taken");
    sleep(Duration::from_secs(11)).await;
    assert_eq!(activity.judge(&Limits::default()), Verdict::Stay);
    assert_eq!(answered.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn a_connection_ends_with_its_last_request() {
    let limits = Limits { requests_per_connection: 3, ..Limits::default() };
    assert_eq!(compare(limits, QUIET, &[NOW, NOW, NOW, NOW]).await, 2);
    assert_eq!(compare(limits, QUIET, &[NOW, LATER, NOW, NOW]).await, 1);
    assert_eq!(compare(limits, QUIET, &[LATER, NOW, LATER, NOW]).await, 1);
}

#[tokio::test(start_paused = true)]
async fn whatever_is_sent_and_in_whatever_pieces_hyper_would_say_the_same() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as usize % below
    };
    let mut answered = 0;
    for _ in 0..400 {
        let mut pieces: Vec<Vec<u8>> = Vec::new();
        for _ in 0..=random(5) {
            let mut piece = ALL[random(ALL.len())].to_vec();
            match random(8) {
                0 => {
                    let at = random(piece.len());
                    piece[at] = random(256) as u8;
                }
                1 => piece.extend_from_slice(ALL[random(ALL.len())]),
                2 => {
                    let rest = piece.split_off(random(piece.len()));
                    pieces.push(std::mem::replace(&mut piece, rest));
                }
                3 => {
                    piece.remove(random(piece.len()));
                }
                _ => {}
            }
            pieces.push(piece);
        }
        let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
        let pause = if random(3) == 0 { SOON } else { QUIET };
        answered += compare(Limits::default(), pause, &pieces).await;
    }
    assert!(answered > 100, "{answered}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_waits_for_the_client_is_given_whole_also_when_the_server_stops() {
    let (mut client, activity, answered) = connect(Limits::default());
    client.write_all(BIG_NOW).await.expect("it is taken");
    sleep(Duration::from_secs(1)).await;
    assert_eq!((answered.load(Ordering::Relaxed), activity.is_open()), (1, true));
    assert_eq!(activity.idle_for(), None);
    activity.close();
    let mut reply = Vec::new();
    timeout(QUIET, client.read_to_end(&mut reply)).await.expect("it is closed").expect("in order");
    assert!(reply.ends_with(&vec![b'x'; BIG]));
    assert!(!activity.is_open());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_is_given_up() {
    let (mut client, activity, answered) = connect(Limits::default());
    client.write_all(BIG_NOW).await.expect("it is taken");
    sleep(Duration::from_secs(21)).await;
    assert_eq!(answered.load(Ordering::Relaxed), 1);
    assert_eq!(activity.judge(&Limits::default()), Verdict::Abort);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_asked_to_close_leaves_the_last_answer_to_hyper() {
    let (mut client, activity, answered) = connect(Limits::default());
    client.write_all(NOW).await.expect("it is taken");
    sleep(Duration::from_secs(50)).await;
    assert_eq!(activity.idle_for(), Some(Duration::from_secs(50)), "answers are progress");
    // Both are seen in the same moment.
    activity.close();
    client.write_all(KNOWN).await.expect("it is taken");
    let mut reply = Vec::new();
    timeout(QUIET, client.read_to_end(&mut reply)).await.expect("it is closed").expect("in order");
    let reply = String::from_utf8(reply).expect("text");
    assert_eq!((answered.load(Ordering::Relaxed), reply.matches("HTTP/1.1 ").count()), (1, 2), "{reply}");
}

#[tokio::test]
async fn an_answer_goes_out_whole_in_whatever_pieces_it_is_taken() {
    for (head, body) in [("head", "and a body"), ("head", ""), ("h", "b")] {
        for room in 1..head.len() + body.len() + 2 {
            let (mut client, mut server) = duplex(room);
            let sending = async move {
                let (mut sent, pieces) = (0, [head.as_bytes(), body.as_bytes()]);
                poll_fn(|context| poll_send(Pin::new(&mut server), context, pieces, &mut sent)).await
            };
            let mut taken = String::new();
            let (sent, read) = tokio::join!(sending, client.read_to_string(&mut taken));
            assert!(sent.is_ok() && read.is_ok());
            assert_eq!(taken, format!("{head}{body}"), "{room} bytes at a time");
        }
    }
}
