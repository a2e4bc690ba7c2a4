//! Where the image lies, and how clearly the file says so.

use super::{Advice, Severity, quoted};
use crate::source::Source;

pub(super) fn no_georeference(source: &Source) -> Option<Advice> {
    if source.geotransform.is_some() {
        return None;
    }
    let path = quoted(&source.path);
    let srs = if source.crs.is_none() { "-a_srs EPSG:2154 " } else { "" };
    let (cost, remedy) = if source.has_control_points() {
        let cost = "ground control points and no geotransform: it must be warped first".to_owned();
        (cost, format!("gdalwarp -t_srs EPSG:2154 {path} {}", source.beside_named("_l93.tif")))
    } else {
        (why(source), format!("gdal_edit.py {srs}-a_ullr WEST NORTH EAST SOUTH {path}"))
    };
    Some(Advice { code: "no-georeference", severity: Severity::Refused, cost, remedy: Some(remedy) })
}

pub(super) fn no_crs(source: &Source) -> Option<Advice> {
    if source.crs.is_some() || source.geotransform.is_none() {
        return None;
    }
    let path = quoted(&source.path);
    let cost = why(source);
    // A CRS that cannot be projected here may be by GDAL; one that is tied to no place can be by nobody.
    let remedy = if cost.contains("gdalwarp") || source.has_crs_of_its_own() && !cost.contains("gdal_edit") {
        format!("gdalwarp -t_srs EPSG:2154 {path} {}", source.beside_named("_l93.tif"))
    } else {
        format!("gdal_edit.py -a_srs EPSG:2154 {path}")
    };
    Some(Advice { code: "no-crs", severity: Severity::Refused, cost, remedy: Some(remedy) })
}

/// The reason that opening gave.
fn why(source: &Source) -> String {
    let whole = source.place.as_ref().err().map_or("the file does not say where it lies", String::as_str);
    whole.to_owned()
}

pub(super) fn rotated(source: &Source) -> Option<Advice> {
    let geotransform = source.geotransform.filter(|geotransform| !geotransform.is_north_up())?;
    let c = geotransform.0;
    let cost = if c[2] == 0.0 && c[4] == 0.0 {
        "rows or columns run the other way (south-up or mirrored); tiles are turned on the fly".to_owned()
    } else {
        let degrees = c[4].atan2(c[1]).to_degrees();
        format!("rotated by {degrees:.1} degrees; tiles are warped on the fly, and blocks fit them badly")
    };
    Some(Advice { code: "not-north-up", severity: Severity::Note, cost, remedy: None })
}

pub(super) fn unnamed_crs(source: &Source) -> Option<Advice> {
    let crs = source.crs.as_ref()?;
    let note = |code, cost, remedy| Some(Advice { code, severity: Severity::Note, cost, remedy });
    match crs.epsg() {
        // A name such as OGC:CRS84 is as good as a code.
        None if crs.urn().contains("nil") => {
            let cost = format!(
                "the CRS ({}) has no EPSG code; it is served in other CRSs, not in its own",
                crs.title()
            );
            note("no-epsg-code", cost, None)
        }
        Some(code) if source.describes_its_crs() => {
            let cost =
                format!("the CRS is given by parameters, recognised as EPSG:{code}; other programs may not");
            note(
                "crs-by-parameters",
                cost,
                Some(format!("gdal_edit.py -a_srs EPSG:{code} {}", quoted(&source.path))),
            )
        }
        _ => None,
    }
}

pub(super) fn pixel_is_point(source: &Source) -> Option<Advice> {
    source.is_point().then(|| Advice {
        code: "pixel-is-point",
        severity: Severity::Note,
        cost: "coordinates are those of pixel centres (PixelIsPoint); the half pixel is taken into account"
            .to_owned(),
        remedy: None,
    })
}
