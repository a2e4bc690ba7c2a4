//! A decoded block as it is kept between tiles: whole, or as far as it was asked for.

use std::ops::Range;

use parking_lot::{RwLock, RwLockReadGuard};

use super::{BlockAddress, Plane, Source, SourceError, StoredBlock, level::Blocks};
use crate::{
    codec::{BlockLayout, Compression, PartialBlock, Photometric, YCbCr},
    geom::{Size, Window},
    raster::{Canvas, Raster, StoredPlanes},
};

/// A decoded block. Where its codec allows it and no pixel of it can be hidden, it is decoded as its parts are asked for.
#[derive(Debug)]
pub struct Block {
    content: Content,
    byte_len: usize,
}

#[derive(Debug)]
enum Content {
    Whole(Raster),
    Parts { size: Size, bands: usize, decoded: RwLock<Parts> },
}

#[derive(Debug)]
struct Parts {
    block: PartialBlock,
    /// Nothing more may be decoded: the data is damaged or was changed meanwhile. What was decoded before is sound.
    is_broken: bool,
}

/// The luma and chroma of a block, as long as this is kept.
#[derive(Debug)]
pub struct HeldPlanes<'a>(RwLockReadGuard<'a, Parts>);

impl HeldPlanes<'_> {
    /// The planes; what was never asked for may be anything.
    ///
    /// # Panics
    /// Never: whether there are any is asked before they are held.
    pub fn planes(&self) -> StoredPlanes<'_> {
        self.0.block.ycbcr().expect("it was asked before it was held")
    }
}

/// Whether a block has what is asked of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holding {
    /// All of it.
    All,
    /// Not yet, but it can be decoded.
    NotYet,
    /// It never will: it must be decoded anew.
    Never,
}

impl Block {
    /// A block that is decoded whole.
    pub fn whole(raster: Raster) -> Self {
        Self { byte_len: raster.byte_len(), content: Content::Whole(raster) }
    }

    fn parts(block: PartialBlock, layout: &BlockLayout) -> Self {
        Self {
            byte_len: block.byte_len(),
            content: Content::Parts {
                size: layout.size,
                bands: layout.bands,
                decoded: RwLock::new(Parts { block, is_broken: false }),
            },
        }
    }

    /// Bytes that it takes in memory at most, when it is decoded whole or just before.
    pub fn byte_len(&self) -> usize {
        self.byte_len
    }

    /// Whether the pixels of a window, in pixels of the block, are decoded.
    pub fn holding(&self, window: &Window) -> Holding {
        match &self.content {
            Content::Whole(_) => Holding::All,
            Content::Parts { decoded, .. } => {
                let parts = decoded.read();
                match parts.block.holds(window) {
                    _ if parts.is_broken => Holding::Never,
                    true => Holding::All,
                    false => Holding::NotYet,
                }
            }
        }
    }

    /// Copies it into a canvas, as [`Canvas::paste`]; what was never asked for may be anything.
    pub fn paste(&self, canvas: &mut Canvas, col_off: i64, row_off: i64, image: &Window) {
        match &self.content {
            Content::Whole(raster) => canvas.paste(raster, col_off, row_off, image),
            Content::Parts { size, bands, decoded } => {
                let parts = decoded.read();
                let mut rows = parts.block.pixel_rows();
                let row = |row, columns: &Range<usize>, out: &mut [u8]| rows.row(row, columns, out);
                canvas.paste_rows(row, (*size, *bands), (col_off, row_off), image);
            }
        }
    }

    /// Its luma and chroma, if it is stored so; while they are held, nothing more of it is decoded.
    ///
    /// Who holds several takes them in the order of their addresses, each once. Then nobody waits in a circle: a reader who waits
    /// holds only blocks before the one that he waits for, and a writer holds no other. While they are held, no work is given
    /// to rayon, which could begin another tile on this thread.
    pub fn ycbcr(&self) -> Option<HeldPlanes<'_>> {
        let Content::Parts { decoded, .. } = &self.content else { return None };
        let held = decoded.read();
        held.block.ycbcr().is_some().then_some(HeldPlanes(held))
    }

    /// Weakens a canvas by it, as [`Canvas::restrict`], where it is a mask.
    pub fn restrict(&self, canvas: &mut Canvas, col_off: i64, row_off: i64, image: &Window) {
        match &self.content {
            Content::Whole(raster) => canvas.restrict(raster, col_off, row_off, image),
            Content::Parts { .. } => debug_assert!(false, "masks are decoded whole"),
        }
    }
}

impl Source {
    /// The part of a block, in its own pixels, that a window of its level shows.
    ///
    /// # Panics
    /// When there is no such level.
    pub fn part_of_block(&self, block: BlockAddress, window: &Window) -> Window {
        let level = &self.levels[block.level];
        let (col, row) = level.block_offset(block);
        let size = self.stored_size(block).unwrap_or(Size::new(0, 0));
        let own = Window::new(window.col_off - col, window.row_off - row, window.width, window.height);
        own.intersection(&Window::full(size)).unwrap_or(Window::new(0, 0, 0, 0))
    }

    /// Whether the blocks of a level are luma and halved chroma by their tags, and all of their pixels show.
    ///
    /// # Panics
    /// When there is no such level.
    pub fn stores_ycbcr(&self, level: usize) -> bool {
        let level = &self.levels[level];
        let Blocks::Tiff(plane) = &level.image else { return false };
        let layout = plane.layout(0);
        let is_halved = matches!(layout.photometric, Photometric::YCbCr(YCbCr { subsampling: (2, 2), .. }));
        layout.compression == Compression::Jpeg
            && is_halved
            && !level.has_mask()
            && !self.rules.hide_anything()
    }

    /// A block that will be decoded in parts; `None` where it must be decoded whole.
    pub fn open_block(&self, block: BlockAddress, stored: &StoredBlock<'_>) -> Option<Block> {
        let Some(Blocks::Tiff(plane)) = self.levels[block.level].blocks(block.plane) else { return None };
        let is_plain = block.plane == Plane::Image && plane.directory.pieces() == 1 && !plane.inks_apart;
        if !is_plain || self.rules.hide_anything() || self.touches_collar(block) {
            return None;
        }
        let layout = plane.layout(block.row);
        // Of a damaged one the whole decoder says what is wrong.
        let block = PartialBlock::open(stored.only_piece()?, &layout).ok()??;
        Some(Block::parts(block, &layout))
    }

    /// Decodes as much more of a block as a window of it needs, and checks that the file is still the same.
    ///
    /// Returns what it holds then: [`Holding::Never`] where its data is damaged, which only the whole decoder can judge.
    ///
    /// # Errors
    /// When the file has changed.
    pub fn decode_more(
        &self,
        block: &Block,
        stored: &StoredBlock<'_>,
        window: &Window,
    ) -> Result<Holding, SourceError> {
        let Content::Parts { decoded, .. } = &block.content else { return Ok(Holding::All) };
        let mut parts = decoded.write();
        if parts.is_broken {
            return Ok(Holding::Never);
        }
        if parts.block.holds(window) {
            return Ok(Holding::All);
        }
        let Some(bytes) = stored.only_piece() else { return Ok(Holding::Never) };
        // Others see nothing of it before the file was checked, since they wait for the lock.
        parts.is_broken = true;
        let is_decoded = parts.block.decode(bytes, window).is_ok();
        self.check()?;
        parts.is_broken = !is_decoded;
        Ok(if is_decoded { Holding::All } else { Holding::Never })
    }
}

#[cfg(test)]
mod tests {
    use std::{path::Path, sync::Arc};

    use super::*;
    use crate::{
        cog::write::{PixelError, PixelSource, WriteOptions, write},
        crs::Crs,
        geom::GeoTransform,
        raster::Depth,
        source::{NodataRule, OpenOptions},
    };

    /// Waves, so that every pixel differs from its neighbours.
    struct Waves;

    impl PixelSource for Waves {
        fn pixels(&self, window: Window) -> Result<Raster, PixelError> {
            let places = (window.row_off..window.row_end())
                .flat_map(|row| (window.col_off..window.col_end()).map(move |col| (col, row)));
            let colour =
                |(col, row): (i64, i64)| [(col * 3 % 251) as u8, (row * 5 % 241) as u8, (col ^ row) as u8];
            Ok(Raster::new(window.size(), 3, places.flat_map(colour).collect::<Vec<u8>>(), None))
        }
    }

    const WHOLE: Window = Window::new(0, 0, 128, 128);
    const PART: Window = Window::new(40, 50, 30, 20);
    const FIRST: BlockAddress = BlockAddress { level: 0, plane: Plane::Image, col: 0, row: 0 };

    fn jpeg(folder: &Path, options: &OpenOptions) -> Arc<Source> {
        let path = folder.join("waves.tif");
        let geotransform = GeoTransform::north_up(650_000.0, 6_235_000.0, 0.05, 0.05);
        let crs = Crs::from_epsg(2154).expect("it is known");
        let size = Size::new(300, 200);
        let written = WriteOptions { block_px: 128, ..WriteOptions::new(size, geotransform, &crs) };
        write(&path, &written, &Waves).expect("the folder can be written to");
        Source::open(&path, options).expect("it is a GeoTIFF")
    }

    fn stored(source: &Source) -> StoredBlock<'_> {
        source.fetch(&[FIRST]).expect("it is there").remove(0)
    }

    fn shown(paste: impl FnOnce(&mut Canvas), window: Window) -> Raster {
        let mut canvas = Canvas::new(window, &[0, 1, 2], Depth::Byte);
        paste(&mut canvas);
        canvas.finish()
    }

    #[test]
    fn what_was_asked_for_is_as_in_the_whole_block_and_the_rest_can_follow() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let source = jpeg(folder.path(), &OpenOptions::default());
        let stored = stored(&source);
        let whole = source.decode(FIRST, &stored).expect("it is sound");
        let block = source.open_block(FIRST, &stored).expect("a JPEG is decoded in parts");
        assert_eq!(block.holding(&PART), Holding::NotYet);
        for window in [PART, Window::new(5, 90, 100, 38), WHOLE] {
            let holding = source.decode_more(&block, &stored, &window).expect("the file is the same");
            assert_eq!((holding, block.holding(&window)), (Holding::All, Holding::All));
            let parts = shown(|canvas| block.paste(canvas, 0, 0, &WHOLE), window);
            assert_eq!(parts, shown(|canvas| canvas.paste(&whole, 0, 0, &WHOLE), window), "{window:?}");
        }
        assert!(block.byte_len() < whole.byte_len(), "chroma is kept as it is stored");
    }

    #[test]
    fn where_pixels_may_be_hidden_a_block_is_decoded_whole() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let options = OpenOptions { nodata: NodataRule::Value(0.0), ..OpenOptions::default() };
        let source = jpeg(folder.path(), &options);
        assert!(source.open_block(FIRST, &stored(&source)).is_none());
    }

    #[test]
    fn nothing_is_decoded_any_more_of_a_file_that_changed() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let source = jpeg(folder.path(), &OpenOptions::default());
        let stored = stored(&source);
        let block = source.open_block(FIRST, &stored).expect("a JPEG is decoded in parts");
        let path = folder.path().join("waves.tif");
        let grown = [std::fs::read(&path).expect("it is there"), vec![0]].concat();
        std::fs::write(&path, grown).expect("it can be written to");
        assert!(source.decode_more(&block, &stored, &PART).is_err());
        assert_eq!(block.holding(&PART), Holding::Never);
        assert!(matches!(source.decode_more(&block, &stored, &PART), Ok(Holding::Never)));
    }

    #[test]
    fn of_damaged_data_the_whole_decoder_has_the_last_word() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let source = jpeg(folder.path(), &OpenOptions::default());
        let sound = stored(&source);
        let block = source.open_block(FIRST, &sound).expect("a JPEG is decoded in parts");
        let bytes = sound.only_piece().expect("it is stored");
        let cut = StoredBlock::of(&bytes[..bytes.len() / 2]);
        assert!(matches!(source.decode_more(&block, &cut, &WHOLE), Ok(Holding::Never)));
    }
}
