//! The encryption of the connections to all servers of a URL.

#![cfg_attr(
    not(feature = "tls"),
    expect(clippy::unused_self, reason = "without TLS nothing is encrypted")
)]

use crate::store::redis::errors::unusable;
use crate::store::tls::Certificates;
use redis::{Client, RedisResult};

#[cfg(feature = "redis-cluster")]
use redis::cluster::ClusterClientBuilder;
#[cfg(feature = "redis-sentinel")]
use redis::sentinel::{SentinelClient, SentinelClientBuilder, SentinelServerType};

/// The certificates of encrypted connections; `None` if connections are not encrypted.
#[derive(Clone)]
#[cfg_attr(
    not(any(feature = "tls", feature = "redis-cluster", feature = "redis-sentinel")),
    expect(dead_code, reason = "without TLS nothing is encrypted")
)]
pub(super) struct Encryption(Option<Certificates>);

impl Encryption {
    pub(super) fn of(url: &str, asks: bool) -> RedisResult<Self> {
        Ok(Self(Certificates::of(url, asks).map_err(|error| unusable(error.to_string()))?))
    }

    #[cfg(any(feature = "redis-cluster", feature = "redis-sentinel"))]
    const fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// The scheme of one server.
    #[cfg(any(feature = "redis-cluster", feature = "redis-sentinel"))]
    pub(super) const fn scheme(&self) -> &'static str {
        if self.is_on() { "rediss" } else { "redis" }
    }

    /// The hosts among these, with their ports, to which connections are not encrypted.
    #[cfg(any(feature = "redis-cluster", feature = "redis-sentinel"))]
    pub(super) fn in_clear<'a>(&self, hosts: &'a [String]) -> Vec<&'a str> {
        let name = |host: &'a String| match host.rsplit_once(':') {
            Some((name, port)) if !port.contains(']') => name,
            _ => host.as_str(),
        };
        if self.is_on() { Vec::new() } else { hosts.iter().map(name).collect() }
    }

    /// The client of one server.
    pub(super) fn client(&self, url: &str) -> RedisResult<Client> {
        #[cfg(feature = "tls")]
        if let Some(certificates) = self.certificates() {
            return Client::build_with_tls(url, certificates);
        }
        Client::open(url)
    }

    /// Encrypts the connections to a cluster, even to nodes that the first ones name.
    #[cfg(feature = "redis-cluster")]
    pub(super) fn cluster(&self, builder: ClusterClientBuilder) -> ClusterClientBuilder {
        #[cfg(feature = "tls")]
        if let Some(certificates) = self.certificates() {
            return builder.certs(certificates);
        }
        builder
    }

    /// The client of the master that a sentinel names.
    #[cfg(feature = "redis-sentinel")]
    pub(super) fn sentinel(
        &self,
        sentinel: &str,
        name: &str,
        session: &redis::RedisConnectionInfo,
    ) -> RedisResult<SentinelClient> {
        let address = self.client(sentinel)?.get_connection_info().addr().clone();
        let mut builder = SentinelClientBuilder::new([address], name, SentinelServerType::Master)?
            .set_client_to_redis_db(session.db())
            .set_client_to_redis_protocol(session.protocol());
        if let Some(user) = session.username() {
            builder = builder.set_client_to_redis_username(user);
        }
        if let Some(password) = session.password() {
            builder = builder.set_client_to_redis_password(password);
        }
        #[cfg(feature = "tls")]
        if let Some(certificates) = self.certificates() {
            builder = builder
                .set_client_to_redis_tls_mode(redis::TlsMode::Secure)
                .set_client_to_redis_certificates(certificates);
        }
        builder.build()
    }

    #[cfg(feature = "tls")]
    fn certificates(&self) -> Option<redis::TlsCertificates> {
        let Certificates { authorities, client } = self.0.clone()?;
        let client_tls = client.map(|client| redis::ClientTlsConfig {
            client_cert: client.chain,
            client_key: client.key,
        });
        Some(redis::TlsCertificates { client_tls, root_cert: authorities })
    }
}
