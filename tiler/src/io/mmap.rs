//! A read-only memory map that survives the truncation of its file. The only module with `unsafe` but those for vectors.
//!
//! Touching a mapped page that lies past the end of a truncated file, or whose storage fails, raises `SIGBUS`, which ends
//! a process that does not care. The handler installed here looks the address up among our maps, puts a page of zeros
//! there and marks the map as poisoned; the reader goes on with zeros and finds the mark when it asks
//! [`ByteSource::check`], before anything that it made of them is kept or sent. Faults elsewhere go the ordinary way.
//!
//! Source: the approach of systemd-journald (`src/basic/sigbus.c`).

#![expect(unsafe_code, reason = "mapping memory and handling its faults is what this module is for")]

use std::{
    borrow::Cow,
    fs::File,
    ops::Range,
    ptr,
    sync::{
        Arc, Once,
        atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering},
    },
};

use memmap2::{Advice, MmapOptions, UncheckedAdvice};
use parking_lot::Mutex;

use super::{ByteSource, FileIdentity, IoError, cached, within};

/// A fault maps as many bytes around it as are at hand: Linux's default of `fault_around_bytes`.
const AROUND: usize = 65_536;

/// So many bytes that are not needed any more stay mapped: each time that pages are unmapped, all processors that run this
/// process are interrupted.
const LINGERING_BYTES: usize = 4 << 20;

/// Maps of which pages linger, and how many bytes that may be; those of maps that went away stay counted until the next time.
static LINGERING: Mutex<Lingering> = Mutex::new(Lingering { maps: Vec::new(), bytes: 0 });

struct Lingering {
    maps: Vec<Arc<memmap2::Mmap>>,
    bytes: usize,
}

/// A file mapped into memory.
#[derive(Debug)]
pub struct Mmap {
    map: Arc<memmap2::Mmap>,
    slot: &'static Slot,
    file: File,
    identity: FileIdentity,
}

impl Mmap {
    pub(super) fn new(file: File, identity: FileIdentity) -> Result<Self, IoError> {
        install_handler();
        let len = usize::try_from(identity.size).map_err(|_| IoError::Empty)?;
        // SAFETY: the map is read-only, and read through `self` alone: what lingers is only advised upon. Other processes may change the file under it;
        // then its bytes change, which all readers treat as untrusted input, or vanish, which the handler turns into
        // zeros. Nothing relies on them staying the same: sizes and offsets are copied before they are checked.
        let map = unsafe { MmapOptions::new().len(len).map(&file) }.map_err(IoError::Open)?;
        let slot = Slot::register(map.as_ptr() as usize, map.len());
        Ok(Self { map: Arc::new(map), slot, file, identity })
    }
}

impl Drop for Mmap {
    fn drop(&mut self) {
        // Before the map goes: its addresses may soon belong to somebody else.
        self.slot.release();
        LINGERING.lock().maps.retain(|map| !Arc::ptr_eq(map, &self.map));
    }
}

impl ByteSource for Mmap {
    fn read(&self, range: Range<u64>) -> Result<Cow<'_, [u8]>, IoError> {
        Ok(Cow::Borrowed(&self.map[within(&range, self.map.len() as u64)?]))
    }

    fn read_at_hand(&self, offset: u64, buffer: &mut [u8]) -> bool {
        cached(&self.file, offset, buffer)
    }

    fn will_need(&self, ranges: &[Range<u64>]) {
        for range in ranges {
            if let Ok(range) = within(range, self.map.len() as u64) {
                // Advice only: without it pages come in one by one.
                let _ = self.map.advise_range(Advice::WillNeed, range.start, range.len());
            }
        }
    }

    fn done_with(&self, ranges: &[Range<u64>]) {
        let within = ranges.iter().filter_map(|range| within(range, self.map.len() as u64).ok());
        // A fault maps the pages around it as well.
        let around = |range: Range<usize>| range.end.next_multiple_of(AROUND) - range.start / AROUND * AROUND;
        let bytes = within.map(around).sum::<usize>();
        if bytes == 0 {
            return;
        }
        let mut lingering = LINGERING.lock();
        lingering.bytes += bytes;
        if !lingering.maps.iter().any(|map| Arc::ptr_eq(map, &self.map)) {
            lingering.maps.push(Arc::clone(&self.map));
        }
        if lingering.bytes < LINGERING_BYTES {
            return;
        }
        lingering.bytes = 0;
        let maps = std::mem::take(&mut lingering.maps);
        drop(lingering);
        for map in maps {
            // SAFETY: the pages are those of a file, mapped read-only: who still reads them gets them from the file again.
            let _ = unsafe { map.unchecked_advise(UncheckedAdvice::DontNeed) };
        }
    }

    fn check(&self) -> Result<(), IoError> {
        if self.slot.poisoned.load(Ordering::Acquire) {
            return Err(IoError::Poisoned);
        }
        if self.identity.still_holds(&self.file) { Ok(()) } else { Err(IoError::Changed) }
    }

    fn identity(&self) -> &FileIdentity {
        &self.identity
    }
}

/// One registered map, in a list that only grows: a signal handler can walk it without a lock.
#[derive(Debug)]
struct Slot {
    /// First address; 0 where the slot is free.
    start: AtomicUsize,
    len: AtomicUsize,
    taken: AtomicBool,
    poisoned: AtomicBool,
    next: AtomicPtr<Slot>,
}

static SLOTS: AtomicPtr<Slot> = AtomicPtr::new(ptr::null_mut());

impl Slot {
    /// A free slot, or a new one at the head of the list.
    fn register(start: usize, len: usize) -> &'static Self {
        let slot = Self::all()
            .find(|slot| {
                slot.taken.compare_exchange(false, true, Ordering::AcqRel, Ordering::Relaxed).is_ok()
            })
            .unwrap_or_else(Self::push);
        slot.poisoned.store(false, Ordering::Release);
        slot.len.store(len, Ordering::Release);
        // Last: from here on the handler sees the slot.
        slot.start.store(start, Ordering::Release);
        slot
    }

    fn push() -> &'static Self {
        let slot = Box::leak(Box::new(Self {
            start: AtomicUsize::new(0),
            len: AtomicUsize::new(0),
            taken: AtomicBool::new(true),
            poisoned: AtomicBool::new(false),
            next: AtomicPtr::new(ptr::null_mut()),
        }));
        let pointer = ptr::from_ref(slot).cast_mut();
        let mut head = SLOTS.load(Ordering::Acquire);
        loop {
            slot.next.store(head, Ordering::Release);
            match SLOTS.compare_exchange(head, pointer, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return slot,
                Err(now) => head = now,
            }
        }
    }

    fn release(&self) {
        self.start.store(0, Ordering::Release);
        self.len.store(0, Ordering::Release);
        self.taken.store(false, Ordering::Release);
    }

    fn all() -> impl Iterator<Item = &'static Self> {
        // SAFETY: slots are leaked boxes: every pointer in the list is null or valid for ever.
        std::iter::successors(unsafe { SLOTS.load(Ordering::Acquire).as_ref() }, |slot| unsafe {
            slot.next.load(Ordering::Acquire).as_ref()
        })
    }

    fn holds(&self, address: usize) -> bool {
        let start = self.start.load(Ordering::Acquire);
        let len = self.len.load(Ordering::Acquire);
        start != 0 && address >= start && address - start < len
    }
}

static PAGE_BYTES: AtomicUsize = AtomicUsize::new(4096);

fn install_handler() {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| {
        PAGE_BYTES.store(rustix::param::page_size(), Ordering::Release);
        // SAFETY: the action is zeroed and then filled as sigaction(2) asks; the handler has the signature that SA_SIGINFO
        // stands for, and calls nothing that is not async-signal-safe.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = on_sigbus as *const () as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
            libc::sigemptyset(&raw mut action.sa_mask);
            let installed = libc::sigaction(libc::SIGBUS, &raw const action, ptr::null_mut());
            assert_eq!(installed, 0, "SIGBUS is a signal that can be handled");
        }
    });
}

/// Puts a page of zeros under the fault if it lies in one of our maps, else lets the default action happen.
extern "C" fn on_sigbus(_: libc::c_int, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    // SAFETY: the kernel passes a valid siginfo_t, in which SIGBUS has an address. mmap with MAP_FIXED only replaces the
    // page of the fault, which lies in a map of ours that is alive: somebody is reading it right now. sigaction and mmap
    // are plain system calls; errno is kept for the code that was interrupted.
    unsafe {
        let errno = *libc::__errno_location();
        let address = (*info).si_addr() as usize;
        let page_bytes = PAGE_BYTES.load(Ordering::Acquire);
        let handled = Slot::all().find(|slot| slot.holds(address)).is_some_and(|slot| {
            slot.poisoned.store(true, Ordering::Release);
            let page = address & !(page_bytes - 1);
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED;
            let mapped = libc::mmap(page as *mut libc::c_void, page_bytes, libc::PROT_READ, flags, -1, 0);
            mapped != libc::MAP_FAILED
        });
        if !handled {
            // On return the access faults again, now with the default action.
            let mut default: libc::sigaction = std::mem::zeroed();
            default.sa_sigaction = libc::SIG_DFL;
            libc::sigaction(libc::SIGBUS, &raw const default, ptr::null_mut());
        }
        *libc::__errno_location() = errno;
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::io::{Access, open};

    const LEN: u64 = 1 << 20;

    fn file_of_ones() -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        file.write_all(&vec![1; LEN as usize]).expect("it takes a megabyte");
        file
    }

    #[test]
    fn a_file_truncated_under_four_readers_gives_zeros_and_is_found_out() {
        let file = file_of_ones();
        let source = open(file.path(), Access::Mmap).expect("it opens");
        source.check().expect("nothing happened yet");
        file.as_file().set_len(100_000).expect("it can be cut");
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let bytes = source.read(0..LEN).expect("the range was valid at the time of opening");
                    assert_eq!(bytes.iter().map(|&b| u64::from(b)).sum::<u64>(), 100_000);
                });
            }
        });
        assert!(matches!(source.check(), Err(IoError::Poisoned)));
    }

    #[test]
    fn a_poisoned_map_leaves_no_mark_on_the_next_one() {
        for _ in 0..3 {
            let file = file_of_ones();
            let source = open(file.path(), Access::Mmap).expect("it opens");
            assert!(source.check().is_ok());
            file.as_file().set_len(0).expect("it can be cut");
            assert_eq!(source.read(LEN - 1..LEN).expect("in range")[0], 0);
            assert!(source.check().is_err());
        }
    }

    /// Bytes of a mapped file that count as this process's memory.
    fn resident(path: &std::path::Path) -> usize {
        let maps = std::fs::read_to_string("/proc/self/smaps").expect("Linux tells");
        let of_file = maps.lines().skip_while(|line| !line.ends_with(path.to_str().expect("it is text")));
        let rss = of_file.skip(1).find_map(|line| line.strip_prefix("Rss:")).expect("it is mapped");
        rss.trim().trim_end_matches(" kB").parse::<usize>().expect("it is a number") * 1024
    }

    #[test]
    fn pages_that_are_done_with_do_not_add_up() {
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        let len = 4 * LINGERING_BYTES as u64;
        file.write_all(&vec![1; len as usize]).expect("it takes some megabytes");
        let source = open(file.path(), Access::Mmap).expect("it opens");
        for start in (0..len).step_by(1 << 20) {
            let range = start..start + (1 << 20);
            let bytes = source.read(range.clone()).expect("it is there");
            assert_eq!(bytes.iter().map(|&b| u64::from(b)).sum::<u64>(), 1 << 20);
            source.done_with(&[range]);
            let resident = resident(file.path());
            assert!(resident <= LINGERING_BYTES + (2 << 20), "{resident} bytes after {start}");
        }
    }
}
