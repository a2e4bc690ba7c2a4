//! The arithmetic decoder and the raw bits of code-blocks.
//!
//! Source: ISO/IEC 15444-1, Annex C (the decoder in its software form) and D.6 (raw bits).

#![expect(clippy::inline_always, reason = "the loops over samples need all state in registers")]

/// One state of the probability estimation: what follows it is numbered with the more probable symbol as lowest bit.
#[derive(Clone, Copy)]
struct State {
    qe: u16,
    after_mps: u8,
    after_lps: u8,
}

/// Table C.2: probability, next state after the more and the less probable symbol, whether the symbols change roles.
const ESTIMATION: [(u16, u8, u8, bool); 47] = [
    (0x5601, 1, 1, true),
    (0x3401, 2, 6, false),
    (0x1801, 3, 9, false),
    (0x0ac1, 4, 12, false),
    (0x0521, 5, 29, false),
    (0x0221, 38, 33, false),
    (0x5601, 7, 6, true),
    (0x5401, 8, 14, false),
    (0x4801, 9, 14, false),
    (0x3801, 10, 14, false),
    (0x3001, 11, 17, false),
    (0x2401, 12, 18, false),
    (0x1c01, 13, 20, false),
    (0x1601, 29, 21, false),
    (0x5601, 15, 14, true),
    (0x5401, 16, 14, false),
    (0x5101, 17, 15, false),
    (0x4801, 18, 16, false),
    (0x3801, 19, 17, false),
    (0x3401, 20, 18, false),
    (0x3001, 21, 19, false),
    (0x2801, 22, 19, false),
    (0x2401, 23, 20, false),
    (0x2201, 24, 21, false),
    (0x1c01, 25, 22, false),
    (0x1801, 26, 23, false),
    (0x1601, 27, 24, false),
    (0x1401, 28, 25, false),
    (0x1201, 29, 26, false),
    (0x1101, 30, 27, false),
    (0x0ac1, 31, 28, false),
    (0x09c1, 32, 29, false),
    (0x08a1, 33, 30, false),
    (0x0521, 34, 31, false),
    (0x0441, 35, 32, false),
    (0x02a1, 36, 33, false),
    (0x0221, 37, 34, false),
    (0x0141, 38, 35, false),
    (0x0111, 39, 36, false),
    (0x0085, 40, 37, false),
    (0x0049, 41, 38, false),
    (0x0025, 42, 39, false),
    (0x0015, 43, 40, false),
    (0x0009, 44, 41, false),
    (0x0005, 45, 42, false),
    (0x0001, 45, 43, false),
    (0x5601, 46, 46, false),
];

static STATES: [State; 128] = states();

const fn states() -> [State; 128] {
    let mut states = [State { qe: 0x5601, after_mps: 0, after_lps: 0 }; 128];
    let mut i = 0;
    while i < 94 {
        let (qe, mps, lps, switch) = ESTIMATION[i / 2];
        let symbol = (i % 2) as u8;
        let after_lps = lps * 2 + if switch { 1 - symbol } else { symbol };
        states[i] = State { qe, after_mps: mps * 2 + symbol, after_lps };
        i += 1;
    }
    states
}

/// Contexts, with a few to spare so that their number is a power of two.
pub(super) const CONTEXTS: usize = 32;
pub(super) const RUN: usize = 17;
pub(super) const UNIFORM: usize = 18;

/// The contexts as they are at the start (Table D.7).
pub(super) fn fresh_contexts() -> [u8; CONTEXTS] {
    let mut contexts = [0; CONTEXTS];
    contexts[0] = 4 * 2;
    contexts[RUN] = 3 * 2;
    contexts[UNIFORM] = 46 * 2;
    contexts
}

/// An arithmetic decoder. Past the last byte there are ones without end.
pub(super) struct Mq<'a> {
    bytes: &'a [u8],
    position: usize,
    a: u32,
    c: u32,
    count: u32,
    pub contexts: [u8; CONTEXTS],
}

impl<'a> Mq<'a> {
    pub fn new(bytes: &'a [u8], contexts: [u8; CONTEXTS]) -> Self {
        let first = bytes.first().copied().unwrap_or(0xff);
        let mut mq = Self { bytes, position: 0, a: 0x8000, c: u32::from(first) << 16, count: 0, contexts };
        mq.byte_in();
        mq.c <<= 7;
        mq.count -= 7;
        mq
    }

    fn byte(&self, position: usize) -> u32 {
        u32::from(self.bytes.get(position).copied().unwrap_or(0xff))
    }

    fn byte_in(&mut self) {
        let next = self.byte(self.position + 1);
        if self.byte(self.position) == 0xff {
            if next > 0x8f {
                self.c += 0xff00;
                self.count = 8;
            } else {
                self.position += 1;
                self.c += next << 9;
                self.count = 7;
            }
        } else {
            self.position += 1;
            self.c += next << 8;
            self.count = 8;
        }
    }

    /// The next decision of a context: 0 or 1.
    #[inline(always)]
    pub fn decode(&mut self, context: usize) -> u32 {
        let slot = &mut self.contexts[context & (CONTEXTS - 1)];
        let index = *slot;
        let state = STATES[usize::from(index & 127)];
        let qe = u32::from(state.qe);
        let symbol = u32::from(index & 1);
        self.a -= qe;
        let less = if self.c >> 16 < qe {
            let less = self.a >= qe;
            self.a = qe;
            less
        } else {
            self.c -= qe << 16;
            if self.a & 0x8000 != 0 {
                return symbol;
            }
            self.a < qe
        };
        *slot = if less { state.after_lps } else { state.after_mps };
        self.renormalise();
        symbol ^ u32::from(less)
    }

    #[inline(always)]
    fn renormalise(&mut self) {
        loop {
            if self.count == 0 {
                self.byte_in();
            }
            let shift = (self.a.leading_zeros() - 16).min(self.count);
            self.a <<= shift;
            self.c <<= shift;
            self.count -= shift;
            if self.a & 0x8000 != 0 {
                return;
            }
        }
    }
}

/// Bits as they are, with a zero stuffed after every byte of ones.
pub(super) struct Raw<'a> {
    bytes: &'a [u8],
    current: u8,
    count: u32,
}

impl<'a> Raw<'a> {
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, current: 0, count: 0 }
    }

    pub fn bit(&mut self) -> u32 {
        if self.count == 0 {
            let stuffed = self.current == 0xff;
            match self.bytes.split_first() {
                Some((&byte, rest)) if !(stuffed && byte > 0x8f) => {
                    self.current = byte;
                    self.bytes = rest;
                    self.count = if stuffed { 7 } else { 8 };
                }
                _ => {
                    self.current = 0xff;
                    self.count = 8;
                }
            }
        }
        self.count -= 1;
        u32::from(self.current) >> self.count & 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_standard_decodes() {
        // ISO/IEC 14492 (JBIG2, the same coder), H.2: the test sequence and its encoding.
        let encoded = [
            0x84, 0xc7, 0x3b, 0xfc, 0xe1, 0xa1, 0x43, 0x04, 0x02, 0x20, 0x00, 0x00, 0x41, 0x0d, 0xbb, 0x86,
            0xf4, 0x31, 0x7f, 0xff, 0x88, 0xff, 0x37, 0x47, 0x1a, 0xdb, 0x6a, 0xdf, 0xff, 0xac,
        ];
        let expected = [
            0x00, 0x02, 0x00, 0x51, 0x00, 0x00, 0x00, 0xc0, 0x03, 0x52, 0x87, 0x2a, 0xaa, 0xaa, 0xaa, 0xaa,
            0x82, 0xc0, 0x20, 0x00, 0xfc, 0xd7, 0x9e, 0xf6, 0xbf, 0x7f, 0xed, 0x90, 0x4f, 0x46, 0xa3, 0xbf,
        ];
        let mut mq = Mq::new(&encoded, [0; CONTEXTS]);
        let decoded: Vec<u8> =
            expected.iter().map(|_| (0..8).fold(0, |byte, _| byte << 1 | mq.decode(1) as u8)).collect();
        assert_eq!(decoded, expected);
    }

    #[test]
    fn a_decoder_without_bytes_goes_on_for_ever_without_harm() {
        let mut mq = Mq::new(&[], fresh_contexts());
        for i in 0..10_000 {
            mq.decode(i % 19);
        }
    }
}
