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
    /// It finds the master of each key by itself, and sends a lost command again: a claim may arrive
    /// more than once.
    #[cfg(feature = "redis-cluster")]
    Cluster(ClusterConnection),
}

impl RedisConnection {
    /// Sends a command, without a piece of memory for its future.
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
                // A refusal of the server comes as a value.
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

    /// Sends a command to one of the masters, by its address there.
    pub(super) async fn query_master(
        &mut self,
        address: &str,
        command: &Cmd,
    ) -> RedisResult<Value> {
        match self {
            Self::Single(connection) => {
                debug_assert!(address.is_empty(), "there is one");
                connection.send_packed_command(command).await?.extract_error()
            }
            #[cfg(feature = "redis-cluster")]
            Self::Cluster(connection) => {
                let unknown = (ErrorKind::ClusterConnectionNotFound, "no address of a master");
                let (host, port) = address.rsplit_once(':').ok_or(unknown)?;
                let port = port.parse().map_err(|_| unknown)?;
                let there = SingleNodeRoutingInfo::ByAddress { host: host.to_owned(), port };
                connection.route_command(command.clone(), RoutingInfo::SingleNode(there)).await
            }
        }
    }

    /// Whether this is one server, which must have all keys.
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
