//! Text to steps, by recursive descent.

use super::{Binary, Step, Unary};

/// Characters of a formula.
const LENGTH_LIMIT: usize = 512;
/// Parentheses, functions, signs and powers within each other.
const DEPTH_LIMIT: usize = 32;
/// Bands are numbered up to here; TIFF has no more.
const BAND_LIMIT: usize = 65_535;

/// Why a formula cannot be read, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}, at character {position}")]
pub struct ExpressionError {
    /// The character, counted from 1; one more than the length at the end.
    pub position: usize,
    /// What is wrong there.
    pub reason: Reason,
}

/// What is wrong with a formula.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// Too many characters.
    #[error("longer than {LENGTH_LIMIT} characters")]
    TooLong,
    /// Too much within each other.
    #[error("more than {DEPTH_LIMIT} levels deep")]
    TooDeep,
    /// Something else should stand here.
    #[error("expected {expected}, found {found}")]
    Expected {
        /// What should.
        expected: &'static str,
        /// What does.
        found: String,
    },
    /// A word that is neither a band nor a function.
    #[error("`{0}` is neither a band (b1, b2 …) nor one of min max abs sqrt log exp clamp")]
    UnknownWord(String),
    /// A function with too few or too many arguments.
    #[error("`{function}` takes {takes} arguments, not {given}")]
    Arguments {
        /// Its name.
        function: &'static str,
        /// How many it takes.
        takes: &'static str,
        /// How many there are.
        given: usize,
    },
}

pub(super) fn parse(text: &str) -> Result<Vec<Step>, ExpressionError> {
    let mut parser = Parser { chars: text.chars().collect(), at: 0, depth: 0, steps: Vec::new() };
    if parser.chars.len() > LENGTH_LIMIT {
        return Err(ExpressionError { position: LENGTH_LIMIT + 1, reason: Reason::TooLong });
    }
    parser.sum()?;
    match parser.peek() {
        None => Ok(parser.steps),
        Some(_) => Err(parser.expected("an operator or the end")),
    }
}

struct Parser {
    chars: Vec<char>,
    at: usize,
    depth: usize,
    steps: Vec<Step>,
}

type Parsed = Result<(), ExpressionError>;

impl Parser {
    fn sum(&mut self) -> Parsed {
        self.product()?;
        loop {
            let operator = match self.peek() {
                Some('+') => Binary::Add,
                Some('-') => Binary::Subtract,
                _ => return Ok(()),
            };
            self.at += 1;
            self.product()?;
            self.steps.push(Step::Binary(operator));
        }
    }

    fn product(&mut self) -> Parsed {
        self.negated()?;
        loop {
            let operator = match self.peek() {
                Some('*') => Binary::Multiply,
                Some('/') => Binary::Divide,
                _ => return Ok(()),
            };
            self.at += 1;
            self.negated()?;
            self.steps.push(Step::Binary(operator));
        }
    }

    fn negated(&mut self) -> Parsed {
        self.deeper(|parser| {
            if parser.take('-') {
                parser.negated()?;
                parser.steps.push(Step::Unary(Unary::Negate));
                return Ok(());
            }
            parser.atom()?;
            if parser.take('^') {
                parser.negated()?;
                parser.steps.push(Step::Binary(Binary::Power));
            }
            Ok(())
        })
    }

    fn atom(&mut self) -> Parsed {
        match self.peek() {
            Some('(') => {
                self.at += 1;
                self.sum()?;
                self.close()
            }
            Some(c) if c.is_ascii_digit() || c == '.' => self.number(),
            Some(c) if c.is_ascii_alphabetic() => self.word(),
            _ => Err(self.expected("a number, a band, a function or `(`")),
        }
    }

    fn number(&mut self) -> Parsed {
        let start = self.at;
        self.skip(|c| c.is_ascii_digit() || c == '.');
        if matches!(self.chars.get(self.at), Some('e' | 'E')) {
            let sign = usize::from(matches!(self.chars.get(self.at + 1), Some('+' | '-')));
            if self.chars.get(self.at + 1 + sign).is_some_and(char::is_ascii_digit) {
                self.at += 1 + sign;
                self.skip(|c| c.is_ascii_digit());
            }
        }
        let text: String = self.chars[start..self.at].iter().collect();
        match text.parse::<f64>() {
            Ok(value) if value.is_finite() => self.steps.push(Step::Number(value)),
            _ => return Err(self.error(start, Reason::Expected { expected: "a number", found: text })),
        }
        Ok(())
    }

    fn word(&mut self) -> Parsed {
        let start = self.at;
        self.skip(|c| c.is_ascii_alphanumeric() || c == '_');
        let word: String = self.chars[start..self.at].iter().collect();
        let digits = word.strip_prefix('b').filter(|digits| digits.starts_with(|c: char| c.is_ascii_digit()));
        if let Some(band) = digits.and_then(|digits| digits.parse::<usize>().ok())
            && (1..=BAND_LIMIT).contains(&band)
        {
            self.steps.push(Step::Band(band - 1));
            return Ok(());
        }
        match word.as_str() {
            "abs" => self.unary(start, "abs", Unary::Abs),
            "sqrt" => self.unary(start, "sqrt", Unary::Sqrt),
            "log" => self.unary(start, "log", Unary::Log),
            "exp" => self.unary(start, "exp", Unary::Exp),
            "min" => self.extreme(start, "min", Binary::Min),
            "max" => self.extreme(start, "max", Binary::Max),
            "clamp" => self.clamp(start),
            _ => Err(self.error(start, Reason::UnknownWord(word))),
        }
    }

    fn unary(&mut self, start: usize, function: &'static str, step: Unary) -> Parsed {
        let given = self.arguments(|_, _| {})?;
        self.steps.push(Step::Unary(step));
        self.check(start, given == 1, Reason::Arguments { function, takes: "1", given })
    }

    fn extreme(&mut self, start: usize, function: &'static str, step: Binary) -> Parsed {
        let given = self.arguments(|steps, index| {
            if index > 0 {
                steps.push(Step::Binary(step));
            }
        })?;
        self.check(start, given >= 2, Reason::Arguments { function, takes: "2 or more", given })
    }

    /// `clamp(value, least, greatest)` is `min(max(value, least), greatest)`.
    fn clamp(&mut self, start: usize) -> Parsed {
        let given = self.arguments(|steps, index| match index {
            1 => steps.push(Step::Binary(Binary::Max)),
            2 => steps.push(Step::Binary(Binary::Min)),
            _ => {}
        })?;
        self.check(start, given == 3, Reason::Arguments { function: "clamp", takes: "3", given })
    }

    /// Arguments in parentheses; after each one the caller may add steps, given its index.
    fn arguments(&mut self, mut after: impl FnMut(&mut Vec<Step>, usize)) -> Result<usize, ExpressionError> {
        if !self.take('(') {
            return Err(self.expected("`(`"));
        }
        let mut given = 0;
        loop {
            self.sum()?;
            after(&mut self.steps, given);
            given += 1;
            if !self.take(',') {
                self.close()?;
                return Ok(given);
            }
        }
    }

    fn deeper(&mut self, inner: impl FnOnce(&mut Self) -> Parsed) -> Parsed {
        self.depth += 1;
        self.check(self.at, self.depth <= DEPTH_LIMIT, Reason::TooDeep)?;
        inner(self)?;
        self.depth -= 1;
        Ok(())
    }

    fn close(&mut self) -> Parsed {
        if self.take(')') { Ok(()) } else { Err(self.expected("`)`")) }
    }

    /// The next character that is not a space.
    fn peek(&mut self) -> Option<char> {
        self.skip(char::is_whitespace);
        self.chars.get(self.at).copied()
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    fn skip(&mut self, wanted: impl Fn(char) -> bool) {
        while self.chars.get(self.at).is_some_and(|&c| wanted(c)) {
            self.at += 1;
        }
    }

    fn check(&self, at: usize, good: bool, reason: Reason) -> Parsed {
        if good { Ok(()) } else { Err(self.error(at, reason)) }
    }

    fn expected(&mut self, expected: &'static str) -> ExpressionError {
        let found = self.peek().map_or("the end".to_owned(), |c| format!("`{c}`"));
        self.error(self.at, Reason::Expected { expected, found })
    }

    #[expect(clippy::unused_self, reason = "reads like its siblings")]
    fn error(&self, at: usize, reason: Reason) -> ExpressionError {
        ExpressionError { position: at + 1, reason }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> String {
        parse(text).expect_err("it cannot be read").to_string()
    }

    #[test]
    fn an_error_names_its_place() {
        assert_eq!(message("(b1 - b2"), "expected `)`, found the end, at character 9");
        assert_eq!(message("b1 b2"), "expected an operator or the end, found `b`, at character 4");
        assert_eq!(message("1 + clamp(b1)"), "`clamp` takes 3 arguments, not 1, at character 5");
        assert!(message("2 * system(1)").starts_with("`system` is neither a band"));
        assert!(message("b0").starts_with("`b0` is neither"));
        assert_eq!(message("1.2.3"), "expected a number, found 1.2.3, at character 1");
        assert!(message("").starts_with("expected a number, a band"));
    }

    #[test]
    fn long_and_deep_formulas_are_refused() {
        assert_eq!(message(&"1+".repeat(400)), "longer than 512 characters, at character 513");
        let deep = format!("{}1{}", "(".repeat(200), ")".repeat(200));
        assert_eq!(message(&deep), "more than 32 levels deep, at character 33");
        assert_eq!(message(&"-".repeat(200)), "more than 32 levels deep, at character 33");
        assert!(message(&"2^".repeat(200)).starts_with("more than 32 levels deep"));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[b0-9+*/^().,a-z -]{0,60}") {
            let _ = parse(&text);
        }
    }
}
