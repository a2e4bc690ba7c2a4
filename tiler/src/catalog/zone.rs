//! The dalles of one CRS: an R-tree over their bounds, and how they lie in other CRSs.

use std::sync::Arc;

use geo_index::rtree::{RTree, RTreeBuilder, RTreeIndex, sort::HilbertSort};

use super::{Dalle, lattice::Lattice};
use crate::{
    crs::{Crs, CrsError},
    geom::Bounds,
    source::{Placement, Placements},
};

/// The dalles of one CRS.
#[derive(Debug)]
pub struct Zone {
    crs: Crs,
    /// All of their grids.
    pub(super) lattices: Vec<Lattice>,
    /// Numbers of dalles in the mosaic, in the order of the tree.
    members: Vec<u32>,
    tree: RTree<f64>,
    extent: Bounds,
    /// Points along the edge of all.
    outline: Vec<(f64, f64)>,
    /// The number of a dalle of the most usual grid.
    main: u32,
    /// The largest cell in units of the CRS.
    largest_cell: f64,
    placements: Placements,
}

impl Zone {
    /// The zone of these dalles, by number; never empty.
    pub(super) fn new(
        crs: Crs,
        lattices: Vec<Lattice>,
        main: u32,
        members: Vec<u32>,
        dalles: &[Arc<Dalle>],
    ) -> Self {
        let mut builder = RTreeBuilder::<f64>::new(members.len() as u32);
        let mut extent: Option<Bounds> = None;
        let mut largest_cell: f64 = 0.0;
        for &member in &members {
            let dalle = &dalles[member as usize];
            let bounds = dalle.bounds();
            builder.add(bounds.min_x, bounds.min_y, bounds.max_x, bounds.max_y);
            extent = Some(extent.map_or(bounds, |all| all.union(&bounds)));
            let (width, height) = dalle.geotransform.cell_size();
            largest_cell = largest_cell.max(width.abs()).max(height.abs());
        }
        let tree = builder.finish::<HilbertSort>();
        let extent = extent.unwrap_or_else(|| Bounds::new(0.0, 0.0, 0.0, 0.0));
        let outline = match members.as_slice() {
            // Of a rotated image the outline is not the edge of its bounds.
            [only] => {
                let Dalle { geotransform, kind, .. } = dalles[*only as usize].as_ref();
                let (width, height) = (f64::from(kind.size().width), f64::from(kind.size().height));
                let edge = Bounds::new(0.0, 0.0, width, height).edge_points(32);
                edge.map(|(col, row)| geotransform.apply(col, row)).collect()
            }
            _ => extent.edge_points(32).collect(),
        };
        let placements = Placements::default();
        Self { crs, lattices, members, tree, extent, outline, main, largest_cell, placements }
    }

    /// How many dalles.
    #[expect(clippy::len_without_is_empty, reason = "there is always one")]
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// The CRS.
    pub fn crs(&self) -> &Crs {
        &self.crs
    }

    /// Bounds of all dalles in the CRS.
    pub fn extent(&self) -> Bounds {
        self.extent
    }

    /// The number of a dalle whose grid is that of most.
    pub fn main(&self) -> u32 {
        self.main
    }

    /// The largest side of a pixel, in units of the CRS.
    pub fn largest_cell(&self) -> f64 {
        self.largest_cell
    }

    /// Its grids.
    pub fn lattices(&self) -> &[Lattice] {
        &self.lattices
    }

    /// Numbers of all dalles that touch the bounds, which are in the CRS; the best first.
    pub fn touching(&self, bounds: &Bounds) -> Vec<u32> {
        let found = self.tree.search(bounds.min_x, bounds.min_y, bounds.max_x, bounds.max_y);
        let mut numbers: Vec<u32> = found.into_iter().map(|at| self.members[at as usize]).collect();
        numbers.sort_unstable();
        numbers
    }

    /// How all of them lie in another CRS; `None` where that CRS cannot show them.
    ///
    /// # Errors
    /// When no way between the two is known.
    pub fn placement(&self, crs: &Crs) -> Result<Option<Arc<Placement>>, CrsError> {
        self.placements.get(&self.crs, crs, self.outline.iter().copied())
    }
}
