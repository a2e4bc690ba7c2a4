//! What never gets as far as a handler.

use support::{Painted, Running, write_cog};

fn served() -> (tempfile::TempDir, Running) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("ortho.tif");
    write_cog(&path, 512, &Painted([1, 2, 3]));
    let server = Running::serve(&[path]);
    (folder, server)
}

#[test]
fn requests_that_are_not_sound_are_refused_and_the_connection_closes() {
    let (_folder, server) = served();
    let long = "a".repeat(9000);
    let many: String = "X-Many: 1\r\n".repeat(200);
    for (request, wanted) in [
        ("GET / HTTP/1.1\r\n\r\n".to_owned(), &[400][..]),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n".to_owned(), &[400]),
        ("GET / HTTP/1.1\r\nHost: <b>\r\n\r\n".to_owned(), &[400]),
        ("GET http://evil/ HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), &[400]),
        ("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), &[405]),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n".to_owned(), &[405]),
        ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello".to_owned(), &[413, 400]),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n".to_owned(),
            &[400, 413],
        ),
        (format!("GET /{long} HTTP/1.1\r\nHost: a\r\n\r\n"), &[414]),
        (format!("GET / HTTP/1.1\r\nHost: a\r\n{many}\r\n"), &[431]),
        ("GET /%ff HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), &[400]),
        ("GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), &[400]),
        ("\x16\x03\x01\x02\0\x01\0\x01\r\n\r\n".to_owned(), &[400]),
    ] {
        let answer = server.raw(request.as_bytes()).unwrap_or_else(|| panic!("no answer to {request:.60}"));
        assert!(wanted.contains(&answer.status), "{} for {request:.60}", answer.status);
    }
    assert_eq!(server.get("/healthz").status, 200);
}

#[test]
fn a_form_is_taken_by_wmts_alone() {
    let (_folder, server) = served();
    let form = "service=WMTS&request=GetCapabilities";
    let request = format!(
        "POST /wmts HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\n\r\n{form}",
        form.len()
    );
    let answer = server.raw(request.as_bytes()).expect("an answer");
    assert!(answer.status == 200 && answer.text().contains("<ows:ServiceType>"), "{}", answer.text());
}

#[test]
fn stopping_finishes_what_is_in_flight() {
    let (_folder, mut server) = served();
    assert_eq!((server.get("/readyz").status, server.layers()), (200, vec!["ortho".to_owned()]));
    assert!(server.stop(), "it drains");
}
