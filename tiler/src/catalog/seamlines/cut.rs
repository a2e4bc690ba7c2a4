//! Has dalles show only within their seamlines.

use std::{collections::HashMap, sync::Arc};

use geo_types::{Coord, LineString, MultiPolygon, Polygon};

use super::Seamline;
use crate::{
    catalog::{Dalle, Footprint},
    crs::{Crs, Transform},
};

/// Endings of rasters, which a key may have or not.
const ENDINGS: [&str; 5] = [".tif", ".tiff", ".gtiff", ".jp2", ".j2k"];

/// The same dalles, each within its polygons; those that no seamline names show everywhere.
pub fn cut(dalles: Vec<Arc<Dalle>>, lines: &[Seamline]) -> Vec<Arc<Dalle>> {
    let mut by_name: HashMap<String, Vec<&Seamline>> = HashMap::new();
    for line in lines {
        by_name.entry(stem(&line.key)).or_default().push(line);
    }
    let within = |dalle: Arc<Dalle>| {
        let Some(lines) = by_name.get(&stem(&dalle.stem())) else { return dalle };
        let polygons = lines.iter().filter_map(|line| polygons_in(line, &dalle.kind.crs)).flatten();
        let footprint = Footprint::new(MultiPolygon(polygons.collect()));
        Arc::new(Dalle { footprint: Some(Arc::new(footprint)), ..(*dalle).clone() })
    };
    dalles.into_iter().map(within).collect()
}

/// A file's name without its ending, in small letters.
fn stem(name: &str) -> String {
    let name = name.to_lowercase();
    let without = ENDINGS.iter().find_map(|ending| name.strip_suffix(ending));
    without.map(str::to_owned).unwrap_or(name)
}

/// The polygons of a seamline in the CRS of its dalle; `None` where no way leads there.
fn polygons_in(line: &Seamline, crs: &Crs) -> Option<MultiPolygon> {
    let own = match &line.crs {
        Some(name) => Crs::from_name(name).ok()?,
        None => return Some(line.polygon.clone()),
    };
    let way = Transform::new(&own, crs).ok()?;
    let ring = |ring: &LineString| -> Option<LineString> {
        let point = |point: &Coord| way.convert(point.x, point.y).map(|(x, y)| Coord { x, y });
        ring.0.iter().map(point).collect::<Option<Vec<_>>>().map(LineString)
    };
    let polygon = |polygon: &Polygon| -> Option<Polygon> {
        let holes = polygon.interiors().iter().map(ring).collect::<Option<Vec<_>>>()?;
        Some(Polygon::new(ring(polygon.exterior())?, holes))
    };
    line.polygon.0.iter().map(polygon).collect::<Option<Vec<_>>>().map(MultiPolygon)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::fixture::dalle;

    #[test]
    fn a_seamline_finds_its_dalle_by_name_and_is_brought_into_its_crs() {
        let square = [(2.38, 43.21), (2.39, 43.21), (2.39, 43.22), (2.38, 43.21)];
        let exterior = LineString(square.iter().map(|&(x, y)| Coord { x, y }).collect());
        let polygon = MultiPolygon(vec![Polygon::new(exterior, Vec::new())]);
        let line = Seamline { key: "A.TIF".to_owned(), polygon, crs: Some("EPSG:4326".to_owned()) };
        let dalles = ["a.tif", "b.tif"].map(|name| Arc::new(dalle(name, 650_000.0, 6_235_000.0))).to_vec();
        let plain = dalles[0].state();
        let dalles = cut(dalles, &[line]);
        let footprint = dalles[0].footprint.as_ref().expect("it has one");
        let corner = footprint.polygons.0[0].exterior().0[0];
        assert!((600_000.0..700_000.0).contains(&corner.x), "{corner:?}");
        assert!(dalles[1].footprint.is_none());
        assert_ne!(dalles[0].state(), plain, "another footprint is another state");
    }
}
