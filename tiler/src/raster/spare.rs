//! Memory of bytes that were used: whoever fills all of what he takes need not have it cleared, and its pages are there.

use parking_lot::Mutex;

/// No more is kept than this.
const KEPT_BYTES: usize = 8 << 20;

static SPARE: Mutex<Spare> = Mutex::new(Spare { buffers: Vec::new(), bytes: 0 });

struct Spare {
    buffers: Vec<Vec<u8>>,
    bytes: usize,
}

/// So many bytes, of which each may be anything.
pub(crate) fn take(len: usize) -> Vec<u8> {
    let found = {
        let mut spare = SPARE.lock();
        let found = spare.buffers.iter().rposition(|buffer| buffer.len() == len);
        found.map(|at| {
            spare.bytes -= len;
            spare.buffers.swap_remove(at)
        })
    };
    found.unwrap_or_else(|| vec![0; len])
}

/// Takes bytes back.
pub(crate) fn put(buffer: Vec<u8>) {
    let len = buffer.len();
    let mut spare = SPARE.lock();
    // Of those that nobody asked for, the oldest leave.
    while spare.bytes + len > KEPT_BYTES && !spare.buffers.is_empty() {
        let oldest = spare.buffers.remove(0);
        spare.bytes -= oldest.len();
    }
    if len > 0 && len <= KEPT_BYTES && buffer.capacity() == len {
        spare.bytes += len;
        spare.buffers.push(buffer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_back_is_taken_again_and_does_not_add_up() {
        // Of a length that no other test has.
        let len = 123_457;
        put(vec![7; len]);
        assert_eq!(take(len), vec![7; len]);
        assert_eq!(take(len), vec![0; len]);
        for _ in 0..200 {
            put(vec![1; len]);
        }
        let spare = SPARE.lock();
        assert!(spare.bytes <= KEPT_BYTES);
        assert_eq!(spare.bytes, spare.buffers.iter().map(Vec::len).sum::<usize>());
    }
}
