//! World files: six numbers, one a line, for the centre of the upper left pixel.

use std::path::Path;

use super::{Problem, SidecarError, text};
use crate::geom::GeoTransform;

const LIMIT_BYTES: u64 = 4096;

/// Endings to try for a raster: first and last letter of its own and `w`, its own and `w`, the usual ones.
///
/// Source: GDAL's `GDALReadWorldFile`: lower case, then upper case.
pub(super) fn endings(path: &Path) -> Vec<String> {
    let own = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase();
    let mut lower = Vec::new();
    if let (Some(first), Some(last)) = (own.chars().next(), own.chars().last()) {
        lower.push(if own.len() == 1 { format!("{first}w") } else { format!("{first}{last}w") });
        lower.push(format!("{own}w"));
    }
    if matches!(own.as_str(), "tif" | "tiff") {
        lower.push("tfw".to_owned());
    }
    lower.push("wld".to_owned());
    let upper = lower.iter().map(|ending| ending.to_ascii_uppercase()).collect::<Vec<_>>();
    let mut all = Vec::new();
    for ending in lower.into_iter().chain(upper) {
        if !all.contains(&ending) {
            all.push(ending);
        }
    }
    all
}

pub(super) fn read(path: &Path) -> Result<GeoTransform, SidecarError> {
    let text = text::read(path, LIMIT_BYTES)?;
    parse(&text).map_err(|(line, problem)| text::fail(path, line, problem))
}

/// The geotransform, from pixel corners.
fn parse(text: &str) -> Result<GeoTransform, (Option<usize>, Problem)> {
    let mut numbers = Vec::new();
    for (index, line) in text.lines().enumerate() {
        for word in line.split_whitespace() {
            numbers.push(text::number(word).map_err(|problem| (Some(index + 1), problem))?);
        }
    }
    let [a, d, b, e, x, y] = numbers[..] else {
        return Err((None, Problem::Count { found: numbers.len(), wanted: 6 }));
    };
    let geotransform = GeoTransform([x - 0.5 * (a + b), a, b, y - 0.5 * (d + e), d, e]);
    geotransform.inverse().map(|_| geotransform).ok_or((None, Problem::NoArea))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_speak_of_the_centre_of_the_first_pixel() {
        let found = parse("2\n0\n0\n-2\n101\n199\n").unwrap();
        assert_eq!(found, GeoTransform::north_up(100.0, 200.0, 2.0, 2.0));
    }

    #[test]
    fn rotated_and_south_up_images_have_one_too() {
        assert_eq!(
            parse("1\n0.5\n0.25\n-1\n10\n20").unwrap(),
            GeoTransform([9.375, 1.0, 0.25, 20.25, 0.5, -1.0])
        );
        assert_eq!(parse("1 0 0 1 0.5 0.5").unwrap(), GeoTransform([0.0, 1.0, 0.0, 0.0, 0.0, 1.0]));
    }

    #[test]
    fn the_decimal_comma_is_understood() {
        assert_eq!(
            parse("0,5\r\n0,0\r\n0,0\r\n-0,5\r\n10,25\r\n19,75\r\n").unwrap(),
            GeoTransform::north_up(10.0, 20.0, 0.5, 0.5)
        );
    }

    #[test]
    fn what_is_no_world_file_is_refused_with_its_line() {
        assert!(matches!(parse("1\n0\n<html>\n"), Err((Some(3), Problem::Number { .. }))));
        assert!(matches!(parse("1\n0\n0\n"), Err((None, Problem::Count { found: 3, wanted: 6 }))));
        assert!(matches!(parse("1\n0\n0\nNaN\n0\n0"), Err((Some(4), _))));
        assert!(matches!(parse("0\n0\n0\n0\n1\n1"), Err((None, Problem::NoArea))));
    }

    #[test]
    fn the_usual_endings_are_tried() {
        assert_eq!(endings(Path::new("a.tif")), ["tfw", "tifw", "wld", "TFW", "TIFW", "WLD"]);
        assert_eq!(endings(Path::new("a.TIFF"))[..2], ["tfw", "tiffw"]);
        assert_eq!(endings(Path::new("a.jp2"))[..2], ["j2w", "jp2w"]);
        assert_eq!(endings(Path::new("a.jpg"))[0], "jgw");
    }
}
