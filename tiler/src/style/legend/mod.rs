//! What the colours of a style mean, as data, as JSON and as a picture.

mod draw;
mod text;

use serde_json::{Value, json};

use super::{
    colormap::{ColorMap, MapKind, Rgba, Stop},
    recipe::{Channel, Colouring},
    spec::StyleSpec,
    tone::{Curve, Tone, level},
};

/// Samples of a ramp whose colours follow a curve.
const SAMPLES: usize = 11;

/// The legend of a style.
#[derive(Debug, Clone, PartialEq)]
pub struct Legend {
    /// Identifier of the style.
    pub name: String,
    /// Title of the style.
    pub title: String,
    /// What it shows.
    pub kind: LegendKind,
}

/// What a legend shows.
#[derive(Debug, Clone, PartialEq)]
pub enum LegendKind {
    /// A list of colours.
    Classes {
        /// In ascending order of their values.
        entries: Vec<LegendEntry>,
        /// The unit of the values.
        unit: Option<String>,
    },
    /// A scale of colours from the least to the greatest value.
    Ramp {
        /// In ascending order; colours in between are mixed.
        entries: Vec<LegendEntry>,
        /// The unit of the values.
        unit: Option<String>,
    },
    /// What red, green and blue are made of.
    Rgb {
        /// Names of bands, or formulas.
        channels: [String; 3],
    },
    /// Nothing that needs explaining: shaded relief, or numbers for a program.
    Empty,
}

/// A colour and what it means.
#[derive(Debug, Clone, PartialEq)]
pub struct LegendEntry {
    /// Red, green, blue, alpha.
    pub colour: Rgba,
    /// For people.
    pub label: String,
    /// The value, or the limit of the class; infinite for an open one.
    pub value: f64,
}

impl Legend {
    /// The legend of a style that explains itself.
    pub(super) fn empty(spec: &StyleSpec) -> Self {
        Self {
            name: spec.name.clone(),
            title: spec.title.clone().unwrap_or_else(|| spec.name.clone()),
            kind: LegendKind::Empty,
        }
    }

    /// The legend of colours by value.
    pub(super) fn of_values(spec: &StyleSpec, colouring: &Colouring) -> Self {
        let unit = spec.unit.clone();
        let kind = match colouring {
            Colouring::Gradient { tone, gradient } => {
                let colour = |t: f64| {
                    let [r, g, b] = gradient[usize::from(level(t))];
                    [r, g, b, 255]
                };
                LegendKind::Ramp { entries: sampled(tone, SAMPLES, colour), unit }
            }
            Colouring::Map(map) if map.kind == MapKind::Ramp => {
                let entries = map.stops.iter().map(|stop| entry(stop, format_value(stop.value))).collect();
                LegendKind::Ramp { entries, unit }
            }
            Colouring::Map(map) => LegendKind::Classes { entries: classes(map), unit },
        };
        Self { kind, ..Self::empty(spec) }
    }

    /// The legend of one channel or three.
    pub(super) fn of_channels(spec: &StyleSpec, channels: &[Channel], labels: &[String]) -> Self {
        let kind = match (channels, labels) {
            (_, [red, green, blue]) => {
                LegendKind::Rgb { channels: [red.clone(), green.clone(), blue.clone()] }
            }
            ([Channel { curve: Curve { tone, .. }, .. }], _) => {
                let samples = if tone.gamma == 1.0 && tone.contrast.is_none() { 2 } else { SAMPLES };
                let grey = |t: f64| {
                    let grey = level(t);
                    [grey, grey, grey, 255]
                };
                LegendKind::Ramp { entries: sampled(tone, samples, grey), unit: spec.unit.clone() }
            }
            _ => LegendKind::Empty,
        };
        Self { kind, ..Self::empty(spec) }
    }

    /// As JSON, in the spirit of `GeoServer`'s `GetLegendGraphic`: `name`, `title`, `type` (`classes`, `ramp`, `rgb`, `none`),
    /// `unit`, and `entries` of `label`, `color`, `opacity` and `quantity` (null for an open class).
    pub fn to_json(&self) -> Value {
        let listed = |entries: &[LegendEntry]| entries.iter().map(LegendEntry::to_json).collect::<Value>();
        let (kind, entries, unit) = match &self.kind {
            LegendKind::Classes { entries, unit } => ("classes", listed(entries), unit.as_deref()),
            LegendKind::Ramp { entries, unit } => ("ramp", listed(entries), unit.as_deref()),
            LegendKind::Rgb { channels } => {
                let colours = ["#ff0000", "#00ff00", "#0000ff"].iter().zip(channels);
                let entries = colours.map(|(colour, label)| json!({ "label": label, "color": colour }));
                ("rgb", entries.collect(), None)
            }
            LegendKind::Empty => ("none", json!([]), None),
        };
        json!({ "name": self.name, "title": self.title, "type": kind, "unit": unit, "entries": entries })
    }

    /// As a PNG picture; `scale` 1 is for common screens, 2 for fine ones, at most 4.
    ///
    /// Long lists are cut at 256 entries.
    pub fn to_png(&self, scale: u32) -> Vec<u8> {
        draw::png(self, scale.clamp(1, 4))
    }
}

impl LegendEntry {
    fn to_json(&self) -> Value {
        let [r, g, b, alpha] = self.colour;
        json!({
            "label": self.label,
            "color": format!("#{r:02x}{g:02x}{b:02x}"),
            "opacity": (f64::from(alpha) / 255.0 * 1000.0).round() / 1000.0,
            "quantity": self.value.is_finite().then_some(self.value),
        })
    }
}

fn entry(stop: &Stop, label: String) -> LegendEntry {
    LegendEntry { colour: stop.colour, label: stop.label.clone().unwrap_or(label), value: stop.value }
}

/// Values at even distances from the least to the greatest, and their colours.
fn sampled(tone: &Tone, samples: usize, colour: impl Fn(f64) -> Rgba) -> Vec<LegendEntry> {
    let (low, high) = (tone.range.0.min(tone.range.1), tone.range.0.max(tone.range.1));
    // Nine digits: enough to tell them apart, and 0.2 is not 0.19999999999999996.
    let short = |value: f64| format!("{value:.8e}").parse().unwrap_or(value);
    let at = |i: usize| short(low + (high - low) * i as f64 / (samples - 1) as f64);
    let entry =
        |value| LegendEntry { colour: colour(tone.brightness(value)), label: format_value(value), value };
    (0..samples).map(at).map(entry).collect()
}

/// Entries with labels that say from where to where.
fn classes(map: &ColorMap) -> Vec<LegendEntry> {
    let mut entries = Vec::new();
    let mut below: Option<f64> = None;
    for stop in &map.stops {
        let value = format_value(stop.value);
        let label = match (map.kind, below) {
            (MapKind::Exact | MapKind::Ramp, _) => value,
            (MapKind::Classes, Some(below)) if stop.value == f64::INFINITY => {
                format!("> {}", format_value(below))
            }
            (_, Some(below)) if stop.value == f64::INFINITY => format!("≥ {}", format_value(below)),
            (_, Some(below)) => format!("{} – {value}", format_value(below)),
            (MapKind::Classes, None) => format!("≤ {value}"),
            (MapKind::ClassesBelow, None) => format!("< {value}"),
        };
        entries.push(entry(stop, label));
        below = Some(stop.value);
    }
    entries
}

/// A number with as many decimals as matter, at most six figures; stops were rounded to 32 bits.
pub(super) fn format_value(value: f64) -> String {
    if !value.is_finite() {
        return if value > 0.0 { "∞" } else { "−∞" }.to_owned();
    }
    let magnitude = value.abs();
    if magnitude != 0.0 && !(1e-4..1e9).contains(&magnitude) {
        return format!("{value:.3e}");
    }
    let whole = magnitude.max(1.0).log10().floor() as usize + 1;
    let mut text = format!("{value:.*}", 6_usize.saturating_sub(whole));
    if text.contains('.') {
        text.truncate(text.trim_end_matches('0').trim_end_matches('.').len());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_decimals_that_matter() {
        let numbers = [0.0, 12.0, -0.5, f64::from(0.1_f32), 1234.567, 4_810_000.0, 1e-7, f64::INFINITY];
        let texts = ["0", "12", "-0.5", "0.1", "1234.57", "4810000", "1.000e-7", "∞"];
        for (number, text) in numbers.iter().zip(texts) {
            assert_eq!(format_value(*number), text);
        }
    }

    #[test]
    fn classes_say_from_where_to_where() {
        let stop = |value, label: Option<&str>| Stop {
            value,
            colour: [1, 2, 3, 128],
            label: label.map(str::to_owned),
        };
        let stops =
            vec![stop(0.0, None), stop(0.4, None), stop(0.6, Some("dense")), stop(f64::INFINITY, None)];
        let labels: Vec<_> = classes(&ColorMap::new(MapKind::Classes, stops, [0; 4]))
            .into_iter()
            .map(|entry| entry.label)
            .collect();
        assert_eq!(labels, ["≤ 0", "0 – 0.4", "dense", "> 0.6"]);
    }

    #[test]
    fn the_json_has_colour_label_quantity_and_opacity() {
        let entry =
            LegendEntry { colour: [255, 128, 0, 51], label: "forêt".to_owned(), value: f64::INFINITY };
        let kind = LegendKind::Classes { entries: vec![entry], unit: Some("m".to_owned()) };
        let legend = Legend { name: "sol".to_owned(), title: "Sols".to_owned(), kind };
        let expected = json!({
            "name": "sol", "title": "Sols", "type": "classes", "unit": "m",
            "entries": [{ "label": "forêt", "color": "#ff8000", "opacity": 0.2, "quantity": null }],
        });
        assert_eq!(legend.to_json(), expected);
    }
}
