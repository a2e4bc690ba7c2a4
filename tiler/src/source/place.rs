//! Where an image lies: its CRS and geotransform, and how it lies in other CRSs.

use std::{collections::HashMap, sync::Arc};

use parking_lot::RwLock;

use crate::{
    crs::{Crs, CrsError, Transform},
    geom::{Bounds, GeoTransform, Size},
};

/// Where an image lies.
#[derive(Debug)]
pub struct Place {
    crs: Crs,
    geotransform: GeoTransform,
    to_pixel: GeoTransform,
    size: Size,
    placements: Placements,
}

/// How imagery lies in the CRSs that have been asked for.
#[derive(Debug, Default)]
pub struct Placements(RwLock<HashMap<Crs, Option<Arc<Placement>>>>);

impl Placements {
    /// How imagery of a CRS, with points along its edge, lies in another one; `None` where that cannot show it.
    ///
    /// # Errors
    /// When no way between the two is known.
    pub fn get(
        &self,
        own: &Crs,
        other: &Crs,
        outline: impl Iterator<Item = (f64, f64)>,
    ) -> Result<Option<Arc<Placement>>, CrsError> {
        if let Some(known) = self.0.read().get(other) {
            return Ok(known.clone());
        }
        let there = Transform::new(own, other)?;
        let transform = Transform::new(other, own)?;
        let edge = outline.filter_map(|(x, y)| there.convert(x, y));
        let placement = Bounds::around(edge)
            .filter(Bounds::is_valid)
            .map(|bounds| Arc::new(Placement { transform, there, bounds }));
        self.0.write().insert(other.clone(), placement.clone());
        Ok(placement)
    }
}

/// How an image lies in another CRS.
#[derive(Debug)]
pub struct Placement {
    /// From that CRS to the image's.
    pub transform: Transform,
    /// The way back.
    pub there: Transform,
    /// The image's bounds in that CRS.
    pub bounds: Bounds,
}

impl Place {
    /// `None` when the pixels have no area.
    pub(super) fn new(crs: Crs, geotransform: GeoTransform, size: Size) -> Option<Self> {
        let to_pixel = geotransform.inverse()?;
        Some(Self { crs, geotransform, to_pixel, size, placements: Placements::default() })
    }

    /// The CRS of the image.
    pub fn crs(&self) -> &Crs {
        &self.crs
    }

    /// From pixels of the full resolution image to its CRS.
    pub fn geotransform(&self) -> &GeoTransform {
        &self.geotransform
    }

    /// From the image's CRS to pixels of the full resolution image.
    pub fn to_pixel(&self) -> &GeoTransform {
        &self.to_pixel
    }

    /// Bounds in the image's CRS.
    pub fn bounds(&self) -> Bounds {
        self.geotransform.bounds(self.size)
    }

    /// How the image lies in another CRS; `None` where that CRS cannot show it.
    ///
    /// # Errors
    /// When no way between the two is known.
    pub fn placement(&self, crs: &Crs) -> Result<Option<Arc<Placement>>, CrsError> {
        self.placements.get(&self.crs, crs, self.outline())
    }

    /// Bounds in another CRS; `None` where that CRS cannot show the image.
    pub fn bounds_in(&self, crs: &Crs) -> Option<Bounds> {
        self.placement(crs).ok().flatten().map(|placement| placement.bounds)
    }

    /// Points along the edge of the image, which for a rotated image is not the edge of its bounds.
    fn outline(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        let (width, height) = (f64::from(self.size.width), f64::from(self.size.height));
        Bounds::new(0.0, 0.0, width, height)
            .edge_points(32)
            .map(|(col, row)| self.geotransform.apply(col, row))
    }
}
