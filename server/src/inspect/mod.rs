//! What is wrong with many files together: problems by kind, gaps and overlaps, what is mixed, what is there twice, how grids
//! are aligned. It opens no file and writes no text: headers come in, a [`Report`] goes out.

mod alignment;
mod dalle;
mod duplicates;
mod gaps;
mod groups;
mod lattice;
mod overlaps;
mod survey;

use std::collections::BTreeMap;

use tiler::{geom::Bounds, source::Severity, tms::Registry};

pub(crate) use self::{
    alignment::{Alignment, alignments},
    dalle::Dalle,
    duplicates::Duplicates,
    groups::{Kind, Property, significant, unit},
    lattice::Lattice,
    overlaps::Overlaps,
    survey::{Refusal, Survey, Tally},
};

/// All that is known of a collection of files.
#[derive(Debug)]
pub(crate) struct Report {
    /// Refused ones included.
    pub files: usize,
    /// Of files that could be opened.
    pub pixels: u64,
    pub bytes: u64,
    /// By CRS: how many files, and what they lie within.
    pub extents: BTreeMap<String, (usize, Bounds)>,
    pub refused: Vec<Refusal>,
    /// The worst first, then the most frequent.
    pub problems: Vec<((Severity, &'static str), Tally)>,
    pub properties: Vec<Property>,
    pub names: Duplicates,
    pub footprints: Duplicates,
    pub overlaps: Overlaps,
    pub lattices: Vec<Lattice>,
    /// By CRS and cell size; of each all sets, the best first.
    pub alignments: Vec<Vec<Alignment>>,
}

/// What a script wants to know first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Status {
    /// Nothing is wrong.
    Sound,
    /// Everything can be served, but some of it slowly or not as it should look.
    Warnings,
    /// Something cannot be served.
    Refused,
}

impl Report {
    /// Looks at what opening gave. The dalles are put in the order of their paths.
    pub(crate) fn of(mut survey: Survey, registry: &Registry) -> Self {
        survey.dalles.sort_by(|a, b| a.path.cmp(&b.path));
        let dalles = &survey.dalles;
        let placed: Vec<_> = dalles.iter().filter_map(Dalle::placed).collect();
        let mut problems: Vec<_> = survey.problems.into_iter().collect();
        problems.sort_by_key(|((severity, _), tally)| (*severity, std::cmp::Reverse(tally.files)));
        let mut refused: Vec<Refusal> = survey.refused.into_values().collect();
        refused.sort_by_key(|refusal| std::cmp::Reverse(refusal.files));
        Self {
            files: dalles.len() + refused.iter().map(|refusal| refusal.files).sum::<usize>(),
            pixels: dalles.iter().map(|dalle| dalle.size.pixels()).sum(),
            bytes: dalles.iter().map(|dalle| dalle.bytes).sum(),
            extents: extents(dalles),
            properties: groups::properties(dalles),
            names: duplicates::names(dalles),
            footprints: duplicates::footprints(&placed),
            overlaps: overlaps::overlaps(&placed),
            lattices: lattice::lattices(&placed),
            alignments: alignments(dalles, registry),
            refused,
            problems,
        }
    }

    /// Files that can be served.
    pub(crate) fn served(&self) -> usize {
        let unplaced = self.problems.iter().filter(|((severity, _), _)| *severity == Severity::Refused);
        let refused =
            self.refused.iter().map(|refusal| refusal.files).chain(unplaced.map(|(_, tally)| tally.files));
        self.files.saturating_sub(refused.sum())
    }

    /// The worst of all that was found.
    pub(crate) fn status(&self) -> Status {
        if !self.refused.is_empty()
            || self.problems.iter().any(|((severity, _), _)| *severity == Severity::Refused)
        {
            return Status::Refused;
        }
        let is_wrong = self.problems.iter().any(|((severity, _), _)| *severity != Severity::Note)
            || self.properties.iter().any(|property| property.is_mixed() && !property.is_harmless)
            || self.names.groups > 0
            || self.footprints.groups > 0
            || self.overlaps.pairs > 0
            || self.lattices.iter().any(|lattice| lattice.gaps.enclosed > 0 || lattice.off_grid.files > 0);
        if is_wrong { Status::Warnings } else { Status::Sound }
    }
}

fn extents(dalles: &[Dalle]) -> BTreeMap<String, (usize, Bounds)> {
    let mut out: BTreeMap<String, (usize, Bounds)> = BTreeMap::new();
    for dalle in dalles {
        let (Some(crs), Some(bounds)) = (&dalle.crs, dalle.bounds()) else { continue };
        let extent = out.entry(crs.name()).or_insert((0, bounds));
        *extent = (extent.0 + 1, extent.1.union(&bounds));
    }
    out
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use tiler::source::Advice;

    use super::{dalle::dalle, *};

    fn report(dalles: Vec<Dalle>, severity: Severity) -> Report {
        let mut survey = Survey::default();
        for dalle in dalles {
            let advice = Advice { code: "code", severity, cost: String::new(), remedy: None };
            survey.add(dalle, vec![advice]);
        }
        Report::of(survey, &Registry::standard())
    }

    #[test]
    fn notes_are_nothing_wrong() {
        let report = report(vec![dalle("a.tif", 0.0, 0.0), dalle("b.tif", 20.0, 0.0)], Severity::Note);
        assert_eq!((report.status(), report.files, report.pixels), (Status::Sound, 2, 20_000));
        assert!((report.extents["EPSG:2154"].1.width() - 40.0).abs() < 1e-9);
    }

    #[test]
    fn an_overlap_is_a_warning() {
        let report = report(vec![dalle("a.tif", 0.0, 0.0), dalle("b.tif", 10.0, 0.0)], Severity::Note);
        assert_eq!(report.status(), Status::Warnings);
    }

    #[test]
    fn a_file_without_a_place_is_not_served() {
        let report = report(vec![dalle("a.tif", 0.0, 0.0)], Severity::Refused);
        assert_eq!((report.status(), report.served()), (Status::Refused, 0));
    }

    #[test]
    fn a_file_that_cannot_be_opened_is_not_served() {
        let mut survey = Survey::default();
        survey.add(dalle("a.tif", 0.0, 0.0), Vec::new());
        survey.refuse(Path::new("b.tif"), "it is not a TIFF file".to_owned());
        let report = Report::of(survey, &Registry::standard());
        assert_eq!((report.status(), report.files, report.served()), (Status::Refused, 2, 1));
    }

    #[test]
    fn different_compressions_are_harmless_and_different_bands_are_not() {
        let other = |bands, compression| {
            let b = Dalle { bands, compression, ..dalle("b.tif", 20.0, 0.0) };
            report(vec![dalle("a.tif", 0.0, 0.0), b], Severity::Note).status()
        };
        assert_eq!(other(3, "ZSTD"), Status::Sound);
        assert_eq!(other(1, "JPEG"), Status::Warnings);
    }
}
