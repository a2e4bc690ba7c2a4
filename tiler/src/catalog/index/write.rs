//! Writes an index of our own.
//!
//! Features go to a nameless file first, since the header and the tree before them depend on them all.

use std::{
    borrow::Borrow,
    fs::File,
    io::{BufWriter, Write},
    os::unix::fs::FileExt,
    path::Path,
};

use flatbuffers::{FlatBufferBuilder, WIPOffset};
use flatgeobuf::{
    ColumnArgs, Crs, CrsArgs, Feature, FeatureArgs, Geometry, GeometryArgs, GeometryType, HeaderArgs,
    packed_r_tree::{NodeItem, PackedRTree, calc_extent, hilbert_sort},
};
use geo_types::{MultiPolygon, Polygon};
use xxhash_rust::xxh3::xxh3_64;

use super::{
    columns,
    error::{IndexError, MAX_FEATURE, MAX_RECORDS, Problem},
    fgb::MAGIC,
    file,
    header::{self, Notes},
    layer::{self, Drawing, Layer},
    record::Record,
};

/// Writes records to a file that has its name only when it is whole, and on the disk. They are gone through twice.
///
/// The order in the file is one of place, so that what lies together is read together.
///
/// # Errors
/// When it cannot be written, or there is more than [`read`](super::read()) would take.
pub fn write<R: Borrow<Record>>(
    path: &Path,
    notes: &Notes,
    records: impl Iterator<Item = R> + Clone,
) -> Result<(), IndexError> {
    let write = || {
        let layer = Layer::of(records.clone())?;
        let spool = Spool::fill(file::folder(path), &layer, records)?;
        file::replace(path, |out| spool.finish(&layer, notes, out))
    };
    write().map_err(|problem| IndexError { path: path.to_owned(), problem })
}

/// Features in the order of their records.
struct Spool {
    file: File,
    nodes: Vec<NodeItem>,
    /// Where each ends.
    ends: Vec<u64>,
    sum: u64,
}

impl Spool {
    fn fill<R: Borrow<Record>>(
        folder: &Path,
        layer: &Layer,
        records: impl Iterator<Item = R>,
    ) -> Result<Self, Problem> {
        let mut out = BufWriter::with_capacity(1 << 20, tempfile::tempfile_in(folder)?);
        let mut drawing = Drawing::new(layer.crs.as_deref());
        let mut builder = FlatBufferBuilder::new();
        let (mut nodes, mut ends, mut sum, mut end) = (Vec::new(), Vec::new(), 0_u64, 0);
        let mut properties = Vec::new();
        for record in records {
            let record = record.borrow();
            if ends.len() as u64 == MAX_RECORDS {
                return Err(Problem::TooMuch { what: "records", limit: MAX_RECORDS });
            }
            builder.reset();
            let polygons = drawing.polygons(record);
            let mut node = NodeItem::create(ends.len() as u64);
            for point in polygons.iter().flatten().flat_map(|polygon| &polygon.exterior().0) {
                node.expand_xy(point.x, point.y);
            }
            let geometry = polygons.map(|polygons| multi_polygon(&mut builder, &polygons));
            properties.clear();
            columns::encode(record, &layer.columns, &mut properties);
            let properties = Some(builder.create_vector(&properties));
            let feature = Feature::create(&mut builder, &FeatureArgs { geometry, properties, columns: None });
            builder.finish_size_prefixed(feature, None);
            let bytes = builder.finished_data();
            if bytes.len() > MAX_FEATURE {
                return Err(Problem::TooMuch { what: "bytes of one record", limit: MAX_FEATURE as u64 });
            }
            out.write_all(bytes)?;
            sum = sum.wrapping_add(xxh3_64(bytes));
            end += bytes.len() as u64;
            ends.push(end);
            nodes.push(node);
        }
        let file = out.into_inner().map_err(std::io::IntoInnerError::into_error)?;
        Ok(Self { file, nodes, ends, sum })
    }

    fn finish(mut self, layer: &Layer, notes: &Notes, out: &mut impl Write) -> Result<(), Problem> {
        let extent = calc_extent(&self.nodes);
        let has_tree = extent.min_x <= extent.max_x;
        out.write_all(&MAGIC)?;
        let metadata = header::metadata(&layer.items, notes, self.sum);
        out.write_all(&header_table(layer, &metadata, self.nodes.len() as u64, has_tree.then_some(&extent)))?;
        if has_tree {
            hilbert_sort(&mut self.nodes, &extent);
            let mut at = 0;
            let mut leaves = self.nodes.clone();
            for leaf in &mut leaves {
                let (start, end) = self.range(leaf.offset as usize);
                leaf.offset = at;
                at += end - start;
            }
            let tree = PackedRTree::build(&leaves, &extent, PackedRTree::DEFAULT_NODE_SIZE);
            tree.map_err(|_| Problem::damaged("its tree cannot be built"))?.stream_write(out)?;
        }
        let mut feature = Vec::new();
        for node in &self.nodes {
            let (start, end) = self.range(node.offset as usize);
            feature.resize((end - start) as usize, 0);
            self.file.read_exact_at(&mut feature, start)?;
            out.write_all(&feature)?;
        }
        Ok(())
    }

    /// Where the feature of a record starts and ends.
    fn range(&self, record: usize) -> (u64, u64) {
        let start = record.checked_sub(1).map_or(0, |before| self.ends[before]);
        (start, self.ends[record])
    }
}

fn header_table(layer: &Layer, metadata: &str, count: u64, extent: Option<&NodeItem>) -> Vec<u8> {
    let mut builder = FlatBufferBuilder::new();
    let columns: Vec<_> = layer
        .columns
        .iter()
        .map(|column| {
            let name = Some(builder.create_string(&column.name));
            let title = column.title.as_ref().map(|title| builder.create_string(title));
            let args = ColumnArgs { name, title, type_: column.kind, ..ColumnArgs::default() };
            flatgeobuf::Column::create(&mut builder, &args)
        })
        .collect();
    let args = HeaderArgs {
        name: Some(builder.create_string("index")),
        envelope: extent.map(|e| builder.create_vector(&[e.min_x, e.min_y, e.max_x, e.max_y])),
        geometry_type: GeometryType::MultiPolygon,
        columns: Some(builder.create_vector(&columns)),
        features_count: count,
        index_node_size: if extent.is_some() { PackedRTree::DEFAULT_NODE_SIZE } else { 0 },
        crs: layer.crs.as_deref().map(|crs| crs_table(&mut builder, crs)),
        metadata: Some(builder.create_string(metadata)),
        ..HeaderArgs::default()
    };
    let header = flatgeobuf::Header::create(&mut builder, &args);
    builder.finish_size_prefixed(header, None);
    builder.finished_data().to_vec()
}

fn crs_table<'a>(builder: &mut FlatBufferBuilder<'a>, crs: &str) -> WIPOffset<Crs<'a>> {
    let args = match layer::code(crs) {
        Some((org, code)) => {
            let number = code.parse().ok();
            CrsArgs {
                org: Some(builder.create_string(org)),
                code: number.unwrap_or(0),
                code_string: number.is_none().then(|| builder.create_string(code)),
                ..CrsArgs::default()
            }
        }
        None => CrsArgs { wkt: Some(builder.create_string(crs)), ..CrsArgs::default() },
    };
    Crs::create(builder, &args)
}

fn multi_polygon<'a>(
    builder: &mut FlatBufferBuilder<'a>,
    polygons: &MultiPolygon,
) -> WIPOffset<Geometry<'a>> {
    let parts: Vec<_> = polygons.0.iter().map(|part| polygon(builder, part)).collect();
    let parts = Some(builder.create_vector(&parts));
    Geometry::create(
        builder,
        &GeometryArgs { type_: GeometryType::MultiPolygon, parts, ..GeometryArgs::default() },
    )
}

fn polygon<'a>(builder: &mut FlatBufferBuilder<'a>, polygon: &Polygon) -> WIPOffset<Geometry<'a>> {
    let mut xy = Vec::new();
    let mut ends = Vec::new();
    for ring in std::iter::once(polygon.exterior()).chain(polygon.interiors()) {
        xy.extend(ring.0.iter().flat_map(|point| [point.x, point.y]));
        ends.push((xy.len() / 2) as u32);
    }
    let xy = Some(builder.create_vector(&xy));
    let ends = (ends.len() > 1).then(|| builder.create_vector(&ends));
    Geometry::create(
        builder,
        &GeometryArgs { type_: GeometryType::Polygon, xy, ends, ..GeometryArgs::default() },
    )
}

#[cfg(test)]
mod tests {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};

    use geo_types::polygon;

    use super::super::{Value, read, read_header};
    use super::*;
    use crate::{
        geom::{Bounds, GeoTransform, Size},
        raster::SampleType,
    };

    fn dalle(col: u32, row: u32) -> Record {
        let transform = GeoTransform::north_up(
            650_000.1 + f64::from(col) * 200.0,
            6_235_000.3 - f64::from(row) * 200.0,
            0.05,
            0.05,
        );
        let size = Size::new(4000, 4000);
        Record {
            location: format!("/nas/pcrs/2024/dalle_{col:04}_{row:04}.tif").into(),
            crs: Some("EPSG:2154".to_owned()),
            geotransform: Some(transform),
            bounds: Some(transform.bounds(size)),
            size: Some(size),
            overviews: vec![Size::new(2000, 2000), Size::new(1000, 1000)],
            bands: Some(3),
            sample: Some(SampleType::U8),
            compression: Some("JPEG".to_owned()),
            is_lossy: Some(true),
            has_transparency: Some(false),
            bytes: Some(12_345_678),
            mtime_ns: Some(1_700_000_000_123_456_789),
            inode: Some(u64::MAX),
            generation: Some(u128::MAX - 7),
            beside: Some(3),
            year: Some(2024),
            fault: None,
            attributes: vec![
                ("cloud".to_owned(), Value::Number(0.1)),
                ("Year".to_owned(), Value::Text("é".to_owned())),
            ],
            footprint: None,
        }
    }

    fn round_trip(records: &[Record]) -> Vec<Record> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("index.fgb");
        let notes = Notes::from([("scan".to_owned(), "{\"a\":1}".to_owned())]);
        write(&path, &notes, records.iter()).unwrap();
        let mut found = Vec::new();
        let header = read(&path, &mut |record| found.push(record)).unwrap();
        assert_eq!((header.count, &header.notes), (records.len() as u64, &notes));
        assert_eq!(read_header(&path).unwrap(), header);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        found.sort_by(|a, b| a.location.cmp(&b.location));
        found
    }

    #[test]
    fn records_come_back_as_they_were() {
        let mut records: Vec<_> = (0..300).map(|i| dalle(i / 20, i % 20)).collect();
        let rotated = GeoTransform([0.1, 0.3, 0.1, 0.7, 0.1, -0.3]);
        records[3].geotransform = Some(rotated);
        records[4].bounds = None;
        records[5].footprint = Some(MultiPolygon(vec![polygon![
            exterior: [(x: 651_000.1, y: 6_234_000.0), (x: 651_100.0, y: 6_234_000.0), (x: 651_100.0, y: 6_234_100.0)],
            interiors: [[(x: 651_050.0, y: 6_234_010.0), (x: 651_060.0, y: 6_234_010.0), (x: 651_060.0, y: 6_234_020.0)]],
        ]]));
        records[6].geotransform = None;
        records[6].bounds = Some(Bounds::new(0.1, 0.2, 0.3, 0.4));
        assert_eq!(round_trip(&records), records);
    }

    #[test]
    fn a_record_of_which_only_the_fault_is_known_comes_back() {
        let record = Record {
            location: OsStr::from_bytes(b"/nas/\xe9t\xe9.tif").into(),
            fault: Some("not a TIFF".to_owned()),
            ..Record::default()
        };
        let alone = std::slice::from_ref(&record);
        assert_eq!(round_trip(alone), alone);
        let both = [record, dalle(1, 1)];
        let mut found = round_trip(&both);
        found.sort_by_key(|record| record.fault.is_none());
        assert_eq!(found, both);
        assert_eq!(round_trip(&[]), []);
    }

    #[test]
    fn records_of_several_crss_are_drawn_in_degrees() {
        let mut other = dalle(2, 2);
        other.crs = Some("EPSG:3943".to_owned());
        let transform = GeoTransform::north_up(1_651_000.0, 2_234_000.0, 0.08, 0.08);
        (other.geotransform, other.bounds) = (Some(transform), Some(transform.bounds(other.size.unwrap())));
        let records = [dalle(1, 1), other];
        assert_eq!(round_trip(&records), records);
        let layer = Layer::of(records.iter()).unwrap();
        assert_eq!(layer.crs.as_deref(), Some("EPSG:4326"));
        let polygons = Drawing::new(layer.crs.as_deref()).polygons(&records[1]).unwrap();
        let point = polygons.0[0].exterior().0[0];
        assert!((2.0..3.0).contains(&point.x) && (43.0..44.0).contains(&point.y), "{point:?}");
        let item =
            |name| layer.items.iter().find(|(item, _)| *item == name).unwrap().1.parse::<f64>().unwrap();
        assert!((4e-7..7e-7).contains(&item("RESX")), "{}", item("RESX"));
    }

    #[test]
    fn an_index_that_was_changed_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("index.fgb");
        let records: Vec<_> = (0..20).map(|i| dalle(i, 0)).collect();
        write(&path, &Notes::new(), records.iter()).unwrap();
        let whole = std::fs::read(&path).unwrap();
        let tree = whole.len() - 20 * 400;
        for at in (0..whole.len()).step_by(7) {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << (at % 8);
            std::fs::write(&path, &bytes).unwrap();
            let mut found = Vec::new();
            // A change of the header or of the tree, which nobody here reads, may leave the records as they are.
            match read(&path, &mut |record| found.push(record)) {
                Ok(_) => assert!(at < tree && found.len() == 20, "byte {at}"),
                Err(error) => assert!(!error.problem.to_string().is_empty()),
            }
            std::fs::write(&path, &whole[..at]).unwrap();
            assert!(read(&path, &mut |_| ()).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn an_index_that_is_not_ours_is_of_another_version() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("index.fgb");
        let layer = Layer::of([dalle(0, 0)].iter()).unwrap();
        let spool = Spool::fill(folder.path(), &layer, [dalle(0, 0)].iter()).unwrap();
        let mut bytes = MAGIC.to_vec();
        bytes.extend(header_table(&layer, "{\"PAVAGE_INDEX\":\"0\"}", 1, None));
        let mut feature = vec![0; spool.ends[0] as usize];
        spool.file.read_exact_at(&mut feature, 0).unwrap();
        bytes.extend(feature);
        std::fs::write(&path, bytes).unwrap();
        let error = read(&path, &mut |_| ()).unwrap_err();
        assert!(matches!(error.problem, Problem::OtherVersion), "{error:?}");
    }
}
