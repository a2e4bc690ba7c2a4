//! Small GeoTIFF files of any samples, as producers deliver them: placed or not, with nodata, alpha, a palette, overviews,
//! in lossy JPEG or as they are. It does not know what is in the pictures.

#[path = "../../tiler/tests/support/builder.rs"]
#[expect(dead_code, reason = "the mutator of tiler, whose writer it is, uses all of it")]
mod builder;

use std::{fs, path::Path};

use builder::{Form, Image, Values, file};
use libjpeg_turbo_rs::{Encoder, PixelFormat, Subsampling};

const REDUCED: u32 = 1;
const MASK: u32 = 4;
/// What JPEG keeps, in the tag `PhotometricInterpretation`.
const YCBCR: u16 = 6;
/// Columns and rows of a JPEG tile, by default.
const BLOCK_PX: u32 = 128;

/// Pixels as they are stored, `[row, col, band]`.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each is named by its type")]
pub enum Samples {
    U8(Vec<u8>),
    U16(Vec<u16>),
    F32(Vec<f32>),
}

/// What samples mean: the tag `PhotometricInterpretation`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is named by the standard's word")]
pub enum Photometric {
    WhiteIsZero = 0,
    BlackIsZero = 1,
    Rgb = 2,
    Palette = 3,
    TransparencyMask = 4,
}

/// One image of a file, square and north up.
#[derive(Debug, Clone)]
pub struct GeoTiff {
    /// Columns and rows.
    pub side_px: u32,
    /// Samples of a pixel.
    pub bands: u16,
    /// Its pixels.
    pub samples: Samples,
    /// What they mean.
    pub photometric: Photometric,
    /// The upper left corner and the side of a pixel, in units of its CRS; default none.
    pub place: Option<((f64, f64), f64)>,
    /// Its projected CRS; default none.
    pub epsg: Option<u16>,
    /// The tag `GDAL_NODATA`; default none.
    pub nodata: Option<&'static str>,
    /// Whether the fourth band is tagged as alpha; default no.
    pub has_alpha: bool,
    /// Colours of indices; default none.
    pub palette: Vec<[u8; 3]>,
    /// Compress as JPEG of this quality, 4:2:0; default no compression.
    pub jpeg_quality: Option<u8>,
    /// Columns and rows of a tile of JPEG; those that reach beyond the image repeat its edge. Default 128.
    pub block_px: u32,
}

impl GeoTiff {
    /// An image that says nothing but its pixels.
    pub fn new(side_px: u32, bands: u16, samples: Samples) -> Self {
        let photometric = if bands >= 3 { Photometric::Rgb } else { Photometric::BlackIsZero };
        Self {
            side_px,
            bands,
            samples,
            photometric,
            place: None,
            epsg: None,
            nodata: None,
            has_alpha: false,
            palette: Vec::new(),
            jpeg_quality: None,
            block_px: BLOCK_PX,
        }
    }

    /// An image of bytes from what is at each column and row.
    pub fn painted<const BANDS: usize>(side_px: u32, at: impl Fn(u32, u32) -> [u8; BANDS]) -> Self {
        let pixels = (0..side_px).flat_map(|row| (0..side_px).map(move |col| (col, row)));
        let samples = pixels.flat_map(|(col, row)| at(col, row)).collect();
        Self::new(side_px, BANDS as u16, Samples::U8(samples))
    }

    /// The mask that shows the pixels where `shows` is true.
    pub fn mask(side_px: u32, shows: impl Fn(u32, u32) -> bool) -> Self {
        let byte = |col, row| [if shows(col, row) { 255 } else { 0 }];
        Self { photometric: Photometric::TransparencyMask, ..Self::painted(side_px, byte) }
    }

    /// The same image in Lambert-93.
    #[must_use]
    pub fn placed(self, corner: (f64, f64), cell: f64) -> Self {
        Self { place: Some((corner, cell)), epsg: Some(2154), ..self }
    }

    /// Writes a file of this image alone.
    ///
    /// # Panics
    /// When the folder cannot be written to.
    pub fn write(&self, path: &Path) {
        self.write_with(path, &[]);
    }

    /// Writes a file of this image and its overviews.
    ///
    /// # Panics
    /// As [`GeoTiff::write`].
    pub fn write_with(&self, path: &Path, overviews: &[Self]) {
        let main = std::iter::once(self.image(0));
        save(path, &main.chain(overviews.iter().map(|image| image.image(REDUCED))).collect::<Vec<_>>());
    }

    /// Writes a file of reduced images, or of masks: an `.ovr`, a `.msk`.
    ///
    /// # Panics
    /// As [`GeoTiff::write`].
    pub fn write_beside(path: &Path, images: &[Self]) {
        save(path, &images.iter().map(|image| image.image(REDUCED)).collect::<Vec<_>>());
    }

    fn image(&self, subfile: u32) -> Image {
        let (bits, format, stored) = match &self.samples {
            Samples::U8(values) => (8, 1, values.clone()),
            Samples::U16(values) => (16, 1, values.iter().flat_map(|v| v.to_le_bytes()).collect()),
            Samples::F32(values) => (32, 3, values.iter().flat_map(|v| v.to_le_bytes()).collect()),
        };
        let is_mask = self.photometric == Photometric::TransparencyMask;
        let short = |value| Values::Shorts(vec![value]);
        let long = |value| Values::Longs(vec![value]);
        let mut tags = vec![
            (254, long(if is_mask { MASK } else { subfile })),
            (256, long(self.side_px)),
            (257, long(self.side_px)),
            (258, Values::Shorts(vec![bits; usize::from(self.bands)])),
            (277, short(self.bands)),
            (284, short(1)),
            (339, Values::Shorts(vec![format; usize::from(self.bands)])),
        ];
        tags.extend(self.meaning());
        let Some(quality) = self.jpeg_quality else {
            let plain = [(259, short(1)), (262, short(self.photometric as u16)), (278, long(self.side_px))];
            tags.extend(plain);
            return Image { tags, blocks: vec![stored], ..Image::default() };
        };
        tags.extend([(259, short(7)), (262, short(YCBCR)), (530, Values::Shorts(vec![2, 2]))]);
        tags.extend([(322, long(self.block_px)), (323, long(self.block_px))]);
        Image { tags, blocks: self.jpegs(&stored, quality), tiled: true, ..Image::default() }
    }

    /// Tags of what is not in every file.
    fn meaning(&self) -> Vec<(u16, Values)> {
        let mut tags = Vec::new();
        if self.bands > 3 {
            const UNASSOCIATED_ALPHA: u16 = 2;
            let extra = if self.has_alpha { UNASSOCIATED_ALPHA } else { 0 };
            tags.push((338, Values::Shorts(vec![extra; usize::from(self.bands) - 3])));
        }
        if !self.palette.is_empty() {
            let entry =
                |channel: usize| move |index: usize| self.palette.get(index).map_or(0, |c| c[channel]);
            let all = (0..3).flat_map(|channel| (0..256).map(entry(channel)));
            tags.push((320, Values::Shorts(all.map(|value| u16::from(value) * 257).collect())));
        }
        if let Some(((x, y), cell)) = self.place {
            tags.push((33_550, Values::Doubles(vec![cell, cell, 0.0])));
            tags.push((33_922, Values::Doubles(vec![0.0, 0.0, 0.0, x, y, 0.0])));
        }
        if let Some(epsg) = self.epsg {
            let keys = vec![1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, epsg];
            tags.push((34_735, Values::Shorts(keys)));
        }
        if let Some(nodata) = self.nodata {
            tags.push((42_113, Values::Text(nodata)));
        }
        tags
    }

    /// Tiles of an image of three bands.
    fn jpegs(&self, stored: &[u8], quality: u8) -> Vec<Vec<u8>> {
        assert_eq!(self.bands, 3, "only such images are JPEG here");
        let (side, block) = (self.side_px as usize, self.block_px as usize);
        let across = side.div_ceil(block);
        let tile = |index: usize| {
            let (left, top) = (index % across * block, index / across * block);
            let each = (top..top + block).flat_map(|row| (left..left + block).map(move |col| (col, row)));
            let at = |(col, row): (usize, usize)| (row.min(side - 1) * side + col.min(side - 1)) * 3;
            let pixels: Vec<u8> = each.flat_map(|pixel| &stored[at(pixel)..][..3]).copied().collect();
            Encoder::new(&pixels, block, block, PixelFormat::Rgb)
                .quality(quality)
                .subsampling(Subsampling::S420)
                .encode()
                .expect("8 bits encode")
        };
        (0..across * across).map(tile).collect()
    }
}

/// Replaces a file, as a rename does.
fn save(path: &Path, images: &[Image]) {
    let part = path.with_extension("part");
    let bytes = file(images, Form { big_endian: false, big: false });
    fs::write(&part, bytes).and_then(|()| fs::rename(&part, path)).expect("the folder can be written to");
}
