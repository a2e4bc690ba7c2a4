//! How a tile divides: components, resolutions, sub-bands, precincts, code-blocks. Arithmetic only.
//!
//! Source: ISO/IEC 15444-1, Annex B.

use super::{
    J2kError,
    block::Orientation,
    header::{Grid, Parameters, Rect},
};

/// Precincts of one tile.
const MAX_PRECINCTS: u64 = 1 << 20;
/// Code-blocks in one sub-band of one precinct.
const MAX_BLOCKS: u64 = 1 << 20;

/// One component of one tile.
#[derive(Debug)]
pub(super) struct TileComponent {
    pub rect: Rect,
    /// From the smallest.
    pub resolutions: Vec<Resolution>,
}

/// One resolution of one component of one tile.
#[derive(Debug)]
pub(super) struct Resolution {
    pub rect: Rect,
    /// LL alone, or HL, LH, HH.
    pub bands: Vec<Band>,
    /// Number of its first precinct among all of the tile.
    pub first_precinct: usize,
    pub precincts_across: u32,
    pub precincts_down: u32,
    precinct_log2: (u8, u8),
    halvings: u8,
}

/// One sub-band.
#[derive(Debug)]
pub(super) struct Band {
    pub orientation: Orientation,
    pub rect: Rect,
    /// Bit-planes of a coefficient.
    pub planes: u8,
    /// What a step of the quantisation is worth.
    pub step: f32,
    block_log2: (u8, u8),
    precinct_log2: (u8, u8),
}

/// The code-blocks of one sub-band in one precinct.
#[derive(Debug, Clone, Copy)]
pub(super) struct BlockGrid {
    area: Rect,
    pub across: u32,
    pub down: u32,
    log2: (u8, u8),
}

impl BlockGrid {
    pub const fn count(&self) -> usize {
        self.across as usize * self.down as usize
    }

    /// What a code-block covers of its sub-band.
    pub fn rect(&self, index: usize) -> Rect {
        let (col, row) = (index as u32 % self.across, index as u32 / self.across);
        let x0 = ((self.area.x0 >> self.log2.0) + col) << self.log2.0;
        let y0 = ((self.area.y0 >> self.log2.1) + row) << self.log2.1;
        Rect { x0, y0, x1: x0 + (1 << self.log2.0), y1: y0 + (1 << self.log2.1) }.intersection(&self.area)
    }
}

impl Band {
    /// The code-blocks of a precinct, by its column and row on the whole plane.
    fn blocks(&self, col: u32, row: u32) -> Result<BlockGrid, J2kError> {
        let start = |number: u32, log2: u8| (u64::from(number) << log2).min(u64::from(u32::MAX)) as u32;
        let (x0, y0) = (start(col, self.precinct_log2.0), start(row, self.precinct_log2.1));
        let x1 = x0.saturating_add(1 << self.precinct_log2.0);
        let y1 = y0.saturating_add(1 << self.precinct_log2.1);
        let area = Rect { x0, y0, x1, y1 }.intersection(&self.rect);
        let log2 = self.block_log2;
        if area.is_empty() {
            return Ok(BlockGrid { area, across: 0, down: 0, log2 });
        }
        let across = area.x1.div_ceil(1 << log2.0) - (area.x0 >> log2.0);
        let down = area.y1.div_ceil(1 << log2.1) - (area.y0 >> log2.1);
        if u64::from(across) * u64::from(down) > MAX_BLOCKS {
            return Err(J2kError::TooMany { what: "code-blocks in a precinct", limit: MAX_BLOCKS });
        }
        Ok(BlockGrid { area, across, down, log2 })
    }
}

impl Resolution {
    pub const fn precincts(&self) -> usize {
        self.precincts_across as usize * self.precincts_down as usize
    }

    /// The code-blocks of each sub-band in a precinct.
    pub fn blocks(&self, precinct: usize) -> Result<Vec<BlockGrid>, J2kError> {
        let (col, row) = self.place(precinct);
        self.bands.iter().map(|band| band.blocks(col, row)).collect()
    }

    /// Column and row of a precinct on the whole plane.
    const fn place(&self, precinct: usize) -> (u32, u32) {
        let across = if self.precincts_across == 0 { 1 } else { self.precincts_across };
        let (col, row) = (precinct as u32 % across, precinct as u32 / across);
        ((self.rect.x0 >> self.precinct_log2.0) + col, (self.rect.y0 >> self.precinct_log2.1) + row)
    }

    /// Where on the reference grid a precinct has its turn, as row and column.
    pub fn turn(&self, precinct: usize, tile: &Rect, dx: u32, dy: u32) -> (u64, u64) {
        let (col, row) = self.place(precinct);
        let along = |number: u32, log2: u8, start: u32, step: u32, tile0: u32| {
            let own = (u64::from(number) << log2 << self.halvings) * u64::from(step);
            // The first precinct of a tile that starts in its midst has its turn at the tile's edge.
            if u64::from(number) << log2 < u64::from(start) { u64::from(tile0) } else { own }
        };
        (
            along(row, self.precinct_log2.1, self.rect.y0, dy, tile.y0),
            along(col, self.precinct_log2.0, self.rect.x0, dx, tile.x0),
        )
    }

    /// The precincts that hold what these windows ask for, one window for each sub-band.
    pub fn precincts_of(&self, windows: &[Rect]) -> Vec<usize> {
        let (first_col, first_row) = self.place(0);
        let mut span: Option<Rect> = None;
        for (band, window) in self.bands.iter().zip(windows) {
            let window = window.intersection(&band.rect);
            if window.is_empty() {
                continue;
            }
            let (log2_x, log2_y) = band.precinct_log2;
            let own = Rect {
                x0: (window.x0 >> log2_x).saturating_sub(first_col),
                y0: (window.y0 >> log2_y).saturating_sub(first_row),
                x1: (((window.x1 - 1) >> log2_x) + 1).saturating_sub(first_col).min(self.precincts_across),
                y1: (((window.y1 - 1) >> log2_y) + 1).saturating_sub(first_row).min(self.precincts_down),
            };
            span = Some(span.map_or(own, |span| Rect {
                x0: span.x0.min(own.x0),
                y0: span.y0.min(own.y0),
                x1: span.x1.max(own.x1),
                y1: span.y1.max(own.y1),
            }));
        }
        let Some(span) = span else { return Vec::new() };
        let across = self.precincts_across as usize;
        let place = |row: u32| (span.x0..span.x1).map(move |col| row as usize * across + col as usize);
        (span.y0..span.y1).flat_map(place).collect()
    }
}

/// Divides a tile.
pub(super) fn divide(
    grid: &Grid,
    parameters: &Parameters,
    tile: &Rect,
) -> Result<Vec<TileComponent>, J2kError> {
    let mut next_precinct = 0u64;
    let mut components = Vec::with_capacity(grid.components.len());
    for (index, component) in grid.components.iter().enumerate() {
        let (coding, quantisation) = (&parameters.coding[index], &parameters.quantisation[index]);
        let rect = tile.divided(component.dx, component.dy);
        let mut resolutions = Vec::with_capacity(usize::from(coding.levels) + 1);
        for number in 0..=coding.levels {
            let halvings = coding.levels - number;
            let own = rect.reduced(halvings);
            let precinct_log2 = coding.precinct_log2(number);
            let count = |start: u32, end: u32, log2: u8| {
                if own.is_empty() { 0 } else { end.div_ceil(1 << log2) - (start >> log2) }
            };
            let (across, down) =
                (count(own.x0, own.x1, precinct_log2.0), count(own.y0, own.y1, precinct_log2.1));
            let first_precinct = next_precinct as usize;
            next_precinct += u64::from(across) * u64::from(down);
            if next_precinct > MAX_PRECINCTS {
                return Err(J2kError::TooMany { what: "precincts in a tile", limit: MAX_PRECINCTS });
            }
            // A precinct above the smallest resolution covers half its side of each sub-band.
            let half = u8::from(number > 0);
            let band_precinct = (precinct_log2.0 - half, precinct_log2.1 - half);
            let orientations: &[_] = if number == 0 {
                &[Orientation::Ll]
            } else {
                &[Orientation::Hl, Orientation::Lh, Orientation::Hh]
            };
            let mut bands = Vec::with_capacity(orientations.len());
            for (position, &orientation) in orientations.iter().enumerate() {
                let band = usize::from(number).saturating_sub(1) * 3 + usize::from(number > 0) + position;
                let (exponent, mantissa) =
                    quantisation.step(band).ok_or(J2kError::Damaged { what: "QCD" })?;
                let gain = match (coding.reversible, orientation) {
                    (false, _) | (_, Orientation::Ll) => 0,
                    (_, Orientation::Hl | Orientation::Lh) => 1,
                    (_, Orientation::Hh) => 2,
                };
                let planes = i32::from(quantisation.guard_bits) + i32::from(exponent) - 1
                    + i32::from(parameters.region_shift[index]);
                let range = i32::from(component.bits) + gain - i32::from(exponent);
                bands.push(Band {
                    orientation,
                    rect: if number == 0 { own } else { sub_band(&rect, halvings + 1, orientation) },
                    planes: planes.clamp(0, 255) as u8,
                    step: if coding.reversible {
                        1.0
                    } else {
                        (1.0 + f32::from(mantissa) / 2048.0) * (range as f32).exp2()
                    },
                    block_log2: (
                        coding.block_width_log2.min(band_precinct.0),
                        coding.block_height_log2.min(band_precinct.1),
                    ),
                    precinct_log2: band_precinct,
                });
            }
            resolutions.push(Resolution {
                rect: own,
                bands,
                first_precinct,
                precincts_across: across,
                precincts_down: down,
                precinct_log2,
                halvings,
            });
        }
        components.push(TileComponent { rect, resolutions });
    }
    Ok(components)
}

/// The part of a sub-band that belongs to a rectangle of the component (B-15).
fn sub_band(rect: &Rect, halvings: u8, orientation: Orientation) -> Rect {
    let high_x = matches!(orientation, Orientation::Hl | Orientation::Hh);
    let high_y = matches!(orientation, Orientation::Lh | Orientation::Hh);
    let edge = |value: u32, high: bool| {
        let shift = if high { 1u64 << (halvings - 1) } else { 0 };
        u64::from(value).saturating_sub(shift).div_ceil(1 << halvings) as u32
    };
    Rect {
        x0: edge(rect.x0, high_x),
        y0: edge(rect.y0, high_y),
        x1: edge(rect.x1, high_x),
        y1: edge(rect.y1, high_y),
    }
}
