//! Recognises the Lambert zones of NTF, in which old French deliveries come, Lambert II étendu first among them.

use proj_core::{CrsDef, DatumToWgs84, ProjectionMethod};

/// Lambert zones of NTF: code, latitude of origin, scale, false easting and northing; all on the meridian of Paris.
const NTF: [(u32, f64, f64, f64, f64); 8] = [
    (27572, 46.8, 0.999_877_42, 600_000.0, 2_200_000.0),
    (27571, 49.5, 0.999_877_341, 600_000.0, 1_200_000.0),
    (27573, 44.1, 0.999_877_499, 600_000.0, 3_200_000.0),
    (27574, 42.165, 0.999_944_71, 234.358, 4_185_861.369),
    (27561, 49.5, 0.999_877_341, 600_000.0, 200_000.0),
    (27562, 46.8, 0.999_877_42, 600_000.0, 200_000.0),
    (27563, 44.1, 0.999_877_499, 600_000.0, 200_000.0),
    (27564, 42.165, 0.999_944_71, 234.358, 185_861.369),
];
const PARIS_DEG: f64 = 2.337_229_166_666_67;

/// The code of a Lambert zone of NTF, written with one standard parallel and a scale, or with two as some software does.
pub(super) fn code(def: &CrsDef) -> Option<u32> {
    let projected = def.as_projected()?;
    let ProjectionMethod::LambertConformalConic { lon0, lat0, lat1, lat2, k0, false_easting, false_northing } =
        projected.method()
    else {
        return None;
    };
    let near = |a: f64, b: f64, tolerance: f64| (a - b).abs() <= tolerance;
    let ellipsoid = def.datum().ellipsoid();
    let clarke = near(ellipsoid.semi_major_axis(), 6_378_249.2, 0.1)
        && near(1.0 / ellipsoid.flattening(), 293.466, 1e-3);
    let shift_is_the_usual = match def.datum().to_wgs84() {
        DatumToWgs84::Helmert(h) => {
            near(h.dx(), -168.0, 0.1) && near(h.dy(), -60.0, 0.1) && near(h.dz(), 320.0, 0.1)
        }
        _ => !def.datum().declares_shift(),
    };
    if !clarke
        || !shift_is_the_usual
        || !near(lon0, PARIS_DEG, 1e-5)
        || !near(projected.linear_unit_to_meter(), 1.0, 1e-12)
    {
        return None;
    }
    let zone = NTF.iter().find(|(_, lat, scale, x, y)| {
        let one = near(lat1, lat2, 1e-9) && near(k0, *scale, 1e-8) && near(lat1, *lat, 1e-6);
        let two =
            !near(lat1, lat2, 1e-9) && near(f64::midpoint(lat1, lat2), *lat, 0.01) && near(k0, 1.0, 1e-9);
        let origin =
            near(lat0, *lat, 1e-6) && near(false_easting, *x, 0.01) && near(false_northing, *y, 0.01);
        origin && (one || two)
    });
    zone.map(|(code, ..)| *code)
}

#[cfg(test)]
mod tests {
    use crate::crs::Crs;

    #[test]
    fn lambert_2_etendu_is_recognised_in_three_spellings() {
        for text in [
            "+proj=lcc +lat_1=46.8 +lat_0=46.8 +lon_0=2.337229166666667 +k_0=0.99987742 +x_0=600000 +y_0=2200000 \
             +a=6378249.2 +b=6356515 +towgs84=-168,-60,320,0,0,0,0 +units=m +no_defs",
            r#"PROJCS["NTF_Lambert_II_etendu",GEOGCS["GCS_NTF",DATUM["D_NTF",SPHEROID["Clarke_1880_IGN",
               6378249.2,293.46602]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],
               PROJECTION["Lambert_Conformal_Conic"],PARAMETER["False_Easting",600000.0],
               PARAMETER["False_Northing",2200000.0],PARAMETER["Central_Meridian",2.337229166666667],
               PARAMETER["Standard_Parallel_1",45.89891888888889],PARAMETER["Standard_Parallel_2",47.69601444444444],
               PARAMETER["Scale_Factor",1.0],PARAMETER["Latitude_Of_Origin",46.8],UNIT["Meter",1.0]]"#,
            r#"PROJCS["NTF (Paris) / Lambert zone II",GEOGCS["NTF (Paris)",DATUM["Nouvelle_Triangulation_Francaise_Paris",
               SPHEROID["Clarke 1880 (IGN)",6378249.2,293.466021293627]],PRIMEM["Paris",2.33722917],
               UNIT["grad",0.01570796326794897]],PROJECTION["Lambert_Conformal_Conic_1SP"],
               PARAMETER["latitude_of_origin",52],PARAMETER["central_meridian",0],PARAMETER["scale_factor",0.99987742],
               PARAMETER["false_easting",600000],PARAMETER["false_northing",2200000],UNIT["metre",1],
               AUTHORITY["EPSG","27572"]]"#,
        ] {
            assert_eq!(Crs::from_name(text).unwrap().epsg(), Some(27572), "{text}");
        }
    }
}
