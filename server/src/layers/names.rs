//! Names of layers, made of names of files. It knows no layer.

use std::{collections::BTreeSet, path::Path};

/// Longer names are cut.
const LENGTH_LIMIT: usize = 100;

/// The names that are taken.
#[derive(Debug, Default)]
pub struct Names {
    taken: BTreeSet<String>,
}

impl Names {
    /// Takes a name as it is; false where it was taken before.
    pub fn reserve(&mut self, name: &str) -> bool {
        self.taken.insert(name.to_owned())
    }

    /// Takes a free name for a file: its stem, else with its folder's name before it, else with a number behind it.
    pub fn for_file(&mut self, path: &Path) -> String {
        self.free(&slug(&part(path.file_stem())), path)
    }

    /// Takes a free name for a folder: its own, else with the name of the folder it is in before it, else with a number.
    pub fn for_folder(&mut self, path: &Path) -> String {
        // `.` and `..` have no name of their own.
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        self.free(&slug(&part(path.file_name())), &path)
    }

    fn free(&mut self, stem: &str, path: &Path) -> String {
        let folder = part(path.parent().and_then(Path::file_name));
        let mut candidate = stem.to_owned();
        if self.taken.contains(&candidate) && !folder.is_empty() {
            candidate = format!("{}-{stem}", slug(&folder));
        }
        let base = candidate.clone();
        let mut number = 2_u64;
        while !self.taken.insert(candidate.clone()) {
            candidate = format!("{base}-{number}");
            number += 1;
        }
        candidate
    }
}

/// A title for people: the folder's name with spaces for underscores.
pub fn title_of_folder(path: &Path) -> String {
    let name = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    part(name.file_name()).chars().map(|c| if c == '_' || c.is_control() { ' ' } else { c }).collect()
}

/// A title for people: the file's stem with spaces for underscores.
pub fn title(path: &Path) -> String {
    part(path.file_stem()).chars().map(|c| if c == '_' || c.is_control() { ' ' } else { c }).collect()
}

fn part(name: Option<&std::ffi::OsStr>) -> String {
    name.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The text in the letters of identifiers: `A-Z a-z 0-9 _ . -`.
fn slug(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match plain(c) {
            Some(letters) => out.push_str(letters),
            None if c.is_ascii_alphanumeric() || "_.-".contains(c) => out.push(c),
            None if !out.ends_with('-') => out.push('-'),
            None => {}
        }
    }
    out.truncate(LENGTH_LIMIT);
    let trimmed = out.trim_start_matches(['.', '-']).trim_end_matches('-');
    if trimmed.is_empty() { "layer".to_owned() } else { trimmed.to_owned() }
}

/// Accented letters of French and its neighbours without their accents.
fn plain(c: char) -> Option<&'static str> {
    Some(match c {
        'à' | 'â' | 'ä' | 'á' | 'ã' => "a",
        'ç' => "c",
        'é' | 'è' | 'ê' | 'ë' => "e",
        'î' | 'ï' | 'í' | 'ì' => "i",
        'ñ' => "n",
        'ô' | 'ö' | 'ó' | 'ò' | 'õ' => "o",
        'ù' | 'û' | 'ü' | 'ú' => "u",
        'ÿ' => "y",
        'œ' => "oe",
        'æ' => "ae",
        'À' | 'Â' | 'Ä' | 'Á' => "A",
        'Ç' => "C",
        'É' | 'È' | 'Ê' | 'Ë' => "E",
        'Î' | 'Ï' | 'Í' => "I",
        'Ô' | 'Ö' | 'Ó' => "O",
        'Ù' | 'Û' | 'Ü' | 'Ú' => "U",
        'Œ' => "OE",
        'Æ' => "AE",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_of_plain_letters() {
        for (text, expected) in [
            ("ortho_2024", "ortho_2024"),
            ("Hérault été", "Herault-ete"),
            ("a/../b", "a-..-b"),
            ("..", "layer"),
            (".a", "a"),
            ("<script>&", "script"),
            ("日本", "layer"),
            ("", "layer"),
            ("34-2024-0770-6280-LA93-5M00", "34-2024-0770-6280-LA93-5M00"),
        ] {
            assert_eq!(slug(text), expected, "{text}");
        }
        assert_eq!(slug(&"x".repeat(300)).len(), LENGTH_LIMIT);
    }

    #[test]
    fn files_of_one_stem_get_names_of_their_own() {
        let mut names = Names::default();
        assert!(names.reserve("fixed"));
        let made: Vec<_> =
            ["/d/2023/ortho.tif", "/d/2024/ortho.tif", "/e/2024/ortho.tif", "/f/2024/ortho.tif", "fixed.tif"]
                .iter()
                .map(|path| names.for_file(Path::new(path)))
                .collect();
        assert_eq!(made, ["ortho", "2024-ortho", "2024-ortho-2", "2024-ortho-3", "fixed-2"]);
    }

    #[test]
    fn a_title_has_spaces() {
        assert_eq!(title(Path::new("d/ortho_été_2024.tif")), "ortho été 2024");
    }
}
