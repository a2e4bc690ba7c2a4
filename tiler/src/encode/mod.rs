//! Turns a finished picture into the bytes that go out. It knows picture formats, but no tile and no file.

mod chroma;
mod jpeg;
mod png;
mod webp;

use crate::{
    geom::Size,
    raster::{Raster, Samples, YCbCr},
};

/// Part of every fingerprint: to be raised whenever the same pixels would encode to other bytes.
pub const VERSION: u32 = 4;

/// What a picture was encoded as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// JPEG, 4:2:0; no transparency.
    Jpeg,
    /// PNG, lossless.
    Png,
    /// WebP, lossy, with lossless transparency.
    WebP,
}

impl Format {
    /// The media type.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::WebP => "image/webp",
        }
    }

    /// The ending in addresses.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::WebP => "webp",
        }
    }
}

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OutputFormat {
    /// Always JPEG; where there is no imagery the background shows.
    Jpeg,
    /// Always PNG.
    Png,
    /// Always WebP.
    WebP,
    /// JPEG where the tile is full of imagery, PNG or WebP where it is partly or wholly transparent.
    Auto,
}

impl OutputFormat {
    /// The format for a picture.
    const fn resolve(self, picture: &Picture, options: EncodeOptions) -> Format {
        match (self, &picture.alpha) {
            (Self::Auto, None) if options.is_lossless => options.edges,
            (Self::Jpeg, _) | (Self::Auto, None) => Format::Jpeg,
            (Self::Auto, Some(_)) => options.edges,
            (Self::Png, _) => Format::Png,
            (Self::WebP, _) => Format::WebP,
        }
    }

    /// The name in fingerprints.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "jpeg",
            Self::Png => "png",
            Self::WebP => "webp",
            Self::Auto => "auto",
        }
    }
}

impl From<Format> for OutputFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Jpeg => Self::Jpeg,
            Format::Png => Self::Png,
            Format::WebP => Self::WebP,
        }
    }
}

/// How pictures are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EncodeOptions {
    /// 1 (small) to 100 (faithful); default 85.
    pub jpeg_quality: u8,
    /// 1 (small) to 100 (faithful); default 80.
    pub webp_quality: u8,
    /// What shows through in formats without transparency, red green blue; default white.
    pub background: [u8; 3],
    /// What [`OutputFormat::Auto`] is where a picture is not opaque; default PNG.
    pub edges: Format,
    /// Whether WebP keeps every value; default false.
    pub is_lossless: bool,
}

impl Default for EncodeOptions {
    fn default() -> Self {
        Self {
            jpeg_quality: 85,
            webp_quality: 80,
            background: [255; 3],
            edges: Format::Png,
            is_lossless: false,
        }
    }
}

/// A finished picture: grey or red green blue, 8 bits, `[row, col, channel]`, not premultiplied.
#[derive(Debug, Clone)]
pub struct Picture {
    size: Size,
    channels: usize,
    pixels: Vec<u8>,
    alpha: Option<Vec<u8>>,
}

impl Picture {
    /// The picture of a raster of bytes, in one (grey) or three bands; its mask becomes transparency.
    ///
    /// # Panics
    /// When the raster holds anything else: a bug of the caller.
    pub fn new(raster: Raster) -> Self {
        let (size, channels) = (raster.size(), raster.bands());
        let (samples, alpha) = raster.into_parts();
        let Samples::U8(pixels) = samples else { unreachable!("a picture of {:?}", samples.kind()) };
        Self { size, channels, pixels, alpha }
    }

    /// Whether every pixel shows.
    pub fn is_opaque(&self) -> bool {
        self.alpha.is_none()
    }

    /// Whether no pixel shows.
    pub fn is_empty(&self) -> bool {
        self.alpha.as_ref().is_some_and(|alpha| alpha.iter().all(|&a| a == 0))
    }

    /// Channels with alpha as the last one, and how many they are.
    fn interleaved(&self) -> (Vec<u8>, usize) {
        let Some(alpha) = &self.alpha else { return (self.pixels.clone(), self.channels) };
        let mut out = Vec::with_capacity(alpha.len() * (self.channels + 1));
        for (pixel, &alpha) in self.pixels.chunks_exact(self.channels).zip(alpha) {
            // What does not show is black, so that equal pictures have equal bytes and compress well.
            if alpha == 0 {
                out.resize(out.len() + self.channels, 0);
            } else {
                out.extend_from_slice(pixel);
            }
            out.push(alpha);
        }
        (out, self.channels + 1)
    }

    /// Red green blue in any case.
    fn to_rgb(&self) -> Self {
        if self.channels == 3 {
            return self.clone();
        }
        let pixels = self.pixels.iter().flat_map(|&v| [v; 3]).collect();
        Self { channels: 3, pixels, ..self.clone() }
    }

    /// Laid over a background, opaque.
    fn flatten(&self, background: [u8; 3]) -> Self {
        let Some(alpha) = &self.alpha else { return self.clone() };
        let mut flat = self.to_rgb();
        for (pixel, &alpha) in flat.pixels.chunks_exact_mut(3).zip(alpha) {
            let a = u32::from(alpha);
            for (value, ground) in pixel.iter_mut().zip(background) {
                *value = ((u32::from(*value) * a + u32::from(ground) * (255 - a) + 127) / 255) as u8;
            }
        }
        flat.alpha = None;
        flat
    }
}

/// Encoded bytes and what they are.
#[derive(Debug, Clone)]
pub struct EncodedTile {
    /// The file.
    pub bytes: Vec<u8>,
    /// Its format.
    pub format: Format,
    /// Whether every pixel of the picture showed.
    pub opaque: bool,
    /// Whether no pixel of it did.
    pub empty: bool,
}

/// Why a picture could not be encoded.
#[derive(Debug, thiserror::Error)]
#[error("the {} encoder failed: {reason}", format.extension())]
pub struct EncodeError {
    /// Which encoder.
    pub format: Format,
    /// What it said.
    pub reason: String,
}

/// Encodes a picture as asked.
///
/// # Errors
/// When an encoder refuses the picture: one without pixels or with more than its format has numbers for, or for want of memory.
pub fn encode(
    picture: &Picture,
    asked: OutputFormat,
    options: EncodeOptions,
) -> Result<EncodedTile, EncodeError> {
    let format = asked.resolve(picture, options);
    let bytes = match format {
        Format::Jpeg => jpeg::encode(picture, options),
        Format::Png => png::encode(picture),
        Format::WebP => webp::encode(picture, options),
    }
    .map_err(|reason| EncodeError { format, reason })?;
    Ok(EncodedTile { bytes, format, opaque: picture.is_opaque(), empty: picture.is_empty() })
}

/// Encodes what is luma and chroma already, in a lossy format: WebP if it is asked for, else JPEG.
///
/// # Errors
/// As [`encode`] does.
pub fn encode_ycbcr(
    picture: &YCbCr,
    asked: OutputFormat,
    options: EncodeOptions,
) -> Result<EncodedTile, EncodeError> {
    let (format, bytes) = match asked {
        OutputFormat::WebP => (Format::WebP, webp::encode(&chroma::repeated(picture), options)),
        _ => (Format::Jpeg, jpeg::encode_planes(picture, options)),
    };
    let bytes = bytes.map_err(|reason| EncodeError { format, reason })?;
    Ok(EncodedTile { bytes, format, opaque: true, empty: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raster(bands: usize, mask: Option<Vec<u8>>) -> Raster {
        let pixels: Vec<u8> = (0..64 * 64 * bands).map(|i| (i / bands % 64 * 3) as u8).collect();
        Raster::new(Size::new(64, 64), bands, pixels, mask)
    }

    fn decoded(tile: &EncodedTile) -> image::RgbaImage {
        image::load_from_memory(&tile.bytes).expect("our own picture opens").to_rgba8()
    }

    #[test]
    fn every_format_gives_the_picture_back() {
        for bands in [1, 3] {
            for asked in [OutputFormat::Jpeg, OutputFormat::Png, OutputFormat::WebP] {
                let picture = Picture::new(raster(bands, None));
                let tile = encode(&picture, asked, EncodeOptions::default()).expect("it encodes");
                let image = decoded(&tile);
                assert!(tile.opaque && !tile.empty);
                let rgb = picture.to_rgb();
                let worst = image.pixels().zip(rgb.pixels.chunks(3));
                let worst = worst.map(|(a, b)| a.0[0].abs_diff(b[0])).max().expect("it has pixels");
                assert!(worst <= if asked == OutputFormat::Png { 0 } else { 8 }, "{asked:?} {worst}");
            }
        }
    }

    #[test]
    fn auto_is_jpeg_inside_and_png_on_edges() {
        let options = EncodeOptions::default();
        let inside = encode(&Picture::new(raster(3, None)), OutputFormat::Auto, options).expect("it encodes");
        let mut mask = vec![255; 64 * 64];
        mask[..64].fill(0);
        let edge =
            encode(&Picture::new(raster(3, Some(mask))), OutputFormat::Auto, options).expect("it encodes");
        assert_eq!((inside.format, edge.format), (Format::Jpeg, Format::Png));
        let image = decoded(&edge);
        assert_eq!((image.get_pixel(5, 0).0[3], image.get_pixel(5, 1).0[3]), (0, 255));
    }

    #[test]
    fn transparency_survives_in_webp_and_shows_the_background_in_jpeg() {
        let mask = (0..64 * 64).map(|i| if i % 64 < 32 { 0 } else { 255 }).collect();
        let picture = Picture::new(raster(3, Some(mask)));
        let options = EncodeOptions { background: [255, 0, 0], ..EncodeOptions::default() };
        let webp = decoded(&encode(&picture, OutputFormat::WebP, options).expect("it encodes"));
        assert_eq!((webp.get_pixel(3, 9).0[3], webp.get_pixel(60, 9).0[3]), (0, 255));
        let jpeg = decoded(&encode(&picture, OutputFormat::Jpeg, options).expect("it encodes"));
        let [r, g, b, _] = jpeg.get_pixel(3, 9).0;
        assert!(r > 245 && g < 10 && b < 10);
    }

    #[test]
    fn equal_pictures_have_equal_bytes() {
        let mask: Vec<u8> = (0..64 * 64).map(|i| if i % 2 == 0 { 0 } else { 255 }).collect();
        let mut other = raster(1, Some(mask.clone()));
        let (mut samples, kept) = other.clone().into_parts();
        if let Samples::U8(pixels) = &mut samples {
            pixels[0] ^= 255;
        }
        other = Raster::new(Size::new(64, 64), 1, samples, kept);
        let bytes = |r: Raster| {
            encode(&Picture::new(r), OutputFormat::Png, EncodeOptions::default()).expect("it encodes").bytes
        };
        assert_eq!(bytes(raster(1, Some(mask))), bytes(other));
    }
}
