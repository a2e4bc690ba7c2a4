//! What the metadata of GDAL say about one band, whether from a `.aux.xml` or from tag 42112.

/// About one band; what nobody says is `None` or empty.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BandMetadata {
    /// A name for people.
    pub description: Option<String>,
    /// What the band shows.
    pub colour: Option<ColourInterpretation>,
    /// Value = stored × scale + offset.
    pub scale: Option<f64>,
    /// See `scale`.
    pub offset: Option<f64>,
    /// Unit of the values, such as `m`.
    pub unit: Option<String>,
    /// The value that means nothing; may be NaN.
    pub nodata: Option<f64>,
    /// Statistics of the values.
    pub statistics: Option<Statistics>,
    /// Names of classes, by value from 0.
    pub categories: Vec<Category>,
    /// Colours by value from 0: red, green, blue, alpha.
    pub colour_table: Vec<[u8; 4]>,
}

/// A class of a classified raster; an empty name means none.
pub type Category = String;

/// Statistics of a band, possibly approximate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Statistics {
    /// Least value.
    pub min: f64,
    /// Greatest value.
    pub max: f64,
    /// Mean.
    pub mean: Option<f64>,
    /// Standard deviation.
    pub stddev: Option<f64>,
}

/// What a band shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColourInterpretation {
    /// Nothing known.
    Undefined,
    /// Greyscale.
    Grey,
    /// Index into a colour table.
    Palette,
    /// Red.
    Red,
    /// Green.
    Green,
    /// Blue.
    Blue,
    /// Alpha.
    Alpha,
    /// Near infrared.
    Nir,
    /// Another name that GDAL knows, such as hue, cyan or SWIR.
    Other,
}

impl ColourInterpretation {
    /// By GDAL's name; without case.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name.trim().to_ascii_lowercase().as_str() {
            "" => return None,
            "undefined" => Self::Undefined,
            "gray" | "grey" => Self::Grey,
            "palette" => Self::Palette,
            "red" => Self::Red,
            "green" => Self::Green,
            "blue" => Self::Blue,
            "alpha" => Self::Alpha,
            "nir" | "nearinfrared" => Self::Nir,
            _ => Self::Other,
        })
    }
}

impl BandMetadata {
    /// Takes in one named value; whether it was one of the known names.
    pub(super) fn take(&mut self, name: &str, value: &str) -> bool {
        let number = || value.trim().parse::<f64>().ok().filter(|number| number.is_finite());
        let none = Statistics { min: f64::NAN, max: f64::NAN, mean: None, stddev: None };
        match name {
            "STATISTICS_MINIMUM" => self.statistics.get_or_insert(none).min = number().unwrap_or(f64::NAN),
            "STATISTICS_MAXIMUM" => self.statistics.get_or_insert(none).max = number().unwrap_or(f64::NAN),
            "STATISTICS_MEAN" => self.statistics.get_or_insert(none).mean = number(),
            "STATISTICS_STDDEV" => self.statistics.get_or_insert(none).stddev = number(),
            _ => return false,
        }
        true
    }

    /// Statistics without both ends say nothing.
    pub(super) fn finish(mut self) -> Self {
        self.statistics =
            self.statistics.filter(|s| s.min.is_finite() && s.max.is_finite() && s.min <= s.max);
        self
    }

    /// This, and where it says nothing the other.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        let filled = |own: Vec<_>, other: Vec<_>| if own.is_empty() { other } else { own };
        Self {
            description: self.description.or(other.description),
            colour: self.colour.or(other.colour),
            scale: self.scale.or(other.scale),
            offset: self.offset.or(other.offset),
            unit: self.unit.or(other.unit),
            nodata: self.nodata.or(other.nodata),
            statistics: self.statistics.or(other.statistics),
            categories: filled(self.categories, other.categories),
            colour_table: if self.colour_table.is_empty() { other.colour_table } else { self.colour_table },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_without_both_ends_say_nothing() {
        let mut band = BandMetadata::default();
        assert!(band.take("STATISTICS_MINIMUM", "3") && !band.take("STATISTICS_VALID_PERCENT", "100"));
        assert_eq!(band.clone().finish().statistics, None);
        band.take("STATISTICS_MAXIMUM", "9");
        assert!((band.finish().statistics.unwrap().max - 9.0).abs() < 1e-12);
    }

    #[test]
    fn what_one_source_leaves_out_the_other_fills_in() {
        let first = BandMetadata { unit: Some("m".to_owned()), ..BandMetadata::default() };
        let second =
            BandMetadata { unit: Some("ft".to_owned()), scale: Some(0.1), ..BandMetadata::default() };
        let both = first.or(second);
        assert_eq!((both.unit.as_deref(), both.scale), (Some("m"), Some(0.1)));
    }
}
