//! Files beside dalles, which belong to them: world files, projections, masks, overviews. It looks at names only.

use std::{
    collections::HashSet,
    fs::{self, DirEntry},
    os::unix::fs::MetadataExt,
};

use super::tree::{Item, Tree};

/// What follows a dalle's whole name, or its name without the ending.
const ENDINGS: [&str; 13] = [
    ".aux.xml", ".msk", ".ovr", ".j2w", ".prj", ".tab", ".tfw", ".tfwx", ".tifw", ".tiffw", ".wld", ".xml",
    ".imd",
];

/// The media type of such a file.
pub fn media_type(name: &str) -> &'static str {
    let ending = name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    match ending.as_str() {
        "msk" | "ovr" => "image/tiff",
        "xml" => "application/xml",
        _ => "text/plain",
    }
}

/// The files beside the dalles of one folder.
pub fn files(tree: &Tree, folder: &str) -> Vec<Item> {
    let Some(dalles) = tree.folder(folder) else { return Vec::new() };
    let mut names: HashSet<&str> = tree.files(dalles, 0).map(|file| file.name).collect();
    if names.is_empty() {
        return Vec::new();
    }
    // A folder that cannot be listed has none that could be read.
    let Ok(entries) = fs::read_dir(tree.folder_on_disk(folder)) else { return Vec::new() };
    let stems: Vec<&str> = names.iter().filter_map(|name| Some(name.rsplit_once('.')?.0)).collect();
    let taken = names.clone();
    names.extend(stems);
    let is_beside = |name: &str| {
        let owner = ENDINGS.iter().filter_map(|ending| {
            let at = name.len().checked_sub(ending.len())?;
            let is_so = name.get(at..)?.eq_ignore_ascii_case(ending);
            is_so.then(|| &name[..at])
        });
        !taken.contains(name) && owner.into_iter().any(|owner| names.contains(owner))
    };
    let found = entries.filter_map(Result::ok);
    found
        .filter(|entry| entry.file_name().to_str().is_some_and(is_beside))
        .filter_map(|entry| item(&entry))
        .collect()
}

/// A link is none: it may lead anywhere.
fn item(entry: &DirEntry) -> Option<Item> {
    let state = entry.metadata().ok().filter(fs::Metadata::is_file)?;
    Some(Item { path: entry.path(), bytes: state.len(), modified_s: state.mtime(), dalle: None })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::{super::tree::tests::item, *};

    #[test]
    fn what_belongs_to_a_dalle_is_there_and_nothing_else() {
        let root = tempfile::tempdir().expect("a temporary folder");
        for name in
            ["a.tif", "a.TFW", "a.tif.aux.xml", "a.tif.ovr", "b.tfw", "a.txt", "secret.xml", "a.tif.zip"]
        {
            fs::write(root.path().join(name), b"x").expect("the folder can be written to");
        }
        symlink("/etc/passwd", root.path().join("a.prj")).expect("the folder can be written to");
        let dalle = Item { path: root.path().join("a.tif"), ..item("") };
        let tree = Tree::new(root.path(), [dalle].into_iter());
        let folder = tree.folder("").expect("it is there");
        let names: Vec<_> = tree.files(folder, 0).map(|file| (file.name, file.kind.is_some())).collect();
        let expected = [("a.TFW", false), ("a.tif", true), ("a.tif.aux.xml", false), ("a.tif.ovr", false)];
        assert_eq!(names, expected);
    }
}
