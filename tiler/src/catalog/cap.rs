//! The cap of a mosaic: coarser images of all of it, in patches, so that a tile of a low zoom opens a few files and not
//! thousands. Each tier is a mosaic again. Which patches there shall be, what they are called, and which of them show the
//! dalles as they are; nothing is read or written here.

use std::{collections::BTreeMap, sync::Arc};

use xxhash_rust::xxh3::Xxh3;

use super::{Dalle, Mosaic, Regions, regions::bounds_in};
use crate::{
    crs::Crs,
    geom::{Bounds, GeoTransform, Size},
};

/// Columns and rows of a patch.
pub const PATCH_PX: u32 = 4096;
/// Pixels of one tier under one of the next, along a side.
const TIER_STEP: u32 = 8;
/// A mosaic of fewer dalles needs no cap: a tile reads a handful of files anyway.
const DALLES_FROM: usize = 17;
/// A tile has so many pixels along a side.
const TILE_PX: u32 = 256;
/// Part of every name: to be raised when the same dalles give other patches.
const VERSION: u32 = 3;

/// The coarse images of a mosaic as they are on disk.
#[derive(Debug)]
pub struct Cap {
    /// Where patches lie.
    pub layout: CapLayout,
    /// The finest first; a mosaic without dalles where no patch is there yet.
    pub tiers: Vec<Tier>,
    /// What the tiles are made of.
    pub regions: Arc<Regions>,
}

/// The patches of one resolution.
#[derive(Debug)]
pub struct Tier {
    /// Pixels of the dalles under one of its pixels, along a side.
    pub factor: u32,
    /// Its patches.
    pub mosaic: Arc<Mosaic>,
    /// Where they do not show what dalles show now, in the CRS of the layout.
    pub stale: Vec<Bounds>,
}

/// Where the patches of a cap lie.
#[derive(Debug, Clone, PartialEq)]
pub struct CapLayout {
    /// The CRS of most dalles.
    pub crs: Crs,
    /// From pixels of the dalles to the CRS; patch 0, 0 begins at pixel 0, 0.
    pub native: GeoTransform,
    /// Pixels of dalles under a pixel of each tier, along a side; the finest first.
    pub factors: Vec<u32>,
}

/// A patch: tier, column and row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PatchAddress {
    /// In [`CapLayout::factors`].
    pub tier: usize,
    /// Columns east of the corner of the layout.
    pub col: i32,
    /// Rows south of it.
    pub row: i32,
}

impl CapLayout {
    /// The layout for a mosaic; `None` where none is needed. `anchor` is the corner of an earlier one, which is kept so
    /// that patches stay where they are when the mosaic grows.
    pub fn new(mosaic: &Mosaic, anchor: Option<(f64, f64)>) -> Option<Self> {
        if mosaic.dalles().len() < DALLES_FROM {
            return None;
        }
        let zone = mosaic.main_zone()?;
        let main = mosaic.dalle(zone.main());
        let lattice = mosaic.lattice(mosaic.member(zone.main()));
        if !lattice.geotransform.is_north_up() {
            return None;
        }
        let extent = mosaic.bounds_in(zone.crs())?;
        let (x, y) = anchor.unwrap_or((extent.min_x, extent.max_y));
        let (col, row) = lattice.to_pixel.apply(x, y);
        let (x, y) = lattice.geotransform.apply(col.round(), row.round());
        let (width, height) = lattice.geotransform.cell_size();
        let native = GeoTransform::north_up(x, y, width.abs(), height.abs());
        let size = main.kind.size();
        let coarsest = main.kind.factor(main.kind.levels.len() - 1).0.round().clamp(1.0, 65536.0) as u32;
        let wanted = (size.width.min(size.height) / TILE_PX).max(1);
        let finest = floor_power_of_two(wanted).clamp(4, 4 * floor_power_of_two(coarsest));
        let side_px = (extent.width() / width.abs()).max(extent.height() / height.abs());
        let mut factors = vec![finest];
        while side_px / f64::from(*factors.last()?) > f64::from(PATCH_PX) && factors.len() < 8 {
            factors.push(factors.last()?.checked_mul(TIER_STEP)?);
        }
        Some(Self { crs: zone.crs().clone(), native, factors })
    }

    /// The corner.
    pub fn anchor(&self) -> (f64, f64) {
        (self.native.0[0], self.native.0[3])
    }

    /// From pixels of a patch to the CRS.
    pub fn geotransform(&self, patch: PatchAddress) -> GeoTransform {
        let factor = f64::from(self.factors[patch.tier]);
        let side = f64::from(PATCH_PX) * factor;
        let (x, y) = self.native.apply(f64::from(patch.col) * side, f64::from(patch.row) * side);
        let (width, height) = self.native.cell_size();
        GeoTransform::north_up(x, y, width.abs() * factor, height.abs() * factor)
    }

    /// The bounds of a patch in the CRS.
    pub fn bounds(&self, patch: PatchAddress) -> Bounds {
        self.geotransform(patch).bounds(Size::new(PATCH_PX, PATCH_PX))
    }

    /// The patches of a tier that bounds touch.
    pub fn patches(&self, tier: usize, bounds: &Bounds) -> impl Iterator<Item = PatchAddress> + use<> {
        let (width, height) = self.native.cell_size();
        let factor = f64::from(self.factors[tier]) * f64::from(PATCH_PX);
        let (width, height) = (width.abs() * factor, height.abs() * factor);
        let (x, y) = self.anchor();
        // A dalle that only touches a patch has no pixel in it.
        let first = |v: f64| (v + 1e-6).floor().clamp(-1e6, 1e6) as i32;
        let last = |v: f64| (v - 1e-6).floor().clamp(-1e6, 1e6) as i32;
        let cols = first((bounds.min_x - x) / width)..=last((bounds.max_x - x) / width);
        let rows = first((y - bounds.max_y) / height)..=last((y - bounds.min_y) / height);
        rows.flat_map(move |row| cols.clone().map(move |col| PatchAddress { tier, col, row }))
    }

    /// The four by four, eight by eight … patches of the tier below that a patch is made of.
    pub fn below(&self, patch: PatchAddress) -> Vec<PatchAddress> {
        let Some(tier) = patch.tier.checked_sub(1) else { return Vec::new() };
        let step = (self.factors[patch.tier] / self.factors[tier]) as i32;
        let each = (0..step).flat_map(|row| (0..step).map(move |col| (col, row)));
        each.map(|(col, row)| PatchAddress { tier, col: patch.col * step + col, row: patch.row * step + row })
            .collect()
    }

    /// The bounds of a dalle of the mosaic in the CRS of the layout.
    pub fn bounds_of(&self, mosaic: &Mosaic, dalle: &Dalle) -> Option<Bounds> {
        bounds_in(mosaic, dalle, &self.crs)
    }

    /// All patches that there shall be, each with a hash of what it is made of; the finest tier first.
    pub fn wanted(&self, mosaic: &Mosaic) -> BTreeMap<PatchAddress, u128> {
        let mut hashes: BTreeMap<PatchAddress, Xxh3> = BTreeMap::new();
        for dalle in mosaic.dalles() {
            let Some(bounds) = bounds_in(mosaic, dalle, &self.crs) else { continue };
            for patch in self.patches(0, &bounds) {
                let hash = hashes.entry(patch).or_insert_with(|| self.begin(patch));
                hash.update(&dalle.state().to_le_bytes());
                hash.update(&dalle.year.unwrap_or_default().to_le_bytes());
            }
        }
        let mut wanted: BTreeMap<_, _> =
            hashes.into_iter().map(|(patch, hash)| (patch, hash.digest128())).collect();
        for tier in 1..self.factors.len() {
            let step = (self.factors[tier] / self.factors[tier - 1]) as i32;
            let mut hashes: BTreeMap<PatchAddress, Xxh3> = BTreeMap::new();
            for (below, hash) in wanted.iter().filter(|(patch, _)| patch.tier == tier - 1) {
                let (col, row) = (below.col.div_euclid(step), below.row.div_euclid(step));
                let patch = PatchAddress { tier, col, row };
                let whole = hashes.entry(patch).or_insert_with(|| self.begin(patch));
                whole.update(&below.col.to_le_bytes());
                whole.update(&below.row.to_le_bytes());
                whole.update(&hash.to_le_bytes());
            }
            wanted.extend(hashes.into_iter().map(|(patch, hash)| (patch, hash.digest128())));
        }
        wanted
    }

    fn begin(&self, patch: PatchAddress) -> Xxh3 {
        let mut hash = Xxh3::new();
        hash.update(&VERSION.to_le_bytes());
        hash.update(self.crs.name().as_bytes());
        self.geotransform(patch).0.iter().for_each(|c| hash.update(&c.to_bits().to_le_bytes()));
        hash
    }
}

fn floor_power_of_two(number: u32) -> u32 {
    1 << number.max(1).ilog2()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Order, fixture::dalle};

    fn square(side: u32, changed: Option<u32>) -> Mosaic {
        let dalles = (0..side * side).map(|i| {
            let mut dalle = dalle(&i.to_string(), 200.0 * f64::from(i % side), -200.0 * f64::from(i / side));
            dalle.generation += u128::from(changed == Some(i));
            Arc::new(dalle)
        });
        Mosaic::new(dalles.collect(), Order::Given)
    }

    #[test]
    fn dalles_of_pcrs_are_capped_from_40_cm_on_until_one_patch_holds_all() {
        let layout = CapLayout::new(&square(64, None), None).expect("they are many");
        assert_eq!(layout.factors, [8, 64]);
        assert_eq!(layout.anchor(), (0.0, 0.0));
        let wanted = layout.wanted(&square(64, None));
        assert_eq!(wanted.keys().filter(|patch| patch.tier == 0).count(), 64);
        assert_eq!(wanted.keys().filter(|patch| patch.tier == 1).count(), 1);
        assert!(CapLayout::new(&square(4, None), None).is_none(), "sixteen need none");
    }

    #[test]
    fn a_changed_dalle_changes_the_patches_above_it_only() {
        let layout = CapLayout::new(&square(64, None), None).expect("they are many");
        let (before, after) = (layout.wanted(&square(64, None)), layout.wanted(&square(64, Some(0))));
        let changed: Vec<_> =
            before.iter().filter(|(patch, hash)| after[patch] != **hash).map(|(p, _)| *p).collect();
        let corner = |tier| PatchAddress { tier, col: 0, row: 0 };
        assert_eq!(changed, [corner(0), corner(1)]);
        assert!(layout.below(corner(1)).contains(&corner(0)));
    }

    #[test]
    fn the_corner_stays_when_the_mosaic_grows_to_the_west() {
        let layout = CapLayout::new(&square(8, None), Some((400.0, 0.0))).expect("they are many");
        let wanted = layout.wanted(&square(8, None));
        assert!(wanted.keys().any(|patch| patch.col == -1) && wanted.keys().any(|patch| patch.col == 0));
        let west = PatchAddress { tier: 0, col: -1, row: 0 };
        assert!((layout.bounds(west).max_x - 400.0).abs() < 1e-9);
    }
}
