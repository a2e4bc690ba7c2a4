//! What is counted, and how it is told.

use std::time::Duration;

use serde::Serialize;

use crate::client::Answer;

/// Answers as they come.
#[derive(Debug, Default)]
pub struct Tally {
    latencies_us: Vec<u32>,
    bytes: u64,
    bad: u64,
    last_bad: String,
}

impl Tally {
    /// Counts an answer; what is not 200 is bad.
    pub fn count(&mut self, path: &str, answer: &Answer) {
        if answer.status == 200 {
            self.latencies_us.push(micros(answer.latency));
            self.bytes += answer.bytes;
        } else {
            self.bad += 1;
            self.last_bad =
                format!("{} {path} {}", answer.status, answer.failure.as_deref().unwrap_or_default());
        }
    }

    /// All that was counted in so much time.
    pub fn told(mut self, wall: Duration) -> Told {
        let n = self.latencies_us.len() as u64;
        Told {
            n,
            wall_s: wall.as_secs_f64(),
            rps: n as f64 / wall.as_secs_f64(),
            latency: Quantiles::of(&mut self.latencies_us),
            bytes: self.bytes / n.max(1),
            bad: self.bad,
            last_bad: self.last_bad,
        }
    }
}

/// Of a run.
#[derive(Debug, Serialize)]
pub struct Told {
    n: u64,
    wall_s: f64,
    rps: f64,
    #[serde(flatten)]
    latency: Quantiles,
    /// Of an answer, on average.
    bytes: u64,
    bad: u64,
    last_bad: String,
}

/// In milliseconds; zeros where nothing was measured.
#[expect(clippy::struct_field_names, reason = "the unit belongs to the name")]
#[derive(Debug, Default, Serialize)]
pub struct Quantiles {
    p50_ms: f64,
    p99_ms: f64,
    max_ms: f64,
}

impl Quantiles {
    /// Of microseconds, in any order.
    pub fn of(latencies_us: &mut [u32]) -> Self {
        latencies_us.sort_unstable();
        let at = |part: f64| {
            let index = (latencies_us.len().saturating_sub(1) as f64 * part) as usize;
            latencies_us.get(index).map_or(0.0, |us| f64::from(*us) / 1000.0)
        };
        Self { p50_ms: at(0.5), p99_ms: at(0.99), max_ms: at(1.0) }
    }
}

/// As they are kept.
pub fn micros(duration: Duration) -> u32 {
    u32::try_from(duration.as_micros()).unwrap_or(u32::MAX)
}
