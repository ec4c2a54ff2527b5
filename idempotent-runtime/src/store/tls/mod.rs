//! Encrypted connections to servers.

// From the top; each imports only files below it.
#[cfg(any(feature = "redis", feature = "amqp"))]
mod certificates;
mod loopback;
#[cfg(any(feature = "redis", feature = "amqp"))]
mod plaintext;
#[cfg(feature = "tls")]
mod provider;
#[cfg(any(feature = "redis", feature = "amqp"))]
mod ready;

#[cfg(any(feature = "redis", feature = "amqp"))]
pub(crate) use certificates::Certificates;
#[cfg(all(feature = "amqp", feature = "tls"))]
pub(crate) use certificates::ClientCertificate;
#[cfg(any(feature = "postgres", feature = "mysql"))]
pub(crate) use loopback::is_loopback;
#[cfg(any(feature = "redis", feature = "amqp"))]
pub(crate) use plaintext::plaintext;
#[cfg(all(feature = "tls", any(feature = "postgres", feature = "mysql")))]
pub(crate) use provider::choose_provider;
