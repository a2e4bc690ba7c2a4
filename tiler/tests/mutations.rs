//! Files that lie: a seeded mutator that knows where the numbers of a TIFF are. Nothing panics, hangs, or takes more memory
//! than the limits allow; a file is read or refused.
//!
//! `PAVAGE_FUZZ_CASES` sets how many; `make fuzz` runs many.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use tiler::{
    cog::write::{PixelSource, WriteOptions, write},
    geom::{GeoTransform, Size, Window},
    io::Access,
    source::{OpenOptions, Source},
};

struct Noise;

impl PixelSource for Noise {
    fn pixels(&self, window: Window) -> Vec<u8> {
        (0..window.pixels() as usize * 3).map(|i| ((i * 7919) >> 3) as u8).collect()
    }
}

/// xorshift: the same cases on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }
}

/// Numbers that hurt.
const EVIL: [u32; 12] =
    [0, 1, 2, 7, 255, 4096, 65_535, 65_536, 0x7fff_ffff, 0x8000_0000, 0xffff_fff0, 0xffff_ffff];

fn mutate(original: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = original.to_vec();
    for _ in 0..=random.below(3) {
        // Mostly in the header, where a few bytes decide much.
        let len = if random.below(4) > 0 { bytes.len().min(1600) } else { bytes.len() };
        let at = random.below(len.saturating_sub(4));
        match random.below(5) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at..at + 4].copy_from_slice(&EVIL[random.below(EVIL.len())].to_le_bytes()),
            2 => bytes[at..at + 2].copy_from_slice(&(EVIL[random.below(EVIL.len())] as u16).to_le_bytes()),
            3 => bytes.truncate(at.max(8)),
            _ => {
                let from = random.below(len.saturating_sub(12));
                let entry: Vec<u8> = bytes[from..from + 12].to_vec();
                let end = (at + 12).min(bytes.len());
                bytes[at..end].copy_from_slice(&entry[..end - at]);
            }
        }
        if bytes.len() < 16 {
            break;
        }
    }
    bytes
}

/// Opens the file and decodes a few blocks of each level, as a tile would.
fn exercise(path: &Path) -> bool {
    let options = OpenOptions { access: Access::Pread, ..OpenOptions::default() };
    let Ok(cog) = Source::open(path, &options) else { return false };
    for level in 0..=cog.overviews().len() {
        let blocks = cog.blocks(level, &Window::new(0, 0, 40, 40));
        for block in blocks.into_iter().take(4) {
            if let Ok(bytes) = cog.fetch(&[block]) {
                let _ = cog.decode(block, &bytes[0]);
            }
        }
    }
    true
}

#[test]
fn a_file_that_lies_is_read_or_refused() {
    let cases: u64 = std::env::var("PAVAGE_FUZZ_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(3000);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("original.tif");
    let geotransform = GeoTransform::north_up(650_000.0, 6_235_000.0, 0.05, 0.05);
    let options = WriteOptions { block_px: 64, ..WriteOptions::new(Size::new(200, 150), geotransform, 2154) };
    write(&path, &options, &Noise).expect("the folder can be written to");
    let original = fs::read(&path).expect("it was written");
    assert!(exercise(&path), "the original is sound");

    let mutant = folder.path().join("mutant.tif");
    let (mut opened, mut slowest) = (0, Duration::ZERO);
    for case in 0..cases {
        let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ (case + 1).wrapping_mul(0xd134_2543_de82_ef95));
        fs::write(&mutant, mutate(&original, &mut random)).expect("the folder can be written to");
        let started = Instant::now();
        opened += u64::from(exercise(&mutant));
        slowest = slowest.max(started.elapsed());
    }
    println!("{cases} files, {opened} opened, the slowest took {slowest:?}");
    assert!(opened > cases / 20, "some mutations do no harm");
    assert!(slowest < Duration::from_secs(2), "no file takes long to refuse");
}
