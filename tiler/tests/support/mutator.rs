//! Seeded changes to a TIFF by someone who knows where its numbers are.

use super::map::{Entry, Map};

/// xorshift: the same cases on every machine.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(0x9e37_79b9_7f4a_7c15 ^ (seed + 1).wrapping_mul(0xd134_2543_de82_ef95))
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }

    pub fn one_of<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.below(values.len())]
    }
}

/// Numbers that hurt anywhere.
const EVIL: [u64; 20] = [
    0,
    1,
    2,
    7,
    255,
    256,
    4096,
    65_535,
    65_536,
    1 << 20,
    1 << 24,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_fff0,
    0xffff_ffff,
    1 << 32,
    1 << 48,
    i64::MAX as u64,
    u64::MAX - 8,
    u64::MAX,
];

/// Doubles that hurt in a georeference.
const EVIL_DOUBLES: [f64; 9] = [0.0, -1.0, 1e-300, 1e300, f64::MAX, f64::NAN, f64::INFINITY, 90.0, 1e-9];

/// The tags that decide something: numbers that have a meaning there, or are just beyond one.
const TAGS: [(u16, &[u64]); 29] = [
    (254, &[0, 1, 4, 5, 2]),
    (256, &[0, 1, 15, 17, 4096, 65_535, 65_536, 1 << 20, 1 << 26, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]),
    (257, &[0, 1, 15, 17, 4096, 65_535, 65_536, 1 << 20, 1 << 26, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]),
    (258, &[0, 1, 2, 3, 4, 7, 8, 9, 12, 15, 16, 17, 24, 31, 32, 33, 64, 65, 128, 65_535]),
    (
        259,
        &[
            0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 32_771, 32_773, 32_946, 33_003, 34_712, 34_887, 34_925, 50_000,
            50_001, 50_002, 52_546,
        ],
    ),
    (262, &[0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 32_844, 32_845]),
    (266, &[0, 1, 2, 3]),
    (273, &EVIL),
    (274, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
    (277, &[0, 1, 2, 3, 4, 5, 8, 255, 256, 257, 65_535]),
    (278, &[0, 1, 2, 3, 16, 24, 25, 4096, 65_535, 1 << 20, 0x8000_0000, 0xffff_ffff]),
    (279, &EVIL),
    (284, &[0, 1, 2, 3]),
    (292, &EVIL),
    (317, &[0, 1, 2, 3, 4]),
    (320, &EVIL),
    (322, &[0, 1, 2, 8, 15, 16, 17, 32, 48, 256, 4096, 4097, 65_535, 0xffff_ffff]),
    (323, &[0, 1, 2, 8, 15, 16, 17, 32, 48, 256, 4096, 4097, 65_535, 0xffff_ffff]),
    (324, &EVIL),
    (325, &EVIL),
    (330, &EVIL),
    (338, &[0, 1, 2, 3]),
    (339, &[0, 1, 2, 3, 4, 5, 6, 7]),
    (347, &EVIL),
    (529, &EVIL),
    (530, &[0, 1, 2, 3, 4, 8]),
    (34_735, &[0, 1, 2, 1024, 1025, 2048, 3072, 3075, 4326, 32_631, 32_767, 34_736, 34_737, 65_535]),
    (42_113, &[0x30, 0x006e_616e, 0x3939_392d]),
    (50_674, &[0, 1, 2, 3, 4]),
];

/// One to three changes.
pub fn mutate(original: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = original.to_vec();
    for _ in 0..=random.below(3) {
        match Map::of(&bytes).filter(|map| !map.entries.is_empty()) {
            Some(map) if random.below(8) > 0 => structured(&mut bytes, &map, random),
            _ => blind(&mut bytes, random),
        }
    }
    bytes
}

fn structured(bytes: &mut Vec<u8>, map: &Map, random: &mut Random) {
    let entry = random.one_of(&map.entries);
    let word = map.form.word();
    match random.below(14) {
        0..=4 => value(bytes, map, entry, random),
        5 => {
            let near =
                [entry.count.wrapping_sub(1), entry.count.wrapping_add(1), entry.count.wrapping_mul(2)];
            let count = if random.below(2) == 0 { random.one_of(&near) } else { random.one_of(&EVIL) };
            put(bytes, map, entry.at + 4, count, word);
        }
        6 => put(bytes, map, entry.at + 2, random.below(20) as u64, 2),
        7 => put(bytes, map, entry.at, u64::from(random.one_of(&TAGS).0), 2),
        8 => {
            let place = place(bytes, map, random);
            put(bytes, map, entry.at + 4 + word, place, word);
        }
        9 => {
            // Twice the same tag, or out of order.
            let other = random.one_of(&map.entries);
            let (a, b) = (slice(bytes, entry.at, map.entry_len()), slice(bytes, other.at, map.entry_len()));
            write(bytes, other.at, &a);
            if random.below(2) == 0 {
                write(bytes, entry.at, &b);
            }
        }
        10 => {
            let (link, place) = (random.one_of(&map.links), place(bytes, map, random));
            put(bytes, map, link, place, word);
        }
        11 => {
            // More entries than there are, or fewer.
            let at = random.one_of(&map.directories);
            let count = random.one_of(&[0, 1, 5, 13, 512, 513, 65_535, u64::MAX]);
            put(bytes, map, at, count, if map.form.big { 8 } else { 2 });
        }
        12 => long_values(bytes, map, entry, random),
        _ => {
            // The bytes of a block, or of anything else.
            let values = entry.values(bytes);
            let at = values.start + random.below(values.len());
            damage(bytes, at, random);
        }
    }
}

/// One of an entry's values.
fn value(bytes: &mut [u8], map: &Map, entry: Entry, random: &mut Random) {
    let values = entry.values(bytes);
    let size = entry.size();
    let at = values.start + random.below(values.len() / size) * size;
    if entry.kind == 12 && random.below(3) > 0 {
        put(bytes, map, at, random.one_of(&EVIL_DOUBLES).to_bits(), 8);
        return;
    }
    let meant = TAGS.iter().find(|(tag, _)| *tag == entry.tag).map_or(&EVIL[..], |(_, values)| *values);
    let number = match random.below(8) {
        0 => random.one_of(&EVIL),
        1 => map.number(bytes, at, size).unwrap_or(0).wrapping_add(1),
        2 => map.number(bytes, at, size).unwrap_or(0).wrapping_sub(1),
        3 => place(bytes, map, random),
        _ => random.one_of(meant),
    };
    if random.below(4) == 0 {
        // All of them: bits of every band, offsets of every block.
        for at in values.step_by(size) {
            put(bytes, map, at, number, size);
        }
    } else {
        put(bytes, map, at, number, size);
    }
}

/// Gives an entry many values that are there: room at the end of the file.
fn long_values(bytes: &mut Vec<u8>, map: &Map, entry: Entry, random: &mut Random) {
    let word = map.form.word();
    let at = bytes.len() as u64;
    let len = random.one_of(&[100, 2000, 30_000]);
    let filler = random.one_of(&[0, 1, 0x20, 0x80, 0xff]);
    bytes.resize(bytes.len() + len, filler);
    put(bytes, map, entry.at + 4, (len / entry.size()) as u64, word);
    put(bytes, map, entry.at + 4 + word, at, word);
}

/// An offset: of something that is there, of the end, or beyond it.
fn place(bytes: &[u8], map: &Map, random: &mut Random) -> u64 {
    let len = bytes.len() as u64;
    match random.below(5) {
        0 => random.one_of(&map.directories) as u64,
        1 => random.one_of(&map.entries).at as u64,
        2 => random.one_of(&[len, len - 1, len + 1, len.saturating_sub(8), 0, 1, 8]),
        3 => random.below(bytes.len()) as u64,
        _ => random.one_of(&EVIL),
    }
}

fn blind(bytes: &mut Vec<u8>, random: &mut Random) {
    let at = random.below(bytes.len());
    match random.below(6) {
        0 if bytes.len() > 16 => bytes.truncate(at.max(16)),
        1 => {
            let from = random.below(bytes.len());
            let part = slice(bytes, from, random.one_of(&[4, 12, 20, 64]));
            write(bytes, at, &part);
        }
        2 => {
            let number = random.one_of(&EVIL);
            write(bytes, at, &number.to_le_bytes()[..random.one_of(&[2, 4, 8])]);
        }
        _ => damage(bytes, at, random),
    }
}

/// A bit, a byte, or a few.
fn damage(bytes: &mut [u8], at: usize, random: &mut Random) {
    let Some(byte) = bytes.get_mut(at) else { return };
    match random.below(4) {
        0 => *byte = random.one_of(&[0, 1, 0x7f, 0x80, 0xff]),
        1 => {
            let end = (at + 1 + random.below(16)).min(bytes.len());
            bytes[at..end].fill(random.one_of(&[0, 0xff]));
        }
        _ => *byte ^= 1 << random.below(8),
    }
}

fn slice(bytes: &[u8], at: usize, len: usize) -> Vec<u8> {
    bytes[at.min(bytes.len())..at.saturating_add(len).min(bytes.len())].to_vec()
}

fn put(bytes: &mut [u8], map: &Map, at: usize, value: u64, len: usize) {
    write(bytes, at, &map.form.number(value, len));
}

/// As far as the file goes.
fn write(bytes: &mut [u8], at: usize, part: &[u8]) {
    let at = at.min(bytes.len());
    let len = part.len().min(bytes.len() - at);
    bytes[at..at + len].copy_from_slice(&part[..len]);
}
