//! JPEG 2000 codestreams: any window of any resolution, at the price of that window. It knows no box, no colour and no place.
//!
//! Deliveries of orthophotos often are one tile of 20 000 pixels and more. Public decoders read, allocate and walk over all of
//! it for every window; here the places of packets are kept, so a window costs what its own code-blocks cost.
//!
//! Part 1 of the standard is read except packed packet headers; of Part 15 (HTJ2K) nothing.
//!
//! Source: ISO/IEC 15444-1 (ITU-T T.800).

mod block;
mod header;
mod index;
mod mq;
mod packet;
mod parts;
mod tile;
mod wavelet;
mod window;

use std::{
    ops::Range,
    sync::{Arc, OnceLock},
};

use header::{Grid, Parameters, Rect};
use index::{TileData, TileIndex};
use parts::TileParts;

pub use header::{Component, Progression};

use crate::{
    codec::{BlockLayout, CodecError},
    geom::{Size, Window},
    io::{ByteSource, IoError, Memory},
    raster::SampleType,
};

/// Why a codestream cannot be decoded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each variant is its message")]
pub enum J2kError {
    #[error("it is not a JPEG 2000 codestream")]
    NotACodestream,
    #[error("the JPEG 2000 codestream is damaged: {what}")]
    Damaged { what: &'static str },
    #[error(
        "the JPEG 2000 codestream uses {what}, which is not read here; convert with `gdal_translate -of COG`"
    )]
    Unsupported { what: &'static str },
    #[error("the JPEG 2000 codestream has more than {limit} {what}")]
    TooMany { what: &'static str, limit: u64 },
    #[error("a window is asked for that is not within the image")]
    Window,
    #[error("the JPEG 2000 codestream cannot be read")]
    Io(#[from] IoError),
}

/// The headers of a codestream, and where its packets lie. Parsed once; what it learns of a tile it keeps.
#[derive(Debug)]
pub struct Codestream {
    grid: Grid,
    parameters: Parameters,
    tiles: Vec<TileParts>,
    indices: Vec<OnceLock<Arc<TileIndex>>>,
    lengths_told: bool,
}

impl Codestream {
    /// Whether bytes start as a codestream does.
    pub fn is_codestream(first_bytes: &[u8]) -> bool {
        first_bytes.starts_with(&[0xff, 0x4f, 0xff, 0x51])
    }

    /// Reads the headers of a codestream that lies in this range of a file.
    ///
    /// # Errors
    /// When it is damaged, uses what is not read here, or its sides or numbers are beyond the limits.
    ///
    /// # Allocations
    /// Some bytes for each tile and tile-part; of the latter there are fewer than one for each 14 bytes of the file.
    pub fn open(source: &dyn ByteSource, range: Range<u64>, side_px: u32) -> Result<Self, J2kError> {
        let (grid, parameters, tiles) = parts::read(source, range, side_px)?;
        let lengths_told = tiles.iter().all(TileParts::has_lengths);
        let indices = std::iter::repeat_with(OnceLock::new).take(tiles.len()).collect();
        Ok(Self { grid, parameters, tiles, indices, lengths_told })
    }

    /// The components, one for each band.
    pub fn components(&self) -> &[Component] {
        &self.grid.components
    }

    /// How many times the image can be halved.
    pub fn reductions(&self) -> u8 {
        self.parameters.levels()
    }

    /// Size of the image after so many halvings.
    pub fn size(&self, reduction: u8) -> Size {
        let level = self.level(reduction);
        Size::new(level.width(), level.height())
    }

    /// Size of a tile at full resolution, on the grid of the first component.
    pub fn tile_size(&self) -> Size {
        let (dx, dy) = self.grid.components.first().map_or((1, 1), |first| (first.dx, first.dy));
        let image = self.grid.image;
        Size::new(
            self.grid.tile_width.min(image.width()).div_ceil(dx),
            self.grid.tile_height.min(image.height()).div_ceil(dy),
        )
    }

    /// Where the first tile ends if it is smaller than the others: tiles are then not aligned with the image's corner.
    pub fn tiles_start_at_corner(&self) -> bool {
        self.grid.tile_x0 == self.grid.image.x0 && self.grid.tile_y0 == self.grid.image.y0
    }

    /// Quality layers.
    pub fn layers(&self) -> u16 {
        self.parameters.layers
    }

    /// The order of the packets.
    pub fn progression(&self) -> Progression {
        self.parameters.progression
    }

    /// Whether the wavelet is the reversible one: lossless, unless layers were cut off.
    pub fn is_reversible(&self) -> bool {
        self.parameters.coding.iter().all(|coding| coding.reversible)
    }

    /// Whether the lengths of all packets are told (`PLT`), so that nobody has to walk over a tile to find them.
    pub fn has_packet_lengths(&self) -> bool {
        self.lengths_told
    }

    /// Samples of every component in a window of the image after so many halvings: one plane each, row by row.
    ///
    /// Components of fewer samples are repeated to the size of the first.
    ///
    /// # Errors
    /// When the window is not within the image, or the codestream is damaged there.
    ///
    /// # Allocations
    /// About five times the window's planes of 32 bits; the caller has limited the window.
    pub fn decode(
        &self,
        source: &dyn ByteSource,
        reduction: u8,
        window: &Window,
    ) -> Result<Vec<Vec<i32>>, J2kError> {
        window::decode(self, source, reduction, window)
    }

    /// The image on the grid of the first component after so many halvings.
    fn level(&self, reduction: u8) -> Rect {
        let (dx, dy) = self.grid.components.first().map_or((1, 1), |first| (first.dx, first.dy));
        self.grid.image.divided(dx, dy).reduced(reduction.min(31))
    }

    /// A tile made ready; `None` when the file has no part of it.
    fn tile(&self, source: &dyn ByteSource, number: u32) -> Result<Option<Arc<TileIndex>>, J2kError> {
        let (Some(slot), Some(parts)) = (self.indices.get(number as usize), self.tiles.get(number as usize))
        else {
            return Ok(None);
        };
        if let Some(index) = slot.get() {
            return Ok(Some(Arc::clone(index)));
        }
        if parts.data.len() == 0 {
            return Ok(None);
        }
        let mut parameters = self.parameters.for_tile();
        for (marker, range) in &parts.overrides {
            parameters.apply(*marker, &source.read(range.clone())?)?;
        }
        let lengths = parts.lengths(source)?;
        let tile = self.grid.tile(number);
        let data: TileData = parts.data.clone();
        let index = Arc::new(TileIndex::build(source, &self.grid, parameters, &tile, data, &lengths)?);
        // Two threads can make the same index; either will do, and none waits for the other.
        Ok(Some(Arc::clone(slot.get_or_init(|| index))))
    }
}

/// Decodes a codestream that is a block of a TIFF to interleaved samples, in the order of this machine.
///
/// # Errors
/// When it is damaged, or is not of the size, channels and bits that the layout says.
pub fn decode_block(bytes: &[u8], layout: &BlockLayout) -> Result<Vec<u8>, CodecError> {
    const CODEC: &str = "JPEG 2000";
    let damaged = |error: J2kError| CodecError::Damaged { codec: CODEC, reason: error.to_string() };
    let source = Memory::new(bytes.to_vec());
    let side = layout.size.width.max(layout.size.height).saturating_mul(2);
    let stream = Codestream::open(&source, 0..bytes.len() as u64, side).map_err(damaged)?;
    let size = stream.size(0);
    layout.expect_size(CODEC, size)?;
    let found = stream.components().len();
    if found != layout.bands {
        return Err(CodecError::Channels { codec: CODEC, found, expected: layout.bands });
    }
    if stream.components().iter().any(|component| u16::from(component.bits) > layout.bits) {
        return Err(damaged(J2kError::Damaged { what: "more bits in a sample than the TIFF announces" }));
    }
    let planes = stream.decode(&source, 0, &Window::full(size)).map_err(damaged)?;
    Ok(interleave(&planes, layout.sample))
}

/// Planes to interleaved samples of a type, as bytes in the order of this machine; values are in its range already.
pub fn interleave(planes: &[Vec<i32>], sample: SampleType) -> Vec<u8> {
    let pixels = planes.first().map_or(0, Vec::len);
    let mut bytes = vec![0; pixels * planes.len() * sample.bytes()];
    macro_rules! fill {
        ($type:ty) => {{
            let pixel_bytes = planes.len() * size_of::<$type>();
            for (band, plane) in planes.iter().enumerate() {
                let at = band * size_of::<$type>();
                for (pixel, &value) in bytes.chunks_exact_mut(pixel_bytes).zip(plane) {
                    pixel[at..at + size_of::<$type>()].copy_from_slice(&(value as $type).to_ne_bytes());
                }
            }
        }};
    }
    match sample {
        SampleType::U8 => fill!(u8),
        SampleType::I8 => fill!(i8),
        SampleType::U16 => fill!(u16),
        SampleType::I16 => fill!(i16),
        SampleType::U32 => fill!(u32),
        SampleType::I32 => fill!(i32),
        SampleType::U64 => fill!(u64),
        SampleType::I64 => fill!(i64),
        SampleType::F32 => fill!(f32),
        SampleType::F64 => fill!(f64),
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{Compression, plain};

    /// The codestream of a JP2 file of 40 x 30 pixels: `x * 5 + y * 3 + 40 * band`, modulo 256.
    fn codestream() -> &'static [u8] {
        let file = include_bytes!("../../jp2/fixtures/rgb.jp2");
        let start = file.windows(4).position(Codestream::is_codestream).expect("it is there");
        &file[start..]
    }

    fn layout(width: u32, bands: usize) -> BlockLayout {
        BlockLayout { bands, ..plain(Size::new(width, 30), Compression::None) }
    }

    #[test]
    fn a_block_of_a_tiff_is_interleaved() {
        let bytes = decode_block(codestream(), &layout(40, 3)).expect("it is well formed");
        assert_eq!((bytes.len(), &bytes[..6]), (40 * 30 * 3, &[0, 40, 80, 5, 45, 85][..]));
    }

    #[test]
    fn a_block_of_another_shape_than_announced_is_an_error() {
        let size = decode_block(codestream(), &layout(41, 3));
        assert!(matches!(size, Err(CodecError::Dimensions { found_width: 40, .. })), "{size:?}");
        let bands = decode_block(codestream(), &layout(40, 4));
        assert!(matches!(bands, Err(CodecError::Channels { found: 3, .. })), "{bands:?}");
    }
}
