//! What can go wrong with a request, and whose fault it is. Each protocol writes its own document from a [`Fault`];
//! none of them ever carries text that the client sent.

use std::time::Duration;

/// A request parameter, for messages and for the `locator` of OGC exceptions. A closed list: client text never gets here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Parameter {
    Service,
    Request,
    Version,
    AcceptVersions,
    Sections,
    UpdateSequence,
    Layer,
    Style,
    Format,
    TileMatrixSet,
    TileMatrix,
    TileRow,
    TileCol,
    InfoFormat,
    I,
    J,
    Time,
    Z,
    X,
    Y,
    Lon,
    Lat,
    Query,
}

impl Parameter {
    /// The name as the protocols write it, e.g. `TileMatrixSet`; OGC locators compare without case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Request => "request",
            Self::Version => "version",
            Self::AcceptVersions => "AcceptVersions",
            Self::Sections => "sections",
            Self::UpdateSequence => "updateSequence",
            Self::Layer => "layer",
            Self::Style => "Style",
            Self::Format => "format",
            Self::TileMatrixSet => "TileMatrixSet",
            Self::TileMatrix => "TileMatrix",
            Self::TileRow => "TileRow",
            Self::TileCol => "TileCol",
            Self::InfoFormat => "InfoFormat",
            Self::I => "I",
            Self::J => "J",
            Self::Time => "time",
            Self::Z => "z",
            Self::X => "x",
            Self::Y => "y",
            Self::Lon => "lon",
            Self::Lat => "lat",
            Self::Query => "query",
        }
    }
}

/// Why a request is not answered with what it asked for.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// A required parameter is absent or empty.
    #[error("the parameter {} is missing", parameter.name())]
    Missing {
        /** which */
        parameter: Parameter,
    },
    /// A parameter has a value that is not offered or not well formed.
    #[error("the parameter {} has a value that is not offered here or is not well formed", parameter.name())]
    Invalid {
        /** which */
        parameter: Parameter,
    },
    /// A known parameter is given twice.
    #[error("the parameter {} is given more than once", parameter.name())]
    Duplicate {
        /** which */
        parameter: Parameter,
    },
    /// A tile outside the limits of its matrix.
    #[error("the parameter {} is outside the limits of the tile matrix", parameter.name())]
    TileOutOfRange {
        /** which */
        parameter: Parameter,
    },
    /// A pixel outside its tile.
    #[error("the parameter {} is outside the tile", parameter.name())]
    PointOutOfRange {
        /** which */
        parameter: Parameter,
    },
    /// No common version.
    #[error("none of the versions asked for is offered; this server speaks 1.0.0")]
    VersionNegotiation,
    /// The client knows a newer update sequence than the server.
    #[error("the update sequence asked for is newer than the current one")]
    InvalidUpdateSequence,
    /// An operation that this layer does not offer.
    #[error("the operation is not offered for this layer")]
    NotSupported {
        /** operation name, e.g. `GetFeatureInfo` */
        operation: &'static str,
    },
    /// Nothing lives at this path.
    #[error("there is nothing at this address")]
    NotFound,
    /// Wrong method.
    #[error("this method is not offered here; use GET or HEAD")]
    MethodNotAllowed,
    /// None of the accepted media types is offered.
    #[error("none of the accepted media types is offered here")]
    NotAcceptable,
    /// The tile has no data and the layer's policy says so.
    #[error("there is no imagery in this tile")]
    NoData,
    /// Too much to do right now.
    #[error("the server is busy, please try again")]
    Overloaded {
        /** why, a metric label: `queue_full`, `overload`, `queue_timeout`, `deadline` */
        reason: &'static str,
        /** when to try again */
        retry_after: Duration,
    },
    /// A source file cannot be read (any more).
    #[error("the imagery of this layer cannot be read at the moment")]
    Source,
    /// A bug of ours.
    #[error("the server failed; the log has the details")]
    Internal,
}

impl Fault {
    /// HTTP status for REST protocols (XYZ, REST WMTS, pages). WMTS KVP has its own table.
    pub const fn status(&self) -> http::StatusCode {
        use http::StatusCode as S;
        match self {
            Self::Missing { .. }
            | Self::Duplicate { .. }
            | Self::PointOutOfRange { .. }
            | Self::VersionNegotiation
            | Self::InvalidUpdateSequence
            | Self::Invalid {
                parameter:
                    Parameter::X
                    | Parameter::Y
                    | Parameter::Z
                    | Parameter::Lon
                    | Parameter::Lat
                    | Parameter::Time
                    | Parameter::Format
                    | Parameter::Query
                    | Parameter::TileRow
                    | Parameter::TileCol,
            } => S::BAD_REQUEST,
            Self::Invalid { .. } | Self::TileOutOfRange { .. } | Self::NotFound | Self::NoData => {
                S::NOT_FOUND
            }
            Self::NotSupported { .. } => S::NOT_IMPLEMENTED,
            Self::MethodNotAllowed => S::METHOD_NOT_ALLOWED,
            Self::NotAcceptable => S::NOT_ACCEPTABLE,
            Self::Overloaded { .. } | Self::Source => S::SERVICE_UNAVAILABLE,
            Self::Internal => S::INTERNAL_SERVER_ERROR,
        }
    }
}
