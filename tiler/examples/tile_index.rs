//! Writes a tile index of raster files, and says what one holds.
//!
//! `tile_index write OUT.fgb FILE...`, `tile_index read INDEX.fgb` for one of our own, `tile_index open INDEX FOLDER...`
//! for one of any format, whose files must lie below the folders (below its own where none is named).

use std::{error::Error, path::Path};

use serde_json::json;
use tiler::{
    catalog::index::{self, Confinement, Notes, Record, Value},
    crs::Crs,
    source::{OpenOptions, Source},
};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match &args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["write", out, files @ ..] => {
            let records: Vec<_> =
                files.iter().map(|file| record(Path::new(file))).collect::<Result<_, _>>()?;
            index::write(Path::new(out), &Notes::new(), records.iter())?;
        }
        ["read", path] => {
            index::read(Path::new(path), &mut |record| print(&record))?;
        }
        ["open", path, folders @ ..] => {
            let confinement =
                if folders.is_empty() { Confinement::to_own_folder() } else { Confinement::below(folders)? };
            let index = index::open(Path::new(path), &confinement)?;
            println!("{}", json!({ "order": index.order.map(|order| format!("{order:?}")) }));
            index.records.iter().for_each(print);
        }
        _ => return Err("write OUT.fgb FILE..., read INDEX.fgb, or open INDEX FOLDER...".into()),
    }
    Ok(())
}

fn record(path: &Path) -> Result<Record, Box<dyn Error>> {
    let location = path.canonicalize()?;
    let source = match Source::open(&location, &OpenOptions::default()) {
        Ok(source) => source,
        Err(error) => return Ok(Record { location, fault: Some(error.to_string()), ..Record::default() }),
    };
    let transform = source.geotransform().copied();
    Ok(Record {
        location,
        crs: source.crs().map(Crs::name),
        geotransform: transform,
        bounds: transform.map(|transform| transform.bounds(source.size())),
        size: Some(source.size()),
        bands: Some(source.bands()),
        sample: Some(source.sample()),
        ..Record::default()
    })
}

fn print(record: &Record) {
    let attributes = record.attributes.iter().map(|(name, value)| {
        let value = match value {
            Value::Number(number) => json!(number),
            Value::Text(text) => json!(text),
        };
        (name.clone(), value)
    });
    let line = json!({
        "location": record.location,
        "crs": record.crs,
        "geotransform": record.geotransform.map(|transform| transform.0),
        "bounds": record.bounds.map(|b| [b.min_x, b.min_y, b.max_x, b.max_y]),
        "size": record.size.map(|size| [size.width, size.height]),
        "bands": record.bands,
        "data_type": record.sample.map(|sample| sample.name()),
        "year": record.year,
        "fault": record.fault,
        "attributes": attributes.collect::<serde_json::Map<_, _>>(),
        "footprint": record.footprint.is_some(),
    });
    println!("{line}");
}
