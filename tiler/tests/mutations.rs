//! Files that lie: a seeded mutator that knows where the numbers of a TIFF are. Nothing panics, hangs, or takes more memory
//! than the limits allow; a file is read or refused.
//!
//! `PAVAGE_FUZZ_CASES` sets how many; `make fuzz` runs many, on all cores. A case that fails is kept as a file under
//! `target/tmp`, and belongs into `tiler/tests/hostile` once it is understood.

mod support;

use std::{
    fs,
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use peak_alloc::PeakAlloc;
use rustix::time::{ClockId, clock_gettime};
use support::{
    exercise::exercise,
    mutator::{Random, mutate},
    seeds,
};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// What one file may take: a block of the 64 MiB that the limits allow, as stored, as samples, and without its alpha.
const PEAK_BYTES: usize = 256 << 20;
const SLOWEST: Duration = Duration::from_millis(if cfg!(debug_assertions) { 2000 } else { 250 });
/// A case that takes so long never ends.
const HANG: Duration = Duration::from_mins(1);
/// Failures after which there is no point in going on.
const ENOUGH: usize = 25;
/// So many cases are worth several processes; memory is counted per process.
const WORTH_WORKERS: u64 = 20_000;
const RANGE: &str = "PAVAGE_FUZZ_RANGE";
/// Real files up to this size are mutated too.
const REAL_BYTES: u64 = 64 << 10;

#[derive(Debug, Default, Clone, Copy)]
struct Figures {
    cases: u64,
    opened: u64,
    failed: u64,
    slowest: Duration,
    peak_bytes: usize,
}

#[test]
fn a_file_that_lies_is_read_or_refused() {
    if let Some(range) = std::env::var(RANGE).ok().and_then(|text| parse_range(&text)) {
        let figures = run(range);
        println!("{}", figures.to_line());
        return;
    }
    let cases = std::env::var("PAVAGE_FUZZ_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(5000);
    let started = Instant::now();
    let figures = if cases < WORTH_WORKERS { run(0..cases) } else { run_by_workers(cases) };
    println!(
        "{} files, {} opened, {} failed; the slowest took {:?}, the largest {} MiB; all took {:.0?}",
        figures.cases,
        figures.opened,
        figures.failed,
        figures.slowest,
        figures.peak_bytes >> 20,
        started.elapsed()
    );
    assert_eq!(figures.failed, 0, "the failures above are kept under {}", kept().display());
    assert!(figures.opened > cases / 20, "some mutations do no harm");
}

/// `PAVAGE_BLESS=1` writes them.
#[test]
fn the_fuzz_targets_start_with_a_file_of_every_kind() {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let targets = [
        ("source_open", seeds::tiffs()),
        ("jp2_open", seeds::jp2s()),
        ("codec_block", seeds::blocks()),
        ("jpeg_partial", seeds::partials()),
        ("webp_partial", seeds::partial_webps()),
    ];
    for (target, seeds) in targets {
        for (name, bytes) in seeds {
            let path = corpora.join(target).join(name);
            if std::env::var_os("PAVAGE_BLESS").is_some() {
                fs::write(&path, bytes).expect("the repository is ours");
            }
            assert!(path.is_file(), "{target}/{name} is missing: `make bless`");
        }
    }
}

/// The cases of a range, one after the other.
fn run(cases: Range<u64>) -> Figures {
    let (made, real) = ([seeds::tiffs(), seeds::jp2s()].concat(), real_files());
    let mut figures = Figures { cases: cases.end - cases.start, ..Figures::default() };
    let now = Watch::start();
    for (name, bytes) in &made {
        now.case.store(u64::MAX, Relaxed);
        assert!(check(name, bytes, &mut figures), "the seed {name} is sound");
    }
    for case in cases {
        now.case.store(case, Relaxed);
        let mut random = Random::new(case);
        let seed = match case % 4 {
            3 if !real.is_empty() => &real[random.below(real.len())],
            _ => &made[random.below(made.len())].1,
        };
        let mutant = mutate(seed, &mut random);
        figures.opened += u64::from(check(&format!("case-{case}"), &mutant, &mut figures));
        if figures.failed as usize >= ENOUGH {
            break;
        }
    }
    now.case.store(Watch::DONE, Relaxed);
    figures
}

/// Exercises one file and measures it; whether it was opened.
fn check(name: &str, bytes: &[u8], figures: &mut Figures) -> bool {
    let mut took = Duration::MAX;
    let mut opened = false;
    // What is slow once may have been interrupted.
    for _ in 0..3 {
        let copy = bytes.to_vec();
        MEMORY.reset_peak_usage();
        let (before, started) = (MEMORY.current_usage(), processor_time());
        let outcome = catch_unwind(AssertUnwindSafe(|| exercise(copy)));
        took = took.min(processor_time().saturating_sub(started));
        let peak = MEMORY.peak_usage().saturating_sub(before);
        figures.peak_bytes = figures.peak_bytes.max(peak);
        let Ok(outcome) = outcome else {
            figures.keep("panic", name, bytes, "it panics");
            return false;
        };
        opened = outcome;
        if peak > PEAK_BYTES {
            figures.keep("oom", name, bytes, &format!("it takes {} MiB", peak >> 20));
            break;
        }
        if took <= SLOWEST {
            break;
        }
    }
    figures.slowest = figures.slowest.max(took);
    if took > SLOWEST {
        figures.keep("loop", name, bytes, &format!("it takes {took:?}"));
    }
    opened
}

/// Of all threads: on a busy machine the clock runs on while we do not.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

impl Figures {
    fn keep(&mut self, failure: &str, name: &str, bytes: &[u8], what: &str) {
        self.failed += 1;
        let path = kept().join(format!("{failure}-{name}.tif"));
        println!("{name}: {what}; kept as {}", path.display());
        fs::create_dir_all(kept()).and_then(|()| fs::write(&path, bytes)).expect("the target folder is ours");
    }

    fn to_line(self) -> String {
        let numbers =
            [self.cases, self.opened, self.failed, self.slowest.as_micros() as u64, self.peak_bytes as u64];
        format!("\nfigures {}", numbers.map(|number| number.to_string()).join(" "))
    }

    fn from_output(output: &str) -> Option<Self> {
        let line = output.lines().find_map(|line| line.strip_prefix("figures "))?;
        let numbers: Vec<u64> = line.split(' ').filter_map(|number| number.parse().ok()).collect();
        let &[cases, opened, failed, slowest, peak] = &numbers[..] else { return None };
        let slowest = Duration::from_micros(slowest);
        Some(Self { cases, opened, failed, slowest, peak_bytes: peak as usize })
    }
}

/// The cases shared out among processes, as memory is counted by process.
fn run_by_workers(cases: u64) -> Figures {
    let workers = thread::available_parallelism().map_or(1, |n| n.get() as u64);
    let share = |worker: u64| cases * worker / workers;
    let running: Vec<_> = (0..workers)
        .map(|worker| {
            Command::new(std::env::current_exe().expect("we are running"))
                .args(["--exact", "a_file_that_lies_is_read_or_refused", "--nocapture"])
                .env(RANGE, format!("{}..{}", share(worker), share(worker + 1)))
                .stdout(Stdio::piped())
                .spawn()
                .expect("we can be run")
        })
        .collect();
    running.into_iter().fold(Figures::default(), |sum, worker| {
        let output = worker.wait_with_output().expect("it runs");
        let text = String::from_utf8_lossy(&output.stdout);
        let figures = Figures::from_output(&text);
        let Some(figures) = figures.filter(|figures| figures.failed == 0) else {
            println!("{text}");
            let died = Figures { failed: 1, ..Figures::default() };
            return sum.and(figures.unwrap_or(died));
        };
        sum.and(figures)
    })
}

impl Figures {
    fn and(self, other: Self) -> Self {
        Self {
            cases: self.cases + other.cases,
            opened: self.opened + other.opened,
            failed: self.failed + other.failed,
            slowest: self.slowest.max(other.slowest),
            peak_bytes: self.peak_bytes.max(other.peak_bytes),
        }
    }
}

/// Ends the process when a case does not end, and tells which.
struct Watch {
    case: Arc<AtomicU64>,
}

impl Watch {
    const DONE: u64 = u64::MAX - 1;

    fn start() -> Self {
        let case = Arc::new(AtomicU64::new(u64::MAX));
        let watched = Arc::clone(&case);
        thread::spawn(move || {
            let mut last = (u64::MAX, Instant::now());
            loop {
                thread::sleep(Duration::from_millis(500));
                match watched.load(Relaxed) {
                    Self::DONE => return,
                    now if now != last.0 => last = (now, Instant::now()),
                    now if last.1.elapsed() > HANG => {
                        println!("case {now} does not end");
                        std::process::abort();
                    }
                    _ => {}
                }
            }
        });
        Self { case }
    }
}

/// Small real files, where they are to be had.
fn real_files() -> Vec<Vec<u8>> {
    let data = std::env::var_os("PAVAGE_TEST_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"), PathBuf::from);
    let mut found = Vec::new();
    let mut folders = vec![data.join("corpus")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                Ok(kind) if kind.is_file() && entry.metadata().is_ok_and(|m| m.len() <= REAL_BYTES) => {
                    found.push(entry.path());
                }
                _ => {}
            }
        }
    }
    if found.is_empty() {
        println!("skipped: no real files to mutate; PAVAGE_TEST_DATA names their folder");
    }
    found.sort();
    let is_raster = |path: &PathBuf| {
        let ending = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
        matches!(ending.as_deref(), Some("tif" | "tiff" | "jp2" | "ovr" | "msk"))
    };
    found.iter().filter(|path| is_raster(path)).filter_map(|path| fs::read(path).ok()).collect()
}

fn parse_range(text: &str) -> Option<Range<u64>> {
    let (start, end) = text.split_once("..")?;
    Some(start.parse().ok()?..end.parse().ok()?)
}

fn kept() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("hostile")
}
