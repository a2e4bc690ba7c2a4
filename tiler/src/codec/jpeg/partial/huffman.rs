//! Huffman tables that answer more than one code: the value that follows it too, and the next code where both are short.

use super::bits::{Bits, Broken, extend};

/// Bits of coefficients that are looked up at once: 16 kB a table. With 10 there are twice as many values that do not fit,
/// with 12 the first cache is full.
const LOOKUP: u32 = 11;
/// Bits of differences that are looked up at once.
const DC_LOOKUP: u32 = 9;

const BAD_CODE: Broken = Broken("a code that its table does not have");
const BAD_RUN: Broken = Broken("a block of more than 64 coefficients");

/// A table as the stream says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spec {
    /// How many codes there are of 1 to 16 bits.
    counts: [u8; 16],
    symbols: Box<[u8]>,
}

impl Spec {
    /// The table of a segment, `None` if it has no such codes.
    pub(super) fn new(counts: [u8; 16], symbols: &[u8]) -> Option<Self> {
        let mut room = 1_u32;
        for count in counts {
            room = (2 * room).checked_sub(u32::from(count))?;
        }
        let total: usize = counts.iter().map(|&count| usize::from(count)).sum();
        (total == symbols.len() && total <= 256).then(|| Self { counts, symbols: symbols.into() })
    }

    pub(super) fn symbols(&self) -> &[u8] {
        &self.symbols
    }

    pub(super) const fn bytes(&self) -> usize {
        self.symbols.len()
    }

    /// Code, its length and its symbol.
    fn codes(&self) -> impl Iterator<Item = (u32, u32, u8)> {
        let mut code = 0;
        let lengths = (1..=16).zip(self.counts).flat_map(|(len, count)| (0..count).map(move |_| len));
        let mut last = 0;
        lengths.zip(&*self.symbols).map(move |(len, &symbol)| {
            code <<= len - last;
            last = len;
            let this = code;
            code += 1;
            (this, len, symbol)
        })
    }
}

/// Codes longer than what is looked up, by comparison.
struct Long {
    /// For each length, one past the last code, moved up to 16 bits.
    limits: [u32; 17],
    /// For each length, index of its first symbol less its first code.
    offsets: [i32; 17],
    symbols: [u8; 256],
}

impl Long {
    fn new(spec: &Spec) -> Self {
        let mut long = Self { limits: [0; 17], offsets: [0; 17], symbols: [0; 256] };
        long.symbols[..spec.symbols.len()].copy_from_slice(&spec.symbols);
        let (mut code, mut index) = (0, 0);
        for (len, &count) in (1..).zip(&spec.counts) {
            code <<= 1;
            long.offsets[len] = index - code;
            code += i32::from(count);
            index += i32::from(count);
            long.limits[len] = (code as u32) << (16 - len);
        }
        long
    }

    /// The symbol of the next code, and the bits after it; 16 must have been filled in.
    #[cold]
    #[inline(never)]
    fn symbol(&self, mut bits: Bits) -> Result<(Bits, u8), Broken> {
        let next = bits.peek(16) as u32;
        let len = (1..=16).find(|&len| next < self.limits[len]).ok_or(BAD_CODE)?;
        bits.skip(len as u32);
        let index = (next >> (16 - len)) as i32 + self.offsets[len];
        let symbol = self.symbols.get(index as usize).ok_or(BAD_CODE)?;
        Ok((bits, *symbol))
    }
}

/// The table of DC differences.
pub(super) struct Dc {
    entries: [DcEntry; 1 << DC_LOOKUP],
    long: Long,
}

#[derive(Clone, Copy)]
struct DcEntry {
    diff: i16,
    /// Of the code, and of the difference if that is in `diff`; 0 for codes that are longer.
    bits: u8,
    /// Bits of the difference that are still to be read.
    more: u8,
}

impl Dc {
    pub(super) fn new(spec: &Spec) -> Self {
        let mut entries = [DcEntry { diff: 0, bits: 0, more: 0 }; 1 << DC_LOOKUP];
        for (code, len, size) in spec.codes().take_while(|&(_, len, _)| len <= DC_LOOKUP) {
            let size = u32::from(size);
            if len + size > DC_LOOKUP {
                fill(&mut entries, code, len, DcEntry { diff: 0, bits: len as u8, more: size as u8 });
                continue;
            }
            for value in 0..1 << size {
                let entry = DcEntry { diff: extend(value as i32, size), bits: (len + size) as u8, more: 0 };
                fill(&mut entries, code << size | value, len + size, entry);
            }
        }
        Self { entries, long: Long::new(spec) }
    }

    /// The next difference; 56 bits must have been filled in, of which up to 31 are used.
    #[inline(always)]
    pub(super) fn diff(&self, bits: &mut Bits) -> Result<i16, Broken> {
        let entry = self.entries[bits.peek(DC_LOOKUP) & ((1 << DC_LOOKUP) - 1)];
        bits.skip(u32::from(entry.bits));
        if entry.bits != 0 && entry.more == 0 {
            return Ok(entry.diff);
        }
        let mut more = entry.more;
        if entry.bits == 0 {
            (*bits, more) = self.long.symbol(*bits)?;
        }
        Ok(bits.receive(u32::from(more & 15)))
    }
}

/// What the next bits of AC coefficients mean, up to two of them.
#[derive(Clone, Copy)]
struct AcEntry {
    /// Of all that the entry says.
    bits: u8,
    /// Of the first coefficient alone.
    first_bits: u8,
    /// From the coefficient before to the first one, 1 to 16, or [`NONE`].
    first: u8,
    /// From the coefficient before to the second one, or once more to the first if there is no second one. What is
    /// more than plain coefficients has [`END`] or more here, so that one comparison finds it.
    second: u8,
    values: [i16; 2],
}

/// No coefficient: so far beyond the last one that it cannot be taken for one.
const NONE: u8 = 128;
/// The block ends, after the first coefficient if there is one.
const END: u8 = 64;
/// A code whose value, of as many bits as `values[0]` says, did not fit.
const CODE: u8 = 128;
/// A code that did not fit, or none.
const LONG: u8 = 192;

/// The table of AC coefficients.
pub(super) struct Ac {
    /// In memory of its own, so that it is not copied wherever the table goes.
    entries: Box<[AcEntry; 1 << LOOKUP]>,
    long: Long,
}

impl Ac {
    pub(super) fn new(spec: &Spec) -> Self {
        let none = AcEntry { bits: 0, first_bits: 0, first: 0, second: LONG, values: [0; 2] };
        let mut single = [none; 1 << LOOKUP];
        for (code, len, symbol) in spec.codes().take_while(|&(_, len, _)| len <= LOOKUP) {
            let (first, size) = ((symbol >> 4) + 1, u32::from(symbol & 15));
            let bits = len as u8;
            if size == 0 && symbol != 0xf0 {
                fill(
                    &mut single,
                    code,
                    len,
                    AcEntry { bits, first_bits: bits, first: NONE, second: END, values: [0; 2] },
                );
            } else if len + size > LOOKUP {
                let values = [size as i16; 2];
                fill(&mut single, code, len, AcEntry { bits, first_bits: bits, first, second: CODE, values });
            } else {
                let bits = (len + size) as u8;
                for value in 0..1 << size {
                    let values = [extend(value as i32, size); 2];
                    let entry = AcEntry { bits, first_bits: bits, first, second: first, values };
                    fill(&mut single, code << size | value, len + size, entry);
                }
            }
        }
        let mut entries = Box::new(single);
        for (index, entry) in entries.iter_mut().enumerate().filter(|(_, entry)| entry.second < END) {
            let next = single[index << entry.bits & ((1 << LOOKUP) - 1)];
            if u32::from(entry.bits + next.bits) > LOOKUP {
                continue;
            }
            if next.second < END {
                entry.second += next.first;
                entry.values[1] = next.values[0];
                entry.bits += next.bits;
            } else if next.second == END {
                entry.second = END;
                entry.bits += next.bits;
            }
        }
        Self { entries, long: Long::new(spec) }
    }

    /// Reads the AC coefficients of a block, and hands over those that are not 0, and some that are, with their place in
    /// zigzag order from 1 on; places beyond 63 mean nothing. Returns the place of the last one.
    #[inline(always)]
    pub(super) fn coefficients(
        &self,
        bits: &mut Bits,
        data: &[u8],
        mut store: impl FnMut(usize, i16),
    ) -> Result<usize, Broken> {
        let mut last = 0;
        loop {
            bits.refill(data);
            for _ in 0..4 {
                let entry = self.entries[bits.peek(LOOKUP) & ((1 << LOOKUP) - 1)];
                let (first, second) = (last + usize::from(entry.first), last + usize::from(entry.second));
                if second < 63 {
                    store(first, entry.values[0]);
                    store(second, entry.values[1]);
                    bits.skip(u32::from(entry.bits));
                    last = second;
                    continue;
                }
                if entry.second == END && !(63..usize::from(NONE)).contains(&first) {
                    store(first, entry.values[0]);
                    bits.skip(u32::from(entry.bits));
                    return Ok(first & 63);
                }
                if entry.second == CODE && first <= 63 {
                    bits.skip(u32::from(entry.bits));
                    bits.refill(data);
                    store(first, bits.receive(entry.values[0] as u32 & 15));
                    last = first;
                } else if entry.second == LONG {
                    bits.refill(data);
                    let symbol;
                    (*bits, symbol) = self.long.symbol(*bits)?;
                    let size = u32::from(symbol & 15);
                    if size == 0 && symbol != 0xf0 {
                        return Ok(last);
                    }
                    last += usize::from(symbol >> 4) + 1;
                    store(last, bits.receive(size));
                } else if first == 63 {
                    // What the entry says beyond is of the next block.
                    bits.skip(u32::from(entry.first_bits));
                    store(63, entry.values[0]);
                    return Ok(63);
                } else {
                    bits.skip(u32::from(entry.bits));
                    store(first, entry.values[0]);
                    store(second, entry.values[1]);
                    last = second;
                }
                match last {
                    0..63 => break,
                    63 => return Ok(63),
                    _ => return Err(BAD_RUN),
                }
            }
        }
    }
}

/// Puts the entry wherever the next bits start with this code.
fn fill<T: Copy>(entries: &mut [T], code: u32, len: u32, entry: T) {
    let span = entries.len() >> len;
    let from = code as usize * span;
    if let Some(all) = entries.get_mut(from..from + span) {
        all.fill(entry);
    }
}
