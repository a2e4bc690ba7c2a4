//! Writes a tile index of raster files, and says what one holds.
//!
//! `tile_index write OUT.fgb FILE...`, `tile_index read INDEX.fgb` for one of our own, `tile_index open INDEX FOLDER...`
//! for one of any format, whose files must lie below the folders (below its own where none is named);
//! `tile_index masks SEAMLINES WIDTH HEIGHT GEOTRANSFORM`, six numbers, says how many pixels each line holds and where they begin.

use std::{error::Error, path::Path};

use serde_json::json;
use tiler::{
    catalog::{
        index::{self, Confinement, Notes, Record, Value},
        seamlines,
    },
    crs::Crs,
    geom::{GeoTransform, Size, Window},
    raster::SampleType,
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
        ["masks", path, width, height, transform @ ..] => {
            let window = Window::full(Size::new(width.parse()?, height.parse()?));
            let transform: Vec<f64> = transform.iter().map(|number| number.parse()).collect::<Result<_, _>>()?;
            let transform = GeoTransform(transform.try_into().map_err(|_| "six numbers")?);
            for seamline in seamlines::read(Path::new(path))? {
                let mask = seamlines::mask(&seamline.polygon, &transform, window);
                let inside: Vec<_> = (0..mask.len()).filter(|at| mask[*at] == 255).collect();
                println!("{}", json!({ "key": seamline.key, "crs": seamline.crs, "pixels": inside }));
            }
        }
        _ => return Err("write OUT.fgb FILE..., read INDEX.fgb, open INDEX FOLDER..., or masks SEAMLINES WIDTH HEIGHT GEOTRANSFORM".into()),
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
        "data_type": record.sample.map(SampleType::name),
        "year": record.year,
        "fault": record.fault,
        "attributes": attributes.collect::<serde_json::Map<_, _>>(),
        "footprint": record.footprint.is_some(),
    });
    println!("{line}");
}
