//! Where the packets of a tile lie: from their lengths in `PLT` markers, else by walking over their headers.
//!
//! Kept is one number for each precinct where its layers follow each other, else one for each packet.

use std::{borrow::Cow, ops::Range};

use super::{
    J2kError,
    header::{Change, Grid, Parameters, Progression, Rect},
    packet::{Addition, PrecinctState},
    tile::{self, BlockGrid, Resolution, TileComponent},
};
use crate::io::ByteSource;

/// Code-blocks that are known at a time while a tile is walked over.
const MAX_WALKED_BLOCKS: usize = 1 << 21;
const NOWHERE: u64 = u64::MAX;

/// The bytes of all parts of a tile, one after the other.
#[derive(Debug, Default, Clone)]
pub(super) struct TileData {
    /// Where each part starts in the tile, and its range in the file.
    parts: Vec<(u64, Range<u64>)>,
    len: u64,
}

impl TileData {
    pub fn push(&mut self, range: Range<u64>) {
        self.parts.push((self.len, range.clone()));
        self.len += range.end - range.start;
    }

    pub const fn len(&self) -> u64 {
        self.len
    }

    /// At most so many bytes from there on, fewer where the tile ends.
    pub fn read<'a>(
        &self,
        source: &'a dyn ByteSource,
        start: u64,
        len: usize,
    ) -> Result<Cow<'a, [u8]>, J2kError> {
        let end = start.saturating_add(len as u64).min(self.len);
        let mut at = start.min(end);
        let mut bytes = Cow::Borrowed(&[][..]);
        let first = self.parts.partition_point(|part| part.0 <= at).saturating_sub(1);
        for (part_start, range) in self.parts.iter().skip(first) {
            if at >= end {
                break;
            }
            let from = range.start + (at - part_start);
            let to = range.end.min(range.start + (end - part_start));
            if from >= to {
                continue;
            }
            at += to - from;
            let more = source.read(from..to)?;
            if bytes.is_empty() {
                bytes = more;
            } else {
                bytes.to_mut().extend_from_slice(&more);
            }
        }
        Ok(bytes)
    }
}

/// A tile, ready to be decoded from anywhere.
#[derive(Debug)]
pub(super) struct TileIndex {
    pub parameters: Parameters,
    pub components: Vec<TileComponent>,
    pub data: TileData,
    starts: Vec<u64>,
    contiguous: bool,
}

/// One precinct in its place among the others.
#[derive(Debug, Clone, Copy)]
struct Turn {
    component: u16,
    resolution: u8,
    precinct: u32,
    row: u64,
    col: u64,
    id: usize,
}

/// A precinct of which some packets were walked over.
#[derive(Debug, Clone)]
struct Walked {
    state: PrecinctState,
    grids: Vec<BlockGrid>,
}

impl TileIndex {
    pub fn build(
        source: &dyn ByteSource,
        grid: &Grid,
        parameters: Parameters,
        tile: &Rect,
        data: TileData,
        lengths: &[u64],
    ) -> Result<Self, J2kError> {
        let components = tile::divide(grid, &parameters, tile)?;
        let layers = usize::from(parameters.layers);
        let contiguous = parameters.changes.is_empty()
            && !matches!(parameters.progression, Progression::Lrcp | Progression::Rlcp);
        let mut index = Self { parameters, components, data, starts: Vec::new(), contiguous };
        let turns = index.turns(grid, tile);
        let kept = if contiguous { turns.len() } else { turns.len().saturating_mul(layers) };
        if !contiguous && kept as u64 > index.data.len() {
            // Each packet has a byte at least; a truncated tile may lack some, but not most of them.
            return Err(J2kError::Damaged { what: "the number of packets" });
        }
        index.starts = vec![NOWHERE; kept];
        let packets = turns.len() as u64 * layers as u64;
        let told = lengths.len() as u64 == packets && lengths.iter().sum::<u64>() == index.data.len();
        if told {
            index.add_up(turns, lengths)?;
        } else {
            index.walk(source, turns)?;
        }
        Ok(index)
    }

    /// Where the packet of a layer starts, when the one before it ended at `previous`.
    pub fn start(&self, resolution: &Resolution, precinct: usize, layer: u16, previous: u64) -> Option<u64> {
        let id = resolution.first_precinct + precinct;
        let start = if !self.contiguous {
            *self.starts.get(id * usize::from(self.parameters.layers) + usize::from(layer))?
        } else if layer == 0 {
            *self.starts.get(id)?
        } else {
            previous
        };
        (start < self.data.len()).then_some(start)
    }

    /// The start of a packet header: all of it, unless it is damaged.
    pub fn header<'a>(
        &self,
        source: &'a dyn ByteSource,
        start: u64,
        grids: &[BlockGrid],
        style: u8,
    ) -> Result<Cow<'a, [u8]>, J2kError> {
        // Bits of a block: inclusion, zero planes, passes and a length; lengths of every pass where each is ended.
        let of_a_block = if style & 5 == 0 { 32 } else { 800 };
        let blocks: usize = grids.iter().map(BlockGrid::count).sum();
        self.data.read(source, start, 64 + blocks * of_a_block)
    }

    fn turns(&self, grid: &Grid, tile: &Rect) -> Vec<Turn> {
        let mut turns = Vec::new();
        for (component, own) in self.components.iter().enumerate() {
            let (dx, dy) = (grid.components[component].dx, grid.components[component].dy);
            for (number, resolution) in own.resolutions.iter().enumerate() {
                for precinct in 0..resolution.precincts() {
                    let (row, col) = resolution.turn(precinct, tile, dx, dy);
                    turns.push(Turn {
                        component: component as u16,
                        resolution: number as u8,
                        precinct: precinct as u32,
                        row,
                        col,
                        id: resolution.first_precinct + precinct,
                    });
                }
            }
        }
        turns
    }

    fn add_up(&mut self, turns: Vec<Turn>, lengths: &[u64]) -> Result<(), J2kError> {
        let mut position = 0;
        let mut lengths = lengths.iter();
        let (contiguous, layers) = (self.contiguous, usize::from(self.parameters.layers));
        let starts = &mut self.starts;
        in_order(turns, &self.parameters, |turn, layer| {
            set(starts, contiguous, layers, turn, layer, position);
            position += lengths.next().copied().unwrap_or(0);
            Ok(true)
        })
    }

    fn walk(&mut self, source: &dyn ByteSource, turns: Vec<Turn>) -> Result<(), J2kError> {
        let mut starts = std::mem::take(&mut self.starts);
        let layers = self.parameters.layers;
        let mut states: Vec<Option<Walked>> = vec![None; turns.len()];
        let mut position = 0;
        let mut live = 0;
        let mut additions: Vec<Addition> = Vec::new();
        in_order(turns, &self.parameters, |turn, layer| {
            if position >= self.data.len() {
                return Ok(false);
            }
            set(&mut starts, self.contiguous, usize::from(layers), turn, layer, position);
            let style = self.parameters.coding[usize::from(turn.component)].style;
            let slot = &mut states[turn.id];
            if slot.is_none() {
                let resolution =
                    &self.components[usize::from(turn.component)].resolutions[usize::from(turn.resolution)];
                let grids = resolution.blocks(turn.precinct as usize)?;
                live += grids.iter().map(BlockGrid::count).sum::<usize>();
                if live > MAX_WALKED_BLOCKS {
                    return Err(J2kError::TooMany {
                        what: "code-blocks in a tile",
                        limit: MAX_WALKED_BLOCKS as u64,
                    });
                }
                *slot = Some(Walked { state: PrecinctState::new(&grids, style), grids });
            }
            if let Some(Walked { state, grids }) = slot {
                let bytes = self.header(source, position, grids, style)?;
                position += state.read(&bytes, layer, &self.parameters, &mut additions)? as u64;
                position += additions.iter().map(|addition| addition.bytes as u64).sum::<u64>();
                if layer + 1 == layers {
                    live -= grids.iter().map(BlockGrid::count).sum::<usize>();
                    *slot = None;
                }
            }
            Ok(true)
        })?;
        self.starts = starts;
        Ok(())
    }
}

fn set(starts: &mut [u64], contiguous: bool, layers: usize, turn: &Turn, layer: u16, position: u64) {
    let slot = match (contiguous, layer) {
        (true, 0) => turn.id,
        (true, _) => return,
        (false, layer) => turn.id * layers + usize::from(layer),
    };
    if let Some(start) = starts.get_mut(slot) {
        *start = position;
    }
}

/// Visits the packets of a tile in the order of the file, until the visitor says that it is enough.
fn in_order(
    turns: Vec<Turn>,
    parameters: &Parameters,
    mut visit: impl FnMut(&Turn, u16) -> Result<bool, J2kError>,
) -> Result<(), J2kError> {
    let all = [Change {
        resolutions: (0, u8::MAX),
        components: (0, u16::MAX),
        layer_end: parameters.layers,
        progression: parameters.progression,
    }];
    let changes = if parameters.changes.is_empty() { &all[..] } else { &parameters.changes };
    let mut next_layer = vec![0u16; turns.len()];
    let mut turns = turns;
    for change in changes {
        let (resolutions, components) = (change.resolutions, change.components);
        let within = |turn: &&Turn| {
            (resolutions.0..resolutions.1).contains(&turn.resolution)
                && (components.0..components.1).contains(&turn.component)
        };
        turns.sort_unstable_by_key(|t| {
            let (r, c, p) = (u64::from(t.resolution), u64::from(t.component), u64::from(t.precinct));
            match change.progression {
                Progression::Lrcp | Progression::Rlcp => [r, c, p, 0, 0],
                Progression::Rpcl => [r, t.row, t.col, c, p],
                Progression::Pcrl => [t.row, t.col, c, r, p],
                Progression::Cprl => [c, t.row, t.col, r, p],
            }
        });
        let layer_end = change.layer_end.min(parameters.layers);
        let mut one = |turn: &Turn, layer: u16| {
            let next = &mut next_layer[turn.id];
            if *next != layer {
                return Ok(true);
            }
            *next += 1;
            visit(turn, layer)
        };
        let groups: Vec<&[Turn]> = match change.progression {
            Progression::Lrcp => vec![&turns[..]],
            Progression::Rlcp => turns.chunk_by(|a, b| a.resolution == b.resolution).collect(),
            _ => turns.chunks(1).collect(),
        };
        for group in groups {
            for layer in 0..layer_end {
                for turn in group.iter().filter(within) {
                    if !one(turn, layer)? {
                        return Ok(());
                    }
                }
            }
        }
    }
    Ok(())
}
