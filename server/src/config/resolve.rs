//! From the configuration as written to values that work: ranges, units, defaults. Layers have their own file.

use std::{
    ops::RangeInclusive,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use serde_spanned::Spanned;
use tiler::{io::Access, render::RenderSettings, tiff::Limits};

use super::{
    CacheConfig, CachePolicy, Config, DiskConfig, LayerOptions, LimitsConfig, Override, Overrides, Problem,
    Problems, ServerConfig, ServiceConfig,
    checks::{listen_address, web_address},
    layer,
    parse::parse,
    problem::Report,
    raw::{Given, RawCache, RawFiles, RawLimits, RawRender, RawServer, RawService, RawTls},
};
use crate::http::tls::TlsFiles;

const POLICIES: [(&str, CachePolicy); 2] = [("quick", CachePolicy::Quick), ("lru", CachePolicy::Lru)];

/// What tiles on disk may take where nothing is said: 20 GiB.
const DISK_MIB: u32 = 20_480;

const ACCESSES: [(&str, Access); 3] =
    [("auto", Access::Auto), ("mmap", Access::Mmap), ("pread", Access::Pread)];

/// Checks a text, if there is one, and lets the overrides win.
pub(super) fn resolve(file: &Path, text: Option<&str>, overrides: &Overrides) -> Result<Config, Problems> {
    let mut report = Report::new(file, text.unwrap_or_default());
    let raw = text.map(|text| parse(text, &mut report)).unwrap_or_default();
    let registry = layer::tile_matrix_sets(&raw.tile_matrix_set, &mut report);
    let defaults = defaults(&raw.render, &mut report);
    let mut config = Config {
        server: ServerConfig { tls: tls(raw.tls.as_ref(), &mut report), ..server(&raw.server, &mut report) },
        service: service(&raw.service, &mut report),
        limits: limits(&raw.limits, &mut report),
        cache: cache(&raw.cache, &mut report),
        render_threads: report
            .number("threads", &raw.render.threads, 1..=1024)
            .map_or_else(cores, |n| n as usize),
        file_limits: file_limits(&raw.files, &mut report),
        access: report.choice("access", &raw.io.access, &ACCESSES).unwrap_or_default(),
        open_files: count("open_files", &raw.io.open_files, (16..=60_000, 2048), &mut report),
        watch_interval: seconds("watch_s", &raw.io.watch_s, (1..=3600, 5), &mut report),
        layers: layer::layers(&raw.layer, &defaults, &registry, &mut report),
        defaults,
        registry,
    };
    let mut problems = match report.finish(()) {
        Ok(()) => Vec::new(),
        Err(Problems(found)) => found,
    };
    config.server.apply(overrides, &mut problems);
    if let Some(given) = &overrides.cache {
        config.cache.dir = Some(given.value.clone().into());
    }
    if problems.is_empty() { Ok(config) } else { Err(Problems(problems)) }
}

/// The quality keys that `[render]` and `[[layer]]` share.
pub(super) fn quality(
    settings: &mut RenderSettings,
    (jpeg, webp): (&Given<i64>, &Given<i64>),
    report: &mut Report<'_>,
) {
    if let Some(quality) = report.number("jpeg_quality", jpeg, 1..=100) {
        settings.jpeg_quality = quality as u8;
    }
    if let Some(quality) = report.number("webp_quality", webp, 1..=100) {
        settings.webp_quality = quality as u8;
    }
}

impl ServerConfig {
    fn apply(&mut self, overrides: &Overrides, problems: &mut Vec<Problem>) {
        let mut tell = |given: &Override, message: &str| {
            problems.push(Problem { file: given.origin.into(), line: None, message: message.to_owned() });
        };
        if let Some(given) = &overrides.listen {
            match listen_address(&given.value) {
                Ok(address) => self.listen = address,
                Err(message) => tell(given, message),
            }
        }
        if let Some(files) = &overrides.tls {
            self.tls = Some(files.clone());
        }
        if let Some(given) = &overrides.public_url {
            match web_address(&given.value) {
                Ok(url) => self.public_url = Some(url),
                Err(message) => tell(given, message),
            }
        }
    }
}

fn server(raw: &RawServer, report: &mut Report<'_>) -> ServerConfig {
    let mut listen = ([127, 0, 0, 1], 8080).into();
    if let Some(given) = raw.listen.as_ref() {
        match listen_address(given.get_ref()) {
            Ok(address) => listen = address,
            Err(message) => report.at(&given.span(), format!("listen {message}")),
        }
    }
    let mut trusted_proxies = Vec::new();
    for given in &raw.trusted_proxies {
        match given.get_ref().parse() {
            Ok(network) => trusted_proxies.push(network),
            Err(error) => report.at(&given.span(), format!("trusted_proxies {error}")),
        }
    }
    let public_url = report.url("public_url", &raw.public_url);
    let access_log = raw.access_log.unwrap_or(false);
    ServerConfig { listen, tls: None, public_url, trusted_proxies, access_log }
}

fn tls(raw: Option<&Spanned<RawTls>>, report: &mut Report<'_>) -> Option<TlsFiles> {
    let raw = raw?;
    let RawTls { certificate, key } = raw.get_ref();
    let (Some(certificate), Some(key)) = (certificate.as_ref(), key.as_ref()) else {
        report.at(&raw.span(), "tls needs both certificate and key");
        return None;
    };
    let file = |given: &Spanned<String>| super::beside(report.file(), given.get_ref());
    Some(TlsFiles { certificate: file(certificate), key: file(key) })
}

fn service(raw: &RawService, report: &mut Report<'_>) -> ServiceConfig {
    ServiceConfig {
        title: report
            .text("title", &raw.title)
            .filter(|t| !t.is_empty())
            .unwrap_or_else(|| "Pavage".to_owned()),
        description: report.text("abstract", &raw.description).unwrap_or_default(),
        provider: report.text("provider", &raw.provider).unwrap_or_default(),
        provider_url: report.url("provider_url", &raw.provider_url).unwrap_or_default(),
    }
}

fn limits(raw: &RawLimits, report: &mut Report<'_>) -> LimitsConfig {
    let config = LimitsConfig {
        head_bytes: count("head_bytes", &raw.head_bytes, (8192..=1_048_576, 16_384), report),
        head_fields: count("head_fields", &raw.head_fields, (10..=1000, 100), report),
        target_bytes: count("target_bytes", &raw.target_bytes, (256..=65_534, 8192), report),
        head_timeout: seconds("head_timeout_s", &raw.head_timeout_s, (1..=300, 10), report),
        idle_timeout: seconds("idle_timeout_s", &raw.idle_timeout_s, (1..=3600, 75), report),
        write_timeout: seconds("write_timeout_s", &raw.write_timeout_s, (1..=600, 20), report),
        requests_per_connection: report
            .number("requests_per_connection", &raw.requests_per_connection, 1..=1_000_000_000)
            .unwrap_or(1000),
        connections: count("connections", &raw.connections, (1..=1_000_000, 4096), report),
        // Threads that render are the limit.
        renders_running: count("renders_running", &raw.renders_running, (1..=4096, 4096), report),
        renders_queued: count("renders_queued", &raw.renders_queued, (0..=1_000_000, 64 * cores()), report),
        queue_timeout: seconds("queue_timeout_s", &raw.queue_timeout_s, (1..=600, 5), report),
        request_timeout: seconds("request_timeout_s", &raw.request_timeout_s, (1..=600, 15), report),
        shutdown_timeout: seconds("shutdown_s", &raw.shutdown_s, (0..=3600, 30), report),
    };
    if let Some(given) = raw.target_bytes.as_ref().filter(|_| config.target_bytes > config.head_bytes) {
        report.at(
            &given.span(),
            format!("target_bytes is more than head_bytes, which is {}", config.head_bytes),
        );
    }
    config
}

fn cache(raw: &RawCache, report: &mut Report<'_>) -> CacheConfig {
    let mut mebibytes = |key, given, default: u32| {
        u64::from(report.number(key, given, 0..=1_048_576).unwrap_or(default)) << 20
    };
    let (tile_bytes, block_bytes) =
        (mebibytes("tile_mib", &raw.tile_mib, 256), mebibytes("block_mib", &raw.block_mib, 512));
    let disk_mib = report.number("disk_mib", &raw.disk_mib, 16..=1_073_741_824).unwrap_or(DISK_MIB);
    if let Some(given) = raw.disk_mib.as_ref().filter(|_| raw.disk_dir.is_none()) {
        report.at(&given.span(), "disk_mib needs disk_dir, the folder that tiles are kept in");
    }
    let disk = raw.disk_dir.as_ref().map(|given| DiskConfig {
        dir: super::beside(report.file(), given.get_ref()),
        bytes: u64::from(disk_mib) << 20,
    });
    CacheConfig {
        tile_bytes,
        block_bytes,
        disk,
        policy: report.choice("policy", &raw.policy, &POLICIES).unwrap_or_default(),
        dir: raw
            .dir
            .as_ref()
            .map(|given| super::beside(report.file(), given.get_ref()))
            .or_else(default_cache_dir),
    }
}

/// Where systemd says, else where desktops keep caches.
fn default_cache_dir() -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    variable("CACHE_DIRECTORY")
        .or_else(|| variable("XDG_CACHE_HOME").map(|dir| dir.join("pavage")))
        .or_else(|| variable("HOME").map(|dir| dir.join(".cache/pavage")))
}

fn file_limits(raw: &RawFiles, report: &mut Report<'_>) -> Limits {
    let known = Limits::default();
    let mut number = |key, given, range: RangeInclusive<i64>| report.number(key, given, range);
    let mebibytes = |number: u32| u64::from(number) << 20;
    Limits {
        directories: number("directories", &raw.directories, 1..=4096)
            .map_or(known.directories, |count| count as usize),
        tags: number("tags", &raw.tags, 16..=65_535).map_or(known.tags, u64::from),
        tag_bytes: number("tag_mib", &raw.tag_mib, 1..=1024).map_or(known.tag_bytes, mebibytes),
        block_bytes: number("block_mib", &raw.block_mib, 1..=2048).map_or(known.block_bytes, mebibytes),
        stored_block_bytes: number("stored_block_mib", &raw.stored_block_mib, 1..=2048)
            .map_or(known.stored_block_bytes, mebibytes),
        side_px: number("side_px", &raw.side_px, 1..=2_147_483_647).unwrap_or(known.side_px),
        tile_side_px: number("tile_side_px", &raw.tile_side_px, 16..=65_536).unwrap_or(known.tile_side_px),
    }
}

fn defaults(raw: &RawRender, report: &mut Report<'_>) -> LayerOptions {
    let mut settings = RenderSettings::default();
    quality(&mut settings, (&raw.jpeg_quality, &raw.webp_quality), report);
    if let Some(resampling) = report.choice("resampling", &raw.resampling, &layer::RESAMPLINGS) {
        settings.resampling = resampling;
    }
    if let Some(background) = report.colour("background", &raw.background) {
        settings.background = background;
    }
    if let Some(edges) = report.choice("auto_edges", &raw.auto_edges, &layer::EDGES) {
        settings.edges = edges;
    }
    settings.passthrough = raw.passthrough.unwrap_or(settings.passthrough);
    LayerOptions { settings, ..LayerOptions::default() }
}

fn count(
    key: &str,
    given: &Given<i64>,
    (range, default): (RangeInclusive<i64>, usize),
    report: &mut Report<'_>,
) -> usize {
    report.number(key, given, range).map_or(default, |number| number as usize)
}

fn seconds(
    key: &str,
    given: &Given<i64>,
    (range, default_s): (RangeInclusive<i64>, u32),
    report: &mut Report<'_>,
) -> Duration {
    Duration::from_secs(report.number(key, given, range).unwrap_or(default_s).into())
}

/// How many cores this process may use.
fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}
