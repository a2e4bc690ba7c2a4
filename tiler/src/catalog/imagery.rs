//! All that a tile can be made of: the dalles, and the cap above them.

use std::sync::Arc;

use super::{Cap, Dalle, Mosaic};

/// Dalles, and coarser images of them.
#[derive(Debug, Clone)]
pub struct Imagery {
    /// The dalles.
    pub mosaic: Arc<Mosaic>,
    /// Coarser images, where there are so many dalles that low zooms need them.
    pub cap: Option<Arc<Cap>>,
}

impl Imagery {
    /// Dalles without a cap.
    pub fn new(mosaic: Mosaic) -> Self {
        Self { mosaic: Arc::new(mosaic), cap: None }
    }
}

impl FromIterator<Dalle> for Imagery {
    fn from_iter<I: IntoIterator<Item = Dalle>>(dalles: I) -> Self {
        Self::new(dalles.into_iter().collect())
    }
}
