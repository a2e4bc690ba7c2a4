//! KVP and REST requests as one [`Operation`]. It knows how parameters are written and which must be there, not which
//! layers or tiles exist.

use tiler::encode::OutputFormat;

use super::get_capabilities::{Sections, UpdateSequence};
use crate::{
    error::{Fault, Parameter},
    http::query::{Query, strict_u32},
};

/// The version spoken here.
pub const VERSION: &str = "1.0.0";

/// What is asked for. Texts are as sent.
#[derive(Debug, PartialEq, Eq)]
#[expect(clippy::enum_variant_names, reason = "the standard's names for its operations")]
pub enum Operation<'a> {
    /// Describe the service.
    GetCapabilities {
        /// Parts of the description.
        sections: Sections,
        /// What the client knows already.
        known: UpdateSequence,
    },
    /// A picture.
    GetTile(TileParams<'a>),
    /// The values under a pixel of a tile.
    GetFeatureInfo(InfoParams<'a>),
}

/// The address of a tile.
#[derive(Debug, PartialEq, Eq)]
pub struct TileParams<'a> {
    /// Layer identifier.
    pub layer: &'a str,
    /// Style identifier; may be empty.
    pub style: &'a str,
    /// Media type, or its short name in REST addresses.
    pub format: &'a str,
    /// TileMatrixSet identifier.
    pub set: &'a str,
    /// TileMatrix identifier.
    pub matrix: &'a str,
    /// Row, as written.
    pub row: &'a str,
    /// Column, as written.
    pub col: &'a str,
    /// The time, where one is named.
    pub time: Option<&'a str>,
}

/// A pixel of a tile.
#[derive(Debug, PartialEq, Eq)]
pub struct InfoParams<'a> {
    /// The tile.
    pub tile: TileParams<'a>,
    /// Pixel column, as written.
    pub i: &'a str,
    /// Pixel row, as written.
    pub j: &'a str,
    /// Media type of the answer, or its file extension.
    pub info_format: &'a str,
}

impl<'a> Operation<'a> {
    /// Reads `SERVICE=WMTS&REQUEST=…`.
    ///
    /// # Errors
    /// The first parameter that is missing, doubled, or not well formed.
    pub fn from_kvp(query: &'a Query) -> Result<Self, Fault> {
        if !query.required(Parameter::Service)?.eq_ignore_ascii_case("WMTS") {
            return Err(Fault::Invalid { parameter: Parameter::Service });
        }
        let request = query.required(Parameter::Request)?;
        if request.eq_ignore_ascii_case("GetCapabilities") {
            return get_capabilities(query);
        }
        let is_tile = request.eq_ignore_ascii_case("GetTile");
        if !is_tile && !request.eq_ignore_ascii_case("GetFeatureInfo") {
            return Err(Fault::Invalid { parameter: Parameter::Request });
        }
        // An absent version means the only one there is.
        if !matches!(query.get(Parameter::Version)?, None | Some("" | VERSION)) {
            return Err(Fault::Invalid { parameter: Parameter::Version });
        }
        let tile = TileParams {
            layer: query.required(Parameter::Layer)?,
            // Mandatory, but an empty one is the default style.
            style: query.get(Parameter::Style)?.ok_or(Fault::Missing { parameter: Parameter::Style })?,
            format: query.required(Parameter::Format)?,
            set: query.required(Parameter::TileMatrixSet)?,
            matrix: query.required(Parameter::TileMatrix)?,
            row: query.required(Parameter::TileRow)?,
            col: query.required(Parameter::TileCol)?,
            time: query.get(Parameter::Time)?,
        };
        if is_tile {
            return Ok(Self::GetTile(tile));
        }
        Ok(Self::GetFeatureInfo(InfoParams {
            tile,
            j: query.required(Parameter::J)?,
            i: query.required(Parameter::I)?,
            info_format: query.required(Parameter::InfoFormat)?,
        }))
    }

    /// Reads what follows `/wmts/` in a REST address. The time is a part of the path behind the style, else it stands behind
    /// the `?`, else there is none.
    ///
    /// # Errors
    /// [`Fault::NotFound`] where no operation has such an address.
    pub fn from_path(path: &'a str, time: Option<&'a str>) -> Result<Self, Fault> {
        let segments: Vec<&str> = path.split('/').take(11).collect();
        // With a time, an address has one part more.
        let (segments, time) = match *segments.as_slice() {
            [version, layer, style, time, ref rest @ ..] if matches!(rest.len(), 4 | 6) => {
                ([&[version, layer, style], rest].concat(), Some(time))
            }
            _ => (segments, time),
        };
        match *segments.as_slice() {
            [VERSION, "WMTSCapabilities.xml"] => {
                Ok(Self::GetCapabilities { sections: Sections::all(), known: UpdateSequence::None })
            }
            [VERSION, layer, style, set, matrix, row, file] => {
                let (col, format) = file.rsplit_once('.').ok_or(Fault::NotFound)?;
                Ok(Self::GetTile(TileParams { layer, style, format, set, matrix, row, col, time }))
            }
            [VERSION, layer, style, set, matrix, row, col, j, file] => {
                let (i, info_format) = file.rsplit_once('.').ok_or(Fault::NotFound)?;
                // The picture's format has no place in this address, and none is needed.
                let tile = TileParams { layer, style, format: "", set, matrix, row, col, time };
                Ok(Self::GetFeatureInfo(InfoParams { tile, i, j, info_format }))
            }
            _ => Err(Fault::NotFound),
        }
    }

    /// The layer as sent, where the operation has one.
    pub fn layer(&self) -> Option<&'a str> {
        match self {
            Self::GetCapabilities { .. } => None,
            Self::GetTile(tile) => Some(tile.layer),
            Self::GetFeatureInfo(info) => Some(info.tile.layer),
        }
    }
}

fn get_capabilities<'a>(query: &Query) -> Result<Operation<'a>, Fault> {
    if let Some(versions) = query.get(Parameter::AcceptVersions)?.filter(|list| !list.is_empty())
        && !versions.split(',').any(|version| version.trim() == VERSION)
    {
        return Err(Fault::VersionNegotiation);
    }
    let sections = match query.get(Parameter::Sections)? {
        None => Sections::all(),
        Some("") => return Err(Fault::Missing { parameter: Parameter::Sections }),
        Some(list) => Sections::parse(list)?,
    };
    let known = UpdateSequence::parse(query.get(Parameter::UpdateSequence)?.unwrap_or(""))?;
    // AcceptFormats is not looked at: whatever it says, the answer is XML (OGC 07-057r7, table 3).
    Ok(Operation::GetCapabilities { sections, known })
}

/// Reads a media type or its short name, with or without parameters after a `;`. `auto` is ours and not advertised: JPEG
/// inside the imagery and PNG on its edges, as `GeoServer`'s `image/vnd.jpeg-png` does.
pub fn output_format(text: &str) -> Option<OutputFormat> {
    let (name, _parameters) = text.split_once(';').unwrap_or((text, ""));
    let name = name.trim().to_ascii_lowercase();
    match name.strip_prefix("image/").unwrap_or(&name) {
        "jpeg" | "jpg" => Some(OutputFormat::Jpeg),
        "png" | "png8" | "png24" | "png32" => Some(OutputFormat::Png),
        "webp" => Some(OutputFormat::WebP),
        "auto" | "vnd.jpeg-png" => Some(OutputFormat::Auto),
        _ => None,
    }
}

/// A row, column or pixel index. One below zero is well formed but outside of everything, as one too large is.
///
/// # Errors
/// [`Fault::Invalid`] where it is no whole number.
pub fn index(text: &str, parameter: Parameter) -> Result<u32, Fault> {
    let below_zero = text.strip_prefix('-').and_then(strict_u32).is_some_and(|magnitude| magnitude > 0);
    if below_zero { Ok(u32::MAX) } else { strict_u32(text).ok_or(Fault::Invalid { parameter }) }
}

#[cfg(test)]
#[path = "params_tests.rs"]
mod tests;
