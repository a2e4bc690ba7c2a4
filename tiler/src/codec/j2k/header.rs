//! Markers of a codestream: sizes, coding and quantisation. Every number is compared with a limit here.
//!
//! Source: ISO/IEC 15444-1 (ITU-T T.800), Annex A.

use super::J2kError;

pub(super) const SOC: u16 = 0xff4f;
pub(super) const SIZ: u16 = 0xff51;
pub(super) const COD: u16 = 0xff52;
pub(super) const COC: u16 = 0xff53;
pub(super) const PLT: u16 = 0xff58;
pub(super) const QCD: u16 = 0xff5c;
pub(super) const QCC: u16 = 0xff5d;
pub(super) const RGN: u16 = 0xff5e;
pub(super) const POC: u16 = 0xff5f;
pub(super) const SOT: u16 = 0xff90;
pub(super) const SOD: u16 = 0xff93;
pub(super) const EOC: u16 = 0xffd9;
const CAP: u16 = 0xff50;
const PPM: u16 = 0xff60;
const PPT: u16 = 0xff61;

/// Components of one image.
const MAX_COMPONENTS: u64 = 64;
/// Tiles of one image, which is also what their number of 16 bits allows.
const MAX_TILES: u64 = 65_535;
/// Changes of the progression, which are walked over for every packet.
const MAX_CHANGES: usize = 32;

/// One component: a band before any colour conversion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Component {
    /// Bits of a sample, 1 to 24.
    pub bits: u8,
    /// Whether samples have a sign.
    pub signed: bool,
    /// Columns of the reference grid for one sample.
    pub dx: u32,
    /// Rows of the reference grid for one sample.
    pub dy: u32,
}

/// The reference grid, its tiles and the components (`SIZ`).
#[derive(Debug, Clone)]
pub(super) struct Grid {
    pub image: Rect,
    pub tile_width: u32,
    pub tile_height: u32,
    pub tile_x0: u32,
    pub tile_y0: u32,
    pub components: Vec<Component>,
}

/// A rectangle on some grid, its end not included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rect {
    pub x0: u32,
    pub y0: u32,
    pub x1: u32,
    pub y1: u32,
}

impl Rect {
    pub const fn width(&self) -> u32 {
        self.x1.saturating_sub(self.x0)
    }

    pub const fn height(&self) -> u32 {
        self.y1.saturating_sub(self.y0)
    }

    pub const fn is_empty(&self) -> bool {
        self.x0 >= self.x1 || self.y0 >= self.y1
    }

    pub fn intersection(&self, other: &Self) -> Self {
        Self {
            x0: self.x0.max(other.x0),
            y0: self.y0.max(other.y0),
            x1: self.x1.min(other.x1),
            y1: self.y1.min(other.y1),
        }
    }

    /// The same on a grid coarser by whole numbers.
    pub const fn divided(&self, dx: u32, dy: u32) -> Self {
        Self {
            x0: self.x0.div_ceil(dx),
            y0: self.y0.div_ceil(dy),
            x1: self.x1.div_ceil(dx),
            y1: self.y1.div_ceil(dy),
        }
    }

    /// The same after so many halvings.
    pub const fn reduced(&self, halvings: u8) -> Self {
        self.divided(1 << halvings, 1 << halvings)
    }
}

impl Grid {
    pub fn read(bytes: &[u8], side_px: u32) -> Result<Self, J2kError> {
        let mut fields = Fields { bytes };
        fields.u16()?;
        let (x1, y1, x0, y0) = (fields.u32()?, fields.u32()?, fields.u32()?, fields.u32()?);
        let (tile_width, tile_height) = (fields.u32()?, fields.u32()?);
        let (tile_x0, tile_y0) = (fields.u32()?, fields.u32()?);
        let damaged = J2kError::Damaged { what: "SIZ" };
        let limit = side_px.min(i32::MAX as u32);
        if x1.max(y1) > limit {
            return Err(J2kError::TooMany { what: "columns or rows", limit: u64::from(limit) });
        }
        let fits = |tile0: u32, image0: u32, side: u32| {
            side > 0 && tile0 <= image0 && u64::from(tile0) + u64::from(side) > u64::from(image0)
        };
        if x0 >= x1 || y0 >= y1 || !fits(tile_x0, x0, tile_width) || !fits(tile_y0, y0, tile_height) {
            return Err(damaged);
        }
        let count = u64::from(fields.u16()?);
        if count == 0 {
            return Err(damaged);
        }
        if count > MAX_COMPONENTS {
            return Err(J2kError::TooMany { what: "components", limit: MAX_COMPONENTS });
        }
        let mut components = Vec::with_capacity(count as usize);
        for _ in 0..count {
            let (depth, dx, dy) = (fields.u8()?, u32::from(fields.u8()?), u32::from(fields.u8()?));
            let component = Component { bits: (depth & 0x7f) + 1, signed: depth & 0x80 != 0, dx, dy };
            if dx == 0 || dy == 0 {
                return Err(damaged);
            }
            if component.bits > 24 {
                return Err(J2kError::TooMany { what: "bits in a sample", limit: 24 });
            }
            components.push(component);
        }
        let grid =
            Self { image: Rect { x0, y0, x1, y1 }, tile_width, tile_height, tile_x0, tile_y0, components };
        let (across, down) = grid.tiles();
        if u64::from(across) * u64::from(down) > MAX_TILES {
            return Err(J2kError::TooMany { what: "tiles", limit: MAX_TILES });
        }
        Ok(grid)
    }

    /// Tiles across and down.
    pub const fn tiles(&self) -> (u32, u32) {
        (
            (self.image.x1 - self.tile_x0).div_ceil(self.tile_width),
            (self.image.y1 - self.tile_y0).div_ceil(self.tile_height),
        )
    }

    /// The part of the image that a tile covers.
    pub fn tile(&self, index: u32) -> Rect {
        let across = self.tiles().0;
        let (col, row) = (u64::from(index % across), u64::from(index / across));
        let start = |origin: u32, side: u32, number: u64| {
            (u64::from(origin) + number * u64::from(side)).min(u64::from(u32::MAX)) as u32
        };
        let x0 = start(self.tile_x0, self.tile_width, col);
        let y0 = start(self.tile_y0, self.tile_height, row);
        let x1 = x0.saturating_add(self.tile_width);
        let y1 = y0.saturating_add(self.tile_height);
        Rect { x0, y0, x1, y1 }.intersection(&self.image)
    }
}

/// In which order packets follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the standard's names: layer, resolution, component, position")]
pub enum Progression {
    Lrcp,
    Rlcp,
    Rpcl,
    Pcrl,
    Cprl,
}

impl Progression {
    const fn from_byte(value: u8) -> Option<Self> {
        Some(match value {
            0 => Self::Lrcp,
            1 => Self::Rlcp,
            2 => Self::Rpcl,
            3 => Self::Pcrl,
            4 => Self::Cprl,
            _ => return None,
        })
    }

    /// The standard's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lrcp => "LRCP",
            Self::Rlcp => "RLCP",
            Self::Rpcl => "RPCL",
            Self::Pcrl => "PCRL",
            Self::Cprl => "CPRL",
        }
    }
}

/// How one component is coded.
#[derive(Debug, Clone, Default)]
pub(super) struct Coding {
    /// Halvings of the image.
    pub levels: u8,
    /// Width of a code-block, a power of two.
    pub block_width_log2: u8,
    /// Height of a code-block, a power of two.
    pub block_height_log2: u8,
    /// Bits of the code-block style.
    pub style: u8,
    /// Whether the wavelet is the 5/3 of whole numbers.
    pub reversible: bool,
    /// Sides of precincts as powers of two, from the smallest resolution; none: 2^15.
    precincts: Vec<(u8, u8)>,
}

impl Coding {
    /// Width and height of the precincts of a resolution, as powers of two.
    pub fn precinct_log2(&self, resolution: u8) -> (u8, u8) {
        self.precincts.get(usize::from(resolution)).copied().unwrap_or((15, 15))
    }

    fn read(fields: &mut Fields<'_>, own_precincts: bool) -> Result<Self, J2kError> {
        let damaged = J2kError::Damaged { what: "COD" };
        let (levels, width, height) = (fields.u8()?, fields.u8()?, fields.u8()?);
        let (style, transform) = (fields.u8()?, fields.u8()?);
        if levels > 32 || width > 8 || height > 8 || width + height > 8 || transform > 1 {
            return Err(damaged);
        }
        if style & 0x40 != 0 {
            return Err(J2kError::Unsupported { what: "high-throughput code-blocks (HTJ2K)" });
        }
        if levels > 30 {
            return Err(J2kError::TooMany { what: "decomposition levels", limit: 30 });
        }
        let mut precincts = Vec::new();
        if own_precincts {
            for resolution in 0..=levels {
                let byte = fields.u8()?;
                let sides = (byte & 15, byte >> 4);
                // Above the smallest resolution a precinct is halved into its sub-bands.
                if resolution > 0 && (sides.0 == 0 || sides.1 == 0) {
                    return Err(damaged);
                }
                precincts.push(sides);
            }
        }
        let (block_width_log2, block_height_log2) = (width + 2, height + 2);
        Ok(Self { levels, block_width_log2, block_height_log2, style, reversible: transform == 1, precincts })
    }
}

/// How the sub-bands of one component are quantised.
#[derive(Debug, Clone, Default)]
pub(super) struct Quantisation {
    style: u8,
    pub guard_bits: u8,
    /// Exponent and mantissa.
    steps: Vec<(u8, u16)>,
}

impl Quantisation {
    fn read(fields: &mut Fields<'_>) -> Result<Self, J2kError> {
        let byte = fields.u8()?;
        let style = byte & 31;
        let mut steps = Vec::new();
        while !fields.bytes.is_empty() {
            steps.push(match style {
                0 => (fields.u8()? >> 3, 0),
                1 | 2 => {
                    let word = fields.u16()?;
                    ((word >> 11) as u8, word & 0x7ff)
                }
                _ => return Err(J2kError::Damaged { what: "QCD" }),
            });
        }
        Ok(Self { style, guard_bits: byte >> 5, steps })
    }

    /// Exponent and mantissa of a sub-band, counted from the lowest: LL, then HL, LH, HH of each resolution.
    pub fn step(&self, band: usize) -> Option<(u8, u16)> {
        if self.style == 1 {
            let &(exponent, mantissa) = self.steps.first()?;
            let halvings = u8::try_from(band.saturating_sub(1) / 3).ok()?;
            return Some((exponent.saturating_sub(halvings), mantissa));
        }
        self.steps.get(band).copied()
    }
}

/// A change of the progression (`POC`).
#[derive(Debug, Clone, Copy)]
pub(super) struct Change {
    pub resolutions: (u8, u8),
    pub components: (u16, u16),
    pub layer_end: u16,
    pub progression: Progression,
}

/// All that the packets of a tile depend on.
#[derive(Debug, Clone)]
pub(super) struct Parameters {
    pub progression: Progression,
    pub layers: u16,
    pub colour_transform: bool,
    /// Packets may begin with a marker.
    pub start_markers: bool,
    /// Packet headers end with a marker.
    pub end_markers: bool,
    pub coding: Vec<Coding>,
    pub quantisation: Vec<Quantisation>,
    pub region_shift: Vec<u8>,
    pub changes: Vec<Change>,
    /// Components with a `COC` or `QCC` of their own in this header, which win over `COD` and `QCD`.
    own: Vec<(bool, bool)>,
    complete: (bool, bool),
}

impl Parameters {
    pub fn new(components: usize) -> Self {
        Self {
            progression: Progression::Lrcp,
            layers: 1,
            colour_transform: false,
            start_markers: false,
            end_markers: false,
            coding: vec![Coding::default(); components],
            quantisation: vec![Quantisation::default(); components],
            region_shift: vec![0; components],
            changes: Vec::new(),
            own: vec![(false, false); components],
            complete: (false, false),
        }
    }

    /// The same at the start of a tile's header, whose markers win over all of the main header.
    pub fn for_tile(&self) -> Self {
        Self { own: vec![(false, false); self.own.len()], ..self.clone() }
    }

    /// Whether both `COD` and `QCD` were there.
    pub const fn is_complete(&self) -> bool {
        self.complete.0 && self.complete.1
    }

    /// Halvings that every component has.
    pub fn levels(&self) -> u8 {
        self.coding.iter().map(|coding| coding.levels).min().unwrap_or(0)
    }

    /// Takes over a marker segment of the main header or of a tile's; others are passed over.
    pub fn apply(&mut self, marker: u16, bytes: &[u8]) -> Result<(), J2kError> {
        let mut fields = Fields { bytes };
        match marker {
            COD => self.cod(&mut fields),
            COC => {
                let component = self.component(&mut fields)?;
                let own_precincts = fields.u8()? & 1 != 0;
                self.coding[component] = Coding::read(&mut fields, own_precincts)?;
                self.own[component].0 = true;
                Ok(())
            }
            QCD => {
                let quantisation = Quantisation::read(&mut fields)?;
                self.complete.1 = true;
                for (one, own) in self.quantisation.iter_mut().zip(&self.own) {
                    if !own.1 {
                        one.clone_from(&quantisation);
                    }
                }
                Ok(())
            }
            QCC => {
                let component = self.component(&mut fields)?;
                self.quantisation[component] = Quantisation::read(&mut fields)?;
                self.own[component].1 = true;
                Ok(())
            }
            RGN => {
                let component = self.component(&mut fields)?;
                fields.u8()?;
                self.region_shift[component] = fields.u8()?;
                Ok(())
            }
            POC => self.poc(&mut fields),
            PPM | PPT => Err(J2kError::Unsupported { what: "packed packet headers (PPM, PPT)" }),
            CAP => Err(J2kError::Unsupported { what: "capabilities of Part 15 (HTJ2K)" }),
            _ => Ok(()),
        }
    }

    fn cod(&mut self, fields: &mut Fields<'_>) -> Result<(), J2kError> {
        let damaged = J2kError::Damaged { what: "COD" };
        let style = fields.u8()?;
        self.progression = Progression::from_byte(fields.u8()?).ok_or(damaged)?;
        self.layers = fields.u16()?;
        if self.layers == 0 {
            return Err(J2kError::Damaged { what: "COD" });
        }
        self.colour_transform = fields.u8()? == 1;
        self.start_markers = style & 2 != 0;
        self.end_markers = style & 4 != 0;
        let coding = Coding::read(fields, style & 1 != 0)?;
        self.complete.0 = true;
        for (one, own) in self.coding.iter_mut().zip(&self.own) {
            if !own.0 {
                one.clone_from(&coding);
            }
        }
        Ok(())
    }

    fn poc(&mut self, fields: &mut Fields<'_>) -> Result<(), J2kError> {
        let wide = self.coding.len() > 256;
        let number = |fields: &mut Fields<'_>| if wide { fields.u16() } else { fields.u8().map(u16::from) };
        self.changes.clear();
        while !fields.bytes.is_empty() {
            if self.changes.len() == MAX_CHANGES {
                return Err(J2kError::TooMany { what: "changes of progression", limit: MAX_CHANGES as u64 });
            }
            let (first_resolution, first_component) = (fields.u8()?, number(fields)?);
            let (layer_end, resolution_end) = (fields.u16()?, fields.u8()?);
            let component_end = match number(fields)? {
                0 => 256,
                end => end,
            };
            let progression =
                Progression::from_byte(fields.u8()?).ok_or(J2kError::Damaged { what: "POC" })?;
            self.changes.push(Change {
                resolutions: (first_resolution, resolution_end),
                components: (first_component, component_end),
                layer_end,
                progression,
            });
        }
        Ok(())
    }

    fn component(&self, fields: &mut Fields<'_>) -> Result<usize, J2kError> {
        let number = usize::from(fields.u8()?);
        if number < self.coding.len() {
            Ok(number)
        } else {
            Err(J2kError::Damaged { what: "the number of a component" })
        }
    }
}

/// Numbers one after the other, most significant byte first.
pub(super) struct Fields<'a> {
    pub bytes: &'a [u8],
}

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], J2kError> {
        let (head, tail) =
            self.bytes.split_first_chunk().ok_or(J2kError::Damaged { what: "the length of a marker" })?;
        self.bytes = tail;
        Ok(*head)
    }

    pub fn u8(&mut self) -> Result<u8, J2kError> {
        self.take::<1>().map(|[byte]| byte)
    }

    pub fn u16(&mut self) -> Result<u16, J2kError> {
        self.take().map(u16::from_be_bytes)
    }

    pub fn u32(&mut self) -> Result<u32, J2kError> {
        self.take().map(u32::from_be_bytes)
    }
}
