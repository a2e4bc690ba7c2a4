//! Sound files of many kinds, a few hundred bytes to a few thousand each.

use libdeflater::{CompressionLvl, Compressor};
use libjpeg_turbo_rs::{Encoder, PixelFormat, Subsampling};
use webpx::{EncoderConfig, Unstoppable};
use weezl::BitOrder;

use super::builder::{Form, Image, Values, file};

/// What is not the same in all seeds.
#[derive(Clone)]
struct Kind {
    size: (u32, u32),
    /// Columns and rows of a tile; no columns for strips.
    block: (u32, u32),
    bands: u16,
    bits: u16,
    format: u16,
    planar: u16,
    compression: u16,
    predictor: u16,
    photometric: u16,
    form: Form,
    /// Tags that only this one has.
    more: Vec<(u16, Values)>,
    /// Shared tables, for JPEG.
    tables: bool,
    sparse: bool,
    subfile: u32,
}

const LITTLE: Form = Form { big_endian: false, big: false };
const BIG_ENDIAN: Form = Form { big_endian: true, big: false };
const BIG: Form = Form { big_endian: false, big: true };
const BIG_BIG_ENDIAN: Form = Form { big_endian: true, big: true };

const NONE: u16 = 1;
const LZW: u16 = 5;
const JPEG: u16 = 7;
const DEFLATE: u16 = 8;
const PACKBITS: u16 = 32_773;
const ZSTD: u16 = 50_000;
const WEBP: u16 = 50_001;

fn rgb() -> Kind {
    Kind {
        size: (40, 24),
        block: (16, 16),
        bands: 3,
        bits: 8,
        format: 1,
        planar: 1,
        compression: DEFLATE,
        predictor: 1,
        photometric: 2,
        form: LITTLE,
        more: Vec::new(),
        tables: false,
        sparse: false,
        subfile: 0,
    }
}

/// JPEG 2000, by another encoder.
pub fn jp2s() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("jp2-ign", include_bytes!("../../src/jp2/fixtures/ign.jp2").to_vec()),
        ("jp2-palette", include_bytes!("../../src/jp2/fixtures/palette.jp2").to_vec()),
        ("jp2-rgb", include_bytes!("../../src/jp2/fixtures/rgb.jp2").to_vec()),
        ("jp2-signed", include_bytes!("../../src/jp2/fixtures/signed.jp2").to_vec()),
        ("jp2-tiles", include_bytes!("../../src/jp2/fixtures/tiles.jp2").to_vec()),
    ]
}

/// TIFFs of every kind, with names.
pub fn tiffs() -> Vec<(&'static str, Vec<u8>)> {
    let rgb = rgb();
    let grey = Kind { bands: 1, photometric: 1, ..rgb.clone() };
    let strips = |kind: &Kind| Kind { block: (0, 7), ..kind.clone() };
    let with = |kind: &Kind, compression, predictor| Kind { compression, predictor, ..kind.clone() };
    let deep = |bits, format, form, predictor| Kind { bits, format, predictor, form, ..grey.clone() };
    let more = |kind: &Kind, tags: Vec<(u16, Values)>| Kind { more: tags, ..kind.clone() };
    let ycbcr = |x, y| Kind {
        compression: JPEG,
        photometric: 6,
        more: vec![(530, Values::Shorts(vec![x, y]))],
        ..rgb.clone()
    };
    let alpha = Kind { bands: 4, more: vec![(338, Values::Shorts(vec![2]))], ..rgb.clone() };
    let ramp: Vec<u16> = (0..768).map(|i| (i % 256) * 257).collect();
    let one = |kind: &Kind| file(&[kind.image()], kind.form);
    vec![
        ("none-tiles", one(&with(&rgb, NONE, 1))),
        ("none-strips", one(&strips(&with(&rgb, NONE, 1)))),
        ("none-one-strip", one(&Kind { block: (0, 24), ..with(&grey, NONE, 1) })),
        ("lzw-predictor", one(&with(&rgb, LZW, 2))),
        ("deflate-planes", one(&Kind { planar: 2, ..rgb.clone() })),
        ("deflate-strips-planes", one(&strips(&Kind { planar: 2, ..rgb.clone() }))),
        ("packbits-strips", one(&strips(&with(&rgb, PACKBITS, 1)))),
        ("zstd-big", one(&Kind { form: BIG, ..with(&rgb, ZSTD, 2) })),
        ("webp", one(&with(&rgb, WEBP, 1))),
        ("webp-alpha", one(&with(&alpha, WEBP, 1))),
        ("jpeg-grey", one(&with(&grey, JPEG, 1))),
        ("jpeg-rgb", one(&with(&rgb, JPEG, 1))),
        ("jpeg-ycbcr-422", one(&ycbcr(2, 1))),
        ("jpeg-ycbcr-tables", one(&Kind { tables: true, ..ycbcr(2, 2) })),
        ("jpeg-nodata", one(&more(&with(&rgb, JPEG, 1), vec![(42_113, Values::Text("0"))]))),
        ("bits-1", one(&deep(1, 1, LITTLE, 1))),
        (
            "bits-1-strips-low-bit-first",
            one(&strips(&more(&deep(1, 1, LITTLE, 1), vec![(266, Values::Shorts(vec![2]))]))),
        ),
        ("bits-4", one(&deep(4, 1, LITTLE, 1))),
        ("bits-12", one(&deep(12, 1, BIG_ENDIAN, 1))),
        ("bits-16", one(&deep(16, 1, BIG_ENDIAN, 2))),
        ("bits-16-signed-nodata", one(&more(&deep(16, 2, BIG, 1), vec![(42_113, Values::Text("-9999"))]))),
        ("bits-32", one(&deep(32, 1, LITTLE, 2))),
        ("bits-64", one(&deep(64, 1, BIG_ENDIAN, 2))),
        ("float-16", one(&deep(16, 3, LITTLE, 1))),
        ("float-24", one(&deep(24, 3, LITTLE, 1))),
        ("float-32", one(&more(&deep(32, 3, BIG_BIG_ENDIAN, 3), vec![(42_113, Values::Text("nan"))]))),
        ("float-64", one(&strips(&deep(64, 3, LITTLE, 3)))),
        ("palette", one(&more(&Kind { photometric: 3, ..grey.clone() }, vec![(320, Values::Shorts(ramp))]))),
        ("cmyk", one(&Kind { bands: 4, photometric: 5, ..rgb.clone() })),
        ("ycbcr-plain", one(&strips(&Kind { photometric: 6, ..rgb.clone() }))),
        (
            "alpha-premultiplied-16",
            one(&Kind { bits: 16, more: vec![(338, Values::Shorts(vec![1]))], ..alpha.clone() }),
        ),
        ("alpha-planes", one(&Kind { planar: 2, ..alpha })),
        ("sparse", one(&Kind { sparse: true, form: BIG, ..rgb.clone() })),
        ("sparse-planes", one(&Kind { sparse: true, planar: 2, form: BIG_ENDIAN, ..rgb.clone() })),
        ("overviews-masks", pyramid(&rgb, false)),
        ("overviews-below", pyramid(&Kind { form: BIG_ENDIAN, ..rgb.clone() }, true)),
        ("user-defined-crs", one(&more(&grey, user_defined_crs()))),
        ("matrix-metadata", one(&more(&grey, matrix_and_metadata()))),
    ]
}

/// Stored blocks of 16 x 16 pixels after the ten bytes that [`super::block`] reads.
pub fn blocks() -> Vec<(&'static str, Vec<u8>)> {
    let block = |code: u8, compression, photometric: u8, tables: bool| {
        let kind = Kind { compression, tables, ..rgb() };
        let shared =
            if tables { jpeg(&kind.samples(16, 16), (16, 16), 3).write_tables() } else { Vec::new() };
        // The length of the tables has one byte: longer ones are cut short.
        let len = shared.len().min(255);
        let header = [code, 15, 15, 2, 0, 0, photometric, 0, 0, len as u8];
        [&header, &shared[..len], &kind.stored((16, 16))].concat()
    };
    vec![
        ("none", block(0, NONE, 0, false)),
        ("lzw", block(4, LZW, 0, false)),
        ("jpeg", block(5, JPEG, 1, false)),
        ("jpeg-tables", block(5, JPEG, 1, true)),
        ("deflate", block(6, DEFLATE, 0, false)),
        ("packbits", block(7, PACKBITS, 0, false)),
        ("zstd", block(10, ZSTD, 0, false)),
        ("webp", block(11, WEBP, 0, false)),
    ]
}

/// JPEG streams of 40 x 40 pixels after the sixteen bytes that `partial.rs` beside this file reads.
pub fn partials() -> Vec<(&'static str, Vec<u8>)> {
    let stream = |kind: u8, subsampling, restart| {
        let (bands, format) = if kind == 0 { (1, PixelFormat::Grayscale) } else { (3, PixelFormat::Rgb) };
        let pixels: Vec<u8> = (0..40 * 40 * bands).map(|i| (i * i / 97) as u8).collect();
        let encoder = Encoder::new(&pixels, 40, 40, format).quality(75).subsampling(subsampling);
        let stored = encoder.restart_blocks(restart).encode().expect("it encodes");
        let header = [39, 39, kind, 0, 20, 20, 9, 9, 5, 18, 30, 3, 0, 0, 1, 1];
        [&header, &stored[..]].concat()
    };
    vec![
        ("grey", stream(0, Subsampling::S444, 0)),
        ("rgb", stream(1, Subsampling::S444, 3)),
        ("ycbcr-444", stream(2, Subsampling::S444, 0)),
        ("ycbcr-422", stream(2, Subsampling::S422, 0)),
        ("ycbcr-420", stream(2, Subsampling::S420, 0)),
        ("ycbcr-420-restarts", stream(2, Subsampling::S420, 2)),
    ]
}

/// WebP streams for the target `webp_partial`: lossy ones, since others are decoded whole.
pub fn partial_webps() -> Vec<(&'static str, Vec<u8>)> {
    let stream = |config: EncoderConfig| {
        let pixels: Vec<u8> = (0..40 * 70 * 3).map(|i| (i * i / 97) as u8).collect();
        let stored = config.quality(75.0).encode_rgb(&pixels, 40, 70, Unstoppable).expect("it encodes");
        let header = [39, 69, 0, 0, 20, 20, 9, 9, 5, 18, 30, 3, 0, 40, 40, 20];
        [&header, &stored[..]].concat()
    };
    let new = EncoderConfig::new;
    vec![
        ("complex-filter", stream(new())),
        ("simple-filter", stream(new().filter_type(0))),
        ("no-filter", stream(new().filter_strength(0))),
        ("partitions", stream(new().partitions(2))),
    ]
}

/// An image with two overviews, each with its mask.
fn pyramid(rgb: &Kind, below: bool) -> Vec<u8> {
    let part = |size, subfile| Kind { size, subfile, ..rgb.clone() };
    let mask = |size, subfile| Kind { bands: 1, bits: 1, photometric: 4, ..part(size, subfile) };
    let mut full = rgb.image();
    let overviews = [part((20, 12), 1).image(), part((10, 6), 1).image()];
    let masks = [mask((40, 24), 4).image(), mask((20, 12), 5).image(), mask((10, 6), 5).image()];
    if below {
        full.below = overviews.into();
        return file(&[vec![full], masks.into()].concat(), rgb.form);
    }
    file(&[vec![full], overviews.into(), masks.into()].concat(), rgb.form)
}

impl Kind {
    fn image(&self) -> Image {
        let long = |value| Values::Longs(vec![value]);
        let short = |value| Values::Shorts(vec![value]);
        let tiled = self.block.0 > 0;
        let block = if tiled { self.block } else { (self.size.0, self.block.1) };
        let mut tags = vec![
            (254, long(self.subfile)),
            (256, long(self.size.0)),
            (257, long(self.size.1)),
            (258, Values::Shorts(vec![self.bits; usize::from(self.bands)])),
            (259, short(self.compression)),
            (262, short(self.photometric)),
            (277, short(self.bands)),
            (284, short(self.planar)),
            (317, short(self.predictor)),
            (339, Values::Shorts(vec![self.format; usize::from(self.bands)])),
        ];
        if tiled {
            tags.extend([(322, long(block.0)), (323, long(block.1))]);
        } else {
            tags.push((278, long(block.1)));
        }
        if self.tables {
            tags.push((
                347,
                Values::Bytes(jpeg(&self.samples(16, 16), (16, 16), self.channels()).write_tables()),
            ));
        }
        tags.extend(self.more.clone());
        if self.subfile == 0 && !self.more.iter().any(|(tag, _)| *tag == 34_264) {
            tags.extend(georeference());
            if !self.more.iter().any(|(tag, _)| *tag == 34_735) {
                let keys = vec![1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, 2154];
                tags.push((34_735, Values::Shorts(keys)));
            }
        }
        let pieces = if self.planar == 2 { u32::from(self.bands) } else { 1 };
        let down = self.size.1.div_ceil(block.1);
        let mut blocks = Vec::new();
        for row in (0..pieces).flat_map(|_| 0..down) {
            let rows = if tiled { block.1 } else { block.1.min(self.size.1 - row * block.1) };
            for _ in 0..self.size.0.div_ceil(block.0) {
                let is_sparse = self.sparse && blocks.len() % 2 == 1;
                blocks.push(if is_sparse { Vec::new() } else { self.stored((block.0, rows)) });
            }
        }
        Image { tags, blocks, tiled, below: Vec::new() }
    }

    /// Bands in one stored block.
    fn channels(&self) -> usize {
        if self.planar == 2 { 1 } else { usize::from(self.bands) }
    }

    /// Soft slopes, which compress.
    fn samples(&self, width: u32, height: u32) -> Vec<u8> {
        let row = (width as usize * self.channels() * usize::from(self.bits)).div_ceil(8);
        (0..height as usize).flat_map(|y| (0..row).map(move |x| (x / 3 * 5 + y * 7) as u8)).collect()
    }

    fn stored(&self, (width, height): (u32, u32)) -> Vec<u8> {
        let samples = self.samples(width, height);
        match self.compression {
            LZW => weezl::encode::Encoder::with_tiff_size_switch(BitOrder::Msb, 8)
                .encode(&samples)
                .expect("memory takes all"),
            DEFLATE => {
                let mut compressor = Compressor::new(CompressionLvl::default());
                let mut out = vec![0; compressor.zlib_compress_bound(samples.len())];
                let len = compressor.zlib_compress(&samples, &mut out).expect("the buffer is large enough");
                out.truncate(len);
                out
            }
            PACKBITS => samples
                .chunks(100)
                .flat_map(|literal| [&[literal.len() as u8 - 1], literal].concat())
                .collect(),
            ZSTD => zstd::bulk::compress(&samples, 3).expect("memory takes all"),
            JPEG => jpeg(&samples, (width, height), self.channels())
                .suppress_tables(self.tables)
                .encode()
                .expect("8 bits encode"),
            WEBP if self.bands == 4 => EncoderConfig::new()
                .quality(80.0)
                .encode_rgba(&samples, width, height, Unstoppable)
                .expect("it encodes"),
            WEBP => EncoderConfig::new()
                .lossless(true)
                .encode_rgb(&samples, width, height, Unstoppable)
                .expect("it encodes"),
            _ => samples,
        }
    }
}

fn jpeg(samples: &[u8], (width, height): (u32, u32), channels: usize) -> Encoder<'_> {
    let format = if channels == 1 { PixelFormat::Grayscale } else { PixelFormat::Rgb };
    Encoder::new(samples, width as usize, height as usize, format).quality(80).subsampling(Subsampling::S420)
}

fn georeference() -> Vec<(u16, Values)> {
    vec![
        (33_550, Values::Doubles(vec![0.2, 0.2, 0.0])),
        (33_922, Values::Doubles(vec![0.0, 0.0, 0.0, 650_000.0, 6_860_000.0, 0.0])),
    ]
}

/// Lambert-93 by its parameters.
fn user_defined_crs() -> Vec<(u16, Values)> {
    const USER_DEFINED: u16 = 32_767;
    const DOUBLES: u16 = 34_736;
    const TEXT: u16 = 34_737;
    let keys = [
        [1, 1, 0, 12],
        [1024, 0, 1, 1],
        [1025, 0, 1, 2],
        [2048, 0, 1, 4171],
        [3072, 0, 1, USER_DEFINED],
        [3073, TEXT, 12, 0],
        [3075, 0, 1, 8],
        [3078, DOUBLES, 1, 0],
        [3079, DOUBLES, 1, 1],
        [3084, DOUBLES, 1, 2],
        [3085, DOUBLES, 1, 3],
        [3086, DOUBLES, 1, 4],
        [3087, DOUBLES, 1, 5],
    ];
    vec![
        (34_735, Values::Shorts(keys.concat())),
        (34_736, Values::Doubles(vec![49.0, 44.0, 3.0, 46.5, 700_000.0, 6_600_000.0])),
        (34_737, Values::Text("Lambert 93|")),
    ]
}

fn matrix_and_metadata() -> Vec<(u16, Values)> {
    let (mut matrix, xml) = (vec![0.0; 16], "<GDALMetadata><Item name=\"a\">b</Item></GDALMetadata>");
    (matrix[0], matrix[1], matrix[3], matrix[4], matrix[5], matrix[7]) =
        (0.2, 0.01, 650_000.0, 0.01, -0.2, 6_860_000.0);
    vec![
        (34_264, Values::Doubles(matrix)),
        (34_735, Values::Shorts(vec![1, 1, 0, 2, 1024, 0, 1, 2, 2048, 0, 1, 4326])),
        (42_112, Values::Text(xml)),
    ]
}
