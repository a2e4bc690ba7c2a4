//! The picture of a legend: title, then swatches with their labels or a bar with its scale. Black on white, opaque.

use image::{ExtendedColorType, ImageEncoder, RgbaImage, codecs::png::PngEncoder};

use super::{Legend, LegendEntry, LegendKind, format_value, text::Line};
use crate::style::colormap::Rgba;

/// Sizes in pixels, for scale 1.
const MARGIN: u32 = 8;
const TITLE: u32 = 16;
const TEXT: u32 = 14;
const ROW: u32 = 20;
const SWATCH: (u32, u32) = (26, 14);
const GAP: u32 = 8;
const BAR: (u32, u32) = (22, 200);

/// Entries in a column, and in all.
const COLUMN: usize = 32;
const ENTRY_LIMIT: usize = 256;

const INK: [u8; 3] = [34, 34, 34];
const FRAME: [u8; 3] = [120, 120, 120];

pub(super) fn png(legend: &Legend, scale: u32) -> Vec<u8> {
    let image = picture(legend, scale);
    let mut bytes = Vec::new();
    PngEncoder::new(&mut bytes)
        .write_image(image.as_raw(), image.width(), image.height(), ExtendedColorType::Rgba8)
        .expect("writing to memory does not fail");
    bytes
}

/// Something to draw, and where.
enum Item {
    Words { line: Line, left: u32, top: u32 },
    Swatch { colour: Rgba, left: u32, top: u32 },
    Bar { entries: Vec<LegendEntry>, left: u32, top: u32 },
    Tick { left: u32, top: u32 },
}

fn picture(legend: &Legend, scale: u32) -> RgbaImage {
    let layout = Layout { scale, items: Vec::new(), width: 0, height: 0 };
    let layout = layout.of(legend);
    let side = |inner: u32| inner + MARGIN * scale;
    let mut image =
        RgbaImage::from_pixel(side(layout.width), side(layout.height), image::Rgba([255, 255, 255, 255]));
    for item in &layout.items {
        item.draw(&mut image, scale);
    }
    image
}

/// Places things one after the other and remembers how far they reach. All in pixels of the picture.
struct Layout {
    scale: u32,
    items: Vec<Item>,
    width: u32,
    height: u32,
}

impl Layout {
    fn of(mut self, legend: &Legend) -> Self {
        let (margin, row) = (MARGIN * self.scale, ROW * self.scale);
        self.words(&legend.title, TITLE, margin, margin);
        let top = margin + row + GAP / 2 * self.scale;
        match &legend.kind {
            LegendKind::Empty => {}
            LegendKind::Rgb { channels } => {
                let colours = [[214, 39, 40, 255], [44, 160, 44, 255], [31, 119, 200, 255]];
                let list: Vec<_> = colours.into_iter().zip(channels.iter().cloned()).collect();
                self.list(&list, top);
            }
            LegendKind::Classes { entries, unit } => {
                let mut list: Vec<_> =
                    entries.iter().take(ENTRY_LIMIT).map(|e| (e.colour, e.label.clone())).collect();
                if entries.len() > ENTRY_LIMIT {
                    list.push(([255; 4], "…".to_owned()));
                }
                let top = self.unit(unit.as_deref(), top);
                self.list(&list, top);
            }
            LegendKind::Ramp { entries, unit } => {
                let top = self.unit(unit.as_deref(), top);
                self.ramp(entries, top);
            }
        }
        self
    }

    fn words(&mut self, text: &str, size: u32, left: u32, top: u32) {
        let line = Line::new(text, size * self.scale);
        self.reach(left + line.width, top + size * self.scale);
        self.items.push(Item::Words { line, left, top });
    }

    fn reach(&mut self, right: u32, bottom: u32) {
        self.width = self.width.max(right);
        self.height = self.height.max(bottom);
    }

    /// The unit in a row of its own; says where the next one begins.
    fn unit(&mut self, unit: Option<&str>, top: u32) -> u32 {
        let Some(unit) = unit else { return top };
        self.words(unit, TEXT, MARGIN * self.scale, top);
        top + ROW * self.scale
    }

    /// Swatches and labels, in columns.
    fn list(&mut self, list: &[(Rgba, String)], top: u32) {
        let s = self.scale;
        let mut left = MARGIN * s;
        for column in list.chunks(COLUMN) {
            for (row, (colour, label)) in column.iter().enumerate() {
                let top = top + row as u32 * ROW * s;
                self.items.push(Item::Swatch { colour: *colour, left, top });
                self.words(label, TEXT, left + (SWATCH.0 + GAP) * s, top);
            }
            left = self.width + 2 * GAP * s;
        }
    }

    /// A bar, the greatest value on top, with a label at each entry that has room for one.
    fn ramp(&mut self, entries: &[LegendEntry], top: u32) {
        let s = self.scale;
        let (Some(first), Some(last)) = (entries.first(), entries.last()) else { return };
        let (left, top) = (MARGIN * s, top + TEXT / 2 * s);
        let (width, height) = (BAR.0 * s, BAR.1 * s);
        self.reach(left + width, top + height + TEXT / 2 * s);
        self.items.push(Item::Bar { entries: entries.to_vec(), left, top });
        let mut marks: Vec<(f64, String)> = entries.iter().map(|e| (e.value, e.label.clone())).collect();
        if let [_, _] = entries {
            let between = |i: u32| first.value + (last.value - first.value) * f64::from(i) / 4.0;
            marks.extend((1..4).map(between).map(|value| (value, format_value(value))));
        }
        // The ends come first: they always have room.
        let end = |value: f64| value == first.value || value == last.value;
        marks.sort_by_key(|(value, _)| !end(*value));
        let mut taken: Vec<u32> = Vec::new();
        for (value, label) in marks {
            let up = position(value, first.value, last.value) * f64::from(height);
            let at = top + height - (up.round() as u32).min(height);
            if taken.iter().any(|other| other.abs_diff(at) < (TEXT + 1) * s) {
                continue;
            }
            taken.push(at);
            self.items.push(Item::Tick { left: left + width, top: at });
            self.words(&label, TEXT, left + width + GAP * s, at - TEXT / 2 * s);
        }
    }
}

/// How far a value is from the first to the last one, 0 to 1.
fn position(value: f64, first: f64, last: f64) -> f64 {
    let t = (value - first) / (last - first);
    if t.is_finite() { t.clamp(0.0, 1.0) } else { 1.0 }
}

impl Item {
    fn draw(&self, image: &mut RgbaImage, s: u32) {
        match self {
            Self::Words { line, left, top } => line.draw(image, *left, *top, INK),
            Self::Swatch { colour, left, top } => {
                framed(image, (*left, *top), (SWATCH.0 * s, SWATCH.1 * s), s, |_| *colour);
            }
            Self::Bar { entries, left, top } => {
                let height = BAR.1 * s;
                framed(image, (*left, *top), (BAR.0 * s, height), s, |row| {
                    mixed(entries, 1.0 - (f64::from(row) + 0.5) / f64::from(height))
                });
            }
            Self::Tick { left, top } => {
                for x in 0..4 * s {
                    for y in 0..s {
                        put(
                            image,
                            left + x,
                            (top + y).saturating_sub(s / 2),
                            [FRAME[0], FRAME[1], FRAME[2], 255],
                            s,
                        );
                    }
                }
            }
        }
    }
}

/// A box of one colour per row, with a frame.
fn framed(
    image: &mut RgbaImage,
    (left, top): (u32, u32),
    (width, height): (u32, u32),
    scale: u32,
    colour: impl Fn(u32) -> Rgba,
) {
    for y in 0..height {
        let inside = colour(y);
        for x in 0..width {
            let border = x.min(y).min(width - 1 - x).min(height - 1 - y) < scale;
            let colour = if border { [FRAME[0], FRAME[1], FRAME[2], 255] } else { inside };
            put(image, left + x, top + y, colour, scale);
        }
    }
}

/// A colour over the chequered ground that stands for what is transparent.
fn put(image: &mut RgbaImage, x: u32, y: u32, colour: Rgba, scale: u32) {
    let Some(pixel) = image.get_pixel_mut_checked(x, y) else { return };
    let ground: u32 = if (x / (4 * scale) + y / (4 * scale)).is_multiple_of(2) { 255 } else { 216 };
    let alpha = u32::from(colour[3]);
    for (out, value) in pixel.0.iter_mut().zip(&colour[..3]) {
        *out = ((u32::from(*value) * alpha + ground * (255 - alpha) + 127) / 255) as u8;
    }
}

/// The colour at a place of the bar, 0 at its lower end.
fn mixed(entries: &[LegendEntry], t: f64) -> Rgba {
    let (Some(first), Some(last)) = (entries.first(), entries.last()) else { return [0; 4] };
    let at = |entry: &LegendEntry| position(entry.value, first.value, last.value);
    let above = entries.partition_point(|entry| at(entry) < t);
    let (Some(high), Some(low)) = (entries.get(above), entries.get(above.saturating_sub(1))) else {
        return last.colour;
    };
    let ratio = position(t, at(low), at(high));
    std::array::from_fn(|i| {
        let (a, b) = (f64::from(low.colour[i]), f64::from(high.colour[i]));
        (a + ratio * (b - a) + 0.5) as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn legend(kind: LegendKind) -> Legend {
        Legend { name: "s".to_owned(), title: "Végétation".to_owned(), kind }
    }

    fn entries(count: u8) -> Vec<LegendEntry> {
        let entry =
            |i: u8| LegendEntry { colour: [i, 0, 255 - i, 255], label: i.to_string(), value: f64::from(i) };
        (0..count).map(entry).collect()
    }

    fn opened(kind: LegendKind, scale: u32) -> RgbaImage {
        image::load_from_memory(&legend(kind).to_png(scale)).expect("our own picture opens").to_rgba8()
    }

    #[test]
    fn a_swatch_has_the_colour_of_its_class() {
        let image = opened(LegendKind::Classes { entries: entries(3), unit: None }, 1);
        let y = MARGIN + ROW + GAP / 2 + ROW + SWATCH.1 / 2;
        assert_eq!(image.get_pixel(MARGIN + SWATCH.0 / 2, y).0, [1, 0, 254, 255]);
    }

    #[test]
    fn a_bar_has_the_greatest_value_on_top() {
        let image = opened(LegendKind::Ramp { entries: entries(201), unit: None }, 1);
        let top = MARGIN + ROW + GAP / 2 + TEXT / 2;
        let red = |y: u32| image.get_pixel(MARGIN + BAR.0 / 2, top + y).0[0];
        assert!(red(2) > 195 && red(BAR.1 / 2).abs_diff(100) < 3 && red(BAR.1 - 3) < 5);
    }

    #[test]
    fn twice_the_scale_is_twice_the_size() {
        let [one, two] = [1, 2]
            .map(|scale| opened(LegendKind::Rgb { channels: ["b4", "b1", "b2"].map(str::to_owned) }, scale));
        assert!(two.width().abs_diff(2 * one.width()) <= 2 && two.height() == 2 * one.height());
    }

    #[test]
    fn no_legend_is_too_strange_to_draw() {
        let odd = |value| LegendEntry { colour: [0; 4], label: String::new(), value };
        for entries in [vec![], vec![odd(1.0)], vec![odd(5.0); 3], vec![odd(0.0), odd(f64::INFINITY)]] {
            opened(LegendKind::Ramp { entries: entries.clone(), unit: Some("m".to_owned()) }, 1);
            opened(LegendKind::Classes { entries, unit: None }, 1);
        }
        let many = vec![odd(0.0); 5000];
        assert!(opened(LegendKind::Classes { entries: many, unit: None }, 1).height() < 1000);
    }
}
