//! The servers that a URL names: one, the masters of a cluster, or the master that sentinels know.

use crate::store::patience::MorePatience;
use crate::store::redis::connect_settings::ConnectSettings;
#[cfg(any(feature = "redis-cluster", feature = "redis-sentinel"))]
use crate::store::redis::connect_settings::within;
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

/// The servers of a URL, and how to connect to them.
pub(crate) struct Endpoint {
    servers: Servers,
    settings: ConnectSettings,
}

enum Servers {
    Single(Client),
    #[cfg(feature = "redis-cluster")]
    Cluster(ClusterNodes),
    #[cfg(feature = "redis-sentinel")]
    Sentinel(SentinelMaster),
}

/// Some nodes of a cluster.
#[cfg(feature = "redis-cluster")]
#[derive(Clone)]
struct ClusterNodes {
    /// With credentials.
    urls: Vec<String>,
    /// Without.
    hosts: String,
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
        let servers = if let Some(rest) = url.strip_prefix(CLUSTER) {
            Servers::cluster(rest)?
        } else if let Some(rest) = url.strip_prefix(SENTINEL) {
            Servers::sentinel(rest)?
        } else {
            Servers::Single(Client::open(url)?)
        };
        let (config, more) = (AsyncConnectionConfig::new(), MorePatience::default());
        Ok(Self { servers, settings: ConnectSettings { config, block, more, first: None } })
    }

    /// Allows connections from now on as long as an engine does; says whether that changed anything.
    pub(super) fn adopt(&self, patience: Duration) -> bool {
        self.settings.more.adopt(patience)
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
        let settings = ConnectSettings { config, first: Some(first), ..self.settings.clone() };
        Ok(Some(Self { servers, settings }))
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
            Servers::Cluster(nodes) => {
                let client = nodes.client(&settings);
                let open = async move {
                    client?.get_async_connection().await.map(RedisConnection::Cluster)
                };
                within(settings.overall_timeout(), open).boxed()
            }
            #[cfg(feature = "redis-sentinel")]
            Servers::Sentinel(master) => {
                within(settings.overall_timeout(), master.connect(&settings)).boxed()
            }
        }
    }

    /// The addresses without credentials, for people.
    pub(crate) fn describe(&self) -> String {
        match &self.servers {
            Servers::Single(client) => format!("Redis at {}", client.get_connection_info().addr()),
            #[cfg(feature = "redis-cluster")]
            Servers::Cluster(nodes) => format!("Redis Cluster at {}", nodes.hosts),
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
    fn cluster(rest: &str) -> RedisResult<Self> {
        let HostList { user, hosts, tail } = HostList::of(rest);
        let urls: Vec<_> = hosts.iter().map(|host| format!("redis://{user}{host}{tail}")).collect();
        // Whether they can be read is known now, and not at the first connection.
        ClusterClientBuilder::new(urls.iter().map(String::as_str)).build()?;
        Ok(Self::Cluster(ClusterNodes { urls, hosts: hosts.join(",") }))
    }

    #[cfg(not(feature = "redis-cluster"))]
    fn cluster(_: &str) -> RedisResult<Self> {
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

#[cfg(feature = "redis-cluster")]
impl ClusterNodes {
    fn client(&self, settings: &ConnectSettings) -> RedisResult<ClusterClient> {
        ClusterClientBuilder::new(self.urls.iter().map(String::as_str))
            .connection_timeout(settings.connect_timeout())
            .response_timeout(settings.response_timeout())
            .overall_response_timeout(Some(settings.overall_timeout()))
            .build()
    }
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
