//! Settings of a server that break or weaken what is promised on top of it.

use crate::store::finding::Finding;
use sqlx::MySqlConnection;
use std::collections::HashMap;

/// What the server says about itself; `MariaDB` and `MySQL` do not know all of the same.
#[derive(Debug, Default)]
pub(super) struct Facts(HashMap<String, String>);

const ASK: &str = "\
SHOW GLOBAL VARIABLES WHERE Variable_name IN ('version', 'read_only', 'super_read_only', \
'innodb_read_only', 'innodb_flush_log_at_trx_commit', 'log_bin', 'binlog_format', 'sync_binlog')";

/// Asks a server about itself.
pub(super) async fn ask(connection: &mut MySqlConnection) -> Result<Facts, sqlx::Error> {
    // As bytes: what kind of text it is depends on the server.
    let facts: Vec<(Vec<u8>, Vec<u8>)> = sqlx::query_as(ASK).fetch_all(connection).await?;
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ok(Facts(facts.into_iter().map(|(name, value)| (text(name), text(value))).collect()))
}

type Rule = fn(&Facts) -> Option<Finding>;

const RULES: [Rule; 5] = [version, read_only, statements_logged, flushes, binlog_flushes];

impl Facts {
    /// Everything that is not as it should be, the worst first.
    pub(super) fn findings(&self) -> Vec<Finding> {
        let mut findings: Vec<_> = RULES.iter().filter_map(|rule| rule(self)).collect();
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        findings
    }

    fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }
}

fn version(facts: &Facts) -> Option<Finding> {
    let version = facts.get("version");
    let oldest = if version.contains("MariaDB") { (10, 6) } else { (8, 0) };
    let mut numbers = version.split('.').map(str::parse::<u32>);
    let (Some(Ok(major)), Some(Ok(minor))) = (numbers.next(), numbers.next()) else { return None };
    ((major, minor) < oldest).then(|| {
        Finding::error(
            format!("the server's version {version} is not tested"),
            "use MariaDB 10.6 or later, or MySQL 8",
        )
    })
}

fn read_only(facts: &Facts) -> Option<Finding> {
    let names = ["read_only", "super_read_only", "innodb_read_only"];
    // `MariaDB` knows several ways of being read-only.
    let name = names.into_iter().find(|name| !matches!(facts.get(name), "" | "OFF" | "0"))?;
    Some(Finding::error(
        format!("the server is read-only (`{name} = {}`), as a replica is", facts.get(name)),
        "connect to the primary (with several hosts, to a name that follows it)",
    ))
}

fn statements_logged(facts: &Facts) -> Option<Finding> {
    (facts.get("log_bin") == "ON" && facts.get("binlog_format") == "STATEMENT").then(|| {
        Finding::error(
            "`binlog_format = STATEMENT` refuses writes at READ COMMITTED, as the store does them",
            "set `binlog_format = ROW` or `MIXED`",
        )
    })
}

fn flushes(facts: &Facts) -> Option<Finding> {
    let setting = facts.get("innodb_flush_log_at_trx_commit");
    (!matches!(setting, "" | "1")).then(|| {
        Finding::warning(
            format!(
                "`innodb_flush_log_at_trx_commit = {setting}`: after a crash the last keys are free \
                 again"
            ),
            "set `innodb_flush_log_at_trx_commit = 1`",
        )
    })
}

fn binlog_flushes(facts: &Facts) -> Option<Finding> {
    let setting = facts.get("sync_binlog");
    (facts.get("log_bin") == "ON" && !matches!(setting, "" | "1")).then(|| {
        Finding::warning(
            format!(
                "`sync_binlog = {setting}`: after a crash of the host the last keys may be free \
                 again, here or on its replicas"
            ),
            "set `sync_binlog = 1`",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::finding::Severity;

    const GOOD: [(&str, &str); 6] = [
        ("version", "10.11.19-MariaDB-0+deb12u1"),
        ("read_only", "OFF"),
        ("innodb_flush_log_at_trx_commit", "1"),
        ("log_bin", "ON"),
        ("binlog_format", "MIXED"),
        ("sync_binlog", "1"),
    ];

    fn found(other: (&str, &str)) -> Vec<Severity> {
        let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let mut facts = Facts(GOOD.map(own).into());
        facts.0.extend([own(other)]);
        facts.findings().into_iter().map(|finding| finding.severity).collect()
    }

    #[test]
    fn a_server_set_up_well_is_not_remarked_upon() {
        for good in [GOOD[0], ("version", "8.0.36"), ("version", "11.4.2-MariaDB")] {
            assert_eq!(found(good), [], "{good:?}");
        }
    }

    #[test]
    fn each_setting_that_breaks_or_weakens_a_promise_is_found() {
        use Severity::{Error, Warning};
        for (name, bad, severity) in [
            ("version", "10.5.23-MariaDB", Error),
            ("version", "5.7.44-log", Error),
            ("read_only", "ON", Error),
            ("super_read_only", "ON", Error),
            ("binlog_format", "STATEMENT", Error),
            ("innodb_flush_log_at_trx_commit", "2", Warning),
            ("sync_binlog", "0", Warning),
        ] {
            assert_eq!(found((name, bad)), [severity], "{name} = {bad}");
        }
    }
}
