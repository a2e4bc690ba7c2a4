//! A WebP block decoded by windows, from bytes: the first say its layout and the windows, the rest is stored.

use tiler::{
    codec::{BlockLayout, Compression, PartialBlock, Photometric, Predictor, decode},
    geom::{Size, Window},
    raster::SampleType,
};

/// Bytes before the stored ones.
const HEADER: usize = 16;

/// Decodes up to three windows, then the whole block; where the whole decoder reads it too, they agree.
///
/// # Panics
/// When they do not.
pub fn exercise_partial_webp(bytes: &[u8]) {
    let Some((header, stored)) = bytes.split_first_chunk::<HEADER>() else { return };
    let [width, height, _, _, windows @ ..] = header;
    let layout = BlockLayout {
        size: Size::new(1 + u32::from(*width), 1 + u32::from(*height)),
        bands: 3,
        bits: 8,
        sample: SampleType::U8,
        compression: Compression::WebP,
        predictor: Predictor::None,
        photometric: Photometric::AsStored,
        jpeg_tables: None,
        big_endian: false,
        low_bit_first: false,
        fax_options: 0,
        lerc_wrapping: 0,
    };
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
