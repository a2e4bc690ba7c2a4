//! How many files are of which kind: where there is more than one kind, a mosaic is mixed.

use std::{collections::BTreeMap, path::Path};

use super::{Dalle, dalle::Placed};

/// The kinds of one property, the most frequent first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Property {
    /// `crs`, `resolution` …
    pub name: &'static str,
    pub kinds: Vec<Kind>,
    /// Whether more than one kind hurts the picture.
    pub is_harmless: bool,
}

/// Files with one value of a property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kind {
    pub value: String,
    pub files: usize,
    /// The first by path.
    pub example: std::path::PathBuf,
}

impl Property {
    pub(crate) fn is_mixed(&self) -> bool {
        self.kinds.len() > 1
    }
}

pub(super) fn properties(dalles: &[Dalle]) -> Vec<Property> {
    vec![
        property("crs", dalles, false, |dalle| dalle.crs.as_ref().map(tiler::crs::Crs::name)),
        property("resolution", dalles, false, |dalle| dalle.placed().map(|placed| resolution(&placed))),
        property("bands", dalles, false, |dalle| {
            Some(format!("{}{}", dalle.bands, if dalle.has_alpha { " + alpha" } else { "" }))
        }),
        property("samples", dalles, false, |dalle| Some(dalle.sample.to_owned())),
        property("compression", dalles, true, |dalle| Some(dalle.compression.to_owned())),
    ]
}

fn property(
    name: &'static str,
    dalles: &[Dalle],
    is_harmless: bool,
    value: impl Fn(&Dalle) -> Option<String>,
) -> Property {
    let mut kinds: BTreeMap<String, (usize, &Path)> = BTreeMap::new();
    for dalle in dalles {
        let Some(value) = value(dalle) else { continue };
        let kind = kinds.entry(value).or_insert((0, &dalle.path));
        kind.0 += 1;
        kind.1 = kind.1.min(&dalle.path);
    }
    let mut kinds: Vec<Kind> = kinds
        .into_iter()
        .map(|(value, (files, example))| Kind { value, files, example: example.to_owned() })
        .collect();
    kinds.sort_by_key(|kind| std::cmp::Reverse(kind.files));
    Property { name, kinds, is_harmless }
}

/// `0.05 m`, `0.25 x 0.5 m`, `8.3e-7 degrees`.
fn resolution(placed: &Placed<'_>) -> String {
    let (x, y) = (significant(placed.cell.0), significant(placed.cell.1));
    let unit = unit(placed.crs);
    if x == y { format!("{x} {unit}") } else { format!("{x} x {y} {unit}") }
}

/// The unit of a CRS's coordinates.
pub(crate) fn unit(crs: &tiler::crs::Crs) -> &'static str {
    match crs.metres_per_unit() {
        _ if crs.is_geographic() => "degrees",
        metres if (metres - 1.0).abs() < 1e-9 => "m",
        _ => "units",
    }
}

/// Six digits that count, without closing zeros.
pub(crate) fn significant(value: f64) -> String {
    let rounded: f64 = format!("{value:.5e}").parse().unwrap_or(value);
    if rounded != 0.0 && rounded.abs() < 1e-4 { format!("{rounded:e}") } else { rounded.to_string() }
}

#[cfg(test)]
mod tests {
    use tiler::geom::GeoTransform;

    use super::{super::dalle::dalle, *};

    #[test]
    fn kinds_are_counted_and_the_most_frequent_comes_first() {
        let odd = Dalle {
            geotransform: Some(GeoTransform::north_up(0.0, 0.0, 0.05, 0.05)),
            bands: 4,
            ..dalle("a.tif", 0.0, 0.0)
        };
        let all = [odd, dalle("b.tif", 0.0, 0.0), dalle("c.tif", 20.0, 0.0)];
        let found = properties(&all);
        let told: Vec<_> = found[1].kinds.iter().map(|kind| (kind.value.as_str(), kind.files)).collect();
        assert_eq!(told, [("0.2 m", 2), ("0.05 m", 1)]);
        assert!(found[2].is_mixed() && !found[0].is_mixed());
    }

    #[test]
    fn noise_in_the_last_digits_is_not_another_resolution() {
        assert_eq!(significant(0.049_999_999_9), "0.05");
        assert_eq!(significant(8.333_333_333e-7), "8.33333e-7");
    }
}
