//! A JPEG block decoded by windows, from bytes: the first say its layout and the windows, the rest is stored.

use tiler::{
    codec::{BlockLayout, Compression, PartialJpeg, Photometric, Predictor, YCbCr, decode},
    geom::{Size, Window},
    raster::SampleType,
};

/// Bytes before the stored ones.
const HEADER: usize = 16;

/// Decodes up to three windows, then the whole block; where the other decoder reads it too, they agree.
///
/// # Panics
/// When they do not.
pub fn exercise_partial(bytes: &[u8]) {
    let Some((header, stored)) = bytes.split_first_chunk::<HEADER>() else { return };
    let [width, height, kind, tables, windows @ ..] = header;
    let (tables, stored) = stored.split_at(usize::from(*tables).min(stored.len()));
    let layout = BlockLayout {
        size: Size::new(1 + u32::from(*width), 1 + u32::from(*height)),
        bands: if kind % 3 == 0 { 1 } else { 3 },
        bits: 8,
        sample: SampleType::U8,
        compression: Compression::Jpeg,
        predictor: Predictor::None,
        photometric: if kind % 3 == 2 { Photometric::YCbCr(YCbCr::default()) } else { Photometric::AsStored },
        jpeg_tables: (!tables.is_empty()).then(|| tables.into()),
        big_endian: false,
        low_bit_first: false,
        fax_options: 0,
        lerc_wrapping: 0,
    };
    let Ok(Some(mut block)) = PartialJpeg::open(stored, &layout) else { return };
    let (windows, _) = windows.as_chunks::<4>();
    let mut sound = true;
    for &[col, row, width, height] in windows {
        let window = Window::new(col.into(), row.into(), width.into(), height.into());
        let decoded = block.decode(stored, &window).is_ok();
        assert!(!decoded || block.holds(&window), "{window:?} was decoded");
        sound &= decoded;
    }
    sound &= block.decode(stored, &Window::full(layout.size)).is_ok();
    assert_eq!(block.pixels().len(), layout.decoded_bytes());
    if sound && let Ok(whole) = decode(stored, &layout) {
        assert!(block.pixels() == whole, "{layout:?}");
    }
}
