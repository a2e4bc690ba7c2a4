//! Decoded blocks of sources that more than one window needs, such as strips: each is decoded once, by whom it meets first.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, OnceLock},
};

use parking_lot::Mutex;

use crate::{
    geom::{Size, Window},
    raster::{Raster, Samples},
    source::{BlockAddress, Plane, Source, SourceError},
};

/// Of one job.
const LIMIT_BYTES: usize = 128 << 20;

/// A place that is filled once.
type Slot = Arc<OnceLock<Arc<Raster>>>;

/// The blocks of the sources of a job, by number of the source.
#[derive(Debug, Default)]
pub(super) struct Held(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    slots: HashMap<(usize, BlockAddress), Slot>,
    /// In the order in which they came.
    order: VecDeque<((usize, BlockAddress), usize)>,
    bytes: usize,
}

impl Held {
    /// A block, decoded now or before.
    fn block(
        &self,
        number: usize,
        address: BlockAddress,
        decode: impl Fn() -> Result<Raster, SourceError>,
    ) -> Result<Arc<Raster>, SourceError> {
        let key = (number, address);
        let slot = Arc::clone(self.0.lock().slots.entry(key).or_default());
        let mut failed = None;
        // Who comes second waits here; after a failure he tries himself, and fails the same way.
        if slot.get().is_none() {
            let made = std::cell::Cell::new(false);
            let kept = slot.get_or_init(|| {
                made.set(true);
                match decode() {
                    Ok(raster) => Arc::new(raster),
                    Err(error) => {
                        failed = Some(error);
                        Arc::new(Raster::new(Size::new(0, 0), 1, Vec::<u8>::new(), None))
                    }
                }
            });
            if made.get() {
                self.0.lock().keep(key, kept.byte_len());
            }
        }
        if let Some(error) = failed {
            return Err(error);
        }
        match slot.get() {
            Some(raster) if raster.size().pixels() > 0 => Ok(Arc::clone(raster)),
            _ => decode().map(Arc::new),
        }
    }
}

impl Inner {
    fn keep(&mut self, key: (usize, BlockAddress), bytes: usize) {
        self.order.push_back((key, bytes));
        self.bytes += bytes;
        while self.bytes > LIMIT_BYTES && self.order.len() > 1 {
            let Some((oldest, bytes)) = self.order.pop_front() else { return };
            self.bytes -= bytes;
            self.slots.remove(&oldest);
        }
    }
}

/// The pixels of a window of a level, in the type that they are stored in; what lies outside the image is not valid.
pub(super) fn window(
    (number, source): (usize, &Source),
    level: usize,
    window: &Window,
    held: Option<&Held>,
) -> Result<Raster, SourceError> {
    let (size, bands, image) = (window.size(), source.bands(), source.level(level));
    let mut samples = Samples::zeros(source.sample(), size.pixels() as usize * bands);
    let mut mask = vec![0; size.pixels() as usize];
    for address in source.blocks(level, window) {
        let decode = || {
            let stored = source.fetch(&[address])?;
            source.decode(address, &stored[0])
        };
        let block = match held {
            Some(held) => held.block(number, address, decode)?,
            None => Arc::new(decode()?),
        };
        let (col, row) = image.block_offset(address);
        let at = Window::new(col, row, block.size().width, block.size().height);
        let Some(part) =
            at.intersection(window).and_then(|part| part.intersection(&Window::full(image.size)))
        else {
            continue;
        };
        let width = part.width as usize;
        for line in part.row_off..part.row_end() {
            let from = (line - row) as usize * at.width as usize + (part.col_off - col) as usize;
            let to = (line - window.row_off) as usize * size.width as usize
                + (part.col_off - window.col_off) as usize;
            match address.plane {
                Plane::Image => {
                    samples.copy_from(to * bands, block.samples(), from * bands..(from + width) * bands);
                    match block.mask() {
                        Some(of_block) => {
                            mask[to..to + width].copy_from_slice(&of_block[from..from + width]);
                        }
                        None => mask[to..to + width].fill(255),
                    }
                }
                Plane::Mask => {
                    for (pixel, valid) in mask[to..to + width].iter_mut().enumerate() {
                        if block.samples().value(from + pixel) == 0.0 {
                            *valid = 0;
                        }
                    }
                }
            }
        }
    }
    source.check()?;
    Ok(Raster::new(size, bands, samples, Some(mask)))
}
