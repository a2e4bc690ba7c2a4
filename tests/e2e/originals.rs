//! Originals are listed and downloaded, whole and in ranges, by whoever is allowed to.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    path::Path,
    time::Duration,
};

use support::{Painted, Running, write_cog};

/// A server of one layer in two folders, and the bytes of its file `2024/b.tif`.
fn served(folder: &Path, download: &str) -> (Running, Vec<u8>) {
    for (name, grey) in [("a.tif", 60), ("2024/b.tif", 200)] {
        let path = folder.join("pcrs").join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("the folder can be written to");
        write_cog(&path, 1024, &Painted([grey; 3]));
    }
    let toml = format!("[[layer]]\nid = \"pcrs\"\npath = \"pcrs\"\n{download}");
    let bytes = fs::read(folder.join("pcrs/2024/b.tif")).expect("it is there");
    (Running::configured(folder, &toml), bytes)
}

const B: &str = "/files/pcrs/2024/b.tif";

#[test]
fn a_dalle_is_downloaded_whole_and_in_ranges() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (server, bytes) = served(folder.path(), "download = true");
    let whole = server.get(B);
    assert_eq!((whole.status, whole.body == bytes), (200, true));
    assert_eq!(whole.header("accept-ranges"), "bytes");
    assert_eq!(whole.header("content-type"), "image/tiff; application=geotiff; profile=cloud-optimized");
    assert_eq!(whole.header("content-disposition"), "attachment; filename=\"b.tif\"");
    assert_eq!(whole.header("access-control-allow-origin"), "*");
    let head = server.request("HEAD", B, &["Range: bytes=0-9"]);
    assert_eq!((head.status, head.body.len()), (200, 0));
    for name in ["content-length", "etag", "last-modified", "content-type"] {
        assert_eq!(head.header(name), whole.header(name), "{name}");
    }
    let size = bytes.len();
    for (range, part) in [("bytes=100-199", 100..200), ("bytes=-16", size - 16..size), ("bytes=9-", 9..size)]
    {
        // What is packed otherwise is not when it is a range.
        let answer = server.request("GET", B, &[&format!("Range: {range}"), "Accept-Encoding: gzip"]);
        assert_eq!((answer.status, &answer.body[..]), (206, &bytes[part.clone()]), "{range}");
        assert_eq!(answer.header("content-length"), part.len().to_string());
    }
    let behind = server.request("GET", B, &[&format!("Range: bytes={size}-")]);
    assert_eq!((behind.status, behind.header("content-range")), (416, format!("bytes */{size}").as_str()));
    let etag = format!("If-None-Match: {}", whole.header("etag"));
    assert_eq!(server.request("GET", B, &[&etag]).status, 304);
    let since = format!("If-Modified-Since: {}", whole.header("last-modified"));
    assert_eq!(server.request("GET", B, &[&since]).status, 304);
    let sent = server.metric("pavage_response_bytes_total{layer=\"pcrs\",protocol=\"files\"}");
    assert!((sent - (size + 100 + 16 + size - 9) as f64).abs() < 0.5, "{sent}");
    let name = "pavage_http_requests_total{layer=\"pcrs\",protocol=\"files\",status=\"206\"}";
    assert!((server.metric(name) - 3.0).abs() < 0.5);
}

#[test]
fn a_layer_that_does_not_say_so_hands_out_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (server, _) = served(folder.path(), "");
    for path in ["/files/pcrs/", "/files/pcrs/a.tif", "/files/pcrs/index.geojson", B] {
        assert_eq!(server.get(path).status, 404, "{path}");
    }
    let list = server.get("/files/");
    assert!(list.text().contains("<title>Index of /files/</title>") && !list.text().contains("pcrs"));
}

#[test]
fn listings_and_coverage_are_packed_and_follow_the_files() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (server, _) = served(folder.path(), "download = true");
    let page = server.get("/files/pcrs/");
    assert!(page.text().contains("href=\"2024/\"") && page.text().contains("href=\"a.tif\""));
    let packed = server.request("GET", "/files/pcrs/index.geojson", &["Accept-Encoding: gzip"]);
    assert_eq!((packed.status, packed.header("content-encoding")), (200, "gzip"));
    assert!(packed.header("etag").starts_with("W/"), "{}", packed.header("etag"));
    let etag = format!("If-None-Match: {}", packed.header("etag"));
    assert_eq!(server.request("GET", "/files/pcrs/index.geojson", &[&etag]).status, 304);
    write_cog(&folder.path().join("pcrs/a.tif"), 512, &Painted([9; 3]));
    let changed = server.wait_for("/files/pcrs/", |answer| answer.header("etag") != page.header("etag"));
    assert_eq!(changed.status, 200);
    assert_eq!(server.request("GET", "/files/pcrs/index.geojson", &[&etag]).status, 200);
}

#[test]
fn a_reader_that_goes_away_is_counted_for_what_it_took() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::create_dir(folder.path().join("pcrs")).expect("the folder can be written to");
    let path = folder.path().join("pcrs/a.tif");
    write_cog(&path, 1024, &Painted([1, 2, 3]));
    // What stands behind the last block belongs to the file too.
    let file = fs::File::options().write(true).open(&path).expect("it is there");
    file.set_len(64 << 20).expect("it is ours");
    let server =
        Running::configured(folder.path(), "[[layer]]\nid = \"pcrs\"\npath = \"pcrs\"\ndownload = true");
    let mut stream = TcpStream::connect(server.address()).expect("it listens");
    stream.write_all(b"GET /files/pcrs/a.tif HTTP/1.1\r\nHost: a\r\n\r\n").expect("it reads");
    stream.read_exact(&mut vec![0; 100_000]).expect("it sends");
    std::thread::sleep(Duration::from_millis(300));
    let sent = || server.metric("pavage_response_bytes_total{layer=\"pcrs\",protocol=\"files\"}");
    // The sockets hold some; the rest waits on the disk.
    let before = sent();
    assert!((100_000.0..f64::from(32 << 20)).contains(&before), "{before}");
    drop(stream);
    std::thread::sleep(Duration::from_millis(300));
    assert!(sent() < f64::from(32 << 20));
}

#[test]
fn the_next_request_of_a_connection_may_come_early() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (server, bytes) = served(folder.path(), "download = true");
    let once = format!("GET {B} HTTP/1.1\r\nHost: a\r\n\r\n");
    let last = format!("GET {B} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nRange: bytes=-4\r\n\r\n");
    let mut stream = TcpStream::connect(server.address()).expect("it listens");
    stream.write_all(format!("{once}{once}{last}").as_bytes()).expect("it reads");
    let mut all = Vec::new();
    stream.read_to_end(&mut all).expect("it sends");
    let copies = all.windows(bytes.len()).filter(|window| *window == bytes).count();
    assert_eq!((copies, all.ends_with(&bytes[bytes.len() - 4..])), (2, true));
}
