//! Opens regular files, and puts new ones in the place of old ones at once.

use std::{
    fs::{File, Permissions},
    io::{self, BufWriter, Read, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
};

use rustix::fs::OFlags;

use super::error::Problem;

/// An open regular file with its length.
pub(super) fn regular(path: &Path) -> Result<(File, u64), Problem> {
    // A FIFO would block an ordinary open for ever.
    let flags = OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::options().read(true).custom_flags(flags.bits().cast_signed()).open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_file() { Ok((file, metadata.len())) } else { Err(Problem::NotAFile) }
}

/// The folder in which a file lies or shall lie.
pub(super) fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Writes a file under a temporary name beside it, makes sure it is on the disk, and gives it its name.
pub(super) fn replace(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<&mut File>) -> Result<(), Problem>,
) -> Result<(), Problem> {
    let folder = folder(path);
    let mut temporary = tempfile::Builder::new()
        .prefix(".pavage-")
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(folder)?;
    let mut out = BufWriter::with_capacity(1 << 20, temporary.as_file_mut());
    write(&mut out)?;
    out.flush()?;
    drop(out);
    temporary.as_file().sync_all()?;
    temporary.persist(path).map_err(io::Error::from)?;
    Ok(File::open(folder)?.sync_all()?)
}

/// Bytes by which a format is recognised.
const START_BYTES: u64 = 4096;

/// The first bytes of a regular file.
pub(in crate::catalog) fn start(path: &Path) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    regular(path)?.0.take(START_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A regular file that is not larger than `limit`.
pub(super) fn whole(path: &Path, limit: u64) -> Result<Vec<u8>, Problem> {
    let (file, length) = regular(path)?;
    let mut bytes = Vec::new();
    if length <= limit {
        // It may grow while it is read.
        file.take(limit + 1).read_to_end(&mut bytes)?;
    }
    if length.max(bytes.len() as u64) > limit {
        Err(Problem::TooMuch { what: "bytes", limit })
    } else {
        Ok(bytes)
    }
}

/// A text of UTF-8 that is not larger than `limit`.
pub(super) fn text(path: &Path, limit: u64) -> Result<String, Problem> {
    let text = String::from_utf8(whole(path, limit)?).map_err(|_| Problem::damaged("it is not UTF-8"))?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}
