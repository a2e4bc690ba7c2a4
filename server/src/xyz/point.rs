//! `/xyz/{layer}/point?lon={lon}&lat={lat}[&time={time}]`: what made the picture at a place, as `GeoJSON`. It knows no tile.

use std::sync::Arc;

use http::StatusCode;
use serde_json::json;
use tiler::{catalog::Imagery, crs::Crs, render::PixelValue};

use crate::{
    app::App,
    error::{Fault, Parameter},
    http::{
        Response, document,
        query::{Query, strict_decimal},
    },
    layers::{Layer, Snapshot},
    point,
};

/// Longitude and latitude.
const WGS84: u32 = 4326;

/// A place, and imagery of now or of a year.
#[derive(Debug)]
pub(super) struct Place {
    layer: String,
    imagery: Imagery,
    /// The year asked for; `None` for the newest.
    year: Option<u16>,
    lon: f64,
    lat: f64,
}

impl Place {
    /// Reads the query.
    ///
    /// # Errors
    /// The first parameter that is missing, malformed, not on the earth, or before the first imagery.
    pub(super) fn read(layer: &Layer, query: &Query) -> Result<Self, Fault> {
        let degrees = |parameter, limit: f64| {
            let number = strict_decimal(query.required(parameter)?);
            number.filter(|number| number.abs() <= limit).ok_or(Fault::Invalid { parameter })
        };
        let (lon, lat) = (degrees(Parameter::Lon, 180.0)?, degrees(Parameter::Lat, 90.0)?);
        let time = query.get(Parameter::Time)?;
        let imagery = layer.imagery_at(time).ok_or(Fault::Invalid { parameter: Parameter::Time })?.clone();
        let year = time.and_then(|time| layer.vintage_at(time)).map(|vintage| vintage.year);
        Ok(Self { layer: layer.id.clone(), imagery, year, lon, lat })
    }
}

/// The dalles under the place, the one that shows first; an empty list where there is none.
///
/// # Errors
/// Files that cannot be read, and what the tile service says.
pub(super) async fn answer(app: &App, snapshot: &Snapshot, place: Place) -> Result<Response, Fault> {
    let crs = Crs::from_epsg(WGS84).map_err(|_| Fault::Internal)?;
    let files = Arc::clone(&snapshot.files);
    let (imagery, lon, lat) = (place.imagery.clone(), place.lon, place.lat);
    let look = move || point::values(&imagery, files.as_ref(), (&crs, lon, lat));
    let values = app.tiles.run(look).await??;
    Ok(document::transient(StatusCode::OK, "application/geo+json", write(&place, &values)))
}

fn write(place: &Place, values: &[PixelValue]) -> String {
    json!({
        "type": "FeatureCollection",
        "layer": place.layer,
        "year": place.year,
        "coordinate": { "crs": "EPSG:4326", "x": place.lon, "y": place.lat },
        "features": point::features(values),
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wmts::fixture;

    fn read(query: &str) -> Result<Place, Fault> {
        Place::read(&fixture::with_vintages().layers["ortho"], &Query::parse(query)?)
    }

    #[test]
    fn a_place_is_two_numbers_and_perhaps_a_time() {
        let place = read("lon=3.87&lat=-43.6e0").expect("is well formed");
        assert_eq!((place.lon, place.lat, place.year), (3.87, -43.6, None));
        for (time, year) in [("2021", Some(2021)), ("2023-06-30", Some(2021)), ("current", None)] {
            assert_eq!(read(&format!("lon=3&lat=43&time={time}")).expect("exists").year, year, "{time}");
        }
    }

    #[test]
    fn what_is_no_place_and_no_time_is_the_clients_mistake() {
        for (query, parameter) in [
            ("lat=1", Parameter::Lon),
            ("lon=1&lat=", Parameter::Lat),
            ("lon=180.1&lat=1", Parameter::Lon),
            ("lon=1&lat=-90.5", Parameter::Lat),
            ("lon=nan&lat=1", Parameter::Lon),
            ("lon=1&lat=1,5", Parameter::Lat),
            ("lon=1&lat=2&time=bogus", Parameter::Time),
            ("lon=1&lat=2&time=2017", Parameter::Time),
            ("lon=1&lat=2&LON=1", Parameter::Lon),
        ] {
            let fault = read(query).expect_err("is refused");
            assert_eq!(fault.status(), StatusCode::BAD_REQUEST, "{query}");
            assert!(fault.to_string().contains(parameter.name()), "{query}: {fault}");
        }
    }

    #[test]
    fn the_answer_is_a_collection_and_empty_where_there_is_nothing() {
        let place = read("lon=3.87&lat=43.6&time=2021").expect("is well formed");
        let document = |values: &[PixelValue]| -> serde_json::Value {
            serde_json::from_str(&write(&place, values)).expect("is JSON")
        };
        let empty = document(&[]);
        assert_eq!((&empty["type"], &empty["features"]), (&json!("FeatureCollection"), &json!([])));
        assert_eq!((&empty["year"], &empty["coordinate"]["x"]), (&json!(2021), &json!(3.87)));
        let one = document(&[point::fixture::value("dalle", true)]);
        assert_eq!(one["features"][0]["properties"]["file"], "dalle.tif");
    }
}
