//! Whom a URL names: one server, the masters of a cluster, or the master that sentinels know.

use crate::store::redis::link::Link;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use redis::aio::AsyncPushSender;
use redis::{AsyncConnectionConfig, Client, Cmd, ProtocolVersion, RedisResult};
use std::time::Duration;

#[cfg(feature = "redis-cluster")]
use redis::cluster::{ClusterClient, ClusterClientBuilder};
#[cfg(feature = "redis-sentinel")]
use redis::sentinel::{SentinelClient, SentinelNodeConnectionInfo, SentinelServerType};

/// One try to connect and one answer may take this long: a claim is sent up to three times within
/// the engine's patience of two seconds. (The client's own defaults are one second and half a
/// second.)
const CONNECT: Duration = Duration::from_millis(500);
const ANSWER: Duration = Duration::from_millis(500);

/// All of it may take this long where others are asked first, or a cluster sends us elsewhere:
/// below the engine's patience.
#[cfg(any(feature = "redis-cluster", feature = "redis-sentinel"))]
const WHOLE: Duration = Duration::from_millis(1500);

/// Whom to connect to, and how.
pub(crate) struct Target {
    whom: Whom,
    way: Way,
}

enum Whom {
    One(Client),
    #[cfg(feature = "redis-cluster")]
    Cluster(Box<ClusterClient>, String),
    #[cfg(feature = "redis-sentinel")]
    Watched(Watched),
}

/// How one server is connected to.
#[derive(Clone)]
struct Way {
    config: AsyncConnectionConfig,
    /// What every new connection is sent first.
    first: Option<Cmd>,
}

/// A master, by its name and those who know where it is.
#[cfg(feature = "redis-sentinel")]
#[derive(Clone)]
struct Watched {
    sentinels: Vec<String>,
    name: String,
    /// How the master is spoken to.
    settings: redis::RedisConnectionInfo,
}

/// The parts of a URL that names several hosts.
#[cfg(any(feature = "redis-cluster", feature = "redis-sentinel"))]
struct Parts<'a> {
    /// With its `@`.
    user: &'a str,
    hosts: Vec<&'a str>,
    /// From its first `/` or `?`.
    tail: &'a str,
}

const CLUSTER: &str = "redis+cluster://";
const SENTINEL: &str = "redis+sentinel://";

impl Target {
    pub(crate) fn of(url: &str) -> RedisResult<Self> {
        Self::waiting(url, Duration::ZERO)
    }

    /// The same, for commands that may wait this long at the server before it answers.
    pub(crate) fn waiting(url: &str, at_most: Duration) -> RedisResult<Self> {
        let answer = ANSWER + at_most;
        let whom = if let Some(rest) = url.strip_prefix(CLUSTER) {
            Whom::cluster(rest, answer)?
        } else if let Some(rest) = url.strip_prefix(SENTINEL) {
            Whom::watched(rest)?
        } else {
            Whom::One(Client::open(url)?)
        };
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(answer));
        Ok(Self { whom, way: Way { config, first: None } })
    }

    /// The same, by connections that are told of what they did not ask for, which needs RESP3; nothing
    /// for a cluster.
    pub(super) fn told(&self, told: impl AsyncPushSender, first: Cmd) -> RedisResult<Option<Self>> {
        let whom = match &self.whom {
            Whom::One(client) => {
                let info = client.get_connection_info();
                let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
                Whom::One(Client::open(info.clone().set_redis_settings(settings))?)
            }
            #[cfg(feature = "redis-cluster")]
            Whom::Cluster(..) => return Ok(None),
            #[cfg(feature = "redis-sentinel")]
            Whom::Watched(watched) => {
                let settings = watched.settings.clone().set_protocol(ProtocolVersion::RESP3);
                Whom::Watched(Watched { settings, ..watched.clone() })
            }
        };
        let config = self.way.config.clone().set_push_sender(told);
        Ok(Some(Self { whom, way: Way { config, first: Some(first) } }))
    }

    /// Connects; what this needs is taken along.
    pub(crate) fn connect(&self) -> BoxFuture<'static, RedisResult<Link>> {
        let way = self.way.clone();
        match &self.whom {
            Whom::One(client) => {
                let client = client.clone();
                async move { way.open(&client).await }.boxed()
            }
            #[cfg(feature = "redis-cluster")]
            Whom::Cluster(client, _) => {
                let client = client.clone();
                let open = async move { client.get_async_connection().await.map(Link::Cluster) };
                within_the_whole(open).boxed()
            }
            #[cfg(feature = "redis-sentinel")]
            Whom::Watched(watched) => within_the_whole(watched.connect(&way)).boxed(),
        }
    }

    /// For people; without credentials.
    pub(crate) fn describe(&self) -> String {
        match &self.whom {
            Whom::One(client) => format!("Redis at {}", client.get_connection_info().addr()),
            #[cfg(feature = "redis-cluster")]
            Whom::Cluster(_, hosts) => format!("Redis Cluster at {hosts}"),
            #[cfg(feature = "redis-sentinel")]
            Whom::Watched(Watched { name, sentinels, .. }) => {
                let hosts: Vec<_> =
                    sentinels.iter().map(|url| url.trim_start_matches("redis://")).collect();
                format!("Redis, the master `{name}` of the sentinels at {}", hosts.join(","))
            }
        }
    }
}

impl Whom {
    #[cfg(feature = "redis-cluster")]
    fn cluster(rest: &str, answer: Duration) -> RedisResult<Self> {
        let Parts { user, hosts, tail } = Parts::of(rest);
        let nodes = hosts.iter().map(|host| format!("redis://{user}{host}{tail}"));
        let client = ClusterClientBuilder::new(nodes)
            .connection_timeout(CONNECT)
            .response_timeout(answer)
            .overall_response_timeout(Some(WHOLE))
            .build()?;
        Ok(Self::Cluster(Box::new(client), hosts.join(",")))
    }

    #[cfg(not(feature = "redis-cluster"))]
    fn cluster(_: &str, _: Duration) -> RedisResult<Self> {
        Err(unusable("a cluster needs the feature `redis-cluster`"))
    }

    #[cfg(feature = "redis-sentinel")]
    fn watched(rest: &str) -> RedisResult<Self> {
        use redis::IntoConnectionInfo;

        let Parts { user, hosts, tail } = Parts::of(rest);
        let (path, query) = tail.split_at(tail.find('?').unwrap_or(tail.len()));
        let path = path.trim_start_matches('/');
        let (name, database) = path.split_at(path.find('/').unwrap_or(path.len()));
        if name.is_empty() {
            return Err(unusable("the URL names no master: `redis+sentinel://host/master`"));
        }
        // The host is found by asking; how to speak to it is read as for one server.
        let master = format!("redis://{user}master{database}{query}").into_connection_info()?;
        let sentinels = hosts.iter().map(|host| format!("redis://{host}")).collect();
        let settings = master.redis_settings().clone();
        Ok(Self::Watched(Watched { sentinels, name: name.to_owned(), settings }))
    }

    #[cfg(not(feature = "redis-sentinel"))]
    fn watched(_: &str) -> RedisResult<Self> {
        Err(unusable("a master by its name needs the feature `redis-sentinel`"))
    }
}

impl Way {
    async fn open(&self, client: &Client) -> RedisResult<Link> {
        let mut new = client.get_multiplexed_async_connection_with_config(&self.config).await?;
        if let Some(first) = &self.first {
            first.exec_async(&mut new).await?;
        }
        Ok(Link::One(new))
    }
}

#[cfg(any(feature = "redis-cluster", feature = "redis-sentinel"))]
async fn within_the_whole<T>(work: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
    let late = |_| std::io::Error::from(std::io::ErrorKind::TimedOut);
    tokio::time::timeout(WHOLE, work).await.map_err(late)?
}

#[cfg(feature = "redis-sentinel")]
impl Watched {
    /// Asks all sentinels at once, and connects to the master that is named first and says that it
    /// is one: a sentinel that is gone holds nobody up.
    fn connect(&self, way: &Way) -> impl Future<Output = RedisResult<Link>> + Send + use<> {
        let speaks = SentinelNodeConnectionInfo::default();
        let speaks = speaks.set_redis_connection_info(self.settings.clone());
        let asked = self.sentinels.iter().map(|sentinel| {
            let (speaks, master) = (Some(speaks.clone()), SentinelServerType::Master);
            let asked =
                SentinelClient::build(vec![sentinel.as_str()], self.name.clone(), speaks, master);
            let way = way.clone();
            async move { way.open(&asked?.async_get_client().await?).await }.boxed()
        });
        let asked = futures_util::future::select_ok(asked.collect::<Vec<_>>());
        async move { asked.await.map(|(link, _)| link) }
    }
}

#[cfg(any(feature = "redis-cluster", feature = "redis-sentinel"))]
impl<'a> Parts<'a> {
    /// There is at least one host, if only an empty one.
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
            assert_eq!(Target::of(url).map(|target| target.describe()).unwrap(), described);
        }
        for none in
            ["redis+cluster://", "redis+sentinel://h1:1", "redis+sentinel://h1:1/", "redis+odd://h"]
        {
            assert!(Target::of(none).is_err(), "{none}");
        }
    }

    #[test]
    fn the_master_is_spoken_to_as_the_url_says() {
        let url = "redis+sentinel://me:secret@h1,h2/main/3";
        let Ok(Target { whom: Whom::Watched(watched), .. }) = Target::of(url) else {
            panic!("sentinels")
        };
        assert_eq!(
            (watched.sentinels, &*watched.name),
            (vec!["redis://h1".into(), "redis://h2".into()], "main")
        );
        let speaks = format!("{:?}", watched.settings);
        assert!(speaks.contains("me") && speaks.contains("db: 3"), "{speaks}");
    }
}
