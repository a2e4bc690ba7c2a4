//! Gradients with names: those of d3-scale-chromatic (crate `colorous`), and matplotlib's `terrain` and `gray`.

use colorous as c;

/// 256 colours from the least to the greatest value, red green blue.
pub type Gradient = [[u8; 3]; 256];

/// Lower-case names as matplotlib and rio-tiler spell them.
///
/// These are d3's colours. The greatest difference to matplotlib 3.11's, in levels of 255: viridis, magma, inferno, plasma,
/// cubehelix 1; greys 3; blues 5; ylgnbu 7; brbg 11; spectral 15; rdylgn 17 (splines there, straight lines here);
/// cividis 18 and turbo 32 (polynomials, at the dark end).
const NAMED: &[(&str, c::Gradient)] = &[
    ("blues", c::BLUES),
    ("brbg", c::BROWN_GREEN),
    ("bugn", c::BLUE_GREEN),
    ("bupu", c::BLUE_PURPLE),
    ("cividis", c::CIVIDIS),
    ("cubehelix", c::CUBEHELIX),
    ("gnbu", c::GREEN_BLUE),
    ("greens", c::GREENS),
    ("greys", c::GREYS),
    ("inferno", c::INFERNO),
    ("magma", c::MAGMA),
    ("oranges", c::ORANGES),
    ("orrd", c::ORANGE_RED),
    ("piyg", c::PINK_GREEN),
    ("plasma", c::PLASMA),
    ("prgn", c::PURPLE_GREEN),
    ("pubu", c::PURPLE_BLUE),
    ("pubugn", c::PURPLE_BLUE_GREEN),
    ("puor", c::PURPLE_ORANGE),
    ("purd", c::PURPLE_RED),
    ("purples", c::PURPLES),
    ("rdbu", c::RED_BLUE),
    ("rdgy", c::RED_GREY),
    ("rdpu", c::RED_PURPLE),
    ("rdylbu", c::RED_YELLOW_BLUE),
    ("rdylgn", c::RED_YELLOW_GREEN),
    ("reds", c::REDS),
    ("sinebow", c::SINEBOW),
    ("spectral", c::SPECTRAL),
    ("turbo", c::TURBO),
    ("viridis", c::VIRIDIS),
    ("ylgn", c::YELLOW_GREEN),
    ("ylgnbu", c::YELLOW_GREEN_BLUE),
    ("ylorbr", c::YELLOW_ORANGE_BROWN),
    ("ylorrd", c::YELLOW_ORANGE_RED),
];

/// Position 0 to 1 and colour. Source: matplotlib/matplotlib: `lib/matplotlib/_cm.py`, `_terrain_data`.
const TERRAIN: &[(f64, [f64; 3])] = &[
    (0.0, [0.2, 0.2, 0.6]),
    (0.15, [0.0, 0.6, 1.0]),
    (0.25, [0.0, 0.8, 0.4]),
    (0.5, [1.0, 1.0, 0.6]),
    (0.75, [0.5, 0.36, 0.33]),
    (1.0, [1.0, 1.0, 1.0]),
];

/// Black to white.
const GRAY: &[(f64, [f64; 3])] = &[(0.0, [0.0; 3]), (1.0, [1.0; 3])];

/// All names, for messages and documents. Each of them with `_r` behind it is the same the other way round.
pub fn names() -> Vec<&'static str> {
    let mut names: Vec<_> = NAMED.iter().map(|(name, _)| *name).chain(["gray", "terrain"]).collect();
    names.sort_unstable();
    names
}

/// Whether a name, perhaps with `_r` at its end, is that of a colour map.
pub fn is_known(name: &str) -> bool {
    gradient(name).is_some()
}

/// The gradient of a name, in any case, with or without `_r`.
pub fn gradient(name: &str) -> Option<Gradient> {
    let name = name.to_lowercase();
    let (name, reversed) = name.strip_suffix("_r").map_or((name.as_str(), false), |name| (name, true));
    let mut colours: Gradient = match name {
        "gray" => straight(GRAY),
        "terrain" => straight(TERRAIN),
        _ => {
            let (_, gradient) = NAMED.iter().find(|(known, _)| *known == name)?;
            std::array::from_fn(|i| gradient.eval_rational(i, 256).into_array())
        }
    };
    if reversed {
        colours.reverse();
    }
    Some(colours)
}

fn straight(stops: &[(f64, [f64; 3])]) -> Gradient {
    std::array::from_fn(|i| {
        let t = i as f64 / 255.0;
        let above = stops.partition_point(|(at, _)| *at < t).clamp(1, stops.len() - 1);
        let ((low, a), (high, b)) = (stops[above - 1], stops[above]);
        let ratio = (t - low) / (high - low);
        std::array::from_fn(|c| (255.0 * (a[c] + ratio * (b[c] - a[c])) + 0.5) as u8)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn well_known_colours_are_where_they_belong() {
        // numpy.floor(matplotlib.colormaps[name]([0, 20, 50, 100, 127, 200, 255])[:, :3] * 255 + .5)
        let viridis = [(0, [68, 1, 84]), (127, [33, 144, 141]), (255, [253, 231, 37])];
        assert_near("Viridis", &viridis, 1);
        assert_near("magma", &[(0, [0, 0, 4]), (127, [181, 54, 122]), (255, [252, 253, 191])], 1);
        let terrain = [
            (0, [51, 51, 153]),
            (20, [24, 104, 206]),
            (50, [0, 177, 185]),
            (100, [145, 233, 131]),
            (127, [253, 255, 153]),
            (200, [145, 114, 108]),
            (255, [255, 255, 255]),
        ];
        assert_near("terrain", &terrain, 0);
        assert_near("gray", &[(0, [0; 3]), (77, [77; 3]), (255, [255; 3])], 0);
    }

    fn assert_near(name: &str, colours: &[(usize, [u8; 3])], tolerance: u8) {
        let gradient = gradient(name).expect("it is known");
        for (index, colour) in colours {
            let near = gradient[*index].iter().zip(colour).all(|(a, b)| a.abs_diff(*b) <= tolerance);
            assert!(near, "{name} {index}: {:?} {colour:?}", gradient[*index]);
        }
    }

    #[test]
    fn a_gradient_can_be_turned_round() {
        let (there, back) = (gradient("rdylgn").expect("known"), gradient("rdylgn_r").expect("known"));
        assert_eq!((there[0], there[200]), (back[255], back[55]));
        assert!(gradient("viridis_r_r").is_none() && gradient("hsv").is_none());
    }

    #[test]
    fn every_name_works() {
        assert!(names().iter().all(|name| gradient(name).is_some()));
    }
}
