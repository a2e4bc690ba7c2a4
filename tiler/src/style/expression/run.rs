//! Steps over a block of pixels: each step is one loop over the block, so nothing is decided per pixel.

use super::{Binary, Expression, Step, Unary};
use crate::style::planes::{BLOCK, Planes};

/// The stack of a formula, a block per entry; made once and used for every block.
#[derive(Debug, Default)]
pub struct Scratch {
    stack: Vec<[f64; BLOCK]>,
}

impl Expression {
    /// The values of the formula for the loaded block; valid until the next call.
    pub(in crate::style) fn run<'a>(&self, planes: &Planes, scratch: &'a mut Scratch) -> &'a [f64; BLOCK] {
        let stack = &mut scratch.stack;
        stack.resize(stack.len().max(self.height), [0.0; BLOCK]);
        let mut top = 0;
        for step in &self.steps {
            match *step {
                Step::Number(value) => {
                    stack[top].fill(value);
                    top += 1;
                }
                Step::Band(band) => {
                    stack[top].copy_from_slice(planes.band(band));
                    top += 1;
                }
                Step::Unary(unary) => unary.run(&mut stack[top - 1]),
                Step::Binary(binary) => {
                    top -= 1;
                    let (left, right) = stack.split_at_mut(top);
                    binary.run(&mut left[top - 1], &right[0]);
                }
            }
        }
        &stack[0]
    }
}

impl Unary {
    fn run(self, values: &mut [f64; BLOCK]) {
        let each = |values: &mut [f64; BLOCK], f: fn(f64) -> f64| values.iter_mut().for_each(|v| *v = f(*v));
        match self {
            Self::Negate => values.iter_mut().for_each(|v| *v = -*v),
            Self::Abs => values.iter_mut().for_each(|v| *v = v.abs()),
            Self::Sqrt => values.iter_mut().for_each(|v| *v = v.sqrt()),
            Self::Log => each(values, f64::ln),
            Self::Exp => each(values, f64::exp),
        }
    }
}

impl Binary {
    /// The left values become the result.
    fn run(self, left: &mut [f64; BLOCK], right: &[f64; BLOCK]) {
        macro_rules! each {
            ($a:ident, $b:ident => $result:expr) => {
                for ($a, &$b) in left.iter_mut().zip(right) {
                    *$a = $result;
                }
            };
        }
        match self {
            Self::Add => each!(a, b => *a + b),
            Self::Subtract => each!(a, b => *a - b),
            Self::Multiply => each!(a, b => *a * b),
            Self::Divide => each!(a, b => *a / b),
            Self::Power => each!(a, b => a.powf(b)),
            // Unlike f64::min and max, these pass NaN on.
            Self::Min => each!(a, b => if *a < b || a.is_nan() { *a } else { b }),
            Self::Max => each!(a, b => if *a > b || a.is_nan() { *a } else { b }),
        }
    }
}

/// How high the stack grows.
pub(super) fn height(steps: &[Step]) -> usize {
    let mut now = 0_usize;
    let mut most = 0;
    for step in steps {
        match step {
            Step::Number(_) | Step::Band(_) => now += 1,
            Step::Unary(_) => {}
            Step::Binary(_) => now -= 1,
        }
        most = most.max(now);
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        geom::Size,
        style::{Input, Pixels},
    };

    /// The value for one pixel of these bands.
    fn value(text: &str, bands: &[f32]) -> f64 {
        let expression = Expression::parse(text).expect("it is a formula");
        let input =
            Input { size: Size::new(1, 1), bands: bands.len(), pixels: Pixels::F32(bands), mask: None };
        let mut planes = Planes::new(bands.len());
        planes.load(&input, 0);
        expression.run(&planes, &mut Scratch::default())[0]
    }

    #[test]
    fn operators_bind_as_in_python() {
        // python -c "print(2+3*4-1, 2*3/4, -2**2, 2**3**2, (2+3)*4, 2**-1, 7-2-1, 16/4/2, 1.5e2*-.5)"
        let expected = [
            ("2+3*4-1", 13.0),
            ("2*3/4", 1.5),
            ("-2^2", -4.0),
            ("2^3^2", 512.0),
            ("(2+3)*4", 20.0),
            ("2^-1", 0.5),
            ("7-2-1", 4.0),
            ("16/4/2", 2.0),
            ("1.5e2*-.5", -75.0),
        ];
        for (text, expected) in expected {
            assert_eq!(value(text, &[]), expected, "{text}");
        }
    }

    #[test]
    fn a_vegetation_index_is_computed() {
        let ndvi = value("(b4 - b1) / (b4 + b1)", &[30.0, 0.0, 0.0, 90.0]);
        assert!((ndvi - 0.5).abs() < 1e-12);
    }

    #[test]
    fn functions_do_what_they_are_called() {
        let bands = [4.0, -9.0, 100.0];
        assert_eq!(value("min(b1, b2, b3) + max(b1, b2, b3)", &bands), 91.0);
        assert_eq!(value("sqrt(abs(b2)) + log(exp(b1))", &bands), 7.0);
        assert_eq!(value("clamp(b2, -1, 1) + clamp(b3, -1, 1) * 10", &bands), 9.0);
    }

    #[test]
    fn what_is_not_a_number_stays_so() {
        for text in ["0/0", "sqrt(0-1)", "min(0/0, 1)", "max(1, 0/0)", "clamp(0/0, 0, 1)", "log(0-1) + 1"] {
            assert!(value(text, &[]).is_nan(), "{text}");
        }
        assert!(value("1/0", &[]).is_infinite());
    }

    #[test]
    fn bands_are_listed_once_and_can_be_renamed() {
        let expression = Expression::parse("b4 / b2 + b4").expect("it is a formula");
        assert_eq!(expression.bands(), [3, 1]);
        let slots = expression.clone().with_bands(|band| usize::from(band == 1));
        assert_eq!(slots.bands(), [0, 1]);
    }
}
