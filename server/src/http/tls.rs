//! The certificate and its key, and what is offered to clients who speak TLS. They are read again when they change: whoever
//! renews them need not tell.

use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use rustls::{
    ConfigBuilder, ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject as _},
    server::ProducesTickets,
    version::{TLS12, TLS13},
};
use tokio_rustls::TlsAcceptor;

/// A file of certificates or keys is not longer.
const FILE_LIMIT_BYTES: u64 = 1 << 20;

/// Where the certificate is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate and those between it and the root, in PEM.
    pub certificate: PathBuf,
    /// Its private key, in PEM.
    pub key: PathBuf,
}

/// Why they cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{} cannot be read", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file does not hold what it should.
    #[error("{} holds no {what} in PEM", path.display())]
    NotThere {
        /// Which.
        path: PathBuf,
        /// `certificate` or `private key`.
        what: &'static str,
        /// Why.
        #[source]
        source: pem::Error,
    },
    /// The key belongs to another certificate, or is of a kind that is not known.
    #[error("the certificate {} and the key {} do not go together", certificate.display(), key.display())]
    Apart {
        /// The certificate.
        certificate: PathBuf,
        /// The key.
        key: PathBuf,
        /// Why.
        #[source]
        source: rustls::Error,
    },
    /// The system gives no random numbers.
    #[error("sessions cannot be resumed")]
    Tickets(#[source] rustls::Error),
}

/// What clients who speak TLS are offered now.
#[derive(Debug)]
pub struct Tls {
    files: TlsFiles,
    /// Clients resume their sessions also after the certificate was renewed.
    tickets: Arc<dyn ProducesTickets>,
    config: ArcSwap<ServerConfig>,
    read: Mutex<[Option<State>; 2]>,
}

/// By what a changed file is known.
type State = (u64, SystemTime);

impl Tls {
    /// Reads the certificate and its key.
    ///
    /// # Errors
    /// When they cannot be used.
    pub fn open(files: TlsFiles) -> Result<Self, TlsError> {
        let tickets = ring::Ticketer::new().map_err(TlsError::Tickets)?;
        let read = Mutex::new(files.states());
        let config = ArcSwap::from(files.config(&tickets)?);
        Ok(Self { files, tickets, config, read })
    }

    /// Accepts connections with the certificate of now.
    pub fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.config.load_full())
    }

    /// Reads the files again if they have changed, and tells whether they have.
    ///
    /// # Errors
    /// As [`Tls::read_again`].
    pub fn renew(&self) -> Result<bool, TlsError> {
        let is_same = *self.read.lock() == self.files.states();
        if is_same { Ok(false) } else { self.read_again() }
    }

    /// Reads the files again; always true.
    ///
    /// # Errors
    /// When they cannot be used: then the certificate before stays.
    pub fn read_again(&self) -> Result<bool, TlsError> {
        let mut read = self.read.lock();
        // Before they are read: what comes while they are is seen the next time.
        *read = self.files.states();
        self.config.store(self.files.config(&self.tickets)?);
        Ok(true)
    }
}

impl TlsFiles {
    /// Whether they can be used.
    ///
    /// # Errors
    /// When not.
    pub fn check(&self) -> Result<(), TlsError> {
        Tls::open(self.clone()).map(drop)
    }

    fn states(&self) -> [Option<State>; 2] {
        [&self.certificate, &self.key].map(|path| {
            let metadata = fs::metadata(path).ok()?;
            Some((metadata.len(), metadata.modified().ok()?))
        })
    }

    fn config(&self, tickets: &Arc<dyn ProducesTickets>) -> Result<Arc<ServerConfig>, TlsError> {
        let missing = |path: &Path, what| {
            let path = path.to_owned();
            move |source| TlsError::NotThere { path, what, source }
        };
        let chain: Result<Vec<CertificateDer<'static>>, pem::Error> =
            CertificateDer::pem_slice_iter(&read(&self.certificate)?).collect();
        let chain = chain
            .and_then(|chain| if chain.is_empty() { Err(pem::Error::NoItemsFound) } else { Ok(chain) })
            .map_err(missing(&self.certificate, "certificate"))?;
        let key =
            PrivateKeyDer::from_pem_slice(&read(&self.key)?).map_err(missing(&self.key, "private key"))?;
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map(ConfigBuilder::<ServerConfig, _>::with_no_client_auth)
            .and_then(|config| config.with_single_cert(chain, key));
        let mut config = config.map_err(|source| TlsError::Apart {
            certificate: self.certificate.clone(),
            key: self.key.clone(),
            source,
        })?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        config.ticketer = Arc::clone(tickets);
        Ok(Arc::new(config))
    }
}

/// Reads a regular file of bounded size.
fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    let whole = || {
        // Before it is opened: opening a pipe would wait for its other end.
        let metadata = fs::metadata(path)?;
        if !metadata.is_file() || metadata.len() > FILE_LIMIT_BYTES {
            return Err(std::io::Error::other("it is no file, or too long"));
        }
        let mut bytes = Vec::new();
        fs::File::open(path)?.take(FILE_LIMIT_BYTES).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    whole().map_err(|source| TlsError::Unreadable { path: path.to_owned(), source })
}
