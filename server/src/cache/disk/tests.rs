use std::{
    fs::{self, File},
    time::{Duration, SystemTime},
};

use tempfile::TempDir;
use tiler::{encode::Format, render::Fingerprint};

use super::{Disk, DiskConfig};

fn cache(bytes: u64) -> (TempDir, Disk) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let disk = Disk::new(&DiskConfig { dir: folder.path().join("cache"), bytes });
    disk.sweep().expect("nothing is there yet");
    (folder, disk)
}

/// Keys that differ in their first digits.
fn key(number: u128) -> Fingerprint {
    Fingerprint(number << 116 | number)
}

#[test]
fn a_tile_comes_back_also_after_a_restart() {
    let (folder, disk) = cache(1 << 20);
    for (number, format) in [(1, Format::Jpeg), (2, Format::Png), (3, Format::WebP)] {
        assert_eq!(disk.get(key(number)).expect("can be read"), None);
        assert!(disk.insert(key(number), format, b"a picture").expect("there is room"));
        assert!(!disk.insert(key(number), format, b"a picture").expect("there is room"), "it is there");
    }
    let again = Disk::new(&DiskConfig { dir: folder.path().join("cache"), bytes: 1 << 20 });
    assert_eq!(again.sweep().expect("can be listed"), 3 * 4096);
    for (number, format) in [(1, Format::Jpeg), (2, Format::Png), (3, Format::WebP)] {
        let tile = again.get(key(number)).expect("can be read").expect("it is there");
        assert_eq!((tile.bytes.as_ref(), tile.format), (&b"a picture"[..], format));
    }
}

#[test]
fn what_is_not_whole_is_no_tile_and_is_removed() {
    let (_folder, disk) = cache(1 << 20);
    disk.insert(key(1), Format::Jpeg, &[7; 500]).expect("there is room");
    let path = disk.path(key(1));
    let whole = fs::read(&path).expect("it is there");
    let mut flipped = whole.clone();
    flipped[300] ^= 1;
    for broken in [&whole[..0], &whole[..23], &whole[..200], &flipped] {
        fs::write(&path, broken).expect("it can be written");
        assert_eq!(disk.get(key(1)).expect("can be read"), None);
        assert!(!path.exists(), "{} bytes", broken.len());
    }
}

#[test]
fn nothing_is_written_before_it_was_counted_nor_beyond_the_limit() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let disk = Disk::new(&DiskConfig { dir: folder.path().to_owned(), bytes: 10 * 4096 });
    assert!(!disk.insert(key(1), Format::Jpeg, &[1; 100]).expect("is refused"));
    disk.sweep().expect("nothing is there yet");
    let written = (0..40).filter(|&n| disk.insert(key(n), Format::Jpeg, &[1; 100]).expect("writes"));
    assert_eq!(written.count(), 10);
    assert!(disk.is_nearly_full());
}

#[test]
fn what_was_used_longest_ago_leaves_first() {
    let (_folder, disk) = cache(100 * 4096);
    for number in 0..100 {
        disk.insert(key(number), Format::Jpeg, &[1; 100]).expect("there is room");
        let hours = Duration::from_secs(3600 * (200 - number as u64));
        let file = File::open(disk.path(key(number))).expect("it is there");
        file.set_modified(SystemTime::now() - hours).expect("it is ours");
    }
    // The oldest is used again.
    assert!(disk.get(key(0)).expect("can be read").is_some());
    let left = disk.sweep().expect("can be listed");
    assert_eq!(left, disk.bytes());
    let kept: Vec<u128> = (0..100).filter(|&number| disk.contains(key(number))).collect();
    assert_eq!(kept.len(), 85);
    assert!(kept.contains(&0) && !kept.contains(&1) && kept.contains(&99));
    assert!(disk.insert(key(500), Format::Jpeg, &[1; 100]).expect("there is room again"));
}

#[test]
fn only_what_is_its_own_is_removed() {
    let (folder, disk) = cache(4096);
    let other = folder.path().join("cache/holiday.jpg");
    disk.insert(key(1), Format::Jpeg, &[1; 100]).expect("there is room");
    fs::write(&other, [0; 9000]).expect("it can be written");
    disk.sweep().expect("can be listed");
    assert!(other.exists() && !disk.contains(key(1)));
}
