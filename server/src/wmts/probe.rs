//! An address as the fuzz target beside this crate takes it apart: all that is done to it before a layer is looked up.

use percent_encoding::percent_decode_str;

use super::params::{InfoParams, Operation, TileParams, index, output_format};
use crate::{error::Parameter, http::query::Query};

/// Takes `path?query` apart as KVP and as REST; whether either is a request.
pub fn take_apart(address: &str) -> bool {
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let by_query = Query::parse(query);
    let by_query = by_query.as_ref().is_ok_and(|query| Operation::from_kvp(query).is_ok_and(|o| look_at(&o)));
    let path = percent_decode_str(path).decode_utf8().unwrap_or_default();
    let by_path = Operation::from_path(path.trim_start_matches("/wmts/"), None);
    by_path.is_ok_and(|operation| look_at(&operation)) || by_query
}

/// Reads the numbers and names of an operation.
fn look_at(operation: &Operation<'_>) -> bool {
    let is_tile = |tile: &TileParams<'_>| {
        let (row, col) = (index(tile.row, Parameter::TileRow), index(tile.col, Parameter::TileCol));
        output_format(tile.format).is_some() && row.is_ok() && col.is_ok()
    };
    match operation {
        Operation::GetCapabilities { .. } => true,
        Operation::GetTile(tile) => is_tile(tile),
        Operation::GetFeatureInfo(InfoParams { tile, i, j, .. }) => {
            is_tile(tile) && index(i, Parameter::I).is_ok() && index(j, Parameter::J).is_ok()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TILE: &str = "/wmts/1.0.0/ortho/default/PM/14/5872/8299.png";

    #[test]
    fn an_address_is_a_request_by_its_path_or_by_its_query() {
        assert!(take_apart(TILE));
        assert!(take_apart("/wmts?service=WMTS&request=GetCapabilities"));
        assert!(!take_apart("/wmts/1.0.0/ortho/default/PM/14/5872/a.png"));
        assert!(!take_apart("/%ff%00?%=&=&&"));
    }

    #[test]
    fn what_the_fuzz_target_found_is_still_answered() {
        let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/request");
        let files = std::fs::read_dir(corpus).expect("the repository is there");
        for file in files.flatten() {
            take_apart(&String::from_utf8_lossy(&std::fs::read(file.path()).expect("it is a file")));
        }
    }
}
