use webpx::{EncoderConfig, Unstoppable};

use super::*;
use crate::codec::{Compression, plain};

const SIZE: Size = Size::new(150, 200);

fn photograph(bands: usize) -> Vec<u8> {
    let wave = |i: usize, f: f64| (127.0 + 90.0 * (i as f64 / f).sin()) as u8;
    (0..SIZE.pixels() as usize)
        .flat_map(|i| {
            let (x, y) = (i % 150, i / 150);
            [wave(x, 7.0), wave(y, 5.0), wave(x * y, 11.0), wave(x, 20.0)].into_iter().take(bands)
        })
        .collect()
}

fn stored(config: &EncoderConfig, bands: usize) -> Vec<u8> {
    let pixels = photograph(bands);
    let encoded = if bands == 4 {
        config.encode_rgba(&pixels, SIZE.width, SIZE.height, Unstoppable)
    } else {
        config.encode_rgb(&pixels, SIZE.width, SIZE.height, Unstoppable)
    };
    encoded.expect("it encodes")
}

fn lossy() -> EncoderConfig {
    EncoderConfig::new().quality(80.0)
}

fn layout() -> BlockLayout {
    BlockLayout { bands: BANDS, ..plain(SIZE, Compression::WebP) }
}

fn shown(block: &PartialWebP, window: &Window) -> Vec<u8> {
    let columns = window.col_off as usize..window.col_end() as usize;
    let mut out = vec![0; window.size().pixels() as usize * BANDS];
    let rows = block.pixel_rows();
    for (row, out) in (window.row_off as usize..).zip(out.chunks_exact_mut(columns.len() * BANDS)) {
        rows.row(row, &columns, out);
    }
    out
}

#[test]
fn what_was_asked_for_is_as_in_the_whole_block_and_the_rest_can_follow() {
    let simple_filter = lossy().filter_type(0);
    let no_filter = lossy().filter_strength(0);
    let partitions = lossy().partitions(2);
    for config in [lossy(), simple_filter, no_filter, partitions] {
        let stored = stored(&config, BANDS);
        let whole = super::super::decode(&stored, &layout()).expect("it decodes");
        let mut block = PartialWebP::open(&stored, &layout()).expect("sound").expect("it is lossy");
        let mut given = 0;
        for window in [
            Window::new(20, 0, 9, 1),
            Window::new(0, 10, 150, 23),
            Window::new(100, 40, 50, 60),
            Window::new(3, 5, 20, 30),
            Window::full(SIZE),
            Window::new(0, 150, 150, 50),
        ] {
            block.decode(&stored, &window).expect("it decodes");
            assert!(block.holds(&window));
            let expected: Vec<u8> = (window.row_off..window.row_end())
                .flat_map(|row| {
                    let start = (row as usize * 150 + window.col_off as usize) * BANDS;
                    whole[start..start + window.width as usize * BANDS].to_vec()
                })
                .collect();
            assert_eq!(shown(&block, &window), expected, "{window:?}");
            assert!(block.given >= given);
            given = block.given;
        }
        assert!(matches!(block.pixels, Pixels::Whole(_)), "nothing of the decoder is left");
    }
}

#[test]
fn no_more_is_read_than_what_the_rows_need() {
    let stored = stored(&lossy(), BANDS);
    let mut block = PartialWebP::open(&stored, &layout()).expect("sound").expect("it is lossy");
    let upper = Window::new(0, 0, 150, 60);
    block.decode(&stored, &upper).expect("it decodes");
    assert!((60..130).contains(&block.rows), "{}", block.rows);
    assert!(block.given < stored.len() * 3 / 4, "{} of {}", block.given, stored.len());
    assert!(!block.holds(&Window::full(SIZE)));
    let below = Window::new(0, 199, 150, 1);
    assert_eq!(shown(&block, &below), vec![0; 150 * BANDS], "what was not decoded is left out");
}

#[test]
fn only_opaque_lossy_pictures_of_three_bands_are_decoded_in_parts() {
    let lossless = EncoderConfig::new().lossless(true);
    let opened = |stored: &[u8], layout: &BlockLayout| PartialWebP::open(stored, layout).map(|b| b.is_some());
    assert!(opened(&stored(&lossy(), 3), &layout()).expect("sound"));
    assert!(!opened(&stored(&lossless, 3), &layout()).expect("sound"));
    assert!(!opened(&stored(&lossy(), 4), &layout()).expect("sound"));
    assert!(!opened(&stored(&lossy(), 3), &BlockLayout { bands: 4, ..layout() }).expect("sound"));
    let other = BlockLayout { size: Size::new(150, 199), ..layout() };
    assert!(matches!(opened(&stored(&lossy(), 3), &other), Err(CodecError::Dimensions { .. })));
    assert!(opened(b"no", &layout()).is_err());
}

#[test]
fn damage_is_an_error_or_as_in_the_whole_block_and_never_a_panic() {
    let stored = stored(&lossy(), BANDS);
    let opened = |bytes: &[u8]| PartialWebP::open(bytes, &layout()).ok().flatten();
    for at in (0..stored.len()).step_by(7) {
        let mut damaged = stored.clone();
        damaged[at] ^= 0xff;
        if let Some(mut block) = opened(&damaged) {
            let part = block.decode(&damaged, &Window::new(0, 0, 150, 90)).is_ok();
            let decoded = part && block.decode(&damaged, &Window::full(SIZE)).is_ok();
            if decoded && let Ok(whole) = super::super::decode(&damaged, &layout()) {
                assert!(shown(&block, &Window::full(SIZE)) == whole, "{at}");
            }
        }
        if let Some(mut block) = opened(&stored[..at]) {
            assert!(block.decode(&stored[..at], &Window::full(SIZE)).is_err());
        }
    }
}
