//! One block of pixels to its compressed bytes, and its mask.

use std::{borrow::Cow, cell::RefCell};

use libdeflater::{CompressionLvl, Compressor};
use libjpeg_turbo_rs::{Encoder, PixelFormat, Subsampling};
use webpx::{EncoderConfig, Unstoppable};
use xxhash_rust::xxh3::xxh3_64;

use super::{Chroma, Encoding, Transparency, WriteOptions, WriteProblem};
use crate::{
    codec::Predictor,
    geom::Size,
    raster::{Raster, SampleType, Samples},
};

/// Effort of libwebp, 0 to 6; 4 is its own default, and GDAL's.
const WEBP_METHOD: u8 = 4;
/// A mask is a few bytes whatever the effort.
const MASK_LEVEL: i32 = 6;

/// A block as it is stored.
#[derive(Debug)]
pub(super) struct Encoded {
    /// Empty where nothing is valid: such a block is left out.
    pub image: Vec<u8>,
    /// Empty where nothing is valid, or where there are no masks.
    pub mask: Vec<u8>,
    /// Whether every pixel is valid.
    pub is_whole: bool,
    /// Of the samples or of the stored bytes, as [`super::Written`] says; 0 where the block is left out.
    pub image_hash: u64,
    /// Of the mask, one byte a pixel.
    pub mask_hash: u64,
}

/// Compresses a block of which only a part need lie within the image.
pub(super) fn block(raster: &Raster, options: &WriteOptions) -> Result<Encoded, WriteProblem> {
    let side = options.block_px as usize;
    let is_whole = raster.mask().is_none();
    let nothing = raster.mask().is_some_and(|mask| mask.iter().all(|&v| v == 0));
    let samples = stored(raster, options);
    let has_mask = options.transparency == Transparency::Mask;
    if nothing && can_be_left_out(&samples, options) {
        return Ok(Encoded { image: Vec::new(), mask: Vec::new(), is_whole, image_hash: 0, mask_hash: 0 });
    }
    let pixel_bytes = options.stored_bands() * options.sample.bytes();
    let bytes = samples.to_ne_bytes();
    let bytes = padded(&bytes, raster.size(), pixel_bytes, side);
    let image = compressed(&bytes, options)?;
    let image_hash = xxh3_64(if options.encoding.is_lossless() { &bytes } else { &image });
    let (mask, mask_hash) = if has_mask { mask(raster, side)? } else { (Vec::new(), 0) };
    Ok(Encoded { image, mask, is_whole, image_hash, mask_hash })
}

/// Samples with what transparency makes of the mask.
fn stored<'a>(raster: &'a Raster, options: &WriteOptions) -> Cow<'a, Samples> {
    match (options.transparency, raster.mask()) {
        (Transparency::Nodata(value), Some(mask)) => {
            let mut samples = raster.samples().clone();
            let bands = raster.bands();
            for (pixel, _) in mask.iter().enumerate().filter(|(_, v)| **v == 0) {
                for at in pixel * bands..(pixel + 1) * bands {
                    // What is not a number means nothing already.
                    if !samples.value(at).is_nan() {
                        samples.set(at, value);
                    }
                }
            }
            Cow::Owned(samples)
        }
        (Transparency::Alpha, mask) => {
            let bands = raster.bands();
            let full = options.sample.range().1;
            let mut samples = Samples::zeros(options.sample, raster.size().pixels() as usize * (bands + 1));
            for pixel in 0..raster.size().pixels() as usize {
                let to = pixel * (bands + 1);
                samples.copy_from(to, raster.samples(), pixel * bands..(pixel + 1) * bands);
                let validity = mask.map_or(255, |mask| mask[pixel]);
                samples.set(to + bands, (f64::from(validity) * full / 255.0).round());
            }
            Cow::Owned(samples)
        }
        _ => Cow::Borrowed(raster.samples()),
    }
}

/// Whether a reader gets a block in which nothing is valid from its absence: as nodata, else as zeros.
fn can_be_left_out(samples: &Samples, options: &WriteOptions) -> bool {
    match options.transparency {
        Transparency::Opaque => false,
        Transparency::Nodata(value) => samples.all(value),
        Transparency::Mask | Transparency::Alpha => !options.encoding.is_lossless() || samples.all(0.0),
    }
}

/// Rows of a part of a block to the whole of it: the last column and row go on, as what compresses best.
fn padded(bytes: &[u8], size: Size, pixel_bytes: usize, side: usize) -> Cow<'_, [u8]> {
    let (width, height) = (size.width as usize, size.height as usize);
    if (width, height) == (side, side) {
        return Cow::Borrowed(bytes);
    }
    let mut out = Vec::with_capacity(side * side * pixel_bytes);
    for row in bytes.chunks_exact(width * pixel_bytes) {
        out.extend_from_slice(row);
        for _ in width..side {
            out.extend_from_slice(&row[(width - 1) * pixel_bytes..]);
        }
    }
    let last = (height - 1) * side * pixel_bytes;
    for _ in height..side {
        out.extend_from_within(last..last + side * pixel_bytes);
    }
    Cow::Owned(out)
}

/// One bit a pixel, deflated, and the hash of what it becomes again. Padding is not valid.
fn mask(raster: &Raster, side: usize) -> Result<(Vec<u8>, u64), WriteProblem> {
    let (width, height) = (raster.size().width as usize, raster.size().height as usize);
    let mut bytes = vec![0u8; side * side];
    for row in 0..height {
        let target = &mut bytes[row * side..][..width];
        match raster.mask() {
            Some(mask) => {
                let row = &mask[row * width..][..width];
                target.iter_mut().zip(row).for_each(|(target, &v)| *target = if v == 0 { 0 } else { 255 });
            }
            None => target.fill(255),
        }
    }
    let bits: Vec<u8> =
        bytes.chunks_exact(8).map(|eight| eight.iter().fold(0, |byte, &v| byte << 1 | (v & 1))).collect();
    Ok((deflated(&bits, MASK_LEVEL)?, xxh3_64(&bytes)))
}

fn compressed(bytes: &[u8], options: &WriteOptions) -> Result<Vec<u8>, WriteProblem> {
    let encoding = options.encoding;
    let failed = |reason: String| WriteProblem::Encoder { encoding: encoding.name(), reason };
    let (side, bands) = (options.block_px as usize, options.stored_bands());
    let predicted = |predictor: Predictor| {
        let mut bytes = bytes.to_vec();
        predictor.apply(&mut bytes, side, bands, options.sample.bytes());
        bytes
    };
    match encoding {
        Encoding::Jpeg { quality, chroma } => {
            let (format, subsampling) = match (options.bands, chroma) {
                (1, _) => (PixelFormat::Grayscale, Subsampling::S444),
                (_, Chroma::Full) => (PixelFormat::Rgb, Subsampling::S444),
                (_, Chroma::Halved) => (PixelFormat::Rgb, Subsampling::S420),
            };
            Encoder::new(bytes, side, side, format)
                .quality(quality.clamp(1, 100))
                .subsampling(subsampling)
                .encode()
                .map_err(|error| failed(error.to_string()))
        }
        Encoding::WebP { quality } => webp(bytes, (side, bands), Some(quality)).map_err(failed),
        Encoding::LosslessWebP => webp(bytes, (side, bands), None).map_err(failed),
        Encoding::Zstd { level, predictor } => zstandard(&predicted(predictor), level).map_err(failed),
        Encoding::Deflate { level, predictor } => deflated(&predicted(predictor), level),
    }
}

fn webp(bytes: &[u8], (side, bands): (usize, usize), quality: Option<u8>) -> Result<Vec<u8>, String> {
    let config = EncoderConfig::new().method(WEBP_METHOD);
    let config = match quality {
        Some(quality) => config.quality(f32::from(quality.clamp(1, 100))),
        // Also the colours of pixels that do not show.
        None => config.lossless(true).exact(true),
    };
    let side = side as u32;
    match bands {
        4 => config.encode_rgba(bytes, side, side, Unstoppable),
        _ => config.encode_rgb(bytes, side, side, Unstoppable),
    }
    .map_err(|error| error.to_string())
}

thread_local! {
    static ZSTANDARD: RefCell<Option<(i32, zstd::bulk::Compressor<'static>)>> = const { RefCell::new(None) };
    static DEFLATE: RefCell<Option<(i32, Compressor)>> = const { RefCell::new(None) };
}

fn zstandard(bytes: &[u8], level: i32) -> Result<Vec<u8>, String> {
    ZSTANDARD.with_borrow_mut(|kept| {
        let compressor = match kept {
            Some((of, compressor)) if *of == level => compressor,
            _ => {
                let new = zstd::bulk::Compressor::new(level).map_err(|error| error.to_string())?;
                &mut kept.insert((level, new)).1
            }
        };
        compressor.compress(bytes).map_err(|error| error.to_string())
    })
}

fn deflated(bytes: &[u8], level: i32) -> Result<Vec<u8>, WriteProblem> {
    DEFLATE.with_borrow_mut(|kept| {
        let failed = |reason: String| WriteProblem::Encoder { encoding: "DEFLATE", reason };
        let compressor = match kept {
            Some((of, compressor)) if *of == level => compressor,
            _ => {
                let level_of = CompressionLvl::new(level).map_err(|_| failed(format!("no level {level}")))?;
                &mut kept.insert((level, Compressor::new(level_of))).1
            }
        };
        let mut out = vec![0; compressor.zlib_compress_bound(bytes.len())];
        let len = compressor.zlib_compress(bytes, &mut out).map_err(|error| failed(format!("{error:?}")))?;
        out.truncate(len);
        Ok(out)
    })
}

/// Refuses a raster that is not what the options say.
pub(super) fn check(raster: &Raster, size: Size, options: &WriteOptions) -> Result<(), WriteProblem> {
    let text = |size: Size, bands: usize, kind: SampleType| {
        format!("{} x {} x {bands} of {}", size.width, size.height, kind.name())
    };
    let found = (raster.size(), raster.bands(), raster.samples().kind());
    let expected = (size, options.bands, options.sample);
    if found == expected {
        return Ok(());
    }
    Err(WriteProblem::Mismatch {
        found: text(found.0, found.1, found.2),
        expected: text(expected.0, expected.1, expected.2),
    })
}
