//! A block decoded by windows, from bytes: the first say its layout and the windows, the rest is stored.

use tiler::{
    codec::{BlockLayout, Compression, PartialBlock, PartialJpeg, Photometric, Predictor, YCbCr, decode},
    geom::{Size, Window},
    raster::SampleType,
};

/// Bytes before the stored ones.
const HEADER: usize = 16;

/// Decodes up to three windows of a JPEG, then the whole block; where the other decoder reads it too, they agree.
///
/// # Panics
/// When they do not.
pub fn exercise_partial(bytes: &[u8]) {
    let Some((header, stored)) = bytes.split_first_chunk::<HEADER>() else { return };
    let [width, height, kind, tables, windows @ ..] = header;
    let (tables, stored) = stored.split_at(usize::from(*tables).min(stored.len()));
    let layout = BlockLayout {
        bands: if kind % 3 == 0 { 1 } else { 3 },
        photometric: if kind % 3 == 2 { Photometric::YCbCr(YCbCr::default()) } else { Photometric::AsStored },
        jpeg_tables: (!tables.is_empty()).then(|| tables.into()),
        ..rgb((*width, *height), Compression::Jpeg)
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

/// Decodes up to three windows of a WebP block, then all of it; where the whole decoder reads it too, they agree.
///
/// # Panics
/// When they do not.
pub fn exercise_webp(bytes: &[u8]) {
    let Some((header, stored)) = bytes.split_first_chunk::<HEADER>() else { return };
    let [width, height, _, _, windows @ ..] = header;
    let layout = rgb((*width, *height), Compression::WebP);
    let Ok(Some(mut block)) = PartialBlock::open(stored, &layout) else { return };
    let whole = decode(stored, &layout).ok();
    let full = Window::full(layout.size);
    let (windows, _) = windows.as_chunks::<4>();
    let windows = windows
        .iter()
        .filter_map(|&[col, row, width, height]| {
            Window::new(col.into(), row.into(), width.into(), height.into()).intersection(&full)
        })
        .chain([full]);
    for window in windows {
        // What libwebp says of data that ends early is not the same in both ways.
        if block.decode(stored, &window).is_err() {
            return;
        }
        assert!(block.holds(&window), "{window:?} was decoded");
        let columns = window.col_off as usize..window.col_end() as usize;
        let mut rows = block.pixel_rows();
        let mut shown = vec![0; columns.len() * layout.bands];
        for row in window.row_off as usize..window.row_end() as usize {
            rows.row(row, &columns, &mut shown);
            let start = (row * layout.size.width as usize + columns.start) * layout.bands;
            let Some(whole) = &whole else { continue };
            assert!(shown == whole[start..start + shown.len()], "row {row} of {window:?}");
        }
    }
}

/// A block of three bands of bytes, from its columns and rows less one.
fn rgb((width, height): (u8, u8), compression: Compression) -> BlockLayout {
    BlockLayout {
        size: Size::new(1 + u32::from(width), 1 + u32::from(height)),
        bands: 3,
        bits: 8,
        sample: SampleType::U8,
        compression,
        predictor: Predictor::None,
        photometric: Photometric::AsStored,
        jpeg_tables: None,
        big_endian: false,
        low_bit_first: false,
        fax_options: 0,
        lerc_wrapping: 0,
    }
}
