//! Types of samples, and samples of one type.

/// The type of a sample in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it")]
pub enum SampleType {
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    U64,
    I64,
    F32,
    F64,
}

impl SampleType {
    /// Bytes of one sample.
    pub const fn bytes(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
        }
    }

    /// The name that numpy and rasterio use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::U8 => "uint8",
            Self::I8 => "int8",
            Self::U16 => "uint16",
            Self::I16 => "int16",
            Self::U32 => "uint32",
            Self::I32 => "int32",
            Self::U64 => "uint64",
            Self::I64 => "int64",
            Self::F32 => "float32",
            Self::F64 => "float64",
        }
    }

    /// Whether samples are floating point numbers.
    pub const fn is_float(self) -> bool {
        matches!(self, Self::F32 | Self::F64)
    }

    /// The least and the greatest value of an integer type; for floating point from 0 to 1.
    pub const fn range(self) -> (f64, f64) {
        match self {
            Self::U8 => (0.0, 255.0),
            Self::I8 => (-128.0, 127.0),
            Self::U16 => (0.0, 65_535.0),
            Self::I16 => (-32_768.0, 32_767.0),
            Self::U32 => (0.0, u32::MAX as f64),
            Self::I32 => (i32::MIN as f64, i32::MAX as f64),
            Self::U64 => (0.0, u64::MAX as f64),
            Self::I64 => (i64::MIN as f64, i64::MAX as f64),
            Self::F32 | Self::F64 => (0.0, 1.0),
        }
    }
}

/// Samples of one type, in whatever order their owner says.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Samples {
    U8(Vec<u8>),
    I8(Vec<i8>),
    U16(Vec<u16>),
    I16(Vec<i16>),
    U32(Vec<u32>),
    I32(Vec<i32>),
    U64(Vec<u64>),
    I64(Vec<i64>),
    F32(Vec<f32>),
    F64(Vec<f64>),
}

/// Does the same for the vector of every type.
macro_rules! each {
    ($samples:expr, $values:ident => $body:expr) => {
        match $samples {
            Samples::U8($values) => $body,
            Samples::I8($values) => $body,
            Samples::U16($values) => $body,
            Samples::I16($values) => $body,
            Samples::U32($values) => $body,
            Samples::I32($values) => $body,
            Samples::U64($values) => $body,
            Samples::I64($values) => $body,
            Samples::F32($values) => $body,
            Samples::F64($values) => $body,
        }
    };
}
pub(crate) use each;

impl Samples {
    /// Copies a range of samples of the same type to a place; of another type nothing is copied.
    ///
    /// # Panics
    /// When one of the ranges is not there.
    pub fn copy_from(&mut self, to: usize, other: &Self, range: std::ops::Range<usize>) {
        macro_rules! copy {
            ($($variant:ident),*) => {
                match (self, other) {
                    $((Self::$variant(target), Self::$variant(source)) => {
                        target[to..to + range.len()].copy_from_slice(&source[range]);
                    })*
                    _ => debug_assert!(false, "samples of two types"),
                }
            };
        }
        copy!(U8, I8, U16, I16, U32, I32, U64, I64, F32, F64);
    }

    /// Sets one sample to the nearest value of its type; nothing beyond the end.
    pub fn set(&mut self, index: usize, value: f64) {
        each!(self, values => {
            if let Some(sample) = values.get_mut(index) {
                *sample = value as _;
            }
        });
    }

    /// Whether all samples have the value, which may be no number; a zero has its sign.
    #[expect(clippy::unnecessary_cast, reason = "one of the types is f64")]
    pub fn all(&self, value: f64) -> bool {
        let is_same =
            |sample: f64| sample.to_bits() == value.to_bits() || (sample.is_nan() && value.is_nan());
        each!(self, values => values.iter().all(|&sample| is_same(sample as f64)))
    }

    /// Bytes in the order of this machine; those of 8-bit samples are not copied.
    pub fn to_ne_bytes(&self) -> std::borrow::Cow<'_, [u8]> {
        match self {
            Self::U8(values) => values.into(),
            other => each!(other, values => values.iter().flat_map(|value| value.to_ne_bytes()).collect()),
        }
    }

    /// Samples from their bytes in the order of this machine; bytes of 8-bit samples are taken over as they are.
    ///
    /// A last sample that is cut short is left out.
    pub fn from_bytes(kind: SampleType, bytes: Vec<u8>) -> Self {
        macro_rules! words {
            ($variant:ident, $word:ty) => {{
                let (words, _) = bytes.as_chunks::<{ size_of::<$word>() }>();
                Self::$variant(words.iter().map(|word| <$word>::from_ne_bytes(*word)).collect())
            }};
        }
        match kind {
            SampleType::U8 => Self::U8(bytes),
            SampleType::I8 => words!(I8, i8),
            SampleType::U16 => words!(U16, u16),
            SampleType::I16 => words!(I16, i16),
            SampleType::U32 => words!(U32, u32),
            SampleType::I32 => words!(I32, i32),
            SampleType::U64 => words!(U64, u64),
            SampleType::I64 => words!(I64, i64),
            SampleType::F32 => words!(F32, f32),
            SampleType::F64 => words!(F64, f64),
        }
    }

    /// So many samples of zero.
    pub fn zeros(kind: SampleType, count: usize) -> Self {
        match kind {
            SampleType::U8 => Self::U8(vec![0; count]),
            SampleType::I8 => Self::I8(vec![0; count]),
            SampleType::U16 => Self::U16(vec![0; count]),
            SampleType::I16 => Self::I16(vec![0; count]),
            SampleType::U32 => Self::U32(vec![0; count]),
            SampleType::I32 => Self::I32(vec![0; count]),
            SampleType::U64 => Self::U64(vec![0; count]),
            SampleType::I64 => Self::I64(vec![0; count]),
            SampleType::F32 => Self::F32(vec![0.0; count]),
            SampleType::F64 => Self::F64(vec![0.0; count]),
        }
    }

    /// Their type.
    pub const fn kind(&self) -> SampleType {
        match self {
            Self::U8(_) => SampleType::U8,
            Self::I8(_) => SampleType::I8,
            Self::U16(_) => SampleType::U16,
            Self::I16(_) => SampleType::I16,
            Self::U32(_) => SampleType::U32,
            Self::I32(_) => SampleType::I32,
            Self::U64(_) => SampleType::U64,
            Self::I64(_) => SampleType::I64,
            Self::F32(_) => SampleType::F32,
            Self::F64(_) => SampleType::F64,
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        each!(self, values => values.len())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes held in memory.
    pub fn byte_len(&self) -> usize {
        each!(self, values => values.capacity() * size_of_val(values.first().unwrap_or(&Default::default())))
    }

    /// One sample as a number; 0 beyond the end. Integers beyond 2^53 lose their last digits.
    #[expect(clippy::unnecessary_cast, reason = "one of the types is f64")]
    pub fn value(&self, index: usize) -> f64 {
        each!(self, values => values.get(index).map_or(0.0, |&value| value as f64))
    }

    /// Sets all samples to the nearest value of their type.
    pub fn fill(&mut self, value: f64) {
        each!(self, values => values.fill(value as _));
    }

    /// Lays the samples of bands that were stored apart side by side, pixel by pixel.
    ///
    /// # Panics
    /// When there are none, or they differ in type or number: a bug of the caller.
    pub fn interleave(mut bands: Vec<Self>) -> Self {
        if bands.len() == 1 {
            return bands.remove(0);
        }
        macro_rules! side_by_side {
            ($variant:ident) => {{
                let bands: Vec<_> = bands
                    .iter()
                    .map(|band| {
                        if let Self::$variant(values) = band {
                            &values[..]
                        } else {
                            panic!("bands of two types")
                        }
                    })
                    .collect();
                Self::$variant(
                    (0..bands[0].len()).flat_map(|i| bands.iter().map(move |band| band[i])).collect(),
                )
            }};
        }
        match bands[0].kind() {
            SampleType::U8 => side_by_side!(U8),
            SampleType::I8 => side_by_side!(I8),
            SampleType::U16 => side_by_side!(U16),
            SampleType::I16 => side_by_side!(I16),
            SampleType::U32 => side_by_side!(U32),
            SampleType::I32 => side_by_side!(I32),
            SampleType::U64 => side_by_side!(U64),
            SampleType::I64 => side_by_side!(I64),
            SampleType::F32 => side_by_side!(F32),
            SampleType::F64 => side_by_side!(F64),
        }
    }

    /// Appends the bytes of a range of samples, least significant byte first.
    ///
    /// # Panics
    /// When the range is not within the samples.
    pub fn write_le(&self, range: std::ops::Range<usize>, out: &mut Vec<u8>) {
        each!(self, values => out.extend(values[range].iter().flat_map(|value| value.to_le_bytes())));
    }
}

impl From<Vec<u8>> for Samples {
    fn from(values: Vec<u8>) -> Self {
        Self::U8(values)
    }
}

impl From<Vec<f32>> for Samples {
    fn from(values: Vec<f32>) -> Self {
        Self::F32(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_become_samples_and_go_back() {
        let samples = Samples::from_bytes(SampleType::U16, [1u16, 65_535].map(u16::to_ne_bytes).concat());
        assert_eq!(samples, Samples::U16(vec![1, 65_535]));
        let mut out = Vec::new();
        samples.write_le(1..2, &mut out);
        assert_eq!((out, samples.len(), samples.value(1)), (vec![255, 255], 2, 65_535.0));
    }
}
