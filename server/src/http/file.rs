//! A file as an answer: whole or a range of it, with its conditions. It does not know which files may be had.

use std::{
    fs::File,
    io,
    ops::Range,
    os::unix::fs::{FileExt, MetadataExt},
    path::Path,
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::sync::Semaphore;

use super::{
    Body, RequestInfo, Response,
    body::Chunks,
    conditional::{Validators, Verdict},
    range::{self, Wanted},
    respond,
};

/// What is read at once: so much memory a download takes.
const CHUNK_BYTES: u64 = 128 << 10;
/// How long clients may keep files, which are replaced now and then.
const CACHING: &str = "public, max-age=60";
/// What may stand in addresses and in names of RFC 8187 as it is.
pub const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A file that is open, and the state it was in then.
#[derive(Debug)]
pub struct OpenFile {
    file: File,
    bytes: u64,
    validators: Validators,
}

impl OpenFile {
    /// Opens a file; this may wait for a disk.
    ///
    /// # Errors
    /// When it is not there, may not be read, or is no file.
    pub fn open(path: &Path) -> io::Result<Self> {
        // Looked at first: to open a pipe is to wait for its writer.
        if !path.metadata()?.is_file() {
            return Err(io::ErrorKind::NotFound.into());
        }
        let file = File::open(path)?;
        let state = file.metadata()?;
        let (inode, bytes) = (state.ino(), state.len());
        let etag = format!("\"{inode:x}-{bytes:x}-{:x}-{:x}\"", state.mtime(), state.mtime_nsec());
        let seconds = u64::try_from(state.mtime()).ok().map(Duration::from_secs);
        let modified = seconds.and_then(|since| UNIX_EPOCH.checked_add(since));
        Ok(Self { file, bytes, validators: Validators { etag, modified } })
    }

    /// The answer to a GET or HEAD. No more files are read at the same time than `gate` has permits.
    pub fn answer(
        self,
        request: &RequestInfo,
        (content_type, name): (&'static str, &str),
        gate: Arc<Semaphore>,
    ) -> Response {
        let (status, range) = match self.validators.judge(&request.headers) {
            Verdict::Failed => (StatusCode::PRECONDITION_FAILED, None),
            Verdict::NotModified => (StatusCode::NOT_MODIFIED, None),
            Verdict::Send => match self.wanted(request) {
                Wanted::Whole => (StatusCode::OK, Some(0..self.bytes)),
                Wanted::Part(part) => (StatusCode::PARTIAL_CONTENT, Some(part)),
                Wanted::Nothing => (StatusCode::RANGE_NOT_SATISFIABLE, None),
            },
        };
        let mut response = respond::empty(status);
        let headers = response.headers_mut();
        headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(CACHING));
        headers.extend(value(self.validators.etag.clone()).map(|etag| (header::ETAG, etag)));
        let modified = self.validators.modified.map(httpdate::fmt_http_date);
        headers.extend(modified.and_then(value).map(|date| (header::LAST_MODIFIED, date)));
        let content_range = match (status, &range) {
            (StatusCode::PARTIAL_CONTENT, Some(part)) => {
                value(format!("bytes {}-{}/{}", part.start, part.end - 1, self.bytes))
            }
            (StatusCode::RANGE_NOT_SATISFIABLE, _) => value(format!("bytes */{}", self.bytes)),
            _ => None,
        };
        headers.extend(content_range.map(|range| (header::CONTENT_RANGE, range)));
        if let Some(range) = range {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
            headers.extend(value(disposition(name)).map(|named| (header::CONTENT_DISPOSITION, named)));
            let bytes = range.end - range.start;
            *response.body_mut() =
                Body::chunked(Box::new(Reader { file: self.file, range }), Some(bytes), gate);
        }
        response
    }

    fn wanted(&self, request: &RequestInfo) -> Wanted {
        // RFC 9110, 14.2: a range is for GET alone.
        let given = request.headers.get(header::RANGE).filter(|_| request.method == Method::GET);
        match given.and_then(|range| range.to_str().ok()) {
            Some(range) if self.validators.allow_range(&request.headers) => range::wanted(range, self.bytes),
            _ => Wanted::Whole,
        }
    }
}

fn value(text: String) -> Option<HeaderValue> {
    HeaderValue::try_from(text).ok()
}

/// Source: RFC 6266: for old clients in ASCII, for others as it is.
fn disposition(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_graphic() && !"\"\\%".contains(c) { c } else { '_' };
    let ascii: String = name.chars().map(plain).collect();
    if ascii == name {
        format!("attachment; filename=\"{name}\"")
    } else {
        format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{}", utf8_percent_encode(name, PLAIN))
    }
}

/// Reads a part of a file.
struct Reader {
    file: File,
    range: Range<u64>,
}

impl Chunks for Reader {
    fn next_chunk(&mut self) -> io::Result<Option<Bytes>> {
        let len = CHUNK_BYTES.min(self.range.end - self.range.start);
        let mut chunk = vec![0; len as usize];
        // A file that was cut off since it was opened ends the connection.
        self.file.read_exact_at(&mut chunk, self.range.start)?;
        self.range.start += len;
        Ok((len > 0).then(|| chunk.into()))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use http_body_util::BodyExt;

    use super::*;

    fn asked(path: &Path, fields: &[(header::HeaderName, &str)]) -> Response {
        let mut request = RequestInfo::get("/", "");
        for (name, text) in fields {
            request.headers.insert(name.clone(), HeaderValue::from_str(text).expect("a value"));
        }
        let file = OpenFile::open(path).expect("it is there");
        file.answer(&request, ("image/tiff", "dalle.tif"), Arc::new(Semaphore::new(1)))
    }

    async fn body(response: Response) -> Bytes {
        response.into_body().collect().await.expect("it can be read").to_bytes()
    }

    #[tokio::test]
    async fn every_range_is_what_the_file_has_there() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("dalle.tif");
        let bytes: Vec<u8> = (0..300_000_u32).map(|i| (i * 7 / 3) as u8).collect();
        fs::write(&path, &bytes).expect("the folder can be written to");
        assert_eq!(body(asked(&path, &[])).await, bytes);
        for (range, part) in [("0-9", 0..10), ("100000-", 100_000..300_000), ("-131073", 168_927..300_000)] {
            let response = asked(&path, &[(header::RANGE, &format!("bytes={range}"))]);
            assert_eq!(response.status(), StatusCode::PARTIAL_CONTENT);
            let expected = format!("bytes {}-{}/300000", part.start, part.end - 1);
            assert_eq!(response.headers()[header::CONTENT_RANGE], expected);
            assert_eq!(body(response).await, bytes[part]);
        }
        let response = asked(&path, &[(header::RANGE, "bytes=300000-")]);
        assert_eq!(response.status(), StatusCode::RANGE_NOT_SATISFIABLE);
        assert_eq!(response.headers()[header::CONTENT_RANGE], "bytes */300000");
    }

    #[test]
    fn another_state_has_another_tag_and_its_ranges_do_not_mix() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("dalle.tif");
        fs::write(&path, b"before").expect("the folder can be written to");
        let etag = asked(&path, &[]).headers()[header::ETAG].to_str().expect("text").to_owned();
        let range = (header::RANGE, "bytes=1-2");
        let same = asked(&path, &[range.clone(), (header::IF_RANGE, &etag)]);
        assert_eq!(same.status(), StatusCode::PARTIAL_CONTENT);
        assert_eq!(asked(&path, &[(header::IF_NONE_MATCH, &etag)]).status(), StatusCode::NOT_MODIFIED);
        fs::write(folder.path().join("part"), b"after!").expect("the folder can be written to");
        fs::rename(folder.path().join("part"), &path).expect("the folder can be written to");
        assert_eq!(asked(&path, &[range, (header::IF_RANGE, &etag)]).status(), StatusCode::OK);
        assert_eq!(asked(&path, &[(header::IF_NONE_MATCH, &etag)]).status(), StatusCode::OK);
    }

    #[tokio::test]
    async fn a_file_that_is_cut_off_meanwhile_breaks_off() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("dalle.tif");
        fs::write(&path, vec![1; 200_000]).expect("the folder can be written to");
        let response = asked(&path, &[]);
        fs::File::options().write(true).open(&path).and_then(|file| file.set_len(1000)).expect("it is ours");
        assert!(response.into_body().collect().await.is_err());
    }

    #[test]
    fn names_are_told_in_ascii_and_as_they_are() {
        assert_eq!(disposition("a-1.tif"), "attachment; filename=\"a-1.tif\"");
        let accents = "attachment; filename=\"_t_ \"; filename*=UTF-8''%C3%A9t%C3%A9".replace("_ ", "_");
        assert_eq!(disposition("été"), accents);
        assert!(OpenFile::open(Path::new("/dev/null")).is_err());
    }
}
