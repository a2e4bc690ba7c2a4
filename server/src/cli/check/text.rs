//! The report as text: what is wrong first, then what the collection is.

use std::path::{Path, PathBuf};

use tiler::geom::Bounds;

use super::{
    super::columns::{bytes, columns, counted, grouped},
    Collection,
};
use crate::{
    inspect::{Duplicates, Lattice, Overlaps, Property, Report, Status, significant},
    log::printable,
};

/// Examples of a kind that are named.
const NAMED: usize = 3;
/// Kinds that are named.
const KINDS: usize = 5;
/// Names from outside are cut after so many characters.
const NAME_CHARS: usize = 40;

type Cells = Vec<String>;

pub(super) fn lines(collection: &Collection) -> Vec<String> {
    let report = &collection.report;
    let text = Text {
        folder: collection.paths.first().filter(|_| collection.paths.len() == 1).map(PathBuf::as_path),
    };
    let mut out = vec![heading(collection)];
    let mut section = |title: &str, lines: Vec<String>| {
        if !lines.is_empty() {
            out.push(String::new());
            out.push(title.to_owned());
            out.extend(lines.into_iter().map(|line| format!("  {line}")));
        }
    };
    section("Problems", text.problems(report));
    let mut together: Vec<Cells> =
        report.properties.iter().flat_map(|property| text.mixed(property)).collect();
    together.extend(text.names(&report.names));
    together.extend(text.footprints(&report.footprints));
    together.extend(text.overlaps(&report.overlaps));
    together.extend(report.lattices.iter().flat_map(|lattice| text.irregular(lattice)));
    section("Together", columns(&together));
    section("Facts", columns(&facts(report)));
    out.push(String::new());
    out.push(conclusion(report));
    out
}

fn heading(collection: &Collection) -> String {
    let paths = collection.paths.iter().map(|path| printable(&path.display().to_string()));
    let paths = paths.collect::<Vec<_>>().join(", ");
    let report = &collection.report;
    let what = match &collection.layer {
        Some(layer) => format!("Layer {layer} ({paths})"),
        None => paths,
    };
    let pixels = match report.pixels {
        pixels if pixels < 10_000_000 => format!("{:.1}", pixels as f64 / 1e6),
        pixels => grouped(pixels / 1_000_000),
    };
    format!("{what}: {}, {pixels} million pixels, {}", counted(report.files, "file"), bytes(report.bytes))
}

fn conclusion(report: &Report) -> String {
    let served = report.served();
    match report.status() {
        Status::Sound => "All can be served; nothing is wrong.".to_owned(),
        Status::Warnings => "All can be served; see above what could be better.".to_owned(),
        Status::Refused if served == 0 => "Nothing can be served.".to_owned(),
        Status::Refused => {
            format!("{} of {} can be served.", grouped(served as u64), counted(report.files, "file"))
        }
    }
}

/// What a line needs to know to name files.
struct Text<'a> {
    /// Left out of paths, where all lie in it.
    folder: Option<&'a Path>,
}

impl Text<'_> {
    fn shown(&self, path: &Path) -> String {
        let inside = self.folder.and_then(|folder| path.strip_prefix(folder).ok());
        let path = inside.filter(|path| !path.as_os_str().is_empty()).unwrap_or(path);
        printable(&path.display().to_string())
    }

    fn examples(&self, paths: &[PathBuf]) -> String {
        let mut text = paths.iter().take(NAMED).map(|path| self.shown(path)).collect::<Vec<_>>().join(", ");
        if paths.len() > NAMED {
            text.push_str(", …");
        }
        text
    }

    /// A line a problem, and under it an example and what mends it.
    fn problems(&self, report: &Report) -> Vec<String> {
        let refused = report.refused.iter().map(|refusal| {
            let cells = ["refused", "unreadable", &counted(refusal.files, "file"), &refusal.reason];
            (cells.map(str::to_owned).to_vec(), self.examples(&refusal.paths), None)
        });
        let told = report.problems.iter().map(|((severity, code), tally)| {
            let cells = [severity.name(), code, &counted(tally.files, "file"), &printable(&tally.cost)];
            let example = if *code == "ready" { String::new() } else { self.shown(&tally.example) };
            (cells.map(str::to_owned).to_vec(), example, tally.remedy.clone())
        });
        let (heads, tails): (Vec<Cells>, Vec<_>) =
            refused.chain(told).map(|(cells, example, remedy)| (cells, (example, remedy))).unzip();
        let mut out = Vec::new();
        for (head, (example, remedy)) in columns(&heads).into_iter().zip(tails) {
            out.push(head);
            if !example.is_empty() {
                out.push(format!("    e.g. {example}"));
            }
            out.extend(remedy.map(|remedy| format!("    mend {remedy}")));
        }
        out
    }

    /// A line a kind.
    fn mixed(&self, property: &Property) -> Vec<Cells> {
        if !property.is_mixed() || property.is_harmless {
            return Vec::new();
        }
        let line = |(at, kind): (usize, &crate::inspect::Kind)| {
            let head = if at == 0 { format!("mixed {}", property.name) } else { String::new() };
            let example = format!("e.g. {}", self.shown(&kind.example));
            vec![head, name(&kind.value), counted(kind.files, "file"), example]
        };
        let mut lines: Vec<Cells> = property.kinds.iter().take(KINDS).enumerate().map(line).collect();
        if property.kinds.len() > KINDS {
            lines.push(vec![String::new(), format!("and {} more", property.kinds.len() - KINDS)]);
        }
        lines
    }

    fn names(&self, found: &Duplicates) -> Option<Cells> {
        let example = self.examples(found.examples.first()?);
        let (names, files) = (counted(found.groups, "name"), counted(found.files, "file"));
        Some(vec!["same name".to_owned(), format!("{names} in several folders ({files}), e.g. {example}")])
    }

    fn footprints(&self, found: &Duplicates) -> Option<Cells> {
        let example = self.examples(found.examples.first()?);
        let (places, files) = (counted(found.groups, "place"), counted(found.files, "file"));
        let words =
            format!("{places} covered by more than one file ({files}): the first one shows, e.g. {example}");
        Some(vec!["same ground".to_owned(), words])
    }

    fn overlaps(&self, found: &Overlaps) -> Option<Cells> {
        let worst = found.worst.as_ref()?;
        let more = if found.is_incomplete { " or more" } else { "" };
        let words = format!(
            "{}{more} of {} share more than a pixel; most: {} and {}, {:.0} x {:.0} px, {:.0} % of the smaller",
            counted(found.pairs as usize, "pair"),
            counted(found.files, "file"),
            self.shown(&worst.paths[0]),
            self.shown(&worst.paths[1]),
            worst.size_px.0,
            worst.size_px.1,
            worst.share * 100.0
        );
        Some(vec!["overlaps".to_owned(), words])
    }

    fn irregular(&self, lattice: &Lattice) -> Vec<Cells> {
        let mut out = Vec::new();
        let (gaps, off) = (&lattice.gaps, &lattice.off_grid);
        if gaps.enclosed > 0 {
            let cells = gaps.cells.iter().take(NAMED).map(bounds).collect::<Vec<_>>().join("; ");
            let more = if gaps.enclosed > NAMED { "; …" } else { "" };
            let words = format!("{} missing among others: {cells}{more}", counted(gaps.enclosed, "dalle"));
            out.push(vec!["gaps".to_owned(), words]);
        }
        if let Some(example) = &off.example {
            let words = format!(
                "{} beside the grid of the others, by up to {} px, e.g. {}",
                counted(off.files, "dalle"),
                (off.worst_px * 100.0).round() / 100.0,
                self.shown(example)
            );
            out.push(vec!["off grid".to_owned(), words]);
        }
        out
    }
}

fn facts(report: &Report) -> Vec<Cells> {
    let mut out: Vec<Cells> = Vec::new();
    let mut extents: Vec<_> = report.extents.iter().collect();
    extents.sort_by_key(|(_, (files, _))| std::cmp::Reverse(*files));
    for (crs, (files, extent)) in extents.iter().take(KINDS) {
        out.push(vec![name(crs), format!("{} within {}", counted(*files, "file"), bounds(extent))]);
    }
    if extents.len() > KINDS {
        out.push(vec!["…".to_owned(), format!("and {} more CRSs", extents.len() - KINDS)]);
    }
    for property in report.properties.iter().filter(|property| property.name != "crs") {
        let kinds = property.kinds.iter().take(KINDS).map(|kind| match property.kinds.len() {
            1 => kind.value.clone(),
            _ => format!("{} ({})", kind.value, grouped(kind.files as u64)),
        });
        let more = if property.kinds.len() > KINDS { ", …" } else { "" };
        let kinds = kinds.collect::<Vec<_>>().join(", ");
        if !kinds.is_empty() {
            out.push(vec![property.name.to_owned(), format!("{kinds}{more}")]);
        }
    }
    out.extend(report.lattices.iter().take(NAMED).map(grid));
    let is_alone = report.alignments.len() == 1;
    for best in report.alignments.iter().filter_map(|sets| sets.first()).take(NAMED) {
        let whose = format!("{} at {}: ", name(&best.crs), significant(best.cell_size));
        let whose = if is_alone { "" } else { &whose };
        out.push(vec!["tiles".to_owned(), format!("{whose}{}", best.words())]);
    }
    out
}

fn grid(lattice: &Lattice) -> Cells {
    let notches = match lattice.gaps.notches {
        0 => String::new(),
        count => format!(
            "; {} in its outline",
            if count == 1 { "1 notch".to_owned() } else { format!("{count} notches") }
        ),
    };
    let words = format!(
        "{} of {} x {} px, every {} x {}, from {} {}{notches}",
        counted(lattice.dalles, "dalle"),
        lattice.size.width,
        lattice.size.height,
        significant(lattice.step.0),
        significant(lattice.step.1),
        coordinate(lattice.origin.0),
        coordinate(lattice.origin.1)
    );
    vec!["grid".to_owned(), words]
}

/// A name that a file gives, in one line.
fn name(text: &str) -> String {
    let short: String = text.chars().take(NAME_CHARS).collect();
    let more = if short.len() < text.len() { "…" } else { "" };
    format!("{}{more}", printable(&short))
}

/// `650000..650200, 6234800..6235000`: eastings, then northings.
fn bounds(b: &Bounds) -> String {
    let c = coordinate;
    format!("{}..{}, {}..{}", c(b.min_x), c(b.max_x), c(b.min_y), c(b.max_y))
}

/// To the centimetre, or to as much in degrees.
fn coordinate(value: f64) -> String {
    let digits = if value.abs() <= 360.0 { 1e7 } else { 1e2 };
    ((value * digits).round() / digits).to_string()
}
