//! All dalles of a layer, best first, found by place.

use std::{cmp::Reverse, collections::HashMap, sync::Arc};

use super::{
    Dalle,
    lattice::{Lattice, Lattices},
    zone::Zone,
};
use crate::{
    crs::{Crs, Transform},
    geom::Bounds,
    raster::SampleType,
};

/// How many pixels apart the points are that a cell size is measured with.
const STEP_PX: f64 = 16.0;

/// Which of two dalles shows where both have imagery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// As they come.
    Given,
    /// The newer year, then the finer pixels, then the later change of the file, then the name.
    #[default]
    Newest,
    /// The finer pixels, then as `Newest`.
    Finest,
    /// By name, the last one first.
    Name,
}

/// Where a dalle lies among the others.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Member {
    /// In [`Mosaic::zones`].
    pub zone: u32,
    /// In [`Zone::lattices`].
    pub lattice: u32,
    /// Of its first pixel, in pixels of the lattice.
    pub offset: (i64, i64),
}

/// All dalles of a layer, immutable.
#[derive(Debug, Default)]
pub struct Mosaic {
    dalles: Vec<Arc<Dalle>>,
    members: Vec<Member>,
    zones: Vec<Zone>,
    are_bytes: bool,
    years: Vec<u16>,
}

impl Mosaic {
    /// A mosaic of these dalles.
    pub fn new(mut dalles: Vec<Arc<Dalle>>, order: Order) -> Self {
        sort(&mut dalles, order);
        let mut by_crs: HashMap<Crs, usize> = HashMap::new();
        let mut zones: Vec<(Crs, Lattices, Vec<u32>)> = Vec::new();
        let mut members = Vec::with_capacity(dalles.len());
        let mut kept = Vec::with_capacity(dalles.len());
        let mut last: Option<usize> = None;
        for dalle in dalles {
            let same = last.filter(|&zone: &usize| zones[zone].0 == dalle.kind.crs);
            let zone = same.unwrap_or_else(|| {
                *by_crs.entry(dalle.kind.crs.clone()).or_insert_with(|| {
                    zones.push((dalle.kind.crs.clone(), Lattices::default(), Vec::new()));
                    zones.len() - 1
                })
            });
            last = Some(zone);
            // Pixels without an area were refused when the file was opened.
            let Some((lattice, offset)) = zones[zone].1.place(&dalle.geotransform) else { continue };
            zones[zone].2.push(kept.len() as u32);
            members.push(Member { zone: zone as u32, lattice, offset });
            kept.push(dalle);
        }
        let zones = zones
            .into_iter()
            .map(|(crs, lattices, numbers)| {
                let main = most_usual(&numbers, &members);
                Zone::new(crs, lattices.all, main, numbers, &kept)
            })
            .collect();
        let are_bytes = kept.iter().all(|dalle| dalle.kind.sample == SampleType::U8);
        let mut years: Vec<u16> = kept.iter().filter_map(|dalle| dalle.year).collect();
        years.sort_unstable();
        years.dedup();
        Self { dalles: kept, members, zones, are_bytes, years }
    }

    /// All dalles, best first; their places in this list are their numbers.
    pub fn dalles(&self) -> &[Arc<Dalle>] {
        &self.dalles
    }

    /// A dalle by its number.
    ///
    /// # Panics
    /// When there is none of that number.
    pub fn dalle(&self, number: u32) -> &Arc<Dalle> {
        &self.dalles[number as usize]
    }

    /// The dalles by CRS.
    pub fn zones(&self) -> &[Zone] {
        &self.zones
    }

    /// Whether all have bytes for samples.
    pub fn are_bytes(&self) -> bool {
        self.are_bytes
    }

    /// The years that are known, the oldest first.
    pub fn years(&self) -> &[u16] {
        &self.years
    }

    /// The zone with the most dalles.
    pub fn main_zone(&self) -> Option<&Zone> {
        let count = |zone: &&Zone| zone.len();
        self.zones.iter().max_by_key(count)
    }

    pub(crate) fn member(&self, number: u32) -> Member {
        self.members[number as usize]
    }

    pub(crate) fn lattice(&self, member: Member) -> &Lattice {
        &self.zones[member.zone as usize].lattices[member.lattice as usize]
    }

    /// Bounds of all in a CRS; `None` where it cannot show them.
    pub fn bounds_in(&self, crs: &Crs) -> Option<Bounds> {
        let each = self.zones.iter().filter_map(|zone| Some(zone.placement(crs).ok()??.bounds));
        each.reduce(|all, one| all.union(&one)).filter(Bounds::is_valid)
    }

    /// The size of the finest pixels in a CRS, in its units.
    pub fn cell_size_in(&self, crs: &Crs) -> Option<f64> {
        let of_zone = |zone: &Zone| {
            let transform = Transform::new(zone.crs(), crs).ok()?;
            let (x, y) = zone.extent().center();
            let finest = zone.lattices().iter().min_by(|a, b| area(a).total_cmp(&area(b)))?;
            let place = |col: f64, row: f64| {
                let (x, y) = finest.geotransform.apply(col, row);
                transform.convert(x, y)
            };
            let (col, row) = finest.to_pixel.apply(x, y);
            let here = place(col, row)?;
            let distance = |there: (f64, f64)| (there.0 - here.0).hypot(there.1 - here.1) / STEP_PX;
            let cell = distance(place(col + STEP_PX, row)?).min(distance(place(col, row + STEP_PX)?));
            (cell.is_finite() && cell > 0.0).then_some(cell)
        };
        self.zones.iter().filter_map(of_zone).min_by(f64::total_cmp)
    }

    /// Some of the dalles, spread evenly over their order.
    pub fn sample(&self, count: usize) -> impl Iterator<Item = &Arc<Dalle>> {
        self.dalles.iter().step_by((self.dalles.len() / count.max(1)).max(1)).take(count)
    }

    /// Numbers of the dalles under a place, the best first; `x, y` in the given CRS, easting first.
    pub fn at(&self, crs: &Crs, x: f64, y: f64) -> Vec<u32> {
        let mut numbers = Vec::new();
        for zone in &self.zones {
            let Ok(transform) = Transform::new(crs, zone.crs()) else { continue };
            let Some((x, y)) = transform.convert(x, y) else { continue };
            numbers.extend(zone.touching(&Bounds::new(x, y, x, y)));
        }
        numbers.sort_unstable();
        numbers
    }
}

/// The same for a handful of open files, in the order given.
impl FromIterator<Dalle> for Mosaic {
    fn from_iter<I: IntoIterator<Item = Dalle>>(dalles: I) -> Self {
        Self::new(dalles.into_iter().map(Arc::new).collect(), Order::Given)
    }
}

fn area(lattice: &Lattice) -> f64 {
    let c = lattice.geotransform.0;
    (c[1] * c[5] - c[2] * c[4]).abs()
}

fn sort(dalles: &mut [Arc<Dalle>], order: Order) {
    let year = |dalle: &Dalle| Reverse(dalle.year);
    let age = |dalle: &Dalle| Reverse(dalle.stamp.mtime_ns);
    // As bytes: to compare paths part by part takes seconds where there are very many.
    let name = |a: &Dalle, b: &Dalle| b.path.as_os_str().cmp(a.path.as_os_str());
    let cell = |a: &Dalle, b: &Dalle| {
        let same = (a.cell_size() - b.cell_size()).abs() < 1e-6 * a.cell_size();
        if same { std::cmp::Ordering::Equal } else { a.cell_size().total_cmp(&b.cell_size()) }
    };
    let newest = |a: &Arc<Dalle>, b: &Arc<Dalle>| {
        year(a).cmp(&year(b)).then(cell(a, b)).then(age(a).cmp(&age(b))).then(name(a, b))
    };
    match order {
        Order::Given => {}
        Order::Newest => dalles.sort_unstable_by(newest),
        Order::Finest => dalles.sort_unstable_by(|a, b| cell(a, b).then(newest(a, b))),
        Order::Name => dalles.sort_unstable_by(|a, b| name(a, b)),
    }
}

/// The first dalle of the lattice with the most of them.
fn most_usual(numbers: &[u32], members: &[Member]) -> u32 {
    let mut counts: HashMap<u32, (usize, u32)> = HashMap::new();
    for &number in numbers {
        counts.entry(members[number as usize].lattice).or_insert((0, number)).0 += 1;
    }
    let most = counts.into_values().max_by_key(|&(count, first)| (count, Reverse(first)));
    most.map_or(0, |(_, first)| first)
}
