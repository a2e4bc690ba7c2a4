//! A [`Fault`] as an `ows:ExceptionReport` (OGC 06-121r3, clause 8). It never carries text that the client sent: messages
//! and locators come from closed lists.

use http::StatusCode;

use super::xml::Xml;
use crate::{
    error::Fault,
    http::{Response, document},
};

/// Which statuses a fault has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binding {
    /// 400 for whatever is wrong with a parameter.
    Kvp,
    /// The path names a resource, so an unknown one is 404.
    Rest,
}

/// The answer for a fault.
pub fn respond(fault: &Fault, binding: Binding) -> Response {
    document::fault(fault, status(fault, binding), ("text/xml", report(fault)))
}

/// HTTP status (OGC 07-057r7, table 25, for KVP).
pub fn status(fault: &Fault, binding: Binding) -> StatusCode {
    match fault {
        Fault::Invalid { .. } | Fault::TileOutOfRange { .. } if binding == Binding::Kvp => {
            StatusCode::BAD_REQUEST
        }
        other => other.status(),
    }
}

/// The document.
pub fn report(fault: &Fault) -> String {
    let (code, locator) = code_and_locator(fault);
    let mut attributes = vec![("exceptionCode", code)];
    attributes.extend(locator.map(|locator| ("locator", locator)));
    let mut xml = Xml::default();
    let root = [
        ("xmlns:ows", "http://www.opengis.net/ows/1.1"),
        ("xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance"),
        (
            "xsi:schemaLocation",
            "http://www.opengis.net/ows/1.1 http://schemas.opengis.net/ows/1.1.0/owsExceptionReport.xsd",
        ),
        ("version", "1.0.0"),
        ("xml:lang", "en"),
    ];
    xml.nest("ows:ExceptionReport", &root, |xml| {
        xml.nest("ows:Exception", &attributes, |xml| xml.text("ows:ExceptionText", fault));
    });
    xml.finish()
}

fn code_and_locator(fault: &Fault) -> (&'static str, Option<&'static str>) {
    match fault {
        Fault::Missing { parameter } => ("MissingParameterValue", Some(parameter.name())),
        Fault::Invalid { parameter } | Fault::Duplicate { parameter } => {
            ("InvalidParameterValue", Some(parameter.name()))
        }
        Fault::TileOutOfRange { parameter } => ("TileOutOfRange", Some(parameter.name())),
        Fault::PointOutOfRange { parameter } => ("PointIJOutOfRange", Some(parameter.name())),
        Fault::VersionNegotiation => ("VersionNegotiationFailed", None),
        Fault::InvalidUpdateSequence => ("InvalidUpdateSequence", None),
        Fault::NotSupported { operation } => ("OperationNotSupported", Some(operation)),
        _ => ("NoApplicableCode", None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{error::Parameter, wmts::fixture};

    #[test]
    fn exceptions_are_schema_valid_and_carry_code_and_locator() {
        let cases = [
            (Fault::Missing { parameter: Parameter::TileRow }, "MissingParameterValue", Some("TileRow"), 400),
            (Fault::Invalid { parameter: Parameter::Layer }, "InvalidParameterValue", Some("layer"), 400),
            (Fault::Duplicate { parameter: Parameter::Layer }, "InvalidParameterValue", Some("layer"), 400),
            (Fault::TileOutOfRange { parameter: Parameter::TileCol }, "TileOutOfRange", Some("TileCol"), 400),
            (Fault::PointOutOfRange { parameter: Parameter::J }, "PointIJOutOfRange", Some("J"), 400),
            (Fault::VersionNegotiation, "VersionNegotiationFailed", None, 400),
            (Fault::InvalidUpdateSequence, "InvalidUpdateSequence", None, 400),
            (
                Fault::NotSupported { operation: "GetFeatureInfo" },
                "OperationNotSupported",
                Some("GetFeatureInfo"),
                501,
            ),
            (Fault::Source, "NoApplicableCode", None, 503),
            (Fault::NotFound, "NoApplicableCode", None, 404),
        ];
        for (fault, code, locator, expected) in cases {
            let text = report(&fault);
            let document = roxmltree::Document::parse(&text).expect("well-formed");
            let exception = document.root_element().first_element_child().expect("an exception");
            assert_eq!(exception.attribute("exceptionCode"), Some(code));
            assert_eq!(exception.attribute("locator"), locator);
            assert_eq!(status(&fault, Binding::Kvp), expected, "{code}");
            fixture::assert_schema_valid(&text, "ows/1.1.0/owsExceptionReport.xsd");
        }
    }

    #[test]
    fn an_unknown_restful_resource_is_not_found() {
        for fault in [
            Fault::Invalid { parameter: Parameter::Layer },
            Fault::TileOutOfRange { parameter: Parameter::TileRow },
        ] {
            assert_eq!(status(&fault, Binding::Rest), StatusCode::NOT_FOUND);
        }
    }

    #[test]
    fn an_unknown_time_is_a_bad_request_in_both_bindings() {
        let fault = Fault::Invalid { parameter: Parameter::Time };
        assert_eq!(code_and_locator(&fault), ("InvalidParameterValue", Some("time")));
        assert_eq!([Binding::Kvp, Binding::Rest].map(|binding| status(&fault, binding)), [400, 400]);
    }
}
