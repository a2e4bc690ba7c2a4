//! What opening many files gives: dalles, problems by kind, and files that are not served by reason. Surveys of parts add up.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use tiler::{
    crs::Crs,
    source::{Advice, Severity},
};

use super::Dalle;

/// Paths that are listed one by one for a reason; the others are counted.
const LISTED: usize = 1000;

/// What opening files gave.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    pub dalles: Vec<Dalle>,
    /// By severity, which may differ for the same code, and code.
    pub problems: BTreeMap<(Severity, &'static str), Tally>,
    /// By reason, numbers in it aside.
    pub refused: BTreeMap<String, Refusal>,
    /// The CRSs met so far: each definition is kept once.
    known_crs: Vec<Crs>,
}

/// Files with the same problem.
#[derive(Debug, Clone)]
pub(crate) struct Tally {
    pub files: usize,
    /// The first by path; cost and remedy are its.
    pub example: PathBuf,
    pub cost: String,
    pub remedy: Option<String>,
}

/// Files that are not served for the same reason.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    /// Of the first by path.
    pub reason: String,
    pub files: usize,
    /// By path, the first ones.
    pub paths: Vec<PathBuf>,
}

impl Refusal {
    /// The command that the reason names.
    pub(crate) fn remedy(&self) -> Option<&str> {
        self.reason.split('`').nth(1)
    }
}

impl Survey {
    /// Adds a file that could be opened.
    pub(crate) fn add(&mut self, mut dalle: Dalle, verdict: Vec<Advice>) {
        if let Some(crs) = &mut dalle.crs {
            match self.known_crs.iter().find(|known| *known == crs) {
                Some(known) => *crs = known.clone(),
                None => self.known_crs.push(crs.clone()),
            }
        }
        for Advice { code, severity, cost, remedy } in verdict {
            let tally = Tally { files: 1, example: dalle.path.clone(), cost, remedy };
            self.tally((severity, code), tally);
        }
        self.dalles.push(dalle);
    }

    /// Adds one that is not served.
    pub(crate) fn refuse(&mut self, path: &Path, reason: String) {
        let refusal = Refusal { files: 1, paths: vec![path.to_owned()], reason };
        self.refusal(without_numbers(&refusal.reason), refusal);
    }

    /// Both together.
    #[must_use]
    pub(crate) fn merged(mut self, other: Self) -> Self {
        self.dalles.extend(other.dalles);
        other.problems.into_iter().for_each(|(kind, tally)| self.tally(kind, tally));
        other.refused.into_iter().for_each(|(key, refusal)| self.refusal(key, refusal));
        self
    }

    fn tally(&mut self, kind: (Severity, &'static str), new: Tally) {
        match self.problems.get_mut(&kind) {
            None => drop(self.problems.insert(kind, new)),
            Some(known) => {
                let files = known.files + new.files;
                if new.example < known.example {
                    *known = new;
                }
                known.files = files;
            }
        }
    }

    fn refusal(&mut self, key: String, new: Refusal) {
        match self.refused.get_mut(&key) {
            None => drop(self.refused.insert(key, new)),
            Some(known) => {
                if new.paths.first() < known.paths.first() {
                    known.reason = new.reason;
                }
                known.files += new.files;
                known.paths.extend(new.paths);
                known.paths.sort();
                known.paths.truncate(LISTED);
            }
        }
    }
}

/// A reason that differs only in its numbers is the same reason.
fn without_numbers(reason: &str) -> String {
    let mut out = String::with_capacity(reason.len());
    for c in reason.chars() {
        if !c.is_ascii_digit() {
            out.push(c);
        } else if !out.ends_with('0') {
            out.push('0');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{super::dalle::dalle, *};

    fn slow(cost: &str) -> Vec<Advice> {
        vec![Advice { code: "strips", severity: Severity::Slow, cost: cost.to_owned(), remedy: None }]
    }

    #[test]
    fn files_with_the_same_problem_are_counted_with_one_example() {
        let mut survey = Survey::default();
        survey.add(dalle("b.tif", 0.0, 0.0), slow("2 MB"));
        let mut other = Survey::default();
        other.add(dalle("a.tif", 0.0, 0.0), slow("1 MB"));
        let survey = survey.merged(other);
        let tally = &survey.problems[&(Severity::Slow, "strips")];
        assert_eq!(
            (tally.files, tally.cost.as_str(), tally.example.as_path()),
            (2, "1 MB", Path::new("a.tif"))
        );
    }

    #[test]
    fn reasons_that_differ_in_numbers_are_one() {
        let mut survey = Survey::default();
        survey.refuse(Path::new("b.tif"), "block 10 ends at 200; run `gdal_translate`".to_owned());
        survey.refuse(Path::new("a.tif"), "block 9 ends at 7; run `gdal_translate`".to_owned());
        survey.refuse(Path::new("c.tif"), "it is not a TIFF file".to_owned());
        assert_eq!(survey.refused.len(), 2);
        let blocks = survey.refused.values().find(|refusal| refusal.files == 2).unwrap();
        assert_eq!((blocks.remedy(), blocks.paths.len()), (Some("gdal_translate"), 2));
        assert!(blocks.reason.starts_with("block 9 "));
    }
}
