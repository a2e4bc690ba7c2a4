//! Finds the rasters at paths and opens them in parallel, with a progress bar at a terminal. Of each only headers are read,
//! and only a few numbers are kept.

use std::{
    collections::{BTreeSet, HashSet},
    ffi::OsStr,
    path::{Path, PathBuf},
};

use indicatif::{ProgressBar, ProgressStyle};
use rayon::prelude::*;
use tiler::source::{OpenOptions, Source};

use crate::{
    inspect::{Dalle, Survey},
    layers::{Found, Wanted, is_raster_name, scan_for},
    log,
};

/// More rasters than this are not looked at together.
const FILES_LIMIT: usize = 2_000_000;
/// Names of rasters that are not GeoTIFF: they are opened to tell why they are not read.
const OTHER_RASTERS: [&str; 5] = ["jp2", "j2k", "jpx", "ecw", "sid"];

/// Opens all rasters at the paths.
pub(super) fn survey(paths: &[PathBuf], options: &OpenOptions) -> Survey {
    let mut survey = Survey::default();
    let mut files = BTreeSet::new();
    for path in paths {
        match scan_for(path, Wanted { is_raster, limit: FILES_LIMIT }) {
            Ok(Found::File(path)) => drop(files.insert(path)),
            Ok(Found::Folder(listing)) => {
                if listing.files.is_empty() && listing.skipped.is_empty() {
                    survey.refuse(path, "there is no raster in the folder".to_owned());
                }
                listing.skipped.into_iter().for_each(|skipped| survey.refuse(&skipped.path, skipped.reason));
                files.extend(without_originals(listing.files));
            }
            Err(error) => survey.refuse(path, log::chain(&error)),
        }
    }
    let bar = progress(files.len() as u64);
    let files: Vec<PathBuf> = files.into_iter().collect();
    let opened = files
        .par_iter()
        .fold(Survey::default, |mut survey, path| {
            look(&mut survey, path, options);
            bar.inc(1);
            survey
        })
        .reduce(Survey::default, Survey::merged);
    bar.finish_and_clear();
    survey.merged(opened)
}

fn look(survey: &mut Survey, path: &Path, options: &OpenOptions) {
    match Source::open(path, options) {
        Ok(source) => survey.add(Dalle::of(&source), source.verdict()),
        Err(error) => survey.refuse(path, log::chain(&error.problem)),
    }
}

fn is_other(path: &Path) -> bool {
    let extension = path.extension().and_then(OsStr::to_str).unwrap_or_default();
    OTHER_RASTERS.iter().any(|known| extension.eq_ignore_ascii_case(known))
}

fn is_raster(path: &Path) -> bool {
    is_raster_name(path) || is_other(path)
}

/// Leaves out files in other formats beside which a GeoTIFF of the same name lies: that one is served.
fn without_originals(files: Vec<PathBuf>) -> Vec<PathBuf> {
    let converted: HashSet<PathBuf> =
        files.iter().filter(|path| !is_other(path)).map(|path| path.with_extension("")).collect();
    files
        .into_iter()
        .filter(|path| !is_other(path) || !converted.contains(&path.with_extension("")))
        .collect()
}

/// Hidden where standard error is no terminal.
fn progress(files: u64) -> ProgressBar {
    let style =
        ProgressStyle::with_template("{bar:30} {human_pos} of {human_len} files, {per_sec}, {eta} left");
    let bar = ProgressBar::new(files);
    style.map_or(bar.clone(), |style| bar.with_style(style))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_original_beside_its_geotiff_is_left_out() {
        let files = ["a/x.ecw", "a/x.tif", "a/y.ecw", "b/x.JP2"].map(PathBuf::from).to_vec();
        assert_eq!(without_originals(files), ["a/x.tif", "a/y.ecw", "b/x.JP2"].map(PathBuf::from));
    }

    #[test]
    fn files_in_other_formats_are_told_with_a_remedy() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.sid"), b"msid\x01\x02\x03\x04").unwrap();
        let survey = survey(&[folder.path().to_owned()], &OpenOptions::default());
        let refusal = survey.refused.values().next().unwrap();
        assert!(refusal.reason.starts_with("it is MrSID"), "{}", refusal.reason);
        assert!(refusal.remedy().is_some());
    }

    #[test]
    fn a_path_without_anything_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let paths = [folder.path().to_owned(), folder.path().join("none")];
        assert_eq!(survey(&paths, &OpenOptions::default()).refused.len(), 2);
    }
}
