//! `MapInfo` raster tables: control points to a geotransform, `CoordSys` to a PROJ string.
//!
//! Source: GDAL's `gdal_tabfile` reading (points count from the corner of the first pixel; a quarter of a pixel of
//! error is the most), `MapInfo Pro` reference, `CoordSys` clause.

use std::path::Path;

use super::{Problem, SidecarError, text};
use crate::geom::GeoTransform;

const LIMIT_BYTES: u64 = 64 * 1024;
const POINTS: usize = 1000;
/// GDAL's threshold, in pixels.
const MOST_PX: f64 = 0.25;

/// What a raster table says.
#[derive(Debug, Clone, PartialEq)]
pub struct Tab {
    /// Where the raster lies, from pixel corners.
    pub geotransform: GeoTransform,
    /// In which CRS; `None` when nothing is said.
    pub coord_sys: Option<CoordSys>,
}

/// A `CoordSys` clause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CoordSys {
    /// A PROJ string, for `Crs::from_name`.
    Known(String),
    /// The clause as it stands: projection or datum are not known here, so it is ignored.
    Unknown(String),
}

/// One control point: CRS, then pixels.
#[derive(Debug, Clone, Copy)]
struct Point {
    x: f64,
    y: f64,
    col: f64,
    row: f64,
}

pub(super) fn read(path: &Path) -> Result<Tab, SidecarError> {
    let text = text::read(path, LIMIT_BYTES)?;
    parse(&text).map_err(|(line, problem)| text::fail(path, line, problem))
}

fn parse(text: &str) -> Result<Tab, (Option<usize>, Problem)> {
    let lines = || text.lines().map(str::trim).enumerate();
    let raster = |line: &str| {
        let line = line.to_ascii_lowercase();
        line.starts_with("type") && line.contains("\"raster\"")
    };
    if !lines().any(|(_, line)| raster(line)) {
        return Err((None, Problem::NotARaster));
    }
    let mut points = Vec::new();
    for (index, line) in lines().filter(|(_, line)| line.starts_with('(')).take(POINTS) {
        points.push(point(line).map_err(|problem| (Some(index + 1), problem))?);
    }
    let clause = lines().find_map(|(_, line)| {
        let start = line.get(..8)?;
        start.eq_ignore_ascii_case("coordsys").then(|| line.get(8..).unwrap_or_default().trim())
    });
    let geotransform = fit(&points).map_err(|problem| (None, problem))?;
    Ok(Tab { geotransform, coord_sys: clause.map(coord_sys) })
}

/// `(x,y) (col,row) Label "Pt 1",`.
fn point(line: &str) -> Result<Point, Problem> {
    let numbers = line.split(['(', ')', ',', ' ', '\t']).filter(|word| !word.is_empty()).take(4);
    let numbers: Vec<f64> = numbers.map(text::number).collect::<Result<_, _>>()?;
    match numbers[..] {
        [x, y, col, row] => Ok(Point { x, y, col, row }),
        _ => Err(Problem::Count { found: numbers.len(), wanted: 4 }),
    }
}

/// The affine map through the points: with two the image is upright, with more it is the least squares.
fn fit(points: &[Point]) -> Result<GeoTransform, Problem> {
    let found = match points {
        [] | [_] => return Err(Problem::Count { found: points.len() * 4, wanted: 12 }),
        [p, q] => {
            let (a, e) = ((q.x - p.x) / (q.col - p.col), (q.y - p.y) / (q.row - p.row));
            GeoTransform([p.x - a * p.col, a, 0.0, p.y - e * p.row, 0.0, e])
        }
        _ => least_squares(points).ok_or(Problem::NoArea)?,
    };
    let back = found.inverse().ok_or(Problem::NoArea)?;
    let off = |p: &Point| {
        let (col, row) = back.apply(p.x, p.y);
        (col - p.col).abs().max((row - p.row).abs())
    };
    let residual_px = points.iter().map(off).fold(0.0, f64::max);
    if residual_px <= MOST_PX { Ok(found) } else { Err(Problem::Residual { residual_px }) }
}

/// Normal equations around the means, which keeps large coordinates exact.
fn least_squares(points: &[Point]) -> Option<GeoTransform> {
    let n = points.len() as f64;
    let mean = |of: fn(&Point) -> f64| points.iter().map(of).sum::<f64>() / n;
    let (mx, my, mc, mr) = (mean(|p| p.x), mean(|p| p.y), mean(|p| p.col), mean(|p| p.row));
    let sum = |of: &dyn Fn(&Point) -> f64| points.iter().map(of).sum::<f64>();
    let cc = sum(&|p| (p.col - mc) * (p.col - mc));
    let rr = sum(&|p| (p.row - mr) * (p.row - mr));
    let cr = sum(&|p| (p.col - mc) * (p.row - mr));
    let det = cc * rr - cr * cr;
    if !det.is_finite() || det <= 1e-9 * cc * rr {
        return None;
    }
    let solve = |vc: f64, vr: f64| ((vc * rr - vr * cr) / det, (vr * cc - vc * cr) / det);
    let (a, b) = solve(sum(&|p| (p.col - mc) * (p.x - mx)), sum(&|p| (p.row - mr) * (p.x - mx)));
    let (d, e) = solve(sum(&|p| (p.col - mc) * (p.y - my)), sum(&|p| (p.row - mr) * (p.y - my)));
    Some(GeoTransform([mx - a * mc - b * mr, a, b, my - d * mc - e * mr, d, e]))
}

/// `MapInfo` datum, the PROJ string's words for it, degrees from Greenwich to its meridian.
const DATUMS: [(u32, &str, f64); 9] = [
    (0, "+ellps=GRS80", 0.0),
    (33, "+ellps=GRS80 +towgs84=0,0,0", 0.0),
    (115, "+ellps=GRS80 +towgs84=0,0,0", 0.0),
    (104, "+datum=WGS84", 0.0),
    (157, "+a=6378137 +b=6378137", 0.0),
    (74, "+datum=NAD83", 0.0),
    (28, "+ellps=intl +towgs84=-87,-98,-121", 0.0),
    (107, "+a=6378249.2 +b=6356515 +towgs84=-168,-60,320", 0.0),
    (1002, "+a=6378249.2 +b=6356515 +towgs84=-168,-60,320", 2.337_229_166_666_67),
];

const UNITS: [(&str, f64); 5] =
    [("m", 1.0), ("km", 1000.0), ("ft", 0.3048), ("survey ft", 1200.0 / 3937.0), ("mi", 1609.344)];

fn coord_sys(clause: &str) -> CoordSys {
    proj_string(clause).map_or_else(|| CoordSys::Unknown(clause.chars().take(300).collect()), CoordSys::Known)
}

/// `Earth Projection type, datum, "unit", parameters… [Bounds …]`.
fn proj_string(clause: &str) -> Option<String> {
    let lower = clause.to_ascii_lowercase();
    let numbers = lower.strip_prefix("earth")?.trim_start().strip_prefix("projection")?;
    let numbers = numbers.split("bounds").next()?.split("affine").next()?;
    let words: Vec<&str> = numbers.split(',').map(|word| word.trim().trim_matches('"')).collect();
    let (kind, words) = words.split_first()?;
    let (datum, words) = words.split_first()?;
    let code = datum.parse::<u32>().ok()?;
    let (_, datum, meridian) = DATUMS.iter().find(|(known, ..)| *known == code)?;
    if *kind == "1" {
        let meridian = if *meridian == 0.0 { String::new() } else { format!(" +pm={meridian}") };
        return Some(format!("+proj=longlat {datum}{meridian}"));
    }
    let (unit, words) = words.split_first()?;
    let (_, metres) = UNITS.iter().find(|(known, _)| known == unit)?;
    let p: Vec<f64> = words.iter().map(|word| text::number(word).ok()).collect::<Option<_>>()?;
    let lon = p.first()? + meridian;
    let origin = |x: f64, y: f64| format!("+x_0={} +y_0={} +to_meter={metres}", x * metres, y * metres);
    let projection = match (*kind, &p[1..]) {
        ("3" | "19", &[lat, first, second, x, y]) => {
            format!("+proj=lcc +lat_0={lat} +lon_0={lon} +lat_1={first} +lat_2={second} {}", origin(x, y))
        }
        ("9", &[lat, first, second, x, y]) => {
            format!("+proj=aea +lat_0={lat} +lon_0={lon} +lat_1={first} +lat_2={second} {}", origin(x, y))
        }
        ("8", &[lat, scale, x, y]) => {
            format!("+proj=tmerc +lat_0={lat} +lon_0={lon} +k={scale} {}", origin(x, y))
        }
        ("10", &[]) => format!("+proj=merc +lon_0={lon} {}", origin(0.0, 0.0)),
        ("26", &[parallel]) => format!("+proj=merc +lon_0={lon} +lat_ts={parallel} {}", origin(0.0, 0.0)),
        _ => return None,
    };
    Some(format!("{projection} {datum}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crs::Crs;

    fn table(points: &str, coord_sys: &str) -> String {
        format!(
            "!table\n!version 300\n\nDefinition Table\n  File \"a.tif\"\n  Type \"RASTER\"\n{points}\n  {coord_sys}\n"
        )
    }

    const CORNERS: &str = "(650000,6235000) (0,0) Label \"Pt 1\",\n(650200,6235000) (4000,0) Label \"Pt 2\",\n\
                           (650200,6234800) (4000,4000) Label \"Pt 3\",\n(650000,6234800) (0,4000) Label \"Pt 4\"";
    const LAMBERT: &str =
        "CoordSys Earth Projection 3, 33, \"m\", 3, 46.5, 44, 49.00000000002, 700000, 6600000";

    fn epsg(clause: &str) -> Option<u32> {
        match coord_sys(clause) {
            CoordSys::Known(text) => Crs::from_name(&text).unwrap().epsg(),
            CoordSys::Unknown(clause) => panic!("{clause} is not known"),
        }
    }

    #[test]
    fn the_corners_of_a_dalle_make_its_geotransform() {
        let tab = parse(&table(CORNERS, LAMBERT)).unwrap();
        let wanted = GeoTransform::north_up(650_000.0, 6_235_000.0, 0.05, 0.05);
        assert!(tab.geotransform.0.iter().zip(wanted.0).all(|(a, b)| (a - b).abs() < 1e-9), "{tab:?}");
        let Some(CoordSys::Known(text)) = tab.coord_sys else { panic!("it is known") };
        assert_eq!(Crs::from_name(&text).unwrap().epsg(), Some(2154));
    }

    #[test]
    fn two_points_are_enough_for_an_upright_image() {
        let tab = parse(&table("(0,100) (0,0)\n(50,0) (100,100)", "")).unwrap();
        assert_eq!(
            (tab.geotransform, tab.coord_sys),
            (GeoTransform([0.0, 0.5, 0.0, 100.0, 0.0, -1.0]), None)
        );
    }

    #[test]
    fn points_that_no_affine_map_meets_are_refused() {
        let bent = CORNERS.replace("(650200,6234800)", "(650201,6234800)");
        assert!(matches!(parse(&table(&bent, "")), Err((None, Problem::Residual { .. }))));
        assert!(parse(&table("(0,0) (0,0)\n(1,1) (1,1)\n(2,2) (2,2)", "")).is_err(), "on one line");
    }

    #[test]
    fn the_systems_of_french_deliveries_are_known() {
        assert_eq!(epsg("Earth Projection 3, 115, \"m\", 3, 43, 42.25, 43.75, 1700000, 2200000"), Some(3943));
        assert_eq!(
            epsg("Earth Projection 8, 104, \"m\", 3, 0, 0.9996, 500000, 0 Bounds (0,0) (1,1)"),
            Some(32631)
        );
        assert_eq!(epsg("Earth Projection 1, 104"), Some(4326));
        assert_eq!(epsg("Earth Projection 10, 157, \"m\", 0"), Some(3857));
        let ntf = "Earth Projection 3, 1002, \"m\", 0, 46.8, 45.8989188889, 47.6960144444, 600000, 2200000";
        assert_eq!(epsg(ntf), Some(27572));
    }

    #[test]
    fn what_is_not_known_is_said() {
        for clause in
            ["NonEarth Units \"m\"", "Earth Projection 18, 33, \"m\", 1, 2, 3, 4", "Earth Projection 3, 77"]
        {
            assert_eq!(coord_sys(clause), CoordSys::Unknown(clause.to_owned()));
        }
    }

    #[test]
    fn a_table_of_vectors_is_no_raster() {
        assert!(matches!(parse("!table\nType NATIVE Charset \"x\""), Err((None, Problem::NotARaster))));
    }

    #[test]
    fn a_point_that_is_none_names_its_line() {
        let Err((line, problem)) = parse("Type \"RASTER\"\n(1,2) (x,4)\n") else { panic!("it is refused") };
        assert_eq!(line, Some(2));
        assert!(matches!(problem, Problem::Number { .. }));
    }
}
