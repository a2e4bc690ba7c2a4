//! Words as pixels: `DejaVu` Sans Condensed, which has the accents, arrows and signs that legends need.

use std::sync::LazyLock;

use ab_glyph::{Font, FontRef, Glyph, PxScale, ScaleFont, point};
use image::{Rgba, RgbaImage};

static FONT: LazyLock<FontRef<'static>> = LazyLock::new(|| {
    FontRef::try_from_slice(dejavu::sans_condensed::regular()).expect("the font in the binary is whole")
});

/// Characters of one line; more are cut off with an ellipsis.
const LENGTH_LIMIT: usize = 80;

/// A line of text, laid out.
pub(super) struct Line {
    glyphs: Vec<Glyph>,
    /// Width in pixels.
    pub width: u32,
}

impl Line {
    /// Lays out a text at a height of `px` pixels from the top of the tallest letter to the lowest tail.
    pub fn new(text: &str, px: u32) -> Self {
        let font = FONT.as_scaled(PxScale::from(px as f32));
        let mut text: Vec<char> = text.chars().filter(|c| !c.is_control()).collect();
        if text.len() > LENGTH_LIMIT {
            text.truncate(LENGTH_LIMIT - 1);
            text.push('…');
        }
        let mut glyphs: Vec<Glyph> = Vec::new();
        let mut x = 0.0;
        for character in text {
            let id = font.glyph_id(character);
            if let Some(last) = glyphs.last() {
                x += font.kern(last.id, id);
            }
            glyphs.push(id.with_scale_and_position(font.scale(), point(x, font.ascent())));
            x += font.h_advance(id);
        }
        Self { glyphs, width: x.ceil() as u32 }
    }

    /// Draws it with its upper left corner at a pixel.
    pub fn draw(&self, image: &mut RgbaImage, left: u32, top: u32, ink: [u8; 3]) {
        for glyph in &self.glyphs {
            let Some(outline) = FONT.outline_glyph(glyph.clone()) else { continue };
            let corner = outline.px_bounds().min;
            outline.draw(|x, y, coverage| {
                let x = i64::from(left) + corner.x as i64 + i64::from(x);
                let y = i64::from(top) + corner.y as i64 + i64::from(y);
                if let (Ok(x), Ok(y)) = (u32::try_from(x), u32::try_from(y))
                    && let Some(pixel) = image.get_pixel_mut_checked(x, y)
                {
                    blend(pixel, ink, coverage);
                }
            });
        }
    }
}

/// Lays an ink over an opaque pixel.
fn blend(pixel: &mut Rgba<u8>, ink: [u8; 3], coverage: f32) {
    let coverage = coverage.clamp(0.0, 1.0);
    for (under, over) in pixel.0.iter_mut().zip(ink) {
        *under = (f32::from(*under) * (1.0 - coverage) + f32::from(over) * coverage + 0.5) as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn french_words_and_signs_have_glyphs() {
        for character in "éèêëàâäçîïôöùûüœæÉÀÇŒ’«»–—≤≥°²³µ∞…€".chars()
        {
            assert_ne!(FONT.glyph_id(character).0, 0, "{character}");
        }
    }

    #[test]
    fn a_text_without_end_is_cut() {
        assert_eq!(Line::new(&"m".repeat(500), 13).glyphs.len(), LENGTH_LIMIT);
    }
}
