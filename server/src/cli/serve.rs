//! `pavage serve`: open, listen, answer; `SIGHUP` reloads, `SIGTERM` and `SIGINT` drain.

use std::{
    io::IsTerminal,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use tiler::cap::Job;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    task::spawn_blocking,
    time::timeout,
};

use super::{Failure, offer::offer, scan_bar::Scan};
use crate::{
    App, AppSettings, Server,
    config::{Config, Override, Overrides},
    http::{
        Limits,
        tls::{Tls, TlsFiles},
    },
    layers::{
        Bells, CapQueue, Catalog, Offer, Reload, Snapshot, Surroundings, build_in_background, tell_skipped,
        watch,
    },
    log::{self, LogFormat},
    scheduling,
    tiles::{PoolLimits, TileSettings},
};

#[derive(Debug, Default, clap::Args)]
pub(super) struct Arguments {
    /// Address and port to listen on [default: 127.0.0.1:8080].
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<String>,
    /// Configuration, in TOML.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Speak TLS, with this certificate and those between it and the root, in PEM.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// The private key of the certificate, in PEM.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// How the log is written.
    #[arg(long, value_enum, default_value_t)]
    pub log_format: LogFormat,
    /// Where indexes and caps of mosaics are kept [default: ~/.cache/pavage].
    #[arg(long, value_name = "FOLDER")]
    pub cache: Option<PathBuf>,
    /// GeoTIFF files, each a layer, and folders of them, each a mosaic; named by their stems.
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
}

impl Arguments {
    fn overrides(&self) -> Overrides {
        let mut overrides = Overrides::from_environment();
        if let Some(value) = self.listen.clone() {
            overrides.listen = Some(Override { origin: "--listen", value });
        }
        if let Some(value) = &self.cache {
            let value = value.to_string_lossy().into_owned();
            overrides.cache = Some(Override { origin: "--cache", value });
        }
        if let (Some(certificate), Some(key)) = (self.tls_cert.clone(), self.tls_key.clone()) {
            overrides.tls = Some(TlsFiles { certificate, key });
        }
        overrides
    }

    fn load(&self) -> Result<(Config, Offer), Failure> {
        let config = Config::load(self.config.as_deref(), &self.overrides())?;
        let offer = offer(&config, &self.paths)?;
        Ok((config, offer))
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    log::init(arguments.log_format);
    use_small_pages();
    let (config, offer) = arguments.load()?;
    let bar = Scan::new();
    let (mut catalog, skipped) = Catalog::open_telling(offer, None, &|done, count| bar.tell(done, count))?;
    bar.finish();
    let jobs = catalog.take_caps();
    tell_skipped(&skipped);
    if config.cache.dir.is_none() {
        tracing::warn!("there is no folder for indexes and caps of mosaics: name one with --cache");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .on_thread_start(scheduling::wait_for_turns)
        .build()?;
    let served = runtime.block_on(serve(arguments, &config, catalog, jobs));
    // A drive that does not answer keeps nobody from ending.
    runtime.shutdown_background();
    served
}

/// No pages of 2 MiB: of one that a cache has left but for a tile, the system gets nothing back.
fn use_small_pages() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::thread::disable_transparent_huge_pages(true) {
        tracing::debug!(%error, "huge pages stay");
    }
}

async fn serve(
    arguments: &Arguments,
    config: &Config,
    catalog: Catalog,
    jobs: Vec<Job>,
) -> Result<ExitCode, Failure> {
    let app = App::new(catalog.snapshot(), settings(config));
    let listen = config.server.listen;
    let tls = config.server.tls.clone().map(Tls::open).transpose();
    let tls = tls.map_err(|error| log::chain(&error))?.map(Arc::new);
    let mut server = Server::bind(listen, Arc::clone(&app))
        .map_err(|error| format!("cannot listen on {listen}: {error}"))?;
    let address = server.address()?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    announce(&app.snapshot.load(), &format!("{scheme}://{address}"));
    if let Some(tls) = tls {
        server = server.with_tls(Arc::clone(&tls));
        tokio::spawn(renew(tls, config.watch_interval, signal(SignalKind::hangup())?));
    }

    let bells = Arc::new(Bells::default());
    app.ring_rescan_with(Arc::clone(&bells));
    let queue = Arc::new(CapQueue::default());
    build_in_background(&queue, &bells)?;
    queue.replace(jobs);
    let around = Arc::new(Around {
        app: Arc::clone(&app),
        config: arguments.config.clone(),
        overrides: arguments.overrides(),
        paths: arguments.paths.clone(),
        queue: Arc::clone(&queue),
    });
    let watching = tokio::spawn(watch(catalog, config.watch_interval, Arc::clone(&bells), around));
    let mut hang_up = signal(SignalKind::hangup())?;
    let hanging_up = tokio::spawn(async move {
        while hang_up.recv().await.is_some() {
            bells.reload.notify_one();
        }
    });
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let drained = server
        .serve(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            tracing::info!("stopping: what is in flight is finished first");
        })
        .await;
    watching.abort();
    queue.stop();
    hanging_up.abort();
    if !drained {
        tracing::warn!("some requests were not finished in time");
    }
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}

/// Takes up a renewed certificate, for ever: soon after its files have changed, and when told to.
async fn renew(tls: Arc<Tls>, every: Duration, mut hang_up: Signal) {
    loop {
        let is_told = timeout(every, hang_up.recv()).await.is_ok();
        let tls = Arc::clone(&tls);
        let renewed = spawn_blocking(move || if is_told { tls.read_again() } else { tls.renew() }).await;
        match renewed {
            Ok(Ok(true)) => tracing::info!("the certificate was read again"),
            Ok(Err(error)) => {
                let reason = log::chain(&error);
                tracing::error!(reason, "the new certificate cannot be used; the one before it stays");
            }
            Ok(Ok(false)) | Err(_) => {}
        }
    }
}

fn settings(config: &Config) -> AppSettings {
    let limits = &config.limits;
    AppSettings {
        limits: Limits {
            head_bytes: limits.head_bytes,
            head_fields: limits.head_fields,
            target_bytes: limits.target_bytes,
            head_timeout: limits.head_timeout,
            idle_timeout: limits.idle_timeout,
            write_timeout: limits.write_timeout,
            requests_per_connection: limits.requests_per_connection,
            connections: limits.connections,
            shutdown_timeout: limits.shutdown_timeout,
        },
        tiles: TileSettings {
            pool: PoolLimits {
                threads: config.render_threads,
                running: limits.renders_running,
                queued: limits.renders_queued,
                queue_timeout: limits.queue_timeout,
            },
            request_timeout: limits.request_timeout,
            tile_bytes: config.cache.tile_bytes,
            block_bytes: config.cache.block_bytes,
            disk: config.cache.disk.clone(),
            policy: config.cache.policy,
        },
        trusted_proxies: config.server.trusted_proxies.clone(),
        access_log: config.server.access_log,
    }
}

/// Tells where to look: in full to a person at a terminal, in a line to a log.
fn announce(snapshot: &Snapshot, url: &str) {
    let url = snapshot.service.public_url.as_deref().unwrap_or(url);
    tracing::info!(layers = snapshot.layers.len(), url, "serving");
    if !std::io::stdout().is_terminal() {
        return;
    }
    println!("\n  {} layers", snapshot.layers.len());
    for layer in snapshot.layers.values().take(20) {
        println!("    {}", layer.id);
    }
    println!("\n  Map        {url}/");
    println!("  Dashboard  {url}/dashboard");
    println!("  WMTS       {url}/wmts/1.0.0/WMTSCapabilities.xml");
    if let Some(layer) = snapshot.layers.values().next() {
        println!("  XYZ        {url}/xyz/{}/{{z}}/{{x}}/{{y}}.jpg", layer.id);
    }
    println!();
}

/// What the watcher needs of this process.
struct Around {
    app: Arc<App>,
    config: Option<PathBuf>,
    overrides: Overrides,
    paths: Vec<PathBuf>,
    queue: Arc<CapQueue>,
}

impl Surroundings for Around {
    fn offer(&self) -> Result<Offer, Vec<String>> {
        let file: Option<&Path> = self.config.as_deref();
        let config = Config::load(file, &self.overrides)
            .map_err(|problems| problems.0.iter().map(ToString::to_string).collect::<Vec<_>>())?;
        offer(&config, &self.paths).map_err(|problem| vec![problem.to_owned()])
    }

    fn publish(&self, snapshot: Snapshot) {
        self.app.publish(snapshot);
    }

    fn build(&self, jobs: Vec<Job>) {
        self.queue.replace(jobs);
        self.app.metrics.cap_paused.set(self.queue.is_paused().into());
    }

    fn reloaded(&self, outcome: Reload) {
        self.app.metrics.reloads.with_label_values(&[outcome.name()]).inc();
    }
}
