//! A text as every kind of file beside a raster.

use std::{fs, io::Write};

use tiler::crs::Crs;
use tiler::sidecar::{self, CoordSys, Sidecars};

/// Reads the text as world file, `.prj`, `.aux.xml`, `.tab` and `GDAL_METADATA`, and the CRSs that it names.
///
/// # Panics
/// When there is no room for a temporary file.
pub fn exercise_beside(bytes: &[u8]) {
    // Sidecars are read from files: one per thread, in memory where that is known to be.
    thread_local! {
        static FILE: tempfile::NamedTempFile = {
            let memory = std::path::Path::new("/dev/shm");
            let made = if memory.is_dir() { tempfile::NamedTempFile::new_in(memory) } else { tempfile::NamedTempFile::new() };
            made.expect("there is room for a file")
        };
    }
    FILE.with(|file| {
        fs::File::create(file.path()).and_then(|mut file| file.write_all(bytes)).expect("it is ours");
        let path = || Some(file.path().to_owned());
        let beside =
            Sidecars { world_file: path(), prj: path(), pam: path(), tab: path(), ..Sidecars::default() };
        let _ = beside.world_file();
        let prj = beside.prj().ok().flatten();
        let pam = beside.pam().ok().flatten().and_then(|pam| pam.crs);
        let tab = beside.tab().ok().flatten().and_then(|tab| match tab.coord_sys? {
            CoordSys::Known(name) => Some(name),
            CoordSys::Unknown(_) => None,
        });
        for name in [prj, pam, tab].into_iter().flatten() {
            let _ = Crs::from_name(&name);
        }
    });
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = sidecar::gdal_metadata(text);
    }
}
