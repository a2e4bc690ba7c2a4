//! A block from bytes: the first say what a header would have said, the rest is stored.

use tiler::{
    codec::{BlockLayout, Compression, Photometric, Predictor, YCbCr, decode},
    geom::Size,
    raster::SampleType,
};

/// Numbers of the tag `Compression`; those that are not read are passed over.
const COMPRESSIONS: [u16; 15] =
    [1, 2, 3, 4, 5, 7, 8, 32_773, 34_887, 34_925, 50_000, 50_001, 50_002, 32_946, 52_546];
/// Bits of a sample, and what it becomes.
const SAMPLES: [(u16, SampleType); 20] = [
    (8, SampleType::U8),
    (1, SampleType::U8),
    (2, SampleType::U8),
    (4, SampleType::U8),
    (7, SampleType::U8),
    (8, SampleType::I8),
    (12, SampleType::U16),
    (15, SampleType::U16),
    (16, SampleType::U16),
    (16, SampleType::I16),
    (24, SampleType::U32),
    (31, SampleType::U32),
    (32, SampleType::U32),
    (32, SampleType::I32),
    (64, SampleType::U64),
    (64, SampleType::I64),
    (16, SampleType::F32),
    (24, SampleType::F32),
    (32, SampleType::F32),
    (64, SampleType::F64),
];
/// Bytes before the stored ones.
const HEADER: usize = 10;

/// Decodes the block; what comes out has the length that its layout says.
///
/// # Panics
/// When it has not.
pub fn exercise_block(bytes: &[u8]) {
    let Some((header, stored)) = bytes.split_first_chunk::<HEADER>() else { return };
    let Some(layout) = layout(header) else { return };
    let tables = usize::from(header[9]);
    let (tables, stored) = stored.split_at(tables.min(stored.len()));
    let layout = BlockLayout { jpeg_tables: (!tables.is_empty()).then(|| tables.into()), ..layout };
    let bands = if layout.photometric == Photometric::Cmyk { 4 } else { layout.bands };
    if let Ok(samples) = decode(stored, &layout) {
        let expected = layout.size.pixels() as usize * bands * layout.sample.bytes();
        assert_eq!(samples.len(), expected, "{layout:?}");
    }
}

fn layout(header: &[u8; HEADER]) -> Option<BlockLayout> {
    let [compression, width, height, bands, sample, predictor, photometric, flags, options, _] = *header;
    let compression = COMPRESSIONS[usize::from(compression) % COMPRESSIONS.len()];
    let (bits, sample) = SAMPLES[usize::from(sample) % SAMPLES.len()];
    let bands = 1 + usize::from(bands % 8);
    let side = |factor: u8| [1, 2, 4][usize::from(factor % 3)];
    let subsampling = (side(flags >> 2), side(flags >> 4));
    let photometric = match photometric % 3 {
        // As the header is checked before it comes to this.
        1 if bands == 3 && (bits == 8 || compression == 7) => {
            Photometric::YCbCr(YCbCr { subsampling, ..YCbCr::default() })
        }
        2 if bands >= 4 && bits == 8 => Photometric::Cmyk,
        _ => Photometric::AsStored,
    };
    Some(BlockLayout {
        size: Size::new(1 + u32::from(width), 1 + u32::from(height)),
        bands,
        bits,
        sample,
        compression: Compression::from_tag(compression).ok()?,
        predictor: Predictor::from_tag(1 + u16::from(predictor % 3), bits).ok()?,
        photometric,
        jpeg_tables: None,
        big_endian: flags & 1 != 0,
        low_bit_first: flags & 2 != 0,
        fax_options: u32::from(options & 7),
        lerc_wrapping: u32::from(options % 3),
    })
}
