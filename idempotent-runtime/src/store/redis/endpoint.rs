//! The servers that a URL names: one, the masters of a cluster, or the master that sentinels know.

use crate::store::finding::Finding;
use crate::store::patience::MorePatience;
use crate::store::redis::connect_settings::ConnectSettings;
#[cfg(any(feature = "redis-cluster", feature = "redis-sentinel"))]
use crate::store::redis::connect_settings::within;
use crate::store::redis::connection::RedisConnection;
use crate::store::redis::encryption::Encryption;
use crate::store::redis::errors::unusable;
#[cfg(any(feature = "redis-cluster", feature = "redis-sentinel"))]
use crate::store::redis::host_list::HostList;
use crate::store::tls::plaintext;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use redis::aio::AsyncPushSender;
use redis::{AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ProtocolVersion, RedisResult};
use std::time::Duration;

#[cfg(feature = "redis-cluster")]
use redis::cluster::{ClusterClient, ClusterClientBuilder};
#[cfg(feature = "redis-sentinel")]
use redis::sentinel::SentinelClient;

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
    /// The URLs of the nodes, with credentials.
    urls: Vec<String>,
    /// The hosts of the nodes, without credentials.
    hosts: Vec<String>,
    encryption: Encryption,
}

/// A master, by its name, and the sentinels that know its address.
#[cfg(feature = "redis-sentinel")]
#[derive(Clone)]
struct SentinelMaster {
    /// The hosts of the sentinels.
    sentinels: Vec<String>,
    name: String,
    /// Database, credentials and protocol of the connection to the master.
    session: redis::RedisConnectionInfo,
    encryption: Encryption,
}

impl Endpoint {
    pub(crate) fn of(url: &str) -> RedisResult<Self> {
        Self::blocking(url, Duration::ZERO)
    }

    /// The same, for commands that may block at the server for this long before it answers.
    pub(crate) fn blocking(url: &str, block: Duration) -> RedisResult<Self> {
        let (scheme, rest) = url.split_once("://").unwrap_or((url, ""));
        let scheme = scheme.to_ascii_lowercase();
        let asks = matches!(&*scheme, "rediss" | "valkeys" | "rediss+cluster" | "rediss+sentinel");
        let encryption = Encryption::of(url, asks)?;
        let servers = match &*scheme {
            "redis+cluster" | "rediss+cluster" => Servers::cluster(rest, encryption)?,
            "redis+sentinel" | "rediss+sentinel" => Servers::sentinel(rest, encryption)?,
            _ => Servers::Single(encryption.client(url)?),
        };
        Ok(Self::new(servers, block))
    }

    /// One server, with the settings of this client.
    pub(super) fn by(client: Client) -> Self {
        Self::new(Servers::Single(client), Duration::ZERO)
    }

    fn new(servers: Servers, block: Duration) -> Self {
        let (config, more) = (AsyncConnectionConfig::new(), MorePatience::default());
        Self { servers, settings: ConnectSettings { config, block, more, first: None } }
    }

    /// Sets the deadlines of new connections to the patience of an engine; returns whether that changed them.
    pub(super) fn adopt(&self, patience: Duration) -> bool {
        self.settings.more.adopt(patience)
    }

    /// The longest time that opening a connection, or an answer on it, may take.
    pub(super) fn longest_silence(&self) -> Duration {
        self.settings.overall_timeout()
    }

    /// The same servers, with connections on which the server may push messages (RESP3); `None`
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

    /// Connects. The future borrows nothing.
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
            Servers::Cluster(nodes) => format!("Redis Cluster at {}", nodes.hosts.join(",")),
            #[cfg(feature = "redis-sentinel")]
            Servers::Sentinel(SentinelMaster { name, sentinels, .. }) => {
                let hosts = sentinels.join(",");
                format!("Redis, the master `{name}` of the sentinels at {hosts}")
            }
        }
    }
}

impl Endpoint {
    /// A finding for each host to which connections are not encrypted.
    pub(crate) fn in_clear(&self) -> Vec<Finding> {
        let hosts = match &self.servers {
            Servers::Single(client) => match client.get_connection_info().addr() {
                ConnectionAddr::Tcp(host, _) => vec![host.as_str()],
                _ => vec![],
            },
            #[cfg(feature = "redis-cluster")]
            Servers::Cluster(nodes) => nodes.encryption.in_clear(&nodes.hosts),
            #[cfg(feature = "redis-sentinel")]
            Servers::Sentinel(master) => master.encryption.in_clear(&master.sentinels),
        };
        let help = "use `rediss://`, `rediss+cluster://` or `rediss+sentinel://` (feature `tls`)";
        hosts.into_iter().filter_map(|host| plaintext(host, help)).collect()
    }
}

impl Servers {
    #[cfg(feature = "redis-cluster")]
    fn cluster(rest: &str, encryption: Encryption) -> RedisResult<Self> {
        let HostList { user, hosts, tail } = HostList::of(rest);
        let scheme = encryption.scheme();
        let urls: Vec<_> =
            hosts.iter().map(|host| format!("{scheme}://{user}{host}{tail}")).collect();
        // Whether they can be read is known now, and not at the first connection.
        encryption.cluster(ClusterClientBuilder::new(urls.iter().map(String::as_str))).build()?;
        let hosts = hosts.into_iter().map(str::to_owned).collect();
        Ok(Self::Cluster(ClusterNodes { urls, hosts, encryption }))
    }

    #[cfg(not(feature = "redis-cluster"))]
    fn cluster(_: &str, _: Encryption) -> RedisResult<Self> {
        Err(unusable("a cluster needs the feature `redis-cluster`"))
    }

    #[cfg(feature = "redis-sentinel")]
    fn sentinel(rest: &str, encryption: Encryption) -> RedisResult<Self> {
        use redis::IntoConnectionInfo;

        let HostList { user, hosts, tail } = HostList::of(rest);
        let (path, query) = tail.split_at(tail.find('?').unwrap_or(tail.len()));
        let path = path.trim_start_matches('/');
        let (name, database) = path.split_at(path.find('/').unwrap_or(path.len()));
        if name.is_empty() {
            return Err(unusable("the URL names no master: `redis+sentinel://host/master`"));
        }
        // The sentinels name its host; everything else is read from the URL as for one server.
        let master = format!("redis://{user}master{database}{query}").into_connection_info()?;
        let sentinels = hosts.into_iter().map(str::to_owned).collect();
        let (name, session) = (name.to_owned(), master.redis_settings().clone());
        let new = SentinelMaster { sentinels, name, session, encryption };
        // Whether they can be read is known now, and not at the first connection.
        new.clients().try_for_each(|client| client.map(drop))?;
        Ok(Self::Sentinel(new))
    }

    #[cfg(not(feature = "redis-sentinel"))]
    fn sentinel(_: &str, _: Encryption) -> RedisResult<Self> {
        Err(unusable("a master by its name needs the feature `redis-sentinel`"))
    }
}

#[cfg(feature = "redis-cluster")]
impl ClusterNodes {
    fn client(&self, settings: &ConnectSettings) -> RedisResult<ClusterClient> {
        let nodes = ClusterClientBuilder::new(self.urls.iter().map(String::as_str));
        settings.cluster(self.encryption.cluster(nodes))
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
        let asked = self.clients().map(|client| {
            let settings = settings.clone();
            async move { settings.open(&client?.async_get_client().await?).await }.boxed()
        });
        let asked = futures_util::future::select_ok(asked.collect::<Vec<_>>());
        async move { asked.await.map(|(connection, _)| connection) }
    }

    /// A client of each sentinel.
    fn clients(&self) -> impl Iterator<Item = RedisResult<SentinelClient>> {
        self.sentinels.iter().map(|host| {
            let url = format!("{}://{host}", self.encryption.scheme());
            self.encryption.sentinel(&url, &self.name, &self.session)
        })
    }
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
    fn the_connection_to_the_master_has_the_settings_of_the_url() {
        let url = "redis+sentinel://me:secret@h1,h2/main/3";
        let Ok(Endpoint { servers: Servers::Sentinel(master), .. }) = Endpoint::of(url) else {
            panic!("sentinels")
        };
        assert_eq!((master.sentinels, &*master.name), (vec!["h1".into(), "h2".into()], "main"));
        let session = format!("{:?}", master.session);
        assert!(session.contains("me") && session.contains("db: 3"), "{session}");
    }
}
