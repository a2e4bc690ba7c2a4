//! Small texts from files that nobody vouches for: regular, of limited size, UTF-8 or Latin-1.

use std::{fs::File, io::Read, os::unix::fs::OpenOptionsExt, path::Path};

use rustix::fs::OFlags;

use super::{Problem, SidecarError};

/// The text of a regular file, not larger than `limit`.
pub(super) fn read(path: &Path, limit: u64) -> Result<String, SidecarError> {
    bytes(path, limit).and_then(decode).map_err(|problem| fail(path, None, problem))
}

pub(super) fn fail(path: &Path, line: Option<usize>, problem: Problem) -> SidecarError {
    SidecarError { path: path.to_owned(), line, problem }
}

fn bytes(path: &Path, limit: u64) -> Result<Vec<u8>, Problem> {
    // A FIFO would block an ordinary open for ever.
    let flags = OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::options().read(true).custom_flags(flags.bits().cast_signed()).open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(Problem::NotAFile);
    }
    if metadata.len() > limit {
        return Err(Problem::TooLarge { limit });
    }
    let mut bytes = Vec::new();
    // It may grow while it is read.
    file.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit { Err(Problem::TooLarge { limit }) } else { Ok(bytes) }
}

fn decode(bytes: Vec<u8>) -> Result<String, Problem> {
    if bytes.contains(&0) {
        return Err(Problem::NotText);
    }
    let text = String::from_utf8(bytes)
        .unwrap_or_else(|error| error.into_bytes().into_iter().map(char::from).collect());
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// A finite number; the comma of French software is a decimal one.
pub(super) fn number(text: &str) -> Result<f64, Problem> {
    let text = text.trim();
    let parsed = text.parse::<f64>().or_else(|_| text.replace(',', ".").parse());
    parsed
        .ok()
        .filter(|number| number.is_finite())
        .ok_or_else(|| Problem::Number { text: text.chars().take(40).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fifo_is_refused_without_waiting() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.tfw");
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        assert!(matches!(read(&path, 100), Err(SidecarError { problem: Problem::NotAFile, .. })));
    }

    #[test]
    fn a_file_beyond_the_limit_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.tfw");
        std::fs::write(&path, "0123456789").unwrap();
        assert!(matches!(read(&path, 9), Err(SidecarError { problem: Problem::TooLarge { limit: 9 }, .. })));
        assert_eq!(read(&path, 10).unwrap(), "0123456789");
    }

    #[test]
    fn latin_1_and_a_byte_order_mark_are_texts_too() {
        assert_eq!(decode(b"\xef\xbb\xbfabc".to_vec()).unwrap(), "abc");
        assert_eq!(decode(b"Orl\xe9ans".to_vec()).unwrap(), "Orléans");
        assert!(decode(b"II*\0".to_vec()).is_err());
    }

    #[test]
    fn numbers_that_are_not_finite_are_refused() {
        assert!(number("NaN").is_err() && number("inf").is_err() && number("1e999").is_err());
        assert!((number(" 0,05 ").unwrap() - 0.05).abs() < 1e-15);
    }
}
