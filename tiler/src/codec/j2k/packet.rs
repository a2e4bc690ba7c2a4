//! Packet headers: which code-blocks got how many passes and bytes.
//!
//! Source: ISO/IEC 15444-1, B.9 and B.10.

use super::{
    J2kError,
    block::{Segment, segment_capacity},
    header::Parameters,
    tile::BlockGrid,
};

/// Why a header could not be read to its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PacketError {
    /// The bytes at hand ended.
    Short,
    /// It makes no sense.
    Damaged,
}

impl From<PacketError> for J2kError {
    fn from(_: PacketError) -> Self {
        Self::Damaged { what: "a packet header" }
    }
}

/// What a packet adds to a code-block.
#[derive(Debug, Clone, Copy)]
pub(super) struct Addition {
    pub band: usize,
    pub block: usize,
    pub passes: u32,
    pub bytes: usize,
    /// Whether a segment ended before it.
    pub new_segment: bool,
}

/// What is known of a precinct after some of its packets.
#[derive(Debug, Clone)]
pub(super) struct PrecinctState {
    bands: Vec<BandState>,
    style: u8,
}

#[derive(Debug, Clone)]
struct BandState {
    inclusion: TagTree,
    zero_planes: TagTree,
    blocks: Vec<BlockState>,
}

#[derive(Debug, Clone, Copy, Default)]
struct BlockState {
    included: bool,
    zero_planes: u8,
    length_bits: u8,
    /// Passes in the open segment, and how many it can have.
    passes: u32,
    capacity: u32,
}

impl PrecinctState {
    pub fn new(grids: &[BlockGrid], style: u8) -> Self {
        let bands = grids.iter().map(|grid| BandState {
            inclusion: TagTree::new(grid.across, grid.down),
            zero_planes: TagTree::new(grid.across, grid.down),
            blocks: vec![BlockState::default(); grid.count()],
        });
        Self { bands: bands.collect(), style }
    }

    /// Bit-planes of a code-block that are all zero.
    pub fn zero_planes(&self, band: usize, block: usize) -> u8 {
        self.bands[band].blocks[block].zero_planes
    }

    /// Reads the header of the packet of a layer, and returns its length. After an error the state is good for nothing.
    pub fn read(
        &mut self,
        bytes: &[u8],
        layer: u16,
        parameters: &Parameters,
        additions: &mut Vec<Addition>,
    ) -> Result<usize, PacketError> {
        additions.clear();
        let start = if parameters.start_markers && bytes.starts_with(&[0xff, 0x91]) { 6 } else { 0 };
        let mut bits =
            Bits { bytes: bytes.get(start..).ok_or(PacketError::Short)?, position: 0, buffer: 0, count: 0 };
        if bits.bit()? == 1 {
            for (index, band) in self.bands.iter_mut().enumerate() {
                band.read(index, layer, self.style, &mut bits, additions)?;
            }
        }
        let mut end = start + bits.align()?;
        if parameters.end_markers {
            let marker = bytes.get(end..end + 2).ok_or(PacketError::Short)?;
            if marker == [0xff, 0x92] {
                end += 2;
            }
        }
        Ok(end)
    }
}

impl BandState {
    fn read(
        &mut self,
        band: usize,
        layer: u16,
        style: u8,
        bits: &mut Bits<'_>,
        additions: &mut Vec<Addition>,
    ) -> Result<(), PacketError> {
        for (index, block) in self.blocks.iter_mut().enumerate() {
            if block.included {
                if bits.bit()? == 0 {
                    continue;
                }
            } else {
                if !self.inclusion.is_below(index, u32::from(layer) + 1, bits)? {
                    continue;
                }
                let mut bound = 1;
                while !self.zero_planes.is_below(index, bound, bits)? {
                    bound += 1;
                    if bound > 80 {
                        return Err(PacketError::Damaged);
                    }
                }
                block.included = true;
                block.zero_planes = (bound - 1) as u8;
                block.length_bits = 3;
                block.capacity = segment_capacity(style, None);
            }
            let mut passes = bits.passes()?;
            while bits.bit()? == 1 {
                block.length_bits += 1;
                if block.length_bits > 31 {
                    return Err(PacketError::Damaged);
                }
            }
            let mut new_segment = false;
            loop {
                if block.passes == block.capacity {
                    block.capacity = segment_capacity(style, Some(block.capacity));
                    block.passes = 0;
                    new_segment = true;
                }
                let own = passes.min(block.capacity - block.passes);
                let length_bits = u32::from(block.length_bits) + own.ilog2();
                if length_bits > 32 {
                    return Err(PacketError::Damaged);
                }
                let bytes = bits.number(length_bits)? as usize;
                additions.push(Addition { band, block: index, passes: own, bytes, new_segment });
                block.passes += own;
                passes -= own;
                if passes == 0 {
                    break;
                }
            }
        }
        Ok(())
    }
}

/// The segments of a code-block and where its bytes lie, from all of its packets.
#[derive(Debug, Clone, Default)]
pub(super) struct BlockBytes {
    pub segments: Vec<Segment>,
    /// Start and length in the tile's data.
    pub parts: Vec<(u64, usize)>,
}

impl BlockBytes {
    pub fn len(&self) -> usize {
        self.parts.iter().map(|part| part.1).fold(0, usize::saturating_add)
    }

    pub fn add(&mut self, addition: &Addition, start: u64) {
        match self.segments.last_mut() {
            Some(last) if !addition.new_segment => {
                last.passes = last.passes.saturating_add(addition.passes);
                last.bytes += addition.bytes;
            }
            _ => self.segments.push(Segment { passes: addition.passes, bytes: addition.bytes }),
        }
        if addition.bytes > 0 {
            self.parts.push((start, addition.bytes));
        }
    }
}

/// Bits of a packet header, with a zero stuffed after every byte of ones.
struct Bits<'a> {
    bytes: &'a [u8],
    position: usize,
    buffer: u8,
    count: u32,
}

impl Bits<'_> {
    fn bit(&mut self) -> Result<u32, PacketError> {
        if self.count == 0 {
            let stuffed = self.buffer == 0xff;
            self.buffer = *self.bytes.get(self.position).ok_or(PacketError::Short)?;
            self.position += 1;
            self.count = if stuffed { 7 } else { 8 };
        }
        self.count -= 1;
        Ok(u32::from(self.buffer) >> self.count & 1)
    }

    fn number(&mut self, bits: u32) -> Result<u32, PacketError> {
        let mut value = 0;
        for _ in 0..bits {
            value = value << 1 | self.bit()?;
        }
        Ok(value)
    }

    /// A number of passes, 1 to 164 (Table B.4).
    fn passes(&mut self) -> Result<u32, PacketError> {
        if self.bit()? == 0 {
            return Ok(1);
        }
        if self.bit()? == 0 {
            return Ok(2);
        }
        Ok(match self.number(2)? {
            3 => match self.number(5)? {
                31 => 37 + self.number(7)?,
                more => 6 + more,
            },
            more => 3 + more,
        })
    }

    /// Goes to the end of the byte, and past the one that is stuffed after ones.
    fn align(&mut self) -> Result<usize, PacketError> {
        if self.buffer == 0xff {
            if self.position >= self.bytes.len() {
                return Err(PacketError::Short);
            }
            self.position += 1;
        }
        Ok(self.position)
    }
}

/// Numbers of a grid, told by and by: each node holds the least of its four children.
#[derive(Debug, Clone)]
struct TagTree {
    /// Where each level starts, from the leaves, and how many nodes it has across.
    levels: Vec<(u32, u32)>,
    nodes: Vec<Node>,
    across: u32,
}

#[derive(Debug, Clone, Copy)]
struct Node {
    /// At least so much, and exactly so once it is known.
    low: u16,
    known: bool,
}

impl TagTree {
    fn new(across: u32, down: u32) -> Self {
        let (mut width, mut height) = (across, down);
        let (mut levels, mut count) = (Vec::new(), 0);
        while width > 0 && height > 0 {
            levels.push((count, width));
            count += width * height;
            if width == 1 && height == 1 {
                break;
            }
            (width, height) = (width.div_ceil(2), height.div_ceil(2));
        }
        Self { levels, nodes: vec![Node { low: 0, known: false }; count as usize], across }
    }

    /// Whether a leaf is below a bound, reading as many bits as that takes.
    fn is_below(&mut self, leaf: usize, bound: u32, bits: &mut Bits<'_>) -> Result<bool, PacketError> {
        let (col, row) = (leaf as u32 % self.across, leaf as u32 / self.across);
        let (mut low, mut known) = (0u16, false);
        for (level, &(start, width)) in self.levels.iter().enumerate().rev() {
            let node = &mut self.nodes[(start + (row >> level) * width + (col >> level)) as usize];
            node.low = node.low.max(low);
            while !node.known && u32::from(node.low) < bound {
                if bits.bit()? == 1 {
                    node.known = true;
                } else {
                    node.low = node.low.checked_add(1).ok_or(PacketError::Damaged)?;
                }
            }
            (low, known) = (node.low, node.known);
        }
        Ok(known && u32::from(low) < bound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_standard_decodes() {
        // B.10.2: a tree of 6 x 3 leaves whose first are 1, 3, 2.
        let bits = [0b0111_1001, 0b1010_0000, 0];
        let mut bits = Bits { bytes: &bits, position: 0, buffer: 0, count: 0 };
        let mut tree = TagTree::new(6, 3);
        let mut value = |leaf, bits: &mut Bits<'_>| {
            (1..9).find(|&bound| tree.is_below(leaf, bound, bits).expect("there are bits")).map(|b| b - 1)
        };
        assert_eq!(value(0, &mut bits), Some(1));
        assert_eq!(value(1, &mut bits), Some(3));
        assert_eq!(value(2, &mut bits), Some(2));
    }

    #[test]
    fn numbers_of_passes_follow_the_table() {
        let read = |bytes: &[u8]| Bits { bytes, position: 0, buffer: 0, count: 0 }.passes();
        assert_eq!(read(&[0b0000_0000]), Ok(1));
        assert_eq!(read(&[0b1000_0000]), Ok(2));
        assert_eq!(read(&[0b1110_0000]), Ok(5));
        assert_eq!(read(&[0b1111_0000, 0]), Ok(6));
        assert_eq!(read(&[0b1111_1111, 0b0100_0000, 0, 0]), Ok(37));
    }
}
