//! `pavage diff`: what has changed on disk since the index was written, and how many tiles that changes; nothing is written.

use std::{process::ExitCode, sync::Arc};

use serde_json::json;
use tiler::catalog::Dalle;

use super::{Failure, catalog::Sources};
use crate::{
    layers::{Change, Layer, What, changed_dalles, changed_tiles},
    log,
};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Write JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    sources: Sources,
}

/// What has happened to one layer.
struct Difference<'a> {
    before: &'a Arc<Layer>,
    after: &'a Arc<Layer>,
    dalles: Vec<Arc<Dalle>>,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let mut catalog = arguments.sources.open()?;
    let before = catalog.snapshot();
    let changes = catalog.refresh_without_keeping();
    let after = catalog.snapshot();
    let layers: Vec<_> =
        before.layers.iter().filter_map(|(id, before)| difference(before, after.layers.get(id)?)).collect();
    if arguments.json {
        println!("{:#}", document(&changes, &layers));
    } else {
        tell(&changes, &layers);
    }
    Ok(ExitCode::from(u8::from(!changes.is_empty())))
}

fn difference<'a>(before: &'a Arc<Layer>, after: &'a Arc<Layer>) -> Option<Difference<'a>> {
    let dalles = changed_dalles(before, after);
    (!dalles.is_empty()).then_some(Difference { before, after, dalles })
}

fn tell(changes: &[Change], layers: &[Difference<'_>]) {
    if changes.is_empty() {
        println!("nothing has changed");
    }
    for Change { path, what, fault } in changes {
        let path = log::printable(&path.display().to_string());
        match fault {
            Some(reason) if *what != What::Deleted => println!("{what:<10} {path}  ({reason})"),
            _ => println!("{what:<10} {path}"),
        }
    }
    for Difference { before, after, dalles } in layers {
        for set in &after.sets {
            let counts = changed_tiles(before, after, set, dalles);
            let counts: Vec<_> = counts
                .iter()
                .filter(|count| count.tiles > 0)
                .map(|count| {
                    format!(
                        "{}: {}{}",
                        count.matrix,
                        if count.is_estimate { "about " } else { "" },
                        count.tiles
                    )
                })
                .collect();
            println!("tiles of {} in {} that change, by zoom: {}", after.id, set.set.id, counts.join(", "));
        }
    }
}

fn document(changes: &[Change], layers: &[Difference<'_>]) -> serde_json::Value {
    let changes: Vec<_> = changes
        .iter()
        .map(|Change { path, what, fault }| {
            json!({ "path": path.to_string_lossy(), "what": what.to_string(), "fault": fault })
        })
        .collect();
    let layers: Vec<_> = layers
        .iter()
        .map(|Difference { before, after, dalles }| {
            let sets: serde_json::Map<_, _> = after
                .sets
                .iter()
                .map(|set| {
                    let counts = changed_tiles(before, after, set, dalles).into_iter();
                    let counts = counts.map(|count| {
                        json!({ "matrix": count.matrix, "tiles": count.tiles, "estimate": count.is_estimate })
                    });
                    (set.set.id.clone(), counts.collect())
                })
                .collect();
            json!({ "layer": after.id, "dalles": dalles.len(), "tiles": sets })
        })
        .collect();
    json!({ "changes": changes, "layers": layers })
}
