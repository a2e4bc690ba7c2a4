//! The files of a published layer as they are handed to its tree. Nothing else here knows layers from inside.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use tiler::{
    crs::{Crs, Transform},
    source::Source,
};

use super::tree::{Dalle, Item, Tree};
use crate::layers::Layer;

/// The tree of a layer's files; this reads folders.
pub fn tree(layer: &Layer) -> Tree {
    let root = layer.download.as_deref().and_then(folder_of).unwrap_or_default();
    let mut to_degrees = ToDegrees::default();
    Tree::new(&root, layer.sources.iter().filter_map(|source| item(source, &mut to_degrees)))
}

/// The folder that all paths lie in: of one folder that itself.
fn folder_of(paths: &[PathBuf]) -> Option<PathBuf> {
    let folder = |path: &PathBuf| match path.parent() {
        Some(parent) if !path.is_dir() => parent.to_owned(),
        _ => path.clone(),
    };
    let common = |a: PathBuf, b: PathBuf| {
        a.components().zip(b.components()).take_while(|(a, b)| a == b).map(|(a, _)| a).collect()
    };
    paths.iter().map(folder).reduce(common)
}

fn item(source: &Source, to_degrees: &mut ToDegrees) -> Option<Item> {
    let place = source.place().ok()?;
    let (geotransform, crs) = (place.geotransform(), place.crs());
    let transform = to_degrees.of(crs)?;
    let (width, height) = (f64::from(source.size().width), f64::from(source.size().height));
    let corner = |(col, row)| {
        let (x, y) = geotransform.apply(col, row);
        transform.convert(x, y)
    };
    let corners = [(0.0, height), (width, height), (width, 0.0), (0.0, 0.0)].map(corner);
    let [Some(a), Some(b), Some(c), Some(d)] = corners else { return None };
    let identity = source.identity();
    Some(Item {
        path: source.path().to_owned(),
        bytes: identity.size,
        modified_s: i64::try_from(identity.mtime_ns.div_euclid(1_000_000_000)).ok()?,
        dalle: Some(Dalle {
            year: year(source.path()),
            crs: crs.name(),
            resolution_m: geotransform.cell_size().0 * crs.metres_per_unit(),
            is_cloud_optimized: source.facts().is_tiled && !source.overviews().is_empty(),
            ring: [a, b, c, d],
        }),
    })
}

/// The year in a file's name: four digits by themselves.
fn year(path: &Path) -> Option<u16> {
    let name = path.file_stem()?.to_str()?;
    let parts = name.split(|c: char| !c.is_ascii_digit()).filter(|part| part.len() == 4);
    parts.filter_map(|part| part.parse().ok()).find(|year| (1900..2100).contains(year))
}

/// Ways to longitude and latitude, one for each CRS.
#[derive(Default)]
struct ToDegrees {
    known: HashMap<String, Option<Arc<Transform>>>,
}

impl ToDegrees {
    fn of(&mut self, crs: &Crs) -> Option<Arc<Transform>> {
        let way = || Transform::new(crs, &Crs::crs84().ok()?).ok().map(Arc::new);
        self.known.entry(crs.urn()).or_insert_with(way).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_folders_are_seen_from_the_one_that_they_lie_in() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let [a, b] = ["pcrs/2023", "pcrs/2024"].map(|name| root.path().join(name));
        for folder in [&a, &b] {
            std::fs::create_dir_all(folder).expect("the folder can be written to");
        }
        assert_eq!(folder_of(std::slice::from_ref(&a)), Some(a.clone()));
        assert_eq!(folder_of(&[a.clone(), b.join("x.tif")]), Some(root.path().join("pcrs")));
        assert_eq!(folder_of(&[a.join("x.tif"), a.join("y.tif")]), Some(a));
        assert_eq!(folder_of(&[]), None);
    }

    #[test]
    fn the_year_stands_in_the_name() {
        for (name, expected) in [
            ("2023-06500-62350-LA93-0M05-RVB.tif", Some(2023)),
            ("56-2019-0229-6764-LA93-0M05-RVB-E100.jp2", Some(2019)),
            ("1843_5173_08_CC46.tif", None),
            ("PCRS_D011_2022_blocA.tif", Some(2022)),
            ("ortho.tif", None),
            ("20230607.tif", None),
        ] {
            assert_eq!(year(Path::new(name)), expected, "{name}");
        }
    }
}
