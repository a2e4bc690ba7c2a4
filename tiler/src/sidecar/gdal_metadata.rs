//! TIFF tag 42112, `GDAL_METADATA`: items of the dataset and of its bands, as XML.
//!
//! Source: the driver of GDAL: `<GDALMetadata><Item name="…" sample="0" role="scale" domain="…">…</Item></GDALMetadata>`.

use roxmltree::{Document, ParsingOptions};

use super::{BandMetadata, ColourInterpretation, Problem};

/// Longest XML, and most elements in it.
pub(super) const LIMIT_BYTES: usize = 4 << 20;
const NODES: u32 = 200_000;
/// Bands beyond this are not looked at.
pub(super) const BANDS: usize = 65_536;

/// A named value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Name.
    pub name: String,
    /// Value.
    pub value: String,
    /// Domain; empty for the default one, otherwise such as `IMAGE_STRUCTURE`.
    pub domain: String,
}

/// What the tag says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GdalMetadata {
    /// Items of the whole dataset.
    pub items: Vec<Item>,
    /// By band, from the first; bands of which nothing is said at the end are left out.
    pub bands: Vec<BandMetadata>,
}

/// Reads the text of the tag.
///
/// # Errors
/// When it is no XML, too large, or brings a DTD.
pub fn parse(xml: &str) -> Result<GdalMetadata, Problem> {
    let document = document(xml)?;
    let mut found = GdalMetadata::default();
    for item in document.root_element().children().filter(|node| node.has_tag_name("Item")) {
        let attribute = |name| item.attribute(name).unwrap_or_default();
        let (name, value) = (attribute("name"), item.text().unwrap_or_default());
        let Some(sample) = item.attribute("sample").and_then(|sample| sample.parse::<usize>().ok()) else {
            found.items.push(Item {
                name: name.to_owned(),
                value: value.to_owned(),
                domain: attribute("domain").to_owned(),
            });
            continue;
        };
        if let Some(band) = band(&mut found.bands, sample) {
            take(band, attribute("role"), name, value);
        }
    }
    found.bands = found.bands.into_iter().map(BandMetadata::finish).collect();
    Ok(found)
}

fn take(band: &mut BandMetadata, role: &str, name: &str, value: &str) {
    let number = || value.trim().parse::<f64>().ok().filter(|number| number.is_finite());
    match role {
        "description" => band.description = Some(value.to_owned()),
        "scale" => band.scale = number(),
        "offset" => band.offset = number(),
        "unittype" => band.unit = Some(value.to_owned()),
        "colorinterp" => band.colour = ColourInterpretation::from_name(value),
        _ => {
            band.take(name, value);
        }
    }
}

/// The metadata of a band counted from 0, which are made when they are not there yet.
pub(super) fn band(bands: &mut Vec<BandMetadata>, index: usize) -> Option<&mut BandMetadata> {
    if index >= BANDS {
        return None;
    }
    if bands.len() <= index {
        bands.resize_with(index + 1, BandMetadata::default);
    }
    bands.get_mut(index)
}

/// XML without a DTD, so without entities that grow.
pub(super) fn document(xml: &str) -> Result<Document<'_>, Problem> {
    if xml.len() > LIMIT_BYTES {
        return Err(Problem::TooLarge { limit: LIMIT_BYTES as u64 });
    }
    let options = ParsingOptions { allow_dtd: false, nodes_limit: NODES, ..ParsingOptions::default() };
    let xml = xml.trim_matches(['\0', ' ', '\n', '\r', '\t']);
    Document::parse_with_options(xml, options).map_err(|error| Problem::Xml { reason: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const XML: &str = r#"<GDALMetadata>
        <Item name="AREA_OR_POINT">Area</Item>
        <Item name="INTERLEAVE" domain="IMAGE_STRUCTURE">PIXEL</Item>
        <Item name="DESCRIPTION" sample="0" role="description">NDVI</Item>
        <Item name="SCALE" sample="0" role="scale">0.0001</Item>
        <Item name="OFFSET" sample="0" role="offset">-1</Item>
        <Item name="UNITTYPE" sample="1" role="unittype">m</Item>
        <Item name="COLORINTERP" sample="1" role="colorinterp">NIR</Item>
        <Item name="STATISTICS_MINIMUM" sample="1">3</Item>
        <Item name="STATISTICS_MAXIMUM" sample="1">250.5</Item>
        <Item name="STATISTICS_MEAN" sample="1">100</Item>
    </GDALMetadata>"#;

    #[test]
    fn items_belong_to_the_dataset_or_to_a_band() {
        let found = parse(XML).unwrap();
        assert_eq!(found.items.len(), 2);
        assert_eq!(
            (found.items[1].name.as_str(), found.items[1].domain.as_str()),
            ("INTERLEAVE", "IMAGE_STRUCTURE")
        );
        assert_eq!(found.bands[0].description.as_deref(), Some("NDVI"));
        assert_eq!((found.bands[0].scale, found.bands[0].offset), (Some(0.0001), Some(-1.0)));
        assert_eq!(found.bands[1].colour, Some(ColourInterpretation::Nir));
        let statistics = found.bands[1].statistics.unwrap();
        assert!((statistics.max - 250.5).abs() < 1e-12 && statistics.stddev.is_none());
    }

    #[test]
    fn a_dtd_is_refused() {
        let bomb = r#"<!DOCTYPE a [<!ENTITY b "bbbbbbbb">]><GDALMetadata>&b;</GDALMetadata>"#;
        assert!(matches!(parse(bomb), Err(Problem::Xml { .. })));
    }

    #[test]
    fn a_band_number_out_of_all_proportion_takes_no_memory() {
        let xml =
            r#"<GDALMetadata><Item name="SCALE" sample="4000000000" role="scale">1</Item></GDALMetadata>"#;
        assert!(parse(xml).unwrap().bands.is_empty());
    }

    #[test]
    fn what_is_no_xml_is_refused() {
        assert!(parse("not xml").is_err() && parse("").is_err() && parse("<GDALMetadata>").is_err());
    }
}
