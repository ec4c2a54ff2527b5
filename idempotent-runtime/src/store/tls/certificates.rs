//! The certificates that a URL names: `?ca=`, `?cert=` and `?key=`, files of PEM.

use crate::store::tls::ready::{NoTls, ready};
use std::io;

/// Certificates and a key, read from PEM files. Without them, the authorities of the host are trusted.
#[derive(Clone)]
#[cfg_attr(not(feature = "tls"), expect(dead_code, reason = "there is none in this build"))]
pub(crate) struct Certificates {
    /// The only authorities that are trusted.
    pub(crate) authorities: Option<Vec<u8>>,
    pub(crate) client: Option<ClientCertificate>,
}

/// The certificate by which a server recognises this client.
#[derive(Clone)]
#[cfg_attr(not(feature = "tls"), expect(dead_code, reason = "there is none in this build"))]
pub(crate) struct ClientCertificate {
    pub(crate) chain: Vec<u8>,
    pub(crate) key: Vec<u8>,
}

/// TLS cannot be used as the URL asks.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CertificatesError {
    #[error(transparent)]
    NoTls(#[from] NoTls),
    #[error("`?{name}=` is for TLS, which a URL with `{scheme}:` does not use")]
    Plaintext { name: &'static str, scheme: String },
    #[error("the file `{path}` of `?{name}=` cannot be read: {cause}")]
    File { name: &'static str, path: String, cause: io::Error },
    #[cfg(feature = "tls")]
    #[error("the file `{path}` of `?{name}=` is not a PEM file with {content}")]
    Content { name: &'static str, path: String, content: &'static str },
    #[error("`?cert=` and `?key=` need each other")]
    Half,
}

impl Certificates {
    /// Prepares TLS and reads the files that a URL names. `None` if the URL does not ask for TLS.
    pub(crate) fn of(url: &str, asks: bool) -> Result<Option<Self>, CertificatesError> {
        let scheme = url.split(':').next().unwrap_or_default();
        let file = |name| parameter(url, name).map(|path| read(name, path)).transpose();
        if !asks {
            let named =
                ["ca", "cert", "key"].into_iter().find(|name| parameter(url, name).is_some());
            return named.map_or(Ok(None), |name| {
                Err(CertificatesError::Plaintext { name, scheme: scheme.to_owned() })
            });
        }
        ready(&format!("`{scheme}:`"))?;
        let client = match (file("cert")?, file("key")?) {
            (Some(chain), Some(key)) => Some(ClientCertificate { chain, key }),
            (None, None) => None,
            _ => return Err(CertificatesError::Half),
        };
        Ok(Some(Self { authorities: file("ca")?, client }))
    }
}

fn read(name: &'static str, path: String) -> Result<Vec<u8>, CertificatesError> {
    match std::fs::read(&path) {
        #[cfg(feature = "tls")]
        Ok(pem) if !has(name, &pem) => {
            let content = if name == "key" { "a private key" } else { "certificates" };
            Err(CertificatesError::Content { name, path, content })
        }
        Ok(pem) => Ok(pem),
        Err(cause) => Err(CertificatesError::File { name, path, cause }),
    }
}

/// Whether a file has the expected content, and nothing that is broken. Client libraries skip parts that they
/// cannot read.
#[cfg(feature = "tls")]
fn has(name: &str, pem: &[u8]) -> bool {
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};

    if name == "key" {
        return PrivateKeyDer::from_pem_slice(pem).is_ok();
    }
    let mut certificates = CertificateDer::pem_slice_iter(pem).peekable();
    certificates.peek().is_some() && certificates.all(|certificate| certificate.is_ok())
}

/// A parameter of a URL's query. A plus sign stays a plus sign, since it is more often part of a path than a space.
fn parameter(url: &str, name: &str) -> Option<String> {
    let (_, query) = url.split('#').next()?.split_once('?')?;
    let value = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
    Some(decoded(value))
}

fn decoded(value: &str) -> String {
    let mut parts = value.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let byte = part.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(byte.unwrap_or(b'%'));
        bytes.extend(&part.as_bytes()[if byte.is_some() { 2 } else { 0 }..]);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(url: &str, asks: bool) -> String {
        Certificates::of(url, asks).err().expect("refused").to_string()
    }

    #[test]
    fn parameters_are_read_as_a_url_writes_them() {
        let url = "rediss://a@h/0?protocol=resp3&ca=/a%20b/c+d%.pem&xkey=1#ca=";
        assert_eq!(parameter(url, "ca").as_deref(), Some("/a b/c+d%.pem"));
        assert_eq!((parameter(url, "key"), parameter("rediss://h", "ca")), (None, None));
    }

    #[test]
    fn a_url_in_clear_with_certificates_is_refused() {
        assert!(Certificates::of("redis://h", false).is_ok_and(|none| none.is_none()));
        for name in ["ca", "cert", "key"] {
            let error = refused(&format!("redis://h?{name}=/x"), false);
            assert!(error.contains(&format!("`?{name}=` is for TLS")), "{error}");
        }
    }

    #[cfg(feature = "tls")]
    #[test]
    fn an_error_names_the_file_and_its_cause() {
        let missing = refused("rediss://h?ca=/no/such/file", true);
        assert!(missing.contains("`/no/such/file` of `?ca=`"), "{missing}");
        assert!(missing.contains("No such file"), "{missing}");
        for name in ["ca", "cert", "key"] {
            let error = refused(&format!("rediss://h?{name}=/dev/null"), true);
            assert!(
                error.contains(&format!("`/dev/null` of `?{name}=` is not a PEM file")),
                "{error}"
            );
        }
    }
}
