//! An index of the patches of each tier, so that any GIS opens a tier as one image.

use super::folder::CapFolder;
use crate::catalog::{
    Cap,
    index::{self, IndexError, Notes, Record},
};

/// Writes `<factor>.fgb` beside the folder of each tier.
///
/// # Errors
/// When the folder cannot be written to.
pub fn write_indexes(folder: &CapFolder, cap: &Cap) -> Result<(), IndexError> {
    for tier in cap.tiers.iter().filter(|tier| !tier.mosaic.dalles().is_empty()) {
        let path = folder.path().join(format!("{}.fgb", tier.factor));
        let records = tier.mosaic.dalles().iter().map(|dalle| Record::from(dalle.as_ref()));
        index::write(&path, &Notes::default(), records)?;
    }
    Ok(())
}
