//! The mark in a file that says what it was made from, and how: so a second run knows what is done.

use std::{path::Path, sync::Arc};

use xxhash_rust::xxh3::xxh3_128;

use super::{Job, Options};
use crate::{
    sidecar::Item,
    source::{OpenOptions, Source},
};

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

/// What is at the path of a target.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Present {
    /// Nothing.
    Nothing,
    /// A file with a mark.
    Ours(String),
    /// A file without one, or one that cannot be read: nobody can tell whose it is.
    Other,
}

/// Looks at the path of a target.
pub(super) fn at(path: &Path) -> Present {
    let is_mark = |item: &&Item| item.domain == DOMAIN && item.name == NAME;
    match Source::open(path, &OpenOptions::default()) {
        Ok(source) => match source.facts().items.iter().find(is_mark) {
            Some(item) => Present::Ours(item.value.clone()),
            None => Present::Other,
        },
        Err(_) if path.exists() => Present::Other,
        Err(_) => Present::Nothing,
    }
}
