//! Encoded tiles on disk, behind those in memory.

use std::{fs, path::Path};

use server::{AppSettings, DiskConfig, TileSettings};
use support::{Painted, Running, write_cog};

use crate::pictures::inside;

fn settings(dir: &Path) -> AppSettings {
    let disk = Some(DiskConfig { dir: dir.to_owned(), bytes: 64 << 20 });
    AppSettings { tiles: TileSettings { disk, ..TileSettings::default() }, ..AppSettings::default() }
}

#[test]
fn a_tile_outlives_the_server_that_rendered_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (path, dir) = (folder.path().join("ortho.tif"), folder.path().join("cache"));
    write_cog(&path, 1024, &Painted([1, 2, 3]));
    let tile = |server: &Running| {
        let (x, y) = inside(server, "ortho", 17);
        server.get(&format!("/xyz/ortho/17/{x}/{y}.jpg"))
    };
    let serve = || Running::serve_with(std::slice::from_ref(&path), settings(&dir));
    let server = serve();
    let rendered = tile(&server);
    assert_eq!((rendered.status, rendered.header("pavage-path")), (200, "rendered"));
    server.wait_for("/metrics", |answer| {
        let bytes = answer.text().lines().find(|line| line.starts_with("pavage_cache_bytes{cache=\"disk\"}"));
        bytes.is_some_and(|line| !line.ends_with(" 0"))
    });
    drop(server);

    let server = serve();
    let cached = tile(&server);
    assert_eq!((cached.status, cached.header("pavage-path")), (200, "cached"));
    assert_eq!((cached.header("etag"), &cached.body), (rendered.header("etag"), &rendered.body));
    assert_eq!(cached.header("content-type"), "image/jpeg");
    assert!(server.metric("pavage_tiles_rendered_total") < 1.0);
    assert!(server.metric("pavage_cache_requests_total{cache=\"disk\",result=\"hit\"}") > 0.0);
    drop(server);

    // Of another file it is not the tile.
    write_cog(&path, 1024, &Painted([200, 2, 3]));
    let changed = tile(&serve());
    assert_eq!((changed.status, changed.header("pavage-path")), (200, "rendered"));
    assert_ne!(changed.body, rendered.body);
}

#[test]
fn a_disk_that_cannot_be_used_hurts_nobody() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("ortho.tif");
    write_cog(&path, 1024, &Painted([1, 2, 3]));
    // A folder cannot be in a file.
    let file = folder.path().join("file");
    fs::write(&file, "none").expect("it can be written");
    let server = Running::serve_with(&[path], settings(&file.join("cache")));
    let (x, y) = inside(&server, "ortho", 17);
    let target = format!("/xyz/ortho/17/{x}/{y}.jpg");
    assert_eq!(server.get(&target).header("pavage-path"), "rendered");
    assert_eq!(server.get(&target).header("pavage-path"), "cached");
    assert!(server.metric("pavage_cache_faults_total{cache=\"disk\"}") > 0.0);
}
