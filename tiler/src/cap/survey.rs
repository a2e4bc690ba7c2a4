//! Which patches of a cap show the dalles as they are now, where they do not, and what has to be built. Only headers of
//! patches are read.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    build::Job,
    folder::{CapFolder, Ingredient, MadeOf, Present},
};
use crate::{
    catalog::{Cap, CapLayout, Dalle, Mosaic, Order, PatchAddress, Regions, Tier},
    geom::Bounds,
    source::{OpenOptions, Source},
};

/// Headers of patches that have been read; a patch is never changed.
#[derive(Debug, Default)]
pub struct Records {
    known: HashMap<PathBuf, Arc<Dalle>>,
    options: Arc<OpenOptions>,
}

impl Records {
    /// The record of a patch. One that cannot be used is removed, so that it is built again.
    fn get(&mut self, path: &Path) -> Option<Arc<Dalle>> {
        if let Some(known) = self.known.get(path) {
            return Some(Arc::clone(known));
        }
        let opened = Source::open(path, &self.options).and_then(|source| Dalle::of(&source, &self.options));
        let Ok(record) = opened else {
            let _ = std::fs::remove_file(path);
            return None;
        };
        let record = Arc::new(record);
        self.known.insert(path.to_owned(), Arc::clone(&record));
        Some(record)
    }
}

/// What was seen.
#[derive(Debug)]
pub struct Survey {
    /// The cap as it is.
    pub cap: Cap,
    /// What has to be built, tier after tier.
    pub jobs: Vec<Job>,
    /// Patches that there shall be: their files once they are built.
    pub wanted: HashSet<PathBuf>,
    /// The files of all patches that are needed, built or not.
    pub files: HashSet<PathBuf>,
}

/// Looks at the patches in a folder. `None` where the mosaic needs no cap.
pub fn survey(folder: &CapFolder, mosaic: &Arc<Mosaic>, records: &mut Records) -> Option<Survey> {
    let zone = mosaic.main_zone()?;
    let cell = mosaic.dalle(zone.main()).geotransform.cell_size().0.abs();
    let layout = CapLayout::new(mosaic, folder.anchor(&zone.crs().name(), cell))?;
    let wanted = layout.wanted(mosaic);
    let present = folder.present(&layout);
    let mut tiers: Vec<(Vec<Arc<Dalle>>, Vec<Bounds>)> = vec![Default::default(); layout.factors.len()];
    // Those that are not as they should be, each with what else is there at its place.
    let mut outdated: Vec<(PatchAddress, Vec<&Present>)> = Vec::new();
    for (&patch, &hash) in &wanted {
        let there = present.get(&patch).map_or(&[][..], Vec::as_slice);
        match there.iter().find(|present| present.hash == hash).and_then(|fresh| records.get(&fresh.path)) {
            Some(record) => tiers[patch.tier].0.push(record),
            None => outdated.push((patch, there.iter().filter(|old| old.hash != hash).collect())),
        }
    }
    let needed: HashSet<PathBuf> =
        wanted.iter().map(|(&patch, &hash)| folder.file(&layout, patch, hash)).collect();
    let mut files = needed.clone();
    let changes = Changes::under(&outdated, (folder, &layout, &wanted), mosaic);
    for (patch, there) in &outdated {
        let (dalles, stale) = &mut tiers[patch.tier];
        // Of several the one that differs least: a year shares most of its dalles with another one.
        let old = there.iter().map(|old| (changes.since(*patch, old.hash), old));
        let old = old.min_by_key(|(changed, _)| changed.len());
        match old.and_then(|(changed, old)| Some((records.get(&old.path)?, changed, old))) {
            Some((record, changed, old)) => {
                dalles.push(record);
                stale.extend(changed);
                files.insert(old.path.clone());
            }
            None => stale.push(layout.bounds(*patch)),
        }
    }
    let jobs = outdated.iter().map(|(patch, _)| {
        let made_of = changes.made_of(*patch);
        Job::new(folder.clone(), layout.clone(), (*patch, wanted[patch]), made_of, Arc::clone(mosaic))
    });
    let jobs = jobs.collect();
    let tiers = layout.factors.iter().zip(tiers).map(|(&factor, (dalles, stale))| Tier {
        factor,
        mosaic: Arc::new(Mosaic::new(dalles, Order::Given)),
        stale: merged(stale),
    });
    let tiers = tiers.collect();
    let regions = Arc::new(Regions::new(mosaic)?);
    Some(Survey { cap: Cap { layout, tiers, regions }, jobs, wanted: needed, files })
}

/// The dalles under patches of the finest tier, as they are now.
fn now(
    mosaic: &Mosaic,
    layout: &CapLayout,
    asked: &BTreeSet<PatchAddress>,
) -> BTreeMap<PatchAddress, Vec<Ingredient>> {
    let mut now: BTreeMap<PatchAddress, Vec<Ingredient>> = BTreeMap::new();
    if asked.is_empty() {
        return now;
    }
    for dalle in mosaic.dalles() {
        let Some(bounds) = layout.bounds_of(mosaic, dalle) else { continue };
        for patch in layout.patches(0, &bounds).filter(|patch| asked.contains(patch)) {
            let (generation, year) = (dalle.state(), dalle.year.unwrap_or_default());
            now.entry(patch).or_default().push(Ingredient { generation, year, bounds });
        }
    }
    now
}

/// What has changed under patches.
struct Changes<'a> {
    folder: &'a CapFolder,
    layout: &'a CapLayout,
    wanted: &'a BTreeMap<PatchAddress, u128>,
    now: BTreeMap<PatchAddress, Vec<Ingredient>>,
}

impl<'a> Changes<'a> {
    /// The changes under patches that are not as they should be.
    fn under(
        outdated: &[(PatchAddress, Vec<&Present>)],
        (folder, layout, wanted): (&'a CapFolder, &'a CapLayout, &'a BTreeMap<PatchAddress, u128>),
        mosaic: &Mosaic,
    ) -> Self {
        let mut changes = Self { folder, layout, wanted, now: BTreeMap::new() };
        let mut asked = BTreeSet::new();
        for (patch, there) in outdated {
            if patch.tier == 0 {
                asked.insert(*patch);
            }
            for old in there {
                changes.asked(*patch, old.hash, &mut asked);
            }
        }
        changes.now = now(mosaic, layout, &asked);
        changes
    }

    /// Adds the patches of the finest tier whose dalles are compared when `since` is asked.
    fn asked(&self, patch: PatchAddress, hash: u128, asked: &mut BTreeSet<PatchAddress>) {
        if self.wanted.get(&patch) == Some(&hash) {
            return;
        }
        match self.folder.made_of(self.layout, patch, hash) {
            Some(MadeOf::Dalles(_)) => drop(asked.insert(patch)),
            Some(MadeOf::Patches(then)) => {
                for &(below, hash) in &then {
                    self.asked(below, hash, asked);
                }
            }
            None => {}
        }
    }

    /// What a patch has to be made of now.
    fn made_of(&self, patch: PatchAddress) -> MadeOf {
        if patch.tier == 0 {
            return MadeOf::Dalles(self.now.get(&patch).cloned().unwrap_or_default());
        }
        let below = self.layout.below(patch).into_iter();
        MadeOf::Patches(below.filter_map(|below| Some((below, *self.wanted.get(&below)?))).collect())
    }

    /// Where a patch of a hash shows something else than the dalles of now.
    fn since(&self, patch: PatchAddress, hash: u128) -> Vec<Bounds> {
        if self.wanted.get(&patch) == Some(&hash) {
            return Vec::new();
        }
        let now = self.now.get(&patch).map_or(&[][..], Vec::as_slice);
        let changed = match self.folder.made_of(self.layout, patch, hash) {
            Some(MadeOf::Dalles(then)) => {
                let key = |dalle: &Ingredient| (dalle.generation, dalle.year);
                let (known, new): (HashSet<_>, HashSet<_>) =
                    (then.iter().map(key).collect(), now.iter().map(key).collect());
                let gone = then.iter().filter(|dalle| !new.contains(&key(dalle)));
                let came = now.iter().filter(|dalle| !known.contains(&key(dalle)));
                gone.chain(came).map(|dalle| dalle.bounds).collect()
            }
            Some(MadeOf::Patches(then)) => {
                let came = self.layout.below(patch).into_iter().filter(|below| {
                    self.wanted.contains_key(below) && !then.iter().any(|(known, _)| known == below)
                });
                let came = came.map(|below| self.layout.bounds(below));
                then.iter().flat_map(|&(below, hash)| self.since(below, hash)).chain(came).collect()
            }
            None => Vec::new(),
        };
        // It is made otherwise although of the same: in another order, or by another version.
        if changed.is_empty() { vec![self.layout.bounds(patch)] } else { changed }
    }
}

/// Each rectangle once.
fn merged(mut stale: Vec<Bounds>) -> Vec<Bounds> {
    let key = |bounds: &Bounds| [bounds.min_x, bounds.min_y, bounds.max_x, bounds.max_y].map(f64::to_bits);
    stale.sort_unstable_by_key(key);
    stale.dedup_by_key(|bounds| key(bounds));
    stale
}
