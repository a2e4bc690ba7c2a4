//! Memory of bytes that were used: whoever fills all of what he takes need not have it cleared, and its pages are there.

use std::collections::VecDeque;

use parking_lot::Mutex;

/// No more is kept than this.
const KEPT_BYTES: usize = 4 << 20;
/// What is shorter is soon cleared, and what is longer leaves no room for others.
const LENGTHS: std::ops::RangeInclusive<usize> = 8 << 10..=KEPT_BYTES / 4;

static SPARE: Mutex<Spare> = Mutex::new(Spare { buffers: VecDeque::new(), bytes: 0 });

/// The last that came is the last one here.
struct Spare {
    buffers: VecDeque<Vec<u8>>,
    bytes: usize,
}

impl Spare {
    fn take(&mut self, len: usize) -> Option<Vec<u8>> {
        let at = self.buffers.iter().rposition(|buffer| buffer.len() == len)?;
        self.bytes -= len;
        self.buffers.remove(at)
    }

    /// Returns one that must leave for it; more follow until there is `None`.
    fn leaving(&mut self, len: usize) -> Option<Vec<u8>> {
        let oldest = if self.bytes + len > KEPT_BYTES { self.buffers.pop_front() } else { None };
        self.bytes -= oldest.as_ref().map_or(0, Vec::len);
        oldest
    }

    fn put(&mut self, buffer: Vec<u8>) {
        self.bytes += buffer.len();
        self.buffers.push_back(buffer);
    }
}

/// So many bytes, each of which may be anything.
pub(crate) fn take(len: usize) -> Vec<u8> {
    let found = if LENGTHS.contains(&len) { SPARE.lock().take(len) } else { None };
    let mut buffer = found.unwrap_or_else(|| vec![0; len]);
    if cfg!(test) {
        // What shows without having been filled shall be seen.
        buffer.fill(0xa5);
    }
    buffer
}

/// Takes bytes back.
pub(crate) fn put(buffer: Vec<u8>) {
    // A longer one would not weigh what it takes.
    if !LENGTHS.contains(&buffer.len()) || buffer.capacity() != buffer.len() {
        return;
    }
    // They are freed after the lock.
    let mut leaving = Vec::new();
    let mut spare = SPARE.lock();
    leaving.extend(std::iter::from_fn(|| spare.leaving(buffer.len())));
    spare.put(buffer);
    drop(spare);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_last_is_taken_first_and_the_oldest_leaves() {
        let mut spare = Spare { buffers: VecDeque::new(), bytes: 0 };
        let len = KEPT_BYTES / 4;
        for number in 0..6 {
            while let Some(gone) = spare.leaving(len) {
                assert_eq!(gone[0], number - 4);
            }
            spare.put(vec![number; len]);
            assert!(spare.bytes <= KEPT_BYTES);
        }
        assert!(spare.take(len - 1).is_none());
        for number in (2..6).rev() {
            assert_eq!(spare.take(len).map(|buffer| buffer[0]), Some(number));
        }
        assert_eq!((spare.take(len), spare.bytes), (None, 0));
    }

    #[test]
    fn what_is_taken_is_as_long_as_was_asked_for() {
        for len in [0, 1, 9_000, KEPT_BYTES] {
            put(vec![1; len]);
            assert_eq!(take(len).len(), len);
        }
    }
}
