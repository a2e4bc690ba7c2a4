//! How far it is: a bar at a terminal, a line now and then elsewhere.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::columns;
use crate::seed::Sum;

/// Between two lines where there is no terminal.
const PAUSE: Duration = Duration::from_secs(10);

/// A bar, or lines.
pub(super) struct Progress {
    bar: ProgressBar,
    is_terminal: bool,
    tiles: u64,
    started: Instant,
    next: Cell<Instant>,
}

impl Progress {
    pub(super) fn new(tiles: u64, is_terminal: bool) -> Self {
        let target = if is_terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let style = ProgressStyle::with_template("{msg} {wide_bar} {percent} %, {per_sec}, {eta} left");
        let bar = ProgressBar::with_draw_target(Some(tiles), target)
            .with_style(style.expect("the template is well formed"));
        let started = Instant::now();
        Self { bar, is_terminal, tiles, started, next: Cell::new(started + PAUSE) }
    }

    pub(super) fn tell(&self, sum: &Sum) {
        if self.is_terminal {
            self.bar.set_position(sum.done());
            self.bar.set_message(self.words(sum));
        } else if Instant::now() >= self.next.get() {
            self.next.set(Instant::now() + PAUSE);
            let spent = self.started.elapsed().as_secs_f64();
            let (done, rate) = (sum.done(), sum.done() as f64 / spent);
            let percent = done as f64 * 100.0 / self.tiles.max(1) as f64;
            let left = self.tiles.saturating_sub(done) as f64 / rate.max(1e-9);
            eprintln!(
                "pavage: {}, {percent:.0} %, {rate:.0} tiles/s, about {left:.0} s left",
                self.words(sum)
            );
        }
    }

    fn words(&self, sum: &Sum) -> String {
        let (done, all) = (columns::grouped(sum.done()), columns::grouped(self.tiles));
        format!("{done} of {all} tiles, {}", columns::bytes(sum.bytes))
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
