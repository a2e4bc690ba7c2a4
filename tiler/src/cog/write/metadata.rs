//! What is told in `GDAL_METADATA`: items of the image and of its bands, statistics among them.

use std::fmt::Write as _;

use super::{BandStatistics, WriteOptions};
use crate::raster::SampleType;

/// What an item is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "as GDAL names them")]
pub enum Role {
    /// Nothing in particular.
    #[default]
    None,
    Description,
    Scale,
    Offset,
    Unit,
    ColourInterpretation,
}

impl Role {
    const fn name(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Description => "description",
            Self::Scale => "scale",
            Self::Offset => "offset",
            Self::Unit => "unittype",
            Self::ColourInterpretation => "colorinterp",
        }
    }
}

/// A named value.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MetadataItem {
    /// Name.
    pub name: String,
    /// Value.
    pub value: String,
    /// Domain; empty for the default one.
    pub domain: String,
    /// The band it is about, counted from 0; by default the whole image.
    pub band: Option<usize>,
    /// What it says of the band.
    pub role: Role,
}

/// The text of the tag; `None` where there is nothing to tell.
pub(super) fn xml(options: &WriteOptions, statistics: &[BandStatistics]) -> Option<String> {
    let mut items = options.metadata.clone();
    if options.has_statistics {
        let total = options.size.pixels();
        for (band, found) in statistics.iter().enumerate().filter(|(_, found)| found.count > 0) {
            items.extend(of_statistics(band, found, total, options.sample));
        }
    }
    if items.is_empty() {
        return None;
    }
    let mut xml = "<GDALMetadata>\n".to_owned();
    for item in &items {
        let _ = write!(xml, "  <Item name=\"{}\"", escaped(&item.name));
        if let Some(band) = item.band {
            let _ = write!(xml, " sample=\"{band}\"");
        }
        for (key, value) in [("role", item.role.name()), ("domain", &item.domain)] {
            if !value.is_empty() {
                let _ = write!(xml, " {key}=\"{}\"", escaped(value));
            }
        }
        let _ = writeln!(xml, ">{}</Item>", escaped(&item.value));
    }
    xml.push_str("</GDALMetadata>\n");
    Some(xml)
}

fn of_statistics(
    band: usize,
    found: &BandStatistics,
    total: u64,
    sample: SampleType,
) -> impl Iterator<Item = MetadataItem> + use<> {
    let number = move |value: f64| {
        if sample == SampleType::F32 { (value as f32).to_string() } else { value.to_string() }
    };
    let percent = found.count as f64 * 100.0 / total as f64;
    [
        ("STATISTICS_MAXIMUM", number(found.maximum)),
        ("STATISTICS_MEAN", found.mean.to_string()),
        ("STATISTICS_MINIMUM", number(found.minimum)),
        ("STATISTICS_STDDEV", found.standard_deviation().to_string()),
        (
            "STATISTICS_VALID_PERCENT",
            format!("{percent:.4}").trim_end_matches('0').trim_end_matches('.').to_owned(),
        ),
    ]
    .into_iter()
    .map(move |(name, value)| MetadataItem {
        name: name.to_owned(),
        value,
        band: Some(band),
        ..MetadataItem::default()
    })
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        crs::Crs,
        geom::{GeoTransform, Size},
        sidecar,
    };

    #[test]
    fn what_is_told_is_understood_by_those_who_read_it() {
        let crs = Crs::from_epsg(2154).expect("known");
        let place = GeoTransform::north_up(0.0, 10.0, 1.0, 1.0);
        let item =
            MetadataItem { name: "WHO & WHAT".into(), value: "<OPenIG>".into(), ..MetadataItem::default() };
        let name = MetadataItem {
            name: "DESCRIPTION".into(),
            value: "near infrared".into(),
            band: Some(1),
            role: Role::Description,
            ..MetadataItem::default()
        };
        let options =
            WriteOptions { metadata: vec![item, name], ..WriteOptions::new(Size::new(10, 10), place, &crs) };
        let xml = xml(&options, &[]).expect("there is something to tell");
        let read = sidecar::gdal_metadata(&xml).expect("it is well formed");
        assert_eq!((read.items[0].name.as_str(), read.items[0].value.as_str()), ("WHO & WHAT", "<OPenIG>"));
        assert_eq!(read.bands[1].description.as_deref(), Some("near infrared"));
    }
}
