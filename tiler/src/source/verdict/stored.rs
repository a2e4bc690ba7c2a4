//! What the headers tell of stored blocks, by format. A new format adds its arm here; the checks stay as they are.

use super::super::{
    Source,
    level::{Blocks, Level},
};
use crate::{jp2::Jp2, tiff::GeoTags};

/// The blocks of the image at one level.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Stored {
    /// Pieces that the image has: blocks, or blocks times bands where bands are stored apart.
    pub pieces: u64,
    /// Pieces that were written.
    pub written: u64,
    /// Bytes of all of them.
    pub bytes: u64,
}

impl Level {
    pub(super) fn stored(&self) -> Stored {
        match &self.image {
            Blocks::Tiff(plane) => {
                let (offsets, counts) = (&plane.directory.offsets, &plane.directory.byte_counts);
                let written =
                    offsets.iter().zip(counts.iter()).filter(|(start, len)| **start != 0 && **len != 0);
                Stored {
                    pieces: offsets.len() as u64,
                    written: written.clone().count() as u64,
                    bytes: written.fold(0, |sum: u64, (_, len)| sum.saturating_add(*len)),
                }
            }
            Blocks::Jp2 { bytes, .. } => Stored { pieces: 1, written: 1, bytes: *bytes },
        }
    }
}

const RASTER_TYPE: u16 = 1025;
const PIXEL_IS_POINT: u16 = 2;
const GEODETIC_CRS: u16 = 2048;
const PROJECTED_CRS: u16 = 3072;
const USER_DEFINED: u16 = 32_767;

impl Source {
    /// Whether the file's coordinates are those of pixel centres, where it says so.
    pub fn is_point(&self) -> bool {
        self.geo().short_key(RASTER_TYPE) == Some(PIXEL_IS_POINT)
    }

    /// The tags that say where the image lies.
    pub fn geo(&self) -> &GeoTags {
        match &self.levels[0].image {
            Blocks::Tiff(plane) => &plane.directory.geo,
            Blocks::Jp2 { file, .. } => file.geo(),
        }
    }

    /// The headers, where it is JPEG 2000.
    pub(super) fn jp2(&self) -> Option<&Jp2> {
        match &self.levels[0].image {
            Blocks::Tiff(_) => None,
            Blocks::Jp2 { file, .. } => Some(file),
        }
    }

    /// Whether it is a BigTIFF, with offsets of 64 bits.
    pub fn is_big_tiff(&self) -> bool {
        self.files[0].read(0..4).is_ok_and(|head| head.contains(&43))
    }

    /// Whether points on the ground are all that says where the image lies.
    pub(super) fn has_control_points(&self) -> bool {
        let geo = self.geo();
        geo.pixel_scale.is_empty() && geo.tiepoints.len() > 6
    }

    /// Whether the file has words for its CRS, if only some that are not understood.
    pub(super) fn has_crs_of_its_own(&self) -> bool {
        !self.geo().key_directory.is_empty()
    }

    /// Whether the file describes its CRS by parameters, without a code.
    pub(super) fn describes_its_crs(&self) -> bool {
        let geo = self.geo();
        let code = |key| geo.short_key(key).is_some_and(|code| code != 0 && code != USER_DEFINED);
        let is_projected = geo.short_key(PROJECTED_CRS).is_some();
        self.has_crs_of_its_own() && !code(if is_projected { PROJECTED_CRS } else { GEODETIC_CRS })
    }

    /// Whether some pixels are hidden by a mask or by alpha, which lossy compression does not touch.
    pub(super) fn has_exact_mask(&self) -> bool {
        self.has_alpha() || self.levels[0].has_mask()
    }
}
