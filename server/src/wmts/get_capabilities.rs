//! GetCapabilities: which sections of the service metadata are sent, and all of them but Contents. It knows no caching
//! and no HTTP.

use super::{
    contents::{self, contents},
    params::VERSION,
    xml::Xml,
};
use crate::{
    error::{Fault, Parameter},
    http::query::strict_u32,
    layers::{ServiceInfo, Snapshot},
};

/// Media type of the document.
pub const MEDIA_TYPE: &str = "application/xml";

/// A section of the service metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Section {
    ServiceIdentification,
    ServiceProvider,
    OperationsMetadata,
    Contents,
    Themes,
}

impl Section {
    const ALL: [(Self, &'static str); 5] = [
        (Self::ServiceIdentification, "ServiceIdentification"),
        (Self::ServiceProvider, "ServiceProvider"),
        (Self::OperationsMetadata, "OperationsMetadata"),
        (Self::Contents, "Contents"),
        (Self::Themes, "Themes"),
    ];
}

/// The sections asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sections(Option<Vec<Section>>);

impl Sections {
    /// The whole document.
    pub const fn all() -> Self {
        Self(None)
    }

    /// Reads a list of names with commas.
    ///
    /// # Errors
    /// [`Fault::Invalid`] for a name that is no section.
    pub fn parse(list: &str) -> Result<Self, Fault> {
        let mut sections = Vec::new();
        let mut all = false;
        for name in list.split(',').map(str::trim) {
            if name.eq_ignore_ascii_case("All") {
                all = true;
                continue;
            }
            let known = Section::ALL.iter().find(|(_, known)| name.eq_ignore_ascii_case(known));
            sections.push(known.ok_or(Fault::Invalid { parameter: Parameter::Sections })?.0);
        }
        Ok(Self((!all).then_some(sections)))
    }

    fn has(&self, section: Section) -> bool {
        self.0.as_ref().is_none_or(|sections| sections.contains(&section))
    }
}

/// The `updateSequence` that the client knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpdateSequence {
    /// None, or one before the first.
    None,
    /// A number.
    Known(u64),
}

impl UpdateSequence {
    /// Reads a whole number; below zero is older than everything, too large is newer.
    ///
    /// # Errors
    /// [`Fault::Invalid`] where it is no number.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let (older, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
        match (text.is_empty(), strict_u32(digits)) {
            (true, _) => Ok(Self::None),
            (false, None) => Err(Fault::Invalid { parameter: Parameter::UpdateSequence }),
            (false, Some(_)) if older => Ok(Self::None),
            (false, Some(_)) => Ok(Self::Known(digits.parse().unwrap_or(u64::MAX))),
        }
    }
}

/// The document.
///
/// # Errors
/// [`Fault::InvalidUpdateSequence`] where the client knows a newer one.
pub fn get_capabilities(
    snapshot: &Snapshot,
    base_url: &str,
    sections: &Sections,
    known: UpdateSequence,
) -> Result<String, Fault> {
    let current = snapshot.update_sequence;
    let sequence = current.to_string();
    let root = [
        ("xmlns", "http://www.opengis.net/wmts/1.0"),
        ("xmlns:ows", "http://www.opengis.net/ows/1.1"),
        ("xmlns:xlink", "http://www.w3.org/1999/xlink"),
        ("xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance"),
        (
            "xsi:schemaLocation",
            "http://www.opengis.net/wmts/1.0 \
             http://schemas.opengis.net/wmts/1.0/wmtsGetCapabilities_response.xsd",
        ),
        ("version", VERSION),
        ("updateSequence", &sequence),
    ];
    let mut xml = Xml::default();
    match known {
        UpdateSequence::Known(known) if known > current => return Err(Fault::InvalidUpdateSequence),
        UpdateSequence::Known(known) if known == current => {
            xml.empty("Capabilities", &root);
            return Ok(xml.finish());
        }
        UpdateSequence::Known(_) | UpdateSequence::None => {}
    }
    xml.nest("Capabilities", &root, |xml| {
        if sections.has(Section::ServiceIdentification) {
            service_identification(xml, &snapshot.service);
        }
        if sections.has(Section::ServiceProvider) {
            service_provider(xml, &snapshot.service);
        }
        if sections.has(Section::OperationsMetadata) {
            operations_metadata(xml, base_url);
        }
        if sections.has(Section::Contents) {
            contents(xml, snapshot, base_url);
        }
        if sections.has(Section::Themes) {
            themes(xml, snapshot);
        }
        if *sections == Sections::all() {
            xml.empty("ServiceMetadataURL", &[("xlink:href", &metadata_url(base_url))]);
        }
    });
    Ok(xml.finish())
}

fn metadata_url(base_url: &str) -> String {
    format!("{base_url}/wmts/{VERSION}/WMTSCapabilities.xml")
}

fn service_identification(xml: &mut Xml, service: &ServiceInfo) {
    xml.nest("ows:ServiceIdentification", &[], |xml| {
        xml.text("ows:Title", &service.title);
        xml.text_unless_empty("ows:Abstract", &service.description);
        xml.text("ows:ServiceType", "OGC WMTS");
        xml.text("ows:ServiceTypeVersion", VERSION);
        xml.text("ows:Fees", "none");
        xml.text("ows:AccessConstraints", "none");
    });
}

fn service_provider(xml: &mut Xml, service: &ServiceInfo) {
    let name = if service.provider.is_empty() { &service.title } else { &service.provider };
    xml.nest("ows:ServiceProvider", &[], |xml| {
        xml.text("ows:ProviderName", name);
        if !service.provider_url.is_empty() {
            xml.empty("ows:ProviderSite", &[("xlink:href", &service.provider_url)]);
        }
        // Required by the schema, all of its content is optional.
        xml.empty("ows:ServiceContact", &[]);
    });
}

fn operations_metadata(xml: &mut Xml, base_url: &str) {
    let kvp = format!("{base_url}/wmts?");
    let rest = format!("{base_url}/wmts/{VERSION}/");
    let sections: Vec<&str> =
        std::iter::once("All").chain(Section::ALL.iter().map(|(_, name)| *name)).collect();
    xml.nest("ows:OperationsMetadata", &[], |xml| {
        operation(xml, "GetCapabilities", [&kvp, &metadata_url(base_url)], |xml| {
            parameter(xml, "AcceptVersions", &[VERSION]);
            parameter(xml, "AcceptFormats", &[MEDIA_TYPE]);
            parameter(xml, "Sections", &sections);
        });
        operation(xml, "GetTile", [&kvp, &rest], |_| {});
        operation(xml, "GetFeatureInfo", [&kvp, &rest], |_| {});
    });
}

/// KVP comes first: `OpenLayers` takes the first that says its encoding.
fn operation(xml: &mut Xml, name: &str, [kvp, rest]: [&str; 2], parameters: impl FnOnce(&mut Xml)) {
    xml.nest("ows:Operation", &[("name", name)], |xml| {
        xml.nest("ows:DCP", &[], |xml| {
            xml.nest("ows:HTTP", &[], |xml| {
                for (href, encoding) in [(kvp, "KVP"), (rest, "RESTful")] {
                    xml.nest("ows:Get", &[("xlink:href", href)], |xml| {
                        xml.nest("ows:Constraint", &[("name", "GetEncoding")], |xml| {
                            allowed(xml, &[encoding]);
                        });
                    });
                }
            });
        });
        parameters(xml);
    });
}

fn parameter(xml: &mut Xml, name: &str, values: &[&str]) {
    xml.nest("ows:Parameter", &[("name", name)], |xml| allowed(xml, values));
}

fn allowed(xml: &mut Xml, values: &[&str]) {
    xml.nest("ows:AllowedValues", &[], |xml| values.iter().for_each(|value| xml.text("ows:Value", value)));
}

/// One theme with every layer.
fn themes(xml: &mut Xml, snapshot: &Snapshot) {
    xml.nest("Themes", &[], |xml| {
        xml.nest("Theme", &[], |xml| {
            xml.text("ows:Title", &snapshot.service.title);
            xml.text("ows:Identifier", "all");
            contents::published(snapshot).for_each(|layer| xml.text("LayerRef", &layer.id));
        });
    });
}

#[cfg(test)]
#[path = "get_capabilities_tests.rs"]
mod tests;
