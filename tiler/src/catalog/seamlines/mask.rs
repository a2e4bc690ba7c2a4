//! Which pixels have their centre in a polygon.

use geo_types::{Coord, MultiPolygon};

use crate::geom::{GeoTransform, Window};

/// A byte for each pixel of a window, row by row: 255 where its centre is inside (even-odd), else 0.
///
/// Polygons that share an edge, point for point, meet without gap or overlap, in whatever direction they run along it, and
/// windows of one image agree where they overlap: for each row, whether a centre lies beyond an edge is decided by numbers that
/// depend on that edge alone.
pub fn mask(polygons: &MultiPolygon, transform: &GeoTransform, window: Window) -> Vec<u8> {
    let width = window.width as usize;
    let mut mask = vec![0_u8; width * window.height as usize];
    let rings =
        polygons.0.iter().flat_map(|polygon| std::iter::once(polygon.exterior()).chain(polygon.interiors()));
    for ring in rings {
        let Some(points) =
            ring.0.iter().map(|point| to_pixels(transform, *point)).collect::<Option<Vec<_>>>()
        else {
            continue;
        };
        let closing = points.last().copied().zip(points.first().copied());
        let edges = points.windows(2).map(|edge| (edge[0], edge[1])).chain(closing);
        for (a, b) in edges {
            cross(&mut mask, width, window, a, b);
        }
    }
    // What an edge toggled at its first pixel holds for all pixels right of it.
    for row in mask.chunks_exact_mut(width.max(1)) {
        let mut inside = 0;
        for pixel in row {
            inside ^= *pixel;
            *pixel = inside;
        }
    }
    mask
}

/// Toggles, in each row that the edge crosses, the first pixel whose centre is not left of it.
fn cross(mask: &mut [u8], width: usize, window: Window, a: Coord, b: Coord) {
    let (upper, lower) = if (a.y, a.x) <= (b.y, b.x) { (a, b) } else { (b, a) };
    let first = centre_at_or_after(upper.y, window.row_off, window.height);
    let end = centre_at_or_after(lower.y, window.row_off, window.height);
    let slope = (lower.x - upper.x) / (lower.y - upper.y);
    for row in first..end {
        let y = (window.row_off + i64::from(row)) as f64 + 0.5;
        // Between the ends, whatever rounding does.
        let x = (upper.x + (y - upper.y) * slope).clamp(upper.x.min(lower.x), upper.x.max(lower.x));
        let col = centre_at_or_after(x, window.col_off, window.width);
        if let Some(pixel) =
            mask.get_mut(row as usize * width..).and_then(|rest| rest[..width].get_mut(col as usize))
        {
            *pixel ^= 255;
        }
    }
}

/// The first pixel of `count` from `offset` on whose centre is at `position` or after it, as its number in the window.
fn centre_at_or_after(position: f64, offset: i64, count: u32) -> u32 {
    ((position - 0.5).ceil() - offset as f64).clamp(0.0, f64::from(count)) as u32
}

/// `None` where the transform has no area or the result is no number.
fn to_pixels(transform: &GeoTransform, point: Coord) -> Option<Coord> {
    let c = &transform.0;
    let determinant = c[1] * c[5] - c[2] * c[4];
    // Differences first: coordinates are large and pixels small.
    let (x, y) = (point.x - c[0], point.y - c[3]);
    let pixel = Coord { x: (x * c[5] - y * c[2]) / determinant, y: (y * c[1] - x * c[4]) / determinant };
    (pixel.x.is_finite() && pixel.y.is_finite()).then_some(pixel)
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use geo_types::{LineString, Polygon, polygon};
    use proptest::prelude::*;

    use super::*;

    fn plain() -> GeoTransform {
        GeoTransform([0.0, 1.0, 0.0, 0.0, 0.0, 1.0])
    }

    fn of(polygon: Polygon) -> MultiPolygon {
        MultiPolygon(vec![polygon])
    }

    #[test]
    fn a_rectangle_of_whole_pixels_is_those_pixels() {
        let transform = GeoTransform::north_up(650_000.0, 6_235_000.0, 0.05, 0.05);
        let square = of(polygon![
            (x: 650_000.1, y: 6_234_999.9), (x: 650_000.3, y: 6_234_999.9), (x: 650_000.3, y: 6_234_999.8), (x: 650_000.1, y: 6_234_999.8),
        ]);
        let found = mask(&square, &transform, Window::new(0, 0, 8, 6));
        for (at, pixel) in found.iter().enumerate() {
            let inside = (2..6).contains(&(at % 8)) && (2..4).contains(&(at / 8));
            assert_eq!(*pixel, if inside { 255 } else { 0 }, "pixel {at}");
        }
    }

    #[test]
    fn a_hole_is_outside() {
        let ring = polygon![
            exterior: [(x: 0.0, y: 0.0), (x: 9.0, y: 0.0), (x: 9.0, y: 9.0), (x: 0.0, y: 9.0)],
            interiors: [[(x: 3.0, y: 3.0), (x: 6.0, y: 3.0), (x: 6.0, y: 6.0), (x: 3.0, y: 6.0)]],
        ];
        let found = mask(&of(ring), &plain(), Window::new(-1, -1, 11, 11));
        assert_eq!(found.iter().map(|pixel| u32::from(*pixel)).sum::<u32>(), 255 * (81 - 9));
        assert_eq!(found[5 * 11 + 5], 0);
    }

    #[test]
    fn nothing_comes_of_a_transform_without_area_or_an_empty_window() {
        let square = of(polygon![(x: 0.0, y: 0.0), (x: 9.0, y: 0.0), (x: 9.0, y: 9.0)]);
        assert_eq!(mask(&square, &GeoTransform([0.0; 6]), Window::new(0, 0, 2, 2)), [0; 4]);
        assert!(mask(&square, &plain(), Window::new(0, 0, 0, 5)).is_empty());
        assert!(mask(&square, &plain(), Window::new(0, 0, 5, 0)).is_empty());
        assert_eq!(mask(&square, &plain(), Window::new(i64::MAX - 5, i64::MIN, 2, 2)), [0; 4]);
    }

    fn spiky(count: usize) -> MultiPolygon {
        let ring = (0..count).map(|at| {
            let angle = at as f64 / count as f64 * std::f64::consts::TAU;
            let radius = if at % 2 == 0 { 950.0 } else { 700.0 + (at % 97) as f64 };
            Coord { x: 1000.0 + radius * angle.cos(), y: 1000.0 + radius * angle.sin() }
        });
        of(Polygon::new(LineString(ring.collect()), Vec::new()))
    }

    #[test]
    fn ten_thousand_points_in_a_large_window_take_no_time() {
        let polygon = spiky(10_000);
        let start = Instant::now();
        let found = mask(&polygon, &plain(), Window::new(0, 0, 2000, 2000));
        println!("{:.1} ms", start.elapsed().as_secs_f64() * 1e3);
        assert!(start.elapsed().as_secs_f64() < 1.0);
        assert_eq!(found[1000 * 2000 + 1000], 255);
        let part = mask(&polygon, &plain(), Window::new(123, 456, 300, 200));
        for row in 0..200 {
            let at = (456 + row) * 2000 + 123;
            assert_eq!(part[row * 300..][..300], found[at..at + 300], "row {row}");
        }
    }

    proptest! {
        #[test]
        fn polygons_that_share_a_line_cover_each_pixel_once(
            line in prop::collection::vec((0.0_f64..20.0, 0.0_f64..20.0), 0..8),
            rotation in -0.3_f64..0.3,
        ) {
            let line: Vec<Coord> = [(0.0, 10.0)].into_iter().chain(line).chain([(20.0, 10.0)]).map(Coord::from).collect();
            let above = line.iter().copied().chain([(20.0, 0.0), (0.0, 0.0)].map(Coord::from));
            let below = line.iter().rev().copied().chain([(0.0, 20.0), (20.0, 20.0)].map(Coord::from));
            let transform = GeoTransform([0.1, 1.0, rotation, 0.2, -rotation, 1.0]);
            let window = Window::new(-8, -8, 40, 40);
            let of = |ring: Vec<Coord>| mask(&of(Polygon::new(LineString(ring), Vec::new())), &transform, window);
            let whole = of([(0.0, 0.0), (20.0, 0.0), (20.0, 20.0), (0.0, 20.0)].map(Coord::from).to_vec());
            let (above, below) = (of(above.collect()), of(below.collect()));
            // The line may cross itself and leave both sides: even-odd, what one has the other has not.
            for at in 0..whole.len() {
                prop_assert_eq!(above[at] ^ below[at], whole[at]);
            }
        }

        #[test]
        fn a_pixel_is_inside_when_a_ray_from_its_centre_says_so(
            ring in prop::collection::vec((-5.0_f64..15.0, -5.0_f64..15.0), 3..12),
        ) {
            let ring: Vec<Coord> = ring.into_iter().map(Coord::from).collect();
            let found = mask(&of(Polygon::new(LineString(ring.clone()), Vec::new())), &plain(), Window::new(0, 0, 10, 10));
            for (at, pixel) in found.iter().enumerate() {
                let (x, y) = ((at % 10) as f64 + 0.5, (at / 10) as f64 + 0.5);
                let mut inside = false;
                for (a, b) in ring.iter().zip(ring.iter().cycle().skip(1)) {
                    let crosses = (a.y > y) != (b.y > y);
                    inside ^= crosses && x > (b.x - a.x) * (y - a.y) / (b.y - a.y) + a.x;
                }
                prop_assert_eq!(*pixel == 255, inside);
            }
        }
    }
}
