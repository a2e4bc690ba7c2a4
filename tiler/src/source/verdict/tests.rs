//! Verdicts on files made byte by byte: the header says all, so the blocks may lie anywhere.

use std::{path::PathBuf, sync::Arc};

use super::*;
use crate::source::{OpenOptions, Source};

/// A TIFF of 8-bit RGB in Lambert-93, one directory a level, its blocks all at one place.
struct Image {
    /// Columns and rows of each level.
    levels: Vec<u32>,
    /// Sides of the tiles; `None` for strips of 8 rows.
    tile: Option<u32>,
    compression: u16,
    planar: u16,
    nodata: Option<&'static str>,
    is_placed: bool,
    epsg: Option<u16>,
    /// Whether the first block was never written.
    is_sparse: bool,
    bits: u16,
}

const LZW: u16 = 5;
const JPEG: u16 = 7;
const DEFLATE: u16 = 8;

impl Default for Image {
    fn default() -> Self {
        Self {
            levels: vec![2048, 1024, 512],
            tile: Some(512),
            compression: DEFLATE,
            planar: 1,
            nodata: None,
            is_placed: true,
            epsg: Some(2154),
            is_sparse: false,
            bits: 8,
        }
    }
}

/// A tag: its number, its type (2 text, 3 short, 4 long, 12 double), its count, its bytes.
type Entry = (u16, u16, u32, Vec<u8>);

fn shorts(tag: u16, values: &[u16]) -> Entry {
    (tag, 3, values.len() as u32, values.iter().flat_map(|v| v.to_le_bytes()).collect())
}

fn longs(tag: u16, values: &[u32]) -> Entry {
    (tag, 4, values.len() as u32, values.iter().flat_map(|v| v.to_le_bytes()).collect())
}

fn doubles(tag: u16, values: &[f64]) -> Entry {
    (tag, 12, values.len() as u32, values.iter().flat_map(|v| v.to_le_bytes()).collect())
}

impl Image {
    fn entries(&self, level: usize) -> Vec<Entry> {
        let side = self.levels[level];
        let pieces = if self.planar == 2 { 3 } else { 1 };
        let mut entries = vec![
            longs(254, &[u32::from(level > 0)]),
            longs(256, &[side]),
            longs(257, &[side]),
            shorts(258, &[self.bits; 3]),
            shorts(259, &[self.compression]),
            shorts(262, &[2]),
            shorts(277, &[3]),
            shorts(284, &[self.planar]),
        ];
        let (offsets, counts, blocks) = if let Some(tile) = self.tile {
            entries.push(longs(322, &[tile]));
            entries.push(longs(323, &[tile]));
            (324, 325, side.div_ceil(tile).pow(2) * pieces)
        } else {
            entries.push(longs(278, &[8]));
            (273, 279, side.div_ceil(8) * pieces)
        };
        let mut starts = vec![8; blocks as usize];
        if self.is_sparse {
            starts[0] = 0;
        }
        entries.push(longs(offsets, &starts));
        entries.push(longs(counts, &vec![1000; blocks as usize]));
        if level == 0 && self.is_placed {
            entries.push(doubles(33_550, &[0.05, 0.05, 0.0]));
            entries.push(doubles(33_922, &[0.0, 0.0, 0.0, 650_000.0, 6_235_000.0, 0.0]));
        }
        if let Some(epsg) = self.epsg.filter(|_| level == 0) {
            entries.push(shorts(34_735, &[1, 1, 0, 2, 1024, 0, 1, 1, 3072, 0, 1, epsg]));
        }
        if let Some(nodata) = self.nodata {
            let text = format!("{nodata}\0").into_bytes();
            entries.push((42_113, 2, text.len() as u32, text));
        }
        entries.sort_by_key(|entry| entry.0);
        entries
    }

    fn bytes(&self) -> Vec<u8> {
        let mut out = b"II\x2a\0".to_vec();
        out.extend(1008u32.to_le_bytes());
        out.resize(1008, 0);
        for level in 0..self.levels.len() {
            let entries = self.entries(level);
            let mut values = out.len() + 2 + entries.len() * 12 + 4;
            let mut data = Vec::new();
            out.extend((entries.len() as u16).to_le_bytes());
            for (tag, kind, count, bytes) in entries {
                out.extend(tag.to_le_bytes());
                out.extend(kind.to_le_bytes());
                out.extend(count.to_le_bytes());
                if bytes.len() <= 4 {
                    let mut inline = bytes;
                    inline.resize(4, 0);
                    out.extend(inline);
                } else {
                    out.extend((values as u32).to_le_bytes());
                    values += bytes.len();
                    data.extend(bytes);
                }
            }
            let next = if level + 1 < self.levels.len() { values as u32 } else { 0 };
            out.extend(next.to_le_bytes());
            out.extend(data);
        }
        out
    }

    fn open(&self) -> Arc<Source> {
        let folder = tempfile::tempdir().unwrap();
        let path: PathBuf = folder.path().join("dalle.tif");
        std::fs::write(&path, self.bytes()).unwrap();
        Source::open(&path, &OpenOptions::default()).unwrap()
    }

    fn codes(&self) -> Vec<&'static str> {
        self.open().verdict().iter().map(|advice| advice.code).collect()
    }

    fn advice(&self, code: &str) -> Advice {
        self.open().verdict().into_iter().find(|advice| advice.code == code).expect("it is given")
    }
}

#[test]
fn a_good_file_is_ready() {
    assert_eq!(Image::default().codes(), ["ready"]);
}

#[test]
fn an_image_without_overviews_is_read_whole_for_a_low_zoom() {
    let image = Image { levels: vec![2048], ..Image::default() };
    let advice = image.advice("no-overviews");
    assert!(advice.cost.contains("reads all 4.2 million pixels (0.02 MB), about 27 ms"), "{}", advice.cost);
    let remedy = advice.remedy.unwrap();
    assert!(remedy.starts_with("gdaladdo -r average ") && remedy.ends_with("dalle.tif 2 4"), "{remedy}");
}

#[test]
fn a_small_image_needs_no_overviews() {
    assert_eq!(Image { levels: vec![1024], ..Image::default() }.codes(), ["ready"]);
}

#[test]
fn overviews_that_stop_early_are_told() {
    assert_eq!(Image { levels: vec![4096, 2048], ..Image::default() }.codes(), ["few-overviews"]);
}

#[test]
fn a_gap_between_overviews_is_told() {
    let advice = Image { levels: vec![4096, 256], ..Image::default() }.advice("overview-gap");
    assert!(advice.cost.starts_with("no overview between 1:1 and 1:16: "), "{}", advice.cost);
}

#[test]
fn strips_of_the_full_width_tell_what_a_tile_reads() {
    let advice = Image { levels: vec![4096, 512], tile: None, ..Image::default() }.advice("strips");
    assert!(advice.cost.contains("4096 px: each tile reads 1.1 million pixels"), "{}", advice.cost);
    let remedy = advice.remedy.unwrap();
    assert!(remedy.starts_with("pavage convert ") && remedy.ends_with("/cog"), "{remedy}");
}

#[test]
fn very_small_and_very_large_blocks_are_told() {
    assert_eq!(Image { tile: Some(128), ..Image::default() }.codes(), ["small-blocks"]);
    assert_eq!(Image { tile: Some(2048), ..Image::default() }.codes(), ["large-blocks"]);
}

#[test]
fn a_costly_codec_is_compared_with_a_quick_one() {
    let advice = Image { compression: LZW, ..Image::default() }.advice("costly-codec");
    assert!(advice.cost.contains("LZW takes about 9.7 ms"), "{}", advice.cost);
    assert!(advice.cost.ends_with("ZSTD would take 1.5"), "{}", advice.cost);
}

#[test]
fn bands_that_are_stored_apart_are_noted() {
    assert_eq!(Image { planar: 2, ..Image::default() }.advice("planar").severity, Severity::Note);
}

#[test]
fn a_nodata_value_after_lossy_compression_makes_fringes() {
    let advice = Image { compression: JPEG, nodata: Some("255"), ..Image::default() }.advice("lossy-nodata");
    assert_eq!(advice.severity, Severity::Picture);
    assert!(advice.cost.contains("within 12 of the value"), "{}", advice.cost);
    let remedy = advice.remedy.unwrap();
    assert!(remedy.starts_with("pavage convert "), "{remedy}");
}

#[test]
fn a_file_without_a_place_is_refused() {
    let lost = Image { is_placed: false, ..Image::default() }.advice("no-georeference");
    assert_eq!(lost.severity, Severity::Refused);
    let nameless = Image { epsg: None, ..Image::default() }.advice("no-crs");
    assert_eq!(nameless.severity, Severity::Refused);
    assert!(nameless.remedy.unwrap().starts_with("gdal_edit.py -a_srs EPSG:2154 "));
}

#[test]
fn blocks_that_were_never_written_are_black_unless_something_hides_them() {
    let black = Image { is_sparse: true, ..Image::default() }.advice("sparse");
    assert_eq!(black.severity, Severity::Picture);
    let hidden = Image { is_sparse: true, nodata: Some("0"), ..Image::default() }.advice("sparse");
    assert_eq!(hidden.severity, Severity::Note);
}

#[test]
fn samples_of_16_bits_are_stretched() {
    assert_eq!(Image { bits: 16, ..Image::default() }.codes(), ["stretched"]);
}

#[test]
fn what_hurts_most_is_told_first() {
    let image =
        Image { levels: vec![4096], compression: LZW, is_placed: false, planar: 2, ..Image::default() };
    assert_eq!(image.codes(), ["no-georeference", "no-overviews", "costly-codec", "planar"]);
}

#[test]
fn a_tile_costs_what_its_blocks_cost() {
    let image = Image { levels: vec![2048, 1024, 512], compression: JPEG, ..Image::default() };
    let cost = image.open().cost();
    // (1 + 255/512)² blocks of 512² px at 3.6 ms a million, and a quarter of a millisecond for the rest.
    assert!((cost.native_tile_ms - 2.368).abs() < 0.01, "{cost:?}");
    assert!((2200..2300).contains(&cost.native_tile_bytes), "{cost:?}");
    // Just before the next level: twice as many pixels along each side.
    assert!((cost.low_zoom_tile_ms - 4.02).abs() < 0.02, "{cost:?}");
}
