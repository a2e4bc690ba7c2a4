//! The configuration as written: every key that is known, none of them checked. What values mean is said in
//! `deploy/examples/pavage.toml`, which the tests load.

use std::ops::Deref;

use serde::Deserialize;
use serde_spanned::Spanned;

/// A key that may be left out, with its place in the file.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct Given<T>(Option<Spanned<T>>);

impl<T> Default for Given<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Deref for Given<T> {
    type Target = Option<Spanned<T>>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// The whole file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawConfig {
    pub(super) server: RawServer,
    pub(super) tls: Option<Spanned<RawTls>>,
    pub(super) service: RawService,
    pub(super) limits: RawLimits,
    pub(super) cache: RawCache,
    pub(super) render: RawRender,
    pub(super) io: RawIo,
    pub(super) files: RawFiles,
    pub(super) layer: Vec<Spanned<RawLayer>>,
    pub(super) tile_matrix_set: Vec<Spanned<RawTileMatrixSet>>,
}

/// `[server]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawServer {
    pub(super) listen: Given<String>,
    pub(super) public_url: Given<String>,
    pub(super) trusted_proxies: Vec<Spanned<String>>,
    pub(super) access_log: Option<bool>,
}

/// `[tls]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawTls {
    pub(super) certificate: Given<String>,
    pub(super) key: Given<String>,
}

/// `[service]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawService {
    pub(super) title: Given<String>,
    #[serde(rename = "abstract")]
    pub(super) description: Given<String>,
    pub(super) provider: Given<String>,
    pub(super) provider_url: Given<String>,
}

/// `[limits]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawLimits {
    pub(super) head_bytes: Given<i64>,
    pub(super) head_fields: Given<i64>,
    pub(super) target_bytes: Given<i64>,
    pub(super) head_timeout_s: Given<i64>,
    pub(super) idle_timeout_s: Given<i64>,
    pub(super) write_timeout_s: Given<i64>,
    pub(super) requests_per_connection: Given<i64>,
    pub(super) connections: Given<i64>,
    pub(super) renders_running: Given<i64>,
    pub(super) renders_queued: Given<i64>,
    pub(super) queue_timeout_s: Given<i64>,
    pub(super) request_timeout_s: Given<i64>,
    pub(super) shutdown_s: Given<i64>,
}

/// `[cache]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawCache {
    pub(super) tile_mib: Given<i64>,
    pub(super) block_mib: Given<i64>,
    pub(super) policy: Given<String>,
    pub(super) dir: Given<String>,
    pub(super) disk_dir: Given<String>,
    pub(super) disk_mib: Given<i64>,
}

/// `[render]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawRender {
    pub(super) threads: Given<i64>,
    pub(super) resampling: Given<String>,
    pub(super) jpeg_quality: Given<i64>,
    pub(super) webp_quality: Given<i64>,
    pub(super) background: Given<String>,
    pub(super) auto_edges: Given<String>,
    pub(super) passthrough: Option<bool>,
}

/// `[io]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawIo {
    pub(super) access: Given<String>,
    pub(super) watch_s: Given<i64>,
    pub(super) open_files: Given<i64>,
}

/// `[files]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawFiles {
    pub(super) directories: Given<i64>,
    pub(super) tags: Given<i64>,
    pub(super) tag_mib: Given<i64>,
    pub(super) block_mib: Given<i64>,
    pub(super) stored_block_mib: Given<i64>,
    pub(super) side_px: Given<i64>,
    pub(super) tile_side_px: Given<i64>,
}

/// `[[layer]]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawLayer {
    pub(super) id: Given<String>,
    pub(super) title: Given<String>,
    pub(super) description: Given<String>,
    pub(super) attribution: Given<String>,
    pub(super) path: Given<String>,
    pub(super) paths: Vec<Spanned<String>>,
    pub(super) formats: Given<Vec<Spanned<String>>>,
    pub(super) sets: Given<Vec<Spanned<String>>>,
    pub(super) resampling: Given<String>,
    pub(super) jpeg_quality: Given<i64>,
    pub(super) webp_quality: Given<i64>,
    pub(super) background: Given<String>,
    pub(super) empty: Given<String>,
    pub(super) max_age_s: Given<i64>,
    pub(super) auto_edges: Given<String>,
    pub(super) passthrough: Option<bool>,
    pub(super) crs: Given<String>,
    pub(super) collar: Given<toml::Value>,
    pub(super) nodata: Given<toml::Value>,
    pub(super) alpha: Option<bool>,
    pub(super) each: Option<bool>,
    pub(super) order: Given<String>,
    pub(super) year: Given<String>,
    pub(super) year_pattern: Given<String>,
    pub(super) folders: Vec<Spanned<String>>,
    pub(super) seamlines: Given<String>,
    pub(super) cap: Option<bool>,
    pub(super) download: Option<bool>,
    pub(super) style: Vec<Spanned<RawStyle>>,
}

/// `[[layer.style]]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawStyle {
    pub(super) name: Given<String>,
    pub(super) title: Given<String>,
    pub(super) bands: Given<toml::Value>,
    pub(super) expression: Given<toml::Value>,
    pub(super) rescale: Given<toml::Value>,
    pub(super) gamma: Given<toml::Value>,
    pub(super) contrast: Given<toml::Value>,
    pub(super) saturation: Given<toml::Value>,
    pub(super) colormap: Given<toml::Value>,
    pub(super) hillshade: Given<toml::Value>,
    pub(super) terrain_rgb: Given<String>,
    pub(super) unit: Given<String>,
}

/// `[[tile_matrix_set]]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawTileMatrixSet {
    pub(super) file: Given<String>,
}
