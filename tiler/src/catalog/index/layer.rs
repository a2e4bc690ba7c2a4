//! What the records of an index have in common, as GDAL wants to know it to read them as one image, and how they are drawn.

use std::collections::{BTreeMap, HashMap};

use flatgeobuf::ColumnType;
use geo_types::{Coord, LineString, MultiPolygon, Polygon};

use super::{
    columns::{self, FIXED},
    error::{MAX_COLUMNS, Problem},
    fgb::Column,
    record::{Record, Value},
};
use crate::{
    crs::{Crs, Transform},
    raster::SampleType,
};

/// The CRS of the polygons where records have several.
const COMMON: &str = "EPSG:4326";
/// Points along each edge of a rectangle in another CRS.
const STEPS: u32 = 8;

/// What records have in common.
#[derive(Debug, Default)]
pub(super) struct Layer {
    pub crs: Option<String>,
    /// Those of attributes, after the fixed ones.
    pub columns: Vec<Column>,
    /// The names and values of GDAL's tile index.
    pub items: Vec<(&'static str, String)>,
}

#[derive(Default)]
struct Votes {
    /// The finest cells of each CRS.
    cells: BTreeMap<Option<String>, (f64, f64)>,
    /// One place in each CRS.
    places: BTreeMap<Option<String>, (f64, f64)>,
    kinds: HashMap<(usize, SampleType), u64>,
    attributes: BTreeMap<String, ColumnType>,
    has_year: bool,
}

impl Layer {
    /// Looks at all records once.
    pub fn of(records: impl Iterator<Item = impl std::borrow::Borrow<Record>>) -> Result<Self, Problem> {
        let mut votes = Votes::default();
        for record in records {
            votes.add(record.borrow());
        }
        let mut columns: Vec<_> = FIXED
            .iter()
            .map(|(name, kind)| Column { name: (*name).to_owned(), title: None, kind: *kind })
            .collect();
        columns.extend(votes.attributes.iter().map(|(name, kind)| columns::attribute(name, *kind)));
        if columns.len() > MAX_COLUMNS {
            return Err(Problem::TooMuch { what: "attributes", limit: (MAX_COLUMNS - FIXED.len()) as u64 });
        }
        let crs = votes.crs();
        Ok(Self { columns, items: votes.items(crs.as_deref()), crs })
    }
}

impl Votes {
    fn add(&mut self, record: &Record) {
        for (name, value) in &record.attributes {
            let kind = match value {
                Value::Number(_) => ColumnType::Double,
                Value::Text(_) => ColumnType::String,
            };
            match self.attributes.get_mut(name) {
                Some(known) if *known != kind => *known = ColumnType::String,
                Some(_) => {}
                None => _ = self.attributes.insert(name.clone(), kind),
            }
        }
        if record.fault.is_some() {
            return;
        }
        self.has_year |= record.year.is_some();
        if let Some((bands, sample)) = record.bands.zip(record.sample) {
            *self.kinds.entry((bands, sample)).or_default() += 1;
        }
        if let Some(transform) = &record.geotransform {
            let (width, height) = transform.cell_size();
            if let Some(finest) = self.cells.get_mut(&record.crs) {
                *finest = (finest.0.min(width), finest.1.min(height));
            } else {
                self.cells.insert(record.crs.clone(), (width, height));
            }
            if !self.places.contains_key(&record.crs) {
                self.places.insert(record.crs.clone(), (transform.0[0], transform.0[3]));
            }
        } else if record.bounds.is_some() {
            self.cells.entry(record.crs.clone()).or_insert((f64::INFINITY, f64::INFINITY));
        }
    }

    fn crs(&self) -> Option<String> {
        let mut all = self.cells.keys();
        match (all.next(), all.next()) {
            (_, Some(_)) => Some(COMMON.to_owned()),
            (one, None) => one.cloned().flatten(),
        }
    }

    fn items(&self, crs: Option<&str>) -> Vec<(&'static str, String)> {
        let mut items = vec![("LOCATION_FIELD", "location".to_owned()), ("MASK_BAND", "YES".to_owned())];
        if let Some((width, height)) = self.cell_size(crs) {
            items.extend([("RESX", width.to_string()), ("RESY", height.to_string())]);
        }
        // Where there are several kinds, the one that most files are of.
        if let Some(((bands, sample), _)) =
            self.kinds.iter().max_by_key(|((bands, sample), count)| (**count, *bands, *sample))
        {
            items.push(("BAND_COUNT", bands.to_string()));
            items.extend(gdal_name(*sample).map(|name| ("DATA_TYPE", name.to_owned())));
            let colours = match bands {
                1 => Some("Gray"),
                3 => Some("Red,Green,Blue"),
                _ => None,
            };
            items.extend(colours.map(|colours| ("COLOR_INTERPRETATION", colours.to_owned())));
        }
        if let Some(crs) = crs.filter(|crs| code(crs).is_some()) {
            items.push(("SRS", crs.to_owned()));
        }
        if self.has_year {
            // Later ones are drawn over earlier ones.
            items.extend([("SORT_FIELD", "year".to_owned()), ("SORT_FIELD_ASC", "YES".to_owned())]);
        }
        items
    }

    fn cell_size(&self, crs: Option<&str>) -> Option<(f64, f64)> {
        let target = crs.and_then(|crs| Crs::from_name(crs).ok());
        let cells = self.cells.iter().filter_map(|(name, (width, height))| {
            if name.as_deref() == crs {
                return Some((*width, *height));
            }
            let (x, y) = *self.places.get(name)?;
            let way = Transform::new(&Crs::from_name(name.as_deref()?).ok()?, target.as_ref()?).ok()?;
            let (from, east, north) =
                (way.convert(x, y)?, way.convert(x + width, y)?, way.convert(x, y + height)?);
            let length = |to: (f64, f64)| (to.0 - from.0).hypot(to.1 - from.1);
            Some((length(east), length(north)))
        });
        cells
            .reduce(|a, b| (a.0.min(b.0), a.1.min(b.1)))
            .filter(|(width, height)| width.is_normal() && height.is_normal())
    }
}

/// Authority and code of a name that has both: `EPSG`, `2154`.
pub(super) fn code(crs: &str) -> Option<(&str, &str)> {
    let is_word =
        |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    crs.split_once(':').filter(|(org, code)| is_word(org) && is_word(code))
}

/// The name of a CRS for a definition, where it has one of EPSG.
pub(super) fn name_of(definition: &str) -> String {
    match Crs::from_name(definition).ok().and_then(|crs| crs.epsg()) {
        Some(code) => format!("EPSG:{code}"),
        None => definition.to_owned(),
    }
}

/// GDAL's names of types.
const GDAL_NAMES: [(SampleType, &str); 10] = [
    (SampleType::U8, "Byte"),
    (SampleType::I8, "Int8"),
    (SampleType::U16, "UInt16"),
    (SampleType::I16, "Int16"),
    (SampleType::U32, "UInt32"),
    (SampleType::I32, "Int32"),
    (SampleType::U64, "UInt64"),
    (SampleType::I64, "Int64"),
    (SampleType::F32, "Float32"),
    (SampleType::F64, "Float64"),
];

fn gdal_name(sample: SampleType) -> Option<&'static str> {
    GDAL_NAMES.iter().find(|(own, _)| *own == sample).map(|(_, name)| *name)
}

/// The type of one of GDAL's names.
pub(super) fn sample_of(name: &str) -> Option<SampleType> {
    GDAL_NAMES.iter().find(|(_, own)| *own == name).map(|(sample, _)| *sample)
}

/// Draws records in the CRS of the layer.
pub(super) struct Drawing<'a> {
    crs: Option<&'a str>,
    /// By the CRS of a record; `None` where no way leads from there.
    ways: HashMap<Option<String>, Option<Transform>>,
}

impl<'a> Drawing<'a> {
    pub fn new(crs: Option<&'a str>) -> Self {
        Self { crs, ways: HashMap::new() }
    }

    /// The polygons of a record; `None` for one that is not served or whose place is not known.
    pub fn polygons(&mut self, record: &Record) -> Option<MultiPolygon> {
        if record.fault.is_some() {
            return None;
        }
        let is_own = record.crs.as_deref() == self.crs;
        let polygons =
            record.footprint.clone().or_else(|| rectangle(record, if is_own { 1 } else { STEPS }))?;
        if is_own {
            return Some(polygons);
        }
        if !self.ways.contains_key(&record.crs) {
            let way = self.way(record.crs.as_deref());
            self.ways.insert(record.crs.clone(), way);
        }
        let way = self.ways.get(&record.crs)?.as_ref()?;
        let ring = |ring: &LineString| {
            let points = ring.0.iter().map(|point| way.convert(point.x, point.y).map(Coord::from));
            points.collect::<Option<Vec<_>>>().map(LineString)
        };
        let polygon = |polygon: &Polygon| {
            let interiors = polygon.interiors().iter().map(ring).collect::<Option<_>>()?;
            Some(Polygon::new(ring(polygon.exterior())?, interiors))
        };
        polygons.0.iter().map(polygon).collect::<Option<_>>().map(MultiPolygon)
    }

    fn way(&self, from: Option<&str>) -> Option<Transform> {
        Transform::new(&Crs::from_name(from?).ok()?, &Crs::from_name(self.crs?).ok()?).ok()
    }
}

/// The edge of an image, with `steps` points on each side.
fn rectangle(record: &Record, steps: u32) -> Option<MultiPolygon> {
    let corner: Box<dyn Fn(f64, f64) -> (f64, f64)> = match (record.geotransform, record.size, record.bounds)
    {
        (Some(transform), Some(size), _) => {
            Box::new(move |u, v| transform.apply(u * f64::from(size.width), v * f64::from(size.height)))
        }
        (_, _, Some(b)) => Box::new(move |u, v| {
            let between = |from: f64, to: f64, at: f64| if at >= 1.0 { to } else { from + at * (to - from) };
            (between(b.min_x, b.max_x, u), between(b.max_y, b.min_y, v))
        }),
        _ => return None,
    };
    let parts = |steps: u32| (0..steps).map(move |step| f64::from(step) / f64::from(steps));
    let edge = parts(steps)
        .map(|at| (0.0, at))
        .chain(parts(steps).map(|at| (at, 1.0)))
        .chain(parts(steps).map(|at| (1.0, 1.0 - at)))
        .chain(parts(steps).map(|at| (1.0 - at, 0.0)))
        .chain([(0.0, 0.0)]);
    let ring: Vec<_> = edge.map(|(u, v)| Coord::from(corner(u, v))).collect();
    let finite = ring.iter().all(|point| point.x.is_finite() && point.y.is_finite());
    finite.then(|| MultiPolygon(vec![Polygon::new(LineString(ring), Vec::new())]))
}
