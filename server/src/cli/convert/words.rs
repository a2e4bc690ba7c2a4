//! What arguments mean, and what is said when a file cannot be converted.

use std::sync::Arc;

use tiler::{
    convert::{ConvertError, Into, Job, Merge},
    tms::Registry,
};

use crate::log;

/// A multiple of 16, as TIFF wants it.
pub(super) fn block(text: &str) -> Result<u32, String> {
    let side = text.parse::<u32>().ok().filter(|side| side.is_multiple_of(16) && (16..=4096).contains(side));
    side.ok_or_else(|| "a multiple of 16 from 16 to 4096 is wanted".to_owned())
}

/// `1000m`, `1km`, `4x4`.
pub(super) fn merge(text: &str) -> Result<Merge, String> {
    let wrong = || "a length such as 1000m or 1km, or columns and rows such as 4x4, is wanted".to_owned();
    let length = |number: &str, factor: f64| {
        let metres = number.trim().parse::<f64>().map_err(|_| wrong())? * factor;
        if metres.is_finite() && metres > 0.0 { Ok(Merge::Side(metres)) } else { Err(wrong()) }
    };
    if let Some((cols, rows)) = text.split_once(['x', 'X']) {
        let count = |text: &str| text.trim().parse::<u32>().ok().filter(|n| (1..=1000).contains(n));
        return Ok(Merge::Count(count(cols).ok_or_else(wrong)?, count(rows).ok_or_else(wrong)?));
    }
    match (text.strip_suffix("km"), text.strip_suffix('m')) {
        (Some(number), _) => length(number, 1000.0),
        (None, Some(number)) => length(number, 1.0),
        (None, None) => Err(wrong()),
    }
}

/// `grid:LAMB93_5cm`, `PM@21`.
pub(super) fn into(text: &str) -> Result<Into, String> {
    let named = text.strip_prefix("grid:").unwrap_or(text);
    let (name, matrix) = match named.split_once('@') {
        Some((name, matrix)) => (name, Some(matrix)),
        None => (named, None),
    };
    let registry = Registry::standard();
    let set = registry.get(name).ok_or_else(|| {
        format!("--into: there is no tile matrix set \"{name}\"; `WebMercatorQuad`, `LAMB93_5cm`, `CC43_5cm` are some")
    })?;
    let matrix = matrix.map(|id| {
        let names: Vec<&str> = set.matrices.iter().map(|matrix| matrix.id.as_str()).collect();
        set.matrix_index(id)
            .ok_or_else(|| format!("--into: {name} has no matrix \"{id}\", only {}", names.join(", ")))
    });
    Ok(Into { set: Arc::clone(set), matrix: matrix.transpose()? })
}

/// One line, with the remedy where there is one.
pub(super) fn failure(job: &Job, error: &ConvertError) -> String {
    let told = log::chain(error);
    let is_named = matches!(
        error,
        ConvertError::Source(_)
            | ConvertError::Unplaced { .. }
            | ConvertError::Unfit { .. }
            | ConvertError::Unlike { .. }
            | ConvertError::Warp { .. }
            | ConvertError::Outside { .. }
    );
    match job.sources.first() {
        Some(first) if !is_named => format!("{}: {told}", first.display()),
        _ => told,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_counts_are_understood() {
        assert_eq!(merge("1000m"), Ok(Merge::Side(1000.0)));
        assert_eq!(merge("1.5km"), Ok(Merge::Side(1500.0)));
        assert_eq!(merge("4x2"), Ok(Merge::Count(4, 2)));
        for wrong in ["", "5", "-1m", "0x3", "m", "axb", "NaNm"] {
            assert!(merge(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_grid_is_found_by_its_names_with_or_without_a_matrix() {
        let found = into("grid:2154_5cm@22").expect("IGN's grid");
        assert_eq!((found.set.id.as_str(), found.matrix), ("LAMB93_5cm", Some(22)));
        assert_eq!(into("PM").expect("Mercator").matrix, None);
        assert!(into("grid:NOWHERE").is_err_and(|error| error.contains("NOWHERE")));
        assert!(into("PM@99").is_err_and(|error| error.contains("no matrix \"99\"")));
    }
}
