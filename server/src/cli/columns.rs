//! Text in columns, for terminals and for logs: no colour, no line drawing.

use unicode_width::UnicodeWidthStr as _;

/// Lines of cells, each as wide as the widest of its column; the last one of a line may be of any width.
pub(super) fn columns(lines: &[Vec<String>]) -> Vec<String> {
    let count = lines.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = lines.iter().filter(|line| column + 1 < line.len()).filter_map(|line| line.get(column));
        cells.map(|cell| cell.width()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..count).map(width).collect();
    lines.iter().map(|line| aligned(line, &widths)).collect()
}

fn aligned(line: &[String], widths: &[usize]) -> String {
    let mut out = String::new();
    for (at, (cell, width)) in line.iter().zip(widths).enumerate() {
        out.push_str(cell);
        if at + 1 < line.len() {
            out.push_str(&" ".repeat(width.saturating_sub(cell.width()) + 2));
        }
    }
    out.truncate(out.trim_end().len());
    out
}

/// `1,234,567`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let first = digits.len() % 3;
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && at % 3 == first {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 file`, `2,000 files`.
pub(super) fn counted(number: usize, one: &str) -> String {
    format!("{} {one}{}", grouped(number as u64), if number == 1 { "" } else { "s" })
}

/// `48 MB`, `7.4 TB`: decimal, as disks are sold.
pub(super) fn bytes(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["B", "kB", "MB", "GB", "TB"] {
        if value < 1000.0 || unit == "TB" {
            return if unit == "B" || value >= 99.5 {
                format!("{value:.0} {unit}")
            } else {
                format!("{value:.1} {unit}")
            };
        }
        value /= 1000.0;
    }
    String::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_as_wide_as_they_look() {
        let line = |cells: [&str; 2]| cells.map(str::to_owned).to_vec();
        let text = columns(&[line(["été", "a"]), line(["日本", "b"]), line(["x", "a longer last cell"])]);
        assert_eq!(text, ["été   a", "日本  b", "x     a longer last cell"]);
    }

    #[test]
    fn numbers_are_grouped_and_counted() {
        assert_eq!(
            (grouped(0), grouped(999), grouped(1_234_567)),
            ("0".into(), "999".into(), "1,234,567".into())
        );
        assert_eq!((counted(1, "file"), counted(2000, "gap")), ("1 file".into(), "2,000 gaps".into()));
    }

    #[test]
    fn bytes_are_told_as_disks_are_sold() {
        assert_eq!(
            (bytes(12), bytes(1500), bytes(7_370_000_000_000)),
            ("12 B".into(), "1.5 kB".into(), "7.4 TB".into())
        );
    }
}
