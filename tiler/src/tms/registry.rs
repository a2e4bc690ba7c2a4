//! The sets a server knows, by name. It is filled once, then only read.

use std::collections::HashMap;
use std::sync::Arc;

use super::{TileMatrixSet, TmsError, json, standard};
use crate::crs::Crs;

/// Sets by identifier or alias, in any case.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    sets: Vec<Arc<TileMatrixSet>>,
    by_name: HashMap<String, Arc<TileMatrixSet>>,
}

impl Registry {
    /// OGC's and IGN's sets.
    pub fn standard() -> Self {
        let mut registry = Self::default();
        for set in standard::sets() {
            registry.insert(Arc::new(set));
        }
        registry
    }

    /// The set of a name: identifier or alias, alone or as `<name>_<top>_<bottom>`, as ROK4 publishes it.
    pub fn get(&self, name: &str) -> Option<&Arc<TileMatrixSet>> {
        let find = |name: &str| self.by_name.get(&name.to_ascii_lowercase());
        find(name).or_else(|| find(without_levels(name)?))
    }

    /// Adds a set. One of the same identifier is replaced, and its names now mean this one.
    pub fn insert(&mut self, set: Arc<TileMatrixSet>) {
        self.sets.retain(|known| known.id != set.id);
        for name in set.aliases.iter().chain([&set.id]) {
            self.by_name.insert(name.to_ascii_lowercase(), Arc::clone(&set));
        }
        self.sets.push(set);
    }

    /// Adds the set of an OGC TMS 2.0 JSON document.
    ///
    /// # Errors
    ///
    /// When the document is not one, or describes what is not supported; the error names the field.
    pub fn insert_json(&mut self, document: &str) -> Result<Arc<TileMatrixSet>, TmsError> {
        let set = Arc::new(json::read(document)?);
        self.insert(Arc::clone(&set));
        Ok(set)
    }

    /// All sets, the most asked for first, added ones last.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<TileMatrixSet>> {
        self.sets.iter()
    }

    /// The set in which imagery of a CRS is published without reprojection.
    ///
    /// It is one of the registry, or one made for the CRS, `EPSG_<code>_5cm`, which the caller inserts when it
    /// publishes it. `None` for a CRS without a code.
    pub fn native_for(&self, crs: &Crs) -> Option<Arc<TileMatrixSet>> {
        let known = standard::native_id(crs).and_then(|id| self.get(&id).cloned());
        known.or_else(|| {
            let made = standard::generated(crs)?;
            Some(self.get(&made.id).cloned().unwrap_or_else(|| Arc::new(made)))
        })
    }
}

/// `2154_5cm` of `2154_5cm_6_22`; `None` when the name does not end in two numbers.
pub(super) fn without_levels(name: &str) -> Option<&str> {
    let number = |text: &str| !text.is_empty() && text.len() <= 2 && text.bytes().all(|b| b.is_ascii_digit());
    let (rest, bottom) = name.rsplit_once('_')?;
    let (name, top) = rest.rsplit_once('_')?;
    (number(top) && number(bottom)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id_of(name: &str) -> Option<String> {
        Registry::standard().get(name).map(|set| set.id.clone())
    }

    #[test]
    fn a_set_answers_to_all_its_names() {
        for (name, id) in [
            ("WebMercatorQuad", "WebMercatorQuad"),
            ("webmercatorquad", "WebMercatorQuad"),
            ("PM", "WebMercatorQuad"),
            ("PM_0_19", "WebMercatorQuad"),
            ("PM_5cm_0_22", "WebMercatorQuad"),
            ("EPSG:3857", "WebMercatorQuad"),
            ("GoogleMapsCompatible", "WebMercatorQuad"),
            ("2154_5cm", "LAMB93_5cm"),
            ("2154_5cm_6_22", "LAMB93_5cm"),
            ("LAMB93_6_21", "LAMB93"),
            ("3946_5cm", "CC46_5cm"),
            ("UTM20W84GUAD_10cm", "4559_10cm"),
        ] {
            assert_eq!(id_of(name).as_deref(), Some(id), "{name}");
        }
        for name in ["", "_", "PM_0", "PM_a_b", "PM_0_100", "2154"] {
            assert_eq!(id_of(name), None, "{name}");
        }
    }

    #[test]
    fn every_crs_with_a_code_has_a_native_set() {
        let registry = Registry::standard();
        for (code, id) in [
            (2154, "LAMB93_5cm"),
            (3946, "CC46_5cm"),
            (9846, "RGF93v2b_CC46_5cm"),
            (3857, "WebMercatorQuad"),
            (4326, "WorldCRS84Quad"),
            (2975, "2975_5cm"),
            (32631, "EPSG_32631_5cm"),
            (2056, "EPSG_2056_5cm"),
            (4258, "EPSG_4258_Quad"),
        ] {
            let set = registry.native_for(&Crs::from_epsg(code).unwrap()).unwrap();
            assert_eq!(set.id, id);
        }
        let unknown = Crs::from_name("+proj=utm +zone=31 +ellps=intl").unwrap();
        assert!(registry.native_for(&unknown).is_none());
    }

    #[test]
    fn a_set_made_for_a_crs_is_found_once_it_is_inserted() {
        let mut registry = Registry::standard();
        let utm = Crs::from_epsg(32631).unwrap();
        let made = registry.native_for(&utm).unwrap();
        assert!(registry.get(&made.id).is_none());
        registry.insert(Arc::clone(&made));
        assert!(Arc::ptr_eq(&registry.native_for(&utm).unwrap(), &made));
    }

    #[test]
    fn a_set_of_the_same_id_is_replaced() {
        let mut registry = Registry::standard();
        let before = registry.iter().count();
        let mut set = TileMatrixSet::clone(registry.get("LAMB93_5cm").unwrap());
        "mine".clone_into(&mut set.title);
        registry.insert(Arc::new(set));
        assert_eq!(registry.iter().count(), before);
        assert_eq!(registry.get("2154_5cm").unwrap().title, "mine");
    }
}
