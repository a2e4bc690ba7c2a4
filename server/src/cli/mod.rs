//! The command line: one verb, one file. Exit status 2 and a line or more on standard error for what the caller can mend.

mod cap;
mod catalog;
mod check;
mod columns;
mod convert;
mod demo;
mod diff;
mod dump;
mod info;
mod offer;
mod scan_bar;
mod seed;
mod serve;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Serves orthophotos and PCRS imagery as WMTS and XYZ, straight from GeoTIFF files.
#[derive(Debug, Parser)]
#[command(name = "pavage", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve files and folders as map tiles.
    Serve(serve::Arguments),
    /// Check configuration and files, without serving.
    Check(check::Arguments),
    /// Build the coarser images that low zooms of mosaics are drawn from, now; `serve` does it in the background.
    Cap(cap::Arguments),
    /// Make tiles beforehand: into the cache on disk, MBTiles, PMTiles or a folder.
    Seed(seed::Arguments),
    /// Tell what has changed on disk since the index of a mosaic was written, and which tiles that changes.
    Diff(diff::Arguments),
    /// Tell the facts of one file, and what serving it will cost.
    Info(info::Arguments),
    /// Write the samples of one file as plain bytes.
    Dump(dump::Arguments),
    /// Convert files and folders to GeoTIFF files that serve best.
    Convert(convert::Arguments),
    /// Make imagery for a first look, once, and serve it.
    Demo(demo::Arguments),
}

/// Why a command ends without having done its work; it becomes the last lines on standard error.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Runs the command that the arguments of the process name.
pub fn run() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Cap(arguments) => cap::run(&arguments),
        Command::Seed(arguments) => seed::run(&arguments),
        Command::Diff(arguments) => diff::run(&arguments),
        Command::Info(arguments) => info::run(&arguments),
        Command::Dump(arguments) => dump::run(&arguments),
        Command::Convert(arguments) => convert::run(&arguments),
        Command::Demo(arguments) => demo::run(arguments),
    };
    match result {
        Ok(code) => code,
        Err(failure) => {
            for line in failure.to_string().lines() {
                eprintln!("pavage: {line}");
            }
            ExitCode::from(2)
        }
    }
}
