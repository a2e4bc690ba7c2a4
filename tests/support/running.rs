//! A server of the test's own.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use server::{
    App, AppSettings, Server, Tls,
    config::{Config, LayerConfig, LayerOptions, Overrides},
    layers::{Catalog, Offer, OpenError, Reload, ServiceInfo, Skipped, Snapshot, Surroundings, watch},
};
use tiler::source::OpenOptions;
use tokio::sync::oneshot;

use crate::client::{Answer, exchange};

/// A server that runs until it is dropped.
pub struct Running {
    address: SocketAddr,
    app: Arc<App>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<bool>>,
}

/// How often a test server looks for changed files.
const WATCH: Duration = Duration::from_millis(200);

impl Running {
    /// Serves files, and each file of folders, with default settings.
    ///
    /// # Panics
    /// When they cannot be served.
    pub fn serve(paths: &[PathBuf]) -> Self {
        Self::serve_with(paths, AppSettings::default())
    }

    /// Serves files and folders.
    ///
    /// # Panics
    /// When they cannot be served.
    pub fn serve_with(paths: &[PathBuf], settings: AppSettings) -> Self {
        let (offer, catalog) = each(paths);
        Self::start(offer, catalog, settings, None)
    }

    /// Serves files and folders by TLS.
    ///
    /// # Panics
    /// When they cannot be served.
    pub fn serve_encrypted(paths: &[PathBuf], settings: AppSettings, tls: Arc<Tls>) -> Self {
        let (offer, catalog) = each(paths);
        Self::start(offer, catalog, settings, Some(tls))
    }

    /// Serves what a configuration says, written into the folder that its paths start at.
    ///
    /// # Panics
    /// When it is not sound, or its files cannot be served.
    pub fn configured(folder: &Path, toml: &str) -> Self {
        let (offer, opened) = opened(folder, toml, None);
        let (catalog, _) = opened.expect("the files can be served");
        Self::start(offer, catalog, AppSettings::default(), None)
    }

    fn start(offer: Offer, catalog: Catalog, settings: AppSettings, tls: Option<Arc<Tls>>) -> Self {
        let app = App::new(catalog.snapshot(), settings);
        let (stop, stopped) = oneshot::channel::<()>();
        let (ready, address) = std::sync::mpsc::channel();
        let shared = Arc::clone(&app);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .enable_all()
                .build()
                .expect("threads are to be had");
            runtime.block_on(async move {
                let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
                let server = Server::bind(any_port, Arc::clone(&shared)).expect("a port is free");
                let server = match tls {
                    Some(tls) => server.with_tls(tls),
                    None => server,
                };
                ready.send(server.address().expect("it is bound")).expect("the test waits");
                let around = Arc::new(Around { app: shared, offer });
                let watching = tokio::spawn(watch(catalog, WATCH, Arc::default(), around));
                let drained = server.serve(async { drop(stopped.await) }).await;
                watching.abort();
                drained
            })
        });
        let address = address.recv().expect("the server starts");
        Self { address, app, stop: Some(stop), thread: Some(thread) }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// GET with a further header line or none, e.g. `If-None-Match: "x"`.
    ///
    /// # Panics
    /// When the server does not answer.
    pub fn get(&self, target: &str) -> Answer {
        self.request("GET", target, &[])
    }

    /// A request with header lines.
    ///
    /// # Panics
    /// When the server does not answer.
    pub fn request(&self, method: &str, target: &str, headers: &[&str]) -> Answer {
        let mut request =
            format!("{method} {target} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", self.address);
        for header in headers {
            request.push_str(header);
            request.push_str("\r\n");
        }
        request.push_str("\r\n");
        self.raw(request.as_bytes()).unwrap_or_else(|| panic!("no answer to {method} {target}"))
    }

    /// Sends bytes as they are; `None` when the server closes without an answer.
    pub fn raw(&self, request: &[u8]) -> Option<Answer> {
        exchange(self.address, request)
    }

    /// Asks again until the answer is as wanted.
    ///
    /// # Panics
    /// When it is not within ten seconds, which is what users are promised.
    pub fn wait_for(&self, target: &str, wanted: impl Fn(&Answer) -> bool) -> Answer {
        let started = Instant::now();
        loop {
            let answer = self.get(target);
            if wanted(&answer) {
                return answer;
            }
            assert!(started.elapsed() < Duration::from_secs(10), "still {} for {target}", answer.status);
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// A metric's line, by its beginning.
    ///
    /// # Panics
    /// When there is no such metric.
    pub fn metric(&self, beginning: &str) -> f64 {
        let text = self.get("/metrics");
        let line = text.text().lines().find(|line| line.starts_with(beginning));
        let value = line.and_then(|line| line.rsplit(' ').next()).and_then(|value| value.parse().ok());
        value.unwrap_or_else(|| panic!("no metric begins with {beginning}"))
    }

    /// Ids of the published layers.
    pub fn layers(&self) -> Vec<String> {
        self.app.snapshot.load().layers.keys().cloned().collect()
    }

    /// Stops, and tells whether all that was in flight was finished.
    ///
    /// # Panics
    /// When the server panicked.
    pub fn stop(&mut self) -> bool {
        drop(self.stop.take());
        self.thread.take().is_some_and(|thread| thread.join().expect("the server does not panic"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Each file a layer, as the defaults say.
fn each(paths: &[PathBuf]) -> (Offer, Catalog) {
    let mut config = Config::load(None, &Overrides::default()).expect("the defaults are sound");
    let options = LayerOptions { each: true, ..config.defaults.clone() };
    config.layers.push(LayerConfig { id: None, paths: paths.to_vec(), options });
    let offer = offer(config, None);
    let (catalog, _) = Catalog::open(offer.clone(), None).expect("the files can be served");
    (offer, catalog)
}

/// A catalog and what it leaves out, or why it cannot be.
type Opened = Result<(Catalog, Vec<Skipped>), OpenError>;

/// Opens what a configuration says, as `serve` does, after a catalog before it as a reload does.
///
/// # Panics
/// When the configuration is not sound.
pub fn opened(folder: &Path, toml: &str, before: Option<&Catalog>) -> (Offer, Opened) {
    let file = folder.join("pavage.toml");
    fs::write(&file, toml).expect("the folder can be written to");
    let config = Config::load(Some(&file), &Overrides::default());
    let offer = offer(config.unwrap_or_else(|problems| panic!("{problems}")), Some(folder));
    (offer.clone(), Catalog::open(offer, before))
}

/// What a configuration offers; something is kept between runs only in a folder `beside` it.
fn offer(config: Config, beside: Option<&Path>) -> Offer {
    let service = config.service;
    Offer {
        layers: config.layers,
        registry: config.registry,
        service: ServiceInfo {
            title: service.title,
            description: service.description,
            provider: service.provider,
            provider_url: service.provider_url,
            public_url: config.server.public_url,
        },
        files: Arc::default(),
        // Never the user's own.
        cache: config.cache.dir.filter(|dir| beside.is_some_and(|folder| dir.starts_with(folder))),
        hints: Arc::default(),
        open: OpenOptions { access: config.access, limits: config.file_limits, ..OpenOptions::default() },
    }
}

struct Around {
    app: Arc<App>,
    offer: Offer,
}

impl Surroundings for Around {
    fn offer(&self) -> Result<Offer, Vec<String>> {
        Ok(self.offer.clone())
    }

    fn build(&self, _: Vec<tiler::cap::Job>) {}

    fn publish(&self, snapshot: Snapshot) {
        self.app.publish(snapshot);
    }

    fn reloaded(&self, _: Reload) {}
}
