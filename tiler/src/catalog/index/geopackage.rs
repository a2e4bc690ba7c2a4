//! Tables of a `GeoPackage`: a database that nobody vouches for, opened for reading, with nothing in it that computes.
//!
//! Source: OGC 12-128r19; GDAL keeps the metadata of a layer as XML in `gpkg_metadata`.

use std::path::Path;

use geo_types::MultiPolygon;
use rusqlite::{Connection, OpenFlags, OptionalExtension, config::DbConfig, limits::Limit, types::ValueRef};

use super::{
    confinement::Confinement,
    error::{MAX_FEATURE, MAX_HEADER, MAX_RECORDS, MAX_TEXT, Problem},
    file,
    foreign::{self, Fields, Index, Rows},
    record::{Record, Value},
    wkb, xml,
};

/// Tables with geometries that are looked at.
const MAX_TABLES: usize = 1000;

/// A table of features with its CRS.
pub(in crate::catalog) struct Table {
    name: String,
    geometry: String,
    pub crs: Option<String>,
    pub columns: Vec<String>,
}

/// An open file.
pub(in crate::catalog) struct Database(Connection);

impl Database {
    pub fn open(path: &Path) -> Result<Self, Problem> {
        file::regular(path)?;
        let connection = Connection::open_with_flags(
            path,
            OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
        connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, MAX_FEATURE as i32)?;
        connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
        connection.pragma_update(None, "cell_size_check", true)?;
        Ok(Self(connection))
    }

    /// Its tables of features, the first one first. A view or a virtual table could compute for ever, so they are left out.
    pub fn tables(&self) -> Result<Vec<Table>, Problem> {
        let mut statement = self.0.prepare(
            "SELECT g.table_name, g.column_name, s.organization, s.organization_coordsys_id, s.definition \
             FROM gpkg_geometry_columns g \
             JOIN sqlite_master m ON lower(m.name) = lower(g.table_name) AND m.type = 'table' AND m.sql NOT LIKE 'CREATE VIRTUAL%' \
             LEFT JOIN gpkg_spatial_ref_sys s ON s.srs_id = g.srs_id ORDER BY g.rowid",
        )?;
        let mut rows = statement.query([])?;
        let mut tables = Vec::new();
        while let Some(row) = rows.next()? {
            if tables.len() == MAX_TABLES {
                return Err(Problem::TooMuch { what: "tables", limit: MAX_TABLES as u64 });
            }
            let name: String = row.get(0)?;
            let organization: Option<String> = row.get(2)?;
            let code: Option<i64> = row.get(3)?;
            let code = organization
                .zip(code)
                .filter(|(organization, code)| *code > 0 && !organization.eq_ignore_ascii_case("none"));
            let definition: Option<String> = row.get(4)?;
            let crs = code.map(|(organization, code)| format!("{}:{code}", organization.to_uppercase()));
            let crs = crs.or(definition.filter(|definition| definition != "undefined"));
            let columns = self.0.prepare(&format!("SELECT * FROM {} LIMIT 0", quoted(&name)))?;
            let columns = columns.column_names().map(str::to_owned).collect();
            tables.push(Table { geometry: row.get(1)?, name, crs, columns });
        }
        Ok(tables)
    }

    /// Calls for each row of a table with its polygons and its other values.
    pub fn rows(
        &self,
        table: &Table,
        mut each: impl FnMut(Option<MultiPolygon>, Vec<(String, Value)>) -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        let mut statement = self.0.prepare(&format!("SELECT * FROM {}", quoted(&table.name)))?;
        let mut rows = statement.query([])?;
        let mut count = 0;
        while let Some(row) = rows.next()? {
            count += 1;
            if count > MAX_RECORDS {
                return Err(Problem::TooMuch { what: "records", limit: MAX_RECORDS });
            }
            let mut polygons = None;
            let mut values = Vec::new();
            for (at, name) in table.columns.iter().enumerate() {
                let value = match row.get_ref(at)? {
                    ValueRef::Blob(bytes) if name.eq_ignore_ascii_case(&table.geometry) => {
                        polygons = geometry(bytes)?;
                        continue;
                    }
                    ValueRef::Null | ValueRef::Blob(_) => continue,
                    ValueRef::Integer(number) => Value::Number(number as f64),
                    ValueRef::Real(number) => Value::Number(number),
                    ValueRef::Text(text) if text.len() > MAX_TEXT => {
                        return Err(Problem::TooMuch { what: "bytes of a value", limit: MAX_TEXT as u64 });
                    }
                    ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
                };
                values.push((name.clone(), value));
            }
            each(polygons, values)?;
        }
        Ok(())
    }

    /// What GDAL knows of a layer beyond its table.
    fn items(&self, table: &Table, fields: &mut Fields) -> Result<(), Problem> {
        let has = "SELECT 1 FROM sqlite_master WHERE name = 'gpkg_metadata_reference' AND type = 'table'";
        if self.0.query_row(has, [], |_| Ok(())).optional()?.is_none() {
            return Ok(());
        }
        let mut statement = self.0.prepare(
            "SELECT m.metadata FROM gpkg_metadata m JOIN gpkg_metadata_reference r ON r.md_file_id = m.id \
             WHERE lower(r.table_name) = lower(?1) AND m.mime_type = 'text/xml' LIMIT 100",
        )?;
        let mut rows = statement.query([&table.name])?;
        while let Some(row) = rows.next()? {
            let text: String = row.get(0)?;
            let Some(document) = (text.len() <= MAX_HEADER).then(|| xml::parse(&text).ok()).flatten() else {
                continue;
            };
            for item in document.descendants().filter(|node| node.has_tag_name("MDI")) {
                fields
                    .take(item.attribute("key").unwrap_or_default(), item.text().unwrap_or_default().trim());
            }
        }
        Ok(())
    }
}

pub(super) fn open(path: &Path, confinement: &Confinement, fields: &Fields) -> Result<Index, Problem> {
    let database = Database::open(path)?;
    for table in database.tables()? {
        if fields.layer.as_ref().is_some_and(|layer| !layer.eq_ignore_ascii_case(&table.name)) {
            continue;
        }
        let mut fields = fields.clone();
        database.items(&table, &mut fields)?;
        let location_column = table.columns.iter().find(|name| name.eq_ignore_ascii_case(fields.location()));
        let Some(location_column) = location_column else { continue };
        let crs = fields.crs.clone().or_else(|| table.crs.clone());
        let mut rows = Rows::new(path, confinement)?;
        database.rows(&table, |polygons, mut attributes| {
            let at = attributes.iter().position(|(name, _)| name == location_column);
            let location = match at.map(|at| attributes.remove(at).1) {
                Some(Value::Text(location)) => location,
                _ => String::new(),
            };
            let mut record = Record { crs: crs.clone(), attributes, ..Record::default() };
            foreign::draw(&mut record, polygons);
            rows.push(&location, record)
        })?;
        return Ok(rows.finish(fields.order()));
    }
    Err(Problem::NoLocation { field: fields.location().to_owned() })
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The polygons of a geometry: a header with an envelope, then well-known binary.
fn geometry(bytes: &[u8]) -> Result<Option<MultiPolygon>, Problem> {
    let [b'G', b'P', _, flags, ..] = bytes else { return Err(Problem::damaged("a geometry has no header")) };
    // An extension of the standard could be anything; empty ones have nothing to give.
    if flags & 0x30 != 0 {
        return Ok(None);
    }
    let envelope = match (flags >> 1) & 7 {
        0 => 0,
        1 => 32,
        2 | 3 => 48,
        4 => 64,
        _ => return Err(Problem::damaged("a geometry has an unknown envelope")),
    };
    wkb::decode(bytes.get(8 + envelope..).ok_or(Problem::damaged("a geometry ends too early"))?)
}

#[cfg(test)]
mod tests {
    use geo_types::polygon;

    use super::super::{Order, open};
    use super::*;
    use crate::geom::Bounds;

    fn package(path: &Path, more: &str) {
        let mut geometry = b"GP\0\x01\0\0\0\0".to_vec();
        let square = polygon![(x: 1.0, y: 2.0), (x: 3.0, y: 2.0), (x: 3.0, y: 4.0), (x: 1.0, y: 4.0)];
        geometry.extend(wkb::encode(&MultiPolygon(vec![square])));
        let database = Connection::open(path).unwrap();
        database
            .execute_batch(
                "CREATE TABLE gpkg_spatial_ref_sys (srs_name TEXT, srs_id INTEGER PRIMARY KEY, organization TEXT, \
                 organization_coordsys_id INTEGER, definition TEXT);
                 INSERT INTO gpkg_spatial_ref_sys VALUES ('', 2154, 'epsg', 2154, 'undefined');
                 CREATE TABLE gpkg_geometry_columns (table_name TEXT, column_name TEXT, srs_id INTEGER);
                 CREATE TABLE \"a \"\"table\" (fid INTEGER PRIMARY KEY, geom BLOB, location TEXT, annee INTEGER);
                 CREATE TABLE gpkg_metadata (id INTEGER PRIMARY KEY, mime_type TEXT, metadata TEXT);
                 CREATE TABLE gpkg_metadata_reference (table_name TEXT, md_file_id INTEGER);
                 INSERT INTO gpkg_metadata VALUES (1, 'text/xml', '<M><MDI key=\"SORT_FIELD\">annee</MDI></M>');
                 INSERT INTO gpkg_metadata_reference VALUES ('a \"table', 1);",
            )
            .unwrap();
        database
            .execute(
                "INSERT INTO \"a \"\"table\" VALUES (1, ?1, 'a.tif', 2020), (2, ?1, '/vsis3/b.tif', NULL)",
                [geometry],
            )
            .unwrap();
        database.execute_batch(more).unwrap();
    }

    const LISTED: &str = "INSERT INTO gpkg_geometry_columns VALUES ('a \"table', 'geom', 2154);";

    #[test]
    fn a_table_is_an_index_with_the_order_of_its_metadata() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.tif"), "").unwrap();
        let path = folder.path().join("index.gpkg");
        package(&path, LISTED);
        let index = open(&path, &Confinement::to_own_folder()).unwrap();
        let [first, second] = &index.records[..] else { panic!("{index:?}") };
        assert_eq!((first.year, first.crs.as_deref(), &first.fault), (Some(2020), Some("EPSG:2154"), &None));
        assert_eq!((first.bounds, &first.footprint), (Some(Bounds::new(1.0, 2.0, 3.0, 4.0)), &None));
        assert!(second.fault.as_deref().unwrap().contains("virtual"));
        assert_eq!(index.order, Some(Order::Greatest("annee".to_owned())));
    }

    #[test]
    fn a_view_that_would_compute_for_ever_is_not_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("index.gpkg");
        let view = "CREATE VIEW endless AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i, 'a' AS location FROM n;
                    INSERT INTO gpkg_geometry_columns VALUES ('endless', 'geom', 2154);";
        package(&path, view);
        let error = open(&path, &Confinement::to_own_folder()).unwrap_err();
        assert!(matches!(error.problem, Problem::NoLocation { .. }), "{error:?}");
    }

    #[test]
    fn a_damaged_database_is_read_or_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("index.gpkg");
        package(&path, LISTED);
        let whole = std::fs::read(&path).unwrap();
        for at in (0..whole.len()).step_by(331) {
            let mut bytes = whole.clone();
            bytes[at] = bytes[at].wrapping_add(1 + (at % 255) as u8);
            std::fs::write(&path, &bytes).unwrap();
            let _ = open(&path, &Confinement::to_own_folder());
        }
    }
}
