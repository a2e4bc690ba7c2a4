//! Kernel weights for one axis, tabulated by the fraction of the position.

use super::Resampling;

/// Positions between two pixels that have weights of their own: a step of 1/512 px at most from the exact position.
const PHASES: usize = 256;
/// No kernel is wider than for this shrink: an image that small on its tile is a few pixels without any detail.
const WIDEST: f64 = 256.0;
/// Weights of a phase sum to `1 << WEIGHT_BITS`.
pub(super) const WEIGHT_BITS: u32 = 14;

/// Weights of a kernel along one axis, widened when the image shrinks so that nothing aliases.
///
/// Source: the widening and its two thresholds are those of GDAL's warper (`GWKComputeXScale` in gdalwarpkernel.cpp): a
/// shrink of up to 1/0.95 uses the plain kernel, and a factor within 0.05 of a whole number counts as that number.
#[derive(Debug, Clone)]
pub struct Kernel {
    taps: usize,
    weights: Vec<i16>,
}

impl Kernel {
    /// The kernel for an axis on which `shrink` source pixels fall on one target pixel; below 1 the image is enlarged.
    pub fn new(resampling: Resampling, shrink: f64) -> Self {
        let scale = Self::widening(resampling, shrink);
        if resampling == Resampling::Nearest {
            return Self { taps: 1, weights: vec![1 << WEIGHT_BITS; PHASES] };
        }
        let taps = Self::taps_for(resampling, scale);
        let mut weights = Vec::with_capacity(PHASES * taps);
        for phase in 0..PHASES {
            let fraction = phase as f64 / PHASES as f64;
            weights.extend(phase_weights(resampling, scale, taps, fraction));
        }
        Self { taps, weights }
    }

    /// How many times wider than its plain form the kernel is, at least 1.
    pub fn widening(resampling: Resampling, shrink: f64) -> f64 {
        if resampling == Resampling::Nearest || shrink.is_nan() || shrink * 0.95 < 1.0 {
            return 1.0;
        }
        let shrink = shrink.min(WIDEST);
        let whole = shrink.round();
        if (shrink - whole).abs() < 0.05 { whole } else { shrink }
    }

    /// Source pixels that a target position needs on each side of it.
    pub fn reach(resampling: Resampling, shrink: f64) -> i64 {
        let scale = Self::widening(resampling, shrink);
        (Self::taps_for(resampling, scale) / 2 + 1) as i64
    }

    fn taps_for(resampling: Resampling, scale: f64) -> usize {
        2 * (resampling.radius() * scale).ceil() as usize
    }

    /// Number of source pixels that a position weighs.
    pub fn taps(&self) -> usize {
        self.taps
    }

    /// For a position (pixel corners are whole numbers): the first source pixel, and the weights from it on.
    ///
    /// The position is in 1/65536 px.
    #[inline]
    pub fn at(&self, position: i64) -> (i64, &[i16]) {
        if self.taps == 1 {
            return (position >> 16, &self.weights[..1]);
        }
        // Centres of pixels lie half a pixel after their corners; the rest rounds to the nearest phase.
        let centred = position - (1 << 15) + (1 << 16) / (2 * PHASES as i64);
        let first = (centred >> 16) - (self.taps as i64 / 2 - 1);
        let phase = ((centred & 0xffff) as usize * PHASES) >> 16;
        (first, &self.weights[phase * self.taps..(phase + 1) * self.taps])
    }
}

/// Weights of one phase, rounded so that their sum is exact.
fn phase_weights(resampling: Resampling, scale: f64, taps: usize, fraction: f64) -> Vec<i16> {
    let half = taps as f64 / 2.0;
    let raw: Vec<f64> =
        (0..taps).map(|tap| weight(resampling, (tap as f64 - (half - 1.0) - fraction) / scale)).collect();
    let sum: f64 = raw.iter().sum();
    let one = f64::from(1 << WEIGHT_BITS);
    let mut carried = 0.0;
    let mut total = 0;
    let mut weights: Vec<i16> = raw
        .iter()
        .map(|w| {
            let exact = w / sum * one + carried;
            let rounded = exact.round();
            carried = exact - rounded;
            total += rounded as i32;
            rounded as i16
        })
        .collect();
    let widest = weights.iter().enumerate().max_by_key(|(_, w)| **w).map_or(0, |(i, _)| i);
    weights[widest] += ((1 << WEIGHT_BITS) - total) as i16;
    weights
}

/// The kernel's value at a distance of `x` (widened) pixels.
fn weight(resampling: Resampling, x: f64) -> f64 {
    let x = x.abs();
    match resampling {
        Resampling::Nearest => 1.0,
        Resampling::Bilinear => (1.0 - x).max(0.0),
        Resampling::Cubic if x < 1.0 => (1.5 * x - 2.5) * x * x + 1.0,
        Resampling::Cubic if x < 2.0 => ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0,
        Resampling::Lanczos if x < 1e-9 => 1.0,
        Resampling::Lanczos if x < 3.0 => {
            let p = std::f64::consts::PI * x;
            3.0 * p.sin() * (p / 3.0).sin() / (p * p)
        }
        Resampling::Cubic | Resampling::Lanczos => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Resampling; 4] =
        [Resampling::Nearest, Resampling::Bilinear, Resampling::Cubic, Resampling::Lanczos];

    #[test]
    fn weights_of_every_phase_sum_to_one() {
        for resampling in ALL {
            for shrink in [0.3, 1.0, 1.09, 1.97, 2.5, 17.3] {
                let kernel = Kernel::new(resampling, shrink);
                for weights in kernel.weights.chunks(kernel.taps) {
                    assert_eq!(weights.iter().map(|&w| i32::from(w)).sum::<i32>(), 1 << WEIGHT_BITS);
                }
            }
        }
    }

    #[test]
    fn the_centre_of_a_pixel_is_that_pixel() {
        for resampling in ALL {
            let kernel = Kernel::new(resampling, 1.0);
            let (first, weights) = kernel.at((7 << 16) + (1 << 15));
            let at_7 = (7 - first) as usize;
            assert_eq!(weights[at_7], 1 << WEIGHT_BITS, "{resampling:?} {first} {weights:?}");
        }
    }

    #[test]
    fn halfway_between_two_centres_weighs_both_the_same() {
        let kernel = Kernel::new(Resampling::Bilinear, 1.0);
        let (first, weights) = kernel.at(8 << 16);
        assert_eq!((first, weights), (7, &[1i16 << 13, 1 << 13][..]));
    }

    #[test]
    fn shrinking_widens_the_kernel_as_gdal_does() {
        assert!((Kernel::widening(Resampling::Bilinear, 1.04) - 1.0).abs() < 1e-9);
        assert!((Kernel::widening(Resampling::Bilinear, 1.09) - 1.09).abs() < 1e-9);
        assert!((Kernel::widening(Resampling::Bilinear, 2.03) - 2.0).abs() < 1e-9);
        assert_eq!(Kernel::new(Resampling::Bilinear, 1.09).taps(), 4);
    }
}
