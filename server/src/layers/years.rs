//! Of which year the imagery of a file is: by its name, by the folders it lies in. It opens nothing.

use std::path::Path;

use crate::config::YearRule;

/// Years that names are searched for: earlier ones are taken for coordinates in kilometres.
const YEARS: std::ops::RangeInclusive<u16> = 2000..=2099;

/// The year that the path of a file tells: below the folder that was given, else that folder itself.
pub(super) fn of_path(rule: &YearRule, path: &Path, root: &Path) -> Option<u16> {
    let below = path.strip_prefix(root).ok().filter(|below| !below.as_os_str().is_empty());
    let below = below.unwrap_or_else(|| path.file_name().map_or(path, Path::new));
    match rule {
        YearRule::None => None,
        YearRule::Pattern(pattern) => {
            let text = below.to_string_lossy();
            let found = pattern.captures(&text)?;
            found.get(1).or_else(|| found.get(0))?.as_str().parse().ok()
        }
        // The name first, then the nearest folder; that of several folders, each of a year, comes last.
        YearRule::Auto => {
            let mut parts = below.iter().rev().chain(root.file_name());
            parts.find_map(|part| in_name(&part.to_string_lossy()))
        }
    }
}

/// The first number of four digits that can be a year.
fn in_name(name: &str) -> Option<u16> {
    name.split(|c: char| !c.is_ascii_digit())
        .filter(|digits| digits.len() == 4)
        .find_map(|digits| digits.parse().ok().filter(|year| YEARS.contains(year)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn auto(path: &str) -> Option<u16> {
        of_path(&YearRule::Auto, Path::new(path), Path::new("/nas/pcrs"))
    }

    #[test]
    fn names_of_ign_and_folders_tell_the_year() {
        for (path, expected) in [
            ("/nas/pcrs/2020-04960-66124-LA93-0M05-RVB.tif", Some(2020)),
            ("/nas/pcrs/56-2019-0229-6764-LA93-0M05-RVB-E100.jp2", Some(2019)),
            ("/nas/pcrs/vol2021/bloc_a/0229-6764.tif", Some(2021)),
            ("/nas/pcrs/1843_5173_08_CC46.tif", None),
            ("/nas/pcrs/20211231.tif", None),
        ] {
            assert_eq!(auto(path), expected, "{path}");
        }
    }

    #[test]
    fn the_given_folder_tells_the_year_where_nothing_below_it_does() {
        let of = |path| of_path(&YearRule::Auto, Path::new(path), Path::new("/nas/1999/ortho_2024"));
        assert_eq!(of("/nas/1999/ortho_2024/a/0229-6764.tif"), Some(2024));
        assert_eq!(of("/nas/1999/ortho_2024/2021-04960.tif"), Some(2021));
        assert_eq!(
            of_path(&YearRule::Auto, Path::new("/nas/2024/a.tif"), Path::new("/nas/2024/a.tif")),
            None
        );
    }

    #[test]
    fn a_pattern_of_the_operator_wins() {
        let rule = YearRule::Pattern(regex::Regex::new(r"vol_(\d{4})").expect("it is well formed"));
        let path = Path::new("/nas/pcrs/vol_1998/2020.tif");
        assert_eq!(of_path(&rule, path, Path::new("/nas/pcrs")), Some(1998));
        assert_eq!(of_path(&YearRule::None, path, Path::new("/nas/pcrs")), None);
    }
}
