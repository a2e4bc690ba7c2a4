//! Why a style cannot be used. Every reason is found when the configuration is read, none while a tile is drawn.

use super::{colormap::TableError, expression::ExpressionError};

/// Why a style does not fit its imagery, or itself.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum StyleError {
    /// A band that the imagery does not have.
    #[error("there is no band {band}, the imagery has {bands}")]
    NoSuchBand {
        /// As it was written.
        band: String,
        /// How many colour bands there are.
        bands: usize,
    },
    /// Neither one channel nor three.
    #[error("a picture has 1 channel or 3, not {channels}")]
    Channels {
        /// How many were asked for.
        channels: usize,
    },
    /// A list that is neither one value for all channels nor one for each.
    #[error("`{key}` has {given} values, the picture has {channels} channels")]
    Count {
        /// Which setting.
        key: &'static str,
        /// Its values.
        given: usize,
        /// Channels of the picture.
        channels: usize,
    },
    /// A number beyond its limits.
    #[error("`{key}` is {value}, it must be {expected}")]
    OutOfRange {
        /// Which setting.
        key: &'static str,
        /// What would do.
        expected: &'static str,
        /// What was given.
        value: f64,
    },
    /// Two settings that cannot both be obeyed.
    #[error("`{first}` and `{second}` exclude each other")]
    Conflict {
        /// One of them.
        first: &'static str,
        /// The other one.
        second: &'static str,
    },
    /// An expression whose values have no known range.
    #[error("the values of an expression have no known range: give `rescale = [min, max]`")]
    ExpressionRange,
    /// An expression that cannot be read.
    #[error("expression `{text}`")]
    Expression {
        /// The expression.
        text: String,
        /// What is wrong with it.
        #[source]
        source: ExpressionError,
    },
    /// A name of no colour map.
    #[error("no colour map is called `{name}`; known ones: {known}")]
    UnknownColorMap {
        /// As it was written.
        name: String,
        /// All names.
        known: String,
    },
    /// A colour map that says nothing, or too much.
    #[error("a colour map has 1 to {limit} entries, not {entries}")]
    Entries {
        /// How many there are.
        entries: usize,
        /// How many there may be.
        limit: usize,
    },
    /// A palette was asked for where there is none.
    #[error("the imagery has no palette")]
    NoPalette,
    /// Percentages of a range that nobody knows.
    #[error(
        "percentages in a colour table need the least and greatest value of the band, and there are no statistics"
    )]
    NoStatistics,
    /// A colour table that cannot be read.
    #[error("the colour table cannot be read")]
    Table(#[from] TableError),
}
