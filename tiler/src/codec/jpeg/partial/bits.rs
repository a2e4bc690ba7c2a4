//! Bits of entropy-coded data, several bytes at a time.

/// The data is not what a baseline scan is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Broken(pub(super) &'static str);

pub(super) const OVERRUN: Broken = Broken("the data ends before the picture");

/// A position in entropy-coded data, to the bit. It does not hold the data: who reads gives it, so a position can be kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Bits {
    /// The next bits, from the highest; below those that count there may be some of the byte at `pos` already.
    next: u64,
    /// Of the first byte that is not counted in `next`.
    pos: u32,
    /// How many bits count, below 64.
    count: u32,
    /// How many of them are zeros that the data does not have.
    padded: u32,
}

impl Bits {
    pub(super) const fn at(pos: u32) -> Self {
        Self { next: 0, pos, count: 0, padded: 0 }
    }

    /// Makes at least 56 bits count; zeros follow where the data ends.
    #[inline(always)]
    pub(super) fn refill(&mut self, data: &[u8]) {
        let rest = data.get(self.pos as usize..).unwrap_or_default();
        if let Some(chunk) = rest.first_chunk() {
            let word = u64::from_be_bytes(*chunk);
            if !has_ff(word) {
                self.next |= word >> self.count;
                self.pos += (63 - self.count) >> 3;
                self.count |= 0b11_1000;
                return;
            }
        }
        *self = self.refilled_slowly(data);
    }

    /// By value, as what is not inlined must be, or the fields would not stay in registers elsewhere.
    #[cold]
    #[inline(never)]
    fn refilled_slowly(mut self, data: &[u8]) -> Self {
        while self.count < 56 {
            let rest = data.get(self.pos as usize..).unwrap_or_default();
            let (byte, taken) = match *rest {
                [0xff, 0, ..] => (0xff, 2),
                [0xff, ..] | [] => {
                    self.padded += 8;
                    (0, 0)
                }
                [byte, ..] => (byte, 1),
            };
            self.next |= u64::from(byte) << (56 - self.count);
            self.pos += taken;
            self.count += 8;
        }
        self
    }

    /// The next `n` bits, 1 to 32, which must have been filled in.
    #[inline(always)]
    pub(super) const fn peek(&self, n: u32) -> usize {
        (self.next >> (64 - n)) as usize
    }

    /// Goes on by `n` bits, which must have been filled in.
    #[inline(always)]
    pub(super) const fn skip(&mut self, n: u32) {
        self.next <<= n;
        self.count -= n;
    }

    /// A number of `n` bits, 0 to 16, as JPEG writes them: those that start with 0 are negative.
    #[inline(always)]
    pub(super) const fn receive(&mut self, n: u32) -> i16 {
        let value = ((self.next >> 1) >> (63 - n)) as i32;
        self.skip(n);
        extend(value, n)
    }

    /// An error if more was read than there is.
    pub(super) const fn check(&self) -> Result<(), Broken> {
        if self.count < self.padded { Err(OVERRUN) } else { Ok(()) }
    }

    /// The position after the restart marker of this number, 0 to 7, which must be next.
    #[cold]
    #[inline(never)]
    pub(super) fn restarted(self, data: &[u8], number: u8) -> Result<Self, Broken> {
        self.check()?;
        let mut rest = data.get(self.pos as usize..).unwrap_or_default();
        while let [0xff, tail @ ..] = rest
            && tail.first() == Some(&0xff)
        {
            rest = tail;
        }
        match *rest {
            [0xff, marker, ..] if marker == 0xd0 + number && self.count - self.padded < 8 => {
                Ok(Self::at((data.len() - rest.len() + 2) as u32))
            }
            _ => Err(Broken("a restart marker is not where it should be")),
        }
    }
}

/// What `n` bits mean as a difference or a coefficient.
#[inline(always)]
pub(super) const fn extend(value: i32, n: u32) -> i16 {
    if n == 0 {
        return 0;
    }
    // All ones where the first bit is 0.
    let negative = (value >> (n - 1)) - 1;
    (value + (negative & (1 - (1 << n)))) as i16
}

/// Whether one of the bytes is 0xff.
#[inline(always)]
const fn has_ff(word: u64) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    (!word).wrapping_sub(ONES) & word & HIGH != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_start_with_0_are_negative() {
        assert_eq!([extend(0, 0), extend(0, 1), extend(1, 1)], [0, -1, 1]);
        assert_eq!([extend(0, 3), extend(3, 3), extend(4, 3), extend(7, 3)], [-7, -4, 4, 7]);
    }

    #[test]
    fn any_byte_of_0xff_is_seen() {
        for at in 0..8 {
            assert!(has_ff(0xff << (8 * at)));
            assert!(has_ff(0xfefe_fefe_fefe_fefe | 1 << (8 * at)));
        }
        assert!(!has_ff(0) && !has_ff(0xfefe_fefe_fefe_fefe) && !has_ff(0x0180_0180_0180_0180));
    }

    #[test]
    fn stuffed_bytes_are_one_and_markers_end_the_data() {
        let data = [0x12, 0x34, 0xff, 0x00, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xff, 0xd9];
        let mut bits = Bits::at(0);
        let mut read = Vec::new();
        for _ in 0..10 {
            bits.refill(&data);
            read.push(bits.peek(8) as u8);
            bits.skip(8);
            assert_eq!(bits.check().is_ok(), read.len() <= 8);
        }
        assert_eq!(read, [0x12, 0x34, 0xff, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0, 0]);
    }
}
