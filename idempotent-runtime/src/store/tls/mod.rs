//! Encrypted connections to servers.

// From the top; each imports only files below it.
mod certificates;
mod plaintext;
mod ready;

pub(crate) use certificates::Certificates;
#[cfg(all(feature = "amqp", feature = "tls"))]
pub(crate) use certificates::ClientCertificate;
pub(crate) use plaintext::plaintext;
