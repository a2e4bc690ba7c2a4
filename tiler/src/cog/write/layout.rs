//! Lays out the file as GDAL's COG driver does: header, all directories, then blocks, the smallest overview first, the mask
//! of each block right after it.

use std::io::Write;

use super::{
    Encoding, Transparency, WriteOptions, WriteProblem,
    directory::{self, Entry},
    metadata,
    options::CLASSIC_BYTES,
    place,
    pyramid::{Level, Pyramid},
};
use crate::{
    codec::Predictor,
    raster::{Interpretation, SampleType},
};

/// Tells readers that know it how the file is laid out, so that they can read a block with one request.
const STRUCTURE: &str = "LAYOUT=IFDS_BEFORE_DATA\nBLOCK_ORDER=ROW_MAJOR\nBLOCK_LEADER=SIZE_AS_UINT4\n\
    BLOCK_TRAILER=LAST_4_BYTES_REPEATED\nKNOWN_INCOMPATIBLE_EDITION=NO\n ";
const MASKS: &str = "MASK_INTERLEAVED_WITH_IMAGERY=YES\n";
/// Bytes around a stored block: its length before it, its last four bytes again after it.
const AROUND: u64 = 8;

/// Where the blocks of one directory lie, and how long they are: 0 for both where one is left out.
#[derive(Default)]
struct Blocks {
    offsets: Vec<u64>,
    lengths: Vec<u64>,
}

impl Blocks {
    fn place(&mut self, len: u32, next: &mut u64) {
        let len = u64::from(len);
        self.offsets.push(if len == 0 { 0 } else { *next + AROUND / 2 });
        self.lengths.push(len);
        *next += if len == 0 { 0 } else { len + AROUND };
    }
}

/// Writes the file, and returns its length.
pub(super) fn assemble(
    out: &mut impl Write,
    options: &WriteOptions,
    pyramid: &mut Pyramid,
) -> Result<u64, WriteProblem> {
    let has_masks = pyramid.has_masks(options);
    let structure = format!("{STRUCTURE}{}", if has_masks { MASKS } else { "" });
    let ghost = format!("GDAL_STRUCTURAL_METADATA_SIZE={:06} bytes\n{structure}", structure.len());
    let stored = |level: &Level| {
        let of = |kept: &super::store::Kept| if kept.len == 0 { 0 } else { u64::from(kept.len) + AROUND };
        let masks: u64 = if has_masks { level.masks.iter().map(of).sum() } else { 0 };
        level.images.iter().map(of).sum::<u64>() + masks
    };
    let big = pyramid.levels.iter().map(stored).sum::<u64>() > options.classic_bytes.min(CLASSIC_BYTES);
    let header_bytes = (if big { 16 } else { 8 }) + ghost.len() as u64 + ghost.len() as u64 % 2;

    // Directories have the same length whatever the offsets are, so they can be measured before those are known.
    let mut next = 0;
    let placed = place_blocks(pyramid, has_masks, &mut next);
    let measured = directories(options, pyramid, &placed, big)?;
    let sizes: Vec<u64> = measured.iter().map(|entries| directory::len(entries, big)).collect();
    next = header_bytes + sizes.iter().sum::<u64>();
    let placed = place_blocks(pyramid, has_masks, &mut next);

    let mut bytes = directory::header(big, header_bytes);
    bytes.extend_from_slice(ghost.as_bytes());
    bytes.resize(header_bytes as usize, 0);
    let all = directories(options, pyramid, &placed, big)?;
    for (at, entries) in all.iter().enumerate() {
        let following = if at + 1 == all.len() { 0 } else { bytes.len() as u64 + sizes[at] };
        directory::write(&mut bytes, entries, following, big);
    }
    out.write_all(&bytes)?;
    let mut block = Vec::new();
    for level in pyramid.levels.iter().rev() {
        for (image, mask) in level.images.iter().zip(&level.masks) {
            for kept in std::iter::once(image).chain(has_masks.then_some(mask)).filter(|kept| kept.len > 0) {
                block.clear();
                block.extend_from_slice(&kept.len.to_le_bytes());
                pyramid.store.read(*kept, &mut block)?;
                block.extend_from_within(block.len().saturating_sub(4)..);
                out.write_all(&block)?;
            }
        }
    }
    Ok(next)
}

/// Image and mask of each level, in the order of levels; in the file the last level comes first.
fn place_blocks(pyramid: &Pyramid, has_masks: bool, next: &mut u64) -> Vec<(Blocks, Blocks)> {
    let mut placed: Vec<(Blocks, Blocks)> = Vec::new();
    for level in pyramid.levels.iter().rev() {
        let (mut images, mut masks) = (Blocks::default(), Blocks::default());
        for (image, mask) in level.images.iter().zip(&level.masks) {
            images.place(image.len, next);
            if has_masks {
                masks.place(mask.len, next);
            }
        }
        placed.push((images, masks));
    }
    placed.reverse();
    placed
}

/// All directories: each level, followed by its mask.
fn directories(
    options: &WriteOptions,
    pyramid: &Pyramid,
    placed: &[(Blocks, Blocks)],
    big: bool,
) -> Result<Vec<Vec<Entry>>, WriteProblem> {
    let mut all = Vec::new();
    for (number, (level, (images, masks))) in pyramid.levels.iter().zip(placed).enumerate() {
        let mut entries = image(options, level, images, big);
        if number == 0 {
            entries.extend(of_the_whole(options, pyramid)?);
        } else {
            entries.push(Entry::long(254, 1));
        }
        if let Transparency::Nodata(value) = options.transparency {
            entries.push(Entry::ascii(42_113, &nodata(value)));
        }
        all.push(sorted(entries));
        if pyramid.has_masks(options) {
            all.push(sorted(mask(options, level, masks, (number > 0, big))));
        }
    }
    Ok(all)
}

fn sorted(mut entries: Vec<Entry>) -> Vec<Entry> {
    entries.sort_by_key(|entry| entry.tag);
    entries
}

/// As GDAL writes it.
fn nodata(value: f64) -> String {
    if value.is_nan() { "nan".to_owned() } else { value.to_string() }
}

fn image(options: &WriteOptions, level: &Level, blocks: &Blocks, big: bool) -> Vec<Entry> {
    let bands = options.stored_bands();
    let bits = (options.sample.bytes() * 8) as u16;
    let format = match options.sample {
        SampleType::U8 | SampleType::U16 | SampleType::U32 | SampleType::U64 => 1,
        SampleType::I8 | SampleType::I16 | SampleType::I32 | SampleType::I64 => 2,
        SampleType::F32 | SampleType::F64 => 3,
    };
    let (photometric, colours) = match options.interpretation {
        _ if options.is_ycbcr() => (6, 3),
        Interpretation::WhiteIsZero => (0, 1),
        Interpretation::Grey => (1, 1),
        Interpretation::Rgb => (2, 3),
        Interpretation::Palette => (3, 1),
        Interpretation::Cmyk => (5, 4),
    };
    let mut entries = vec![
        Entry::long(256, level.size.width),
        Entry::long(257, level.size.height),
        Entry::shorts(258, &vec![bits; bands]),
        Entry::shorts(259, &[options.encoding.tag()]),
        Entry::shorts(262, &[photometric]),
        Entry::shorts(277, &[bands as u16]),
        Entry::shorts(284, &[1]),
        Entry::long(322, options.block_px),
        Entry::long(323, options.block_px),
        Entry::numbers(324, &blocks.offsets, big),
        Entry::numbers(325, &blocks.lengths, big),
        Entry::shorts(339, &vec![format; bands]),
    ];
    match options.encoding.predictor() {
        Predictor::None => {}
        Predictor::Horizontal => entries.push(Entry::shorts(317, &[2])),
        Predictor::FloatingPoint => entries.push(Entry::shorts(317, &[3])),
    }
    if bands > colours {
        let mut extra = vec![0; bands - colours];
        if let (Transparency::Alpha, Some(last)) = (options.transparency, extra.last_mut()) {
            *last = 2;
        }
        entries.push(Entry::shorts(338, &extra));
    }
    if let (true, Encoding::Jpeg { chroma, .. }) = (options.is_ycbcr(), options.encoding) {
        entries.push(Entry::shorts(530, &[chroma.step(); 2]));
    }
    if options.interpretation == Interpretation::Palette {
        let colour = |index: usize, channel: usize| {
            options.palette.get(index).map_or(0, |colour| u16::from(colour[channel]) * 257)
        };
        let count = 1usize << bits;
        let map: Vec<u16> =
            (0..3).flat_map(|channel| (0..count).map(move |index| colour(index, channel))).collect();
        entries.push(Entry::shorts(320, &map));
    }
    entries
}

/// A mask of one bit a pixel.
fn mask(
    options: &WriteOptions,
    level: &Level,
    blocks: &Blocks,
    (is_overview, big): (bool, bool),
) -> Vec<Entry> {
    vec![
        Entry::long(254, if is_overview { 5 } else { 4 }),
        Entry::long(256, level.size.width),
        Entry::long(257, level.size.height),
        Entry::shorts(258, &[1]),
        Entry::shorts(259, &[8]),
        Entry::shorts(262, &[4]),
        Entry::shorts(277, &[1]),
        Entry::shorts(284, &[1]),
        Entry::long(322, options.block_px),
        Entry::long(323, options.block_px),
        Entry::numbers(324, &blocks.offsets, big),
        Entry::numbers(325, &blocks.lengths, big),
        Entry::shorts(339, &[1]),
    ]
}

/// Where the image lies, and what is told of it.
fn of_the_whole(options: &WriteOptions, pyramid: &Pyramid) -> Result<Vec<Entry>, WriteProblem> {
    let place = place::tags(options)?;
    let numbers = [
        (33_550, &place.pixel_scale),
        (33_922, &place.tiepoints),
        (34_264, &place.transformation),
        (34_736, &place.doubles),
    ];
    let mut entries: Vec<Entry> = numbers
        .into_iter()
        .filter(|(_, values)| !values.is_empty())
        .map(|(tag, values)| Entry::doubles(tag, values))
        .collect();
    entries.push(Entry::shorts(34_735, &place.key_directory));
    if !place.ascii.is_empty() {
        entries.push(Entry::ascii(34_737, &place.ascii));
    }
    entries.extend(metadata::xml(options, &pyramid.statistics).map(|xml| Entry::ascii(42_112, &xml)));
    Ok(entries)
}
