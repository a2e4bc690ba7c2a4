//! The stream is that of libjpeg-turbo, byte by byte, and that of the plain machine.

use libjpeg_turbo_rs::{Encoder, PixelFormat, Subsampling, compress_raw};
use proptest::prelude::*;

use super::{
    super::{EncodeOptions, Picture},
    encode,
    fdct::Pair,
    machine::{Machine, Plain},
    scan::Transform,
    stream,
    tables::quantisation,
};
use crate::{
    geom::Size,
    raster::{Raster, YCbCr},
};

/// Planes of a picture that has something of everything: noise of some amplitude upon waves, here and there flat.
fn planes(size: Size, count: usize, noise: u32, seed: u32) -> Vec<Vec<u8>> {
    let mut state = seed;
    let mut random = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 16
    };
    let mut plane = |number| {
        let size = YCbCr::plane_size(size, number);
        let pixel = |at: u32| {
            let (x, y) = (at % size.width, at / size.width);
            let wave =
                128.0 + 90.0 * (f64::from(x * (number as u32 + 1)) / 9.0).sin() * (f64::from(y) / 13.0).cos();
            let is_flat = x / 16 % 3 == 2;
            (wave as i32
                + if is_flat || noise == 0 { 0 } else { (random() % noise) as i32 - noise as i32 / 2 })
            .clamp(0, 255) as u8
        };
        (0..size.width * size.height).map(pixel).collect()
    };
    (0..count).map(&mut plane).collect()
}

fn theirs(planes: &[&[u8]], size: Size, quality: u8) -> Vec<u8> {
    if let [grey] = planes {
        let encoder = Encoder::new(grey, size.width as usize, size.height as usize, PixelFormat::Grayscale);
        return encoder.quality(quality).subsampling(Subsampling::S444).encode().expect("it encodes");
    }
    let sizes = [0, 1, 2].map(|plane| YCbCr::plane_size(size, plane));
    let (widths, heights) = (sizes.map(|size| size.width as usize), sizes.map(|size| size.height as usize));
    compress_raw(planes, &widths, &heights, widths[0], heights[0], quality, Subsampling::S420)
        .expect("it encodes")
}

#[track_caller]
fn compare(size: Size, count: usize, noise: u32, quality: u8) {
    let planes = planes(size, count, noise, size.width + u32::from(quality));
    let planes = planes.iter().map(Vec::as_slice).collect::<Vec<_>>();
    let wanted = theirs(&planes, size, quality);
    for machine in [Machine::detect(), Machine::Plain] {
        let found = stream::write(&planes, size, quality, machine).expect("it encodes");
        assert!(found == wanted, "{size:?}, {count} planes, noise {noise}, quality {quality}, {machine:?}");
    }
}

#[test]
fn it_is_the_stream_of_libjpeg_turbo_at_every_quality() {
    for quality in 1..=100 {
        compare(Size::new(96, 64), 3, 40, quality);
    }
}

#[test]
fn it_is_the_stream_of_libjpeg_turbo_at_every_size() {
    for width in 1..=40 {
        for height in [1, 2, 7, 8, 9, 16, 17, 31] {
            for count in [1, 3] {
                compare(Size::new(width, height), count, 60, 85);
                compare(Size::new(height, width), count, 0, 85);
            }
        }
    }
}

#[test]
fn it_is_the_stream_of_libjpeg_turbo_in_noise_that_outgrows_its_room() {
    for noise in [0, 3, 255, 2000] {
        for quality in [30, 85, 100] {
            compare(Size::new(512, 512), 3, noise, quality);
        }
    }
}

#[test]
fn pictures_of_any_size_come_back() {
    for (width, height) in [(1, 1), (1, 9), (7, 1), (16, 17), (37, 19)] {
        let pixel = |at: u32| [40 + (at % width * 4) as u8, 90 + (at / width * 3) as u8, 120];
        let pixels: Vec<u8> = (0..width * height).flat_map(pixel).collect();
        let picture = Picture::new(Raster::new(Size::new(width, height), 3, pixels.clone(), None));
        let bytes = encode(&picture, EncodeOptions::default()).expect("it encodes");
        let image = image::load_from_memory(&bytes).expect("it opens").to_rgb8();
        assert_eq!(image.dimensions(), (width, height));
        let worst = image.as_raw().iter().zip(&pixels).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(worst <= Some(8), "{width} x {height}: {worst:?}");
    }
}

#[test]
fn a_side_that_has_no_number_is_refused() {
    let pixels = vec![0; 65_536];
    let reason = stream::write(&[&pixels], Size::new(65_536, 1), 85, Machine::Plain);
    assert_eq!(reason, Err("65536 x 1 pixels are more than JPEG has numbers for".to_owned()));
}

proptest! {
    #[test]
    fn wide_and_plain_transforms_are_equal(samples in prop::array::uniform32(0_u8..), quality in 1_u8..=100, spread in any::<bool>()) {
        // Four rows of noise or of black and white, each twice.
        let samples = samples.map(|sample| if spread { sample } else { sample / 128 * 255 });
        let (rows, _) = samples.as_chunks::<16>();
        let rows = [0, 1, 1, 0, 0, 1, 0, 1].map(|row| &rows[row]);
        let Some(wide) = wide() else { return Ok(()) };
        for table in quantisation(quality) {
            let (mut found, mut wanted) = (Pair::EMPTY, Pair::EMPTY);
            wide.transform(&rows, table, &mut found);
            Plain.transform(&rows, table, &mut wanted);
            prop_assert_eq!(&found, &wanted);
        }
    }
}

#[cfg(target_arch = "x86_64")]
fn wide() -> Option<impl Transform> {
    crate::codec::jpeg::avx2::Avx2::detect()
}

#[cfg(not(target_arch = "x86_64"))]
fn wide() -> Option<Plain> {
    None
}
