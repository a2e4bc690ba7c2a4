//! Folders as pages that people read and crawlers follow: `Index of`, relative addresses, folders with a slash at the end.

use std::{fmt::Write as _, io, sync::Arc};

use bytes::Bytes;
use jiff::Timestamp;
use percent_encoding::utf8_percent_encode;

use super::tree::Tree;
use crate::http::{body::Chunks, file::PLAIN};

/// A chunk of a page is about as long.
const CHUNK_BYTES: usize = 64 << 10;

const HEAD: &str = r#"<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<style>
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2.5rem auto; padding: 0 1.25rem }
h1 { font-size: 1.3rem; font-weight: 600; margin: 0 0 .25rem; overflow-wrap: anywhere }
p { margin: 0 0 1.25rem; opacity: .7 }
table { border-collapse: collapse; width: 100% }
th { text-align: left; font-weight: 500; opacity: .6; font-size: .85rem }
th, td { padding: .3rem .75rem .3rem 0; border-bottom: 1px solid #8883 }
td { font-variant-numeric: tabular-nums }
td:nth-child(n+2), th:nth-child(n+2) { text-align: right; white-space: nowrap; width: 1% }
a { color: #0b6b5d; text-decoration: none } a:hover { text-decoration: underline }
@media (prefers-color-scheme: dark) { a { color: #5fc9b5 } }
</style>
"#;

/// A page that names layers or folders only.
pub fn layers<'a>(layers: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut page = String::new();
    start(&mut page, "/files/", "Layers whose files can be downloaded.");
    page.push_str("<table><thead><tr><th>Layer<th>Title</thead>\n<tbody>\n");
    for (id, title) in layers {
        let _ = write!(page, "<tr><td><a href=\"{}/\">", utf8_percent_encode(id, PLAIN));
        escape(id, &mut page);
        page.push_str("/</a><td>");
        escape(title, &mut page);
        page.push('\n');
    }
    page.push_str(END);
    page
}

const END: &str = "</tbody></table>\n</html>\n";

/// The page of one folder, some rows at a time.
pub struct Listing {
    tree: Arc<Tree>,
    /// In the tree.
    folder: String,
    /// As the title has it.
    address: String,
    next: usize,
    state: State,
}

enum State {
    Start,
    Rows,
    End,
}

impl Listing {
    /// The page of a folder of a layer's tree.
    pub fn new(tree: Arc<Tree>, layer: &str, folder: &str) -> Self {
        let address = format!("/files/{layer}/{folder}");
        Self { tree, folder: folder.to_owned(), address, next: 0, state: State::Start }
    }

    fn head(&self) -> Option<String> {
        let folder = self.tree.folder(&self.folder)?;
        let mut page = String::new();
        let files = self.tree.files(folder, 0).count();
        let told = match files {
            0 => String::new(),
            1 => format!("1 file, {}.", size(folder.bytes)),
            _ => format!("{files} files, {}.", size(folder.bytes)),
        };
        start(&mut page, &self.address, &told);
        page.push_str("<table><thead><tr><th>Name<th>Size<th>Modified</thead>\n<tbody>\n");
        page.push_str("<tr><td><a href=\"../\">../</a><td><td>\n");
        if self.folder.is_empty() {
            page.push_str("<tr><td><a href=\"index.geojson\">index.geojson</a> (coverage)<td><td>\n");
        }
        for name in &folder.folders {
            let _ = write!(page, "<tr><td><a href=\"{}/\">", utf8_percent_encode(name, PLAIN));
            escape(name, &mut page);
            page.push_str("/</a><td><td>\n");
        }
        Some(page)
    }

    fn rows(&mut self) -> String {
        let mut page = String::with_capacity(CHUNK_BYTES + 1024);
        let Some(folder) = self.tree.folder(&self.folder) else { return page };
        for file in self.tree.files(folder, self.next) {
            let _ = write!(page, "<tr><td><a href=\"{}\">", utf8_percent_encode(file.name, PLAIN));
            escape(file.name, &mut page);
            let _ = writeln!(page, "</a><td>{}<td>{}", size(file.bytes), minute(file.modified_s));
            self.next += 1;
            if page.len() > CHUNK_BYTES {
                break;
            }
        }
        page
    }
}

impl Chunks for Listing {
    fn next_chunk(&mut self) -> io::Result<Option<Bytes>> {
        let page = match self.state {
            State::Start => {
                self.state = State::Rows;
                self.head().unwrap_or_default()
            }
            State::Rows => {
                let rows = self.rows();
                if rows.is_empty() {
                    self.state = State::End;
                    END.to_owned()
                } else {
                    rows
                }
            }
            State::End => return Ok(None),
        };
        Ok(Some(page.into()))
    }
}

fn start(page: &mut String, address: &str, told: &str) {
    page.push_str("<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Index of ");
    escape(address, page);
    page.push_str("</title>\n");
    page.push_str(HEAD);
    page.push_str("<h1>");
    escape(address, page);
    page.push_str("</h1>\n<p>");
    page.push_str(told);
    page.push_str("</p>\n");
}

fn escape(text: &str, page: &mut String) {
    for c in text.chars() {
        match c {
            '&' => page.push_str("&amp;"),
            '<' => page.push_str("&lt;"),
            '>' => page.push_str("&gt;"),
            '"' => page.push_str("&quot;"),
            c => page.push(c),
        }
    }
}

/// `2.4 MB`.
fn size(bytes: u64) -> String {
    let mut size = bytes as f64;
    for unit in ["B", "kB", "MB", "GB"] {
        if size < 999.5 {
            let digits = usize::from(size < 9.95 && unit != "B");
            return format!("{size:.digits$} {unit}");
        }
        size /= 1000.0;
    }
    format!("{size:.1} TB")
}

/// `2024-06-30 14:05`, UTC; nothing for a time that no calendar has.
fn minute(seconds: i64) -> String {
    Timestamp::from_second(seconds)
        .map_or_else(|_| String::new(), |at| at.strftime("%Y-%m-%d %H:%M").to_string())
}

#[cfg(test)]
mod tests {
    use super::{super::tree::tests::tree, *};

    fn page(paths: &[&str], folder: &str) -> String {
        let mut listing = Listing::new(Arc::new(tree(paths)), "ortho", folder);
        let mut page = Vec::new();
        while let Some(chunk) = listing.next_chunk().expect("nothing fails") {
            page.extend_from_slice(&chunk);
        }
        String::from_utf8(page).expect("text")
    }

    #[test]
    fn children_have_relative_addresses_and_folders_a_slash() {
        let page = page(&["/nas/a.tif", "/nas/2024/b.tif"], "");
        assert!(page.contains("<title>Index of /files/ortho/</title>"), "{page}");
        for href in ["../", "index.geojson", "2024/", "a.tif"] {
            assert!(page.contains(&format!("href=\"{href}\"")), "{href}");
        }
        assert!(page.contains(">a.tif</a><td>1.0 kB<td>2023-11-14 22:13\n"), "{page}");
        assert!(!page.contains("b.tif"));
    }

    #[test]
    fn names_are_no_markup_and_no_other_address() {
        let page = page(&["/nas/a <b>&\"c\".tif", "/nas/http:x?y#z/b.tif", "/nas/%2e.tif"], "");
        for part in [
            "href=\"a%20%3Cb%3E%26%22c%22.tif\">a &lt;b&gt;&amp;&quot;c&quot;.tif<",
            "href=\"http%3Ax%3Fy%23z/\"",
            "href=\"%252e.tif\"",
        ] {
            assert!(page.contains(part), "{part} is not in\n{page}");
        }
    }

    #[test]
    fn a_folder_of_very_many_files_comes_in_chunks() {
        let paths: Vec<String> = (0..5000).map(|i| format!("/nas/{i:05}.tif")).collect();
        let tree = Arc::new(tree(&paths.iter().map(String::as_str).collect::<Vec<_>>()));
        let mut listing = Listing::new(tree, "ortho", "");
        let (mut chunks, mut rows) = (0, 0);
        while let Some(chunk) = listing.next_chunk().expect("nothing fails") {
            assert!(chunk.len() < CHUNK_BYTES + 1024);
            rows += std::str::from_utf8(&chunk).expect("text").matches(".tif\"").count();
            chunks += 1;
        }
        assert_eq!(rows, 5000);
        assert!(chunks > 4, "{chunks}");
    }

    #[test]
    fn sizes_are_short() {
        for (bytes, told) in
            [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (9_960, "10 kB"), (2_400_000, "2.4 MB")]
        {
            assert_eq!(size(bytes), told);
        }
        assert_eq!(size(3_200_000_000_000), "3.2 TB");
    }
}
