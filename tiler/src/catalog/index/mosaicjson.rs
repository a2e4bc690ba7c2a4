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
