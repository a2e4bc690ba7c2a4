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
    let numbers = xml::child_text(root, "GeoTransform")
        .map(|text| text.split(',').map(|word| word.trim().parse().ok()));
    let numbers: Vec<f64> =
        numbers.into_iter().flatten().flatten().filter(|number: &f64| number.is_finite()).collect();
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
            attributes: part
                .nodata
                .map(|nodata| ("nodata".to_owned(), Value::Number(nodata)))
                .into_iter()
                .collect(),
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
        Some(class) => {
            Err(Problem::Unsupported { what: format!("{what} of class {}", short(class)), remedy: COMPUTED })
        }
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
            if let Some(at) = known.get(&key) {
                parts[*at].bands += 1;
            } else {
                known.insert(key, parts.len());
                parts.push(part);
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
    let file =
        xml::child(source, "SourceFilename").ok_or(Problem::damaged("a source has no <SourceFilename>"))?;
    let location = file.text().unwrap_or_default().trim().to_owned();
    if Path::new(&location).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("vrt")) {
        return Err(Problem::Unsupported {
            what: format!("\"{}\", a VRT within a VRT,", short(&location)),
            remedy: SEVERAL,
        });
    }
    if file.attribute("relativeToVRT") != Some("1") && !location.starts_with('/') && !location.contains(':') {
        let what = format!("\"{}\", which is relative to where GDAL is started,", short(&location));
        return Err(Problem::Unsupported {
            what,
            remedy: "build the VRT with paths relative to it or absolute ones",
        });
    }
    let own = xml::child_text(source, "SourceBand").unwrap_or("1");
    if own != band.to_string() {
        let what = format!("band {} of a file as band {band}", short(own));
        return Err(Problem::Unsupported { what, remedy: COMPUTED });
    }
    let place = rectangle(source, "DstRect")?;
    let from = rectangle(source, "SrcRect")?;
    if (place[2] - from[2]).abs() > SLACK || (place[3] - from[3]).abs() > SLACK {
        return Err(Problem::Unsupported {
            what: format!("\"{}\" at another resolution", short(&location)),
            remedy: SEVERAL,
        });
    }
    let properties = xml::child(source, "SourceProperties");
    let property = |name| properties?.attribute(name)?.parse::<u32>().ok();
    let size =
        property("RasterXSize").zip(property("RasterYSize")).map(|(width, height)| Size::new(width, height));
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
        *number =
            parsed.filter(|n: &f64| n.is_finite()).ok_or(Problem::damaged("a rectangle has no numbers"))?;
    }
    if numbers[2] > 0.0 && numbers[3] > 0.0 {
        Ok(numbers)
    } else {
        Err(Problem::damaged("a rectangle has no area"))
    }
}

fn sample(bands: &[Node<'_, '_>]) -> Option<SampleType> {
    super::layer::sample_of(bands.first()?.attribute("dataType")?)
}

fn short(text: &str) -> String {
    text.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::super::open;
    use super::*;

    const RECTANGLES: &str = "<SrcRect xOff=\"0\" yOff=\"0\" xSize=\"20\" ySize=\"10\"/><DstRect xOff=\"5\" yOff=\"2\" xSize=\"20\" ySize=\"10\"/>";

    fn index(vrt: &str) -> Result<Index, String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.tif"), "").unwrap();
        let path = folder.path().join("mosaic.vrt");
        std::fs::write(&path, vrt).unwrap();
        open(&path, &Confinement::to_own_folder()).map_err(|error| error.problem.to_string())
    }

    fn dataset(attributes: &str, bands: &str) -> String {
        format!(
            "<VRTDataset rasterXSize=\"100\" rasterYSize=\"100\"{attributes}><SRS>EPSG:2154</SRS>\
             <GeoTransform> 650000, 0.5, 0, 6235000, 0, -0.5</GeoTransform>{bands}</VRTDataset>"
        )
    }

    fn source(element: &str, name: &str, more: &str) -> String {
        format!(
            "<{element}><SourceFilename relativeToVRT=\"1\">{name}</SourceFilename><SourceBand>1</SourceBand>{more}</{element}>"
        )
    }

    fn band(content: &str) -> String {
        dataset("", &format!("<VRTRasterBand dataType=\"UInt16\" band=\"1\">{content}</VRTRasterBand>"))
    }

    #[test]
    fn a_file_lies_where_its_rectangle_is() {
        let more = format!(
            "{RECTANGLES}<SourceProperties RasterXSize=\"20\" RasterYSize=\"10\"/><NODATA>7</NODATA>"
        );
        let index = index(&band(&source("ComplexSource", "a.tif", &more))).unwrap();
        let record = &index.records[0];
        assert_eq!(record.bounds, Some(Bounds::new(650_002.5, 6_234_994.0, 650_012.5, 6_234_999.0)));
        assert_eq!((record.crs.as_deref(), record.sample), (Some("EPSG:2154"), Some(SampleType::U16)));
        assert_eq!(record.size, Some(Size::new(20, 10)));
        assert_eq!(record.attributes, [("nodata".to_owned(), Value::Number(7.0))]);
        assert_eq!((record.fault.as_deref(), index.order), (None, Some(Order::Last)));
    }

    #[test]
    fn what_is_not_plain_is_refused_by_its_name() {
        let coarser = RECTANGLES.replacen("xSize=\"20\"", "xSize=\"40\"", 1);
        let plain = source("SimpleSource", "a.tif", RECTANGLES);
        let typed = |class: &str| {
            dataset("", &format!("<VRTRasterBand subClass=\"{class}\">{plain}</VRTRasterBand>"))
        };
        for (vrt, name) in [
            (dataset(" subClass=\"VRTWarpedDataset\"", ""), "VRTWarpedDataset"),
            (typed("VRTDerivedRasterBand"), "VRTDerivedRasterBand"),
            (typed("VRTRawRasterBand"), "VRTRawRasterBand"),
            (band(&source("KernelFilteredSource", "a.tif", RECTANGLES)), "KernelFilteredSource"),
            (band(&source("ComplexSource", "a.tif", &format!("{RECTANGLES}<LUT>0:0,255:1</LUT>"))), "LUT"),
            (band(&source("SimpleSource", "b.vrt", RECTANGLES)), "within a VRT"),
            (band(&source("SimpleSource", "a.tif", &coarser)), "resolution"),
            (band(&plain.replace("<SourceBand>1", "<SourceBand>2")), "band 2"),
            (band(&plain.replace(" relativeToVRT=\"1\"", "")), "relative to where"),
        ] {
            let reason = index(&vrt).unwrap_err();
            assert!(reason.contains(name) && reason.contains("cannot be followed; "), "{reason}");
        }
    }

    #[test]
    fn entities_and_numbers_that_are_none_are_refused() {
        let bomb = format!("<!DOCTYPE v [<!ENTITY a \"b\">]>{}", dataset("", ""));
        assert!(index(&bomb).unwrap_err().contains("XML"));
        for (from, to) in [("0.5", "x"), ("xOff=\"5\"", "xOff=\"NaN\""), ("xSize=\"20\"", "xSize=\"-1\"")] {
            let vrt = band(&source("SimpleSource", "a.tif", RECTANGLES)).replace(from, to);
            assert!(index(&vrt).is_err(), "{to}");
        }
    }

    #[test]
    fn a_file_elsewhere_is_a_record_with_a_fault() {
        let index = index(&band(&source("SimpleSource", "../../etc/passwd", RECTANGLES))).unwrap();
        assert!(index.records[0].fault.as_deref().unwrap().starts_with("../../etc/passwd: "));
    }
}
