//! The passes in plain loops.

use super::{Across, Down, Machine, PIXEL_BITS, Planes};
use crate::resample::Kernel;

#[derive(Clone, Copy)]
pub(super) struct Plain;

impl Machine for Plain {
    fn split<const BANDS: usize>(&mut self, pixels: &[u8], planes: &mut Planes) {
        for (at, pixel) in pixels.as_chunks::<BANDS>().0.iter().enumerate() {
            for (band, &sample) in pixel.iter().enumerate() {
                planes.samples[band * planes.width + at] = sample;
            }
        }
    }

    fn across<const BANDS: usize>(&mut self, part: &Across<'_, BANDS>, kernel: &Kernel, out: &mut [i16]) {
        for index in 0..part.count {
            let (first, weights) = kernel.at(part.x.at(index));
            for band in 0..BANDS {
                let samples = &part.samples[band][first as usize..];
                let weighed = samples
                    .iter()
                    .zip(weights)
                    .map(|(&sample, &weight)| scaled(i16::from(sample) << 7, weight));
                out[band * part.plane + part.from + index] = weighed.fold(0, i16::wrapping_add);
            }
        }
    }

    fn down<const BANDS: usize>(&mut self, part: &Down<'_>, kernel: &Kernel, target: &mut [u8]) {
        for (index, pixel) in target.as_chunks_mut::<BANDS>().0.iter_mut().enumerate() {
            *pixel = weigh_rows(part, kernel, index);
        }
    }

    fn down_apart<const BANDS: usize>(
        &mut self,
        part: &Down<'_>,
        kernel: &Kernel,
        mut targets: [&mut [u8]; BANDS],
    ) {
        for index in 0..targets.first().map_or(0, |target| target.len()) {
            for (target, sample) in targets.iter_mut().zip(weigh_rows::<BANDS>(part, kernel, index)) {
                target[index] = sample;
            }
        }
    }
}

/// One pixel of a run.
fn weigh_rows<const BANDS: usize>(part: &Down<'_>, kernel: &Kernel, index: usize) -> [u8; BANDS] {
    let (_, weights) = kernel.at(part.y.at(index));
    std::array::from_fn(|band| {
        let weighed = part.rows.iter().zip(weights);
        let sum = weighed.fold(1 << (PIXEL_BITS - 1), |sum: i16, (&row, &weight)| {
            sum.wrapping_add(scaled(part.weighed[row + band * part.plane + index], weight))
        });
        (sum >> PIXEL_BITS).clamp(0, 255) as u8
    })
}

/// A product without its last fifteen bits, rounded.
fn scaled(value: i16, weight: i16) -> i16 {
    ((i32::from(value) * i32::from(weight) + (1 << 14)) >> 15) as i16
}
