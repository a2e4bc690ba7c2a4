//! Buffers that stored tiles are read into, used again and again: the processor still has the one of a moment ago at hand, while
//! a fresh one is memory that must be allocated, cleared, and fetched.

use std::cell::RefCell;

use bytes::Bytes;

/// So many are kept on each thread, and no larger ones.
const KEPT: usize = 4;
const KEPT_BYTES: usize = 256 << 10;

thread_local! {
    static SPARE: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// Makes something at the beginning of a buffer, which may hold anything; `fill` says how many bytes it has.
pub(super) fn filled<T>(fill: impl FnOnce(&mut Vec<u8>) -> Option<(usize, T)>) -> Option<(Bytes, T)> {
    let mut lent = Lent { buffer: SPARE.with_borrow_mut(Vec::pop).unwrap_or_default(), len: 0 };
    let (len, more) = fill(&mut lent.buffer)?;
    lent.len = len.min(lent.buffer.len());
    Some((Bytes::from_owner(lent), more))
}

/// A buffer that goes back when its bytes are sent, to the thread that it is on then.
struct Lent {
    buffer: Vec<u8>,
    len: usize,
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.buffer[..self.len]
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let buffer = std::mem::take(&mut self.buffer);
        if buffer.capacity() <= KEPT_BYTES {
            // A thread that ends keeps none.
            let _ = SPARE.try_with(|spare| {
                let mut spare = spare.borrow_mut();
                if spare.len() < KEPT {
                    spare.push(buffer);
                }
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(content: &[u8]) -> Bytes {
        let made = filled(|buffer| {
            buffer.resize(buffer.len().max(content.len()), 0);
            buffer[..content.len()].copy_from_slice(content);
            Some((content.len(), ()))
        });
        made.expect("it is made").0
    }

    #[test]
    fn a_buffer_serves_again_when_its_bytes_are_gone() {
        let first = made(b"a tile of many bytes");
        let address = first.as_ptr();
        let second = made(b"another");
        assert_eq!((&first[..], &second[..]), (&b"a tile of many bytes"[..], &b"another"[..]));
        drop(first);
        let third = made(b"a short one");
        assert_eq!((third.as_ptr(), &third[..]), (address, &b"a short one"[..]));
    }

    #[test]
    fn few_are_kept_and_no_large_ones() {
        let many: Vec<Bytes> = (0..3 * KEPT).map(|_| made(b"a tile")).collect();
        drop(many);
        assert_eq!(SPARE.with_borrow(Vec::len), KEPT);
        SPARE.with_borrow_mut(Vec::clear);
        drop(made(&vec![0; KEPT_BYTES + 1]));
        assert_eq!(SPARE.with_borrow(Vec::len), 0);
        assert!(filled(|_| None::<(usize, ())>).is_none());
    }
}
