//! `pavage cap`: builds the coarser images of mosaics now, with all cores, and ends.

use std::{num::NonZeroUsize, path::PathBuf, process::ExitCode, time::Instant};

use indicatif::{ProgressBar, ProgressStyle};
use tiler::{cap::build, catalog::OpenFiles};

use super::{Failure, catalog::Sources};
use crate::log;

/// Files that are open at the same time.
const OPEN_FILES: NonZeroUsize = NonZeroUsize::new(512).expect("it is not zero");

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    sources: Sources,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let mut catalog = arguments.sources.open()?;
    catalog.refresh();
    let jobs = catalog.take_caps();
    let style = ProgressStyle::with_template("building {wide_bar} {pos}/{len} patches, {eta} left")
        .expect("the template is well formed");
    let bar = ProgressBar::new(jobs.len() as u64).with_style(style);
    let files = OpenFiles::new(OPEN_FILES);
    let started = Instant::now();
    let mut failed: Vec<(PathBuf, String)> = Vec::new();
    for job in &jobs {
        if let Err(error) = build(job, &files) {
            failed.push((job.file(), log::chain(&error)));
            if error.is_disk_full() {
                break;
            }
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    for (file, reason) in &failed {
        eprintln!("pavage: {}: {}", log::printable(&file.display().to_string()), reason);
    }
    // With them in service, their index is written and what they replace is removed.
    catalog.take_caps();
    let snapshot = catalog.snapshot();
    if snapshot.caps.is_empty() {
        println!("no mosaic here has so many dalles that it needs a cap");
    }
    for (layer, progress) in &snapshot.caps {
        let built = progress.wanted - progress.missing;
        println!("{layer}: {built} of {} patches are there", progress.wanted);
    }
    let built = jobs.len() - failed.len();
    println!("{built} were built in {:.1} s", started.elapsed().as_secs_f64());
    Ok(if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(2) })
}
