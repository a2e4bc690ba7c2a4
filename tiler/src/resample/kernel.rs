//! Kernel weights for one axis, tabulated by the fraction of the position.

use std::{
    num::NonZeroUsize,
    sync::{Arc, LazyLock},
};

use lru::LruCache;
use parking_lot::Mutex;

use super::Resampling;

/// Positions between two pixels that have weights of their own: a step of 1/512 px at most from the exact position.
pub(super) const PHASES: usize = 256;
/// No kernel is wider than for this shrink: an image that small on its tile is a few pixels without any detail.
const WIDEST: f64 = 256.0;
/// Weights of a phase sum to `1 << WEIGHT_BITS`.
pub(super) const WEIGHT_BITS: u32 = 14;
/// Weights of a phase are followed by zeros up to a multiple of this: vectors take so many at once.
pub(super) const GROUP: usize = 4;
/// A vector of eight weights may begin at the last pair of the last phase: six of them lie beyond it.
const SPARE: usize = 6;
/// Wider kernels are not looked up byte by byte.
const TAPS_IN_BYTES: usize = 2 * GROUP;
/// Kernels of so many shrinks are kept. A layer has a few per zoom.
const KEPT: NonZeroUsize = NonZeroUsize::new(64).expect("it is not zero");
/// Shrinks that differ by less share a kernel: 1/4096 of a pixel.
const SHRINK_STEPS: f64 = 4096.0;

type Shelf = Mutex<LruCache<(Resampling, u64), Arc<Kernel>>>;

/// Kernels of late. One takes longer to make than a tenth of what a tile takes with it.
static SHELF: LazyLock<Shelf> = LazyLock::new(|| Mutex::new(LruCache::new(KEPT)));

/// Weights of a kernel along one axis, widened when the image shrinks so that nothing aliases.
///
/// Source: the widening and its two thresholds are those of GDAL's warper (`GWKComputeXScale` in gdalwarpkernel.cpp): a
/// shrink of up to 1/0.95 uses the plain kernel, and a factor within 0.05 of a whole number counts as that number.
#[derive(Debug, Clone)]
pub struct Kernel {
    taps: usize,
    /// From a position to the first pixel that it weighs, in 1/65536 px.
    origin: i64,
    /// Phase by phase, each in `group` places; some zeros follow the last.
    weights: Vec<i16>,
    /// `taps`, filled up to a multiple of [`GROUP`].
    group: usize,
    /// The same, tap by tap, of the first [`TAPS_IN_BYTES`].
    tap_bytes: Vec<TapBytes>,
}

/// Weights that a tap has in each phase.
#[derive(Debug, Clone)]
#[repr(align(64))]
pub(super) struct TapBytes {
    pub(super) low: [u8; PHASES],
    pub(super) high: [u8; PHASES],
}

impl Kernel {
    /// The kernel for an axis on which `shrink` source pixels fall on one target pixel; below 1 the image is enlarged.
    pub fn new(resampling: Resampling, shrink: f64) -> Self {
        let radius = resampling.radius() * Self::widening(resampling, shrink);
        // Whole radii have no pixel on their very edge.
        let taps = ((2.0 * radius - 1e-9).ceil() as usize).max(1);
        let group = taps.next_multiple_of(GROUP);
        let mut weights = Vec::with_capacity(PHASES * group + SPARE);
        for phase in 0..PHASES {
            let centre = phase as f64 / PHASES as f64 + radius - 1.0;
            if resampling == Resampling::Nearest {
                weights.push(1 << WEIGHT_BITS);
            } else {
                weights.extend(phase_weights(resampling, radius / resampling.radius(), taps, centre));
            }
            weights.resize(phase * group + group, 0);
        }
        weights.resize(PHASES * group + SPARE, 0);
        let origin = if resampling == Resampling::Nearest {
            0
        } else {
            // Centres of pixels lie half a pixel after their corners; the first pixel is the next one inside the radius; what is
            // left rounds to the nearest phase.
            (1 << 15) + (radius * 65536.0).round() as i64 - (1 << 16) - (1 << 16) / (2 * PHASES as i64)
        };
        let byte = |tap: usize, half: usize| {
            std::array::from_fn(|phase: usize| weights[phase * group + tap].to_le_bytes()[half])
        };
        let narrow = 0..taps.min(TAPS_IN_BYTES);
        let tap_bytes = narrow.map(|tap| TapBytes { low: byte(tap, 0), high: byte(tap, 1) }).collect();
        Self { taps, origin, weights, group, tap_bytes }
    }

    /// The same, made once for all tiles of about the same shrink.
    pub fn shared(resampling: Resampling, shrink: f64) -> Arc<Self> {
        // Downwards, so that it never reaches further than `reach` says.
        let steps = (shrink.clamp(0.0, 2.0 * WIDEST) * SHRINK_STEPS).floor();
        let key = (resampling, steps as u64);
        if let Some(kernel) = SHELF.lock().get(&key) {
            return Arc::clone(kernel);
        }
        let kernel = Arc::new(Self::new(resampling, steps / SHRINK_STEPS));
        SHELF.lock().put(key, Arc::clone(&kernel));
        kernel
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
        (resampling.radius() * Self::widening(resampling, shrink)).ceil() as i64 + 1
    }

    /// Number of source pixels that a position weighs.
    pub fn taps(&self) -> usize {
        self.taps
    }

    /// From a position to the first pixel that it weighs, in 1/65536 px.
    pub(super) fn origin(&self) -> i64 {
        self.origin
    }

    /// The first pixel that a position weighs.
    pub(super) fn first(&self, position: i64) -> i64 {
        (position - self.origin) >> 16
    }

    /// All weights, phase by phase, and the places that a phase takes: [`SPARE`] zeros follow the last phase.
    pub(super) fn table(&self) -> (&[i16], usize) {
        (&self.weights, self.group)
    }

    /// Weights tap by tap, of the first [`TAPS_IN_BYTES`] at most.
    pub(super) fn tap_bytes(&self) -> &[TapBytes] {
        &self.tap_bytes
    }

    /// For a position (pixel corners are whole numbers): the first source pixel, and the weights from it on.
    ///
    /// The position is in 1/65536 px.
    #[inline]
    pub fn at(&self, position: i64) -> (i64, &[i16]) {
        let from_origin = position - self.origin;
        let phase = ((from_origin & 0xffff) as usize * PHASES) >> 16;
        let start = phase * self.group;
        (from_origin >> 16, &self.weights[start..start + self.taps])
    }
}

/// Weights of one phase, whose centre lies `centre` pixels after that of the first tap; rounded so that their sum is exact.
fn phase_weights(resampling: Resampling, scale: f64, taps: usize, centre: f64) -> Vec<i16> {
    let raw: Vec<f64> = (0..taps).map(|tap| weight(resampling, (tap as f64 - centre) / scale)).collect();
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
                for weights in kernel.weights.chunks(kernel.group).take(PHASES) {
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
        assert_eq!(
            Kernel::new(Resampling::Bilinear, 1.09).taps(),
            3,
            "no pixel is read whose weight is always zero"
        );
    }

    #[test]
    fn no_pixel_is_weighed_that_is_further_than_the_reach() {
        for resampling in ALL {
            for shrink in [0.3, 1.0, 1.09, 1.333_29, 1.97, 2.0, 2.5, 17.3] {
                let kernel = Kernel::shared(resampling, shrink);
                let reach = Kernel::reach(resampling, shrink);
                for position in (0i64..3 << 16).step_by(77) {
                    let (first, weights) = kernel.at(position);
                    assert!(first >= (position >> 16) - reach, "{resampling:?} {shrink} {position}");
                    assert!(
                        first + weights.len() as i64 <= (position >> 16) + 1 + reach,
                        "{resampling:?} {shrink}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_kernel_is_centred_on_its_position() {
        for resampling in [Resampling::Bilinear, Resampling::Cubic, Resampling::Lanczos] {
            for shrink in [1.0, 1.09, 1.5, 1.97, 2.0, 2.5, 3.0] {
                let kernel = Kernel::new(resampling, shrink);
                for position in (100i64 << 16..101 << 16).step_by(256) {
                    let (first, weights) = kernel.at(position);
                    let moment: f64 =
                        (first..).zip(weights).map(|(at, &w)| (at as f64 + 0.5) * f64::from(w)).sum();
                    let off = moment / f64::from(1 << WEIGHT_BITS) - position as f64 / 65536.0;
                    // Sampled and scaled to one, a widened kernel is a little askew between two centres.
                    assert!(off.abs() < 0.08, "{resampling:?} {shrink} {position}: {off} px");
                }
            }
        }
    }
}
