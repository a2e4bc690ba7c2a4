//! What tiles will look like.

use super::{Advice, Severity, quoted};
use crate::{
    raster::{Interpretation, SampleType},
    source::{COLLAR_TOLERANCE, Source},
};

pub(super) fn lossy_nodata(source: &Source) -> Option<Advice> {
    let value = source.rules.nodata.filter(|_| source.facts.is_lossy && !source.has_exact_mask())?;
    let tolerance = COLLAR_TOLERANCE * source.facts.levels_per_byte();
    Some(Advice {
        code: "lossy-nodata",
        severity: Severity::Picture,
        cost: format!(
            "nodata {value} with {} compression: fringes along the edge of the imagery; a collar within {tolerance} \
             of the value that touches the image's border is hidden as well",
            source.facts.compression
        ),
        // The collar becomes a mask of its own.
        remedy: Some(source.to_cog()),
    })
}

pub(super) fn sparse(source: &Source) -> Option<Advice> {
    let stored = source.levels[0].stored();
    let missing = stored.pieces.saturating_sub(stored.written);
    if missing == 0 {
        return None;
    }
    let blocks = format!("{missing} of {} blocks were never written", stored.pieces);
    let is_hidden = source.rules.hide_anything() || source.levels[0].has_mask();
    let (severity, cost, remedy) = if is_hidden {
        (Severity::Note, format!("{blocks}: they are transparent and cost nothing"), None)
    } else {
        let remedy = format!("gdal_edit.py -a_nodata 0 {}", quoted(&source.path));
        (
            Severity::Picture,
            format!("{blocks}, and nothing says that they are transparent: they are black"),
            Some(remedy),
        )
    };
    Some(Advice { code: "sparse", severity, cost, remedy })
}

pub(super) fn stretched(source: &Source) -> Option<Advice> {
    let is_table = source.facts.interpretation == Interpretation::Palette;
    if source.facts.sample == SampleType::U8 || is_table {
        return None;
    }
    Some(Advice {
        code: "stretched",
        severity: Severity::Note,
        cost: format!(
            "{} samples are stretched to 8 bits by statistics, file by file; a range in the layer's style fixes it",
            source.facts.sample.name()
        ),
        remedy: None,
    })
}

pub(super) fn palette(source: &Source) -> Option<Advice> {
    (source.facts.interpretation == Interpretation::Palette).then(|| Advice {
        code: "palette",
        severity: Severity::Note,
        cost: format!(
            "{} colours by index: neighbours are not mixed, resampling is nearest",
            source.facts.palette.len()
        ),
        remedy: None,
    })
}
