//! Finds the rasters at paths and opens them in parallel, with a progress bar at a terminal. Of each only headers are read,
//! and only a few numbers are kept.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use indicatif::{ProgressBar, ProgressStyle};
use rayon::prelude::*;
use tiler::source::{OpenOptions, Source};

use crate::{
    config::YearRule,
    inspect::{Dalle, Survey},
    layers::{Found, Wanted, is_raster_name, scan_for, year_of_path},
    log,
};

/// More rasters than this are not looked at together.
const FILES_LIMIT: usize = 2_000_000;

/// Opens all rasters at the paths.
pub(super) fn survey(paths: &[PathBuf], options: &OpenOptions, years: &YearRule) -> Survey {
    let mut survey = Survey::default();
    let mut files = BTreeSet::new();
    for path in paths {
        match scan_for(path, Wanted { is_raster: is_raster_name, limit: FILES_LIMIT }) {
            Ok(Found::File(path)) => drop(files.insert(path)),
            Ok(Found::Folder(listing)) => {
                if listing.files.is_empty() && listing.skipped.is_empty() {
                    survey.refuse(path, "there is no raster in the folder".to_owned());
                }
                listing.skipped.into_iter().for_each(|skipped| survey.refuse(&skipped.path, skipped.reason));
                files.extend(listing.files);
            }
            Err(error) => survey.refuse(path, log::chain(&error)),
        }
    }
    let bar = progress(files.len() as u64);
    let files: Vec<PathBuf> = files.into_iter().collect();
    let opened = files
        .par_iter()
        .fold(Survey::default, |mut survey, path| {
            let root =
                paths.iter().find(|root| path.starts_with(root)).map_or(Path::new(""), PathBuf::as_path);
            look(&mut survey, path, options, year_of_path(years, path, root));
            bar.inc(1);
            survey
        })
        .reduce(Survey::default, Survey::merged);
    bar.finish_and_clear();
    survey.merged(opened)
}

fn look(survey: &mut Survey, path: &Path, options: &OpenOptions, year: Option<u16>) {
    match Source::open(path, options) {
        Ok(source) => survey.add(Dalle::of(&source, year), source.verdict()),
        Err(error) => survey.refuse(path, log::chain(&error.problem)),
    }
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
    fn files_in_other_formats_are_told_with_a_remedy() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.sid"), b"msid\x01\x02\x03\x04").unwrap();
        let survey = survey(&[folder.path().to_owned()], &OpenOptions::default(), &YearRule::Auto);
        let refusal = survey.refused.values().next().unwrap();
        assert!(refusal.reason.starts_with("it is MrSID"), "{}", refusal.reason);
        assert!(refusal.remedy().is_some());
    }

    #[test]
    fn a_path_without_anything_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let paths = [folder.path().to_owned(), folder.path().join("none")];
        assert_eq!(survey(&paths, &OpenOptions::default(), &YearRule::Auto).refused.len(), 2);
    }
}
