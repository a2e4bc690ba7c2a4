//! Files that change under our hands.

use std::fs::{self, File};

use support::{Painted, Running, write_cog};

use crate::pictures::inside;

struct Fixture {
    folder: tempfile::TempDir,
    server: Running,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        write_cog(&folder.path().join("ortho.tif"), 2048, &Painted([200, 0, 0]));
        write_cog(&folder.path().join("other.tif"), 512, &Painted([0, 0, 200]));
        let server = Running::serve(&[folder.path().to_owned()]);
        Self { folder, server }
    }

    fn tile(&self, layer: &str, zoom: u32) -> String {
        let (x, y) = inside(&self.server, layer, zoom);
        format!("/xyz/{layer}/{zoom}/{x}/{y}.jpg")
    }
}

#[test]
fn a_truncated_file_gives_503_and_no_wrong_tile_and_the_others_serve() {
    let it = Fixture::new();
    let (seen, unseen, other) = (it.tile("ortho", 16), it.tile("ortho", 19), it.tile("other", 17));
    assert_eq!(it.server.get(&seen).status, 200);
    let file = File::options().write(true).open(it.folder.path().join("ortho.tif")).expect("it is there");
    file.set_len(5000).expect("it can be cut");
    // At once: nothing made of missing bytes gets out.
    let answer = it.server.get(&unseen);
    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(!answer.header("retry-after").is_empty());
    it.server.wait_for(&seen, |answer| answer.status == 503);
    assert_eq!(it.server.get(&other).status, 200);
    // Repaired by renaming a whole file into its place.
    let whole = it.folder.path().join("whole.part");
    write_cog(&whole, 2048, &Painted([0, 200, 0]));
    fs::rename(&whole, it.folder.path().join("ortho.tif")).expect("it can be renamed");
    let answer = it.server.wait_for(&unseen, |answer| answer.status == 200);
    let [r, g, _, _] = answer.middle_pixel();
    assert!(g > 190 && r < 10, "the new file shows");
}

#[test]
fn a_replaced_file_shows_within_ten_seconds_under_a_new_tag() {
    let it = Fixture::new();
    let target = it.tile("ortho", 17);
    let before = it.server.get(&target);
    let new = it.folder.path().join("new.part");
    write_cog(&new, 2048, &Painted([0, 0, 220]));
    fs::rename(&new, it.folder.path().join("ortho.tif")).expect("it can be renamed");
    let after = it.server.wait_for(&target, |answer| answer.header("etag") != before.header("etag"));
    let [r, _, b, _] = after.middle_pixel();
    assert!(b > 210 && r < 10);
}

#[test]
fn a_deleted_file_is_never_a_blank_tile() {
    let it = Fixture::new();
    let target = it.tile("ortho", 17);
    assert_eq!(it.server.get(&target).status, 200);
    fs::remove_file(it.folder.path().join("ortho.tif")).expect("it is there");
    let answer = it.server.wait_for(&target, |answer| answer.status != 200);
    assert!(matches!(answer.status, 404 | 410 | 503), "{}", answer.status);
}

#[test]
fn junk_beside_good_files_keeps_none_of_them_from_being_served() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write_cog(&folder.path().join("good.tif"), 512, &Painted([9, 9, 9]));
    fs::write(folder.path().join("junk.tif"), b"II*\0junk that is no TIFF").expect("it can be written");
    fs::write(folder.path().join("empty.tif"), b"").expect("it can be written");
    fs::write(folder.path().join("notes.txt"), b"notes").expect("it can be written");
    let server = Running::serve(&[folder.path().to_owned()]);
    assert_eq!(server.layers(), ["good"]);
}
