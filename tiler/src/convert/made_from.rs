//! The mark in a file that says what it was made from, and how: so a second run knows what is done.

use std::{path::Path, sync::Arc};

use xxhash_rust::xxh3::xxh3_128;

use super::{Job, Options};
use crate::source::{OpenOptions, Source};

/// To be raised whenever the same files and options would be written otherwise.
const VERSION: u32 = 1;
pub(super) const DOMAIN: &str = "PAVAGE";
pub(super) const NAME: &str = "MADE_FROM";

/// A hash of the state of the sources, of the options, and of the place that is cut out of them.
pub(super) fn key(sources: &[Arc<Source>], job: &Job, options: &Options) -> String {
    let into = options.into.as_ref().map(|into| (&into.set.id, into.matrix));
    let generations: Vec<u128> = sources.iter().map(|source| source.generation()).collect();
    let how = (
        options.compress,
        options.quality,
        options.block_px,
        options.nodata.map(f64::to_bits),
        options.has_overviews,
        options.has_statistics,
        into,
    );
    let text = format!("{VERSION} {generations:?} {:?} {how:?}", job.cell);
    format!("{:032x}", xxh3_128(text.as_bytes()))
}

/// The mark of the file at a path: `None` where there is no file, or none that can be read, `Some(None)` where there is one
/// without a mark.
pub(super) fn of(path: &Path) -> Option<Option<String>> {
    let source = Source::open(path, &OpenOptions::default());
    let Ok(source) = source else {
        // What cannot be read is not worth keeping only if it is ours, which nobody can tell; nothing is there, or damage.
        return path.exists().then_some(None);
    };
    let is_mark = |item: &&crate::sidecar::Item| item.domain == DOMAIN && item.name == NAME;
    Some(source.facts().items.iter().find(is_mark).map(|item| item.value.clone()))
}
