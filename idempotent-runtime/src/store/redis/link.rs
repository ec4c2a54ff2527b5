//! A connection to whoever keeps the records.

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::{Cmd, Pipeline, RedisFuture, RedisResult, Value};
use std::collections::BTreeMap;

#[cfg(feature = "redis-cluster")]
use redis::cluster_async::ClusterConnection;
#[cfg(feature = "redis-cluster")]
use redis::cluster_routing::{MultipleNodeRoutingInfo, RoutingInfo};
#[cfg(feature = "redis-cluster")]
use redis::from_redis_value;

/// What several servers answer, by their addresses.
pub(super) type Answers = BTreeMap<String, Value>;

/// A connection; clones share it.
#[derive(Clone)]
pub(crate) enum Link {
    One(MultiplexedConnection),
    /// Finds the master of each key by itself, and sends again what went astray: a claim may arrive
    /// more than once.
    #[cfg(feature = "redis-cluster")]
    Cluster(ClusterConnection),
}

impl Link {
    /// Asks every master the same; the answers by their addresses, one server's by none.
    pub(super) async fn ask_masters(&mut self, question: &Cmd) -> RedisResult<Answers> {
        match self {
            Self::One(connection) => {
                let answer = connection.send_packed_command(question).await?;
                // A server's refusal comes as a value.
                Ok([(String::new(), answer.extract_error()?)].into())
            }
            #[cfg(feature = "redis-cluster")]
            Self::Cluster(connection) => {
                let all = RoutingInfo::MultiNode((MultipleNodeRoutingInfo::AllMasters, None));
                from_redis_value(connection.route_command(question.clone(), all).await?)
                    .map_err(Into::into)
            }
        }
    }

    /// Whether this is one server, which must have all keys.
    pub(super) const fn is_alone(&self) -> bool {
        matches!(self, Self::One(_))
    }
}

impl ConnectionLike for Link {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::One(connection) => connection.req_packed_command(command),
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
            Self::One(connection) => connection.req_packed_commands(pipeline, offset, count),
            #[cfg(feature = "redis-cluster")]
            Self::Cluster(connection) => connection.req_packed_commands(pipeline, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::One(connection) => connection.get_db(),
            #[cfg(feature = "redis-cluster")]
            Self::Cluster(connection) => connection.get_db(),
        }
    }
}
