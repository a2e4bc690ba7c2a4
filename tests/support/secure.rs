//! Certificates of the test's own, and connections that trust them.

use std::{fs, net::SocketAddr, path::Path, sync::Arc};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, ServerName},
};
use server::TlsFiles;
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

/// The name that certificates are for.
const NAME: &str = "tiles.example.org";

/// A certificate that signs itself, as its clients know it.
pub struct Certificate(CertificateDer<'static>);

impl Certificate {
    /// Makes one, and writes it with its key into a folder, in place of another that is there.
    ///
    /// # Panics
    /// When the folder cannot be written to.
    pub fn write(folder: &Path) -> (Self, TlsFiles) {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed([NAME.to_owned()]).expect("the name is sound");
        let files = TlsFiles { certificate: folder.join("cert.pem"), key: folder.join("key.pem") };
        for (file, text) in [(&files.certificate, cert.pem()), (&files.key, signing_key.serialize_pem())] {
            let new = file.with_extension("new");
            fs::write(&new, text).expect("the folder can be written to");
            fs::rename(new, file).expect("it is one file system");
        }
        (Self(cert.der().clone()), files)
    }

    /// Connects as a client that speaks these protocols, trusts this certificate, and no other.
    ///
    /// # Errors
    /// When the server shows another one, or speaks no TLS.
    ///
    /// # Panics
    /// When the server cannot be reached.
    pub async fn connect(
        &self,
        address: SocketAddr,
        protocols: &[&str],
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.clone()).expect("it is a certificate");
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring knows them")
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        let stream = TcpStream::connect(address).await.expect("the server listens");
        let name = ServerName::try_from(NAME).expect("the name is sound");
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }
}
