//! Parameters, by the names of the OGC assertions where there is one.

use super::*;

const TILE: &str = "service=WMTS&request=GetTile&version=1.0.0&layer=l&style=normal&format=image/png\
                    &TileMatrixSet=s&TileMatrix=3&TileRow=1&TileCol=2";

fn fault(text: &str) -> Fault {
    let query = Query::parse(text).expect("parses");
    let Err(fault) = Operation::from_kvp(&query) else { panic!("{text} is accepted") };
    fault
}

fn assert_missing(text: &str, expected: Parameter) {
    assert!(matches!(fault(text), Fault::Missing { parameter } if parameter == expected), "{text}");
}

fn assert_invalid(text: &str, expected: Parameter) {
    assert!(matches!(fault(text), Fault::Invalid { parameter } if parameter == expected), "{text}");
}

fn accepts(text: &str) -> bool {
    Operation::from_kvp(&Query::parse(text).expect("parses")).is_ok()
}

#[test]
fn invalid_query_string() {
    assert_missing("service=WMTS&request~GetCapabilities!version~1.0.0", Parameter::Request);
}

#[test]
fn invalid_service() {
    assert_invalid("service=BOGUS&request=GetCapabilities", Parameter::Service);
    assert_invalid("SERVICE=WMS&REQUEST=GetCapabilities", Parameter::Service);
}

#[test]
fn invalid_request() {
    assert_invalid("service=WMTS&request=GetBOGUS", Parameter::Request);
}

#[test]
fn get_capabilities_request_no_service() {
    assert_missing("request=GetCapabilities", Parameter::Service);
    assert_missing("", Parameter::Service);
    assert_missing("service=&request=GetCapabilities", Parameter::Service);
}

#[test]
fn get_capabilities_request_accept_versions() {
    assert!(accepts("service=WMTS&request=GetCapabilities&AcceptVersions=2.0.0,1.0.0"));
    assert!(matches!(
        fault("service=WMTS&request=GetCapabilities&AcceptVersions=2.0.0,10.0.0"),
        Fault::VersionNegotiation
    ));
}

#[test]
fn get_capabilities_request_case_insensitive_kvp_names() {
    for text in [
        "SERVICE=WMTS&REQUEST=GetCapabilities&VERSION=1.0.0",
        "ReQuEsT=GetCapabilities&vErSiOn=1.0.0&sErViCe=WMTS",
        "version=1.0.0&service=WMTS&request=GetCapabilities&",
    ] {
        assert!(accepts(text), "{text}");
    }
}

#[test]
fn get_capabilities_request_sections_invalid_and_missing() {
    assert_invalid("service=WMTS&request=GetCapabilities&sections=Bogus", Parameter::Sections);
    assert_missing("service=WMTS&request=GetCapabilities&sections=", Parameter::Sections);
    assert!(accepts("service=WMTS&request=GetCapabilities&sections=all"));
}

#[test]
fn get_capabilities_request_accept_formats_is_never_a_fault() {
    assert!(accepts("service=WMTS&request=GetCapabilities&AcceptFormats=example/unknown"));
}

#[test]
fn get_tile_missing() {
    use Parameter::{Format, Layer, Style, TileCol, TileMatrix, TileMatrixSet, TileRow};
    for parameter in [Layer, Style, Format, TileMatrixSet, TileMatrix, TileRow, TileCol] {
        let kept: Vec<&str> = TILE
            .split('&')
            .filter(|pair| !pair.split('=').next().unwrap_or("").eq_ignore_ascii_case(parameter.name()))
            .collect();
        assert_eq!(kept.len(), 9);
        assert_missing(&kept.join("&"), parameter);
    }
}

#[test]
fn get_feature_info_missing() {
    let text = TILE.replace("GetTile", "GetFeatureInfo");
    assert_missing(&format!("{text}&I=1&InfoFormat=text/plain"), Parameter::J);
    assert_missing(&format!("{text}&J=1&InfoFormat=text/plain"), Parameter::I);
    assert_missing(&format!("{text}&I=1&J=1"), Parameter::InfoFormat);
    assert!(accepts(&format!("{text}&I=1&J=1&InfoFormat=text/plain")));
}

#[test]
fn a_parameter_given_twice_is_refused() {
    assert!(matches!(fault(&format!("{TILE}&LAYER=x")), Fault::Duplicate { parameter: Parameter::Layer }));
}

#[test]
fn an_absent_version_is_ours_and_another_is_refused() {
    assert!(accepts(&TILE.replace("&version=1.0.0", "")));
    assert_invalid(&TILE.replace("version=1.0.0", "version=2.0.0"), Parameter::Version);
}

#[test]
fn kvp_and_restful_addresses_of_a_tile_are_one_request() {
    let query = Query::parse(&TILE.replace("image/png", "png")).expect("parses");
    let kvp = Operation::from_kvp(&query).expect("is a tile");
    assert_eq!(kvp, Operation::from_path("1.0.0/l/normal/s/3/1/2.png", None).expect("is a tile"));
}

#[test]
fn a_restful_feature_info_names_row_col_j_i_and_format() {
    let Ok(Operation::GetFeatureInfo(info)) = Operation::from_path("1.0.0/l/normal/s/3/1/2/7/8.json", None)
    else {
        panic!("not understood")
    };
    assert_eq!(
        (info.tile.row, info.tile.col, info.j, info.i, info.info_format),
        ("1", "2", "7", "8", "json")
    );
}

#[test]
fn a_time_in_the_path_stands_behind_the_style() {
    let tile = |path, time| match Operation::from_path(path, time) {
        Ok(Operation::GetTile(tile)) => (tile.style, tile.time, tile.set, tile.row, tile.col),
        other => panic!("{other:?}"),
    };
    let expected = ("normal", Some("2021"), "s", "1", "2");
    assert_eq!(tile("1.0.0/l/normal/2021/s/3/1/2.png", None), expected);
    assert_eq!(tile("1.0.0/l/normal/2021/s/3/1/2.png", Some("2018")), expected);
    assert_eq!(tile("1.0.0/l/normal/s/3/1/2.png", Some("2021")), expected);
    assert_eq!(tile("1.0.0/l/normal/s/3/1/2.png", None).1, None);
    let Ok(Operation::GetFeatureInfo(info)) =
        Operation::from_path("1.0.0/l/normal/2021/s/3/1/2/7/8.json", None)
    else {
        panic!("not understood")
    };
    assert_eq!((info.tile.time, info.tile.set, info.j, info.i), (Some("2021"), "s", "7", "8"));
}

#[test]
fn other_paths_are_not_found() {
    for path in [
        "1.0.0/WMTSCapabilities.xml/Bogus",
        "1.0.0/WMTSCapabilitiesBogus.xml",
        "2.0.0/WMTSCapabilities.xml",
        "1.0.0",
        "1.0.0/l/normal/s/3/1/2",
        "1.0.0/l/s/3/1/2.png",
        "1.0.0/a/b/c/d/e/f/g/h/i/j.png",
        "2.0.0/l/normal/2021/s/3/1/2.png",
        "1.0.0/a/b/c/d/e/f/g/h/i/j/k",
    ] {
        assert!(matches!(Operation::from_path(path, None), Err(Fault::NotFound)), "{path}");
    }
}

#[test]
fn formats_are_read_as_clients_write_them() {
    for text in ["image/jpeg", "image/jpg", "jpeg", "jpg", "JPG", "image/jpeg;quality=80", "image/jpeg ; a"] {
        assert_eq!(output_format(text), Some(OutputFormat::Jpeg), "{text}");
    }
    assert_eq!(output_format("image/png; mode=8bit"), Some(OutputFormat::Png));
    assert_eq!(output_format("image/webp"), Some(OutputFormat::WebP));
    assert_eq!(output_format("auto"), Some(OutputFormat::Auto));
    for text in ["", "image/", "image/gif", "text/jpeg", "application/json"] {
        assert_eq!(output_format(text), None, "{text}");
    }
}

#[test]
fn an_index_outside_of_32_bits_is_out_of_range_and_not_malformed() {
    for text in ["-1", "-99999999999", "99999999999"] {
        assert_eq!(index(text, Parameter::TileRow).expect("is a number"), u32::MAX);
    }
    for text in ["", "-", "-0", "--1", "1.5", "a"] {
        assert!(index(text, Parameter::TileRow).is_err(), "{text}");
    }
}
