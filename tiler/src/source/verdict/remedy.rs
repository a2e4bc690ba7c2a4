//! Commands that can be pasted into a shell.

use std::{fmt::Write as _, path::Path};

use super::super::Source;

/// A path as one word of a POSIX shell; where it holds control characters or is no UTF-8, of bash, zsh or ksh.
pub fn quoted(path: &Path) -> String {
    let bytes = path.as_os_str().as_encoded_bytes();
    // A leading dash would be taken for an option.
    let prefix = if bytes.first() == Some(&b'-') { "./" } else { "" };
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.is_empty() && text.bytes().all(is_plain) => format!("{prefix}{text}"),
        Ok(text) if text.chars().all(is_printable) => format!("'{prefix}{}'", text.replace('\'', r"'\''")),
        _ => {
            let mut out = format!("$'{prefix}");
            for &byte in bytes {
                match byte {
                    b'\'' | b'\\' => out.extend(['\\', char::from(byte)]),
                    b' '..=b'~' => out.push(char::from(byte)),
                    _ => write!(out, "\\x{byte:02x}").unwrap_or_default(),
                }
            }
            out + "'"
        }
    }
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'/' | b'.' | b'_' | b'-' | b'+' | b',' | b':' | b'@' | b'%')
}

/// Not what could steer a terminal or turn the direction of a line.
fn is_printable(c: char) -> bool {
    !(c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
}

impl Source {
    /// Writes a COG into a folder beside the file, without loss where the file has none.
    pub(super) fn to_cog(&self) -> String {
        let folder = self.path.with_file_name("cog");
        format!("pavage convert {} --output {}", quoted(&self.path), quoted(&folder))
    }

    /// Adds overviews down to one that fits into a tile or two.
    pub(super) fn add_overviews(&self) -> String {
        let side = self.size().width.max(self.size().height);
        let factors = (1..16).map(|power| 1u32 << power).take_while(|factor| side / (factor / 2) > 512);
        let factors = factors.map(|factor| factor.to_string()).collect::<Vec<_>>().join(" ");
        let how = if self.facts.palette.is_empty() { "average" } else { "nearest" };
        format!("gdaladdo -r {how} {} {factors}", quoted(&self.path))
    }

    /// `folder/stem_cog.tif`, quoted.
    pub(super) fn beside_named(&self, ending: &str) -> String {
        let mut name = self.path.file_stem().unwrap_or_default().to_owned();
        name.push(ending);
        quoted(&self.path.with_file_name(name))
    }
}

#[cfg(test)]
mod tests {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _};

    use super::*;

    #[test]
    fn a_path_is_one_word_of_a_shell() {
        for (path, word) in [
            ("a/b-1.tif", "a/b-1.tif"),
            ("-rf", "./-rf"),
            ("l'été 2024.tif", r"'l'\''été 2024.tif'"),
            ("a;$(b).tif", "'a;$(b).tif'"),
            ("a\nb\u{1b}.tif", r"$'a\x0ab\x1b.tif'"),
            ("", "''"),
        ] {
            assert_eq!(quoted(Path::new(path)), word);
        }
        assert_eq!(quoted(Path::new(OsStr::from_bytes(b"\xff'.tif"))), r"$'\xff\'.tif'");
    }
}
