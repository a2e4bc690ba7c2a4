//! Connections that stay open, as those of browsers do: tiles at hand are answered on them before anything else is asked, and are the
//! same as on any other connection.

use server::{AppSettings, Limits};
use support::{Answer, KeptAlive, Painted, Running, write_cog};
use tempfile::TempDir;

use crate::pictures::inside;

/// An image, served, and a tile of it that is at hand.
fn served(limits: Limits) -> (TempDir, Running, String) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("ortho.tif");
    write_cog(&path, 512, &Painted([1, 2, 3]));
    let server = Running::serve_with(&[path], AppSettings { limits, ..AppSettings::default() });
    let (x, y) = inside(&server, "ortho", 17);
    let target = format!("/xyz/ortho/17/{x}/{y}.jpg");
    assert_eq!(server.get(&target).header("pavage-path"), "rendered");
    (folder, server, target)
}

/// Status and headers, in order, but those that tell the time or of the connection.
fn head(answer: &Answer) -> (u16, Vec<(String, String)>) {
    let mut headers = answer.headers.clone();
    headers.retain(|(name, _)| name != "date" && name != "connection");
    headers.sort();
    (answer.status, headers)
}

#[test]
fn a_tile_is_the_same_as_on_a_connection_that_closes() {
    let (_folder, server, target) = served(Limits::default());
    let etag = server.get(&target).header("etag").to_owned();
    let known = format!("If-None-Match: {etag}");
    let mut client = KeptAlive::connect(server.address());
    let absent = target.replace("/17/", "/017/");
    for (target, headers) in [
        (&target, &[][..]),
        (&target, &["User-Agent: a", "Accept: image/*", "Connection: keep-alive", "Range: bytes=0-1"]),
        (&target, &[known.as_str()]),
        (&absent, &[]),
        (&target, &["If-None-Match: \"another\""]),
        (&format!("{target}?time=current&format=image%2Fpng"), &[]),
    ] {
        let (closed, kept) = (server.request("GET", target, headers), client.get(target, headers));
        assert_eq!((head(&kept), &kept.body), (head(&closed), &closed.body), "{target} {headers:?}");
        assert!(kept.headers.iter().any(|(name, _)| name == "date"));
    }
}

#[test]
fn a_tile_is_counted_once_with_its_bytes() {
    let (_folder, server, target) = served(Limits::default());
    let counts = || {
        [
            "pavage_http_requests_total{layer=\"ortho\",protocol=\"xyz\",status=\"200\"}",
            "pavage_response_bytes_total{layer=\"ortho\",protocol=\"xyz\"}",
            "pavage_cache_requests_total{cache=\"tiles\",result=\"hit\"}",
        ]
        .map(|name| server.metric(name) as usize)
    };
    let mut client = KeptAlive::connect(server.address());
    server.get(&target);
    let before = counts();
    let bytes = client.get(&target, &[]).body.len();
    let after = counts();
    assert_eq!(std::array::from_fn(|i| after[i] - before[i]), [1, bytes, 1]);
}

#[test]
fn limits_hold_for_tiles_at_hand() {
    let limits = Limits { target_bytes: 256, head_fields: 10, ..Limits::default() };
    let (_folder, server, target) = served(limits);
    let answer =
        |target: &str, fields| KeptAlive::connect(server.address()).get(target, &vec!["A: b"; fields]);
    let with = |bytes: usize| format!("{target}?{}", "a".repeat(bytes - target.len() - 1));
    assert_eq!((answer(&with(256), 9).status, answer(&with(257), 9).status), (200, 414));
    assert_eq!((answer(&target, 9).status, answer(&target, 10).status), (200, 431));
}

#[test]
fn a_connection_is_closed_with_its_last_request() {
    let (_folder, server, target) = served(Limits { requests_per_connection: 3, ..Limits::default() });
    let mut client = KeptAlive::connect(server.address());
    let told = [(); 3].map(|()| client.get(&target, &[]).header("connection").to_owned());
    assert_eq!(told, ["", "", "close"]);
}
