//! Whatever the pixels are, every kind of style gives a picture of the right size.

use proptest::prelude::*;

use super::{
    CellSize, ColorMapSpec, Contrast, Hillshade, Input, Interpretation, LayerFacts, MapKind, Pixels, Rescale,
    ShadeMethod, Stop, StyleSpec, TerrainEncoding,
};
use crate::{geom::Size, raster::SampleType};

fn any_spec() -> impl Strategy<Value = StyleSpec> {
    let fixed = || Rescale::Fixed(vec![(-5.0, 300.0)]);
    let stops: Vec<_> =
        [-1.0, 0.0, 99.5].map(|value| Stop { value, colour: [1, 200, 3, 128], label: None }).to_vec();
    let map = move |kind| Some(ColorMapSpec::Stops { kind, stops: stops.clone(), otherwise: [0; 4] });
    let light = |method| Some(Hillshade { method, ..Hillshade::default() });
    let plain = StyleSpec::default;
    let contrast = |strength| Some(Contrast { strength, midpoint: 0.0 });
    let specs = vec![
        plain(),
        StyleSpec {
            rescale: fixed(),
            gamma: vec![0.1],
            saturation: 10.0,
            contrast: contrast(-30.0),
            ..plain()
        },
        StyleSpec { rescale: fixed(), gamma: vec![10.0], contrast: contrast(30.0), ..plain() },
        StyleSpec { expressions: vec!["b3 / b1 ^ b2 - log(b1)".to_owned()], rescale: fixed(), ..plain() },
        StyleSpec { colour_map: Some(ColorMapSpec::Named("turbo".to_owned())), ..plain() },
        StyleSpec { colour_map: map(MapKind::Ramp), ..plain() },
        StyleSpec { colour_map: map(MapKind::Classes), ..plain() },
        StyleSpec { colour_map: map(MapKind::Exact), ..plain() },
        StyleSpec { hillshade: light(ShadeMethod::Single), colour_map: map(MapKind::Ramp), ..plain() },
        StyleSpec { hillshade: light(ShadeMethod::Combined), ..plain() },
        StyleSpec { hillshade: light(ShadeMethod::Multidirectional), ..plain() },
        StyleSpec { terrain_rgb: Some(TerrainEncoding::Terrarium), ..plain() },
    ];
    proptest::sample::select(specs)
}

fn any_sample() -> impl Strategy<Value = f32> {
    prop_oneof![any::<f32>(), Just(f32::NAN), Just(f32::INFINITY), Just(0.0), -10.0_f32..400.0]
}

proptest! {
    #[test]
    fn no_pixel_and_no_size_makes_it_panic(
        spec in any_spec(),
        floats in proptest::collection::vec(any_sample(), 20 * 15 * 3),
        (width, height) in (0..20_u32, 0..15_u32),
        (as_bytes, masked) in (any::<bool>(), any::<bool>()),
        (x_m, y_m) in (any::<f64>(), any::<f64>()),
    ) {
        let sample = if as_bytes { SampleType::U8 } else { SampleType::F32 };
        let facts = LayerFacts::plain(3, sample, Interpretation::Grey);
        let style = spec.resolve(&facts).expect("it fits");
        let count = (width * height) as usize;
        let bands = style.bands().len();
        let bytes: Vec<u8> = floats.iter().map(|&v| v as u8).collect();
        let mask: Vec<u8> = (0..count).map(|i| (i * 37) as u8).collect();
        let floats = Pixels::F32(&floats[..count * bands]);
        for pixels in [floats, Pixels::U8(&bytes[..count * bands])] {
            let mask = masked.then_some(mask.as_slice());
            let input = Input { size: Size::new(width, height), bands, pixels, mask };
            let output = style.apply(input, CellSize { x_m, y_m });
            let margin = 2 * style.margin_px();
            let count = width.saturating_sub(margin) * height.saturating_sub(margin);
            prop_assert_eq!(output.pixels.len(), count as usize * output.channels);
            prop_assert!(output.mask.is_none_or(|mask| mask.len() == count as usize));
        }
    }
}
