//! From the text of a configuration to its keys. Each mistake is reported and then left out, so that one run finds
//! them all. It knows no meaning of any key.

use std::ops::Range;

use serde::Deserialize;
use serde_spanned::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::{problem::Report, raw::RawConfig};

/// Reads a text; what cannot be read is in the report and missing in the result.
pub(super) fn parse(text: &str, report: &mut Report<'_>) -> RawConfig {
    if text.trim().is_empty() {
        report.whole("the file is empty");
        return RawConfig::default();
    }
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        tell(error, report);
    }
    if !errors.is_empty() {
        return RawConfig::default();
    }
    let span = document.span();
    let mut table = document.into_inner();
    loop {
        let value = Spanned::new(span.clone(), DeValue::Table(table.clone()));
        let error = match RawConfig::deserialize(ValueDeserializer::from(value)) {
            Ok(config) => return config,
            Err(error) => error,
        };
        tell(&error, report);
        if !error.span().is_some_and(|span| remove(&mut table, &span)) {
            return RawConfig::default();
        }
    }
}

fn tell(error: &toml::de::Error, report: &mut Report<'_>) {
    let message = error.message().replacen("unknown field", "unknown key", 1);
    match error.span() {
        Some(span) => report.at(&span, message),
        None => report.whole(message),
    }
}

/// Removes the entry whose key or value is at `span`; false if there is none.
fn remove(table: &mut DeTable<'_>, span: &Range<usize>) -> bool {
    let mut guilty = None;
    for (key, value) in table.iter_mut() {
        if key.span() == *span {
            guilty = Some(key.clone());
            break;
        }
        let whole = value.span();
        let within = match value.get_mut() {
            DeValue::Table(inner) => remove(inner, span),
            DeValue::Array(items) => items.iter_mut().any(|item| match item.get_mut() {
                DeValue::Table(inner) => remove(inner, span),
                _ => false,
            }),
            _ => false,
        };
        if within {
            return true;
        }
        if whole.start <= span.start && span.end <= whole.end {
            guilty = Some(key.clone());
            break;
        }
    }
    guilty.is_some_and(|key| table.remove(&key).is_some())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn problems(text: &str) -> Vec<String> {
        let mut report = Report::new(Path::new("p.toml"), text);
        parse(text, &mut report);
        match report.finish(()) {
            Ok(()) => Vec::new(),
            Err(problems) => problems.0.iter().map(ToString::to_string).collect(),
        }
    }

    #[test]
    fn all_unknown_keys_are_reported_each_with_its_line() {
        let found = problems(
            "[server]\nlissen = 'x'\nport = 1\n\n[[layer]]\nid = 'a'\ncolour = 3\n\n[[layer]]\nid = 'b'\nfashion = ''\n\n[extra]\n",
        );
        let lines: Vec<_> =
            found.iter().map(|line| line.split(", expected").next().unwrap_or_default()).collect();
        assert_eq!(
            lines,
            [
                "p.toml:2: unknown key `lissen`",
                "p.toml:3: unknown key `port`",
                "p.toml:7: unknown key `colour`",
                "p.toml:11: unknown key `fashion`",
                "p.toml:13: unknown key `extra`",
            ]
        );
    }

    #[test]
    fn wrong_types_are_reported_beside_unknown_keys() {
        let found =
            problems("server = 3\n[cache]\ntile_mib = 'many'\nblok = 1\n[[layer]]\npaths = [1, 'a']\n");
        assert_eq!(found.len(), 4, "{found:?}");
        assert!(found[0].starts_with("p.toml:1: invalid type: integer `3`"), "{found:?}");
        assert!(found[1].starts_with("p.toml:3: invalid type: string"), "{found:?}");
        assert!(found[2].starts_with("p.toml:4: unknown key `blok`"), "{found:?}");
        assert!(found[3].starts_with("p.toml:6: invalid type: integer `1`"), "{found:?}");
    }

    #[test]
    fn a_layer_written_as_a_table_is_told() {
        let found = problems("[layer]\nid = 'a'\n");
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("p.toml:1: "), "{found:?}");
    }

    #[test]
    fn several_syntax_errors_are_reported() {
        let found = problems("[server\nlisten = \n[cache]\ntile_mib = 1 2\n");
        assert!(found.len() >= 2, "{found:?}");
        assert!(found[0].starts_with("p.toml:1: "), "{found:?}");
    }

    #[test]
    fn an_empty_file_is_a_mistake_and_comments_are_not() {
        assert_eq!(problems(" \n"), ["p.toml: the file is empty"]);
        assert!(problems("# nothing yet\n").is_empty());
    }
}
