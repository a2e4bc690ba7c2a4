//! How a file is written that serves best: lossy where it was lossy, else without loss.

use std::sync::Arc;

use super::{Compress, ConvertError, Options, target::Target};
use crate::{
    codec::Predictor,
    cog::{
        self,
        write::{Chroma, Encoding, MetadataItem, MetadataRole, Transparency, WriteOptions},
    },
    raster::{Interpretation, SampleType},
    sidecar::ColourInterpretation,
    source::Source,
};

/// GDAL's own defaults.
const ZSTD_LEVEL: i32 = 9;
const DEFLATE_LEVEL: i32 = 6;

/// The options of a file made of these sources, which are alike.
pub(super) fn options(
    target: &Target,
    sources: &[Arc<Source>],
    options: &Options,
    covers_all: bool,
) -> Result<WriteOptions, ConvertError> {
    let source = &sources[0];
    let facts = source.facts();
    let interpretation =
        if facts.palette.is_empty() { facts.interpretation } else { Interpretation::Palette };
    let encoding = encoding(source, interpretation, options)?;
    let block_px = target.block_px;
    let code = target.crs.epsg();
    let own_keys =
        || (cog::crs(source.geo()).ok().as_ref() == Some(&target.crs)).then(|| source.geo().clone());
    Ok(WriteOptions {
        geo_keys: if code.is_some() { None } else { own_keys() },
        bands: source.bands(),
        sample: source.sample(),
        interpretation,
        palette: facts.palette.clone(),
        encoding,
        transparency: transparency(sources, encoding, options, covers_all),
        block_px,
        smallest_px: if options.has_overviews { block_px } else { u32::MAX },
        metadata: metadata(source),
        has_statistics: options.has_statistics,
        ..WriteOptions::new(target.size, target.geotransform, &target.crs)
    })
}

fn encoding(
    source: &Source,
    interpretation: Interpretation,
    options: &Options,
) -> Result<Encoding, ConvertError> {
    let (bands, sample) = (source.bands(), source.sample());
    let is_colour = interpretation == Interpretation::Rgb && bands == 3;
    let is_grey = matches!(interpretation, Interpretation::Grey | Interpretation::WhiteIsZero) && bands == 1;
    let is_picture = sample == SampleType::U8 && (is_colour || is_grey);
    let predictor = if interpretation == Interpretation::Palette {
        Predictor::None
    } else {
        Encoding::predictor_for(sample)
    };
    let lossless = Encoding::Zstd { level: ZSTD_LEVEL, predictor };
    let refused = |compress| {
        let path = source.path().to_owned();
        Err(ConvertError::Unfit { path, bands, sample: sample.name(), compress })
    };
    let quality = options.quality;
    Ok(match options.compress {
        None if source.facts().is_lossy && is_picture => Encoding::Jpeg { quality, chroma: Chroma::Halved },
        None | Some(Compress::Zstd) => lossless,
        Some(Compress::Deflate) => Encoding::Deflate { level: DEFLATE_LEVEL, predictor },
        Some(Compress::Jpeg) if is_picture => Encoding::Jpeg { quality, chroma: Chroma::Halved },
        Some(Compress::WebP) if is_picture && is_colour => Encoding::WebP { quality },
        Some(Compress::LosslessWebP) if is_picture && is_colour => Encoding::LosslessWebP,
        Some(Compress::Jpeg) => return refused("JPEG"),
        Some(Compress::WebP | Compress::LosslessWebP) => return refused("WebP"),
    })
}

/// Nodata and alpha stay what they are where nothing is lost; else they become a mask, as lossy values mean nothing exact.
fn transparency(
    sources: &[Arc<Source>],
    encoding: Encoding,
    options: &Options,
    covers_all: bool,
) -> Transparency {
    let of = |source: &Source| {
        let is_float = source.sample().is_float();
        let has_mask = source.level(0).has_mask();
        match source.nodata() {
            _ if options.nodata.is_some() || has_mask => Transparency::Mask,
            _ if source.has_alpha() && encoding.is_lossless() && source.sample() == SampleType::U8 => {
                Transparency::Alpha
            }
            _ if source.has_alpha() => Transparency::Mask,
            // What lossy files call nodata was told from the imagery by its place.
            Some(_) if !encoding.is_lossless() || source.facts().is_lossy => Transparency::Mask,
            Some(value) => Transparency::Nodata(value),
            None if is_float && !covers_all => Transparency::Nodata(f64::NAN),
            None if covers_all => Transparency::Opaque,
            None => Transparency::Mask,
        }
    };
    let first = of(&sources[0]);
    let is_same = |other: Transparency| match (first, other) {
        (Transparency::Nodata(a), Transparency::Nodata(b)) => a.to_bits() == b.to_bits(),
        _ => first == other,
    };
    if sources.iter().all(|source| is_same(of(source))) { first } else { Transparency::Mask }
}

/// What the source tells of the image and its bands.
fn metadata(source: &Source) -> Vec<MetadataItem> {
    let facts = source.facts();
    let is_ours =
        |domain: &str| matches!(domain, "IMAGE_STRUCTURE" | "DERIVED_SUBDATASETS" | super::made_from::DOMAIN);
    let mut items: Vec<MetadataItem> = facts
        .items
        .iter()
        .filter(|item| !is_ours(&item.domain) && item.name != "AREA_OR_POINT")
        .map(|item| MetadataItem {
            name: item.name.clone(),
            value: item.value.clone(),
            domain: item.domain.clone(),
            ..MetadataItem::default()
        })
        .collect();
    let alpha = source.alpha_band();
    let colours = facts.band_metadata.iter().enumerate().filter(|(band, _)| Some(*band) != alpha);
    for (at, (_, band)) in colours.take(source.bands()).enumerate() {
        let told = [
            ("DESCRIPTION", MetadataRole::Description, band.description.clone()),
            ("SCALE", MetadataRole::Scale, band.scale.map(|v| v.to_string())),
            ("OFFSET", MetadataRole::Offset, band.offset.map(|v| v.to_string())),
            ("UNITTYPE", MetadataRole::Unit, band.unit.clone()),
            (
                "COLORINTERP",
                MetadataRole::ColourInterpretation,
                band.colour.and_then(colour).map(str::to_owned),
            ),
        ];
        items.extend(told.into_iter().filter_map(|(name, role, value)| {
            let (name, domain) = (name.to_owned(), String::new());
            value.map(|value| MetadataItem { name, value, domain, band: Some(at), role })
        }));
    }
    items
}

/// What tags do not say.
const fn colour(colour: ColourInterpretation) -> Option<&'static str> {
    match colour {
        ColourInterpretation::Red => Some("Red"),
        ColourInterpretation::Green => Some("Green"),
        ColourInterpretation::Blue => Some("Blue"),
        ColourInterpretation::Nir => Some("NIR"),
        _ => None,
    }
}
