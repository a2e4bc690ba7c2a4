//! What reading and writing JPEG have in common: the order of coefficients, and the factors of the cosine transform.
//!
//! Source: C. Loeffler, A. Ligtenberg, G. Moschytz, “Practical Fast 1-D DCT Algorithms with 11 Multiplications”, 1989.

/// Natural place of each coefficient in the order that the stream has them.
pub(crate) const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7,
    14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39,
    46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// Bits of the fraction that constants have.
pub(crate) const FRACTION: i32 = 13;
/// Pairs of factors, in units of 2^-13: a sum of two products each.
pub(crate) mod factor {
    const F0298: i16 = 2446;
    const F0390: i16 = 3196;
    const F0541: i16 = 4433;
    const F0765: i16 = 6270;
    const F0899: i16 = 7373;
    const F1175: i16 = 9633;
    const F1501: i16 = 12299;
    const F1847: i16 = 15137;
    const F1961: i16 = 16069;
    const F2053: i16 = 16819;
    const F2562: i16 = 20995;
    const F3072: i16 = 25172;

    pub(crate) const EVEN_2: [i16; 2] = [F0541, F0541 - F1847];
    pub(crate) const EVEN_3: [i16; 2] = [F0541 + F0765, F0541];
    pub(crate) const SUM_3: [i16; 2] = [F1175 - F1961, F1175];
    pub(crate) const SUM_4: [i16; 2] = [F1175, F1175 - F0390];
    pub(crate) const ODD_0: [i16; 2] = [F0298 - F0899, -F0899];
    pub(crate) const ODD_1: [i16; 2] = [F2053 - F2562, -F2562];
    pub(crate) const ODD_2: [i16; 2] = [-F2562, F3072 - F2562];
    pub(crate) const ODD_3: [i16; 2] = [-F0899, F1501 - F0899];
}
