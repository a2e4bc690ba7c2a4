//! Huffman codes, by the tables that ISO/IEC 10918-1 (T.81) suggests in its annex K, which most pictures have.

/// A Huffman table as a stream has it: how many codes there are of each length from 1 bit on, and their symbols.
pub(super) struct Huffman {
    pub(super) counts: [u8; 16],
    pub(super) symbols: &'static [u8],
}

/// Luma's and chroma's, of the first coefficient of blocks (tables K.3, K.4).
pub(super) const DC: [Huffman; 2] = [
    Huffman {
        counts: [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0],
        symbols: &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
    },
    Huffman {
        counts: [0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0],
        symbols: &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
    },
];

/// Luma's and chroma's, of the others (tables K.5, K.6).
#[rustfmt::skip]
pub(super) const AC: [Huffman; 2] = [
    Huffman {
        counts: [0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 125],
        symbols: &[
            0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13, 0x51, 0x61, 0x07, 0x22, 0x71,
            0x14, 0x32, 0x81, 0x91, 0xa1, 0x08, 0x23, 0x42, 0xb1, 0xc1, 0x15, 0x52, 0xd1, 0xf0, 0x24, 0x33, 0x62, 0x72,
            0x82, 0x09, 0x0a, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2a, 0x34, 0x35, 0x36, 0x37,
            0x38, 0x39, 0x3a, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59,
            0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, 0x83,
            0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0xa2, 0xa3,
            0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xc2, 0xc3,
            0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda, 0xe1, 0xe2,
            0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa,
        ],
    },
    Huffman {
        counts: [0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 119],
        symbols: &[
            0x00, 0x01, 0x02, 0x03, 0x11, 0x04, 0x05, 0x21, 0x31, 0x06, 0x12, 0x41, 0x51, 0x07, 0x61, 0x71, 0x13, 0x22,
            0x32, 0x81, 0x08, 0x14, 0x42, 0x91, 0xa1, 0xb1, 0xc1, 0x09, 0x23, 0x33, 0x52, 0xf0, 0x15, 0x62, 0x72, 0xd1,
            0x0a, 0x16, 0x24, 0x34, 0xe1, 0x25, 0xf1, 0x17, 0x18, 0x19, 0x1a, 0x26, 0x27, 0x28, 0x29, 0x2a, 0x35, 0x36,
            0x37, 0x38, 0x39, 0x3a, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58,
            0x59, 0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a,
            0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a,
            0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba,
            0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda,
            0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa,
        ],
    },
];

/// Some bits, from the highest on, and how many they are, in the lowest: up to 27.
#[derive(Debug, Clone, Copy)]
pub(super) struct Code(u64);

impl Code {
    const NONE: Self = Self(0);

    const fn new(bits: u64, count: u32) -> Self {
        Self(bits << (u64::BITS - count) | count as u64)
    }

    /// From the highest on.
    #[inline(always)]
    pub(super) const fn bits(self) -> u64 {
        self.0 & !0xff
    }

    #[inline(always)]
    pub(super) const fn count(self) -> u32 {
        (self.0 & 0xff) as u32
    }

    /// With the low bits of a number after it.
    #[inline(always)]
    pub(super) const fn then(self, number: i32, count: u32) -> Self {
        let bits = (number as u32 & ((1 << count) - 1)) as u64;
        let whole = self.count() + count;
        Self(self.bits() | bits << ((u64::BITS - whole) & 63) | whole as u64)
    }
}

/// Bits that a coefficient takes, and what they are: of a negative one, those of the number below.
#[inline(always)]
pub(super) const fn magnitude(value: i32) -> (u32, i32) {
    (32 - value.unsigned_abs().leading_zeros(), value + (value >> 31))
}

/// Half of how many values a code is kept of.
const SHORT: i32 = 32;

/// Codes of a component's coefficients.
pub(super) struct Codes {
    /// Of differences, by how many bits they have.
    pub(super) dc: [Code; 12],
    /// Of zeros before a coefficient and bits that it has: `zeros << 4 | bits`.
    ac: [Code; 256],
    /// Of zeros before a coefficient, and of the coefficient itself from -32 to 31.
    short: [[Code; 2 * SHORT as usize]; 16],
}

impl Codes {
    pub(super) const SIXTEEN_ZEROS: usize = 0xf0;
    pub(super) const END: usize = 0;

    const fn new(dc: &Huffman, ac: &Huffman) -> Self {
        let (dc, ac) = (codes::<12>(dc), codes::<256>(ac));
        let mut short = [[Code::NONE; 2 * SHORT as usize]; 16];
        let mut zeros = 0;
        while zeros < 16 {
            let mut value = -SHORT;
            while value < SHORT {
                let (count, bits) = magnitude(value);
                let code = ac[zeros << 4 | count as usize];
                short[zeros][(value + SHORT) as usize] = code.then(bits, count);
                value += 1;
            }
            zeros += 1;
        }
        Self { dc, ac, short }
    }

    /// Of a symbol: some zeros, or the end.
    #[inline(always)]
    pub(super) const fn symbol(&self, symbol: usize) -> Code {
        self.ac[symbol]
    }

    /// Of up to 15 zeros and a coefficient, which is asked for where what a byte can hold of it is not short.
    #[inline(always)]
    pub(super) fn coefficient(&self, zeros: usize, low: i8, value: impl Fn() -> i16) -> Code {
        let row = &self.short[zeros & 15];
        if let Some(&code) = row.get((i32::from(low) + SHORT) as usize) {
            return code;
        }
        let (count, bits) = magnitude(i32::from(value()));
        self.ac[(zeros & 15) << 4 | count as usize & 15].then(bits, count)
    }
}

/// Luma's and chroma's.
pub(super) static CODES: [Codes; 2] = [Codes::new(&DC[0], &AC[0]), Codes::new(&DC[1], &AC[1])];

/// Codes by their symbols.
const fn codes<const N: usize>(table: &Huffman) -> [Code; N] {
    let mut codes = [Code::NONE; N];
    let (mut next, mut code, mut length) = (0, 0, 0);
    while length < 16 {
        let mut left = table.counts[length];
        while left > 0 {
            codes[table.symbols[next] as usize] = Code::new(code, length as u32 + 1);
            code += 1;
            next += 1;
            left -= 1;
        }
        code <<= 1;
        length += 1;
    }
    codes
}
