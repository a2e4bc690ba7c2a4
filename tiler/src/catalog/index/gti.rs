//! GDAL's tile index as XML, which names a table of tiles and its fields.
//!
//! Source: <https://gdal.org/en/stable/drivers/raster/gti.html>. Its sizes and overviews are not needed: files have their own.

use std::path::Path;

use super::{
    confinement::Confinement,
    error::Problem,
    file,
    foreign::{self, Fields, Index},
    xml,
};

pub(super) fn open(path: &Path, confinement: &Confinement) -> Result<Index, Problem> {
    let text = xml::text(path)?;
    let document = xml::parse(&text)?;
    let root = document.root_element();
    for (element, remedy) in [
        ("Filter", "write the tiles that pass it to an index of their own: ogr2ogr -where"),
        ("SQL", "write its result to an index of its own: ogr2ogr -sql"),
    ] {
        if xml::child(root, element).is_some() {
            return Err(Problem::Unsupported { what: format!("<{element}>"), remedy });
        }
    }
    let owned = |name| xml::child_text(root, name).map(str::to_owned);
    let fields = Fields {
        layer: owned("IndexLayer"),
        location: owned("LocationField"),
        sort: owned("SortField"),
        sort_descending: xml::child_text(root, "SortFieldAsc")
            .is_some_and(|text| text.eq_ignore_ascii_case("false") || text.eq_ignore_ascii_case("no")),
        crs: owned("SRS"),
    };
    let named =
        xml::child_text(root, "IndexDataset").ok_or(Problem::damaged("it names no <IndexDataset>"))?;
    let table = confinement.of(path)?.find(named)?;
    foreign::table(&table, &file::start(&table)?, confinement, &fields)?.ok_or(Problem::Unknown)
}
