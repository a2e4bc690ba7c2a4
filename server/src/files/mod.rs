//! Originals: the files of layers that offer them, `/files/{layer}/…`, in the form that crawlers of HTTP storage read; folders end with
//! a slash. `index.geojson` is the coverage. No text of a request ever becomes a path: names are looked up in the layer's [`tree`].

mod beside;
mod coverage;
mod listing;
mod originals;
mod tree;

use std::{
    collections::HashMap,
    fmt::Write as _,
    io,
    sync::{Arc, Weak},
};

use http::{HeaderValue, StatusCode, header};
use parking_lot::Mutex;
use percent_encoding::{AsciiSet, utf8_percent_encode};
use tokio::{
    sync::{OnceCell, Semaphore},
    task,
};
use xxhash_rust::xxh3::xxh3_128;

use self::{coverage::Coverage, listing::Listing, tree::Tree};
use crate::{
    error::Fault,
    http::{
        RequestInfo, Response, document,
        file::{OpenFile, PLAIN},
        respond,
    },
    layers::{Layer, Snapshot},
};

/// Files read, and documents made, at the same time; more of them wait.
const READERS: usize = 32;
const COVERAGE: &str = "index.geojson";
const HTML: &str = "text/html; charset=utf-8";
/// Nothing is loaded by a listing.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'self'";
const CLOUD_OPTIMIZED: &str = "image/tiff; application=geotiff; profile=cloud-optimized";
/// A path in an address: its slashes stay.
const PATH: &AsciiSet = &PLAIN.remove(b'/');

/// Hands out files.
#[derive(Debug)]
pub struct Files {
    /// Trees of published layers, by id.
    trees: Mutex<HashMap<String, Known>>,
    gate: Arc<Semaphore>,
}

/// The tree of a layer as it was published once.
#[derive(Debug)]
struct Known {
    layer: Weak<Layer>,
    tree: Arc<OnceCell<Arc<Tree>>>,
}

impl Known {
    fn new(layer: &Arc<Layer>) -> Self {
        Self { layer: Arc::downgrade(layer), tree: Arc::default() }
    }
}

impl Default for Files {
    fn default() -> Self {
        Self { trees: Mutex::default(), gate: Arc::new(Semaphore::new(READERS)) }
    }
}

impl Files {
    /// Answers everything under `/files`.
    pub async fn handle(&self, snapshot: &Arc<Snapshot>, request: &RequestInfo) -> Response {
        let path = request.path.strip_prefix("/files").unwrap_or_default();
        let name = path.strip_prefix('/').and_then(|path| path.split('/').next());
        let layer = name.and_then(|name| snapshot.layers.get(name)).filter(|layer| layer.download.is_some());
        let mut response = self.answer(snapshot, layer, request, path).await.unwrap_or_else(|fault| {
            document::fault(&fault, fault.status(), ("text/plain; charset=utf-8", format!("{fault}\n")))
        });
        respond::labels(&mut response, "files", layer.map_or("", |layer| &layer.id));
        response
    }

    async fn answer(
        &self,
        snapshot: &Snapshot,
        layer: Option<&Arc<Layer>>,
        request: &RequestInfo,
        path: &str,
    ) -> Result<Response, Fault> {
        match path {
            "" => return Ok(moved(request, "/files/")),
            "/" => {
                let offered = snapshot.layers.values().filter(|layer| layer.download.is_some());
                let page = listing::layers(offered.map(|layer| (layer.id.as_str(), layer.title.as_str())));
                return Ok(with_policy(document::description(request, HTML, page)));
            }
            _ => {}
        }
        let layer = layer.ok_or(Fault::NotFound)?;
        let Some(below) = path[1..].strip_prefix(&layer.id).and_then(|rest| rest.strip_prefix('/')) else {
            return Ok(moved(request, &format!("/files/{}/", layer.id)));
        };
        let tree = self.tree(layer).await?;
        if below == COVERAGE {
            let base = format!("{}/files/{}/", request.base_url, layer.id);
            let etag = etag(&tree, &base);
            let coverage = || Coverage::new(Arc::clone(&tree), base);
            let gate = Arc::clone(&self.gate);
            return Ok(document::streamed(request, ("application/geo+json", etag), coverage, gate));
        }
        if tree.folder(below).is_some() {
            let etag = etag(&tree, below);
            let listing = || Listing::new(Arc::clone(&tree), &layer.id, below);
            let gate = Arc::clone(&self.gate);
            return Ok(with_policy(document::streamed(request, (HTML, etag), listing, gate)));
        }
        if tree.folder(&format!("{below}/")).is_some() {
            return Ok(moved(request, &format!("/files/{}/{below}/", layer.id)));
        }
        self.file(&tree, request, below).await
    }

    async fn file(&self, tree: &Tree, request: &RequestInfo, below: &str) -> Result<Response, Fault> {
        let folder = below.rfind('/').map_or("", |slash| &below[..=slash]);
        let (file, path) = tree.find(folder, &below[folder.len()..]).ok_or(Fault::NotFound)?;
        let media = match file.kind {
            Some(kind) => media_type(file.name, kind.is_cloud_optimized),
            None => beside::media_type(file.name),
        };
        let permit = Arc::clone(&self.gate).acquire_owned().await.map_err(|_| Fault::Internal)?;
        let opened = task::spawn_blocking(move || {
            let opened = OpenFile::open(&path);
            drop(permit);
            opened
        });
        let opened = opened.await.map_err(|_| Fault::Internal)?.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Fault::NotFound,
            _ => Fault::Source,
        })?;
        Ok(opened.answer(request, (media, file.name), Arc::clone(&self.gate)))
    }

    /// The tree of a layer, made when it is first asked for.
    async fn tree(&self, layer: &Arc<Layer>) -> Result<Arc<Tree>, Fault> {
        let cell = self.cell(layer);
        let made = cell.get_or_try_init(|| async {
            let layer = Arc::clone(layer);
            task::spawn_blocking(move || Arc::new(originals::tree(&layer))).await
        });
        made.await.cloned().map_err(|_| Fault::Internal)
    }

    /// Where the tree of a layer is or will be; those of layers that are published no more are dropped.
    fn cell(&self, layer: &Arc<Layer>) -> Arc<OnceCell<Arc<Tree>>> {
        let mut trees = self.trees.lock();
        trees.retain(|_, known| known.layer.strong_count() > 0);
        let known = trees.entry(layer.id.clone()).or_insert_with(|| Known::new(layer));
        if known.layer.as_ptr() != Arc::as_ptr(layer) {
            *known = Known::new(layer);
        }
        Arc::clone(&known.tree)
    }
}

fn media_type(name: &str, is_cloud_optimized: bool) -> &'static str {
    let ending = name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    match ending.as_str() {
        "jp2" => "image/jp2",
        "jpx" | "jpf" => "image/jpx",
        "j2k" => "image/j2c",
        _ if is_cloud_optimized => CLOUD_OPTIMIZED,
        _ => "image/tiff",
    }
}

/// Of a document that is made of a tree and a text.
fn etag(tree: &Tree, text: &str) -> String {
    let mut all = tree.fingerprint().to_le_bytes().to_vec();
    all.extend_from_slice(text.as_bytes());
    let mut etag = String::new();
    let _ = write!(etag, "\"{:032x}\"", xxh3_128(&all));
    etag
}

/// Folders have a slash at the end, so that addresses in their pages lead into them.
fn moved(request: &RequestInfo, path: &str) -> Response {
    let mut response =
        respond::text(StatusCode::PERMANENT_REDIRECT, "This is a folder: its address ends with a slash.\n");
    let address = format!("{}{}", request.base_url, utf8_percent_encode(path, PATH));
    let location = HeaderValue::try_from(address);
    response.headers_mut().extend(location.map(|location| (header::LOCATION, location)));
    response
}

fn with_policy(mut response: Response) -> Response {
    let policy = HeaderValue::from_static(POLICY);
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    response
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use http::Method;
    use http_body_util::BodyExt;
    use tiler::{
        catalog::Dalle,
        source::{OpenOptions, Source},
    };

    use super::*;
    use crate::{
        demo::territory::{self, Detail, Territory},
        wmts::fixture,
    };

    const DALLE: &str = "/files/ortho/2024/2024-06504-62346-LA93-0M05-RVB.tif";

    /// A layer of some cheap dalles, and a world file.
    fn published(folder: &Path) -> Arc<Snapshot> {
        let territory = Territory { places: 16, detail: Some(Detail::Cheap), with_defects: true };
        territory::make(folder, territory).expect("the folder can be written to");
        fs::write(folder.join("2024/2024-06504-62346-LA93-0M05-RVB.tfw"), "0.05\n").expect("it is ours");
        let mut snapshot = fixture::snapshot();
        let mut layer = (*snapshot.layers["ortho"]).clone();
        layer.download = Some(vec![folder.to_owned()]);
        let dalle = |name: &str| {
            let source = Source::open(&folder.join(name), &OpenOptions::default()).expect("it is a GeoTIFF");
            let dalle = Dalle::of(&source, &Arc::default()).expect("it has a place");
            let year = source.stem()[..4].parse().ok();
            Dalle { year, ..dalle }
        };
        let names = ["2023-06500-62350-LA93-0M05-RVB.tif", "2024/2024-06504-62346-LA93-0M05-RVB.tif"];
        layer.imagery = names.map(dalle).into_iter().collect();
        snapshot.layers.insert("ortho".to_owned(), Arc::new(layer));
        let closed = Arc::new((*fixture::snapshot().layers["ortho"]).clone());
        snapshot.layers.insert("closed".to_owned(), closed);
        Arc::new(snapshot)
    }

    async fn text(response: Response) -> String {
        let bytes = response.into_body().collect().await.expect("it can be read").to_bytes();
        String::from_utf8(bytes.to_vec()).expect("text")
    }

    #[tokio::test]
    async fn a_crawler_finds_folders_dalles_and_what_lies_beside_them() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (snapshot, files) = (published(folder.path()), Files::default());
        let get = async |path: &str| files.handle(&snapshot, &RequestInfo::get(path, "")).await;
        let layers = text(get("/files/").await).await;
        assert!(layers.contains("href=\"ortho/\"") && !layers.contains("closed"), "{layers}");
        let root = text(get("/files/ortho/").await).await;
        assert!(root.contains("href=\"2024/\"") && root.contains("href=\"2023-06500-"), "{root}");
        let below = text(get("/files/ortho/2024/").await).await;
        assert!(below.contains("href=\"2024-06504-62346-LA93-0M05-RVB.tfw\""), "{below}");
        assert_eq!(get(DALLE).await.headers()[header::CONTENT_TYPE], CLOUD_OPTIMIZED);
        let world_file = get(&DALLE.replace(".tif", ".tfw")).await;
        assert_eq!(world_file.headers()[header::CONTENT_TYPE], "text/plain");
        assert_eq!(text(world_file).await, "0.05\n");
        let coverage = text(get("/files/ortho/index.geojson").await).await;
        let coverage: serde_json::Value = serde_json::from_str(&coverage).expect("it is JSON");
        let properties = &coverage["features"][1]["properties"];
        assert_eq!(properties["href"], format!("https://tiles.example.org{DALLE}"));
        assert_eq!((&properties["year"], &properties["crs"]), (&2024.into(), &"EPSG:2154".into()));
    }

    #[tokio::test]
    async fn only_known_names_are_files() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (snapshot, files) = (published(folder.path()), Files::default());
        for path in [
            "/files/closed/",
            "/files/closed",
            "/files/bogus/",
            "/files/ortho/territory.json",
            "/files/ortho/2023-06502-62350-LA93-0M05-RVB.tif",
            "/files/ortho/../ortho/2024/",
            "/files/ortho/2024/../territory.json",
            "/files/ortho//",
            "/files/ortho//etc/passwd",
            "/files/ortho/2024/2024-06504-62346-LA93-0M05-RVB.tif/",
            "/files//etc/passwd",
            "/files/orthox/",
        ] {
            let response = files.handle(&snapshot, &RequestInfo::get(path, "")).await;
            assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
        }
        for (path, address) in [
            ("/files", "/files/"),
            ("/files/ortho", "/files/ortho/"),
            ("/files/ortho/2024", "/files/ortho/2024/"),
        ] {
            let response = files.handle(&snapshot, &RequestInfo::get(path, "")).await;
            assert_eq!(response.status(), StatusCode::PERMANENT_REDIRECT, "{path}");
            assert_eq!(response.headers()[header::LOCATION], format!("https://tiles.example.org{address}"));
        }
    }

    #[tokio::test]
    async fn pages_are_revalidated_and_a_file_that_is_gone_is_not_found() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (snapshot, files) = (published(folder.path()), Files::default());
        for path in ["/files/", "/files/ortho/", "/files/ortho/index.geojson", DALLE] {
            let mut request = RequestInfo::get(path, "");
            let first = files.handle(&snapshot, &request).await;
            request.headers.insert(header::IF_NONE_MATCH, first.headers()[header::ETAG].clone());
            let second = files.handle(&snapshot, &request).await;
            assert_eq!(second.status(), StatusCode::NOT_MODIFIED, "{path}");
        }
        let mut request = RequestInfo::get(DALLE, "");
        request.method = Method::HEAD;
        request.headers.insert(header::RANGE, HeaderValue::from_static("bytes=0-9"));
        assert_eq!(files.handle(&snapshot, &request).await.status(), StatusCode::OK);
        let path = folder.path().join(DALLE.strip_prefix("/files/ortho/").expect("it is below"));
        fs::remove_file(path).expect("it is there");
        assert_eq!(files.handle(&snapshot, &request).await.status(), StatusCode::NOT_FOUND);
    }
}
