//! Values of tags, with the tag's name in every error.

use tiff::{
    TiffError as CrateError,
    decoder::{IfdDecoder, ifd::Value},
    tags::Tag,
};

use super::TiffError;

/// Tags of one directory, with the tag's name in every error.
pub(super) struct Tags<'a, 'b> {
    pub(super) decoder: &'a mut IfdDecoder<'b>,
    pub(super) index: usize,
}

impl Tags<'_, '_> {
    pub(super) fn nonsense(&self, tag: &'static str) -> TiffError {
        TiffError::Nonsense { index: self.index, tag }
    }

    pub(super) fn has(&self, tag: Tag) -> bool {
        self.decoder.find_entry(tag).is_some()
    }

    fn found<T>(
        &mut self,
        name: &'static str,
        value: Result<Option<T>, CrateError>,
    ) -> Result<Option<T>, TiffError> {
        value.map_err(|source| TiffError::Tag { index: self.index, tag: name, source })
    }

    pub(super) fn number<T: TryFrom<u64>>(
        &mut self,
        tag: Tag,
        name: &'static str,
    ) -> Result<Option<T>, TiffError> {
        let value = self.decoder.find_tag(tag);
        // Some writers repeat a number for every band: the first one counts.
        let Some(value) = self.found(name, value)? else { return Ok(None) };
        let value = match value {
            Value::List(values) => values.into_iter().next(),
            value => Some(value),
        };
        let number =
            value.and_then(|value| value.into_u64().ok()).and_then(|number| T::try_from(number).ok());
        number.map(Some).ok_or_else(|| self.nonsense(name))
    }

    pub(super) fn required<T: TryFrom<u64>>(&mut self, tag: Tag, name: &'static str) -> Result<T, TiffError> {
        self.number(tag, name)?.ok_or(TiffError::Missing { index: self.index, tag: name })
    }

    pub(super) fn numbers<T: TryFrom<u64>>(
        &mut self,
        tag: Tag,
        name: &'static str,
    ) -> Result<Option<Vec<T>>, TiffError> {
        let values = self.decoder.find_tag_unsigned_vec(tag);
        self.found(name, values)
    }

    pub(super) fn doubles(&mut self, tag: Tag, name: &'static str) -> Result<Vec<f64>, TiffError> {
        let value = self.decoder.find_tag(tag).and_then(|v| v.map(Value::into_f64_vec).transpose());
        Ok(self.found(name, value)?.unwrap_or_default())
    }

    pub(super) fn bytes(&mut self, tag: Tag, name: &'static str) -> Result<Option<Vec<u8>>, TiffError> {
        let value = self.decoder.find_tag(tag).and_then(|v| v.map(Value::into_u8_vec).transpose());
        self.found(name, value)
    }

    /// A text; one that is not text at all counts as absent, since no text decides how pixels are read.
    pub(super) fn text(&mut self, tag: Tag, name: &'static str) -> Result<Option<String>, TiffError> {
        match self.decoder.find_tag(tag) {
            Ok(Some(Value::Ascii(text))) => Ok(Some(text)),
            Ok(_) | Err(CrateError::FormatError(_)) => Ok(None),
            Err(source) => Err(TiffError::Tag { index: self.index, tag: name, source }),
        }
    }
}
