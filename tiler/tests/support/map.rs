//! Where the numbers of a TIFF are. It reads what it can of a file that may be damaged, and gives up early.

use std::ops::Range;

use super::builder::Form;

/// An entry of a directory.
#[derive(Clone, Copy)]
pub struct Entry {
    /// Where its tag is.
    pub at: usize,
    pub tag: u16,
    pub kind: u16,
    pub count: u64,
    /// Where its values are; it may reach beyond the file.
    values: (usize, usize),
}

/// Where the numbers of a file are.
pub struct Map {
    pub form: Form,
    pub entries: Vec<Entry>,
    /// Where the offsets of directories are written: in the header, and after the entries of each.
    pub links: Vec<usize>,
    /// Where directories start.
    pub directories: Vec<usize>,
}

const DIRECTORIES: usize = 70;
const ENTRIES: usize = 100;

impl Map {
    /// `None` when it is no TIFF.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        let (big_endian, big) = match bytes {
            [b'I', b'I', version @ (42 | 43), 0, ..] => (false, *version == 43),
            [b'M', b'M', 0, version @ (42 | 43), ..] => (true, *version == 43),
            _ => return None,
        };
        let form = Form { big_endian, big };
        let first = if big { 8 } else { 4 };
        let mut map = Self { form, entries: Vec::new(), links: vec![first], directories: Vec::new() };
        let mut waiting = vec![map.number(bytes, first, form.word())? as usize];
        while let Some(at) = waiting.pop() {
            if at == 0 || map.directories.contains(&at) || map.directories.len() >= DIRECTORIES {
                continue;
            }
            map.directory(bytes, at, &mut waiting);
        }
        Some(map)
    }

    fn directory(&mut self, bytes: &[u8], start: usize, waiting: &mut Vec<usize>) -> Option<()> {
        let (word, counter) = (self.form.word(), if self.form.big { 8 } else { 2 });
        let count = self.number(bytes, start, counter)? as usize;
        self.directories.push(start);
        for index in 0..count.min(ENTRIES) {
            let at = start + counter + index * self.entry_len();
            let tag = self.number(bytes, at, 2)? as u16;
            let kind = self.number(bytes, at + 2, 2)? as u16;
            let count = self.number(bytes, at + 4, word)?;
            let len = usize::try_from(count).ok().and_then(|count| count.checked_mul(size_of_kind(kind)));
            let inline = at + 4 + word;
            let out_of_line = self.number(bytes, inline, word)? as usize;
            let values = match len {
                Some(len) if len <= word => (inline, len),
                len => (out_of_line, len.unwrap_or(usize::MAX)),
            };
            let entry = Entry { at, tag, kind, count, values };
            self.entries.push(entry);
            if tag == 330 {
                let below = entry.values(bytes);
                let offsets = below.step_by(word).filter_map(|at| self.number(bytes, at, word));
                waiting.extend(offsets.map(|offset| offset as usize).take(DIRECTORIES));
            }
        }
        let link = start.checked_add(counter + count.min(1 << 16) * self.entry_len())?;
        waiting.push(self.number(bytes, link, word)? as usize);
        self.links.push(link);
        Some(())
    }

    pub fn entry_len(&self) -> usize {
        4 + 2 * self.form.word()
    }

    pub fn number(&self, bytes: &[u8], at: usize, len: usize) -> Option<u64> {
        let bytes = bytes.get(at..at.checked_add(len)?)?;
        let fold = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
        Some(if self.form.big_endian { bytes.iter().fold(0, fold) } else { bytes.iter().rev().fold(0, fold) })
    }
}

impl Entry {
    /// Where its values are, as far as the file goes.
    pub fn values(&self, bytes: &[u8]) -> Range<usize> {
        let start = self.values.0.min(bytes.len());
        start..start.saturating_add(self.values.1).min(bytes.len())
    }

    /// Bytes of one value.
    pub fn size(&self) -> usize {
        size_of_kind(self.kind)
    }
}

fn size_of_kind(kind: u16) -> usize {
    match kind {
        3 | 8 => 2,
        4 | 9 | 11 | 13 => 4,
        5 | 10 | 12 | 16..=18 => 8,
        _ => 1,
    }
}
