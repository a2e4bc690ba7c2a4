//! The tags of GeoTIFF and their keys, uninterpreted.

/// The tags of GeoTIFF, uninterpreted.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GeoTags {
    /// `ModelPixelScaleTag`.
    pub pixel_scale: Vec<f64>,
    /// `ModelTiepointTag`.
    pub tiepoints: Vec<f64>,
    /// `ModelTransformationTag`.
    pub transformation: Vec<f64>,
    /// `GeoKeyDirectoryTag`.
    pub key_directory: Vec<u16>,
    /// `GeoDoubleParamsTag`.
    pub doubles: Vec<f64>,
    /// `GeoAsciiParamsTag`.
    pub ascii: String,
}

impl GeoTags {
    const DOUBLES: u16 = 34_736;
    const ASCII: u16 = 34_737;

    /// Location, count and value or offset of a key.
    fn key(&self, id: u16) -> Option<(u16, u16, u16)> {
        self.key_directory
            .get(4..)?
            .chunks_exact(4)
            .find(|key| key[0] == id)
            .map(|key| (key[1], key[2], key[3]))
    }

    /// A key with a short value.
    pub fn short_key(&self, id: u16) -> Option<u16> {
        self.key(id).and_then(|(location, _, value)| (location == 0).then_some(value))
    }

    /// A key with a floating point value.
    pub fn double_key(&self, id: u16) -> Option<f64> {
        let (location, _, offset) = self.key(id)?;
        (location == Self::DOUBLES).then(|| self.doubles.get(usize::from(offset)).copied())?
    }

    /// A key with a text, without its closing bar.
    pub fn ascii_key(&self, id: u16) -> Option<&str> {
        let (location, count, offset) = self.key(id)?;
        let (start, end) = (usize::from(offset), usize::from(offset) + usize::from(count));
        (location == Self::ASCII)
            .then(|| self.ascii.get(start..end.min(self.ascii.len())))?
            .map(|text| text.trim_end_matches(['|', '\0']))
    }
}
