//! What a client has already is not sent, nor rendered, again.

use support::{Painted, Running, write_cog};
use tempfile::TempDir;

use crate::pictures::inside;

/// An image, served, and a tile of it.
fn served() -> (TempDir, Running, String) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("ortho.tif");
    write_cog(&path, 512, &Painted([1, 2, 3]));
    let server = Running::serve(&[path]);
    let (x, y) = inside(&server, "ortho", 17);
    (folder, server, format!("/xyz/ortho/17/{x}/{y}.jpg"))
}

#[test]
fn a_tile_that_the_client_has_is_304_without_rendering() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("ortho.tif");
    write_cog(&path, 1024, &Painted([1, 2, 3]));
    let etag = {
        let server = Running::serve(std::slice::from_ref(&path));
        let (x, y) = inside(&server, "ortho", 17);
        server.get(&format!("/xyz/ortho/17/{x}/{y}.jpg")).header("etag").to_owned()
    };
    // Another process: nothing is cached, and the tag still holds.
    let server = Running::serve(&[path]);
    let (x, y) = inside(&server, "ortho", 17);
    let target = format!("/xyz/ortho/17/{x}/{y}.jpg");
    let answer = server.request("GET", &target, &[&format!("If-None-Match: {etag}")]);
    assert_eq!((answer.status, answer.body.len(), answer.header("etag")), (304, 0, etag.as_str()));
    assert!(server.metric("pavage_tiles_rendered_total") < 1.0);
    let answer = server.request("GET", &target, &["If-None-Match: \"another\""]);
    assert_eq!((answer.status, answer.header("pavage-path")), (200, "rendered"));
    assert_eq!(server.get(&target).header("pavage-path"), "cached");
}

#[test]
fn a_tile_is_counted_the_same_whether_it_is_made_or_at_hand() {
    let (_folder, server, target) = served();
    let made = server.get(&target);
    let of_tiles = "{layer=\"ortho\",protocol=\"xyz\"";
    let counts = || {
        [
            format!("pavage_http_requests_total{of_tiles},status=\"200\"}}"),
            format!("pavage_http_request_seconds_count{of_tiles}}}"),
            format!("pavage_response_bytes_total{of_tiles}}}"),
            "pavage_cache_requests_total{cache=\"tiles\",result=\"miss\"}".to_owned(),
            "pavage_cache_requests_total{cache=\"tiles\",result=\"hit\"}".to_owned(),
        ]
        .map(|metric| server.metric(&metric) as usize)
    };
    let before = counts();
    assert_eq!((made.header("pavage-path"), &before[3..]), ("rendered", &[1, 0][..]));
    assert_eq!(server.get(&target).header("pavage-path"), "cached");
    assert_eq!(server.request("HEAD", &target, &[]).header("pavage-path"), "cached");
    let etag = format!("If-None-Match: {}", made.header("etag"));
    assert_eq!(server.request("GET", &target, &[&etag]).status, 304);
    let [answered, timed, bytes, missed, hit] = counts();
    assert_eq!((answered - before[0], timed - before[1]), (2, 3));
    assert_eq!(bytes - before[2], made.body.len(), "nothing of it is sent for HEAD");
    assert_eq!((missed, hit), (1, 2));
    let known = format!("pavage_http_requests_total{of_tiles},status=\"304\"}}");
    assert!((server.metric(&known) - 1.0).abs() < 0.5);
}

#[test]
fn head_has_the_headers_of_get_and_no_body() {
    let (_folder, server, target) = served();
    let (get, head) = (server.get(&target), server.request("HEAD", &target, &[]));
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), get.body.len().to_string());
    assert_eq!(head.header("etag"), get.header("etag"));
    let preflight = server.request("OPTIONS", &target, &["Origin: https://example.org"]);
    assert_eq!((preflight.status, preflight.header("access-control-allow-origin")), (204, "*"));
    assert_eq!(preflight.header("access-control-allow-methods"), "GET, HEAD, POST, OPTIONS");
    assert_eq!((preflight.header("access-control-max-age"), preflight.header("content-type")), ("86400", ""));
    let etag = format!("If-None-Match: {}", get.header("etag"));
    let known = server.request("GET", &target, &[&etag]);
    for answer in [&get, &known, &server.get("/xyz/ortho/17/0/0.gif"), &server.get("/nowhere"), &preflight] {
        assert_eq!(answer.header("cross-origin-resource-policy"), "cross-origin", "{}", answer.status);
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{}", answer.status);
        assert_eq!(answer.header("access-control-expose-headers"), "*", "{}", answer.status);
    }
    assert_eq!((known.status, known.header("etag")), (304, get.header("etag")));
    assert_eq!(known.header("cache-control"), get.header("cache-control"));
}
