//! What serving a file will cost, in words and numbers, and the command that makes it cheaper. All of it is told by headers:
//! no pixel is read, so a verdict takes microseconds. It knows no tile matrix set and no other file.
//!
//! A check is a function that looks at an open [`Source`] and may add an [`Advice`]; a new one is added to a list below.

mod cost;
mod layout;
mod picture;
mod place;
mod remedy;
mod stored;

pub use cost::Cost;
pub use remedy::quoted;

use super::Source;

/// Something that is worth knowing before a file is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// Stable, for scripts: `no-overviews`.
    pub code: &'static str,
    /// What it hurts.
    pub severity: Severity,
    /// What it costs, in words with numbers.
    pub cost: String,
    /// A command for a shell that mends it.
    pub remedy: Option<String>,
}

/// What a peculiarity of a file hurts, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The file cannot be served.
    Refused,
    /// Tiles take longer than they need to.
    Slow,
    /// Tiles do not look as they should.
    Picture,
    /// Nothing.
    Note,
}

impl Severity {
    /// In lower case, for tables and documents.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Slow => "slow",
            Self::Picture => "picture",
            Self::Note => "note",
        }
    }
}

/// Every check, in the order in which equally severe ones are told.
const CHECKS: [fn(&Source) -> Option<Advice>; 18] = [
    place::no_georeference,
    place::no_crs,
    layout::no_overviews,
    layout::few_overviews,
    layout::overview_gap,
    layout::wide_strips,
    layout::small_blocks,
    layout::large_blocks,
    layout::costly_codec,
    layout::no_packet_lengths,
    layout::planar,
    picture::lossy_nodata,
    picture::sparse,
    picture::stretched,
    picture::palette,
    place::rotated,
    place::unnamed_crs,
    place::pixel_is_point,
];

impl Source {
    /// All that is worth knowing before the file is served, the worst first; never empty.
    pub fn verdict(&self) -> Vec<Advice> {
        let mut found: Vec<Advice> = CHECKS.iter().filter_map(|check| check(self)).collect();
        found.sort_by_key(|advice| advice.severity);
        if found.is_empty() {
            let cost = "ready to serve".to_owned();
            found.push(Advice { code: "ready", severity: Severity::Note, cost, remedy: None });
        }
        found
    }
}

/// `16.8 million pixels`.
fn million_pixels(pixels: f64) -> String {
    format!("{} million pixels", short(pixels / 1e6))
}

/// `2.4 MB`.
fn megabytes(bytes: u64) -> String {
    format!("{} MB", short(bytes as f64 / 1e6))
}

/// Two digits or more: `0.04`, `2.4`, `17`.
fn short(value: f64) -> String {
    match value {
        v if v >= 9.95 => format!("{v:.0}"),
        v if v >= 0.095 => format!("{v:.1}"),
        v => format!("{v:.2}"),
    }
}

#[cfg(test)]
mod tests;
