//! The coverage of a layer as `GeoJSON`: where each dalle lies and how it is had, some features at a time. Source: RFC 7946.

use std::{fmt::Write as _, io, sync::Arc};

use bytes::Bytes;
use jiff::Timestamp;
use percent_encoding::utf8_percent_encode;
use serde_json::json;

use super::tree::{File, Tree};
use crate::http::{body::Chunks, file::PLAIN};

/// A chunk of the document is about as long.
const CHUNK_BYTES: usize = 64 << 10;

/// The document, chunk by chunk.
pub struct Coverage {
    tree: Arc<Tree>,
    /// What addresses begin with, with a slash at the end.
    base: String,
    folders: std::vec::IntoIter<String>,
    /// The folder whose files are being told, and the next of them.
    at: Option<(String, usize)>,
    features: usize,
    state: State,
}

#[derive(PartialEq)]
enum State {
    Start,
    Features,
    End,
}

impl Coverage {
    /// The coverage of a tree whose files have addresses below `base`.
    pub fn new(tree: Arc<Tree>, base: String) -> Self {
        let folders = tree.folder_paths().into_iter();
        Self { tree, base, folders, at: None, features: 0, state: State::Start }
    }

    fn features(&mut self) -> String {
        let mut text = String::with_capacity(CHUNK_BYTES + 4096);
        let tree = Arc::clone(&self.tree);
        while text.len() < CHUNK_BYTES {
            let Some((path, next)) = &mut self.at else {
                let Some(path) = self.folders.next() else { break };
                self.at = Some((path, 0));
                continue;
            };
            let Some(folder) = tree.folder(path) else { break };
            let place = encoded(path);
            let before = *next;
            for file in tree.files(folder, before) {
                *next += 1;
                if file.kind.is_some() {
                    text.push_str(if self.features == 0 { "\n" } else { ",\n" });
                    feature(&file, &format!("{}{place}", self.base), &mut text);
                    self.features += 1;
                }
                if text.len() >= CHUNK_BYTES {
                    break;
                }
            }
            if *next == before {
                self.at = None;
            }
        }
        text
    }
}

impl Chunks for Coverage {
    fn next_chunk(&mut self) -> io::Result<Option<Bytes>> {
        let text = match self.state {
            State::Start => {
                self.state = State::Features;
                "{\"type\":\"FeatureCollection\",\"features\":[".to_owned()
            }
            State::Features => {
                let text = self.features();
                if text.is_empty() {
                    self.state = State::End;
                    "\n]}\n".to_owned()
                } else {
                    text
                }
            }
            State::End => return Ok(None),
        };
        Ok(Some(text.into()))
    }
}

/// A path in an address; its slashes stay.
fn encoded(path: &str) -> String {
    path.split('/').map(|part| utf8_percent_encode(part, PLAIN).to_string()).collect::<Vec<_>>().join("/")
}

fn feature(file: &File<'_>, base: &str, text: &mut String) {
    text.push_str("{\"type\":\"Feature\",\"geometry\":{\"type\":\"Polygon\",\"coordinates\":[[");
    let ring = file.ring();
    for (lon, lat) in ring {
        let _ = write!(text, "[{lon},{lat}],");
    }
    let _ = write!(text, "[{},{}]]]}},\"properties\":", ring[0].0, ring[0].1);
    let href = format!("{base}{}", utf8_percent_encode(file.name, PLAIN));
    let modified = Timestamp::from_second(file.modified_s).ok().map(|at| at.to_string());
    let properties = json!({
        "name": file.name,
        "href": href,
        "year": file.year,
        "bytes": file.bytes,
        "crs": file.kind.map(|kind| &kind.crs),
        "resolution_m": file.kind.map(|kind| kind.resolution_m),
        "modified": modified,
    });
    let _ = write!(text, "{properties}}}");
}

#[cfg(test)]
mod tests {
    use super::{super::tree::tests::tree, *};

    fn document(paths: &[&str]) -> serde_json::Value {
        let mut coverage = Coverage::new(Arc::new(tree(paths)), "https://a/files/ortho/".to_owned());
        let mut text = Vec::new();
        while let Some(chunk) = coverage.next_chunk().expect("nothing fails") {
            text.extend_from_slice(&chunk);
        }
        serde_json::from_slice(&text).expect("it is JSON")
    }

    #[test]
    fn every_dalle_is_a_feature_with_its_address() {
        let document = document(&["/nas/a.tif", "/nas/2024 é/x/b.tif", "/nas/2024 é/c.tif"]);
        let features = document["features"].as_array().expect("a list");
        let hrefs: Vec<_> =
            features.iter().map(|f| f["properties"]["href"].as_str().expect("text")).collect();
        assert_eq!(
            hrefs,
            [
                "https://a/files/ortho/a.tif",
                "https://a/files/ortho/2024%20%C3%A9/c.tif",
                "https://a/files/ortho/2024%20%C3%A9/x/b.tif"
            ]
        );
        let first = &features[0];
        assert_eq!(first["geometry"]["coordinates"][0][0], json!([2.5, 43]));
        assert_eq!(first["geometry"]["coordinates"][0].as_array().map(Vec::len), Some(5));
        let expected = json!({
            "name": "a.tif", "href": hrefs[0], "year": 2023, "bytes": 1000, "crs": "EPSG:2154",
            "resolution_m": 0.05, "modified": "2023-11-14T22:13:20Z",
        });
        assert_eq!(first["properties"], expected);
    }

    #[test]
    fn none_and_very_many_are_documents_too() {
        assert_eq!(document(&[])["features"], json!([]));
        let paths: Vec<String> = (0..2000).map(|i| format!("/nas/{}/{i}.tif", i % 3)).collect();
        let document = document(&paths.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(document["features"].as_array().map(Vec::len), Some(2000));
    }
}
