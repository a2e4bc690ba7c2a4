//! The bits of a scan.

use super::{
    fdct::{PLACES, Pair},
    huffman::{Code, Codes, magnitude},
};
use crate::raster::spare;

/// Where bits are written first: what a tile takes, as a rule.
const ROOM: usize = 128 << 10;
/// What a block takes at most, at 27 bits a coefficient, and whole words.
const BLOCK: usize = 256;
const WORD: usize = 8;

/// Writes codes one after the other.
pub(super) struct Bits {
    /// Without the zeros that follow upon 0xff.
    out: Vec<u8>,
    at: usize,
    last: Last,
}

/// The last bits, which fill no byte.
#[derive(Debug, Clone, Copy)]
struct Last {
    /// From the highest bit on; zeros follow.
    bits: u64,
    count: u32,
}

impl Bits {
    pub(super) fn new() -> Self {
        Self { out: spare::take(ROOM), at: 0, last: Last { bits: 0, count: 0 } }
    }

    /// One of two blocks, after one with the first coefficient `dc`.
    #[inline(always)]
    pub(super) fn block(&mut self, pair: &Pair, number: usize, dc: &mut i16, codes: &Codes) {
        let values = &pair.values[8 * number..][..120];
        let mut line = self.line();
        let (count, bits) = magnitude(i32::from(values[0]) - i32::from(*dc));
        *dc = values[0];
        line.put(codes.dc[count as usize].then(bits, count));
        let mut present = pair.present[number] & !1;
        let mut next = 1;
        while present != 0 {
            let at = present.trailing_zeros() as usize;
            present &= present - 1;
            let mut zeros = at - next;
            next = at + 1;
            while zeros > 15 {
                line.put(codes.symbol(Codes::SIXTEEN_ZEROS));
                zeros -= 16;
            }
            let value = || values[usize::from(PLACES[at & 63])];
            line.put(codes.coefficient(zeros, pair.low[number][at & 63], value));
        }
        if next < 64 {
            line.put(codes.symbol(Codes::END));
        }
        let (bytes, last) = (line.at, line.last);
        self.at += bytes;
        self.last = last;
    }

    /// Where a block goes.
    #[inline(always)]
    fn line(&mut self) -> Line<'_> {
        if self.out.len() < self.at + BLOCK + WORD {
            self.grow();
        }
        let room = self.out[self.at..].first_chunk_mut().expect("there is room for a block");
        Line { room, at: 0, last: self.last }
    }

    #[cold]
    fn grow(&mut self) {
        self.out.resize(2 * self.out.len(), 0);
    }

    /// A whole stream of these bits between its markers.
    pub(super) fn finish(mut self, before: &[u8], after: &[u8]) -> Vec<u8> {
        let mut scan = &self.out[..self.at];
        let Last { bits, count } = self.last;
        if count > 0 {
            // The last byte is filled with ones.
            self.out[self.at] = (bits >> 56) as u8 | 0xff >> count;
            scan = &self.out[..=self.at];
        }
        let marked = memchr::memchr_iter(0xff, scan).count();
        let mut stream = Vec::with_capacity(before.len() + scan.len() + marked + after.len());
        stream.extend_from_slice(before);
        let mut from = 0;
        for at in memchr::memchr_iter(0xff, scan) {
            stream.extend_from_slice(&scan[from..=at]);
            // So that it begins no marker.
            stream.push(0);
            from = at + 1;
        }
        stream.extend_from_slice(&scan[from..]);
        stream.extend_from_slice(after);
        // One that has grown is what nobody asks for.
        if self.out.len() == ROOM {
            spare::put(self.out);
        }
        stream
    }
}

/// A block on its way out.
struct Line<'a> {
    room: &'a mut [u8; BLOCK + WORD],
    at: usize,
    last: Last,
}

impl Line<'_> {
    /// Whole words are written whatever they hold: to ask takes longer.
    #[inline(always)]
    fn put(&mut self, code: Code) {
        let Last { bits, count } = self.last;
        let bits = bits | code.bits() >> count;
        let count = count + code.count();
        self.room[self.at % BLOCK..][..WORD].copy_from_slice(&bits.to_be_bytes());
        self.at += (count / 8) as usize;
        self.last = Last { bits: bits << (count & 0x38), count: count % 8 };
    }
}
