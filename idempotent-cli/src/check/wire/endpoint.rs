//! The address that is tested, found once.

use rustls::ClientConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls_platform_verifier::Verifier;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio_rustls::TlsConnector;
use url::{Host, Url};

/// An endpoint, with every address that its name had when it was asked for.
pub(crate) struct Endpoint {
    /// The URL as it is printed: without its query, which may hold a credential.
    pub(crate) shown: String,
    /// The value of the header `Host`.
    pub(crate) host: String,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) addresses: Vec<SocketAddr>,
    pub(crate) tls: Option<(TlsConnector, ServerName<'static>)>,
}

/// The endpoint cannot be used. No error repeats the URL, which may hold a credential.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EndpointError {
    #[error("the URL cannot be read: {0}")]
    Url(#[from] url::ParseError),
    #[error("the URL begins with neither `http:` nor `https:`")]
    Scheme,
    #[error("the URL holds a user or a password: give them as `--header 'Authorization: …'`")]
    Credentials,
    #[error("the certificates of `--ca {}` cannot be read", .0.display())]
    Authority(PathBuf),
    #[error("TLS is not ready: {0}")]
    Tls(#[from] rustls::Error),
    #[error("`{0}` has no address: {1}")]
    Name(String, io::Error),
}

impl EndpointError {
    /// Whether the endpoint is the cause, and not the command line.
    pub(crate) fn is_unreachable(&self) -> bool {
        matches!(self, Self::Name(..))
    }
}

impl Endpoint {
    /// Reads a URL and asks `resolve` for the addresses of its name, once and for all.
    pub(crate) async fn find(
        url: &str,
        authority: Option<&Path>,
        resolve: impl AsyncFnOnce(String, u16) -> io::Result<Vec<SocketAddr>>,
    ) -> Result<Self, EndpointError> {
        let url = Url::parse(url)?;
        let host = url.host().ok_or(EndpointError::Scheme)?;
        let port = match url.scheme() {
            "http" => url.port().unwrap_or(80),
            "https" => url.port().unwrap_or(443),
            _ => return Err(EndpointError::Scheme),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(EndpointError::Credentials);
        }
        let tls = (url.scheme() == "https").then(|| tls(&host, authority)).transpose()?;
        let addresses = match host {
            Host::Ipv4(address) => vec![(IpAddr::V4(address), port).into()],
            Host::Ipv6(address) => vec![(IpAddr::V6(address), port).into()],
            Host::Domain(name) => resolve(name.to_owned(), port)
                .await
                .and_then(|found| if found.is_empty() { Err(no_address()) } else { Ok(found) })
                .map_err(|error| EndpointError::Name(name.to_owned(), error))?,
        };
        let host = url.port().map_or(host.to_string(), |port| format!("{host}:{port}"));
        let query = url.query().map_or_else(String::new, |query| format!("?{query}"));
        Ok(Self {
            shown: format!(
                "{}://{host}{}{}",
                url.scheme(),
                url.path(),
                if query.is_empty() { "" } else { "?…" }
            ),
            target: format!("{}{query}", url.path()),
            host,
            addresses,
            tls,
        })
    }

    /// Whether nothing that is sent can leave this host.
    pub(crate) fn is_loopback(&self) -> bool {
        self.addresses.iter().all(|address| address.ip().to_canonical().is_loopback())
    }
}

fn no_address() -> io::Error {
    io::Error::from(io::ErrorKind::AddrNotAvailable)
}

/// Asks the system for the addresses of a name.
pub(crate) async fn system(name: String, port: u16) -> io::Result<Vec<SocketAddr>> {
    Ok(tokio::net::lookup_host((name, port)).await?.collect())
}

fn tls(
    host: &Host<&str>,
    authority: Option<&Path>,
) -> Result<(TlsConnector, ServerName<'static>), EndpointError> {
    let provider = Arc::new(ring::default_provider());
    let authorities = authority.map_or(Ok(Vec::new()), |path| {
        let read =
            CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let read = read.ok().filter(|read: &Vec<_>| !read.is_empty());
        read.ok_or_else(|| EndpointError::Authority(path.to_owned()))
    })?;
    let verifier = Verifier::new_with_extra_roots(authorities, Arc::clone(&provider))?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    let name = match host {
        Host::Domain(name) => ServerName::try_from((*name).to_owned()),
        Host::Ipv4(address) => Ok(ServerName::from(IpAddr::V4(*address))),
        Host::Ipv6(address) => Ok(ServerName::from(IpAddr::V6(*address))),
    };
    let name = name.map_err(|_| EndpointError::Url(url::ParseError::InvalidDomainCharacter))?;
    Ok((TlsConnector::from(Arc::new(config)), name))
}
