//! Fields, vineyards, hedges and the river: what lies under trees and houses.

use super::noise::{hash, rough, smooth, step};

/// Red green blue, 0 to 255.
pub(super) type Colour = [f32; 3];

/// Metres between the middles of parcels, about.
const PARCEL_M: f32 = 78.0;

/// A field, as the place in question sees it.
pub(super) struct Parcel {
    /// A number of 0 to 1 that stands for what grows on it.
    pub crop: f32,
    /// Direction of its rows, in radians.
    angle: f32,
    /// Metres to the edge between it and its neighbour.
    pub edge_m: f32,
}

pub(super) fn mix(a: Colour, b: Colour, t: f32) -> Colour {
    [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t]
}

pub(super) fn shade(c: Colour, factor: f32) -> Colour {
    c.map(|v| v * factor)
}

/// The parcel at a place: the nearest of jittered seeds.
pub(super) fn parcel(x: f32, y: f32) -> Parcel {
    let (i, j) = ((x / PARCEL_M).floor() as i32, (y / PARCEL_M).floor() as i32);
    let (mut nearest, mut second) = ((f32::MAX, 0, 0), f32::MAX);
    for dj in -1..=1 {
        for di in -1..=1 {
            let (ci, cj) = (i + di, j + dj);
            let seed_x = (ci as f32 + 0.15 + 0.7 * hash(ci, cj, 1)) * PARCEL_M;
            let seed_y = (cj as f32 + 0.15 + 0.7 * hash(ci, cj, 2)) * PARCEL_M;
            let distance = (x - seed_x).hypot(y - seed_y);
            if distance < nearest.0 {
                second = nearest.0;
                nearest = (distance, ci, cj);
            } else {
                second = second.min(distance);
            }
        }
    }
    let (_, ci, cj) = nearest;
    Parcel {
        crop: hash(ci, cj, 3),
        angle: hash(ci, cj, 4) * std::f32::consts::PI,
        edge_m: (second - nearest.0) / 2.0,
    }
}

/// What a parcel looks like from above.
pub(super) fn field(parcel: &Parcel, x: f32, y: f32) -> Colour {
    let (sin, cos) = parcel.angle.sin_cos();
    let (along, across) = (x * cos + y * sin, y * cos - x * sin);
    let patch = rough(x, y, 30.0, 10) - 0.5;
    let grain = smooth(x, y, 0.35, 20) - 0.5;
    let stripes = |period: f32| (across / period - (across / period).floor() - 0.5).abs() * 2.0;
    let base = match parcel.crop {
        // Vineyard: rows of vines two metres and a half apart, on pale earth.
        c if c < 0.34 => {
            let vine = step(0.45, 0.75, stripes(2.5) + (smooth(along, across, 0.9, 30) - 0.5) * 0.7);
            mix([176.0, 152.0, 122.0], [74.0, 98.0, 50.0], vine)
        }
        // Wheat, with the tracks of the tractor.
        c if c < 0.52 => {
            let track = step(0.93, 0.98, stripes(18.0));
            mix([201.0, 181.0, 124.0], [165.0, 142.0, 100.0], track.max(stripes(0.5) * 0.25))
        }
        // Ploughed earth.
        c if c < 0.66 => mix([133.0, 104.0, 80.0], [112.0, 85.0, 64.0], stripes(0.9)),
        // Sunflowers and maize.
        c if c < 0.8 => mix([84.0, 118.0, 52.0], [108.0, 126.0, 66.0], stripes(0.8) * 0.8),
        // Meadow and scrub.
        _ => mix([116.0, 132.0, 76.0], [148.0, 142.0, 98.0], rough(x, y, 9.0, 40)),
    };
    shade(base, 1.0 + patch * 0.3 + grain * 0.16)
}

/// Metres from the middle of the river; negative on its west side.
pub(super) fn river_m(x: f32, y: f32) -> f32 {
    x - (140.0 + 60.0 * (y / 170.0).sin() + 22.0 * (y / 61.0 + 1.0).sin())
}

/// Half of the river's width.
pub(super) const RIVER_HALF_M: f32 = 9.0;

/// Water with its banks, over what was there.
pub(super) fn with_river(under: Colour, x: f32, y: f32) -> Colour {
    let distance = river_m(x, y).abs();
    if distance > RIVER_HALF_M + 8.0 {
        return under;
    }
    let gravel = shade([186.0, 178.0, 160.0], 0.85 + 0.3 * smooth(x, y, 0.3, 50));
    let ripple = smooth(x * 0.5, y * 1.5, 0.8, 51) - 0.5;
    let water = shade(
        mix([70.0, 98.0, 92.0], [46.0, 74.0, 78.0], step(0.0, 9.0, RIVER_HALF_M - distance)),
        1.0 + ripple * 0.15,
    );
    let shore = RIVER_HALF_M + (rough(x, y, 14.0, 52) - 0.5) * 5.0;
    let bank = mix(gravel, under, step(shore + 1.0, shore + 3.5, distance));
    mix(water, bank, step(shore - 0.8, shore + 0.2, distance))
}
