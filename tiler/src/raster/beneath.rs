//! One pixel laid beneath another: the upper one keeps what it covers, the lower one adds what is missing.

/// Samples that can be weighed.
pub trait Weighed: Copy {
    /// The mean of two, each with its weight; one of the weights is not zero.
    #[must_use]
    fn weighed(self, weight: u8, other: Self, other_weight: u8) -> Self;
}

impl Weighed for u8 {
    fn weighed(self, weight: u8, other: Self, other_weight: u8) -> Self {
        let (a, b) = (u32::from(weight), u32::from(other_weight));
        let total = a + b;
        ((u32::from(self) * a + u32::from(other) * b + total / 2) / total) as u8
    }
}

impl Weighed for f32 {
    fn weighed(self, weight: u8, other: Self, other_weight: u8) -> Self {
        let (a, b) = (Self::from(weight), Self::from(other_weight));
        (self * a + other * b) / (a + b)
    }
}

/// Lays a pixel of so much validity beneath one whose validity is `present`; tells whether that has become full by it.
#[inline]
pub fn lay_beneath<T: Weighed>(upper: &mut [T], present: &mut u8, lower: &[T], offered: u8) -> bool {
    let added = offered.min(255 - *present);
    if added == 0 {
        return false;
    }
    if *present == 0 {
        upper.copy_from_slice(lower);
    } else {
        upper.iter_mut().zip(lower).for_each(|(old, &new)| *old = old.weighed(*present, new, added));
    }
    *present += added;
    *present == 255
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lower_pixel_adds_only_what_is_missing() {
        for (present, offered, expected, full) in [
            (0, 255, (100, 255), true),
            (51, 255, (120, 255), true),
            (51, 51, (150, 102), false),
            (255, 255, (200, 255), false),
        ] {
            let (mut upper, mut mask) = ([200u8], present);
            assert_eq!(lay_beneath(&mut upper, &mut mask, &[100], offered), full);
            assert_eq!((upper[0], mask), expected);
        }
    }
}
