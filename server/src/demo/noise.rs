//! Randomness that depends on the place only.

/// A number of 0 to 1 for a cell of a grid.
pub(super) fn hash(x: i32, y: i32, seed: u32) -> f32 {
    let mut h = x.cast_unsigned().wrapping_mul(0x9e37_79b1)
        ^ y.cast_unsigned().wrapping_mul(0x85eb_ca77)
        ^ seed.wrapping_mul(0xc2b2_ae3d);
    h = (h ^ (h >> 15)).wrapping_mul(0x2c1b_3c6d);
    h = (h ^ (h >> 12)).wrapping_mul(0x297a_2d39);
    h ^= h >> 15;
    (h >> 8) as f32 / (1u32 << 24) as f32
}

/// Smooth noise of 0 to 1 that changes over `size` metres.
pub(super) fn smooth(x: f32, y: f32, size: f32, seed: u32) -> f32 {
    let (x, y) = (x / size, y / size);
    let (cx, cy) = (x.floor(), y.floor());
    let ease = |t: f32| t * t * (3.0 - 2.0 * t);
    let (fx, fy) = (ease(x - cx), ease(y - cy));
    let (i, j) = (cx as i32, cy as i32);
    let mix = |a: f32, b: f32, t: f32| a + (b - a) * t;
    let top = mix(hash(i, j, seed), hash(i + 1, j, seed), fx);
    let bottom = mix(hash(i, j + 1, seed), hash(i + 1, j + 1, seed), fx);
    mix(top, bottom, fy)
}

/// Several octaves of smooth noise, 0 to 1.
pub(super) fn rough(x: f32, y: f32, size: f32, seed: u32) -> f32 {
    smooth(x, y, size, seed) * 0.5
        + smooth(x, y, size * 0.43, seed + 1) * 0.3
        + smooth(x, y, size * 0.17, seed + 2) * 0.2
}

/// 0 below `from`, 1 above `to`, smooth between.
pub(super) fn step(from: f32, to: f32, value: f32) -> f32 {
    let t = ((value - from) / (to - from)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}
