//! Cells of a grid that hold no dalle though those around them do.

use std::collections::HashSet;

use tiler::geom::Bounds;

/// Cells that are listed; the others are counted.
const LISTED: usize = 1000;
/// Grids with more cells, of dalles far apart, are not searched.
const CELLS: i64 = 64 << 20;

/// Missing dalles of a grid.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Gaps {
    /// Cells from which no way leads out of the grid but across dalles.
    pub enclosed: usize,
    /// Cells at the outline with dalles on three sides.
    pub notches: usize,
    /// The enclosed ones, by row and column, CRS units.
    pub cells: Vec<Bounds>,
}

/// `others` are dalles of other sizes, which may cover a cell as well.
pub(super) fn gaps(cells: &[(i64, i64)], bounds: impl Fn((i64, i64)) -> Bounds, others: &[Bounds]) -> Gaps {
    let mut out = Gaps::default();
    let held: HashSet<(i64, i64)> = cells.iter().copied().collect();
    let range = |values: &mut dyn Iterator<Item = i64>| {
        values.fold((i64::MAX, i64::MIN), |(least, most), value| (least.min(value), most.max(value)))
    };
    let cols = range(&mut cells.iter().map(|cell| cell.0));
    let rows = range(&mut cells.iter().map(|cell| cell.1));
    // With a margin of free cells around.
    let (width, height) = (cols.1.saturating_sub(cols.0) + 3, rows.1.saturating_sub(rows.0) + 3);
    if cells.is_empty() || width.checked_mul(height).is_none_or(|count| count > CELLS) {
        return out;
    }
    let at = |col: i64, row: i64| (row * width + col) as usize;
    let mut reached = vec![false; (width * height) as usize];
    for &(col, row) in &held {
        reached[at(col - cols.0 + 1, row - rows.0 + 1)] = true;
    }
    let is_held = reached.clone();
    flood(&mut reached, width, height);
    for row in 1..height - 1 {
        for col in 1..width - 1 {
            if is_held[at(col, row)] {
                continue;
            }
            let around = [at(col - 1, row), at(col + 1, row), at(col, row - 1), at(col, row + 1)];
            let is_enclosed = !reached[at(col, row)];
            let is_notch = around.iter().filter(|&&cell| is_held[cell]).count() >= 3;
            if !is_enclosed && !is_notch {
                continue;
            }
            let cell = bounds((col - 1 + cols.0, row - 1 + rows.0));
            let (x, y) = cell.center();
            if others.iter().any(|other| other.contains(x, y)) {
                continue;
            }
            if is_enclosed {
                out.enclosed += 1;
                if out.cells.len() < LISTED {
                    out.cells.push(cell);
                }
            } else {
                out.notches += 1;
            }
        }
    }
    out
}

/// Marks all cells that are connected with the first one by their sides.
fn flood(reached: &mut [bool], width: i64, height: i64) {
    let mut waiting = vec![(0, 0)];
    reached[0] = true;
    while let Some((col, row)) = waiting.pop() {
        for (col, row) in [(col - 1, row), (col + 1, row), (col, row - 1), (col, row + 1)] {
            if col < 0 || row < 0 || col >= width || row >= height {
                continue;
            }
            let cell = &mut reached[(row * width + col) as usize];
            if !*cell {
                *cell = true;
                waiting.push((col, row));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(picture: [&str; 4]) -> (usize, usize) {
        let cells: Vec<(i64, i64)> = picture
            .iter()
            .enumerate()
            .flat_map(|(row, line)| {
                line.chars()
                    .enumerate()
                    .filter(|(_, c)| *c == '#')
                    .map(move |(col, _)| (col as i64, row as i64))
            })
            .collect();
        let found =
            gaps(&cells, |(x, y)| Bounds::new(x as f64, y as f64, x as f64 + 1.0, y as f64 + 1.0), &[]);
        (found.enclosed, found.notches)
    }

    #[test]
    fn only_what_is_enclosed_is_a_gap() {
        assert_eq!(of(["#####", "#..##", "####.", "##..."]), (2, 0));
    }

    #[test]
    fn a_cell_with_dalles_on_three_sides_is_a_notch() {
        assert_eq!(of(["#.###", "#####", "###.#", "###.#"]), (0, 2));
    }

    #[test]
    fn a_grid_of_dalles_far_apart_is_not_searched() {
        let cells = [(0, 0), (i64::MAX / 4, i64::MAX / 4)];
        assert_eq!(gaps(&cells, |_| Bounds::new(0.0, 0.0, 1.0, 1.0), &[]), Gaps::default());
    }
}
