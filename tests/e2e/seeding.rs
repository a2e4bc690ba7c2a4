//! Tiles that are made beforehand are those that the server sends.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use server::{
    AppSettings, DiskConfig, TileSettings,
    layers::Catalog,
    seed::{
        About, DiskTarget, Engine, FolderTarget, Job, MbTilesTarget, PmTilesTarget, Sum, Target, TargetError,
        run,
    },
};
use support::{Running, opened, write_cog};
use tiler::{
    cog::write::{PixelError, PixelSource},
    encode::OutputFormat,
    geom::Window,
    raster::Raster,
    seed::Area,
    tms::TileId,
};

/// A slope with a texture, or flat in its western half.
struct Slope(u8);

impl PixelSource for Slope {
    fn pixels(&self, window: Window) -> Result<Raster, PixelError> {
        let mut pixels = Vec::with_capacity(window.pixels() as usize * 3);
        for row in window.row_off..window.row_off + i64::from(window.height) {
            for col in window.col_off..window.col_off + i64::from(window.width) {
                let is_flat = col < 1000;
                let at = |factor: i64| if is_flat { self.0 } else { ((col * factor + row * 3) % 200) as u8 };
                pixels.extend([at(1), at(2), self.0]);
            }
        }
        Ok(Raster::new(window.size(), 3, pixels, None))
    }
}

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().expect("a temporary folder"));
        write_cog(&place.ortho(), 2000, &Slope(40));
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn ortho(&self) -> PathBuf {
        self.path("ortho.tif")
    }

    fn catalog(&self) -> Catalog {
        let path = self.ortho();
        let toml = format!("[[layer]]\nid = \"ortho\"\npath = \"{}\"\n", path.display());
        let (catalog, _) = opened(self.0.path(), &toml, None).1.expect("the file can be served");
        catalog
    }

    fn job(&self, set: &str, zooms: std::ops::RangeInclusive<&str>, format: OutputFormat) -> Job {
        let snapshot = self.catalog().snapshot();
        let layer = &snapshot.layers["ortho"];
        let offer = snapshot.find_set(layer, set).expect("it is offered");
        let [first, last] =
            [zooms.start(), zooms.end()].map(|id| offer.set.matrix_index(id).expect("a zoom"));
        let limits = |matrix: usize| offer.limits[matrix].expect("it is offered");
        Job {
            imagery: layer.imagery.clone(),
            layer: Arc::clone(layer),
            set: Arc::clone(&offer.set),
            matrices: (first..=last).map(|matrix| (matrix, limits(matrix))).collect(),
            area: Area::everywhere(),
            format,
            style: layer.styles[0].clone(),
        }
    }
}

fn seeded(job: &Job, target: &mut dyn Target) -> Sum {
    let sum = seeded_until(job, target, u64::MAX);
    target.finish().expect("it can be written");
    sum
}

/// Stops after so many tiles.
fn seeded_until(job: &Job, target: &mut dyn Target, tiles: u64) -> Sum {
    let engine = Engine::start(2, Arc::default(), None).expect("threads are to be had");
    let stop = AtomicBool::new(false);
    let mut watch = |sum: &Sum| stop.store(sum.made >= tiles, Ordering::Relaxed);
    run(job, &engine, target, &mut watch, &stop).expect("the target can be written")
}

fn tiles(job: &Job) -> Vec<TileId> {
    let metatiles = job.walks().flat_map(|walk| walk.metatiles());
    metatiles.flat_map(|metatile| metatile.tiles().collect::<Vec<_>>()).collect()
}

fn mbtiles(path: &Path, about: About) -> MbTilesTarget {
    MbTilesTarget::open(path, about).unwrap_or_else(|error| panic!("{error}"))
}

fn pmtiles(path: &Path, job: &Job) -> PmTilesTarget {
    PmTilesTarget::open(path, &job.set, job.about()).unwrap_or_else(|error| panic!("{error}"))
}

fn tile_in_mbtiles(path: &Path, TileId { matrix, col, row }: TileId) -> Option<Vec<u8>> {
    let database = rusqlite::Connection::open(path).expect("a database");
    let row = (1_u32 << matrix) - 1 - row;
    let sql = "SELECT tile_data FROM tiles WHERE zoom_level = ? AND tile_column = ? AND tile_row = ?";
    database.query_row(sql, [matrix as u32, col, row], |row| row.get(0)).ok()
}

#[test]
fn every_tile_of_a_file_is_the_one_that_is_served() {
    let place = Place::new();
    let job = place.job("WebMercatorQuad", "14"..="19", OutputFormat::Auto);
    let path = place.path("ortho.mbtiles");
    let sum = seeded(&job, &mut mbtiles(&path, job.about()));
    assert_eq!((sum.made + sum.empty, sum.failed), (job.count(), 0));
    assert!(sum.equal > 0, "the flat half is there once: {sum:?}");
    let server = Running::serve(&[place.ortho()]);
    let mut formats = [0, 0];
    for tile in tiles(&job) {
        let TileId { matrix, col, row } = tile;
        let served = server.get(&format!("/xyz/ortho/{matrix}/{col}/{row}.auto"));
        match tile_in_mbtiles(&path, tile) {
            Some(bytes) => {
                assert!(served.body == bytes, "{tile:?}");
                formats[usize::from(served.header("content-type") == "image/png")] += 1;
            }
            None => assert_eq!(served.header("pavage-path"), "blank", "{tile:?}"),
        }
    }
    assert!(formats[0] > 0 && formats[1] > 0, "{formats:?}");
}

#[test]
fn a_run_that_is_stopped_has_the_finer_zooms_of_a_part_of_the_ground() {
    let place = Place::new();
    let job = place.job("WebMercatorQuad", "17"..="21", OutputFormat::Jpeg);
    let path = place.path("ortho.mbtiles");
    seeded_until(&job, &mut mbtiles(&path, job.about()), job.count() / 2);
    let database = rusqlite::Connection::open(&path).expect("a database");
    let count = |zoom: usize| -> i64 {
        let sql = "SELECT COUNT(*) FROM tiles WHERE zoom_level = ?";
        database.query_row(sql, [zoom as i64], |row| row.get(0)).expect("they can be counted")
    };
    let wanted = |zoom| tiles(&job).iter().filter(|tile| tile.matrix == zoom).count() as i64;
    let counts = [17, 20, 21].map(|zoom| (count(zoom), wanted(zoom)));
    let [(coarsest, _), (coarser, _), (finest, all)] = counts;
    assert!(coarsest == 0 && coarser > 0 && 0 < finest && finest < all, "{counts:?}");
}

#[test]
fn a_folder_holds_files_of_any_set() {
    let place = Place::new();
    let job = place.job("LAMB93_5cm", "17"..="19", OutputFormat::Jpeg);
    let root = place.path("tiles");
    let sum = seeded(&job, &mut FolderTarget::open(&root, &job.set, &job.about()).expect("it is new"));
    assert!(sum.made > 10, "{sum:?}");
    let server = Running::serve(&[place.ortho()]);
    let mut found = 0;
    for TileId { matrix, col, row } in tiles(&job) {
        let name = format!("{}/{col}/{row}.jpg", job.set.matrices[matrix].id);
        let Ok(bytes) = fs::read(root.join(&name)) else { continue };
        found += 1;
        assert!(server.get(&format!("/xyz/ortho/LAMB93_5cm/{name}")).body == bytes, "{name}");
    }
    assert_eq!(found, sum.made);
    // A file that somebody removed is made again, and no other.
    let (matrix, limits) = job.matrices[0];
    let gone = root.join(&job.set.matrices[matrix].id).join(limits.min_col.to_string());
    let removed = fs::read_dir(&gone).expect("it is there").count() as u64;
    fs::remove_dir_all(&gone).expect("it is ours");
    let again = seeded(&job, &mut FolderTarget::open(&root, &job.set, &job.about()).expect("it is ours"));
    assert_eq!((again.made, again.kept), (removed, sum.made - removed));
}

#[test]
fn the_server_takes_seeded_tiles_from_its_cache() {
    let place = Place::new();
    let job = place.job("WebMercatorQuad", "16"..="18", OutputFormat::Jpeg);
    let disk = DiskConfig { dir: place.path("cache"), bytes: 64 << 20 };
    let sum = seeded(&job, &mut DiskTarget::open(&disk).expect("it is new"));
    assert_eq!(seeded(&job, &mut DiskTarget::open(&disk).expect("it is ours")).kept, sum.made);
    let tiles_settings = TileSettings { disk: Some(disk), ..TileSettings::default() };
    let server = Running::serve_with(
        &[place.ortho()],
        AppSettings { tiles: tiles_settings, ..AppSettings::default() },
    );
    let ways: Vec<String> = tiles(&job)
        .iter()
        .map(|tile| server.get(&format!("/xyz/ortho/{}/{}/{}.jpg", tile.matrix, tile.col, tile.row)))
        .map(|answer| answer.header("pavage-path").to_owned())
        .collect();
    assert_eq!(ways.iter().filter(|way| *way == "cached").count() as u64, sum.made);
    assert!(ways.iter().all(|way| way != "rendered"), "{ways:?}");
}

#[test]
fn a_run_that_was_stopped_goes_on_and_ends_as_if_it_never_was() {
    let place = Place::new();
    let job = place.job("WebMercatorQuad", "14"..="20", OutputFormat::Jpeg);
    let (once, twice) = (place.path("once.pmtiles"), place.path("twice.pmtiles"));
    let all = seeded(&job, &mut pmtiles(&once, &job));
    let first = seeded_until(&job, &mut pmtiles(&twice, &job), 100);
    assert!(first.made >= 100 && first.made < all.made, "{first:?} of {all:?}");
    assert!(!twice.exists());
    let second = seeded(&job, &mut pmtiles(&twice, &job));
    assert_eq!((second.kept, second.made), (first.made, all.made - first.made));
    assert!(fs::read(&once).expect("it is there") == fs::read(&twice).expect("it is there"));
    // The spool has only places left.
    let size = |name: &str| fs::metadata(place.path(name)).expect("it is there").len();
    assert!(size("once.pmtiles.spool") < size("once.pmtiles") / 4);
}

#[test]
fn only_what_has_changed_is_made_anew() {
    let place = Place::new();
    let (one, other) = (place.path("a.pmtiles"), place.path("b.pmtiles"));
    let job = place.job("WebMercatorQuad", "14"..="18", OutputFormat::Jpeg);
    let all = seeded(&job, &mut pmtiles(&one, &job));
    let unchanged = seeded(&job, &mut pmtiles(&one, &job));
    assert_eq!((unchanged.made, unchanged.kept), (0, all.made));
    // One more zoom: the pictures of the others come from the old file.
    let deeper = place.job("WebMercatorQuad", "14"..="19", OutputFormat::Jpeg);
    let more = seeded(&deeper, &mut pmtiles(&one, &deeper));
    assert_eq!(more.kept, all.made);
    seeded(&deeper, &mut pmtiles(&other, &deeper));
    assert!(fs::read(&one).expect("it is there") == fs::read(&other).expect("it is there"));
    // Another image: everything.
    write_cog(&place.ortho(), 2000, &Slope(90));
    let job = place.job("WebMercatorQuad", "14"..="19", OutputFormat::Jpeg);
    let changed = seeded(&job, &mut pmtiles(&one, &job));
    assert_eq!((changed.kept, changed.made), (0, all.made + more.made));
    assert!(fs::read(&one).expect("it is there") != fs::read(&other).expect("it is there"));
}

#[test]
fn what_has_no_imagery_any_more_leaves_the_target() {
    let place = Place::new();
    let job = place.job("WebMercatorQuad", "17"..="18", OutputFormat::Jpeg);
    let path = place.path("ortho.mbtiles");
    let all = seeded(&job, &mut mbtiles(&path, job.about()));
    write_cog(&place.ortho(), 500, &Slope(40));
    let smaller = place.job("WebMercatorQuad", "17"..="18", OutputFormat::Jpeg);
    // The tiles that there were, of what is there now.
    let job = Job { matrices: job.matrices.clone(), ..smaller };
    let sum = seeded(&job, &mut mbtiles(&path, job.about()));
    assert!(sum.removed > 0 && sum.made > 0, "{sum:?}");
    let database = rusqlite::Connection::open(&path).expect("a database");
    let count = |sql: &str| database.query_row(sql, [], |row| row.get::<_, u32>(0)).expect("a number");
    assert_eq!(u64::from(count("SELECT count(*) FROM tiles")), all.made - sum.removed);
    assert_eq!(count("SELECT count(*) FROM images"), count("SELECT count(DISTINCT tile_id) FROM map"));
}

#[test]
fn a_target_of_something_else_is_left_alone() {
    let place = Place::new();
    let jpeg = place.job("WebMercatorQuad", "17"..="17", OutputFormat::Jpeg);
    let png = place.job("WebMercatorQuad", "17"..="17", OutputFormat::Png);
    let path = place.path("ortho.mbtiles");
    let mut first = mbtiles(&path, jpeg.about());
    assert!(matches!(MbTilesTarget::open(&path, jpeg.about()), Err(TargetError::Busy { .. })));
    seeded(&jpeg, &mut first);
    drop(first);
    assert!(matches!(MbTilesTarget::open(&path, png.about()), Err(TargetError::Other { .. })));
    let foreign = place.path("foreign.pmtiles");
    fs::write(&foreign, "PMTiles").expect("it can be written");
    let refused = PmTilesTarget::open(&foreign, &jpeg.set, jpeg.about());
    assert!(matches!(refused, Err(TargetError::NotOurs { .. })));
    fs::write(place.path("foreign.mbtiles"), "no database at all, but long enough to be looked at")
        .expect("writes");
    let refused = MbTilesTarget::open(&place.path("foreign.mbtiles"), jpeg.about());
    assert!(matches!(refused, Err(TargetError::NotOurs { .. })));
    let refused = FolderTarget::open(place.0.path(), &jpeg.set, &jpeg.about());
    assert!(matches!(refused, Err(TargetError::NotOurs { .. })));
}
