//! GDAL's virtual mosaics, as far as they are plain: files side by side, pixel for pixel.
//!
//! Source: <https://gdal.org/en/stable/drivers/raster/vrt.html>. What computes, warps or resamples is refused by name.

use std::{collections::HashMap, path::Path};

use roxmltree::Node;

use super::{
    confinement::Confinement,
    error::Problem,
    foreign::{Index, Order, Rows},
    record::{Record, Value},
    xml,
};
use crate::{
    geom::{Bounds, GeoTransform, Size},
    raster::SampleType,
};

const COMPUTED: &str = "write it as a file first (gdal_translate)";
const SEVERAL: &str = "name the files themselves in a tile index (gdaltindex)";
/// In pixels: how far a rectangle may be from whole ones.
const SLACK: f64 = 1e-3;

/// A file in the mosaic.
struct Part {
    location: String,
    /// In pixels of the mosaic: column, row, width, height.
    place: [f64; 4],
    /// Whether it is the file from edge to edge.
    size: Option<Size>,
    nodata: Option<f64>,
    bands: usize,
}

pub(super) fn open(path: &Path, confinement: &Confinement) -> Result<Index, Problem> {
    let text = xml::text(path)?;
    let document = xml::parse(&text)?;
    let root = document.root_element();
    plain(root, "the dataset")?;
    let numbers = xml::child_text(root, "GeoTransform").map(|text| text.split(',').map(|word| word.trim().parse().ok()));
    let numbers: Vec<f64> = numbers.into_iter().flatten().flatten().filter(|number: &f64| number.is_finite()).collect();
    let transform = <[f64; 6]>::try_from(numbers).ok().map(GeoTransform);
    let transform = transform.ok_or(Problem::damaged("it has no <GeoTransform>"))?;
    let crs = xml::child_text(root, "SRS").map(super::layer::name_of);
    let bands: Vec<_> = root.children().filter(|node| node.has_tag_name("VRTRasterBand")).collect();
    let parts = parts(&bands)?;
    let sample = sample(&bands);
    let mut rows = Rows::new(path, confinement)?;
    for part in parts {
        if part.bands != bands.len() {
            let what = format!("\"{}\", which gives only some of the bands,", part.location);
            return Err(Problem::Unsupported { what, remedy: COMPUTED });
        }
        let [col, row, width, height] = part.place;
        let corners = [(col, row), (col + width, row), (col, row + height), (col + width, row + height)];
        let bounds = Bounds::around(corners.map(|(col, row)| transform.apply(col, row)));
        let record = Record {
            crs: crs.clone(),
            bounds: bounds.filter(Bounds::is_valid),
            size: part.size,
            bands: Some(bands.len()),
            sample,
            attributes: part.nodata.map(|nodata| ("nodata".to_owned(), Value::Number(nodata))).into_iter().collect(),
            ..Record::default()
        };
        rows.push(&part.location, record)?;
    }
    Ok(rows.finish(Some(Order::Last)))
}

/// Refuses what is of a subclass: warped, derived, raw, pansharpened.
fn plain(node: Node<'_, '_>, what: &str) -> Result<(), Problem> {
    match node.attribute("subClass") {
        None => Ok(()),
        Some(class) => Err(Problem::Unsupported { what: format!("{what} of class {}", short(class)), remedy: COMPUTED }),
    }
}

fn parts(bands: &[Node<'_, '_>]) -> Result<Vec<Part>, Problem> {
    let mut parts: Vec<Part> = Vec::new();
    let mut known: HashMap<(String, [u64; 4]), usize> = HashMap::new();
    for (number, band) in bands.iter().enumerate() {
        plain(*band, "a band")?;
        for source in band.children().filter(Node::is_element) {
            let name = source.tag_name().name();
            match name {
                "SimpleSource" | "ComplexSource" => {}
                _ if name.ends_with("Source") || name.starts_with("PixelFunction") => {
                    return Err(Problem::Unsupported { what: format!("<{name}>"), remedy: COMPUTED });
                }
                _ => continue,
            }
            let part = part(source, number + 1)?;
            let key = (part.location.clone(), part.place.map(f64::to_bits));
            match known.get(&key) {
                Some(at) => parts[*at].bands += 1,
                None => {
                    known.insert(key, parts.len());
                    parts.push(part);
                }
            }
        }
    }
    Ok(parts)
}

fn part(source: Node<'_, '_>, band: usize) -> Result<Part, Problem> {
    for element in ["LUT", "ScaleOffset", "ScaleRatio", "Exponent", "ColorTableComponent", "UseMaskBand"] {
        let harmless = element == "ScaleOffset" && xml::child_text(source, element) == Some("0")
            || element == "ScaleRatio" && xml::child_text(source, element) == Some("1")
            || element == "UseMaskBand";
        if !harmless && xml::child(source, element).is_some() {
            return Err(Problem::Unsupported { what: format!("<{element}>"), remedy: COMPUTED });
        }
    }
    let file = xml::child(source, "SourceFilename").ok_or(Problem::damaged("a source has no <SourceFilename>"))?;
    let location = file.text().unwrap_or_default().trim().to_owned();
    if Path::new(&location).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("vrt")) {
        return Err(Problem::Unsupported { what: format!("\"{}\", a VRT within a VRT,", short(&location)), remedy: SEVERAL });
    }
    if file.attribute("relativeToVRT") != Some("1") && !location.starts_with('/') && !location.contains(':') {
        let what = format!("\"{}\", which is relative to where GDAL is started,", short(&location));
        return Err(Problem::Unsupported { what, remedy: "build the VRT with paths relative to it or absolute ones" });
    }
    let own = xml::child_text(source, "SourceBand").unwrap_or("1");
    if own != band.to_string() {
        let what = format!("band {} of a file as band {band}", short(own));
        return Err(Problem::Unsupported { what, remedy: COMPUTED });
    }
    let place = rectangle(source, "DstRect")?;
    let from = rectangle(source, "SrcRect")?;
    if (place[2] - from[2]).abs() > SLACK || (place[3] - from[3]).abs() > SLACK {
        return Err(Problem::Unsupported { what: format!("\"{}\" at another resolution", short(&location)), remedy: SEVERAL });
    }
    let properties = xml::child(source, "SourceProperties");
    let property = |name| properties?.attribute(name)?.parse::<u32>().ok();
    let size = property("RasterXSize").zip(property("RasterYSize")).map(|(width, height)| Size::new(width, height));
    let is_whole = |size: &Size| {
        let whole = [0.0, 0.0, f64::from(size.width), f64::from(size.height)];
        from.iter().zip(whole).all(|(a, b)| (a - b).abs() <= SLACK)
    };
    let nodata = xml::child_text(source, "NODATA").and_then(|text| text.parse().ok());
    Ok(Part { location, place, size: size.filter(is_whole), nodata, bands: 1 })
}

fn rectangle(source: Node<'_, '_>, name: &str) -> Result<[f64; 4], Problem> {
    let node = xml::child(source, name).ok_or(Problem::damaged("a source has no <SrcRect> or <DstRect>"))?;
    let mut numbers = [0.0_f64; 4];
    for (number, attribute) in numbers.iter_mut().zip(["xOff", "yOff", "xSize", "ySize"]) {
        let parsed = node.attribute(attribute).and_then(|text| text.trim().parse().ok());
        *number = parsed.filter(|n: &f64| n.is_finite()).ok_or(Problem::damaged("a rectangle has no numbers"))?;
    }
    if numbers[2] > 0.0 && numbers[3] > 0.0 { Ok(numbers) } else { Err(Problem::damaged("a rectangle has no area")) }
}

fn sample(bands: &[Node<'_, '_>]) -> Option<SampleType> {
    super::layer::sample_of(bands.first()?.attribute("dataType")?)
}

fn short(text: &str) -> String {
    text.chars().take(200).collect()
}
