//! The folder of a cap: `8/12_7-<hash>.tif` is the patch of the tier of factor 8 at column 12, row 7, and beside it
//! `8/12_7-<hash>.made-of` says of what it was made. It reads names, not files.

use std::{
    collections::{BTreeMap, HashSet},
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
};

use crate::{
    catalog::{CapLayout, PatchAddress},
    geom::Bounds,
};

/// A folder of patches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CapFolder {
    path: PathBuf,
}

/// What a patch was made of: dalles, or patches of the tier below.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum MadeOf {
    Dalles(Vec<Ingredient>),
    Patches(Vec<(PatchAddress, u128)>),
}

/// A dalle in a patch.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ingredient {
    pub generation: u128,
    pub year: u16,
    /// In the CRS of the layout.
    pub bounds: Bounds,
}

/// A patch that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Present {
    pub hash: u128,
    pub path: PathBuf,
}

impl CapFolder {
    /// The folder at a path, whether it is there or not.
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The corner of the layout whose patches it holds, if they are of this CRS and cell size.
    pub fn anchor(&self, crs: &str, cell: f64) -> Option<(f64, f64)> {
        let text = fs::read_to_string(self.path.join("corner")).ok()?;
        let mut words = text.lines();
        let is_same = words.next()? == crs && words.next()?.parse::<f64>().ok()?.to_bits() == cell.to_bits();
        let corner = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        is_same.then_some(corner)
    }

    /// Notes the corner of a layout.
    ///
    /// # Errors
    /// When the folder cannot be written to.
    pub fn keep_anchor(&self, layout: &CapLayout) -> io::Result<()> {
        fs::create_dir_all(&self.path)?;
        let ((x, y), cell) = (layout.anchor(), layout.native.cell_size().0);
        let (file, part) = (self.path.join("corner"), self.path.join("corner.part"));
        fs::write(&part, format!("{}\n{cell:?}\n{x:?}\n{y:?}\n", layout.crs.name()))?;
        fs::rename(part, file)
    }

    /// The file of a patch.
    pub fn file(&self, layout: &CapLayout, patch: PatchAddress, hash: u128) -> PathBuf {
        self.tier(layout, patch.tier).join(format!("{}_{}-{hash:032x}.tif", patch.col, patch.row))
    }

    pub(super) fn tier(&self, layout: &CapLayout, tier: usize) -> PathBuf {
        self.path.join(layout.factors[tier].to_string())
    }

    /// All patches that are there.
    pub(super) fn present(&self, layout: &CapLayout) -> BTreeMap<PatchAddress, Vec<Present>> {
        let mut present: BTreeMap<PatchAddress, Vec<Present>> = BTreeMap::new();
        for tier in 0..layout.factors.len() {
            let Ok(entries) = fs::read_dir(self.tier(layout, tier)) else { continue };
            for entry in entries.flatten() {
                let path = entry.path();
                let Some((patch, hash)) = parse(&path, tier) else { continue };
                present.entry(patch).or_default().push(Present { hash, path });
            }
        }
        present
    }

    /// What a patch was made of; `None` where that is not known.
    pub(super) fn made_of(&self, layout: &CapLayout, patch: PatchAddress, hash: u128) -> Option<MadeOf> {
        let text = fs::read_to_string(made_of_path(&self.file(layout, patch, hash))).ok()?;
        MadeOf::parse(&text, patch.tier)
    }

    /// Removes all patches but these, and what was left behind by an interrupted build. Returns how many.
    pub fn sweep(&self, layout: &CapLayout, keep: &HashSet<PathBuf>) -> usize {
        let mut removed = 0;
        let Ok(tiers) = fs::read_dir(&self.path) else { return 0 };
        for tier in tiers.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()) {
            let is_known = layout.factors.iter().any(|factor| tier.ends_with(factor.to_string()));
            for path in fs::read_dir(&tier).into_iter().flatten().flatten().map(|entry| entry.path()) {
                if parse(&path, 0).is_some() && !(is_known && keep.contains(&path)) {
                    let _ = fs::remove_file(made_of_path(&path));
                    removed += usize::from(fs::remove_file(&path).is_ok());
                }
            }
        }
        removed
    }
}

impl MadeOf {
    /// Says what a patch is made of, before it is there.
    pub(super) fn keep_beside(&self, file: &Path) -> io::Result<()> {
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(made_of_path(file), self.text())
    }

    fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        match self {
            Self::Dalles(dalles) => {
                for Ingredient { generation, year, bounds } in dalles {
                    let Bounds { min_x, min_y, max_x, max_y } = bounds;
                    let _ =
                        writeln!(text, "{generation:032x} {year} {min_x:?} {min_y:?} {max_x:?} {max_y:?}");
                }
            }
            Self::Patches(patches) => {
                for (PatchAddress { col, row, .. }, hash) in patches {
                    let _ = writeln!(text, "{hash:032x} {col} {row}");
                }
            }
        }
        text
    }

    fn parse(text: &str, tier: usize) -> Option<Self> {
        let lines = || text.lines().map(|line| line.split(' ').collect::<Vec<_>>());
        if let Some(below) = tier.checked_sub(1) {
            let patch = |words: Vec<&str>| {
                let [hash, col, row] = words[..] else { return None };
                let address = PatchAddress { tier: below, col: col.parse().ok()?, row: row.parse().ok()? };
                Some((address, u128::from_str_radix(hash, 16).ok()?))
            };
            return lines().map(patch).collect::<Option<_>>().map(Self::Patches);
        }
        let dalle = |words: Vec<&str>| {
            let [generation, year, min_x, min_y, max_x, max_y] = words[..] else { return None };
            let number = |word: &str| word.parse::<f64>().ok().filter(|v| v.is_finite());
            let bounds = Bounds::new(number(min_x)?, number(min_y)?, number(max_x)?, number(max_y)?);
            let generation = u128::from_str_radix(generation, 16).ok()?;
            Some(Ingredient { generation, year: year.parse().ok()?, bounds })
        };
        lines().map(dalle).collect::<Option<_>>().map(Self::Dalles)
    }
}

fn made_of_path(file: &Path) -> PathBuf {
    file.with_extension("made-of")
}

/// `12_7-<hash>.tif`.
fn parse(path: &Path, tier: usize) -> Option<(PatchAddress, u128)> {
    if path.extension()? != "tif" {
        return None;
    }
    let (place, hash) = path.file_stem()?.to_str()?.rsplit_once('-')?;
    let (col, row) = place.split_once('_')?;
    let hash = u128::from_str_radix(hash, 16).ok().filter(|_| hash.len() == 32)?;
    Some((PatchAddress { tier, col: col.parse().ok()?, row: row.parse().ok()? }, hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_patches_are_read_as_they_are_written() {
        for (name, expected) in [
            ("12_-7-0000000000000000000000000000002a.tif", Some((12, -7, 42))),
            ("12_7-2a.tif", None),
            ("12_7-0000000000000000000000000000002a.tif.part", None),
            ("ortho.tif", None),
        ] {
            let found = parse(Path::new(name), 1).map(|(patch, hash)| (patch.col, patch.row, hash));
            assert_eq!(found, expected, "{name}");
        }
    }

    #[test]
    fn what_a_patch_is_made_of_comes_back_as_it_was_told() {
        let bounds = Bounds::new(650_000.0, 6_234_800.05, 650_200.0, 6_235_000.0);
        let dalles = MadeOf::Dalles(vec![Ingredient { generation: u128::MAX - 5, year: 2023, bounds }]);
        assert_eq!(MadeOf::parse(&dalles.text(), 0), Some(dalles));
        let patches = MadeOf::Patches(vec![(PatchAddress { tier: 0, col: -3, row: 5 }, 99)]);
        assert_eq!(MadeOf::parse(&patches.text(), 1), Some(patches));
        assert_eq!(MadeOf::parse("junk", 0), None);
    }
}
