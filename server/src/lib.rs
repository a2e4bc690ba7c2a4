//! Pavage as a server: HTTP, protocols, configuration and the command line around the engine in `tiler`.
//!
//! Start reading at `router`, which takes a request from the socket to its answer, and go on at `tiles`.

mod admin;
mod app;
mod cache;
pub mod cli;
pub mod config;
mod demo;
mod error;
mod files;
mod http;
mod inspect;
pub mod layers;
mod legend;
mod log;
mod metrics;
mod point;
mod resume;
mod router;
mod scheduling;
pub mod seed;
mod tiles;
mod ui;
mod wmts;
mod xyz;

use std::{future::Future, io, net::SocketAddr, sync::Arc};

use tokio::net::TcpListener;

pub use self::{
    app::{App, AppSettings},
    cache::{CachePolicy, DiskConfig},
    http::Limits,
    http::tls::{Tls, TlsError, TlsFiles},
    tiles::{PoolLimits, TileSettings},
};
use self::{http::listener, router::Router};
#[doc(hidden)]
pub use wmts::probe::take_apart;

/// A server that listens: bind, serve, drain.
pub struct Server {
    listener: TcpListener,
    app: Arc<App>,
    tls: Option<Arc<Tls>>,
}

impl Server {
    /// Takes the address; from here on clients can connect, but nobody answers yet.
    ///
    /// # Errors
    /// When the address is taken or not this machine's.
    ///
    /// # Panics
    /// Outside of a runtime.
    pub fn bind(address: SocketAddr, app: Arc<App>) -> io::Result<Self> {
        Ok(Self { listener: listener::bind(address)?, app, tls: None })
    }

    /// Speaks TLS with its clients.
    #[must_use]
    pub fn with_tls(self, tls: Arc<Tls>) -> Self {
        Self { tls: Some(tls), ..self }
    }

    /// The address, with the port that the system chose if none was asked for.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers requests until `shutdown` ends, then finishes those in flight.
    ///
    /// Returns whether all of them were finished in time.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) -> bool {
        let limits = self.app.settings.limits;
        let metrics = Arc::clone(&self.app.metrics);
        let router = Router::new(Arc::clone(&self.app));
        let app = Arc::clone(&self.app);
        let shutdown = async move {
            shutdown.await;
            app.drain();
        };
        listener::serve(self.listener, (router, self.tls), (limits, metrics), shutdown).await
    }
}
