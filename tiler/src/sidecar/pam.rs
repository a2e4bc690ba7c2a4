//! `.aux.xml`: GDAL's persistent auxiliary metadata, and the dialect of `ArcGIS`.
//!
//! Source: GDAL's `gdalpamdataset.cpp`. Ground control points are counted, histograms are left alone.

use std::path::Path;

use roxmltree::Node;

use super::{
    BandMetadata, ColourInterpretation, Item, Problem, SidecarError,
    gdal_metadata::{LIMIT_BYTES, band, document},
    text,
};
use crate::geom::GeoTransform;

/// Longest colour table and list of categories.
const ENTRIES: usize = 65_536;

/// What an `.aux.xml` says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Pam {
    /// The CRS: the text for `Crs::from_name`. Coordinates are `x, y` whatever axes it declares.
    pub crs: Option<String>,
    /// Where the raster lies, from pixel corners.
    pub geotransform: Option<GeoTransform>,
    /// How many ground control points there are.
    pub ground_control_points: usize,
    /// Items of the whole dataset.
    pub items: Vec<Item>,
    /// By band, from the first.
    pub bands: Vec<BandMetadata>,
}

pub(super) fn read(path: &Path) -> Result<Pam, SidecarError> {
    let xml = text::read(path, LIMIT_BYTES as u64)?;
    parse(&xml).map_err(|problem| text::fail(path, None, problem))
}

fn parse(xml: &str) -> Result<Pam, Problem> {
    let document = document(xml)?;
    let root = document.root_element();
    let mut pam = Pam::default();
    if root.has_tag_name("GeodataXform") {
        esri(root, &mut pam)?;
        return Ok(pam);
    }
    for node in root.children().filter(Node::is_element) {
        match node.tag_name().name() {
            "SRS" => pam.crs = content(node),
            "GeoTransform" => pam.geotransform = Some(geotransform(&numbers(node, ',')?)?),
            "GCPList" => pam.ground_control_points = elements(node, "GCP").count(),
            "Metadata" if node.attribute("domain") == Some("xml:ESRI") => {
                if let Some(xform) = elements(node, "GeodataXform").next() {
                    esri(xform, &mut pam)?;
                }
            }
            "Metadata" => pam.items.extend(items(node)),
            "PAMRasterBand" => {
                let number = node.attribute("band").and_then(|number| number.parse::<usize>().ok());
                if let Some(band) =
                    number.and_then(|n| n.checked_sub(1)).and_then(|n| band(&mut pam.bands, n))
                {
                    *band = about_band(node);
                }
            }
            _ => {}
        }
    }
    Ok(pam)
}

fn about_band(node: Node<'_, '_>) -> BandMetadata {
    let mut band = BandMetadata::default();
    for node in node.children().filter(Node::is_element) {
        let number = || content(node).and_then(|text| text.parse::<f64>().ok());
        match node.tag_name().name() {
            "Description" => band.description = content(node),
            "NoDataValue" => band.nodata = number(),
            "UnitType" => band.unit = content(node),
            "Offset" => band.offset = number().filter(|n| n.is_finite()),
            "Scale" => band.scale = number().filter(|n| n.is_finite()),
            "ColorInterp" => {
                band.colour = content(node).and_then(|name| ColourInterpretation::from_name(&name));
            }
            "CategoryNames" => {
                let names = elements(node, "Category").take(ENTRIES);
                band.categories = names.map(|name| content(name).unwrap_or_default()).collect();
            }
            "ColorTable" => band.colour_table = elements(node, "Entry").take(ENTRIES).map(colour).collect(),
            "Metadata" if node.attribute("domain").is_none() => {
                for item in items(node) {
                    band.take(&item.name, &item.value);
                }
            }
            _ => {}
        }
    }
    band.finish()
}

fn colour(entry: Node<'_, '_>) -> [u8; 4] {
    ["c1", "c2", "c3", "c4"].map(|part| {
        let value = entry.attribute(part).and_then(|value| value.parse::<i64>().ok());
        value.map_or(255, |value| value.clamp(0, 255) as u8)
    })
}

fn items(metadata: Node<'_, '_>) -> Vec<Item> {
    let domain = metadata.attribute("domain").unwrap_or_default();
    let entries = elements(metadata, "MDI").filter_map(|entry| {
        let (name, value) = (entry.attribute("key")?, entry.text().unwrap_or_default());
        Some(Item { name: name.to_owned(), value: value.to_owned(), domain: domain.to_owned() })
    });
    entries.collect()
}

/// `ArcGIS`: WKT, and a polynomial of the first order or control points. Rows count upwards, from pixel centres.
fn esri(xform: Node<'_, '_>, pam: &mut Pam) -> Result<(), Problem> {
    let child = |name| elements(xform, name).next();
    pam.crs = child("SpatialReference").and_then(|node| elements(node, "WKT").next()).and_then(content);
    pam.ground_control_points = child("SourceGCPs").map_or(0, |node| elements(node, "Double").count() / 2);
    let coefficients = |name| -> Result<Option<Vec<f64>>, Problem> {
        let Some(node) = child(name) else { return Ok(None) };
        let texts = elements(node, "Double").map(|number| text::number(number.text().unwrap_or_default()));
        texts.collect::<Result<_, _>>().map(Some)
    };
    if let (Some(x), Some(y)) = (coefficients("CoeffX")?, coefficients("CoeffY")?)
        && let ([x0, a, b], [y0, d, e]) = (&x[..], &y[..])
    {
        let (b, e) = (-b, -e);
        let corner = [x0 - 0.5 * (a + b), *a, b, y0 - 0.5 * (d + e), *d, e];
        pam.geotransform = Some(geotransform(&corner)?);
    }
    Ok(())
}

fn geotransform(numbers: &[f64]) -> Result<GeoTransform, Problem> {
    let &[a, b, c, d, e, f] = numbers else {
        return Err(Problem::Count { found: numbers.len(), wanted: 6 });
    };
    let geotransform = GeoTransform([a, b, c, d, e, f]);
    geotransform.inverse().map(|_| geotransform).ok_or(Problem::NoArea)
}

fn numbers(node: Node<'_, '_>, separator: char) -> Result<Vec<f64>, Problem> {
    node.text().unwrap_or_default().split(separator).map(text::number).collect()
}

fn elements<'a, 'i>(node: Node<'a, 'i>, name: &'a str) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(move |child| child.is_element() && child.tag_name().name() == name)
}

fn content(node: Node<'_, '_>) -> Option<String> {
    node.text().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn place_crs_and_items_are_read() {
        let pam = parse(
            r#"<PAMDataset><SRS dataAxisToSRSAxisMapping="2,1">EPSG:2154</SRS>
            <GeoTransform> 6.5e+05, 5.0e-02, 0.0, 6.235e+06, 0.0, -5.0e-02</GeoTransform>
            <Metadata><MDI key="AREA_OR_POINT">Area</MDI></Metadata>
            <Metadata domain="IMAGE_STRUCTURE"><MDI key="COMPRESSION">JPEG</MDI></Metadata></PAMDataset>"#,
        )
        .unwrap();
        assert_eq!(pam.crs.as_deref(), Some("EPSG:2154"));
        assert_eq!(pam.geotransform, Some(GeoTransform::north_up(650_000.0, 6_235_000.0, 0.05, 0.05)));
        assert_eq!(pam.items[1].domain, "IMAGE_STRUCTURE");
    }

    #[test]
    fn a_band_has_all_that_gdal_knows_of_it() {
        let pam = parse(
            r#"<PAMDataset><PAMRasterBand band="2"><Description>infrared</Description><NoDataValue>nan</NoDataValue>
            <UnitType>m</UnitType><Offset>1.5</Offset><Scale>0.1</Scale><ColorInterp>Red</ColorInterp>
            <CategoryNames><Category>none</Category><Category/><Category>wood</Category></CategoryNames>
            <ColorTable><Entry c1="1" c2="2" c3="3" c4="255"/><Entry c1="999" c2="-1" c3="0"/></ColorTable>
            <Metadata><MDI key="STATISTICS_MINIMUM">0</MDI><MDI key="STATISTICS_MAXIMUM">255</MDI>
            <MDI key="STATISTICS_STDDEV">63.0</MDI></Metadata></PAMRasterBand></PAMDataset>"#,
        )
        .unwrap();
        let band = &pam.bands[1];
        assert_eq!(band.description.as_deref(), Some("infrared"));
        assert!(band.nodata.unwrap().is_nan() && band.colour == Some(ColourInterpretation::Red));
        assert_eq!(band.categories, ["none", "", "wood"]);
        assert_eq!(band.colour_table, [[1, 2, 3, 255], [255, 0, 0, 255]]);
        assert_eq!(band.statistics.unwrap().stddev, Some(63.0));
        assert_eq!(pam.bands[0], BandMetadata::default());
    }

    #[test]
    fn the_polynomial_of_arcgis_counts_rows_upwards_from_centres() {
        let pam = parse(
            r#"<PAMDataset><Metadata domain="xml:ESRI" format="xml"><GeodataXform><PolynomialOrder>1</PolynomialOrder>
            <SpatialReference><WKT>PROJCS["x",AUTHORITY["EPSG",26986]]</WKT></SpatialReference>
            <CoeffX><Double>102628.98970237945</Double><Double>0.69056389912159655</Double>
            <Double>0.024369509776131858</Double></CoeffX><CoeffY><Double>900995.23860492266</Double>
            <Double>-0.024369509776131858</Double><Double>0.69056389912159655</Double></CoeffY>
            </GeodataXform></Metadata></PAMDataset>"#,
        )
        .unwrap();
        // rasterio 1.4.4 on arcgis_geodataxform_coeffx_coeffy.tif.
        let wanted = [102_628.656_605_184_78, 0.690_563_899_121_596_5, -0.024_369_509_776_131_858];
        let found = pam.geotransform.unwrap().0;
        assert!(found.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-9), "{found:?}");
        assert!((found[3] - 900_995.596_071_627_2).abs() < 1e-9 && found[5] < 0.0);
        assert!(pam.crs.unwrap().starts_with("PROJCS"));
    }

    #[test]
    fn control_points_of_arcgis_are_counted() {
        let pam = parse(
            "<GeodataXform><SourceGCPs><Double>1</Double><Double>2</Double><Double>3</Double><Double>4</Double>\
             </SourceGCPs></GeodataXform>",
        )
        .unwrap();
        assert_eq!((pam.ground_control_points, pam.geotransform), (2, None));
    }

    #[test]
    fn a_broken_geotransform_is_refused() {
        for numbers in ["1,2,3", "nan,1,0,0,0,1", "0,0,0,0,0,0", "a,b,c,d,e,f"] {
            let xml = format!("<PAMDataset><GeoTransform>{numbers}</GeoTransform></PAMDataset>");
            assert!(parse(&xml).is_err(), "{numbers}");
        }
    }
}
