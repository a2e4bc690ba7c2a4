//! One channel, from the values of a band to brightness: range, contrast, gamma. It knows no neighbours.

/// Sigmoidal contrast: steeper in the middle, gentler at both ends, which stay where they are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Contrast {
    /// How steep: 3 is usual, 20 a lot; less than 0 flattens by the inverse curve; 0 does nothing.
    pub strength: f64,
    /// The brightness, 0 to 1, around which it turns; default 0.5.
    pub midpoint: f64,
}

/// From a value to brightness, in this order: rescale to 0–1, sigmoidal contrast, gamma.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tone {
    /// The values that become 0 and 1; the first may be the greater one, then bright becomes dark.
    pub range: (f64, f64),
    pub contrast: Option<Contrast>,
    /// Brightness is raised to 1/gamma: more than 1 lightens.
    pub gamma: f64,
}

impl Tone {
    /// Brightness of a value, 0 to 1; NaN for what is not finite.
    #[inline]
    pub fn brightness(&self, value: f64) -> f64 {
        let t = self.rescaled(value);
        if t.is_nan() { t } else { self.curved(t) }
    }

    /// 0 to 1 for the values of the range; NaN for what is not finite.
    #[inline]
    fn rescaled(&self, value: f64) -> f64 {
        // Infinity times zero is NaN, and NaN passes.
        ((value - self.range.0) / (self.range.1 - self.range.0)).clamp(0.0, 1.0) + value * 0.0
    }

    /// Contrast and gamma.
    fn curved(&self, t: f64) -> f64 {
        let t = self.contrast.map_or(t, |contrast| contrast.apply(t));
        if self.gamma == 1.0 { t } else { t.powf(1.0 / self.gamma) }
    }

    /// The brightness of each of the values that 8 bits can have, as [`level`].
    pub fn table(&self) -> [u8; 256] {
        std::array::from_fn(|value| level(self.brightness(value as f64)))
    }
}

/// Steps of brightness for which [`Curve`] remembers where to begin.
const BUCKETS: usize = 1024;

/// A tone whose 8-bit levels are found without computing powers: where each level begins, by bisection.
pub(super) struct Curve {
    pub tone: Tone,
    /// Level at the beginning of each bucket of the rescaled value.
    starts: Vec<u8>,
    /// The least rescaled value of each level; more than 1 for levels that never come.
    begins: Vec<f64>,
}

impl Curve {
    pub fn new(tone: Tone) -> Self {
        let level_at = |t: f64| level(tone.curved(t));
        let begins: Vec<f64> = (0..=255).map(|wanted| bisect(|t| level_at(t) >= wanted)).collect();
        let start = |bucket: usize| {
            let t = bucket as f64 / BUCKETS as f64;
            begins.partition_point(|&begin| begin <= t).saturating_sub(1) as u8
        };
        let starts = (0..=BUCKETS).map(start).collect();
        Self { tone, starts, begins }
    }

    /// [`level`] of [`Tone::brightness`].
    #[inline]
    pub fn level(&self, value: f64) -> u8 {
        let t = self.tone.rescaled(value);
        // NaN is bucket 0 and begins no level.
        let mut level = usize::from(self.starts[((t * BUCKETS as f64) as usize).min(BUCKETS)]);
        while self.begins.get(level + 1).is_some_and(|&begin| begin <= t) {
            level += 1;
        }
        level as u8
    }
}

impl std::fmt::Debug for Curve {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.tone.fmt(f)
    }
}

/// The least number of 0 to 1 for which something holds that holds for all greater ones; 2 if it does not even for 1.
fn bisect(holds: impl Fn(f64) -> bool) -> f64 {
    if holds(0.0) {
        return 0.0;
    }
    if !holds(1.0) {
        return 2.0;
    }
    let (mut no, mut yes) = (0.0, 1.0);
    loop {
        let middle = f64::midpoint(no, yes);
        if middle <= no || middle >= yes {
            return yes;
        }
        if holds(middle) { yes = middle } else { no = middle }
    }
}

impl Contrast {
    /// The curve of `ImageMagick` and rio-color for brightness 0 to 1. With σ(t) = 1 / (1 + exp(strength · (midpoint − t))):
    /// (σ(t) − σ(0)) / (σ(1) − σ(0)); for a strength below 0 the inverse of the curve of its opposite.
    ///
    /// Source: <https://imagemagick.org/script/command-line-options.php#sigmoidal-contrast>, and
    /// mapbox/rio-color: `rio_color/operations.py`.
    fn apply(self, t: f64) -> f64 {
        let strength = self.strength.abs();
        if strength < 1e-6 {
            return t;
        }
        let sigmoid = |t: f64| 1.0 / (1.0 + (strength * (self.midpoint - t)).exp());
        let (low, high) = (sigmoid(0.0), sigmoid(1.0));
        let out = if self.strength > 0.0 {
            (sigmoid(t) - low) / (high - low)
        } else {
            self.midpoint - (1.0 / (t * (high - low) + low) - 1.0).ln() / strength
        };
        out.clamp(0.0, 1.0)
    }
}

/// Brightness 0 to 1 as 8 bits, rounded half up; 0 for NaN.
#[inline]
pub(super) fn level(brightness: f64) -> u8 {
    (brightness * 255.0 + 0.5) as u8
}

/// Moves colours away from (more than 1) or towards (less than 1) the grey of equal luma, which stays as it is:
/// c' = Y + amount · (c − Y) within 0 to 1, with Y = 0.2126 R + 0.7152 G + 0.0722 B (ITU-R BT.709).
#[inline]
pub(super) fn saturate(rgb: [f64; 3], amount: f64) -> [f64; 3] {
    let luma = 0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2];
    rgb.map(|c| (luma + amount * (c - luma)).clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stretch and nothing else.
    fn linear(range: (f64, f64)) -> Tone {
        Tone { range, contrast: None, gamma: 1.0 }
    }

    /// Levels of values 0, 500 … 4000.
    fn levels(tone: &Tone) -> Vec<u8> {
        (0..9).map(|i| level(tone.brightness(f64::from(i) * 500.0))).collect()
    }

    // import numpy as np
    // t = np.clip((np.arange(9) * 500 - 200) / (3200 - 200), 0, 1)
    // sig = lambda t, b, a: (1/(1+np.exp(b*(a-t))) - 1/(1+np.exp(b*a))) / (1/(1+np.exp(b*(a-1))) - 1/(1+np.exp(b*a)))
    // for v in (t, t**(1/1.8), sig(t, 6, .4), sig(t, 6, .4)**(1/1.8)): print(np.floor(v*255 + .5).astype(int).tolist())
    #[test]
    fn a_range_is_stretched() {
        assert_eq!(levels(&linear((200.0, 3200.0))), STRETCHED);
    }

    #[test]
    fn gamma_lightens() {
        assert_eq!(levels(&Tone { gamma: 1.8, ..linear((200.0, 3200.0)) }), LIGHTENED);
    }

    #[test]
    fn contrast_comes_before_gamma() {
        let contrast = Some(Contrast { strength: 6.0, midpoint: 0.4 });
        let tone = Tone { contrast, ..linear((200.0, 3200.0)) };
        assert_eq!(levels(&tone), CONTRASTED);
        assert_eq!(levels(&Tone { gamma: 1.8, ..tone }), CONTRASTED_AND_LIGHTENED);
    }

    #[test]
    fn levels_found_by_bisection_are_those_computed() {
        for (strength, gamma) in [(0.0, 1.0), (0.0, 2.2), (0.0, 0.1), (9.0, 0.6), (-9.0, 10.0), (30.0, 1.0)] {
            let contrast = Some(Contrast { strength, midpoint: 0.2 });
            let curve = Curve::new(Tone { range: (4000.0, -100.0), contrast, gamma });
            for value in (-2000..=50_000).map(|i| f64::from(i) / 10.0).chain([f64::NAN, f64::INFINITY]) {
                assert_eq!(curve.level(value), level(curve.tone.brightness(value)), "{value} {gamma}");
            }
        }
    }

    #[test]
    fn negative_contrast_undoes_positive_contrast() {
        let there = Contrast { strength: 7.0, midpoint: 0.3 };
        let back = Contrast { strength: -7.0, ..there };
        for i in 0..=20 {
            let t = f64::from(i) / 20.0;
            assert!((back.apply(there.apply(t)) - t).abs() < 1e-9);
        }
    }

    #[test]
    fn a_reversed_range_inverts() {
        let table = linear((255.0, 0.0)).table();
        assert_eq!((table[0], table[10], table[255]), (255, 245, 0));
    }

    #[test]
    fn saturation_keeps_the_luma() {
        let luma = |[r, g, b]: [f64; 3]| 0.2126 * r + 0.7152 * g + 0.0722 * b;
        let colour = [0.4, 0.5, 0.3];
        let more = saturate(colour, 1.5);
        assert!((luma(more) - luma(colour)).abs() < 1e-12 && more[1] > colour[1] && more[2] < colour[2]);
        let grey = saturate(colour, 0.0);
        assert!(grey.iter().all(|c| (c - luma(colour)).abs() < 1e-12));
    }

    #[test]
    fn what_is_not_finite_has_no_brightness() {
        let tone = linear((0.0, 1.0));
        assert!([f64::NAN, f64::INFINITY, f64::NEG_INFINITY].iter().all(|&v| tone.brightness(v).is_nan()));
    }

    const STRETCHED: [u8; 9] = [0, 26, 68, 111, 153, 196, 238, 255, 255];
    const LIGHTENED: [u8; 9] = [0, 71, 122, 160, 192, 220, 245, 255, 255];
    const CONTRASTED: [u8; 9] = [0, 17, 65, 134, 196, 234, 251, 255, 255];
    const CONTRASTED_AND_LIGHTENED: [u8; 9] = [0, 56, 119, 178, 221, 243, 253, 255, 255];
}
