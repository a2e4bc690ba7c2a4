//! The whole picture, layer over layer: ground, roads, village, trees.

use super::{
    ground::{self, Colour, RIVER_HALF_M, mix, shade},
    noise::{hash, smooth, step},
    village,
};

/// Between trees, where there are any.
const TREE_M: f32 = 7.0;

/// Red green blue at a place, in metres east and south of the corner of the picture.
pub(super) fn colour(trees: &Trees, x: f32, y: f32) -> [u8; 3] {
    let parcel = ground::parcel(x, y);
    let spot = village::place(x, y);
    let field = ground::field(&parcel, x, y);
    let tracks = mix([168.0, 152.0, 124.0], field, step(0.7, 1.3, parcel.edge_m));
    let land = ground::with_river(tracks, x, y);
    let town = village::ground(&spot, land, x, y);
    let roads = road(town, x, y);
    let built = village::buildings(&spot, roads, (x, y));
    let grown = with_trees(built, trees, x, y);
    grown.map(|v| v.clamp(0.0, 255.0) as u8)
}

/// Metres from the middle of the main road, which passes through the village and over the river.
fn main_road_m(x: f32, y: f32) -> f32 {
    let slope = 0.31f32;
    let middle = 385.0
        + (x - 430.0) * slope
        + 26.0 * ((x - 430.0) / 150.0).sin() * step(0.0, 120.0, (x - 430.0).abs());
    (y - middle) * (1.0 + slope * slope).sqrt().recip()
}

/// Metres from the middle of the small road to the north.
fn side_road_m(x: f32, y: f32) -> f32 {
    x - (540.0 + 40.0 * (y / 120.0).sin())
}

fn road(under: Colour, x: f32, y: f32) -> Colour {
    let lane = |under: Colour, distance: f32, half: f32| {
        if distance.abs() > half + 2.0 {
            return under;
        }
        let asphalt = shade([134.0, 132.0, 132.0], 0.94 + 0.12 * smooth(x, y, 0.2, 100));
        let wheel = 1.0 - 0.06 * (1.0 - step(0.2, 0.8, (distance.abs() - half * 0.5).abs()));
        let verge = shade([150.0, 142.0, 108.0], 0.9 + 0.2 * smooth(x, y, 0.5, 101));
        let edge = step(half - 0.05, half + 0.1, distance.abs());
        mix(mix(shade(asphalt, wheel), verge, edge), under, step(half + 0.6, half + 1.8, distance.abs()))
    };
    let small = lane(under, side_road_m(x, y), 2.4);
    let main = lane(small, main_road_m(x, y), 3.6);
    let distance = main_road_m(x, y).abs();
    let dash = (x / 4.5).rem_euclid(2.0) < 0.67;
    let white = (distance < 0.07 && dash) || (distance - 3.3).abs() < 0.07;
    if white { [226.0, 226.0, 222.0] } else { main }
}

/// A tree, where it stands.
#[derive(Debug, Clone, Copy)]
struct Tree {
    x: f32,
    y: f32,
    radius: f32,
    tint: f32,
}

/// The trees around a piece of the picture: placing one costs more than painting a pixel, so it is done once for many.
#[derive(Debug)]
pub(super) struct Trees {
    first: (i32, i32),
    cols: i32,
    cells: Vec<Option<Tree>>,
}

impl Trees {
    /// The trees of a rectangle, in metres, and of all from which a crown or a shadow may reach into it.
    pub(super) fn of(from: (f32, f32), to: (f32, f32)) -> Self {
        let cell = |v: f32| (v / TREE_M).floor() as i32;
        let first = (cell(from.0) - 2, cell(from.1) - 2);
        let last = (cell(to.0) + 2, cell(to.1) + 2);
        let cells = (first.1..=last.1).flat_map(|j| (first.0..=last.0).map(move |i| tree(i, j))).collect();
        Self { first, cols: last.0 - first.0 + 1, cells }
    }

    /// The crown over a place: how far it is from its middle, 0 to 1, and how much it faces the light.
    fn crown(&self, x: f32, y: f32) -> Option<(f32, f32, Tree)> {
        let (i, j) = ((x / TREE_M).floor() as i32, (y / TREE_M).floor() as i32);
        let ragged = 1.0 + (smooth(x, y, 0.9, 116) - 0.5) * 0.45;
        let cells = (-1..=1).flat_map(|dj| (-1..=1).map(move |di| (i + di, j + dj)));
        let near = cells.filter_map(|(i, j)| {
            let at = (j - self.first.1) * self.cols + i - self.first.0;
            *self.cells.get(usize::try_from(at).ok()?)?
        });
        near.map(|tree| {
            let distance = (x - tree.x).hypot(y - tree.y) / (tree.radius * ragged);
            // Light falls from the south-west.
            (distance, ((tree.x - x) + (y - tree.y)) / tree.radius, tree)
        })
        .filter(|(distance, ..)| *distance < 1.0)
        .min_by(|a, b| a.0.total_cmp(&b.0))
    }
}

/// The tree of a cell of a jittered grid, where one grows.
fn tree(i: i32, j: i32) -> Option<Tree> {
    let chance = |seed| hash(i, j, seed);
    let x = (i as f32 + 0.2 + 0.6 * chance(110)) * TREE_M;
    let y = (j as f32 + 0.2 + 0.6 * chance(111)) * TREE_M;
    let river = ground::river_m(x, y).abs();
    let parcel = ground::parcel(x, y);
    let likely = if river < RIVER_HALF_M + 2.0 || main_road_m(x, y).abs() < 5.5 {
        0.0
    } else if river < RIVER_HALF_M + 16.0 {
        0.75
    } else if village::place(x, y).inside > 0.5 {
        0.13
    } else if smooth(x, y, 130.0, 112) > 0.74 {
        0.9
    } else if parcel.edge_m < 2.2 {
        0.42
    } else if parcel.crop > 0.8 {
        0.1
    } else {
        0.0
    };
    let radius = 1.6 + 2.6 * chance(114) * chance(115).max(0.3);
    (chance(113) <= likely).then_some(Tree { x, y, radius, tint: chance(117) })
}

fn with_trees(under: Colour, trees: &Trees, x: f32, y: f32) -> Colour {
    if let Some((distance, facing, tree)) = trees.crown(x, y) {
        let leaf = mix([58.0, 84.0, 40.0], [96.0, 112.0, 58.0], tree.tint);
        let light = 0.78 + 0.3 * facing + 0.5 * (smooth(x, y, 0.45, 118) - 0.5) - 0.15 * distance;
        return shade(leaf, light.max(0.35));
    }
    if trees.crown(x - 1.7, y + 1.4).is_some() { shade(under, 0.55) } else { under }
}
