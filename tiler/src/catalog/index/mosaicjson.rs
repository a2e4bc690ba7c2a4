//! `MosaicJSON`: the files of each tile of a zoom. Their places are those of the files; the tiles are only roughly so.
//!
//! Source: <https://github.com/developmentseed/mosaicjson-spec>, versions 0.0.2 and 0.0.3.

use std::{
    collections::{BTreeMap, HashSet},
    io::Read,
    path::Path,
};

use flate2::read::GzDecoder;
use serde::Deserialize;

use super::{
    confinement::Confinement,
    error::Problem,
    file,
    foreign::{Index, Order, Rows},
    record::Record,
};

/// Bytes as stored, and once decompressed.
const LIMIT_BYTES: u64 = 256 << 20;

#[derive(Deserialize)]
struct Mosaic {
    mosaicjson: String,
    asset_prefix: Option<String>,
    /// By quadkey.
    tiles: BTreeMap<String, Vec<String>>,
}

pub(super) fn open(path: &Path, confinement: &Confinement) -> Result<Index, Problem> {
    let mut bytes = file::whole(path, LIMIT_BYTES)?;
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut plain = Vec::new();
        GzDecoder::new(&bytes[..]).take(LIMIT_BYTES + 1).read_to_end(&mut plain)?;
        if plain.len() as u64 > LIMIT_BYTES {
            return Err(Problem::TooMuch { what: "bytes", limit: LIMIT_BYTES });
        }
        bytes = plain;
    }
    let mosaic: Mosaic = serde_json::from_slice(&bytes)?;
    if !matches!(mosaic.mosaicjson.as_str(), "0.0.1" | "0.0.2" | "0.0.3") {
        let what = format!("MosaicJSON {}", mosaic.mosaicjson.chars().take(20).collect::<String>());
        return Err(Problem::Unsupported { what, remedy: "write it as version 0.0.3" });
    }
    let prefix = mosaic.asset_prefix.unwrap_or_default();
    let mut seen = HashSet::new();
    let mut rows = Rows::new(path, confinement)?;
    for asset in mosaic.tiles.values().flatten() {
        if seen.insert(asset) {
            rows.push(&format!("{prefix}{asset}"), Record::default())?;
        }
    }
    Ok(rows.finish(Some(Order::First)))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::super::open;
    use super::*;

    #[test]
    fn each_file_is_named_once_plain_or_compressed() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.tif", "b.tif"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let json = "{\"mosaicjson\":\"0.0.3\",\"asset_prefix\":\"./\",\"minzoom\":1,\"maxzoom\":2,\
                    \"tiles\":{\"12\":[\"b.tif\",\"a.tif\"],\"13\":[\"a.tif\",\"https://example.org/c.tif\"]}}";
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(json.as_bytes()).unwrap();
        for bytes in [json.as_bytes().to_vec(), packed.finish().unwrap()] {
            let path = folder.path().join("mosaic.json");
            std::fs::write(&path, bytes).unwrap();
            let index = open(&path, &Confinement::to_own_folder()).unwrap();
            let names: Vec<_> =
                index.records.iter().map(|record| record.location.file_name().unwrap()).collect();
            assert_eq!(names, ["b.tif", "a.tif", "c.tif"]);
            assert!(index.records[2].fault.is_some() && index.records[1].fault.is_none());
            assert_eq!(index.order, Some(Order::First));
        }
    }

    #[test]
    fn another_version_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mosaic.json");
        std::fs::write(&path, "{\"mosaicjson\":\"9.0.0\",\"tiles\":{}}").unwrap();
        let error = open(&path, &Confinement::to_own_folder()).unwrap_err();
        assert!(matches!(error.problem, Problem::Unsupported { .. }));
    }
}
