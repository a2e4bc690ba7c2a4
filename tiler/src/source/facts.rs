//! What a file says of itself, for people and for choosing a style. Nothing here decides how pixels are read.

use crate::{
    cog::Alpha,
    geom::Size,
    raster::{Interpretation, SampleType},
    sidecar::{BandMetadata, ColourInterpretation, Item},
};

/// What a file says of itself.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Facts {
    /// `GTiff` or `JP2`.
    pub format: &'static str,
    /// How blocks are compressed, as GDAL names it.
    pub compression: &'static str,
    /// What the first bands are.
    pub interpretation: Interpretation,
    /// Whether colour is stored as luma and chroma.
    pub is_ycbcr: bool,
    /// Bands, alpha included.
    pub bands: usize,
    /// The type of samples in memory.
    pub sample: SampleType,
    /// Bits of a sample as it is stored.
    pub bits: u16,
    /// The size of blocks as GDAL tells it; those that are read may be others.
    pub block: Size,
    /// Whether the blocks are tiles, not strips.
    pub is_tiled: bool,
    /// Whether each band is stored apart.
    pub is_planar: bool,
    /// Whether compression loses details.
    pub is_lossy: bool,
    /// Colours by index, red green blue alpha; empty where there are none.
    pub palette: Vec<[u8; 4]>,
    /// What the file calls its CRS where nothing can be done with it.
    pub unusable_crs: Option<String>,
    /// By band, alpha included; bands of which nothing is said at the end are left out.
    pub band_metadata: Vec<BandMetadata>,
    /// Items about the whole image.
    pub items: Vec<Item>,
    /// The year of the tag `DateTime`; of JPEG 2000 none.
    pub year: Option<u16>,
    /// What could not be used and was left aside, one line each.
    pub notes: Vec<String>,
}

impl Facts {
    /// The year of a date as TIFF writes it.
    pub(super) fn year_of(date: Option<&String>) -> Option<u16> {
        let (year, rest) = date?.trim().split_at_checked(4)?;
        let is_date = rest.starts_with([':', '-', '/']) && year.bytes().all(|b| b.is_ascii_digit());
        is_date.then(|| year.parse().ok()).flatten().filter(|year| (1900..2100).contains(year))
    }

    /// The band of alpha: what metadata say of a band counts more than the tags of the image.
    pub(super) fn alpha(&self, by_tags: Option<Alpha>) -> Option<Alpha> {
        let said = |band: usize| self.band_metadata.get(band).and_then(|band| band.colour);
        let named = (0..self.bands).find(|&band| said(band) == Some(ColourInterpretation::Alpha));
        let by_name = named.filter(|&band| band > 0).map(|band| Alpha { band, is_premultiplied: false });
        // Of inks that became colours, metadata still say that the fourth is black.
        let denied = |alpha: &Alpha| {
            said(alpha.band).is_some_and(|colour| {
                !matches!(colour, ColourInterpretation::Alpha | ColourInterpretation::Other)
            })
        };
        by_tags.filter(|alpha| !denied(alpha)).or(by_name)
    }

    /// The bands that metadata call red, green, blue.
    pub fn true_colour(&self) -> Option<[usize; 3]> {
        use ColourInterpretation::{Blue, Green, Red};
        let band = |colour| self.band_metadata.iter().position(|band| band.colour == Some(colour));
        Some([band(Red)?, band(Green)?, band(Blue)?])
    }

    /// What a band is called: its description, else what it shows.
    pub fn band_name(&self, band: usize) -> Option<String> {
        let known = self.band_metadata.get(band)?;
        let shows = |colour| match colour {
            ColourInterpretation::Red => Some("red"),
            ColourInterpretation::Green => Some("green"),
            ColourInterpretation::Blue => Some("blue"),
            ColourInterpretation::Nir => Some("nir"),
            _ => None,
        };
        known.description.clone().or_else(|| known.colour.and_then(shows).map(str::to_owned))
    }

    /// Levels of a sample for one level of 8 bits.
    pub(super) fn levels_per_byte(&self) -> f64 {
        if self.bits > 8 { f64::from(1u32 << (self.bits - 8).min(24)) } else { 1.0 }
    }
}

/// What two say about the bands; the first is believed.
pub(super) fn merged(first: &[BandMetadata], second: &[BandMetadata]) -> Vec<BandMetadata> {
    let band = |list: &[BandMetadata], at: usize| list.get(at).cloned().unwrap_or_default();
    (0..first.len().max(second.len())).map(|at| band(first, at).or(band(second, at))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_year_of_a_date_is_that_of_tiff() {
        let year = |date: &str| Facts::year_of(Some(&date.to_owned()));
        assert_eq!(year("2021:06:30 12:00:00"), Some(2021));
        assert_eq!(
            (year("0000:00:00 00:00:00"), year("20210630"), year("é"), year("")),
            (None, None, None, None)
        );
        assert_eq!(Facts::year_of(None), None);
    }
}
