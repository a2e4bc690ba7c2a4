//! The stream is that of libjpeg-turbo, byte by byte, and that of the plain machine.

use libjpeg_turbo_rs::{Subsampling, compress_raw};
use proptest::prelude::*;

use super::{
    super::{EncodeOptions, Picture},
    encode,
    fdct::Pair,
    quantisation::quantisation,
    scan::Transform,
    stream,
};
use crate::{
    codec::jpeg::machine::Machine,
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
    let sizes = [0, 1, 2].map(|plane| YCbCr::plane_size(size, plane));
    let (widths, heights) = (sizes.map(|size| size.width as usize), sizes.map(|size| size.height as usize));
    let sampling = if planes.len() == 1 { Subsampling::S444 } else { Subsampling::S420 };
    let (widths, heights) = (&widths[..planes.len()], &heights[..planes.len()]);
    compress_raw(planes, widths, heights, widths[0], heights[0], quality, sampling).expect("it encodes")
}

#[track_caller]
fn compare(size: Size, count: usize, noise: u32, quality: u8) {
    compare_planes(&planes(size, count, noise, size.width + u32::from(quality)), size, quality);
}

#[track_caller]
fn compare_planes(planes: &[Vec<u8>], size: Size, quality: u8) {
    let planes = planes.iter().map(Vec::as_slice).collect::<Vec<_>>();
    let wanted = theirs(&planes, size, quality);
    for machine in [Machine::detect(), Machine::Plain] {
        let found = stream::write(&planes, size, quality, machine).expect("it encodes");
        assert!(found == wanted, "{size:?}, {} planes, quality {quality}, {machine:?}", planes.len());
    }
}

#[test]
fn it_is_the_stream_of_libjpeg_turbo_at_every_quality() {
    for quality in [0, 255].into_iter().chain(1..=100) {
        compare(Size::new(96, 64), 3, 40, quality);
        compare(Size::new(40, 24), 1, 40, quality);
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
fn it_is_the_stream_of_libjpeg_turbo_at_the_ends_of_numbers() {
    let size = Size::new(64, 64);
    // Flat black, squares from one end to the other, and the widest waves.
    let pictures: [fn(u32, u32) -> bool; 4] =
        [|_, _| false, |x, y| (x / 16 + y / 16) % 2 == 0, |x, _| x / 4 % 2 == 0, |_, y| y % 2 == 0];
    for is_white in pictures {
        for quality in [1, 50, 100] {
            let plane = |number| {
                let size = YCbCr::plane_size(size, number);
                let pixel = |at: u32| if is_white(at % size.width, at / size.width) { 255 } else { 0 };
                (0..size.width * size.height).map(pixel).collect()
            };
            compare_planes(&[plane(0)], size, quality);
            compare_planes(&[plane(0), plane(1), plane(2)], size, quality);
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
    for (width, height) in [(65_536, 1), (1, 65_536), (0, 1), (1, 0)] {
        let pixels = vec![0; (width * height) as usize];
        let refused = stream::write(&[&pixels], Size::new(width, height), 85, Machine::Plain);
        let reason = format!("{width} x {height} pixels are none, or more than JPEG has numbers for");
        assert_eq!(refused, Err(reason));
    }
}

proptest! {
    #[test]
    fn every_machine_transforms_alike(
        samples in prop::collection::vec(any::<u8>(), 128),
        is_black_and_white in any::<bool>(),
        quality in 1_u8..=100,
    ) {
        let extreme = |sample: &u8| sample / 128 * 255;
        let samples = if is_black_and_white { samples.iter().map(extreme).collect() } else { samples };
        let rows = std::array::from_fn(|row| &samples.as_chunks::<16>().0[row]);
        for table in quantisation(quality) {
            let (mut found, mut wanted) = (Pair::EMPTY, Pair::EMPTY);
            Machine::detect().transform(&rows, table, &mut found);
            Machine::Plain.transform(&rows, table, &mut wanted);
            prop_assert_eq!(&found, &wanted);
        }
    }
}
