//! Windows of blocks against whole blocks by other decoders.

use std::sync::Arc;

use libjpeg_turbo_rs::{Encoder, PixelFormat, Subsampling};
use proptest::prelude::*;
use zune_jpeg::JpegDecoder;

use super::{scan::Transform as _, *};
use crate::codec::{Compression, YCbCr, jpeg::decode, plain};

/// A stream and what it stands for.
#[derive(Debug, Clone)]
struct Sample {
    stored: Vec<u8>,
    layout: BlockLayout,
}

impl Sample {
    fn open(&self) -> PartialJpeg {
        PartialJpeg::open(&self.stored, &self.layout).expect("its markers are right").expect("it is baseline")
    }

    fn whole(&self) -> Vec<u8> {
        decode(&self.stored, &self.layout).expect("it is whole")
    }

    /// Compares the pixels of a window with those of the whole block.
    fn check(&self, ours: &PartialJpeg, whole: &[u8], window: &Window) {
        assert!(ours.holds(window));
        let Some(part) = window.intersection(&Window::full(self.layout.size)) else { return };
        let bands = self.layout.bands;
        let columns = part.col_off as usize..part.col_end() as usize;
        let mut rows = ours.pixel_rows();
        for row in part.row_off as usize..part.row_end() as usize {
            let at = |col| (row * self.layout.size.width as usize + col) * bands;
            let mut found = vec![0; columns.len() * bands];
            rows.row(row, &columns, &mut found);
            assert_eq!(found, whole[at(columns.start)..at(columns.end)], "row {row} of {window:?}");
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Grey,
    Rgb,
    YCbCr(Subsampling),
}

/// Waves with as much noise as is asked for.
fn encoded(size: Size, kind: Kind, quality: u8, noise: u32, restart: u16) -> Sample {
    let (width, height) = (size.width as usize, size.height as usize);
    let bands = if matches!(kind, Kind::Grey) { 1 } else { 3 };
    let pixels: Vec<u8> = (0..width * height * bands)
        .map(|i| {
            let (x, y, band) = (i / bands % width, i / bands / width, i % bands);
            let wave = (x as f32 / 7.0 + band as f32).sin() * (y as f32 / 5.0).cos();
            let random = (i as u32).wrapping_mul(2_654_435_761) >> 16;
            (128.0 + 100.0 * wave + (random % (noise + 1)) as f32 - noise as f32 / 2.0) as u8
        })
        .collect();
    let (format, subsampling, photometric) = match kind {
        Kind::Grey => (PixelFormat::Grayscale, Subsampling::S444, Photometric::AsStored),
        Kind::Rgb => (PixelFormat::Rgb, Subsampling::S444, Photometric::AsStored),
        Kind::YCbCr(s) => (PixelFormat::Rgb, s, Photometric::YCbCr(YCbCr::default())),
    };
    let encoder = Encoder::new(&pixels, width, height, format).quality(quality).subsampling(subsampling);
    let encoder = encoder.optimize_huffman(noise.is_multiple_of(2)).restart_blocks(restart);
    let stored = encoder.encode().expect("it encodes");
    Sample { stored, layout: BlockLayout { bands, photometric, ..plain(size, Compression::Jpeg) } }
}

fn kinds() -> impl Strategy<Value = Kind> {
    prop_oneof![
        Just(Kind::Grey),
        Just(Kind::Rgb),
        Just(Kind::YCbCr(Subsampling::S444)),
        Just(Kind::YCbCr(Subsampling::S422)),
        Just(Kind::YCbCr(Subsampling::S420)),
    ]
}

fn samples(sides: impl Strategy<Value = u32> + Clone) -> impl Strategy<Value = Sample> {
    let restart = prop_oneof![Just(0_u16), 1_u16..20];
    (sides.clone(), sides, kinds(), 1_u8..=100, 0_u32..120, restart).prop_map(
        |(w, h, kind, quality, noise, restart)| encoded(Size::new(w, h), kind, quality, noise, restart),
    )
}

fn windows() -> impl Strategy<Value = Vec<Window>> {
    let window = (-3_i64..70, -3_i64..70, 0_u32..50, 0_u32..50);
    prop::collection::vec(window.prop_map(|(x, y, w, h)| Window::new(x, y, w, h)), 1..6)
}

proptest! {
    #[test]
    fn windows_in_any_order_are_those_of_the_whole_block(sample in samples(1_u32..71), windows in windows()) {
        let whole = sample.whole();
        let Some(mut ours) = PartialJpeg::open(&sample.stored, &sample.layout).expect("its markers are right")
        else {
            // So narrow ones are upsampled in another way.
            prop_assert!(sample.layout.size.width <= 4);
            return Ok(());
        };
        for window in &windows {
            ours.decode(&sample.stored, window).expect("it is whole");
            sample.check(&ours, &whole, window);
        }
        for window in windows.iter().chain([&Window::full(sample.layout.size)]) {
            ours.decode(&sample.stored, window).expect("it is whole");
            sample.check(&ours, &whole, window);
        }
    }

    // Of whole units, since beyond the edges it upsamples in another way.
    #[test]
    fn another_decoder_sees_nearly_the_same(sample in samples((1..6_u32).prop_map(|units| 16 * units))) {
        prop_assume!(sample.layout.bands == 1 || sample.layout.photometric != Photometric::AsStored);
        let mut ours = sample.open();
        ours.decode(&sample.stored, &Window::full(sample.layout.size)).expect("it is whole");
        let theirs = JpegDecoder::new(std::io::Cursor::new(&sample.stored)).decode().expect("it decodes");
        // Grey comes out three times there.
        let ours = ours.pixels();
        let theirs = theirs.iter().step_by(theirs.len() / ours.len());
        let furthest = ours.iter().zip(theirs).map(|(a, b)| a.abs_diff(*b)).max();
        prop_assert!(furthest <= Some(5), "{furthest:?}");
    }

    #[test]
    fn damage_is_an_error_or_what_the_other_decoder_sees(
        sample in samples(5_u32..71),
        at in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        windows in windows(),
    ) {
        let mut damaged = sample.stored.clone();
        for (index, byte) in at {
            *index.get_mut(&mut damaged) = byte;
        }
        let Ok(Some(mut ours)) = PartialJpeg::open(&damaged, &sample.layout) else { return Ok(()) };
        for window in &windows {
            let _ = ours.decode(&damaged, window);
        }
        let full = Window::full(sample.layout.size);
        if ours.decode(&damaged, &full).is_ok()
            && let Ok(theirs) = decode(&damaged, &sample.layout)
        {
            prop_assert!(ours.pixels() == theirs);
        }
    }
}

proptest! {
    #[test]
    fn every_machine_transforms_alike(
        seed in any::<u32>(),
        bits in 1_u32..=16,
        quantisation in prop::array::uniform32(any::<i16>()),
    ) {
        let mut state = seed | 1;
        let coefficients = std::array::from_fn(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state as i32 >> (32 - bits)) as i16
        });
        let wide: [i16; 64] = std::array::from_fn(|i| quantisation[i % 32]);
        let narrow: [i16; 64] = std::array::from_fn(|i| 1 + (quantisation[31 - i % 32] & 31));
        let ours = Machine::detect().transform(&coefficients, [&wide, &narrow]);
        prop_assert_eq!(ours, Machine::Plain.transform(&coefficients, [&wide, &narrow]));
    }

    #[test]
    fn every_machine_upsamples_and_converts_alike(
        samples in prop::collection::vec(any::<[u8; 3]>(), 0..80),
        excess in 0_usize..3,
    ) {
        let row = [0, 1, 2].map(|band| samples.iter().map(|pixel| pixel[band]).collect::<Vec<_>>());
        let [y, cb, cr] = row.each_ref().map(Vec::as_slice);
        let both = |run: &dyn Fn(Machine, &mut [u8])| {
            let mut out = [Machine::detect(), Machine::Plain].map(|_| vec![0; 3 * samples.len() + excess]);
            run(Machine::detect(), &mut out[0]);
            run(Machine::Plain, &mut out[1]);
            assert_eq!(out[0], out[1]);
        };
        both(&|machine, out| machine.convert([y, cb, cr], out));
        both(&|machine, out| machine.upsample(y, Some(cb), &mut Vec::new(), out));
        both(&|machine, out| machine.upsample(y, None, &mut Vec::new(), out));
    }

    #[test]
    fn every_machine_decodes_alike(sample in samples(1_u32..71), windows in windows()) {
        let Ok(Some(mut ours)) = PartialJpeg::open(&sample.stored, &sample.layout) else { return Ok(()) };
        for window in &windows {
            prop_assert!(ours.decode_on(Machine::Plain, &sample.stored, window).is_ok());
            sample.check(&ours, &sample.whole(), window);
        }
    }
}

#[test]
fn a_stream_that_is_cut_is_right_up_to_there() {
    let sample = encoded(Size::new(64, 64), Kind::YCbCr(Subsampling::S420), 90, 60, 0);
    let whole = sample.whole();
    let cut = &sample.stored[..sample.stored.len() * 3 / 4];
    let mut ours = sample.open();
    assert!(matches!(ours.decode(cut, &Window::new(0, 0, 64, 64)), Err(CodecError::Damaged { .. })));
    let top = Window::new(0, 0, 64, 30);
    ours.decode(cut, &top).expect("the top is there");
    sample.check(&ours, &whole, &top);
    assert!(!ours.holds(&Window::new(0, 0, 64, 64)));
    ours.decode(&sample.stored, &Window::new(0, 0, 64, 64)).expect("it is all there");
    assert_eq!(ours.pixels(), whole);
}

#[test]
fn a_block_may_be_smaller_than_its_stream() {
    let mut sample = encoded(Size::new(64, 48), Kind::YCbCr(Subsampling::S420), 85, 20, 0);
    sample.layout.size = Size::new(50, 17);
    let mut ours = sample.open();
    ours.decode(&sample.stored, &Window::new(0, 0, 50, 17)).expect("it is whole");
    assert_eq!(ours.pixels(), sample.whole());
    for (width, height) in [(40, 48), (64, 49), (65, 48)] {
        let layout = BlockLayout { size: Size::new(width, height), ..sample.layout.clone() };
        assert!(PartialJpeg::open(&sample.stored, &layout).expect("its markers are right").is_none());
    }
}

#[test]
fn tables_may_be_shared() {
    let sample = encoded(Size::new(64, 48), Kind::YCbCr(Subsampling::S420), 85, 21, 0);
    let (mut tables, mut stream) = (vec![0xff, 0xd8], vec![0xff, 0xd8]);
    let mut rest = &sample.stored[2..];
    while let [0xff, marker, high, low, ..] = *rest {
        let (segment, after) = rest.split_at(usize::from(u16::from_be_bytes([high, low])) + 2);
        match marker {
            0xdb | 0xc4 => tables.extend_from_slice(segment),
            0xda => break,
            _ => stream.extend_from_slice(segment),
        }
        rest = after;
    }
    stream.extend_from_slice(rest);
    assert!(PartialJpeg::open(&stream, &sample.layout).expect("its markers are right").is_none());
    let layout = BlockLayout { jpeg_tables: Some(Arc::from(tables)), ..sample.layout.clone() };
    let sharing = Sample { stored: stream, layout };
    let mut ours = sharing.open();
    ours.decode(&sharing.stored, &Window::new(3, 5, 7, 9)).expect("it is whole");
    sharing.check(&ours, &sample.whole(), &Window::new(3, 5, 7, 9));
}

#[test]
fn what_only_the_whole_decoder_reads_is_left_to_it() {
    let pixels = vec![100; 64 * 48 * 3];
    let layout = encoded(Size::new(64, 48), Kind::Rgb, 80, 0, 0).layout;
    let encoder = |format| Encoder::new(&pixels, 64, 48, format);
    for other in [
        encoder(PixelFormat::Rgb).progressive(true),
        encoder(PixelFormat::Rgb).arithmetic(true),
        encoder(PixelFormat::Rgb).subsampling(Subsampling::S440),
        encoder(PixelFormat::Rgb).subsampling(Subsampling::S411),
    ] {
        let stored = other.encode().expect("it encodes");
        assert!(PartialJpeg::open(&stored, &layout).expect("its markers are right").is_none());
    }
    let layout = BlockLayout { photometric: Photometric::Cmyk, bands: 4, ..layout };
    let stored = Encoder::new(&vec![9; 64 * 48 * 4], 64, 48, PixelFormat::Cmyk).encode().expect("it encodes");
    assert!(PartialJpeg::open(&stored, &layout).expect("its markers are right").is_none());
}

#[test]
fn memory_is_little_more_than_the_samples_and_known_at_once() {
    let kinds = [(Kind::Grey, 2), (Kind::YCbCr(Subsampling::S444), 6), (Kind::YCbCr(Subsampling::S420), 3)];
    for (kind, halves_a_pixel) in kinds {
        let sample = encoded(Size::new(512, 512), kind, 85, 40, 0);
        let mut ours = sample.open();
        let at_once = ours.byte_len();
        ours.decode(&sample.stored, &Window::full(sample.layout.size)).expect("it is whole");
        assert_eq!(ours.byte_len(), at_once);
        let beside = at_once - halves_a_pixel * 512 * 512 / 2;
        assert!(beside < 16 << 10, "{beside}");
    }
}
