//! An abbreviated JPEG stream becomes a file: shared tables and a marker of its colours go in, what applications added
//! goes out.
//!
//! Source: ITU-T T.81, annex B; JFIF 1.02 for luma, chroma and grey; Adobe's Technical Note 5116 for red green blue.

use std::ops::Range;

use super::{
    super::{BlockLayout, Photometric},
    room,
};

const START: [u8; 2] = [0xff, 0xd8];
const END: [u8; 2] = [0xff, 0xd9];
/// Version 1.1, pixels are square.
const JFIF: &[u8] = b"\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00";
/// No transform: the components are red, green and blue.
const ADOBE_RGB: &[u8] = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00";
/// Streams end here at most so many bytes before the block does: writers pad.
const PADDING_BYTES: usize = 16;

/// Start, marker of colours and shared tables, then what the stored stream has after its own start, without the markers of
/// applications.
pub(super) fn assemble(
    layout: &BlockLayout,
    stored_bytes: usize,
    buffer: &mut Vec<u8>,
    read: impl FnOnce(&mut [u8]) -> bool,
) -> Option<usize> {
    let tables = layout.jpeg_tables.as_deref().unwrap_or_default();
    let marker = match (layout.bands, layout.photometric) {
        (1, _) | (_, Photometric::YCbCr(_)) => JFIF,
        _ => ADOBE_RGB,
    };
    let buffer = room(buffer, START.len() + marker.len() + tables.len() + stored_bytes);
    let mut known = Known::default();
    let mut head = 0;
    let mut put = |bytes: &[u8]| {
        buffer[head..head + bytes.len()].copy_from_slice(bytes);
        head += bytes.len();
    };
    put(&START);
    put(marker);
    let mut at = START.len();
    while let Some(segment) = tables.get(at..).and_then(segment) {
        at += segment.len();
        if is_table(segment[1]) {
            known.learn(segment)?;
            put(segment);
        }
    }
    // A stream of tables alone ends after them.
    let are_tables = tables.starts_with(&START) && tables.get(at..) == Some(&END);
    if !tables.is_empty() && !are_tables {
        return None;
    }
    // The stream's own start comes to lie under the end of the head, and what is after it where it shall be.
    let start = head - START.len();
    let covered = [buffer[start], buffer[start + 1]];
    let buffer = &mut buffer[..start + stored_bytes];
    if !read(&mut buffer[start..]) || !buffer[start..].starts_with(&START) {
        return None;
    }
    buffer[start..head].copy_from_slice(&covered);
    close_gaps(buffer, head, known, layout)
}

/// Takes out what applications added to the stream from `head` on; gives the length of all.
fn close_gaps(buffer: &mut [u8], head: usize, mut known: Known, layout: &BlockLayout) -> Option<usize> {
    let (mut from, mut to) = (head, head);
    loop {
        let segment = segment(&buffer[from..])?;
        let (marker, len) = (segment[1], segment.len());
        if marker == SCAN {
            known.can_decode(segment, layout)?;
            break;
        }
        if !is_of_application(marker) {
            known.learn(segment)?;
            move_down(buffer, from..from + len, to);
            to += len;
        }
        from += len;
    }
    let end = end(buffer).filter(|end| *end >= from)?;
    move_down(buffer, from..end, to);
    Some(to + (end - from))
}

fn move_down(buffer: &mut [u8], range: Range<usize>, to: usize) {
    if range.start != to {
        buffer.copy_within(range, to);
    }
}

const SCAN: u8 = 0xda;
const QUANTISATION: u8 = 0xdb;
const HUFFMAN: u8 = 0xc4;
const RESTART: u8 = 0xdd;
const PROGRESSIVE: u8 = 0xc2;

/// The marker segment that bytes start with, marker and length included.
fn segment(bytes: &[u8]) -> Option<&[u8]> {
    let &[0xff, marker, high, low, ..] = bytes else { return None };
    // Those below stand alone or are none.
    if matches!(marker, 0x00..=0xbf | 0xd0..=0xd9 | 0xff) {
        return None;
    }
    let len = usize::from(u16::from_be_bytes([high, low]));
    bytes.get(..len + 2).filter(|_| len >= 2)
}

const fn is_table(marker: u8) -> bool {
    matches!(marker, QUANTISATION | HUFFMAN | RESTART)
}

const fn is_of_application(marker: u8) -> bool {
    matches!(marker, 0xe0..=0xef | 0xfe)
}

/// One past the end marker, which nothing but padding follows.
fn end(buffer: &[u8]) -> Option<usize> {
    let trailing = buffer.iter().rev().take_while(|&&byte| byte == 0).count();
    let end = buffer.len() - trailing;
    (trailing <= PADDING_BYTES && buffer[..end].ends_with(&END)).then_some(end)
}

/// What was said before the first scan.
#[derive(Default)]
struct Known {
    quantisation: [bool; 4],
    /// For the constant part of each unit.
    dc: [bool; 4],
    /// For the rest.
    ac: [bool; 4],
    frame: Option<Frame>,
}

struct Frame {
    width: usize,
    height: usize,
    is_progressive: bool,
    /// Identifier and number of the quantisation table.
    components: Vec<(u8, u8)>,
}

impl Known {
    /// Takes up a segment; `None` where it is damaged, or such as browsers do not read.
    fn learn(&mut self, segment: &[u8]) -> Option<()> {
        let body = &segment[4..];
        match segment[1] {
            QUANTISATION => self.learn_quantisation(body),
            HUFFMAN => self.learn_huffman(body),
            0xc0..=PROGRESSIVE if self.frame.is_none() => {
                self.frame = Some(Frame::read(body, segment[1] == PROGRESSIVE)?);
                Some(())
            }
            RESTART => (body.len() == 2).then_some(()),
            marker if is_of_application(marker) => Some(()),
            _ => None,
        }
    }

    fn learn_quantisation(&mut self, mut body: &[u8]) -> Option<()> {
        while let [first, rest @ ..] = body {
            let (precision, number) = (first >> 4, usize::from(first & 15));
            let bytes = match precision {
                0 => 64,
                1 => 128,
                _ => return None,
            };
            *self.quantisation.get_mut(number)? = true;
            body = rest.get(bytes..)?;
        }
        Some(())
    }

    fn learn_huffman(&mut self, mut body: &[u8]) -> Option<()> {
        while let [first, rest @ ..] = body {
            let (class, number) = (first >> 4, usize::from(first & 15));
            let tables = match class {
                0 => &mut self.dc,
                1 => &mut self.ac,
                _ => return None,
            };
            *tables.get_mut(number)? = true;
            let values: usize = rest.get(..16)?.iter().map(|&count| usize::from(count)).sum();
            body = rest.get(16 + values..)?;
        }
        Some(())
    }

    /// Whether all that the first scan needs is there, and the frame is the block.
    fn can_decode(&self, scan: &[u8], layout: &BlockLayout) -> Option<()> {
        let frame = self.frame.as_ref()?;
        let (width, height) = (layout.size.width as usize, layout.size.height as usize);
        let is_block = (frame.width, frame.height, frame.components.len()) == (width, height, layout.bands);
        let has = |tables: &[bool; 4], number: u8| tables.get(usize::from(number)).copied().unwrap_or(false);
        let quantised = frame.components.iter().all(|&(_, number)| has(&self.quantisation, number));
        let &[_, _, _, _, count, ref body @ ..] = scan else { return None };
        let count = usize::from(count);
        let (components, spectrum) = body.split_at_checked(2 * count)?;
        let &[first, last, _] = spectrum else { return None };
        // Colours in scans of their own are legal, and rare enough not to be looked at.
        let is_whole = frame.is_progressive || count == frame.components.len();
        let coded = components.chunks_exact(2).all(|component| {
            let is_known = frame.components.iter().any(|&(id, _)| id == component[0]);
            let (dc, ac) = (component[1] >> 4, component[1] & 15);
            is_known && (first > 0 || has(&self.dc, dc)) && (last == 0 || has(&self.ac, ac))
        });
        (is_block && quantised && is_whole && count > 0 && coded).then_some(())
    }
}

impl Frame {
    fn read(body: &[u8], is_progressive: bool) -> Option<Self> {
        let &[8, h1, h0, w1, w0, count, ref components @ ..] = body else { return None };
        if components.len() != 3 * usize::from(count) {
            return None;
        }
        let number = |high, low| usize::from(u16::from_be_bytes([high, low]));
        let is_sampled = |factors: u8| matches!(factors >> 4, 1..=4) && matches!(factors & 15, 1..=4);
        let components = components.chunks_exact(3);
        let components: Option<Vec<_>> =
            components.map(|c| is_sampled(c[1]).then_some((c[0], c[2]))).collect();
        Some(Self { width: number(w1, w0), height: number(h1, h0), is_progressive, components: components? })
    }
}

#[cfg(test)]
mod tests {
    use libjpeg_turbo_rs::{Encoder, PixelFormat, Subsampling};
    use zune_jpeg::JpegDecoder;

    use super::super::{super::YCbCr, picture};
    use super::*;
    use crate::{
        codec::{Compression, decode, plain},
        geom::Size,
    };

    const SIZE: Size = Size::new(64, 48);

    fn photograph(bands: usize) -> Vec<u8> {
        let wave = |i: usize, f: f64| (127.0 + 90.0 * (i as f64 / f).sin()) as u8;
        (0..SIZE.pixels() as usize)
            .flat_map(|i| {
                [wave(i % 64, 7.0), wave(i / 64, 5.0), wave(i % 64 + i / 64, 11.0)][..bands].to_vec()
            })
            .collect()
    }

    fn encoder(pixels: &[u8]) -> Encoder<'_> {
        let format =
            if pixels.len() == SIZE.pixels() as usize { PixelFormat::Grayscale } else { PixelFormat::Rgb };
        Encoder::new(pixels, 64, 48, format).quality(85).subsampling(Subsampling::S420)
    }

    fn stored() -> Vec<u8> {
        encoder(&photograph(3)).encode().expect("it encodes")
    }

    fn layout(bands: usize, photometric: Photometric) -> BlockLayout {
        BlockLayout { bands, photometric, ..plain(SIZE, Compression::Jpeg) }
    }

    fn ycbcr() -> BlockLayout {
        layout(3, Photometric::YCbCr(YCbCr::default()))
    }

    /// The tables of a stream, and the stream without them, as TIFF keeps the two.
    fn apart(stream: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let (mut tables, mut rest) = (START.to_vec(), START.to_vec());
        let mut at = 2;
        while let Some(segment) = segment(&stream[at..]) {
            if segment[1] == SCAN {
                break;
            }
            let to = if is_table(segment[1]) { &mut tables } else { &mut rest };
            to.extend_from_slice(segment);
            at += segment.len();
        }
        tables.extend_from_slice(&END);
        rest.extend_from_slice(&stream[at..]);
        (tables, rest)
    }

    /// What a decoder that is not ours makes of a file.
    fn by_another(file: &[u8]) -> Vec<u8> {
        JpegDecoder::new(std::io::Cursor::new(file)).decode().expect("it is a file")
    }

    #[test]
    fn a_file_shows_what_the_block_decodes_to() {
        let (tables, block) = apart(&stored());
        let abbreviated = BlockLayout { jpeg_tables: Some(tables.into()), ..ycbcr() };
        let file = picture(&block, &abbreviated).expect("it is a picture");
        assert!(file.starts_with(b"\xff\xd8\xff\xe0\x00\x10JFIF") && file.ends_with(&END));
        let image = libjpeg_turbo_rs::decompress(&file).expect("it is a file");
        assert_eq!(image.data, decode(&block, &abbreviated).expect("it decodes"));
        assert_eq!(by_another(&file), by_another(&stored()));
        assert_eq!(picture(&block, &ycbcr()), None, "without tables it is nothing");
    }

    #[test]
    fn red_green_blue_is_said_in_the_adobe_marker_alone() {
        let rgb = layout(3, Photometric::AsStored);
        let file = picture(&stored(), &rgb).expect("it is a picture");
        assert_eq!(file.windows(4).filter(|w| *w == b"JFIF").count(), 0);
        let image = libjpeg_turbo_rs::decompress(&file).expect("it is a file");
        assert_eq!(image.data, decode(&stored(), &rgb).expect("it decodes"));
        assert_ne!(image.data, decode(&stored(), &ycbcr()).expect("it decodes"));
    }

    #[test]
    fn grey_is_a_picture_too() {
        let stored = encoder(&photograph(1)).encode().expect("it encodes");
        let file = picture(&stored, &layout(1, Photometric::AsStored)).expect("it is a picture");
        let image = libjpeg_turbo_rs::decompress(&file).expect("it is a file");
        assert_eq!(image.data, decode(&stored, &layout(1, Photometric::AsStored)).expect("it decodes"));
    }

    #[test]
    fn progressive_streams_pass_and_padding_goes() {
        let mut stored = encoder(&photograph(3)).progressive(true).encode().expect("it encodes");
        let len = stored.len();
        stored.extend([0; 3]);
        let file = picture(&stored, &ycbcr()).expect("it is a picture");
        assert!(file.len() <= len + 18 && file.ends_with(&END));
        assert_eq!(by_another(&file), by_another(&stored));
    }

    #[test]
    fn what_applications_added_goes_out() {
        let stored = stored();
        let mut marked = stored[..2].to_vec();
        marked.extend_from_slice(b"\xff\xe1\x00\x08Exif\x00\x00\xff\xfe\x00\x04hi");
        marked.extend_from_slice(&stored[2..]);
        assert_eq!(picture(&marked, &ycbcr()), picture(&stored, &ycbcr()));
    }

    #[test]
    fn a_stream_that_is_not_the_block_is_refused() {
        let stored = stored();
        let of = |width, height| BlockLayout { size: Size::new(width, height), ..ycbcr() };
        assert!(picture(&stored, &of(64, 48)).is_some());
        assert_eq!(picture(&stored, &of(60, 48)), None);
        assert_eq!(picture(&stored, &of(64, 40)), None);
        assert_eq!(picture(&stored, &layout(1, Photometric::AsStored)), None, "three components, not one");
        let inks = BlockLayout { bands: 4, ..ycbcr() };
        assert_eq!(picture(&stored, &inks), None);
        let deep = BlockLayout { bits: 12, sample: crate::raster::SampleType::U16, ..ycbcr() };
        assert_eq!(picture(&stored, &deep), None);
        let arithmetic = encoder(&photograph(3)).arithmetic(true).encode().expect("it encodes");
        assert_eq!(picture(&arithmetic, &ycbcr()), None, "browsers do not read it");
    }

    #[test]
    fn what_is_cut_short_or_damaged_in_its_headers_is_refused() {
        let stored = stored();
        for at in 0..stored.len() {
            assert_eq!(picture(&stored[..at], &ycbcr()), None, "cut at {at}");
        }
        let mut padded = stored.clone();
        padded.extend([0; PADDING_BYTES + 1]);
        assert_eq!(picture(&padded, &ycbcr()), None);
        for at in 0..stored.len() {
            let mut damaged = stored.clone();
            damaged[at] ^= 0xff;
            let _ = picture(&damaged, &ycbcr());
        }
        let (tables, block) = apart(&stored);
        for len in 1..tables.len() {
            let cut = BlockLayout { jpeg_tables: Some(tables[..len].into()), ..ycbcr() };
            assert_eq!(picture(&block, &cut), None, "tables cut at {len}");
        }
    }
}
