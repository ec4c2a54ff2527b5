//! Certificates for servers that encrypt.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// Files of certificates: `ca.pem` of the authority that signs them, and `other.pem` of another one.
pub struct Certificates(TempDir);

impl Certificates {
    /// Writes `{name}.pem` and `{name}.key` for each name and the host that its certificate is for.
    #[must_use]
    pub fn of(servers: &[(&str, &str)]) -> Self {
        let new = Self(tempfile::tempdir().expect("a temporary directory"));
        let write = |name: &str, text: String| {
            fs::write(new.directory().join(name), text).expect("it is written");
        };
        let [authority, _] = ["ca.pem", "other.pem"].map(|name| {
            let (pem, issuer) = authority();
            write(name, pem);
            issuer
        });
        for (name, host) in servers {
            let key = KeyPair::generate().expect("a key");
            let names = CertificateParams::new([(*host).to_owned()]).expect("a name");
            let certificate = names.signed_by(&key, &authority).expect("it is signed");
            write(&format!("{name}.pem"), certificate.pem());
            write(&format!("{name}.key"), key.serialize_pem());
        }
        new
    }

    /// The directory with all of them.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.0.path()
    }

    /// The path of one file.
    #[must_use]
    pub fn path(&self, name: &str) -> String {
        self.directory().join(name).display().to_string()
    }
}

fn authority() -> (String, Issuer<'static, KeyPair>) {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new([]).expect("no names");
    // If both had the same name, a certificate would be taken for its own authority.
    params.distinguished_name.push(DnType::CommonName, "authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let pem = params.self_signed(&key).expect("it is signed").pem();
    (pem, Issuer::new(params, key))
}
