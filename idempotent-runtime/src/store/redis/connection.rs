//! A connection to one server or to a cluster.

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::{Cmd, Pipeline, RedisFuture, RedisResult, Value};
use std::collections::BTreeMap;

#[cfg(feature = "redis-cluster")]
use redis::ErrorKind;
#[cfg(feature = "redis-cluster")]
use redis::cluster_async::ClusterConnection;
#[cfg(feature = "redis-cluster")]
use redis::cluster_routing::{MultipleNodeRoutingInfo, RoutingInfo, SingleNodeRoutingInfo};
#[cfg(feature = "redis-cluster")]
use redis::from_redis_value;

/// The replies of all masters, by their addresses.
pub(super) type MasterReplies = BTreeMap<String, Value>;

/// A connection; clones share it.
#[derive(Clone)]
pub(crate) enum RedisConnection {
    Single(MultiplexedConnection),
    /// The client finds the master of each key by itself. It also sends a lost command again, so a claim may
    /// arrive more than once.
    #[cfg(feature = "redis-cluster")]
    Cluster(ClusterConnection),
}

impl RedisConnection {
    /// Sends a command. Its future is not boxed, which saves an allocation.
    pub(super) async fn send(&mut self, command: &Cmd) -> RedisResult<Value> {
        match self {
            Self::Single(connection) => connection.send_packed_command(command).await,
            #[cfg(feature = "redis-cluster")]
            Self::Cluster(connection) => connection.req_packed_command(command).await,
        }
    }

    /// Sends a command to every master. The reply of a single server has an empty address.
    pub(super) async fn query_masters(&mut self, command: &Cmd) -> RedisResult<MasterReplies> {
        match self {
            Self::Single(connection) => {
                let reply = connection.send_packed_command(command).await?;
                // The server's refusal is a value of the reply.
                Ok([(String::new(), reply.extract_error()?)].into())
            }
            #[cfg(feature = "redis-cluster")]
            Self::Cluster(connection) => {
                let all = RoutingInfo::MultiNode((MultipleNodeRoutingInfo::AllMasters, None));
                from_redis_value(connection.route_command(command.clone(), all).await?)
                    .map_err(Into::into)
            }
        }
    }

    /// Sends a command to one of the masters, by the address that `query_masters` gave.
    pub(super) async fn query_master(
        &mut self,
        address: &str,
        command: &Cmd,
    ) -> RedisResult<Value> {
        match self {
            Self::Single(connection) => {
                debug_assert!(address.is_empty(), "there is only one server");
                connection.send_packed_command(command).await?.extract_error()
            }
            #[cfg(feature = "redis-cluster")]
            Self::Cluster(connection) => {
                let unknown = (ErrorKind::ClusterConnectionNotFound, "no master has this address");
                let (host, port) = address.rsplit_once(':').ok_or(unknown)?;
                let port = port.parse().map_err(|_| unknown)?;
                let there = SingleNodeRoutingInfo::ByAddress { host: host.to_owned(), port };
                connection.route_command(command.clone(), RoutingInfo::SingleNode(there)).await
            }
        }
    }

    /// Whether this is one server, and not a cluster. One server must have all keys.
    pub(super) const fn is_single(&self) -> bool {
        matches!(self, Self::Single(_))
    }
}

impl ConnectionLike for RedisConnection {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::Single(connection) => connection.req_packed_command(command),
            #[cfg(feature = "redis-cluster")]
            Self::Cluster(connection) => connection.req_packed_command(command),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::Single(connection) => connection.req_packed_commands(pipeline, offset, count),
            #[cfg(feature = "redis-cluster")]
            Self::Cluster(connection) => connection.req_packed_commands(pipeline, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::Single(connection) => connection.get_db(),
            #[cfg(feature = "redis-cluster")]
            Self::Cluster(connection) => connection.get_db(),
        }
    }
}
