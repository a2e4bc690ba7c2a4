//! A server of the test's own.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use server::{
    App, AppSettings, Server,
    config::{Config, LayerConfig, Overrides},
    layers::{Catalog, Offer, Reload, ServiceInfo, Snapshot, Surroundings, watch},
};
use tiler::source::OpenOptions;
use tokio::sync::{Notify, oneshot};

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
    /// Serves files and folders with default settings.
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
        let config = Config::load(None, &Overrides::default()).expect("the defaults are sound");
        let offer = Offer {
            layers: vec![LayerConfig { id: None, paths: paths.to_vec(), options: config.defaults.clone() }],
            registry: config.registry.clone(),
            service: ServiceInfo {
                title: "Test".to_owned(),
                description: String::new(),
                provider: String::new(),
                provider_url: String::new(),
                public_url: None,
            },
            open: OpenOptions::default(),
        };
        let (catalog, _) = Catalog::open(offer.clone(), None).expect("the files can be served");
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
                let server = Server::bind(any_port, Arc::clone(&shared)).await.expect("a port is free");
                ready.send(server.address().expect("it is bound")).expect("the test waits");
                let around = Arc::new(Around { app: shared, offer });
                let watching = tokio::spawn(watch(catalog, WATCH, Arc::new(Notify::new()), around));
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

struct Around {
    app: Arc<App>,
    offer: Offer,
}

impl Surroundings for Around {
    fn offer(&self) -> Result<Offer, Vec<String>> {
        Ok(self.offer.clone())
    }

    fn publish(&self, snapshot: Snapshot) {
        self.app.publish(snapshot);
    }

    fn reloaded(&self, _: Reload) {}
}
