//! What is wrong with a style whatever the imagery.

use super::{
    StyleError,
    colormap::MapKind,
    spec::{ColorMapSpec, Rescale, StyleSpec},
};

pub(super) fn check(spec: &StyleSpec) -> Result<(), StyleError> {
    exclusions(spec)?;
    let within = |key, value: f64, (least, greatest): (f64, f64), expected| {
        let good = value >= least && value <= greatest;
        if good { Ok(()) } else { Err(StyleError::OutOfRange { key, expected, value }) }
    };
    for &gamma in &spec.gamma {
        within("gamma", gamma, (0.1, 10.0), "0.1 to 10")?;
    }
    within("saturation", spec.saturation, (0.0, 10.0), "0 to 10")?;
    if let Some(contrast) = spec.contrast {
        within("contrast", contrast.strength, (-30.0, 30.0), "-30 to 30")?;
        within("contrast.midpoint", contrast.midpoint, (0.0, 1.0), "0 to 1")?;
    }
    if let Some(light) = spec.hillshade {
        within("hillshade.azimuth", light.azimuth_deg, (-360.0, 360.0), "-360 to 360 degrees")?;
        within("hillshade.altitude", light.altitude_deg, (0.0, 90.0), "0 to 90 degrees")?;
        within("hillshade.z_factor", light.z_factor, (1e-6, 1e6), "more than 0")?;
    }
    match &spec.rescale {
        Rescale::Auto => {}
        Rescale::Fixed(pairs) => {
            for &(black, white) in pairs {
                let value = if black.is_finite() { white } else { black };
                if !(black.is_finite() && white.is_finite() && black != white) {
                    return Err(StyleError::OutOfRange {
                        key: "rescale",
                        expected: "two different numbers",
                        value,
                    });
                }
            }
        }
        Rescale::Percentile { low, high, .. } => {
            within("rescale", *low, (0.0, 100.0), "0 to 100 percent")?;
            within("rescale", *high, (low + 1e-9, 100.0), "more percent than the lower one, at most 100")?;
        }
    }
    Ok(())
}

/// A setting that would have no effect is refused rather than ignored.
fn exclusions(spec: &StyleSpec) -> Result<(), StyleError> {
    let by_value = matches!(&spec.colour_map, Some(map) if !matches!(map, ColorMapSpec::Named(_)));
    let palette = spec.colour_map == Some(ColorMapSpec::Palette);
    let toned = spec.contrast.is_some() || !spec.gamma.is_empty();
    let rescaled = spec.rescale != Rescale::Auto;
    let saturated = spec.saturation != 1.0;
    let categories = matches!(
        &spec.colour_map,
        Some(ColorMapSpec::Stops { kind: MapKind::Exact, .. } | ColorMapSpec::Palette)
    );
    let shaded = spec.hillshade.is_some();
    let computed = !spec.expressions.is_empty();
    let encoded = spec.terrain_rgb.is_some();
    let untinted = shaded && spec.colour_map.is_none();
    let rules = [
        (!spec.bands.is_empty() && computed, "bands", "expression"),
        (shaded && encoded, "hillshade", "terrain_rgb"),
        (encoded && spec.colour_map.is_some(), "terrain_rgb", "colormap"),
        (encoded && computed, "terrain_rgb", "expression"),
        (shaded && computed, "hillshade", "expression"),
        (shaded && categories, "hillshade", "a colormap of categories"),
        (rescaled && encoded, "rescale", "terrain_rgb"),
        (rescaled && untinted, "rescale", "hillshade without a named colormap"),
        (rescaled && by_value, "rescale", "a colormap by value"),
        (toned && encoded, "gamma or contrast", "terrain_rgb"),
        (toned && untinted, "gamma or contrast", "hillshade without a named colormap"),
        (toned && by_value && !palette, "gamma or contrast", "a colormap by value"),
        (saturated && (encoded || shaded), "saturation", "elevations"),
        (saturated && spec.colour_map.is_some() && !palette, "saturation", "colormap"),
    ];
    match rules.into_iter().find(|(wrong, ..)| *wrong) {
        Some((_, first, second)) => Err(StyleError::Conflict { first, second }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::style::{Contrast, Hillshade};

    fn message(spec: &StyleSpec) -> String {
        check(spec).expect_err("it is wrong").to_string()
    }

    #[test]
    fn settings_without_effect_are_refused() {
        let palette = StyleSpec {
            colour_map: Some(ColorMapSpec::Palette),
            rescale: Rescale::Fixed(vec![(0.0, 1.0)]),
            ..StyleSpec::default()
        };
        assert_eq!(message(&palette), "`rescale` and `a colormap by value` exclude each other");
        let shaded =
            StyleSpec { hillshade: Some(Hillshade::default()), saturation: 2.0, ..StyleSpec::default() };
        assert_eq!(message(&shaded), "`saturation` and `elevations` exclude each other");
    }

    #[test]
    fn numbers_have_their_limits() {
        let gamma = StyleSpec { gamma: vec![1.0, 0.0, 1.0], ..StyleSpec::default() };
        assert_eq!(message(&gamma), "`gamma` is 0, it must be 0.1 to 10");
        let contrast = Some(Contrast { strength: 4.0, midpoint: f64::NAN });
        assert!(message(&StyleSpec { contrast, ..StyleSpec::default() }).contains("contrast.midpoint"));
        for pair in [(1.0, 1.0), (f64::NAN, 1.0), (0.0, f64::INFINITY)] {
            let rescale = Rescale::Fixed(vec![pair]);
            assert!(
                message(&StyleSpec { rescale, ..StyleSpec::default() }).contains("two different numbers")
            );
        }
    }

    #[test]
    fn the_automatic_style_is_right() {
        assert_eq!(check(&StyleSpec::default()), Ok(()));
    }
}
