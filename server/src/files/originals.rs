//! The files of a published layer as they are handed to its tree. Nothing else here knows layers from inside.

use std::{collections::HashMap, path::PathBuf, sync::Arc};

use tiler::{
    catalog,
    crs::{Crs, Transform},
};

use super::tree::{Dalle, Item, Tree};
use crate::layers::Layer;

/// The tree of a layer's files; this reads folders.
pub fn tree(layer: &Layer) -> Tree {
    let root = layer.download.as_deref().and_then(folder_of).unwrap_or_default();
    let mut to_degrees = ToDegrees::default();
    Tree::new(&root, layer.imagery.mosaic.dalles().iter().filter_map(|dalle| item(dalle, &mut to_degrees)))
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

fn item(dalle: &catalog::Dalle, to_degrees: &mut ToDegrees) -> Option<Item> {
    let catalog::Dalle { geotransform, kind, stamp, .. } = dalle;
    let transform = to_degrees.of(&kind.crs)?;
    let (width, height) = (f64::from(kind.size().width), f64::from(kind.size().height));
    let corner = |(col, row)| {
        let (x, y) = geotransform.apply(col, row);
        transform.convert(x, y)
    };
    let corners = [(0.0, height), (width, height), (width, 0.0), (0.0, 0.0)].map(corner);
    let [Some(a), Some(b), Some(c), Some(d)] = corners else { return None };
    Some(Item {
        path: dalle.path.to_path_buf(),
        bytes: stamp.bytes,
        modified_s: stamp.mtime_ns.div_euclid(1_000_000_000),
        dalle: Some(Dalle {
            year: dalle.year,
            crs: kind.crs.name(),
            resolution_m: dalle.cell_size() * kind.crs.metres_per_unit(),
            is_cloud_optimized: kind.levels.len() > 1,
            ring: [a, b, c, d],
        }),
    })
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
}
