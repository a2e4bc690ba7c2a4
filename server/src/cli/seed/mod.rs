//! `pavage seed`: tiles of a layer made beforehand, with all cores, into a cache, a file of tiles or a folder.

mod area;
mod estimate;
mod job;
mod progress;
mod stop;

use std::{
    io::IsTerminal as _,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{Arc, atomic::Ordering},
    time::Instant,
};

use rustix::time::{ClockId, clock_gettime};

use self::{estimate::Estimate, progress::Progress};
use super::{Failure, catalog::Sources, columns};
use crate::{
    config::Config,
    log::{self, LogFormat},
    seed::{
        DiskTarget, Engine, FolderTarget, Job, MbTilesTarget, PmTilesTarget, Sum, Target, TargetError,
        WEB_MERCATOR, run as seed,
    },
};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The same command goes on where it was, however it ended, and makes anew only what has changed. Tiles without imagery are left out.

Exit status, for scripts:
  0    all tiles are there
  1    some could not be made; the same command tries those again
  2    nothing was made: the arguments, the configuration or the target are wrong; or the disk is full
  130  interrupted; the same command goes on

Examples:
  pavage seed --layer ortho --zoom 10..18 --into ortho.pmtiles /data/ortho
  pavage seed --layer ortho --zoom 0..20 --within commune.geojson --format webp --into commune.mbtiles /data/ortho
  pavage seed --layer ortho --tms LAMB93_5cm --zoom 14..20 --bbox 3.8,43.5,4.0,43.7 --into /var/www/tiles /data/ortho
  pavage seed --config pavage.toml --layer ortho --zoom 10..18 --into cache")]
pub(super) struct Arguments {
    /// The layer; may be left out where there is one only.
    #[arg(long, short, value_name = "LAYER")]
    layer: Option<String>,
    /// The tile matrix set; files of tiles know WebMercatorQuad only.
    #[arg(long, value_name = "SET", default_value = WEB_MERCATOR)]
    tms: String,
    /// Zooms, by the names of the set's matrices: one, or the first and the last, `10..18`.
    #[arg(long, value_name = "A..B")]
    zoom: String,
    /// Only tiles that touch this rectangle, in degrees of WGS 84: west,south,east,north.
    #[arg(long, value_name = "MINX,MINY,MAXX,MAXY", allow_hyphen_values = true, conflicts_with = "within")]
    bbox: Option<String>,
    /// Only tiles that touch the polygons of this GeoJSON file (WGS 84).
    #[arg(long, value_name = "FILE")]
    within: Option<PathBuf>,
    /// How tiles are encoded; `auto` is JPEG, and PNG or WebP where imagery ends [default: the layer's first].
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<job::AskedFormat>,
    /// One of the layer's styles [default: the first].
    #[arg(long, value_name = "STYLE")]
    style: Option<String>,
    /// What tiles are written to: `cache` (the one on disk of the configuration), a file that ends in .mbtiles or
    /// .pmtiles, or a folder.
    #[arg(long, value_name = "TARGET")]
    into: PathBuf,
    /// Threads [default: one per core].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Mebibytes of decoded blocks that the threads share [default: 128, and 32 for each thread].
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u32).range(1..=1_048_576))]
    block_mib: Option<u32>,
    #[command(flatten)]
    sources: Sources,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    log::init(LogFormat::Text);
    let started = Instant::now();
    let config = arguments.sources.config()?;
    let mut catalog = arguments.sources.open()?;
    catalog.refresh();
    let missing = catalog.take_caps().len();
    let snapshot = catalog.snapshot();
    let job = job::job(arguments, &snapshot)?;
    let threads = usize::from(arguments.threads.unwrap_or(0));
    let block_bytes = arguments.block_mib.map(|mebibytes| u64::from(mebibytes) << 20);
    let engine = Engine::start(threads, Arc::clone(&snapshot.files), block_bytes)?;
    let estimate = Estimate::of(&job, &engine);
    if estimate.tiles == 0 {
        return Err(format!("no tile of {} is in the area at zoom {}", job.layer.id, arguments.zoom).into());
    }
    eprintln!("pavage: {}", estimate.line(&job.layer.id));
    let kind = Kind::of(&arguments.into);
    if missing > 0 {
        eprintln!(
            "pavage: the cap lacks {}: coarse tiles are provisional; build it first with `pavage cap`",
            columns::counted(missing, "patch").replace("patchs", "patches")
        );
    }
    estimate.check_room(kind, &arguments.into, &config)?;
    let mut target = open(kind, &arguments.into, &job, &config)?;
    let stop = stop::on_signals()?;
    let progress = Progress::new(estimate.tiles, std::io::stderr().is_terminal());
    let sum = seed(&job, &engine, target.as_mut(), &mut |sum| progress.tell(sum), &stop);
    progress.finish();
    let sum = sum.map_err(|error| explain(&error))?;
    let is_stopped = stop.load(Ordering::Relaxed);
    if kind == Kind::PmTiles && !is_stopped {
        eprintln!("pavage: writing {}", log::printable(&arguments.into.display().to_string()));
    }
    let size = if is_stopped { None } else { target.finish().map_err(|error| explain(&error))? };
    tell(&sum, &engine, size, started.elapsed().as_secs_f64());
    if is_stopped {
        eprintln!("pavage: interrupted: the same command goes on from here");
        return Ok(ExitCode::from(130));
    }
    Ok(if sum.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What a target is, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Cache,
    MbTiles,
    PmTiles,
    Folder,
}

impl Kind {
    fn of(target: &Path) -> Self {
        let ending = target.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        if target == Path::new("cache") {
            Self::Cache
        } else if ending.eq_ignore_ascii_case("mbtiles") {
            Self::MbTiles
        } else if ending.eq_ignore_ascii_case("pmtiles") {
            Self::PmTiles
        } else {
            Self::Folder
        }
    }
}

fn open(kind: Kind, target: &Path, job: &Job, config: &Config) -> Result<Box<dyn Target>, Failure> {
    if matches!(kind, Kind::MbTiles | Kind::PmTiles) && job.set.id != WEB_MERCATOR {
        return Err(format!(
            "{} can hold tiles of {WEB_MERCATOR} only, not of {}: name a folder",
            target.display(),
            job.set.id
        )
        .into());
    }
    let opened: Result<Box<dyn Target>, TargetError> = match kind {
        Kind::Cache => {
            let disk = config.cache.disk.as_ref().ok_or(
                "there is no cache on disk: set `disk_dir` in [cache] of the configuration, and name it with --config",
            )?;
            DiskTarget::open(disk).map(|target| Box::new(target) as _)
        }
        Kind::MbTiles => MbTilesTarget::open(target, job.about()).map(|target| Box::new(target) as _),
        Kind::PmTiles => {
            PmTilesTarget::open(target, &job.set, job.about()).map(|target| Box::new(target) as _)
        }
        Kind::Folder => {
            FolderTarget::open(target, &job.set, &job.about()).map(|target| Box::new(target) as _)
        }
    };
    opened.map_err(|error| explain(&error))
}

fn explain(error: &TargetError) -> Failure {
    if error.is_disk_full() {
        return "the disk is full: what was written stays; make room and run the same command again, it goes on".into();
    }
    log::chain(error).into()
}

fn tell(sum: &Sum, engine: &Engine, size: Option<u64>, seconds: f64) {
    for reason in &sum.reasons {
        eprintln!("pavage: {}", log::printable(reason));
    }
    let grouped = columns::grouped;
    let mut parts = vec![format!("{} tiles made, {}", grouped(sum.made), columns::bytes(sum.bytes))];
    for (count, what) in [
        (sum.equal, "of them equal to others"),
        (sum.kept, "there already"),
        (sum.empty, "without imagery"),
        (sum.removed, "removed"),
        (sum.failed, "failed"),
    ] {
        if count > 0 {
            parts.push(format!("{} {what}", grouped(count)));
        }
    }
    let now = clock_gettime(ClockId::ProcessCPUTime);
    let cpu_s = now.tv_sec as f64 + now.tv_nsec as f64 / 1e9;
    println!("{}", parts.join("; "));
    println!(
        "{seconds:.1} s, {cpu_s:.1} s of CPU, {:.0} tiles per CPU-second",
        sum.made as f64 / cpu_s.max(1e-3)
    );
    if let Some(size) = size {
        println!("{} on disk", columns::bytes(size));
    }
    if sum.provisional > 0 {
        let count = grouped(sum.provisional);
        eprintln!(
            "pavage: {count} tiles are provisional: the same command makes them anew when what they need is there"
        );
    }
    if engine.damaged() > 0 {
        eprintln!("pavage: damaged dalles were left out of tiles: `pavage check` names them");
    }
}
