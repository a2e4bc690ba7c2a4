//! `pavage dump`: the samples of a file as plain bytes, for other programs.

use std::{
    fs::File,
    io::{BufWriter, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use tiler::source::{OpenOptions, Source};

use super::Failure;
use crate::log;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Where the bytes go: all bands, one after the other, rows from the top, little-endian.
    #[arg(long, value_name = "OUT")]
    raw: PathBuf,
    /// A raster file.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let source =
        Source::open(&arguments.file, &OpenOptions::default()).map_err(|error| log::chain(&error))?;
    let mut out = BufWriter::new(File::create(&arguments.raw)?);
    let mut written = Ok(());
    source
        .for_each_sample(|bytes| {
            if written.is_ok() {
                written = out.write_all(bytes);
            }
        })
        .map_err(|error| log::chain(&error))?;
    written?;
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}
