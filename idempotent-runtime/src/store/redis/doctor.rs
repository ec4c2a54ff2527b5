//! Settings of a server that break or weaken what is promised on top of it.

use crate::store::finding::Finding;
use crate::store::redis::link::Link;
use ::redis::{RedisResult, cmd, from_redis_value};
use std::collections::HashMap;

/// What the server says about itself: the fields of `INFO` and some of `CONFIG`.
#[derive(Debug)]
struct Facts {
    info: HashMap<String, String>,
    /// Nothing, where the server does not let us ask.
    config: Option<HashMap<String, String>>,
    /// Whether it must have all keys.
    alone: bool,
}

/// Asks every master about itself, and says what is not as it should be, the worst first.
pub(super) async fn ask(link: &mut Link) -> RedisResult<Vec<Finding>> {
    let infos = link.ask_masters(&cmd("INFO")).await?;
    let mut get = cmd("CONFIG");
    get.arg("GET").arg("save").arg("min-replicas-to-write");
    // Providers forbid it to their customers; then we say what we could not see.
    let mut configs = link.ask_masters(&get).await.unwrap_or_default();
    let mut findings = Vec::new();
    for (master, info) in infos {
        let config = configs.remove(&master).and_then(|config| from_redis_value(config).ok());
        let info = fields(&from_redis_value::<String>(info)?);
        let facts = Facts { info, config, alone: link.is_alone() };
        for finding in facts.findings() {
            // What is so of several masters is said once.
            if !findings.contains(&finding) {
                findings.push(finding);
            }
        }
    }
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    Ok(findings)
}

fn fields(info: &str) -> HashMap<String, String> {
    let lines = info.lines().filter_map(|line| line.split_once(':'));
    lines.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect()
}

type Rule = fn(&Facts) -> Option<Finding>;

const RULES: [Rule; 7] =
    [version, role, in_a_cluster, eviction, config_forbidden, persistence, replicas_may_lag];

impl Facts {
    /// Everything that is not as it should be.
    fn findings(&self) -> impl Iterator<Item = Finding> {
        RULES.iter().filter_map(|rule| rule(self))
    }

    fn info(&self, field: &str) -> &str {
        self.info.get(field).map_or("", String::as_str)
    }

    fn config(&self, name: &str) -> Option<&str> {
        self.config.as_ref()?.get(name).map(String::as_str)
    }
}

fn version(facts: &Facts) -> Option<Finding> {
    let version = facts.info("redis_version");
    let major: u32 = version.split('.').next()?.parse().ok()?;
    (major < 7).then(|| {
        Finding::error(
            format!("Redis {version} does not know `SET … NX GET`, by which keys are claimed"),
            "use Redis 7.0 or later, or Valkey 8 or later",
        )
    })
}

fn role(facts: &Facts) -> Option<Finding> {
    (facts.info("role") == "slave").then(|| {
        Finding::error(
            format!("the server is a replica of {}", facts.info("master_host")),
            "connect to the master: a replica refuses writes, or keeps them to itself",
        )
    })
}

fn in_a_cluster(facts: &Facts) -> Option<Finding> {
    (facts.alone && facts.info("cluster_enabled") == "1").then(|| {
        Finding::error(
            "the server is one node of a cluster and refuses the keys of the others",
            "connect by `redis+cluster://…` (feature `redis-cluster`)",
        )
    })
}

fn eviction(facts: &Facts) -> Option<Finding> {
    let policy = facts.info("maxmemory_policy");
    if policy.is_empty() || policy == "noeviction" {
        return None;
    }
    let help =
        "set `maxmemory-policy noeviction`: new keys are then refused, and no duplicate runs";
    Some(match facts.info("maxmemory") {
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

fn config_forbidden(facts: &Facts) -> Option<Finding> {
    facts.config.is_none().then(|| {
        Finding::warning(
            "the server forbids `CONFIG GET`: snapshots and `min-replicas-to-write` are not checked",
            "check them by hand, or allow `CONFIG|GET` to this user",
        )
    })
}

fn persistence(facts: &Facts) -> Option<Finding> {
    if facts.info("aof_enabled") == "1" {
        return None;
    }
    Some(match facts.config("save")? {
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

fn replicas_may_lag(facts: &Facts) -> Option<Finding> {
    let replicas = facts.info("connected_slaves");
    let waits = facts.config("min-replicas-to-write")?;
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
        let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let config = config.map(|config| config.map(own).into());
        let facts = Facts { info: fields(info), config, alone: true };
        facts.findings().map(|finding| finding.severity).collect()
    }

    const GOOD: &str = "redis_version:8.4.0\r\nrole:master\r\nconnected_slaves:0\r\n\
                        maxmemory:0\r\nmaxmemory_policy:noeviction\r\naof_enabled:1\r\n\
                        cluster_enabled:0\r\n";

    #[test]
    fn a_server_set_up_well_is_not_remarked_upon() {
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
