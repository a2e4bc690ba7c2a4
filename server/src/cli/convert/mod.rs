//! `pavage convert`: files of any readable format to cloud-optimized GeoTIFF files that serve best.

mod progress;
mod words;

use std::{
    collections::VecDeque,
    fs,
    io::IsTerminal as _,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Instant,
};

use parking_lot::Mutex;
use tiler::convert::{Compress, Input, Job, Merge, Options, Order, Refused, convert, jobs, merged};

use self::progress::{OfJob, Progress};
use super::{Failure, columns};
use crate::{
    layers::{Found, Wanted, is_raster_name, scan_for},
    log,
};

/// More files than this are a mistake.
const FILES_LIMIT: usize = 2_000_000;
/// So many notes are told one by one.
const NOTES: usize = 5;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Raster files, and folders of them, which are searched to the bottom.
    #[arg(value_name = "SOURCE", required = true)]
    sources: Vec<PathBuf>,
    /// Where the files go, in the same sub-folders.
    #[arg(long, short, value_name = "FOLDER")]
    output: PathBuf,
    /// How blocks are compressed [default: jpeg where the source is lossy, else zstd].
    #[arg(long, value_enum, value_name = "CODEC")]
    compress: Option<Codec>,
    /// Quality of JPEG and lossy WebP, 1 to 100.
    #[arg(long, value_name = "N", default_value_t = 90, value_parser = clap::value_parser!(u8).range(1..=100))]
    quality: u8,
    /// Columns and rows of a block, a multiple of 16.
    #[arg(long, value_name = "PX", default_value_t = 512, value_parser = words::block)]
    block: u32,
    /// The value of pixels without data, instead of what files say: they are masked.
    #[arg(long, value_name = "VALUE", allow_negative_numbers = true)]
    nodata: Option<f64>,
    /// The CRS of files that do not tell theirs, such as EPSG:2154.
    #[arg(long, value_name = "CRS")]
    crs: Option<String>,
    /// Overviews: all halvings down to one block, or none.
    #[arg(long, value_enum, default_value_t)]
    overviews: Overviews,
    /// Leave out minimum, maximum, mean and standard deviation of each band.
    #[arg(long)]
    no_statistics: bool,
    /// Align pixels and blocks with a tile matrix set, and with one of its matrices: `grid:LAMB93_5cm`, `grid:PM@21`.
    #[arg(long, value_name = "GRID", conflicts_with_all = ["merge", "block"])]
    into: Option<String>,
    /// Join files into larger ones: squares of so many metres (1000m, 1km), or so many columns and rows of files (4x4).
    #[arg(long, value_name = "SIZE", value_parser = words::merge)]
    merge: Option<Merge>,
    /// Which file wins where several are merged: the one changed last, or the one named first.
    #[arg(long, value_enum, default_value_t, requires = "merge")]
    order: Priority,
    /// Threads [default: one per core].
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Codec {
    Jpeg,
    Webp,
    LosslessWebp,
    Zstd,
    Deflate,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum Overviews {
    #[default]
    Auto,
    None,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum Priority {
    #[default]
    Newest,
    First,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let started = Instant::now();
    let options = options(arguments)?;
    let threads = arguments.threads.unwrap_or(0);
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global()?;
    let (inputs, mut refused) = inputs(arguments)?;
    let jobs = if let Some(merge) = arguments.merge {
        let order = if arguments.order == Priority::Newest { Order::Newest } else { Order::First };
        let (jobs, more) = merged(&inputs, &arguments.output, (merge, order), &options)
            .map_err(|error| log::chain(&error))?;
        refused.extend(more);
        jobs
    } else {
        let (jobs, more) = jobs(&inputs, &arguments.output);
        refused.extend(more);
        jobs
    };
    let progress = Progress::new(&jobs, std::io::stderr().is_terminal());
    for one in &refused {
        progress.line(&format!("{}: {}", one.path.display(), one.reason));
    }
    let run = Run { options, progress, queue: Mutex::new(jobs.into()), is_stopped: AtomicBool::new(false) };
    let sum = run.all();
    run.progress.finish();
    sum.tell(refused.len(), started.elapsed().as_secs_f64());
    if run.is_stopped.load(Ordering::Relaxed) {
        let folder = arguments.output.display();
        return Err(format!(
            "the disk of {folder} is full: what is written is whole; make room and run the same command again, it goes on"
        )
        .into());
    }
    let is_well = refused.is_empty() && sum.failed == 0;
    Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn options(arguments: &Arguments) -> Result<Options, Failure> {
    let crs = arguments.crs.as_deref().map(tiler::crs::Crs::from_name).transpose();
    Ok(Options {
        compress: arguments.compress.map(|codec| match codec {
            Codec::Jpeg => Compress::Jpeg,
            Codec::Webp => Compress::WebP,
            Codec::LosslessWebp => Compress::LosslessWebP,
            Codec::Zstd => Compress::Zstd,
            Codec::Deflate => Compress::Deflate,
        }),
        quality: arguments.quality,
        block_px: arguments.block,
        nodata: arguments.nodata,
        crs: crs.map_err(|error| format!("--crs: {}", log::chain(&error)))?,
        has_overviews: arguments.overviews == Overviews::Auto,
        has_statistics: !arguments.no_statistics,
        into: arguments.into.as_deref().map(words::into).transpose()?,
    })
}

/// The files of all sources, and what looks like one and is none.
fn inputs(arguments: &Arguments) -> Result<(Vec<Input>, Vec<Refused>), Failure> {
    let output = fs::canonicalize(&arguments.output).ok();
    // What was written before is no source, where the output folder lies in a source folder.
    let is_output = |path: &Path| {
        output
            .as_ref()
            .is_some_and(|output| fs::canonicalize(path).is_ok_and(|path| path.starts_with(output)))
    };
    let (mut inputs, mut refused) = (Vec::new(), Vec::new());
    for source in &arguments.sources {
        let wanted = Wanted { is_raster: is_raster_name, limit: FILES_LIMIT };
        let found = scan_for(source, wanted)
            .map_err(|error| format!("{} {}", source.display(), log::chain(&error)))?;
        match found {
            Found::File(path) => {
                let relative = path.file_name().map(PathBuf::from).unwrap_or_default();
                inputs.push(Input { path, relative });
            }
            Found::Folder(listing) => {
                refused.extend(
                    listing.skipped.into_iter().map(|one| Refused { path: one.path, reason: one.reason }),
                );
                let files = listing.files.into_iter().filter(|path| !is_output(path));
                inputs.extend(files.map(|path| {
                    let relative = path.strip_prefix(source).unwrap_or(&path).to_owned();
                    Input { path, relative }
                }));
            }
        }
    }
    if inputs.is_empty() {
        return Err("there is no raster file in what was named".into());
    }
    Ok((inputs, refused))
}

/// All jobs, shared by some threads; what they compute is shared by the cores.
struct Run {
    options: Options,
    progress: Progress,
    queue: Mutex<VecDeque<Job>>,
    /// The disk is full.
    is_stopped: AtomicBool,
}

/// What came of all jobs.
#[derive(Debug, Default)]
struct Sum {
    written: usize,
    were_there: usize,
    failed: usize,
    source_bytes: u64,
    bytes: u64,
    notes: Vec<String>,
}

impl Run {
    fn all(&self) -> Sum {
        let sum = Mutex::new(Sum::default());
        let workers = rayon::current_num_threads().min(self.queue.lock().len()).max(1);
        thread::scope(|scope| {
            for _ in 0..workers {
                scope.spawn(|| {
                    while !self.is_stopped.load(Ordering::Relaxed) {
                        let Some(job) = self.queue.lock().pop_front() else { break };
                        self.one(&job, &sum);
                    }
                });
            }
            if !self.progress.is_terminal() {
                scope.spawn(|| self.progress.tell_now_and_then());
            }
        });
        sum.into_inner()
    }

    fn one(&self, job: &Job, sum: &Mutex<Sum>) {
        let watch = OfJob::new(&self.progress, job);
        let done = convert(job, &self.options, &watch);
        watch.finish();
        let mut sum = sum.lock();
        match done {
            Ok(done) if done.was_there => sum.were_there += 1,
            Ok(done) => {
                sum.written += 1;
                sum.source_bytes += done.source_bytes;
                sum.bytes += done.bytes;
                sum.notes.extend(done.notes);
            }
            Err(error) => {
                if error.is_disk_full() {
                    self.is_stopped.store(true, Ordering::Relaxed);
                    self.progress.stop();
                }
                sum.failed += 1;
                self.progress.line(&words::failure(job, &error));
            }
        }
    }
}

impl Sum {
    fn tell(&self, refused: usize, seconds: f64) {
        for note in self.notes.iter().take(NOTES) {
            eprintln!("pavage: {}", log::printable(note));
        }
        if let Some(more) = self.notes.len().checked_sub(NOTES).filter(|more| *more > 0) {
            eprintln!("pavage: and {more} more like these");
        }
        let mut parts = vec![format!("{} written", columns::counted(self.written, "file"))];
        if self.written > 0 {
            let (from, to) = (columns::bytes(self.source_bytes), columns::bytes(self.bytes));
            parts[0] = format!("{}, {from} became {to}", parts[0]);
        }
        if self.were_there > 0 {
            parts.push(format!("{} done before", columns::grouped(self.were_there as u64)));
        }
        if self.failed + refused > 0 {
            parts.push(format!("{} not", columns::grouped((self.failed + refused) as u64)));
        }
        println!("{} in {seconds:.1} s", parts.join("; "));
    }
}
