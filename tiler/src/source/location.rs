//! Where an image lies, from all who say something about it: the file and those beside it.
//!
//! The order is GDAL's for a GeoTIFF: `.aux.xml`, the file itself, `.tab`, world file; for the CRS also `.prj`, then what
//! the operator said.

use super::OpenOptions;
use crate::{
    cog::{self, GeorefError},
    crs::Crs,
    geom::GeoTransform,
    sidecar::{CoordSys, Pam, Sidecars, Tab},
    tiff::GeoTags,
};

/// Where an image lies, or why that is not known.
pub(super) struct Location {
    pub crs: Result<Crs, String>,
    pub geotransform: Result<GeoTransform, String>,
}

/// What the file itself says.
pub(super) struct Own<'a> {
    pub geo: &'a GeoTags,
    /// Of a JP2 file: its grid and the name of its CRS.
    pub gml: Option<(GeoTransform, &'a str)>,
}

/// What the files beside it say, and what is wrong with them.
#[derive(Default)]
pub(super) struct Beside {
    pub pam: Option<Pam>,
    tab: Option<Tab>,
    world_file: Option<GeoTransform>,
    prj: Option<String>,
    /// Files that cannot be used, one line each.
    pub notes: Vec<String>,
}

impl Beside {
    pub(super) fn read(sidecars: &Sidecars) -> Self {
        let mut notes = Vec::new();
        Self {
            pam: noted(sidecars.pam(), &mut notes),
            tab: noted(sidecars.tab(), &mut notes),
            world_file: noted(sidecars.world_file(), &mut notes),
            prj: noted(sidecars.prj(), &mut notes),
            notes,
        }
    }
}

fn noted<T, E: std::error::Error>(read: Result<Option<T>, E>, notes: &mut Vec<String>) -> Option<T> {
    read.map_err(|error| notes.push(super::chain(&error))).ok().flatten()
}

/// Who says first where the image lies is believed.
pub(super) fn locate(own: &Own<'_>, beside: &Beside, options: &OpenOptions) -> Location {
    let internal = cog::geotransform(own.geo);
    let pam = beside.pam.as_ref();
    let has_points_only = matches!(internal, Err(GeorefError::GroundControlPoints { .. }))
        || pam.is_some_and(|pam| pam.ground_control_points > 0);
    let geotransform = pam
        .and_then(|pam| pam.geotransform)
        .or_else(|| internal.as_ref().ok().copied())
        .or(own.gml.map(|gml| gml.0))
        .or_else(|| beside.tab.as_ref().map(|tab| tab.geotransform))
        .or(beside.world_file)
        .filter(is_a_place);
    let geotransform = geotransform.ok_or_else(|| match &internal {
        Err(error) => with_notes(super::chain(error), beside),
        Ok(_) => with_notes(super::chain(&GeorefError::Missing), beside),
    });
    let crs = if has_points_only && geotransform.is_err() {
        Err("its CRS is that of its control points".to_owned())
    } else {
        crs(own, beside, options)
    };
    Location { crs, geotransform }
}

/// Pixels that are their own coordinates are no place, as in GDAL.
fn is_a_place(geotransform: &GeoTransform) -> bool {
    let unit = |row_step| GeoTransform([0.0, 1.0, 0.0, 0.0, 0.0, row_step]);
    ![unit(1.0), unit(-1.0)].contains(geotransform)
}

fn crs(own: &Own<'_>, beside: &Beside, options: &OpenOptions) -> Result<Crs, String> {
    let mut reasons = Vec::new();
    let named = |name: &str, reasons: &mut Vec<String>| {
        Crs::from_name(name).map_err(|error| reasons.push(super::chain(&error))).ok()
    };
    if let Some(name) = beside.pam.as_ref().and_then(|pam| pam.crs.as_deref())
        && let Some(crs) = named(name, &mut reasons)
    {
        return Ok(crs);
    }
    match cog::crs(own.geo) {
        Ok(crs) => return Ok(crs),
        Err(error) => reasons.push(super::chain(&error)),
    }
    let of_tab = beside.tab.as_ref().and_then(|tab| match tab.coord_sys.as_ref()? {
        CoordSys::Known(name) => Some(name.as_str()),
        CoordSys::Unknown(_) => None,
    });
    let names = [own.gml.map(|gml| gml.1), of_tab, beside.prj.as_deref()];
    let found = names.into_iter().flatten().find_map(|name| named(name, &mut reasons));
    let found = found.or_else(|| options.assumed_crs.clone());
    found.ok_or_else(|| with_notes(reasons.join("; "), beside))
}

fn with_notes(reason: String, beside: &Beside) -> String {
    beside.notes.iter().fold(reason, |reason, note| format!("{reason}; {note}"))
}
