//! The report as JSON, with all that the text says and the lists that it only begins.

use serde_json::{Value, json};
use tiler::{geom::Bounds, source::Severity};

use super::Collection;
use crate::inspect::{Alignment, Duplicates, Kind, Lattice, Overlaps, Property, Refusal, Tally};

pub(super) fn collection(collection: &Collection) -> Value {
    let report = &collection.report;
    let extents = report
        .extents
        .iter()
        .map(|(crs, (files, extent))| json!({ "crs": crs, "files": files, "bounds": bounds(extent) }));
    json!({
        "layer": collection.layer,
        "paths": collection.paths,
        "status": report.status() as u8,
        "files": report.files,
        "served": report.served(),
        "pixels": report.pixels,
        "bytes": report.bytes,
        "extents": extents.collect::<Vec<_>>(),
        "refused": report.refused.iter().map(refusal).collect::<Vec<_>>(),
        "problems": report.problems.iter().map(problem).collect::<Vec<_>>(),
        "groups": report.properties.iter().map(|one| (one.name.to_owned(), kinds(one))).collect::<serde_json::Map<_, _>>(),
        "mixed": report.properties.iter().filter(|one| one.is_mixed()).map(|one| one.name).collect::<Vec<_>>(),
        "duplicate_names": duplicates(&report.names),
        "duplicate_footprints": duplicates(&report.footprints),
        "overlaps": overlaps(&report.overlaps),
        "grids": report.lattices.iter().map(grid).collect::<Vec<_>>(),
        "alignment": report.alignments.iter().flatten().map(alignment).collect::<Vec<_>>(),
    })
}

fn refusal(refusal: &Refusal) -> Value {
    json!({
        "reason": refusal.reason,
        "remedy": refusal.remedy(),
        "files": refusal.files,
        "paths": refusal.paths,
    })
}

fn problem(((severity, code), tally): &((Severity, &'static str), Tally)) -> Value {
    json!({
        "code": code,
        "severity": severity.name(),
        "files": tally.files,
        "example": tally.example,
        "cost": tally.cost,
        "remedy": tally.remedy,
    })
}

fn kinds(property: &Property) -> Value {
    let kind = |kind: &Kind| json!({ "value": kind.value, "files": kind.files, "example": kind.example });
    json!(property.kinds.iter().map(kind).collect::<Vec<_>>())
}

fn duplicates(found: &Duplicates) -> Value {
    json!({ "groups": found.groups, "files": found.files, "examples": found.examples })
}

fn overlaps(found: &Overlaps) -> Value {
    let worst = found.worst.as_ref().map(|worst| {
        json!({ "paths": worst.paths, "size_px": [worst.size_px.0, worst.size_px.1], "share": worst.share })
    });
    json!({
        "pairs": found.pairs,
        "files": found.files,
        "is_complete": !found.is_incomplete,
        "worst": worst,
    })
}

fn grid(lattice: &Lattice) -> Value {
    let (off, gaps) = (&lattice.off_grid, &lattice.gaps);
    json!({
        "crs": lattice.crs,
        "dalles": lattice.dalles,
        "size_px": [lattice.size.width, lattice.size.height],
        "step": [lattice.step.0, lattice.step.1],
        "origin": [lattice.origin.0, lattice.origin.1],
        "off_grid": { "files": off.files, "worst_px": off.worst_px, "example": off.example },
        "gaps": {
            "enclosed": gaps.enclosed,
            "notches": gaps.notches,
            "cells": gaps.cells.iter().map(bounds).collect::<Vec<_>>(),
        },
    })
}

fn alignment(alignment: &Alignment) -> Value {
    let grids = alignment.grids.as_ref().map(|grids| {
        json!({
            "worst_px": grids.worst_px,
            "pixels_coincide": grids.pixels_coincide,
            "blocks_coincide": grids.blocks_coincide,
            "blocks_off_px": grids.blocks_off_px.map(|(x, y)| [x, y]),
        })
    });
    json!({
        "crs": alignment.crs,
        "cell_size": alignment.cell_size,
        "files": alignment.files,
        "set": alignment.set,
        "matrix": alignment.matrix,
        "ratio": alignment.ratio,
        "same_cell_size": grids,
        "passed": alignment.passed.as_ref().map(|passed| {
            json!({ "matrix": passed.matrix, "scale": passed.scale, "files": passed.files })
        }),
        "words": alignment.words(),
    })
}

fn bounds(b: &Bounds) -> [f64; 4] {
    [b.min_x, b.min_y, b.max_x, b.max_y]
}
