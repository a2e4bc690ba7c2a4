//! JPEG blocks: baseline or progressive, complete streams or abbreviated ones that share their tables.

use libjpeg_turbo_rs::{ColorSpace, DecodeLimits, Decoder};

use super::{BlockLayout, CodecError, Photometric};

const CODEC: &str = "JPEG";
/// A block of a TIFF has one scan, or the few of a progressive stream.
const SCANS: usize = 100;

pub(super) fn decode(bytes: &[u8], layout: &BlockLayout) -> Result<Vec<u8>, CodecError> {
    let damaged = |reason: String| CodecError::Damaged { codec: CODEC, reason };
    let (width, height) = (layout.size.width as usize, layout.size.height as usize);
    let stream = whole_stream(bytes, layout);
    // A stream may be a little larger than its block where an encoder rounds up, but not enormous.
    let limits = DecodeLimits {
        max_width: width,
        max_height: height,
        max_pixels: layout.size.pixels(),
        max_scans: SCANS,
        ..DecodeLimits::default()
    };
    let mut decoder = Decoder::new_with_limits(&stream, limits).map_err(|e| damaged(e.to_string()))?;
    let frame = decoder.header();
    let (found_width, found_height) = (usize::from(frame.width), usize::from(frame.height));
    if (found_width, found_height) != (width, height) {
        return Err(CodecError::Dimensions { codec: CODEC, found_width, found_height, width, height });
    }
    if frame.precision != 8 {
        return Err(damaged(format!("samples of {} bits", frame.precision)));
    }
    if frame.components.len() != layout.bands || !matches!(layout.bands, 1 | 3) {
        let (found, expected) = (frame.components.len(), layout.bands);
        return Err(CodecError::Channels { codec: CODEC, found, expected });
    }
    // The TIFF says which colours they are; a stream without markers only lets its reader guess.
    let guessed_ycbcr = decoder.jpeg_color_space() == ColorSpace::YCbCr;
    let is_ycbcr = matches!(layout.photometric, Photometric::YCbCr(_));
    if layout.bands == 3 && guessed_ycbcr && !is_ycbcr {
        decoder.set_output_colorspace(ColorSpace::YCbCr);
    }
    let image = decoder.decode_image().map_err(|e| damaged(e.to_string()))?;
    let mut samples = image.data;
    let expected = width * height * layout.bands;
    if samples.len() != expected {
        return Err(CodecError::Length { codec: CODEC, found: samples.len(), expected });
    }
    if layout.bands == 3 && is_ycbcr && !guessed_ycbcr {
        samples.chunks_exact_mut(3).for_each(ycbcr_to_rgb);
    }
    Ok(samples)
}

/// The stream with the shared tables put in after its start marker.
fn whole_stream<'a>(bytes: &'a [u8], layout: &BlockLayout) -> std::borrow::Cow<'a, [u8]> {
    match (&layout.jpeg_tables, bytes) {
        (Some(tables), [0xff, 0xd8, rest @ ..]) if tables.len() > 4 => {
            let tables = tables.strip_suffix(&[0xff, 0xd9]).unwrap_or(tables);
            [tables, rest].concat().into()
        }
        _ => bytes.into(),
    }
}

/// Source: ITU-T T.871 (JFIF), section 7.
fn ycbcr_to_rgb(pixel: &mut [u8]) {
    if let [y, cb, cr] = pixel {
        let (luma, blue, red) = (f32::from(*y), f32::from(*cb) - 128.0, f32::from(*cr) - 128.0);
        *y = (luma + 1.402 * red).round() as u8;
        *cb = (luma - 0.344_136 * blue - 0.714_136 * red).round() as u8;
        *cr = (luma + 1.772 * blue).round() as u8;
    }
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
        let mut converted = raw.clone();
        converted.chunks_exact_mut(3).for_each(ycbcr_to_rgb);
        let rgb = decode(&stored, &layout(Photometric::YCbCr(YCbCr::default()))).expect("it decodes");
        assert!(mean_difference(&raw, &rgb) > 10.0);
        assert!(mean_difference(&converted, &rgb) < 1.0);
    }

    #[test]
    fn a_stream_larger_than_its_block_is_refused() {
        let stored = encoded(Subsampling::S420);
        let small = BlockLayout { size: Size::new(32, 32), ..layout(Photometric::YCbCr(YCbCr::default())) };
        assert!(decode(&stored, &small).is_err());
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
