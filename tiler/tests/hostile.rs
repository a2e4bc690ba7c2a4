//! Files that once did harm, filed by failure (`hostile/<failure>/`), and the corpora of the fuzz targets: none does again.

#[path = "support/beside.rs"]
mod beside;
#[path = "support/block.rs"]
mod block;
#[path = "support/exercise.rs"]
mod exercise;
#[path = "support/geo.rs"]
mod geo;
#[path = "support/partial.rs"]
mod partial;
#[path = "support/partial_webp.rs"]
mod partial_webp;

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    sync::Mutex,
    time::{Duration, Instant},
};

use beside::exercise_beside;
use block::exercise_block;
use exercise::exercise;
use geo::exercise_geo;
use partial::exercise_partial;
use partial_webp::exercise_partial_webp;
use peak_alloc::PeakAlloc;
use tiler::{
    geom::Window,
    source::{OpenOptions, Source},
};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const PEAK_BYTES: usize = 256 << 20;
const SLOWEST: Duration = Duration::from_secs(2);

/// Memory is counted for the process: one test at a time.
static ALONE: Mutex<()> = Mutex::new(());

#[test]
fn what_once_did_harm_does_none() {
    let _alone = ALONE.lock();
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = files_below(&here.join("tests/hostile"));
    assert!(!files.is_empty(), "there are regressions to replay");
    let targets =
        ["source_open", "jp2_open", "codec_block", "jpeg_partial", "webp_partial", "sidecar", "geokeys"]
            .map(|target| here.join("fuzz/corpus").join(target));
    files.extend(targets.iter().flat_map(|folder| files_below(folder)));
    for path in files {
        let bytes = fs::read(&path).expect("the repository is there");
        MEMORY.reset_peak_usage();
        let (before, started) = (MEMORY.current_usage(), Instant::now());
        match path.parent().and_then(Path::file_name).and_then(OsStr::to_str) {
            Some("codec_block") => exercise_block(&bytes),
            Some("jpeg_partial") => exercise_partial(&bytes),
            Some("webp_partial") => exercise_partial_webp(&bytes),
            Some("sidecar") => exercise_beside(&bytes),
            Some("geokeys") => exercise_geo(&bytes),
            _ => {
                exercise(bytes);
            }
        }
        let (took, peak) = (started.elapsed(), MEMORY.peak_usage().saturating_sub(before));
        println!("{}: {took:?}, {} MiB", path.display(), peak >> 20);
        assert!(peak <= PEAK_BYTES, "{} takes {} MiB", path.display(), peak >> 20);
        assert!(took <= SLOWEST, "{} takes {took:?}", path.display());
    }
}

/// Every pixel of this image belongs to its collar, which is found in the full image: once it took 896 MiB.
#[test]
fn a_collar_takes_no_more_than_its_pixels() {
    let _alone = ALONE.lock();
    let bytes = include_bytes!("hostile/oom/collar-of-a-whole-image.tif").to_vec();
    let source = Source::from_bytes(bytes, &OpenOptions::default()).expect("it is sound");
    let block = source.blocks(0, &Window::new(0, 0, 1, 1))[0];
    let stored = source.fetch(&[block]).expect("it is sparse");
    MEMORY.reset_peak_usage();
    let before = MEMORY.current_usage();
    source.decode(block, &stored[0]).expect("it is sparse");
    assert!(MEMORY.peak_usage().saturating_sub(before) <= PEAK_BYTES);
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}
