//! Streets and the houses along them, in a grid that follows the village's own direction.

use super::{
    ground::{Colour, mix, shade},
    noise::{hash, rough, smooth, step},
};

/// Middle of the village, in metres from the corner of the picture.
const MIDDLE: (f32, f32) = (430.0, 385.0);
const RADIUS_M: f32 = 185.0;
/// The village's grid is turned by this much.
const ANGLE: f32 = 0.31;
/// Between the middles of two streets.
const BLOCK_M: f32 = 48.0;
const STREET_HALF_M: f32 = 3.0;
/// A plot, along the street and across.
const PLOT_M: f32 = 24.0;

/// Where a place lies in the village.
pub(super) struct Place {
    u: f32,
    v: f32,
    /// 1 inside, 0 outside, falling off at the edge.
    pub inside: f32,
}

pub(super) fn place(x: f32, y: f32) -> Place {
    let (dx, dy) = (x - MIDDLE.0, y - MIDDLE.1);
    let (sin, cos) = ANGLE.sin_cos();
    let ragged = RADIUS_M * (0.8 + 0.4 * smooth(x, y, 90.0, 60));
    Place {
        u: dx * cos + dy * sin,
        v: dy * cos - dx * sin,
        inside: 1.0 - step(ragged - 4.0, ragged, dx.hypot(dy)),
    }
}

/// Metres to the middle of the nearest street.
fn street_m(place: &Place) -> f32 {
    let to_line = |t: f32| (t / BLOCK_M - (t / BLOCK_M).round()).abs() * BLOCK_M;
    to_line(place.u).min(to_line(place.v))
}

/// Gardens and streets.
pub(super) fn ground(place: &Place, under: Colour, x: f32, y: f32) -> Colour {
    if place.inside <= 0.0 {
        return under;
    }
    let lawn = mix([112.0, 132.0, 74.0], [150.0, 138.0, 104.0], step(0.35, 0.75, rough(x, y, 11.0, 61)));
    let garden = shade(lawn, 0.9 + 0.2 * smooth(x, y, 0.4, 62));
    let asphalt = shade([142.0, 140.0, 138.0], 0.94 + 0.12 * smooth(x, y, 0.25, 63));
    let distance = street_m(place);
    let kerb = step(STREET_HALF_M, STREET_HALF_M + 0.12, distance);
    let pavement = mix(asphalt, [188.0, 182.0, 172.0], kerb);
    let town = mix(pavement, garden, step(STREET_HALF_M + 1.3, STREET_HALF_M + 1.5, distance));
    mix(under, town, place.inside)
}

/// A house on its plot.
struct House {
    /// From the middle of the house, along its ridge and across, in metres.
    along: f32,
    across: f32,
    half_length: f32,
    half_width: f32,
    /// Of the plot.
    i: i32,
    j: i32,
}

fn house(place: &Place) -> Option<House> {
    let (i, j) = ((place.u / PLOT_M).floor() as i32, (place.v / PLOT_M).floor() as i32);
    let chance = |seed| hash(i, j, seed);
    if chance(70) > 0.82 {
        return None;
    }
    let middle_u = (i as f32 + 0.5 + (chance(71) - 0.5) * 0.14) * PLOT_M;
    let middle_v = (j as f32 + 0.5 + (chance(72) - 0.5) * 0.14) * PLOT_M;
    let (half_length, half_width) = (4.4 + 1.8 * chance(73), 3.4 + 1.5 * chance(74));
    let (du, dv) = (place.u - middle_u, place.v - middle_v);
    let (along, across) = if chance(75) < 0.5 { (du, dv) } else { (dv, du) };
    // A house does not stand in the street.
    let corner = half_length.max(half_width);
    let free = [(1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0)].iter().all(|(a, b)| {
        let there = Place { u: middle_u + a * corner, v: middle_v + b * corner, inside: 1.0 };
        street_m(&there) > STREET_HALF_M + 0.8
    });
    free.then_some(House { along, across, half_length, half_width, i, j })
}

impl House {
    /// Metres outside the walls; negative inside.
    fn outside_m(&self) -> f32 {
        (self.along.abs() - self.half_length).max(self.across.abs() - self.half_width)
    }

    /// Tiles of clay: rows down the slope, one side in the sun.
    fn roof(&self) -> Colour {
        let tint = hash(self.i, self.j, 80);
        let clay = mix([188.0, 112.0, 78.0], [206.0, 148.0, 112.0], tint);
        let rows = (self.across * 5.0).sin() * 0.05 + (self.along * 14.0).sin() * 0.06;
        let weather = smooth(self.along + 50.0 * tint, self.across, 0.7, 81) - 0.5;
        let light = if self.across > 0.0 { 1.06 } else { 0.8 };
        let ridge = 1.0 - step(0.08, 0.2, self.across.abs());
        let chimney = (self.along - self.half_length * 0.5).abs() < 0.4 && (self.across - 1.2).abs() < 0.35;
        if chimney {
            return [224.0, 214.0, 204.0];
        }
        mix(shade(clay, light * (1.0 + rows + weather * 0.18)), [222.0, 172.0, 140.0], ridge)
    }
}

/// Roofs over their shadows, and cars in the streets.
pub(super) fn buildings(spot: &Place, under: Colour, (x, y): (f32, f32)) -> Colour {
    if spot.inside < 0.5 {
        return under;
    }
    if let Some(house) = house(spot)
        && house.outside_m() <= 0.0
    {
        return house.roof();
    }
    // The sun stands in the south-west: a house throws its shadow to the north-east.
    let towards_sun = place(x - 2.6, y + 2.2);
    let shaded = house(&towards_sun).is_some_and(|house| house.outside_m() <= 0.0);
    let lit = if shaded { shade(under, 0.52) } else { under };
    car(spot).unwrap_or(lit)
}

fn car(place: &Place) -> Option<Colour> {
    // Parked along the streets that run in u: a slot is 6 m long.
    let line = (place.v / BLOCK_M).round() * BLOCK_M;
    let across = place.v - line - 2.0;
    let slot = (place.u / 6.0).floor();
    let along = place.u - (slot + 0.5) * 6.0;
    let chance = hash(slot as i32, line as i32, 90);
    if chance > 0.35 || along.abs() > 2.1 || across.abs() > 0.85 {
        return None;
    }
    let paints = [
        [232.0, 232.0, 234.0],
        [60.0, 64.0, 72.0],
        [150.0, 36.0, 32.0],
        [52.0, 78.0, 128.0],
        [176.0, 178.0, 180.0],
    ];
    let paint = paints[(chance * 14.0) as usize % paints.len()];
    let glass = (0.5..0.95).contains(&along.abs()) && across.abs() < 0.7;
    Some(if glass { [38.0, 44.0, 50.0] } else { paint })
}
