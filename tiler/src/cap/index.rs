//! An index of the patches of each tier, so that any GIS opens a tier as one image.

use super::folder::CapFolder;
use crate::catalog::{
    Cap, Dalle,
    index::{self, IndexError, Notes, Record},
};

/// Writes `<factor>.fgb` beside the folder of each tier.
///
/// # Errors
/// When the folder cannot be written to.
pub fn write_indexes(folder: &CapFolder, cap: &Cap) -> Result<(), IndexError> {
    for tier in cap.tiers.iter().filter(|tier| !tier.mosaic.dalles().is_empty()) {
        let path = folder.path().join(format!("{}.fgb", tier.factor));
        let records = tier.mosaic.dalles().iter().map(|dalle| record(dalle));
        index::write(&path, &Notes::default(), records)?;
    }
    Ok(())
}

fn record(dalle: &Dalle) -> Record {
    let Dalle { kind, stamp, .. } = dalle;
    Record {
        location: std::path::absolute(&dalle.path).unwrap_or_else(|_| dalle.path.to_path_buf()),
        crs: Some(kind.crs.name()),
        geotransform: Some(dalle.geotransform),
        bounds: Some(dalle.bounds()),
        size: Some(kind.size()),
        overviews: kind.levels[1..].to_vec(),
        bands: Some(kind.bands),
        sample: Some(kind.sample),
        compression: Some(kind.compression.clone()),
        is_lossy: Some(kind.is_lossy),
        has_transparency: Some(kind.has_transparency),
        bytes: Some(stamp.bytes),
        mtime_ns: Some(stamp.mtime_ns),
        inode: Some(stamp.inode),
        generation: Some(dalle.generation),
        ..Record::default()
    }
}
