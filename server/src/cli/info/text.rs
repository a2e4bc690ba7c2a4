//! The facts of a file as text, in the order and the words of `gdalinfo`.

use tiler::{geom::Size, source::Source, tms::Registry};

use super::{
    super::columns::{bytes, columns},
    corners, photometric,
};
use crate::{
    inspect::{Dalle, alignments, unit},
    log::printable,
};

pub(super) fn lines(source: &Source) -> Vec<String> {
    let mut out = Vec::new();
    file(source, &mut out);
    place(source, &mut out);
    structure(source, &mut out);
    bands(source, &mut out);
    notes(source, &mut out);
    verdict(source, &mut out);
    out
}

fn file(source: &Source, out: &mut Vec<String>) {
    let big = if source.is_big_tiff() { ", BigTIFF" } else { "" };
    out.push(format!("Driver: {}{big}", source.facts().format));
    let all = [source.identity()].into_iter().chain(source.beside());
    let files: Vec<Vec<String>> = all
        .enumerate()
        .map(|(at, file)| {
            let path = printable(&file.path.display().to_string());
            vec![if at == 0 { "Files:" } else { "" }.to_owned(), path, bytes(file.size)]
        })
        .collect();
    out.extend(columns(&files));
    out.push(format!("Size is {}, {}", source.size().width, source.size().height));
}

fn place(source: &Source, out: &mut Vec<String>) {
    let crs = source.crs();
    out.push(match crs {
        Some(crs) if crs.name() == crs.title() => format!("Coordinate System is {}", printable(crs.title())),
        Some(crs) => format!("Coordinate System is {} ({})", printable(crs.title()), printable(&crs.name())),
        None => "Coordinate System is not known".to_owned(),
    });
    let Some(geotransform) = source.geotransform() else { return };
    let c = geotransform.0;
    let unit = crs.map_or("units", unit);
    if c[2] == 0.0 && c[4] == 0.0 {
        out.push(format!("Origin = ({}, {})", c[0], c[3]));
        out.push(format!("Pixel Size = ({}, {}) {unit}", c[1], c[5]));
    } else {
        out.push(format!("GeoTransform = {}, {}, {}, {}, {}, {}", c[0], c[1], c[2], c[3], c[4], c[5]));
    }
    if let Some(best) =
        alignments(&[Dalle::of(source, None)], &Registry::standard()).first().and_then(|sets| sets.first())
    {
        out.push(format!("Tiles: {}", best.words()));
    }
    out.push("Corner Coordinates:".to_owned());
    let digits = if crs.is_some_and(tiler::crs::Crs::is_geographic) { 8 } else { 3 };
    let corners: Vec<Vec<String>> = corners(source)
        .into_iter()
        .map(|corner| {
            let (x, y) = corner.at;
            let degrees = corner.degrees.map(|(x, y)| format!("({x:.7}°, {y:.7}°)")).unwrap_or_default();
            vec![format!("  {}", corner.name), format!("({x:.digits$}, {y:.digits$})"), degrees]
        })
        .collect();
    out.extend(columns(&corners));
}

fn structure(source: &Source, out: &mut Vec<String>) {
    let facts = source.facts();
    out.push("Metadata:".to_owned());
    let area = if source.is_point() { "Point" } else { "Area" };
    out.push(format!("  AREA_OR_POINT={area}"));
    out.push(format!("  COMPRESSION={}{}", facts.compression, if facts.is_lossy { " (lossy)" } else { "" }));
    out.push(format!("  INTERLEAVE={}", if facts.is_planar { "BAND" } else { "PIXEL" }));
    out.push(format!("  PHOTOMETRIC={}", photometric(facts.interpretation, facts.is_ycbcr)));
}

fn bands(source: &Source, out: &mut Vec<String>) {
    let (facts, level) = (source.facts(), source.level(0));
    let size = |size: &Size| format!("{}x{}", size.width, size.height);
    let block = facts.block;
    let bits = if usize::from(facts.bits) == facts.sample.bytes() * 8 {
        String::new()
    } else {
        format!(" ({} bits)", facts.bits)
    };
    for band in source.band_facts() {
        let description = band.description.map(|text| format!(", {}", printable(&text))).unwrap_or_default();
        out.push(format!(
            "Band {} Block={} Type={}{bits}, ColorInterp={}{description}",
            band.index,
            size(&block),
            facts.sample.name(),
            band.interpretation
        ));
        if let Some(statistics) = band.statistics {
            let rest = match (statistics.mean, statistics.stddev) {
                (Some(mean), Some(stddev)) => format!(", Mean={mean}, StdDev={stddev}"),
                _ => String::new(),
            };
            out.push(format!("  Minimum={}, Maximum={}{rest}", statistics.min, statistics.max));
        }
        if band.scale.is_some() || band.offset.is_some() {
            let (offset, scale) = (band.offset.unwrap_or(0.0), band.scale.unwrap_or(1.0));
            out.push(format!("  Offset: {offset},   Scale:{scale}"));
        }
        if let Some(unit) = &band.unit {
            out.push(format!("  Unit Type: {}", printable(unit)));
        }
    }
    // The same for all bands.
    if let Some(nodata) = source.nodata() {
        // Numbers at the end of the range have hundreds of digits.
        let text = if nodata.abs() >= 1e16 { format!("{nodata:e}") } else { nodata.to_string() };
        out.push(format!("  NoData Value={text}"));
    }
    let overviews = source.overviews();
    if !overviews.is_empty() {
        out.push(format!("  Overviews: {}", overviews.iter().map(size).collect::<Vec<_>>().join(", ")));
    }
    if level.has_mask() {
        let of = if level.has_mask_of_all_bands() { "PER_DATASET" } else { "of each band" };
        out.push(format!("  Mask Flags: {of}"));
    }
}

fn notes(source: &Source, out: &mut Vec<String>) {
    out.extend(source.facts().notes.iter().map(|note| format!("Note: {}", printable(note))));
}

fn verdict(source: &Source, out: &mut Vec<String>) {
    let cost = source.cost();
    out.push(format!(
        "A tile costs about {:.1} ms and {} at full resolution, up to {:.1} ms and {} at lower zooms",
        cost.native_tile_ms,
        bytes(cost.native_tile_bytes),
        cost.low_zoom_tile_ms,
        bytes(cost.low_zoom_bytes)
    ));
    out.push("Verdict:".to_owned());
    let advice = source.verdict();
    let heads: Vec<Vec<String>> = advice
        .iter()
        .map(|advice| {
            vec![format!("  {}", advice.severity.name()), advice.code.to_owned(), printable(&advice.cost)]
        })
        .collect();
    for (head, advice) in columns(&heads).into_iter().zip(advice) {
        out.push(head);
        if let Some(remedy) = advice.remedy {
            out.push(format!("      mend {remedy}"));
        }
    }
}
