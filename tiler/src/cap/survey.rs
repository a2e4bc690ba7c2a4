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
pub struct Records(HashMap<PathBuf, Option<Arc<Dalle>>>);

impl Records {
    /// The record of a patch; `None` where it cannot be used.
    fn get(&mut self, path: &Path, options: &Arc<OpenOptions>) -> Option<Arc<Dalle>> {
        let open = || {
            let source = Source::open(path, options).ok()?;
            Dalle::of(&source, options).ok().map(Arc::new)
        };
        self.0.entry(path.to_owned()).or_insert_with(open).clone()
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
    let options = Arc::new(OpenOptions::default());
    let mut tiers: Vec<Vec<Arc<Dalle>>> = vec![Vec::new(); layout.factors.len()];
    let mut jobs = Vec::new();
    let mut files = HashSet::new();
    let mut outdated: Vec<(PatchAddress, Option<u128>)> = Vec::new();
    for (&patch, &hash) in &wanted {
        let there = present.get(&patch).map_or(&[][..], Vec::as_slice);
        let fresh = there.iter().find(|present| present.hash == hash);
        let mut use_it = |present: &Present, records: &mut Records| {
            let record = records.get(&present.path, &options);
            tiers[patch.tier].extend(record.clone());
            record.is_some()
        };
        if fresh.is_some_and(|fresh| use_it(fresh, records)) {
            continue;
        }
        let latest = there.iter().filter(|old| old.hash != hash).max_by_key(|old| old.modified);
        let used = latest.filter(|old| use_it(old, records));
        files.extend(used.map(|old| old.path.clone()));
        outdated.push((patch, used.map(|old| old.hash)));
        jobs.push(patch);
    }
    let needed: HashSet<PathBuf> =
        wanted.iter().map(|(&patch, &hash)| folder.file(&layout, patch, hash)).collect();
    files.extend(needed.iter().cloned());
    let changes = Changes { folder, layout: &layout, wanted: &wanted, now: now(mosaic, &layout, &outdated) };
    let mut stale = Vec::new();
    for (patch, old) in &outdated {
        match old {
            Some(old) => changes.since(*patch, *old, &mut stale),
            None => stale.push(layout.bounds(*patch)),
        }
    }
    let jobs = jobs.into_iter().map(|patch| {
        let below = layout.below(patch).into_iter();
        let below = below.filter_map(|below| Some((below, *wanted.get(&below)?))).collect();
        let made_of = if patch.tier == 0 {
            MadeOf::Dalles(changes.now.get(&patch).cloned().unwrap_or_default())
        } else {
            MadeOf::Patches(below)
        };
        Job::new(folder.clone(), layout.clone(), (patch, wanted[&patch]), made_of, Arc::clone(mosaic))
    });
    let jobs = jobs.collect();
    let tiers = layout
        .factors
        .iter()
        .zip(tiers)
        .map(|(&factor, dalles)| Tier { factor, mosaic: Arc::new(Mosaic::new(dalles, Order::Given)) });
    let tiers = tiers.collect();
    let regions = Arc::new(Regions::new(mosaic)?);
    Some(Survey { cap: Cap { layout, tiers, stale: merged(stale), regions }, jobs, wanted: needed, files })
}

/// The dalles under patches that are to be built or to be compared, as they are now.
fn now(
    mosaic: &Mosaic,
    layout: &CapLayout,
    outdated: &[(PatchAddress, Option<u128>)],
) -> BTreeMap<PatchAddress, Vec<Ingredient>> {
    let mut now: BTreeMap<PatchAddress, Vec<Ingredient>> = BTreeMap::new();
    let asked: BTreeSet<PatchAddress> =
        outdated.iter().map(|(patch, _)| *patch).filter(|patch| patch.tier == 0).collect();
    if asked.is_empty() {
        return now;
    }
    for dalle in mosaic.dalles() {
        let Some(bounds) = layout.bounds_of(mosaic, dalle) else { continue };
        for patch in layout.patches(0, &bounds).filter(|patch| asked.contains(patch)) {
            let (generation, year) = (dalle.generation, dalle.year.unwrap_or_default());
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

impl Changes<'_> {
    /// Adds where a patch of a hash shows something else than the dalles of now.
    fn since(&self, patch: PatchAddress, hash: u128, stale: &mut Vec<Bounds>) {
        if self.wanted.get(&patch) == Some(&hash) {
            return;
        }
        let now = self.now.get(&patch).map_or(&[][..], Vec::as_slice);
        match self.folder.made_of(self.layout, patch, hash) {
            Some(MadeOf::Dalles(then)) => {
                let key = |dalle: &Ingredient| (dalle.generation, dalle.year);
                let (known, new): (HashSet<_>, HashSet<_>) =
                    (then.iter().map(key).collect(), now.iter().map(key).collect());
                let gone = then.iter().filter(|dalle| !new.contains(&key(dalle)));
                let came = now.iter().filter(|dalle| !known.contains(&key(dalle)));
                stale.extend(gone.chain(came).map(|dalle| dalle.bounds));
            }
            Some(MadeOf::Patches(then)) => {
                for &(below, hash) in &then {
                    self.since(below, hash, stale);
                }
                let came = self.layout.below(patch).into_iter().filter(|below| {
                    self.wanted.contains_key(below) && !then.iter().any(|(known, _)| known == below)
                });
                stale.extend(came.map(|below| self.layout.bounds(below)));
            }
            None => stale.push(self.layout.bounds(patch)),
        }
    }
}

/// Each rectangle once.
fn merged(mut stale: Vec<Bounds>) -> Vec<Bounds> {
    let key = |bounds: &Bounds| [bounds.min_x, bounds.min_y, bounds.max_x, bounds.max_y].map(f64::to_bits);
    stale.sort_unstable_by_key(key);
    stale.dedup_by_key(|bounds| key(bounds));
    stale
}
