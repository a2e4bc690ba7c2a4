//! What is wrong with a configuration, each with its line. It knows no section and no key.

use std::{
    fmt,
    ops::Range,
    path::{Path, PathBuf},
};

/// One mistake in a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The configuration file, or another file that it names.
    pub file: PathBuf,
    /// Counted from 1; `None` where the whole file is meant.
    pub line: Option<usize>,
    /// What is wrong, in one line.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}", self.message)
    }
}

/// All mistakes of a configuration, in the order of the file; never empty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct Problems(pub Vec<Problem>);

/// Collects problems of one text, so that all of them are told at once.
#[derive(Debug)]
pub(super) struct Report<'a> {
    file: &'a Path,
    text: &'a str,
    found: Vec<Problem>,
}

impl<'a> Report<'a> {
    /// A report on a text that was read from a file.
    pub(super) fn new(file: &'a Path, text: &'a str) -> Self {
        Self { file, text, found: Vec::new() }
    }

    /// The file that is reported on.
    pub(super) fn file(&self) -> &'a Path {
        self.file
    }

    /// A problem with the bytes of the text in `span`.
    pub(super) fn at(&mut self, span: &Range<usize>, message: impl Into<String>) {
        let before = self.text.as_bytes().get(..span.start).unwrap_or(self.text.as_bytes());
        let line = 1 + before.split(|&byte| byte == b'\n').skip(1).count();
        self.found.push(Problem { file: self.file.to_owned(), line: Some(line), message: one_line(message) });
    }

    /// A problem with the text as a whole.
    pub(super) fn whole(&mut self, message: impl Into<String>) {
        self.found.push(Problem { file: self.file.to_owned(), line: None, message: one_line(message) });
    }

    /// The value if nothing is wrong, else all problems by line.
    pub(super) fn finish<T>(mut self, value: T) -> Result<T, Problems> {
        if self.found.is_empty() {
            return Ok(value);
        }
        self.found.sort_by_key(|problem| problem.line);
        Err(Problems(self.found))
    }
}

fn one_line(message: impl Into<String>) -> String {
    crate::log::printable(&message.into().trim().replace('\n', "; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_come_in_the_order_of_their_lines() {
        let mut report = Report::new(Path::new("p.toml"), "a\nb\nc\n");
        report.at(&(4..5), "third");
        report.at(&(0..1), "first");
        let problems = report.finish(()).unwrap_err();
        assert_eq!(problems.to_string(), "p.toml:1: first\np.toml:3: third");
    }

    #[test]
    fn a_span_behind_the_end_is_the_last_line() {
        let mut report = Report::new(Path::new("p.toml"), "a\nb");
        report.at(&(90..91), "late");
        assert_eq!(report.finish(()).unwrap_err().0[0].line, Some(2));
    }
}
