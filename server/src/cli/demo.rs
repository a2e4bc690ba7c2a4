//! `pavage demo`: imagery for a first look, and a server for it.

use std::{path::PathBuf, process::ExitCode};

use super::{Failure, serve};
use crate::demo::{DemoSize, make};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Where the imagery is kept.
    #[arg(long, value_name = "FOLDER", default_value = "demo")]
    dir: PathBuf,
    /// How much imagery is made.
    #[arg(long, value_enum, default_value_t)]
    size: DemoSize,
    /// Make the imagery and stop.
    #[arg(long)]
    no_serve: bool,
    /// Address and port to listen on [default: 127.0.0.1:8080].
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
}

pub(super) fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    let path = make(&arguments.dir, arguments.size).map_err(|error| crate::log::chain(&error))?;
    println!("{}", path.display());
    if arguments.no_serve {
        return Ok(ExitCode::SUCCESS);
    }
    let paths = vec![path];
    serve::run(&serve::Arguments { listen: arguments.listen, paths, ..serve::Arguments::default() })
}
