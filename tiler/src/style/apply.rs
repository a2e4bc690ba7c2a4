//! Numbers to colours: one function for each kind of style.

use super::{
    CellSize, Input, Output, Pixels, Style,
    colormap::Rgba,
    elevation::TerrainEncoding,
    expression::Scratch,
    hillshade::{Elevations, Shader},
    planes::{BLOCK, Planes},
    recipe::{Channel, Colouring, Levels, Recipe, Source},
    tone::{level, saturate},
};

pub(super) fn apply(style: &Style, input: &Input<'_>, cell: CellSize) -> Output {
    let margin = style.margin_px() as usize;
    let (width, height) = (input.size.width as usize, input.size.height as usize);
    let count = width.saturating_sub(2 * margin) * height.saturating_sub(2 * margin);
    let channels = style.channels();
    let mut canvas = Canvas { channels, pixels: vec![0; count * channels], mask: vec![0; count] };
    if count > 0 && input.fits(style.bands().len()) {
        match &style.0.recipe {
            Recipe::Same => canvas.same(input),
            Recipe::Levels(tables) => canvas.levels(input, tables),
            Recipe::Colours(table) => canvas.colours(input, table),
            Recipe::Tones(channels) => canvas.tones(input, channels),
            Recipe::Saturated { channels, amount } => canvas.saturated(input, channels, *amount),
            Recipe::Mapped { source, colouring } => canvas.mapped(input, source, colouring),
            Recipe::Relief { light, tint } => canvas.relief(input, &Shader::new(light, cell), tint.as_ref()),
            Recipe::Terrain(encoding) => canvas.terrain(input, *encoding),
        }
    }
    let mask = canvas.mask.iter().any(|&m| m != 255).then_some(canvas.mask);
    Output { channels, pixels: canvas.pixels, mask }
}

/// The picture under construction; all of it is transparent at first.
struct Canvas {
    channels: usize,
    pixels: Vec<u8>,
    mask: Vec<u8>,
}

/// The nearest of the values that 8 bits can have; 0 for NaN.
fn byte(value: f32) -> u8 {
    (value + 0.5) as u8
}

/// Validity weakened by an opacity.
fn weaken(validity: u8, alpha: u8) -> u8 {
    ((u32::from(validity) * u32::from(alpha) + 127) / 255) as u8
}

impl Canvas {
    fn copy_mask(&mut self, input: &Input<'_>) {
        match input.mask {
            Some(mask) => self.mask.copy_from_slice(mask),
            None => self.mask.fill(255),
        }
    }

    fn same(&mut self, input: &Input<'_>) {
        match input.pixels {
            Pixels::U8(samples) => self.pixels.copy_from_slice(samples),
            Pixels::F32(samples) => {
                self.pixels.iter_mut().zip(samples).for_each(|(out, &value)| *out = byte(value));
            }
        }
        self.copy_mask(input);
    }

    fn levels(&mut self, input: &Input<'_>, tables: &[Levels]) {
        let step = self.channels;
        for (channel, Levels { slot, table }) in tables.iter().enumerate() {
            let out = self.pixels.iter_mut().skip(channel).step_by(step);
            match input.pixels {
                Pixels::U8(samples) => {
                    let samples = samples.iter().skip(*slot).step_by(input.bands);
                    out.zip(samples).for_each(|(out, &value)| *out = table[usize::from(value)]);
                }
                Pixels::F32(samples) => {
                    let samples = samples.iter().skip(*slot).step_by(input.bands);
                    out.zip(samples).for_each(|(out, &value)| *out = table[usize::from(byte(value))]);
                }
            }
        }
        self.copy_mask(input);
    }

    fn colours(&mut self, input: &Input<'_>, table: &[Rgba; 256]) {
        for index in 0..self.mask.len() {
            let value = match input.pixels {
                Pixels::U8(samples) => samples[index],
                Pixels::F32(samples) => byte(samples[index]),
            };
            self.put(index, table[usize::from(value)], input.validity(index));
        }
    }

    fn tones(&mut self, input: &Input<'_>, channels: &[Channel]) {
        let mut planes = Planes::new(input.bands);
        let mut scratch = Scratch::default();
        self.copy_mask(input);
        let step = self.channels;
        for start in (0..input.count()).step_by(BLOCK) {
            let count = planes.load(input, start);
            let mask = &mut self.mask[start..start + count];
            for (i, Channel { source, curve, .. }) in channels.iter().enumerate() {
                let values = source.run(&planes, &mut scratch);
                let out = self.pixels[start * step + i..].iter_mut().step_by(step);
                for ((out, mask), &value) in out.zip(&mut *mask).zip(values) {
                    *out = curve.level(value);
                    if !value.is_finite() {
                        *mask = 0;
                    }
                }
            }
        }
    }

    fn saturated(&mut self, input: &Input<'_>, channels: &[Channel; 3], saturation: f64) {
        let mut planes = Planes::new(input.bands);
        let mut scratch = Scratch::default();
        let mut brightness = [[0.0; BLOCK]; 3];
        self.copy_mask(input);
        for start in (0..input.count()).step_by(BLOCK) {
            let count = planes.load(input, start);
            for (Channel { source, curve, .. }, out) in channels.iter().zip(&mut brightness) {
                let values = source.run(&planes, &mut scratch);
                out.iter_mut().zip(values).take(count).for_each(|(out, &v)| *out = curve.tone.brightness(v));
            }
            let [r, g, b] = &brightness;
            let pixels =
                self.pixels[start * 3..].chunks_exact_mut(3).zip(&mut self.mask[start..start + count]);
            for (i, (pixel, mask)) in pixels.enumerate() {
                let colour = saturate([r[i], g[i], b[i]], saturation);
                pixel.copy_from_slice(&colour.map(level));
                // One that is not a number makes the luma so, and with it all three.
                if colour[0].is_nan() {
                    *mask = 0;
                }
            }
        }
    }

    fn mapped(&mut self, input: &Input<'_>, source: &Source, colouring: &Colouring) {
        let mut planes = Planes::new(input.bands);
        let mut scratch = Scratch::default();
        for start in (0..input.count()).step_by(BLOCK) {
            let count = planes.load(input, start);
            let values = source.run(&planes, &mut scratch);
            for (i, &value) in values.iter().enumerate().take(count) {
                if value.is_finite() {
                    self.put(start + i, colouring.colour(value), input.validity(start + i));
                }
            }
        }
    }

    fn relief(&mut self, input: &Input<'_>, shader: &Shader, tint: Option<&Colouring>) {
        let elevations = Elevations::of(input);
        let width = input.size.width as usize;
        let inner = width - 2;
        for index in 0..self.mask.len() {
            let at = (index / inner + 1) * width + index % inner + 1;
            let Some(around) = elevations.around(at) else { continue };
            let shade = shader.shade(&around);
            if shade.is_nan() {
                continue;
            }
            match tint {
                None => {
                    self.pixels[index] = (shade + 0.5) as u8;
                    self.mask[index] = input.validity(at);
                }
                Some(colouring) => {
                    let [colour @ .., alpha] = colouring.colour(around[4]);
                    let [r, g, b] = colour.map(|c| (f64::from(c) * shade / 255.0 + 0.5) as u8);
                    self.put(index, [r, g, b, alpha], input.validity(at));
                }
            }
        }
    }

    /// Numbers know no half-transparency: a pixel is there or not.
    fn terrain(&mut self, input: &Input<'_>, encoding: TerrainEncoding) {
        for index in 0..self.mask.len() {
            if input.validity(index) > 0
                && let Some([r, g, b]) = encoding.encode(input.sample(index))
            {
                self.put(index, [r, g, b, 255], 255);
            }
        }
    }

    /// Three channels of a pixel.
    fn put(&mut self, index: usize, [r, g, b, alpha]: Rgba, validity: u8) {
        self.pixels[index * 3..index * 3 + 3].copy_from_slice(&[r, g, b]);
        self.mask[index] = weaken(validity, alpha);
    }
}

impl Source {
    fn run<'a>(&self, planes: &'a Planes, scratch: &'a mut Scratch) -> &'a [f64; BLOCK] {
        match self {
            Self::Slot(slot) => planes.band(*slot),
            Self::Expression(expression) => expression.run(planes, scratch),
        }
    }
}

impl Colouring {
    /// The colour of a value.
    pub(super) fn colour(&self, value: f64) -> Rgba {
        match self {
            Self::Gradient { tone, gradient } => {
                let t = tone.brightness(value);
                let [r, g, b] = gradient[usize::from(level(t))];
                [r, g, b, if t.is_nan() { 0 } else { 255 }]
            }
            Self::Map(map) => map.colour(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        geom::Size,
        raster::SampleType,
        style::{
            BandStatistics, ColorMapSpec, Hillshade, Interpretation, LayerFacts, MapKind, Rescale, Stop,
            StyleSpec,
        },
    };

    const CELL: CellSize = CellSize { x_m: 5.0, y_m: 5.0 };

    fn row<'a>(pixels: Pixels<'a>, bands: usize, mask: Option<&'a [u8]>) -> Input<'a> {
        let samples = match pixels {
            Pixels::U8(samples) => samples.len(),
            Pixels::F32(samples) => samples.len(),
        };
        Input { size: Size::new((samples / bands) as u32, 1), bands, pixels, mask }
    }

    fn style(spec: &StyleSpec, bands: usize, sample: SampleType) -> Style {
        spec.resolve(&LayerFacts::plain(bands, sample, Interpretation::Grey)).expect("it fits")
    }

    #[test]
    fn sixteen_bits_become_eight_by_percentiles() {
        // numpy.floor(numpy.clip((v - 20) / (980 - 20), 0, 1) * 255 + .5) for v in 0 20 500 777 980 4000
        let mut facts = LayerFacts::plain(1, SampleType::U16, Interpretation::Grey);
        let quantiles = (0..=100_u8).map(|i| 10.0 * f32::from(i)).collect();
        facts.statistics =
            vec![BandStatistics { min: 0.0, max: 4000.0, mean: None, stddev: None, quantiles }];
        let style = StyleSpec::default().resolve(&facts).expect("it fits");
        let output = style.apply(row(Pixels::F32(&[0.0, 20.0, 500.0, 777.0, 980.0, 4000.0]), 1, None), CELL);
        assert_eq!(output.pixels, [0, 0, 128, 201, 255, 255]);
        assert_eq!((output.channels, output.mask), (1, None));
    }

    #[test]
    fn white_is_zero_is_inverted() {
        let facts = LayerFacts::plain(1, SampleType::U8, Interpretation::WhiteIsZero);
        let style = StyleSpec::default().resolve(&facts).expect("it fits");
        assert_eq!(style.apply(row(Pixels::U8(&[0, 10, 255]), 1, None), CELL).pixels, [255, 245, 0]);
    }

    #[test]
    fn a_palette_becomes_colours_and_what_it_lacks_is_clear() {
        let mut facts = LayerFacts::plain(1, SampleType::U8, Interpretation::Palette);
        facts.palette = Some(vec![[1, 2, 3, 255], [40, 50, 60, 128]]);
        let style = StyleSpec::default().resolve(&facts).expect("it fits");
        let output = style.apply(row(Pixels::U8(&[1, 0, 7, 0]), 1, Some(&[255, 255, 255, 0])), CELL);
        assert_eq!(output.pixels[..6], [40, 50, 60, 1, 2, 3]);
        assert_eq!(output.mask, Some(vec![128, 255, 0, 0]));
    }

    #[test]
    fn a_vegetation_index_is_coloured_and_a_division_by_zero_is_clear() {
        let spec = StyleSpec {
            expressions: vec!["(b2 - b1) / (b2 + b1)".to_owned()],
            rescale: Rescale::Fixed(vec![(-1.0, 1.0)]),
            colour_map: Some(ColorMapSpec::Named("gray".to_owned())),
            ..StyleSpec::default()
        };
        let style = style(&spec, 2, SampleType::U8);
        // Slots follow the formula: b2 comes first.
        assert_eq!(style.bands(), [1, 0]);
        let output = style.apply(row(Pixels::U8(&[90, 30, 0, 0, 0, 50]), 2, None), CELL);
        assert_eq!(output.pixels[..3], [191; 3]);
        assert_eq!(output.pixels[6..], [0; 3]);
        assert_eq!(output.mask, Some(vec![255, 0, 255]));
    }

    #[test]
    fn colours_are_saturated_after_gamma() {
        // t = (np.array([100, 150, 50]) / 255) ** (1 / 1.5); y = t @ [.2126, .7152, .0722]
        // np.floor(np.clip(y + 1.6 * (t - y), 0, 1) * 255 + .5)
        let spec = StyleSpec { gamma: vec![1.5], saturation: 1.6, ..StyleSpec::default() };
        let output = style(&spec, 3, SampleType::U8).apply(row(Pixels::U8(&[100, 150, 50]), 3, None), CELL);
        assert_eq!(output.pixels, SATURATED);
    }

    #[test]
    fn relief_is_colour_times_shade() {
        let stops = [(0.0, 100), (10.0, 200)].map(|(value, grey)| Stop {
            value,
            colour: [grey, grey / 2, 0, 255],
            label: None,
        });
        let map = ColorMapSpec::Stops { kind: MapKind::Ramp, stops: stops.to_vec(), otherwise: [0; 4] };
        let spec = StyleSpec {
            hillshade: Some(Hillshade::default()),
            colour_map: Some(map),
            ..StyleSpec::default()
        };
        let flat = [5.0_f32; 9];
        let input = Input { size: Size::new(3, 3), bands: 1, pixels: Pixels::F32(&flat), mask: None };
        let output = style(&spec, 1, SampleType::F32).apply(input, CELL);
        // Flat ground: 1 + 254 sin 45° = 180.605; 150 and 75 times 180.605 / 255.
        assert_eq!((output.channels, output.pixels), (3, vec![106, 53, 0]));
    }

    #[test]
    fn an_input_of_other_bands_is_clear() {
        let style = style(&StyleSpec::default(), 3, SampleType::U16);
        let output = style.apply(row(Pixels::F32(&[1.0; 4]), 1, None), CELL);
        assert_eq!((output.pixels.len(), output.mask), (12, Some(vec![0; 4])));
    }

    const SATURATED: [u8; 3] = [121, 188, 40];
}
