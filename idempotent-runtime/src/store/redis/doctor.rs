//! Settings of the servers that break or weaken the contract of their store.

use crate::store::doctor::{ServerSettings, SettingCheck, findings};
use crate::store::finding::Finding;
use crate::store::redis::connection::RedisConnection;
use ::redis::{RedisResult, cmd, from_redis_value};
use std::collections::HashMap;

/// A master, as it describes itself.
#[derive(Debug)]
struct Master {
    /// The fields of `INFO`.
    info: ServerSettings,
    /// Some settings of `CONFIG`; `None` if the server forbids reading them.
    config: Option<ServerSettings>,
    /// Whether it is the only server. If so, it must have all keys.
    is_single: bool,
}

impl Master {
    fn config(&self, name: &str) -> Option<&str> {
        self.config.as_ref()?.find(name)
    }
}

/// Asks every master for its settings, and checks them.
pub(super) async fn examine(connection: &mut RedisConnection) -> RedisResult<Vec<Finding>> {
    let infos = connection.query_masters(&cmd("INFO")).await?;
    let mut get = cmd("CONFIG");
    get.arg("GET").arg("save").arg("min-replicas-to-write");
    // Some providers forbid `CONFIG GET`; then a finding says which settings were not checked.
    let mut configs = connection.query_masters(&get).await.unwrap_or_default();
    let mut masters = Vec::new();
    for (address, info) in infos {
        let config = configs.remove(&address).and_then(|config| from_redis_value(config).ok());
        let config = config.map(|config: HashMap<String, String>| config.into_iter().collect());
        let info = fields(&from_redis_value::<String>(info)?);
        masters.push(Master { info, config, is_single: connection.is_single() });
    }
    Ok(findings(&masters, &CHECKS))
}

fn fields(info: &str) -> ServerSettings {
    let lines = info.lines().filter_map(|line| line.split_once(':'));
    lines.map(|(name, value)| (name, value.trim())).collect()
}

const CHECKS: [SettingCheck<Master>; 7] =
    [version, role, in_a_cluster, eviction, config_forbidden, persistence, replicas_may_lag];

fn version(master: &Master) -> Option<Finding> {
    let version = master.info.get("redis_version");
    let major: u32 = version.split('.').next()?.parse().ok()?;
    (major < 7).then(|| {
        Finding::error(
            format!("Redis {version} does not know `SET … NX GET`, by which keys are claimed"),
            "use Redis 7.0 or later, or Valkey 8 or later",
        )
    })
}

fn role(master: &Master) -> Option<Finding> {
    (master.info.get("role") == "slave").then(|| {
        Finding::error(
            format!("the server is a replica of {}", master.info.get("master_host")),
            "connect to the master: a replica refuses writes, or keeps them to itself",
        )
    })
}

fn in_a_cluster(master: &Master) -> Option<Finding> {
    (master.is_single && master.info.get("cluster_enabled") == "1").then(|| {
        Finding::error(
            "the server is one node of a cluster and refuses the keys of the others",
            "connect by `redis+cluster://…` (feature `redis-cluster`)",
        )
    })
}

fn eviction(master: &Master) -> Option<Finding> {
    let policy = master.info.get("maxmemory_policy");
    if policy.is_empty() || policy == "noeviction" {
        return None;
    }
    let help = "set `maxmemory-policy noeviction`: new keys are then refused, finished ones replayed, and no duplicate runs";
    Some(match master.info.get("maxmemory") {
        "0" => Finding::warning(
            format!("`maxmemory-policy {policy}` would drop records, once there is a `maxmemory`"),
            help,
        ),
        _ => Finding::error(
            format!(
                "`maxmemory-policy {policy}` drops records of runs under way and finished ones"
            ),
            help,
        ),
    })
}

fn config_forbidden(master: &Master) -> Option<Finding> {
    master.config.is_none().then(|| {
        Finding::warning(
            "the server forbids `CONFIG GET`: snapshots and `min-replicas-to-write` are not checked",
            "check them by hand, or allow `CONFIG|GET` to this user",
        )
    })
}

fn persistence(master: &Master) -> Option<Finding> {
    if master.info.get("aof_enabled") == "1" {
        return None;
    }
    Some(match master.config("save")? {
        "" => Finding::warning(
            "the server keeps nothing on disk: after its restart every key is free again",
            "set `appendonly yes`",
        ),
        _ => Finding::warning(
            "the server only takes snapshots: after its restart the keys since the last are free again",
            "set `appendonly yes`",
        ),
    })
}

fn replicas_may_lag(master: &Master) -> Option<Finding> {
    let replicas = master.info.get("connected_slaves");
    let waits = master.config("min-replicas-to-write")?;
    (waits == "0" && !matches!(replicas, "" | "0")).then(|| {
        Finding::warning(
            "replication is asynchronous: a failover can forget the last claims and outcomes",
            "set `min-replicas-to-write 1` and a small `min-replicas-max-lag` to bound it, and use \
             the fence or the business transaction where it must not happen",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::finding::Severity;

    fn found(info: &str, config: Option<[(&str, &str); 2]>) -> Vec<Severity> {
        let config = config.map(|config| config.into_iter().collect());
        let master = Master { info: fields(info), config, is_single: true };
        findings(&[master], &CHECKS).into_iter().map(|finding| finding.severity).collect()
    }

    const GOOD: &str = "redis_version:8.4.0\r\nrole:master\r\nconnected_slaves:0\r\n\
                        maxmemory:0\r\nmaxmemory_policy:noeviction\r\naof_enabled:1\r\n\
                        cluster_enabled:0\r\n";

    #[test]
    fn a_server_that_is_set_up_well_has_no_findings() {
        assert_eq!(found(GOOD, Some([("save", ""), ("min-replicas-to-write", "0")])), []);
    }

    #[test]
    fn each_setting_that_breaks_or_weakens_a_promise_is_found() {
        use Severity::{Error, Warning};
        let config = Some([("save", "3600 1"), ("min-replicas-to-write", "0")]);
        for (good, bad, severity) in [
            ("8.4.0", "6.2.1", Error),
            ("role:master", "role:slave\r\nmaster_host:elsewhere", Error),
            (
                "maxmemory:0\r\nmaxmemory_policy:noeviction",
                "maxmemory:9\r\nmaxmemory_policy:allkeys-lru",
                Error,
            ),
            ("noeviction", "volatile-ttl", Warning),
            ("cluster_enabled:0", "cluster_enabled:1", Error),
            ("aof_enabled:1", "aof_enabled:0", Warning),
            ("connected_slaves:0", "connected_slaves:1", Warning),
        ] {
            assert!(GOOD.contains(good), "{good}");
            assert_eq!(found(&GOOD.replace(good, bad), config), [severity], "{bad}");
        }
        assert_eq!(found(GOOD, None), [Warning], "CONFIG is forbidden");
    }
}
