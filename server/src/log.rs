//! The log: a line an event on standard error, for people at a terminal and as JSON everywhere else. It knows no event.

use std::{
    error::Error,
    fmt::Write as _,
    io::{IsTerminal as _, stderr},
};

use tracing_subscriber::EnvFilter;

/// How events are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum LogFormat {
    /// Text at a terminal, JSON elsewhere.
    #[default]
    Auto,
    /// A line of text for people.
    Text,
    /// One JSON object a line, control characters escaped.
    Json,
}

impl LogFormat {
    /// Whether this is JSON here and now.
    pub fn is_json(self) -> bool {
        match self {
            Self::Auto => !stderr().is_terminal(),
            Self::Text => false,
            Self::Json => true,
        }
    }
}

/// Starts the log; a second call does nothing. `PAVAGE_LOG` holds a filter, e.g. `debug` or `server::layers=debug`.
pub fn init(format: LogFormat) {
    let filter = EnvFilter::try_from_env("PAVAGE_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr);
    // A log that is already there serves as well.
    let _ = if format.is_json() {
        log.json().flatten_event(true).with_current_span(false).with_span_list(false).try_init()
    } else {
        log.with_target(false).with_ansi(stderr().is_terminal()).try_init()
    };
}

/// The text with control characters escaped, so that a file name can neither forge a line nor steer a terminal.
pub fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control()
            || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        {
            let _ = write!(out, "{}", c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

/// An error and its causes in one line.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    printable(&causes.map(ToString::to_string).collect::<Vec<_>>().join(": "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped_and_accents_are_not() {
        assert_eq!(printable("été\n\u{1b}[31m"), "été\\n\\u{1b}[31m");
    }

    #[test]
    fn a_chain_names_all_causes() {
        #[derive(Debug, thiserror::Error)]
        #[error("cannot open")]
        struct Outer(#[source] std::io::Error);
        let error = Outer(std::io::Error::other("no such file\n"));
        assert_eq!(chain(&error), "cannot open: no such file\\n");
    }
}
