//! `pavage demo`: imagery for a first look, or a whole territory of dalles for tests, and a server for it.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use super::{Failure, serve};
use crate::demo::{
    DemoSize, make,
    territory::{self, Detail, MOST_DALLES, Territory},
};

/// Where imagery is kept when nothing is said.
const FOLDER: &str = "demo";
const TERRITORY_FOLDER: &str = "demo-dalles";

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Where the imagery is kept [default: demo, with --dalles demo-dalles].
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
    /// How much imagery is made.
    #[arg(long, value_enum, default_value_t)]
    size: DemoSize,
    /// Make a folder of so many dalles of 200 m instead, named as IGN does, with defects that territory.json tells of.
    #[arg(long, value_name = "N", conflicts_with = "size",
        value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_DALLES)))]
    dalles: Option<u32>,
    /// What dalles show [default: real up to 64 dalles].
    #[arg(long, value_enum, requires = "dalles")]
    detail: Option<Detail>,
    /// Plant no defects among the dalles.
    #[arg(long, requires = "dalles")]
    flawless: bool,
    /// Make the imagery and stop.
    #[arg(long)]
    no_serve: bool,
    /// Address and port to listen on [default: 127.0.0.1:8080].
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
}

pub(super) fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    let folder = |default| arguments.dir.clone().unwrap_or_else(|| Path::new(default).to_owned());
    let made = match arguments.dalles {
        None => make(&folder(FOLDER), arguments.size),
        Some(places) => {
            let territory = Territory { places, detail: arguments.detail, with_defects: !arguments.flawless };
            let folder = folder(TERRITORY_FOLDER);
            territory::make(&folder, territory).map(|()| folder)
        }
    };
    let path = made.map_err(|error| crate::log::chain(&error))?;
    println!("{}", path.display());
    if arguments.no_serve {
        return Ok(ExitCode::SUCCESS);
    }
    let paths = vec![path];
    serve::run(&serve::Arguments { listen: arguments.listen, paths, ..serve::Arguments::default() })
}
