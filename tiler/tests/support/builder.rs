//! Writes TIFF files entry by entry, in any of the four forms. It knows no codec: blocks come as they are to be stored.

/// One directory, with its blocks and the directories below it.
#[derive(Clone, Default)]
pub struct Image {
    /// Tags in ascending order, without those that say where things are.
    pub tags: Vec<(u16, Values)>,
    /// Stored blocks; an empty one is sparse.
    pub blocks: Vec<Vec<u8>>,
    pub tiled: bool,
    /// What `SubIFDs` points to.
    pub below: Vec<Image>,
}

/// The values of a tag.
#[derive(Clone)]
pub enum Values {
    Bytes(Vec<u8>),
    Text(&'static str),
    Shorts(Vec<u16>),
    Longs(Vec<u32>),
    Doubles(Vec<f64>),
    /// Offsets and counts: LONG, or LONG8 in a BigTIFF.
    Words(Vec<u64>),
}

/// How numbers are written.
#[derive(Clone, Copy)]
pub struct Form {
    pub big_endian: bool,
    pub big: bool,
}

/// A file of these images, one after the other.
pub fn file(images: &[Image], form: Form) -> Vec<u8> {
    let mut out = Writer { bytes: Vec::new(), form };
    out.bytes.extend_from_slice(if form.big_endian { b"MM" } else { b"II" });
    if form.big {
        for number in [43, 8, 0] {
            out.put(number, 2);
        }
    } else {
        out.put(42, 2);
    }
    let mut link = out.bytes.len();
    out.put(0, form.word());
    for image in images {
        let (at, next) = out.image(image);
        out.patch(link, at);
        link = next;
    }
    out.bytes
}

impl Form {
    pub fn word(self) -> usize {
        if self.big { 8 } else { 4 }
    }

    pub fn number(self, value: u64, len: usize) -> Vec<u8> {
        if self.big_endian {
            value.to_be_bytes()[8 - len..].to_vec()
        } else {
            value.to_le_bytes()[..len].to_vec()
        }
    }
}

struct Writer {
    bytes: Vec<u8>,
    form: Form,
}

impl Writer {
    fn put(&mut self, value: u64, len: usize) {
        self.bytes.extend(self.form.number(value, len));
    }

    fn patch(&mut self, at: usize, value: u64) {
        let bytes = self.form.number(value, self.form.word());
        self.bytes[at..at + bytes.len()].copy_from_slice(&bytes);
    }

    /// Where the directory is, and where it says what follows.
    fn image(&mut self, image: &Image) -> (u64, usize) {
        let below: Vec<u64> = image.below.iter().map(|image| self.image(image).0).collect();
        let offsets = image.blocks.iter().map(|block| if block.is_empty() { 0 } else { self.append(block) });
        let offsets = offsets.collect();
        let counts = image.blocks.iter().map(|block| block.len() as u64).collect();
        let mut tags = image.tags.clone();
        tags.push((if image.tiled { 324 } else { 273 }, Values::Words(offsets)));
        tags.push((if image.tiled { 325 } else { 279 }, Values::Words(counts)));
        if !below.is_empty() {
            tags.push((330, Values::Words(below)));
        }
        tags.sort_by_key(|(tag, _)| *tag);
        let word = self.form.word();
        let entries: Vec<Vec<u8>> = tags.iter().map(|(tag, values)| self.entry(*tag, values)).collect();
        let at = self.append(&[]);
        self.put(entries.len() as u64, if self.form.big { 8 } else { 2 });
        for entry in &entries {
            self.bytes.extend_from_slice(entry);
        }
        let next = self.bytes.len();
        self.put(0, word);
        (at, next)
    }

    /// An entry of a directory; values that do not fit into it go to the end of the file.
    fn entry(&mut self, tag: u16, values: &Values) -> Vec<u8> {
        let (form, word) = (self.form, self.form.word());
        let (kind, size, values) = match values {
            Values::Bytes(bytes) => (7, 1, bytes.clone()),
            Values::Text(text) => (2, 1, [text.as_bytes(), &[0]].concat()),
            Values::Shorts(v) => (3, 2, v.iter().flat_map(|&v| form.number(u64::from(v), 2)).collect()),
            Values::Longs(v) => (4, 4, v.iter().flat_map(|&v| form.number(u64::from(v), 4)).collect()),
            Values::Doubles(v) => (12, 8, v.iter().flat_map(|v| form.number(v.to_bits(), 8)).collect()),
            Values::Words(v) => {
                let kind = if form.big { 16 } else { 4 };
                (kind, word, v.iter().flat_map(|&v| form.number(v, word)).collect())
            }
        };
        let count = (values.len() / size) as u64;
        let mut entry =
            [form.number(u64::from(tag), 2), form.number(kind, 2), form.number(count, word)].concat();
        if values.len() <= word {
            entry.extend(&values);
            entry.resize(4 + 2 * word, 0);
        } else {
            let at = self.append(&values);
            entry.extend(form.number(at, word));
        }
        entry
    }

    /// Appends at an even offset.
    fn append(&mut self, bytes: &[u8]) -> u64 {
        self.bytes.resize(self.bytes.len().next_multiple_of(2), 0);
        let at = self.bytes.len() as u64;
        self.bytes.extend_from_slice(bytes);
        at
    }
}
