//! TLS to a broker.

use crate::store::tls::{Certificates, ClientCertificate};
use lapin::tcp::{RustlsConnector, RustlsConnectorConfig};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::io;

/// Certificates in the form that the client library takes.
pub(super) fn connector(certificates: Certificates) -> io::Result<RustlsConnector> {
    let config = match certificates.authorities {
        Some(pem) => RustlsConnectorConfig::default().with_parsable_certificates(chain(&pem)?),
        None => RustlsConnectorConfig::new_with_native_certs()?,
    };
    match certificates.client {
        Some(ClientCertificate { chain: pem, key }) => {
            let key = PrivateKeyDer::from_pem_slice(&key).map_err(io::Error::other)?;
            config.connector_with_single_cert(chain(&pem)?, key)
        }
        None => config.connector_with_no_client_auth(),
    }
}

fn chain(pem: &[u8]) -> io::Result<Vec<CertificateDer<'static>>> {
    CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(io::Error::other)
}
