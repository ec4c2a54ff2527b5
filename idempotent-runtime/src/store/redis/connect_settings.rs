//! The way to connect to one server, and the deadlines of a connection.

use crate::store::patience::MorePatience;
use crate::store::redis::connection::RedisConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, RedisResult};
use std::time::Duration;

#[cfg(feature = "redis-cluster")]
use redis::cluster::{ClusterClient, ClusterClientBuilder};
#[cfg(feature = "redis-cluster")]
use redis::io::tcp::TcpSettings;

/// The time that one try to connect may take, and one answer: a claim is sent up to three times within
/// the engine's usual patience of two seconds. (The client's own defaults are one second and half a
/// second.)
const CONNECT_TIMEOUT: Duration = Duration::from_millis(500);
const RESPONSE_TIMEOUT: Duration = Duration::from_millis(500);

/// The time that an operation may take if sentinels are asked first, or if a cluster redirects. It is less
/// than the engine's usual patience.
const OVERALL_TIMEOUT: Duration = Duration::from_millis(1500);

/// The way to connect to one server.
#[derive(Clone)]
pub(super) struct ConnectSettings {
    pub(super) config: AsyncConnectionConfig,
    /// The time for which a command may block at the server before it answers.
    pub(super) block: Duration,
    pub(super) more: MorePatience,
    /// A command that every new connection starts with.
    pub(super) first: Option<Cmd>,
}

impl ConnectSettings {
    pub(super) fn connect_timeout(&self) -> Duration {
        CONNECT_TIMEOUT + self.more.more()
    }

    pub(super) fn response_timeout(&self) -> Duration {
        RESPONSE_TIMEOUT + self.block + self.more.more()
    }

    pub(super) fn overall_timeout(&self) -> Duration {
        OVERALL_TIMEOUT + self.more.more()
    }

    pub(super) async fn open(&self, client: &Client) -> RedisResult<RedisConnection> {
        let config = self.config.clone();
        let config = config.set_connection_timeout(Some(self.connect_timeout()));
        let config = config.set_response_timeout(Some(self.response_timeout()));
        let client = undelayed(client)?;
        let mut new = client.get_multiplexed_async_connection_with_config(&config).await?;
        if let Some(first) = &self.first {
            first.exec_async(&mut new).await?;
        }
        Ok(RedisConnection::Single(new))
    }

    /// The client of a cluster with these nodes.
    #[cfg(feature = "redis-cluster")]
    pub(super) fn cluster(&self, nodes: ClusterClientBuilder) -> RedisResult<ClusterClient> {
        nodes
            .connection_timeout(self.connect_timeout())
            .response_timeout(self.response_timeout())
            .overall_response_timeout(Some(self.overall_timeout()))
            .tcp_settings(TcpSettings::default().set_nodelay(true))
            .build()
    }
}

/// The same server, with `TCP_NODELAY`: otherwise the kernel keeps a command back while the server has not
/// acknowledged the one before on the same connection.
fn undelayed(client: &Client) -> RedisResult<Client> {
    let info = client.get_connection_info().clone();
    let tcp = info.tcp_settings().clone().set_nodelay(true);
    Client::open(info.set_tcp_settings(tcp))
}

#[cfg(any(feature = "redis-cluster", feature = "redis-sentinel"))]
pub(super) async fn within<T>(
    most: Duration,
    work: impl Future<Output = RedisResult<T>>,
) -> RedisResult<T> {
    let late = |_| std::io::Error::from(std::io::ErrorKind::TimedOut);
    tokio::time::timeout(most, work).await.map_err(late)?
}
