//! Whole blocks, of every kind, by libjpeg-turbo's algorithms.

use libjpeg_turbo_rs::{DecodeLimits, Decoder, api::precision::decompress_12bit_with_limits, decompress_raw};

use super::{BlockLayout, CODEC, CodecError, Photometric, damaged, fits};
use crate::raster::SampleType;

/// A block of a TIFF has one scan, or the few of a progressive stream.
const SCANS: usize = 100;
pub(in super::super) fn decode(bytes: &[u8], layout: &BlockLayout) -> Result<Vec<u8>, CodecError> {
    let stream = with_markers(bytes, layout);
    let limits = DecodeLimits { max_scans: SCANS, ..DecodeLimits::default() };
    let mut decoder = Decoder::new_with_limits(&stream, limits).map_err(damaged)?;
    let frame = decoder.header();
    let found = Found {
        width: usize::from(frame.width),
        height: usize::from(frame.height),
        bands: frame.components.len(),
        precision: frame.precision,
        lossless: frame.is_lossless,
    };
    let limits = DecodeLimits {
        max_width: found.width,
        max_height: found.height,
        max_pixels: (found.width * found.height) as u64,
        ..limits
    };
    found.check(layout)?;
    match (found.precision, layout.sample, found.bands) {
        (8, SampleType::U8, 1 | 3 | 4) => {
            decoder.set_limits(limits);
            let image = decoder.decode_image().map_err(damaged)?;
            found.crop(image.data, layout)
        }
        (8, SampleType::U8, 2) => found.crop(two_bands(&stream, &found)?, layout),
        (12, SampleType::U16, _) => {
            let image = decompress_12bit_with_limits(&stream, &limits).map_err(damaged)?;
            let bytes: Vec<u8> = image.data.iter().flat_map(|&sample| sample.to_ne_bytes()).collect();
            found.crop(bytes, layout)
        }
        (bits, ..) => {
            let found = format!("{bits} bits");
            Err(CodecError::Samples { codec: CODEC, found, expected: layout.sample.name() })
        }
    }
}

/// What the stream says of itself.
struct Found {
    width: usize,
    height: usize,
    bands: usize,
    precision: u8,
    lossless: bool,
}

impl Found {
    /// Compares the header with the layout, before pixels are allocated.
    fn check(&self, layout: &BlockLayout) -> Result<(), CodecError> {
        let (width, height) = (layout.size.width as usize, layout.size.height as usize);
        if !fits(self.width, self.height, layout) {
            let (found_width, found_height) = (self.width, self.height);
            return Err(CodecError::Dimensions { codec: CODEC, found_width, found_height, width, height });
        }
        if self.bands != layout.bands || self.bands > 4 {
            return Err(CodecError::Channels { codec: CODEC, found: self.bands, expected: layout.bands });
        }
        if self.lossless {
            return Err(CodecError::Damaged { codec: CODEC, reason: "a lossless stream".to_owned() });
        }
        Ok(())
    }

    /// The upper left part that the block shows.
    fn crop(&self, samples: Vec<u8>, layout: &BlockLayout) -> Result<Vec<u8>, CodecError> {
        let pixel = layout.bands * layout.sample.bytes();
        let (stored, shown) = (self.width * pixel, layout.size.width as usize * pixel);
        let expected = layout.samples() * layout.sample.bytes();
        if samples.len() != stored * self.height || shown > stored {
            return Err(CodecError::Length { codec: CODEC, found: samples.len(), expected });
        }
        if samples.len() == expected {
            return Ok(samples);
        }
        let mut out = Vec::with_capacity(expected);
        for row in samples.chunks_exact(stored.max(1)).take(layout.size.height as usize) {
            out.extend_from_slice(&row[..shown]);
        }
        Ok(out)
    }
}

/// Two bands have no colours, and so no decoder but for their planes.
fn two_bands(stream: &[u8], found: &Found) -> Result<Vec<u8>, CodecError> {
    let raw = decompress_raw(stream).map_err(damaged)?;
    let mut out = Vec::with_capacity(found.width * found.height * 2);
    let mut rows = Vec::new();
    for (plane, &width) in raw.planes.iter().zip(&raw.plane_widths) {
        let found_rows: Vec<&[u8]> = plane.chunks_exact(width.max(1)).collect();
        if width < found.width || found_rows.len() < found.height {
            let reason = "two bands of different sampling".to_owned();
            return Err(CodecError::Damaged { codec: CODEC, reason });
        }
        rows.push(found_rows);
    }
    let [first, second] = rows.as_slice() else {
        return Err(CodecError::Channels { codec: CODEC, found: rows.len(), expected: 2 });
    };
    for (a, b) in first.iter().zip(second).take(found.height) {
        out.extend(a.iter().zip(*b).take(found.width).flat_map(|(&a, &b)| [a, b]));
    }
    Ok(out)
}

/// The stream with the shared tables put in after its start marker, and with markers that say of its colours what the TIFF
/// says: an Adobe marker in place of all that the stream has.
fn with_markers(bytes: &[u8], layout: &BlockLayout) -> Vec<u8> {
    let transform = u8::from(matches!(layout.photometric, Photometric::YCbCr(_)));
    let mut stream = vec![0xff, 0xd8, 0xff, 0xee, 0, 14];
    stream.extend_from_slice(b"Adobe\0\x64\0\0\0\0");
    stream.push(transform);
    for part in [layout.jpeg_tables.as_deref().unwrap_or_default(), bytes] {
        if let [0xff, 0xd8, segments @ ..] = part {
            append_segments(segments, &mut stream);
        }
    }
    stream
}

/// Appends what decoding depends on: all but the end marker, comments and what applications add.
fn append_segments(mut rest: &[u8], stream: &mut Vec<u8>) {
    while let [0xff, marker, tail @ ..] = rest {
        match marker {
            0xff => rest = &rest[1..],
            0xd9 => return,
            0xda => break,
            0x01 | 0xd0..=0xd8 => rest = tail,
            _ => {
                let Some(&[high, low]) = tail.first_chunk() else { return };
                let len = usize::from(u16::from_be_bytes([high, low])) + 2;
                let Some((segment, after)) = rest.split_at_checked(len) else { return };
                if !matches!(marker, 0xe0..=0xef | 0xfe) {
                    stream.extend_from_slice(segment);
                }
                rest = after;
            }
        }
    }
    stream.extend_from_slice(rest);
}

#[cfg(test)]
mod tests {
    use libjpeg_turbo_rs::{Encoder, PixelFormat, Subsampling};
    use zune_jpeg::JpegDecoder;

    use super::*;
    use crate::{
        codec::{Compression, YCbCr, plain},
        geom::Size,
    };

    const SIZE: Size = Size::new(64, 48);

    fn photograph() -> Vec<u8> {
        let wave = |i: usize, f: f64| (127.0 + 90.0 * (i as f64 / f).sin()) as u8;
        (0..SIZE.pixels() as usize)
            .flat_map(|i| [wave(i % 64, 7.0), wave(i / 64, 5.0), wave(i % 64 + i / 64, 11.0)])
            .collect()
    }

    fn encoded(subsampling: Subsampling) -> Vec<u8> {
        Encoder::new(&photograph(), 64, 48, PixelFormat::Rgb)
            .quality(90)
            .subsampling(subsampling)
            .encode()
            .expect("it encodes")
    }

    fn layout(photometric: Photometric) -> BlockLayout {
        BlockLayout { bands: 3, photometric, ..plain(SIZE, Compression::Jpeg) }
    }

    fn mean_difference(a: &[u8], b: &[u8]) -> f64 {
        a.iter().zip(b).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / a.len() as f64
    }

    #[test]
    fn two_decoders_agree_in_every_subsampling() {
        for subsampling in [Subsampling::S444, Subsampling::S422, Subsampling::S420] {
            let stored = encoded(subsampling);
            let ours = decode(&stored, &layout(Photometric::YCbCr(YCbCr::default()))).expect("it decodes");
            let theirs = JpegDecoder::new(std::io::Cursor::new(&stored)).decode().expect("it decodes");
            let difference = mean_difference(&ours, &theirs);
            assert!(difference < 1.0, "{subsampling:?}: {difference}");
            assert!(mean_difference(&ours, &photograph()) < 4.0);
        }
    }

    #[test]
    fn a_stream_that_the_tiff_calls_rgb_is_not_converted() {
        let stored = encoded(Subsampling::S444);
        let raw = decode(&stored, &layout(Photometric::AsStored)).expect("it decodes");
        let rgb = decode(&stored, &layout(Photometric::YCbCr(YCbCr::default()))).expect("it decodes");
        let colours = YCbCr { subsampling: (1, 1), ..YCbCr::default() };
        let units: Vec<u8> = raw.chunks_exact(3).flatten().copied().collect();
        let converted = crate::codec::ycbcr::to_rgb(&units, SIZE, &colours);
        assert!(mean_difference(&raw, &rgb) > 10.0);
        assert!(mean_difference(&converted, &rgb) < 1.0);
    }

    #[test]
    fn four_bands_are_as_they_are_stored() {
        let inks: Vec<u8> = (0..SIZE.pixels()).flat_map(|_| [10, 60, 120, 200]).collect();
        let stored = Encoder::new(&inks, 64, 48, PixelFormat::Cmyk).quality(95).encode().expect("it encodes");
        let layout = BlockLayout { bands: 4, ..layout(Photometric::AsStored) };
        assert!(mean_difference(&decode(&stored, &layout).expect("it decodes"), &inks) < 2.0);
    }

    #[test]
    fn a_stream_a_little_larger_than_its_block_is_cut() {
        let stored = encoded(Subsampling::S420);
        let whole = decode(&stored, &layout(Photometric::YCbCr(YCbCr::default()))).expect("it decodes");
        let at = |width, height| BlockLayout {
            size: Size::new(width, height),
            ..layout(Photometric::YCbCr(YCbCr::default()))
        };
        let part = decode(&stored, &at(60, 3)).expect("it decodes");
        assert_eq!(part[60 * 3..][..60 * 3], whole[64 * 3..][..60 * 3]);
        assert!(matches!(decode(&stored, &at(32, 48)), Err(CodecError::Dimensions { .. })));
        assert!(matches!(decode(&stored, &at(64, 49)), Err(CodecError::Dimensions { .. })));
    }

    #[test]
    fn damage_is_an_error_and_never_a_panic() {
        let stored = encoded(Subsampling::S420);
        for at in 0..stored.len() {
            let mut damaged = stored.clone();
            damaged[at] ^= 0xff;
            let _ = decode(&damaged, &layout(Photometric::YCbCr(YCbCr::default())));
            let _ = decode(&stored[..at], &layout(Photometric::YCbCr(YCbCr::default())));
        }
        assert!(decode(&[], &layout(Photometric::YCbCr(YCbCr::default()))).is_err());
    }
}
