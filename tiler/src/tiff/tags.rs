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
    /// No tag has more values: the file has no room for them.
    pub(super) most_values: u64,
}

impl Tags<'_, '_> {
    pub(super) fn nonsense(&self, tag: &'static str) -> TiffError {
        TiffError::Nonsense { index: self.index, tag }
    }

    pub(super) fn has(&self, tag: Tag) -> bool {
        self.decoder.find_entry(tag).is_some()
    }

    /// Whether the file can hold a tag; asked before the crate is, which writes to standard error where it cannot.
    fn check(&self, tag: Tag) -> Result<(), TiffError> {
        let count = self.decoder.find_entry(tag).map_or(0, |entry| entry.count());
        if count > self.most_values {
            return Err(TiffError::TooMany { what: "values in a tag", limit: self.most_values });
        }
        Ok(())
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
        self.check(tag)?;
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
        self.check(tag)?;
        let values = self.decoder.find_tag_unsigned_vec(tag);
        self.found(name, values)
    }

    /// Where the directories lie that a tag points to.
    pub(super) fn pointers(&mut self, tag: Tag, name: &'static str) -> Result<Vec<u64>, TiffError> {
        self.check(tag)?;
        let value = self.decoder.find_tag(tag);
        let values = match self.found(name, value)? {
            None => return Ok(Vec::new()),
            Some(Value::List(values)) => values,
            Some(value) => vec![value],
        };
        Ok(values.into_iter().filter_map(|value| value.into_ifd_pointer().ok()).map(|p| p.0).collect())
    }

    pub(super) fn doubles(&mut self, tag: Tag, name: &'static str) -> Result<Vec<f64>, TiffError> {
        self.check(tag)?;
        let value = self.decoder.find_tag(tag);
        let numbers = match self.found(name, value)? {
            None => return Ok(Vec::new()),
            Some(Value::List(values)) => values.into_iter().map(number).collect(),
            Some(value) => number(value).map(|number| vec![number]),
        };
        numbers.ok_or_else(|| self.nonsense(name))
    }

    pub(super) fn bytes(&mut self, tag: Tag, name: &'static str) -> Result<Option<Vec<u8>>, TiffError> {
        self.check(tag)?;
        let value = self.decoder.find_tag(tag).and_then(|v| v.map(Value::into_u8_vec).transpose());
        self.found(name, value)
    }

    /// A text; one that is not text at all counts as absent, since no text decides how pixels are read.
    pub(super) fn text(&mut self, tag: Tag, name: &'static str) -> Result<Option<String>, TiffError> {
        self.check(tag)?;
        match self.decoder.find_tag(tag) {
            Ok(Some(Value::Ascii(text))) => Ok(Some(text)),
            Ok(_) | Err(CrateError::FormatError(_)) => Ok(None),
            Err(source) => Err(TiffError::Tag { index: self.index, tag: name, source }),
        }
    }
}

/// A number of any kind; a fraction is its quotient.
fn number(value: Value) -> Option<f64> {
    match value {
        Value::Rational(over, under) => Some(f64::from(over) / f64::from(under)),
        Value::SRational(over, under) => Some(f64::from(over) / f64::from(under)),
        Value::Float(value) => Some(f64::from(value)),
        Value::Double(value) => Some(value),
        value => value.into_i64().ok().map(|value| value as f64),
    }
}
