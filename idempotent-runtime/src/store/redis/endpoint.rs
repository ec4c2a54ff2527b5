//! The servers that a URL names: one, the masters of a cluster, or the master that sentinels know.

use crate::store::redis::connection::RedisConnection;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use redis::aio::AsyncPushSender;
use redis::{AsyncConnectionConfig, Client, Cmd, ProtocolVersion, RedisResult};
use std::time::Duration;

#[cfg(feature = "redis-cluster")]
use redis::cluster::{ClusterClient, ClusterClientBuilder};
#[cfg(feature = "redis-sentinel")]
use redis::sentinel::{SentinelClient, SentinelNodeConnectionInfo, SentinelServerType};

/// One attempt to connect and one answer may take this long: a claim is sent up to three times within
/// the engine's patience of two seconds. (The client's own defaults are one second and half a
/// second.)
const CONNECT_TIMEOUT: Duration = Duration::from_millis(500);
const RESPONSE_TIMEOUT: Duration = Duration::from_millis(500);

/// An operation may take this long where sentinels are asked first, or a cluster redirects: below
/// the engine's patience.
#[cfg(any(feature = "redis-cluster", feature = "redis-sentinel"))]
const OVERALL_TIMEOUT: Duration = Duration::from_millis(1500);

/// The servers of a URL, and how to connect to them.
pub(crate) struct Endpoint {
    servers: Servers,
    settings: ConnectSettings,
}

enum Servers {
    Single(Client),
    #[cfg(feature = "redis-cluster")]
    Cluster(Box<ClusterClient>, String),
    #[cfg(feature = "redis-sentinel")]
    Sentinel(SentinelMaster),
}

/// The way to connect to one server.
#[derive(Clone)]
struct ConnectSettings {
    config: AsyncConnectionConfig,
    /// A command that every new connection starts with.
    first: Option<Cmd>,
}

/// A master, by its name and the sentinels that know where it is.
#[cfg(feature = "redis-sentinel")]
#[derive(Clone)]
struct SentinelMaster {
    sentinels: Vec<String>,
    name: String,
    /// Database, credentials and protocol of the connection to the master.
    session: redis::RedisConnectionInfo,
}

/// A URL that names several hosts, in its parts.
#[cfg(any(feature = "redis-cluster", feature = "redis-sentinel"))]
struct HostList<'a> {
    /// User and password with their `@`.
    user: &'a str,
    hosts: Vec<&'a str>,
    /// All that follows the hosts, from the first `/` or `?`.
    tail: &'a str,
}

const CLUSTER: &str = "redis+cluster://";
const SENTINEL: &str = "redis+sentinel://";

impl Endpoint {
    pub(crate) fn of(url: &str) -> RedisResult<Self> {
        Self::blocking(url, Duration::ZERO)
    }

    /// The same, for commands that block at the server for as long as this before it answers.
    pub(crate) fn blocking(url: &str, block: Duration) -> RedisResult<Self> {
        let response_timeout = RESPONSE_TIMEOUT + block;
        let servers = if let Some(rest) = url.strip_prefix(CLUSTER) {
            Servers::cluster(rest, response_timeout)?
        } else if let Some(rest) = url.strip_prefix(SENTINEL) {
            Servers::sentinel(rest)?
        } else {
            Servers::Single(Client::open(url)?)
        };
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(Some(response_timeout));
        Ok(Self { servers, settings: ConnectSettings { config, first: None } })
    }

    /// The same servers, by connections that the server may push messages to, which needs RESP3; `None`
    /// for a cluster.
    pub(super) fn with_pushes(
        &self,
        pushes: impl AsyncPushSender,
        first: Cmd,
    ) -> RedisResult<Option<Self>> {
        let servers = match &self.servers {
            Servers::Single(client) => {
                let info = client.get_connection_info();
                let session = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
                Servers::Single(Client::open(info.clone().set_redis_settings(session))?)
            }
            #[cfg(feature = "redis-cluster")]
            Servers::Cluster(..) => return Ok(None),
            #[cfg(feature = "redis-sentinel")]
            Servers::Sentinel(master) => {
                let session = master.session.clone().set_protocol(ProtocolVersion::RESP3);
                Servers::Sentinel(SentinelMaster { session, ..master.clone() })
            }
        };
        let config = self.settings.config.clone().set_push_sender(pushes);
        Ok(Some(Self { servers, settings: ConnectSettings { config, first: Some(first) } }))
    }

    /// Connects; the future borrows nothing.
    pub(crate) fn connect(&self) -> BoxFuture<'static, RedisResult<RedisConnection>> {
        let settings = self.settings.clone();
        match &self.servers {
            Servers::Single(client) => {
                let client = client.clone();
                async move { settings.open(&client).await }.boxed()
            }
            #[cfg(feature = "redis-cluster")]
            Servers::Cluster(client, _) => {
                let client = client.clone();
                let open = async move {
                    client.get_async_connection().await.map(RedisConnection::Cluster)
                };
                within_overall_timeout(open).boxed()
            }
            #[cfg(feature = "redis-sentinel")]
            Servers::Sentinel(master) => within_overall_timeout(master.connect(&settings)).boxed(),
        }
    }

    /// The addresses without credentials, for people.
    pub(crate) fn describe(&self) -> String {
        match &self.servers {
            Servers::Single(client) => format!("Redis at {}", client.get_connection_info().addr()),
            #[cfg(feature = "redis-cluster")]
            Servers::Cluster(_, hosts) => format!("Redis Cluster at {hosts}"),
            #[cfg(feature = "redis-sentinel")]
            Servers::Sentinel(SentinelMaster { name, sentinels, .. }) => {
                let hosts: Vec<_> =
                    sentinels.iter().map(|url| url.trim_start_matches("redis://")).collect();
                format!("Redis, the master `{name}` of the sentinels at {}", hosts.join(","))
            }
        }
    }
}

impl Servers {
    #[cfg(feature = "redis-cluster")]
    fn cluster(rest: &str, response_timeout: Duration) -> RedisResult<Self> {
        let HostList { user, hosts, tail } = HostList::of(rest);
        let nodes = hosts.iter().map(|host| format!("redis://{user}{host}{tail}"));
        let client = ClusterClientBuilder::new(nodes)
            .connection_timeout(CONNECT_TIMEOUT)
            .response_timeout(response_timeout)
            .overall_response_timeout(Some(OVERALL_TIMEOUT))
            .build()?;
        Ok(Self::Cluster(Box::new(client), hosts.join(",")))
    }

    #[cfg(not(feature = "redis-cluster"))]
    fn cluster(_: &str, _: Duration) -> RedisResult<Self> {
        Err(unusable("a cluster needs the feature `redis-cluster`"))
    }

    #[cfg(feature = "redis-sentinel")]
    fn sentinel(rest: &str) -> RedisResult<Self> {
        use redis::IntoConnectionInfo;

        let HostList { user, hosts, tail } = HostList::of(rest);
        let (path, query) = tail.split_at(tail.find('?').unwrap_or(tail.len()));
        let path = path.trim_start_matches('/');
        let (name, database) = path.split_at(path.find('/').unwrap_or(path.len()));
        if name.is_empty() {
            return Err(unusable("the URL names no master: `redis+sentinel://host/master`"));
        }
        // The sentinels name its host; all else is read from the URL as for one server.
        let master = format!("redis://{user}master{database}{query}").into_connection_info()?;
        let sentinels = hosts.iter().map(|host| format!("redis://{host}")).collect();
        let session = master.redis_settings().clone();
        Ok(Self::Sentinel(SentinelMaster { sentinels, name: name.to_owned(), session }))
    }

    #[cfg(not(feature = "redis-sentinel"))]
    fn sentinel(_: &str) -> RedisResult<Self> {
        Err(unusable("a master by its name needs the feature `redis-sentinel`"))
    }
}

impl ConnectSettings {
    async fn open(&self, client: &Client) -> RedisResult<RedisConnection> {
        let mut new = client.get_multiplexed_async_connection_with_config(&self.config).await?;
        if let Some(first) = &self.first {
            first.exec_async(&mut new).await?;
        }
        Ok(RedisConnection::Single(new))
    }
}

#[cfg(any(feature = "redis-cluster", feature = "redis-sentinel"))]
async fn within_overall_timeout<T>(work: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
    let late = |_| std::io::Error::from(std::io::ErrorKind::TimedOut);
    tokio::time::timeout(OVERALL_TIMEOUT, work).await.map_err(late)?
}

#[cfg(feature = "redis-sentinel")]
impl SentinelMaster {
    /// Asks all sentinels at once, and connects to the first master that is named and confirms that it
    /// is one. So no sentinel that is gone delays the connection.
    fn connect(
        &self,
        settings: &ConnectSettings,
    ) -> impl Future<Output = RedisResult<RedisConnection>> + Send + use<> {
        let session = SentinelNodeConnectionInfo::default();
        let session = session.set_redis_connection_info(self.session.clone());
        let asked = self.sentinels.iter().map(|sentinel| {
            let (session, master) = (Some(session.clone()), SentinelServerType::Master);
            let asked =
                SentinelClient::build(vec![sentinel.as_str()], self.name.clone(), session, master);
            let settings = settings.clone();
            async move { settings.open(&asked?.async_get_client().await?).await }.boxed()
        });
        let asked = futures_util::future::select_ok(asked.collect::<Vec<_>>());
        async move { asked.await.map(|(connection, _)| connection) }
    }
}

#[cfg(any(feature = "redis-cluster", feature = "redis-sentinel"))]
impl<'a> HostList<'a> {
    /// Splits the URL after its scheme; there is at least one host, if only an empty one.
    fn of(rest: &'a str) -> Self {
        let (authority, tail) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let (user, hosts) = authority.split_at(authority.rfind('@').map_or(0, |at| at + 1));
        Self { user, hosts: hosts.split(',').collect(), tail }
    }
}

fn unusable(why: &'static str) -> redis::RedisError {
    (redis::ErrorKind::InvalidClientConfig, why).into()
}

#[cfg(all(test, feature = "redis-cluster", feature = "redis-sentinel"))]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_several_hosts_and_no_credential_is_shown() {
        for (url, described) in [
            ("redis+cluster://h1:1,h2:2,h3", "Redis Cluster at h1:1,h2:2,h3"),
            ("redis+cluster://user:p%40ss@h1:1,h2:2", "Redis Cluster at h1:1,h2:2"),
            (
                "redis+sentinel://:secret@h1:1,h2:2/main/3?protocol=resp3",
                "Redis, the master `main` of the sentinels at h1:1,h2:2",
            ),
        ] {
            assert_eq!(Endpoint::of(url).map(|endpoint| endpoint.describe()).unwrap(), described);
        }
        for none in
            ["redis+cluster://", "redis+sentinel://h1:1", "redis+sentinel://h1:1/", "redis+odd://h"]
        {
            assert!(Endpoint::of(none).is_err(), "{none}");
        }
    }

    #[test]
    fn the_master_is_spoken_to_as_the_url_says() {
        let url = "redis+sentinel://me:secret@h1,h2/main/3";
        let Ok(Endpoint { servers: Servers::Sentinel(master), .. }) = Endpoint::of(url) else {
            panic!("sentinels")
        };
        assert_eq!(
            (master.sentinels, &*master.name),
            (vec!["redis://h1".into(), "redis://h2".into()], "main")
        );
        let session = format!("{:?}", master.session);
        assert!(session.contains("me") && session.contains("db: 3"), "{session}");
    }
}
