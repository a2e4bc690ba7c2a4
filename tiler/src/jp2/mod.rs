//! A JP2 file, or a bare codestream: its levels, its channels, where it lies, and windows of it as samples. It knows no CRS
//! and no mask.
//!
//! [`Jp2::geo`] is for who reads a GeoTIFF's tags already: the `GeoJP2` box is a TIFF without an image. GMLJP2 is asked after
//! only when that box is absent, as GDAL does.

mod boxes;
mod colour;
mod gml;
#[cfg(test)]
mod tests;

use boxes::Jp2Box;
use colour::Colours;

pub use colour::Channel;
pub use gml::GmlGeoreference;

use crate::{
    codec::j2k::{self, Codestream, J2kError, Progression},
    crs::{AxisOrder, Crs},
    geom::{Size, Window},
    io::{ByteSource, IoError, Memory},
    raster::{SampleType, Samples},
    tiff::{self, GeoTags, Limits},
};

/// The UUID of `GeoJP2`: b14bf8bd-083d-4b43-a5ae-8cd7d5a6ce03.
const GEOJP2: [u8; 16] =
    [0xb1, 0x4b, 0xf8, 0xbd, 0x08, 0x3d, 0x4b, 0x43, 0xa5, 0xae, 0x8c, 0xd7, 0xd5, 0xa6, 0xce, 0x03];
const SIGNATURE: &[u8; 12] = b"\0\0\0\x0cjP  \r\n\x87\n";
/// A level is halved again while it is wider or higher than this, as in GDAL.
const SMALLEST_LEVEL_PX: u32 = 128;
/// Side of the windows that an image without useful tiles is read by.
const BLOCK_PX: u32 = 1024;
/// Samples of one block, all bands together, that are decoded at a time.
const BLOCK_SAMPLES: u64 = 8 << 20;

/// Why a JP2 file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each variant is its message")]
pub enum Jp2Error {
    #[error("it is neither a JP2 file nor a JPEG 2000 codestream")]
    NotAJp2,
    #[error("the JP2 file cannot be read")]
    Io(#[from] IoError),
    #[error("the box at byte {offset} is damaged or reaches beyond the file")]
    Box { offset: u64 },
    #[error("there are more than {limit} {what}")]
    TooMany { what: &'static str, limit: u64 },
    #[error("there is no codestream in the file")]
    NoCodestream,
    #[error(
        "components of which only some have a sign are not read here; convert with `gdal_translate -of COG`"
    )]
    MixedSigns,
    #[error("level {level} does not exist")]
    Level { level: usize },
    #[error(transparent)]
    Codestream(#[from] J2kError),
}

/// The headers of a JP2 file.
#[derive(Debug)]
pub struct Jp2 {
    stream: Codestream,
    levels: Vec<Size>,
    sample: SampleType,
    colours: Colours,
    channels: Vec<Channel>,
    subsampled: bool,
    geo: GeoTags,
    gml: Option<GmlGeoreference>,
    samples_at_a_time: u64,
}

impl Jp2 {
    /// Whether a file with these first bytes is a JP2 file or a bare codestream; 12 bytes are enough.
    pub fn is_jp2(first_bytes: &[u8]) -> bool {
        first_bytes.starts_with(SIGNATURE) || Codestream::is_codestream(first_bytes)
    }

    /// Reads the headers of a file.
    ///
    /// # Errors
    /// When it is not a JP2 file, is damaged or truncated, or asks for more than the limits allow.
    ///
    /// # Allocations
    /// Bounded by the limits, and by some bytes for each tile.
    pub fn open(source: &dyn ByteSource, limits: &Limits) -> Result<Self, Jp2Error> {
        let first_bytes = source.read(0..source.len().min(12))?;
        let (boxes, codestream) = if Codestream::is_codestream(&first_bytes) {
            (Vec::new(), 0..source.len())
        } else if Self::is_jp2(&first_bytes) {
            let boxes = boxes::read(source)?;
            let stream = boxes.iter().find(|one| one.depth == 0 && &one.kind == b"jp2c");
            let contents = stream.ok_or(Jp2Error::NoCodestream)?.contents.clone();
            (boxes, contents)
        } else {
            return Err(Jp2Error::NotAJp2);
        };
        let stream = Codestream::open(source, codestream, limits.side_px)?;
        let colours = Colours::read(source, &boxes)?;
        let channels = colours.channels(stream.components().len());
        let components = stream.components();
        let signed = components.iter().filter(|component| component.signed).count();
        if signed > 0 && signed < components.len() {
            return Err(Jp2Error::MixedSigns);
        }
        let sample = match (stream_bits(&stream), signed > 0) {
            (0..=8, false) => SampleType::U8,
            (0..=8, true) => SampleType::I8,
            (9..=16, false) => SampleType::U16,
            (9..=16, true) => SampleType::I16,
            (_, false) => SampleType::U32,
            (_, true) => SampleType::I32,
        };
        Ok(Self {
            levels: levels(&stream),
            sample,
            channels,
            subsampled: components.iter().any(|own| (own.dx, own.dy) != (components[0].dx, components[0].dy)),
            geo: geojp2(source, &boxes, limits),
            gml: gmljp2(source, &boxes),
            samples_at_a_time: limits.block_bytes / size_of::<i32>() as u64,
            colours,
            stream,
        })
    }

    /// Columns and rows.
    pub fn size(&self) -> Size {
        self.stream.size(0)
    }

    /// Bands, alpha included.
    pub fn bands(&self) -> usize {
        self.channels.len()
    }

    /// The type of a sample in memory: the least that holds every component.
    pub fn sample(&self) -> SampleType {
        self.sample
    }

    /// Bits of the component that has most.
    pub fn bits(&self) -> u16 {
        stream_bits(&self.stream)
    }

    /// Sizes of the full image and its reduced ones, as many as GDAL shows: each half of the one before, while that is wider
    /// or higher than 128, its tiles can be halved and the codestream has a resolution left.
    pub fn levels(&self) -> &[Size] {
        &self.levels
    }

    /// The windows, counted from the upper left pixel, by which a level is best read.
    ///
    /// Where the codestream has tiles of a useful size these are its tiles or some of them; else 1024 pixels, fewer where
    /// there are many bands.
    pub fn block_size(&self, level: usize) -> Size {
        let image = self.levels.get(level).copied().unwrap_or(Size::new(1, 1));
        let tile = self.stream.tile_size();
        let side = |tile: u32, all: u32| {
            let reduced = tile.checked_shr(level as u32).unwrap_or(0);
            let whole = reduced.checked_shl(level as u32) == Some(tile);
            if tile >= all
                || !whole
                || !(32..=2048).contains(&reduced)
                || !self.stream.tiles_start_at_corner()
            {
                return BLOCK_PX;
            }
            let mut side = reduced;
            while side < BLOCK_PX / 2 {
                side *= 2;
            }
            side
        };
        let full = self.size();
        let mut block = Size::new(side(tile.width, full.width), side(tile.height, full.height));
        let bands = self.bands() as u64;
        while block.pixels() * bands > BLOCK_SAMPLES.min(self.samples_at_a_time)
            && block.width.max(block.height) > 64
        {
            block = Size::new(block.width.div_ceil(2), block.height.div_ceil(2));
        }
        Size::new(block.width.min(image.width), block.height.min(image.height))
    }

    /// What each band stands for, by the channel definitions of the file.
    pub fn channels(&self) -> &[Channel] {
        &self.channels
    }

    /// The band that is alpha.
    pub fn alpha(&self) -> Option<usize> {
        self.channels.iter().position(|own| matches!(own, Channel::Alpha | Channel::PremultipliedAlpha))
    }

    /// Whether colours are multiplied with alpha already.
    pub fn is_premultiplied(&self) -> bool {
        self.channels.contains(&Channel::PremultipliedAlpha)
    }

    /// Red, green, blue and alpha of each index, where the one band holds indices. Samples are not expanded, as in GDAL.
    pub fn palette(&self) -> Option<&[[u8; 4]]> {
        self.colours.palette.as_deref().filter(|_| self.bands() == 1)
    }

    /// Whether the wavelet is the reversible one: lossless, unless layers were cut off.
    pub fn is_reversible(&self) -> bool {
        self.stream.is_reversible()
    }

    /// Quality layers.
    pub fn layers(&self) -> u16 {
        self.stream.layers()
    }

    /// Resolutions of the codestream; there can be more than levels.
    pub fn resolutions(&self) -> u8 {
        self.stream.reductions() + 1
    }

    /// Size of the codestream's tiles.
    pub fn tile_size(&self) -> Size {
        self.stream.tile_size()
    }

    /// The order of the packets.
    pub fn progression(&self) -> Progression {
        self.stream.progression()
    }

    /// Whether the lengths of packets are told (`PLT`); without them the first read of a tile walks over all its packets.
    pub fn has_packet_lengths(&self) -> bool {
        self.stream.has_packet_lengths()
    }

    /// The tags of the `GeoJP2` box, to be understood as those of a GeoTIFF; empty when there is none.
    pub fn geo(&self) -> &GeoTags {
        &self.geo
    }

    /// The grid of the GMLJP2 box. GDAL looks at it only when there is no `GeoJP2`.
    pub fn gml(&self) -> Option<&GmlGeoreference> {
        self.gml.as_ref()
    }

    /// Samples of a window of a level, all bands interleaved, rows from the top.
    ///
    /// Alpha of one bit becomes 0 or 255, luma and chroma become red, green, blue; indices stay indices.
    ///
    /// # Errors
    /// When the window is not within the level, is larger than the limits, or the codestream is damaged there.
    ///
    /// # Allocations
    /// About 24 bytes for each sample of the window.
    pub fn decode(
        &self,
        source: &dyn ByteSource,
        level: usize,
        window: &Window,
    ) -> Result<Samples, Jp2Error> {
        if level >= self.levels.len() {
            return Err(Jp2Error::Level { level });
        }
        let limit = self.samples_at_a_time;
        if window.pixels().saturating_mul(self.bands() as u64) > limit {
            return Err(Jp2Error::TooMany { what: "samples in a window", limit });
        }
        let mut planes = self.stream.decode(source, level as u8, window)?;
        if self.bits() == 8 && self.colours.is_ycc(self.subsampled) {
            colour::ycc_to_rgb(&mut planes);
        }
        for (index, plane) in planes.iter_mut().enumerate() {
            if Some(index) == self.alpha() && self.stream.components()[index].bits == 1 {
                for value in plane.iter_mut() {
                    *value *= 255;
                }
            }
        }
        Ok(Samples::from_bytes(self.sample, j2k::interleave(&planes, self.sample)))
    }
}

fn stream_bits(stream: &Codestream) -> u16 {
    stream.components().iter().map(|component| u16::from(component.bits)).max().unwrap_or(0)
}

fn levels(stream: &Codestream) -> Vec<Size> {
    let (full, tile) = (stream.size(0), stream.tile_size());
    let mut levels = vec![full];
    let (mut width, mut height) = (full.width, full.height);
    // GDAL halves tiles as well, of which it takes no more than this many columns, and stops at an odd side; it decodes
    // windows, and does not, where one tile tells the lengths of its packets.
    let by_window = stream.has_packet_lengths() && tile.width >= full.width && tile.height >= full.height;
    let mut tile = Size::new(tile.width.min(full.width).min(BLOCK_PX), tile.height.min(full.height));
    for reduction in 1..=stream.reductions() {
        let halves = tile.width.is_multiple_of(2) && tile.height.is_multiple_of(2);
        if (width <= SMALLEST_LEVEL_PX && height <= SMALLEST_LEVEL_PX) || !(halves || by_window) {
            break;
        }
        levels.push(stream.size(reduction));
        (width, height) = (width.div_ceil(2), height.div_ceil(2));
        tile = Size::new(tile.width / 2, tile.height / 2);
    }
    levels
}

/// The tags of the first `GeoJP2` box that says something; one that cannot be read counts as absent.
fn geojp2(source: &dyn ByteSource, boxes: &[Jp2Box], limits: &Limits) -> GeoTags {
    let tags = |one: &Jp2Box| {
        let bytes = one.read(source).ok()?;
        let tiff = bytes.strip_prefix(&GEOJP2)?.to_vec();
        let file = tiff::read(&Memory::new(tiff), limits).ok()?;
        file.directories.into_iter().next().map(|directory| directory.geo)
    };
    let uuids = boxes.iter().filter(|one| one.depth == 0 && &one.kind == b"uuid");
    let found: Vec<GeoTags> = uuids.filter_map(tags).filter(|geo| *geo != GeoTags::default()).collect();
    let best = found.iter().position(|geo| !geo.key_directory.is_empty()).unwrap_or(0);
    found.into_iter().nth(best).unwrap_or_default()
}

/// The first grid of a GML document; one that cannot be read counts as absent.
fn gmljp2(source: &dyn ByteSource, boxes: &[Jp2Box]) -> Option<GmlGeoreference> {
    let northing_first =
        |code: u32| Crs::from_epsg(code).is_ok_and(|crs| crs.axis_order() == AxisOrder::NorthEast);
    boxes
        .iter()
        .filter(|one| one.depth > 0 && &one.kind == b"xml ")
        .find_map(|one| GmlGeoreference::read(&one.read(source).ok()?, northing_first))
}
