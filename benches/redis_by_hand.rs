//! The commands of a claim and of its exchange on Redis, by hand.

use crate::{LEASE, TTL};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use idempotent_runtime::key::StorageKey;
use redis::aio::MultiplexedConnection;
use redis::io::tcp::TcpSettings;
use redis::{Client, IntoConnectionInfo, Script, cmd};
use std::time::Duration;

/// One connection that all requests share.
#[derive(Debug)]
pub struct RedisByHand {
    connection: MultiplexedConnection,
    complete: Script,
}

const COMPLETE: &str = "\
if redis.call('GET', KEYS[1]) == ARGV[1] then
    redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
    return 1
end
return 0";

impl RedisByHand {
    /// The prefix of its keys.
    pub const PREFIX: &str = "by-hand:";

    /// Connects, with `TCP_NODELAY` or without.
    pub async fn connect(url: &str, nodelay: bool) -> Self {
        let info = url.into_connection_info().expect("a URL");
        let info = info.set_tcp_settings(TcpSettings::default().set_nodelay(nodelay));
        let client = Client::open(info).expect("a URL");
        let connection = client.get_multiplexed_async_connection().await.expect("it connects");
        Self { connection, complete: Script::new(COMPLETE) }
    }

    /// The connection.
    #[must_use]
    pub fn connection(&self) -> MultiplexedConnection {
        self.connection.clone()
    }

    /// Claims a key, or returns the value that is there.
    pub async fn claim(&self, key: StorageKey, claim: &[u8]) -> Option<Vec<u8>> {
        let mut set = cmd("SET");
        set.arg(name(key)).arg(claim).arg("NX").arg("GET").arg("PX").arg(millis(LEASE));
        set.query_async(&mut self.connection()).await.expect("it answers")
    }

    /// Exchanges the claim for an answer.
    pub async fn complete(&self, key: StorageKey, claim: &[u8], answer: &[u8]) {
        let mut complete = self.complete.key(name(key));
        complete.arg(claim).arg(answer).arg(millis(TTL));
        let done = complete.invoke_async::<i64>(&mut self.connection()).await;
        assert_eq!(done.expect("it answers"), 1, "{key} is ours");
    }
}

fn name(key: StorageKey) -> String {
    redis_name(RedisByHand::PREFIX, key)
}

/// The name of a record, in the same form as the guard's.
#[must_use]
pub fn redis_name(prefix: &str, key: StorageKey) -> String {
    let mut name = prefix.to_owned();
    URL_SAFE_NO_PAD.encode_string(key.as_bytes(), &mut name);
    name
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).expect("not so long")
}
