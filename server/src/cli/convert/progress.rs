//! How far it is: a bar at a terminal, a line now and then elsewhere. Bytes of the sources are the measure.

use std::{
    fs,
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tiler::convert::{Job, Watch};

use super::columns;
use crate::log;

/// Between two lines where there is no terminal.
const PAUSE: Duration = Duration::from_secs(10);
/// More sizes than this are not asked for: files are the measure then, all alike.
const SIZES: usize = 20_000;

/// How far all jobs are.
pub(super) struct Progress {
    bar: ProgressBar,
    is_terminal: bool,
    /// Whether all files count alike.
    is_by_file: bool,
    total: usize,
    done: AtomicUsize,
    started: Instant,
}

impl Progress {
    pub(super) fn new(jobs: &[Job], is_terminal: bool) -> Self {
        let is_by_file = jobs.len() > SIZES;
        let weight: u64 = jobs.iter().map(|job| weight(job, is_by_file)).sum();
        let target = if is_terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let style = ProgressStyle::with_template("{msg} {wide_bar} {percent} %, {eta} left");
        let bar = ProgressBar::with_draw_target(Some(weight), target)
            .with_style(style.expect("the template is well formed"));
        let (total, done) = (jobs.len(), AtomicUsize::new(0));
        let progress = Self { bar, is_terminal, is_by_file, total, done, started: Instant::now() };
        progress.name();
        progress
    }

    pub(super) const fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// A line on standard error, above the bar.
    pub(super) fn line(&self, text: &str) {
        let text = format!("pavage: {}", log::printable(text));
        self.bar.suspend(|| eprintln!("{text}"));
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    /// Lines until all is done.
    pub(super) fn tell_now_and_then(&self) {
        let mut next = self.started + PAUSE;
        while !self.bar.is_finished() && self.done.load(Ordering::Relaxed) < self.total {
            std::thread::sleep(Duration::from_millis(100));
            if Instant::now() >= next {
                next += PAUSE;
                let (at, all) = (self.bar.position(), self.bar.length().unwrap_or(0).max(1));
                let spent = self.started.elapsed().as_secs_f64();
                let left = spent * (all.saturating_sub(at)) as f64 / at.max(1) as f64;
                let percent = at as f64 * 100.0 / all as f64;
                eprintln!("pavage: {}, {percent:.0} %, about {left:.0} s left", self.files());
            }
        }
    }

    fn files(&self) -> String {
        let grouped = |n: usize| columns::grouped(n as u64);
        format!("{} of {} files", grouped(self.done.load(Ordering::Relaxed)), grouped(self.total))
    }

    fn name(&self) {
        self.bar.set_message(self.files());
    }

    /// Nothing more will come.
    pub(super) fn stop(&self) {
        self.bar.abandon();
    }
}

/// What a job counts.
fn weight(job: &Job, is_by_file: bool) -> u64 {
    let size = |path| fs::metadata(path).map_or(1, |metadata| metadata.len().max(1));
    if is_by_file { 1000 } else { job.sources.iter().map(size).sum() }
}

/// How far one job is.
pub(super) struct OfJob<'a> {
    progress: &'a Progress,
    weight: u64,
    blocks: AtomicU64,
    made: AtomicU64,
}

impl<'a> OfJob<'a> {
    pub(super) fn new(progress: &'a Progress, job: &Job) -> Self {
        let weight = weight(job, progress.is_by_file);
        Self { progress, weight, blocks: AtomicU64::new(0), made: AtomicU64::new(0) }
    }

    /// What is left of it counts as done.
    pub(super) fn finish(&self) {
        let (made, blocks) = (self.made.load(Ordering::Relaxed), self.blocks.load(Ordering::Relaxed));
        self.progress.bar.inc(self.weight - self.part(made, blocks));
        self.progress.done.fetch_add(1, Ordering::Relaxed);
        self.progress.name();
    }

    fn part(&self, made: u64, blocks: u64) -> u64 {
        if blocks == 0 { 0 } else { (u128::from(self.weight) * u128::from(made) / u128::from(blocks)) as u64 }
    }
}

impl Watch for OfJob<'_> {
    fn begins(&self, blocks: u64) {
        self.blocks.store(blocks, Ordering::Relaxed);
    }

    fn block_done(&self) {
        let blocks = self.blocks.load(Ordering::Relaxed);
        let made = self.made.fetch_add(1, Ordering::Relaxed);
        self.progress.bar.inc(self.part(made + 1, blocks) - self.part(made, blocks));
    }
}
