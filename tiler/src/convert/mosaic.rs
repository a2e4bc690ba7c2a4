//! The pixels of a job: of its only source, or of several, the first of them that is valid.

use std::sync::Arc;

use super::{ConvertError, Options, Watch, held::Held, part::Part, target::Target};
use crate::{
    cog::write::{PixelError, PixelSource},
    geom::{Size, Window},
    raster::{Raster, SampleType},
    source::Source,
};

/// The sources of a job on its target.
pub(super) struct Mosaic<'a> {
    parts: Vec<Part>,
    held: Held,
    size: Size,
    bands: usize,
    sample: SampleType,
    block_px: u32,
    grid: String,
    watch: &'a dyn Watch,
}

impl<'a> Mosaic<'a> {
    pub(super) fn new(
        target: &Target,
        sources: &[Arc<Source>],
        options: &Options,
        watch: &'a dyn Watch,
    ) -> Result<Self, ConvertError> {
        let first = &sources[0];
        let mut parts = Vec::new();
        for (number, source) in sources.iter().enumerate() {
            let kind = |source: &Source| format!("{} bands of {}", source.bands(), source.sample().name());
            let is_alike = source.facts().interpretation == first.facts().interpretation
                && source.facts().palette == first.facts().palette;
            if kind(source) != kind(first) || !is_alike {
                return Err(ConvertError::Unlike {
                    path: source.path().to_owned(),
                    first: first.path().to_owned(),
                    found: format!("{}, {:?}", kind(source), source.facts().interpretation),
                    expected: format!("{}, {:?}", kind(first), first.facts().interpretation),
                });
            }
            parts.extend(Part::new(number, source, target)?);
        }
        Ok(Self {
            parts,
            held: Held::default(),
            size: target.size,
            bands: first.bands(),
            sample: first.sample(),
            block_px: options.block_px,
            grid: target.name.clone(),
            watch,
        })
    }

    /// With the size of blocks that was chosen.
    pub(super) fn with_blocks(self, block_px: u32) -> Self {
        Self { block_px, ..self }
    }

    /// Whether one source has a pixel for every pixel of the target.
    pub(super) fn covers_all(&self) -> bool {
        self.parts.iter().any(|part| part.covers(self.size))
    }

    /// Which sources could not be shifted.
    pub(super) fn notes(&self) -> Vec<String> {
        let warped = self.parts.iter().filter(|part| part.is_warped());
        warped
            .map(|part| {
                let path = part.source().path().display();
                format!("{path}: its pixels do not lie on {}, so it was warped (cubic)", self.grid)
            })
            .collect()
    }
}

impl PixelSource for Mosaic<'_> {
    fn pixels(&self, window: Window) -> Result<Raster, PixelError> {
        let mut found: Option<Raster> = None;
        for part in self.parts.iter().filter(|part| part.touches(&window)) {
            let raster = part.window(&window, &self.held, self.block_px)?;
            let filled = match found {
                Some(above) => over(above, &raster),
                None => raster,
            };
            let is_full = filled.mask().is_none();
            found = Some(filled);
            if is_full {
                break;
            }
        }
        Ok(found.unwrap_or_else(|| Raster::invalid(window.size(), self.bands, self.sample)))
    }

    fn block_done(&self) {
        self.watch.block_done();
    }
}

/// What is not valid is taken from the one below.
fn over(above: Raster, below: &Raster) -> Raster {
    let (size, bands) = (above.size(), above.bands());
    let (mut samples, mask) = above.into_parts();
    let mask = mask.map(|mut mask| {
        for (pixel, valid) in mask.iter_mut().enumerate().filter(|(_, valid)| **valid == 0) {
            *valid = below.mask().map_or(255, |mask| mask[pixel]);
            if *valid != 0 {
                samples.copy_from(pixel * bands, below.samples(), pixel * bands..(pixel + 1) * bands);
            }
        }
        mask
    });
    Raster::new(size, bands, samples, mask)
}
