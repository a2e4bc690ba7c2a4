//! The configuration: defaults, then one TOML file, then the environment, then flags. What is written (`raw`) is checked
//! and resolved into values that work; all mistakes are told at once, with their lines. It opens no raster and no socket.

mod checks;
mod layer;
mod network;
mod parse;
mod problem;
mod raw;
mod resolve;
mod style;

use std::{
    fs,
    io::Read as _,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use tiler::{io::Access, render::RenderSettings, tiff::Limits as FileLimits, tms::Registry};

pub use layer::{EmptyTile, LayerConfig, LayerOptions, YearRule};
pub use network::{Network, NetworkError};
pub use problem::{Problem, Problems};

use crate::http::tls::TlsFiles;

/// A configuration longer than this is none.
const FILE_LIMIT_BYTES: u64 = 4 << 20;

/// A configuration that has been checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where and how to listen.
    pub server: ServerConfig,
    /// Texts about the service.
    pub service: ServiceConfig,
    /// What clients may ask for.
    pub limits: LimitsConfig,
    /// Memory for tiles and blocks.
    pub cache: CacheConfig,
    /// Threads that render; default one a core.
    pub render_threads: usize,
    /// How files are read; default by file system.
    pub access: Access,
    /// Files that are open at the same time; default 2,048, and no more than half of what the system allows.
    pub open_files: usize,
    /// What a file may ask for before it is refused.
    pub file_limits: FileLimits,
    /// How often files are compared with what is served; default 5 s.
    pub watch_interval: Duration,
    /// What layers do where nothing else is said.
    pub defaults: LayerOptions,
    /// The layers of the file; paths of the command line are added to them.
    pub layers: Vec<LayerConfig>,
    /// The standard sets and those of the file.
    pub registry: Registry,
}

/// Where and how to listen.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// Default `127.0.0.1:8080`.
    pub listen: SocketAddr,
    /// The certificate with which clients are spoken to by TLS; default: none, in clear text.
    pub tls: Option<TlsFiles>,
    /// Base address for clients, without a trailing slash; default: taken from the request.
    pub public_url: Option<String>,
    /// Proxies whose `Forwarded` headers are believed; default none.
    pub trusted_proxies: Vec<Network>,
    /// Whether each request is logged; default no.
    pub access_log: bool,
}

/// Texts about the service.
#[derive(Debug, Clone)]
pub struct ServiceConfig {
    /// Default `Pavage`.
    pub title: String,
    /// A sentence or more; default empty.
    pub description: String,
    /// Who runs it; default empty.
    pub provider: String,
    /// Address of the provider's page; default empty.
    pub provider_url: String,
}

/// What clients may ask for before they are turned away.
#[derive(Debug, Clone)]
pub struct LimitsConfig {
    /// Request line and header fields together; default 16 KiB.
    pub head_bytes: usize,
    /// Header fields; default 100.
    pub head_fields: usize,
    /// The request target; default 8 KiB.
    pub target_bytes: usize,
    /// From the first byte of a head to its last; default 10 s.
    pub head_timeout: Duration,
    /// A connection without a request; default 75 s.
    pub idle_timeout: Duration,
    /// A write without progress; default 20 s.
    pub write_timeout: Duration,
    /// Requests before a connection is closed; default 1,000.
    pub requests_per_connection: u32,
    /// Connections at the same time; default 4,096.
    pub connections: usize,
    /// Renders at the same time, no more than there are threads; default as many.
    pub renders_running: usize,
    /// Renders that wait at a moment; default 64 a core. Of a queue that does not empty, half.
    pub renders_queued: usize,
    /// How long a render waits; default 5 s.
    pub queue_timeout: Duration,
    /// From the request to its answer; default 15 s.
    pub request_timeout: Duration,
    /// How long requests in flight may take when the server stops; default 30 s.
    pub shutdown_timeout: Duration,
}

/// Memory and disk for tiles and blocks.
#[derive(Debug, Clone)]
pub struct CacheConfig {
    /// Encoded tiles; default 256 MiB.
    pub tile_bytes: u64,
    /// Decoded blocks; default 512 MiB.
    pub block_bytes: u64,
    /// What is thrown away first; default quick.
    pub policy: CachePolicy,
    /// Encoded tiles on disk, behind those in memory; default none.
    pub disk: Option<DiskConfig>,
    /// Where indexes and caps of mosaics are kept; default `$CACHE_DIRECTORY`, which systemd sets, else
    /// `$XDG_CACHE_HOME/pavage`, else `~/.cache/pavage`.
    pub dir: Option<PathBuf>,
}

/// Where encoded tiles are kept on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskConfig {
    /// The folder.
    pub dir: PathBuf,
    /// What they may take; default 20 GiB.
    pub bytes: u64,
}

/// What a full cache throws away first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CachePolicy {
    /// What was used once, then what was used longest ago (S3-FIFO): a crawler does not empty the cache.
    #[default]
    Quick,
    /// What was used longest ago.
    Lru,
}

/// Values from outside the file that win over it, each with its origin for messages.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// For `server.listen`.
    pub listen: Option<Override>,
    /// For `server.public_url`.
    pub public_url: Option<Override>,
    /// For `cache.dir`.
    pub cache: Option<Override>,
    /// For `tls`.
    pub tls: Option<TlsFiles>,
}

/// A value that wins over the file.
#[derive(Debug, Clone)]
pub struct Override {
    /// `PAVAGE_LISTEN`, `--listen` …
    pub origin: &'static str,
    /// As written.
    pub value: String,
}

impl Overrides {
    /// `PAVAGE_LISTEN`, `PAVAGE_PUBLIC_URL` and `PAVAGE_CACHE`; empty counts as absent.
    pub fn from_environment() -> Self {
        let variable = |origin: &'static str| {
            let value = std::env::var(origin).ok().filter(|value| !value.is_empty())?;
            Some(Override { origin, value })
        };
        Self {
            listen: variable("PAVAGE_LISTEN"),
            public_url: variable("PAVAGE_PUBLIC_URL"),
            cache: variable("PAVAGE_CACHE"),
            tls: None,
        }
    }
}

impl Config {
    /// Reads and checks a file; without one, all is at its default.
    ///
    /// # Errors
    /// All mistakes of the file and of the overrides.
    pub fn load(file: Option<&Path>, overrides: &Overrides) -> Result<Self, Problems> {
        let Some(file) = file else { return resolve::resolve(Path::new(""), None, overrides) };
        let text = read(file).map_err(|message| {
            Problems(vec![Problem {
                file: file.to_owned(),
                line: None,
                message: crate::log::printable(&message),
            }])
        })?;
        resolve::resolve(file, Some(&text), overrides)
    }

    /// How the tiles of a layer are made where it says nothing itself.
    pub fn settings(&self) -> &RenderSettings {
        &self.defaults.settings
    }
}

/// Reads a regular file of bounded size as text.
fn read(file: &Path) -> Result<String, String> {
    let failed = |error: std::io::Error| format!("cannot be read: {error}");
    // Before it is opened: opening a pipe would wait for its other end.
    if !fs::metadata(file).map_err(failed)?.is_file() {
        return Err("is not a regular file".to_owned());
    }
    let mut bytes = Vec::new();
    let opened = fs::File::open(file).map_err(failed)?;
    opened.take(FILE_LIMIT_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > FILE_LIMIT_BYTES {
        return Err(format!("is longer than {FILE_LIMIT_BYTES} bytes"));
    }
    String::from_utf8(bytes)
        .map_err(|error| format!("is not a text in UTF-8, from byte {} on", error.utf8_error().valid_up_to()))
}

/// A path of the configuration: relative ones start at the folder of the file.
fn beside(file: &Path, path: &str) -> PathBuf {
    file.parent().unwrap_or(Path::new("")).join(path)
}

#[cfg(test)]
mod tests;
