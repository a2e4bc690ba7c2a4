//! How far the first look at many files has come: a bar for a person at a terminal, a line now and then for a log.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use parking_lot::Mutex;

/// A look at fewer files is over before a bar is drawn.
const FILES_FROM: usize = 2000;
const LINE_EVERY: Duration = Duration::from_secs(10);

/// A bar, or lines.
pub(super) struct Scan {
    bar: ProgressBar,
    line: Mutex<Instant>,
}

impl Scan {
    pub(super) fn new() -> Self {
        let style = ProgressStyle::with_template(
            "reading headers {wide_bar} {pos}/{len} files, {per_sec}, {eta} left",
        )
        .expect("the template is well formed");
        let bar = ProgressBar::new(0).with_style(style);
        Self { bar, line: Mutex::new(Instant::now()) }
    }

    /// So many files of so many have been looked at.
    pub(super) fn tell(&self, done: usize, count: usize) {
        // Drawing for each file would cost more than looking at it.
        if count < FILES_FROM || !done.is_multiple_of(64) {
            return;
        }
        self.bar.set_length(count as u64);
        self.bar.set_position(done as u64);
        if self.bar.is_hidden() {
            let mut line = self.line.lock();
            if line.elapsed() > LINE_EVERY {
                *line = Instant::now();
                tracing::info!(files = done, of = count, "reading headers");
            }
        }
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
