//! Compares conversions with PROJ's, point by point: `fixtures/proj.csv`, made by `fixtures/make_proj_fixture.py`.

use std::collections::BTreeMap;

use super::{Crs, METRES_PER_DEGREE, Transform};

const FIXTURE: &str = include_str!("fixtures/proj.csv");

/// RGF93 v1 to v2b: PROJ chains two Helmert transformations worth some millimetres, here it is null.
const BETWEEN_RGF93: [(u32, u32); 2] = [(2154, 9794), (3946, 9846)];

/// Worst distance to PROJ by pair of codes, in millimetres on the ground.
fn worst_mm() -> BTreeMap<(u32, u32), f64> {
    let mut worst = BTreeMap::new();
    for line in FIXTURE.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_digit())) {
        let fields: Vec<&str> = line.split(',').collect();
        let [source, target, x, y, to_x, to_y] = fields[..] else { panic!("six fields in {line}") };
        let (source, target): (u32, u32) = (source.parse().unwrap(), target.parse().unwrap());
        let [x, y, to_x, to_y] = [x, y, to_x, to_y].map(|v| v.parse::<f64>().unwrap());
        let from = Crs::from_epsg(source).unwrap();
        let to = Crs::from_epsg(target).unwrap();
        let (u, v) = Transform::new(&from, &to).unwrap().convert(x, y).unwrap();
        let mm =
            (u - to_x).hypot(v - to_y) * 1000.0 * if to.is_geographic() { METRES_PER_DEGREE } else { 1.0 };
        let most: &mut f64 = worst.entry((source, target)).or_insert(0.0);
        *most = most.max(mm);
    }
    worst
}

#[test]
fn every_conversion_is_within_a_millimetre_of_proj() {
    let worst = worst_mm();
    for ((source, target), mm) in &worst {
        println!("EPSG:{source} -> EPSG:{target}: {mm:.7} mm");
    }
    assert!(worst.len() > 150);
    for (pair, mm) in &worst {
        let limit = if BETWEEN_RGF93.contains(pair) { 5.0 } else { 1.0 };
        assert!(*mm < limit, "{pair:?}: {mm} mm");
    }
}
