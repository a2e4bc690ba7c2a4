//! Formulas of bands, such as `(b4 - b1) / (b4 + b1)`. They stand in the configuration, never in a request.
//!
//! A closed grammar, so that every formula ends after a known number of steps and touches nothing but numbers:
//!
//! ```text
//! sum      = product { ("+" | "-") product }
//! product  = negated { ("*" | "/") negated }
//! negated  = "-" negated | power
//! power    = atom [ "^" negated ]                    to the right, and before the minus: -2^2 is -4
//! atom     = number | band | function "(" sum { "," sum } ")" | "(" sum ")"
//! band     = "b1", "b2", …                           counted from 1, as in GDAL and rio-tiler
//! function = min max (2 or more) | abs sqrt log exp (1) | clamp (value, least, greatest)
//! ```
//!
//! `log` is the natural one. What is not a number (0/0, the root of −1, a band that is NaN) stays so to the end.

mod parse;
mod run;

pub use parse::{ExpressionError, Reason};
pub(super) use run::Scratch;

/// A formula, ready to run: steps in postfix order on a stack of known height.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression {
    steps: Vec<Step>,
    height: usize,
}

/// One step; what it takes from the stack lies there in the order of writing.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Step {
    Number(f64),
    /// A band, counted from 0.
    Band(usize),
    Unary(Unary),
    Binary(Binary),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unary {
    Negate,
    Abs,
    Sqrt,
    Log,
    Exp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Binary {
    Add,
    Subtract,
    Multiply,
    Divide,
    Power,
    Min,
    Max,
}

impl Expression {
    /// Reads a formula.
    ///
    /// # Errors
    /// When it is too long, too deep or does not follow the grammar; the error says where.
    pub fn parse(text: &str) -> Result<Self, ExpressionError> {
        let steps = parse::parse(text)?;
        let height = run::height(&steps);
        Ok(Self { steps, height })
    }

    /// The bands it needs, counted from 0, in the order of their first use.
    pub fn bands(&self) -> Vec<usize> {
        let mut bands = Vec::new();
        for step in &self.steps {
            if let Step::Band(band) = *step
                && !bands.contains(&band)
            {
                bands.push(band);
            }
        }
        bands
    }

    /// The same formula of other bands.
    pub(super) fn with_bands(mut self, mut other: impl FnMut(usize) -> usize) -> Self {
        for step in &mut self.steps {
            if let Step::Band(band) = step {
                *band = other(*band);
            }
        }
        self
    }
}
