//! Settings of a server that break or weaken the contract of its store.

use crate::store::doctor::{ServerSettings, SettingCheck, findings};
use crate::store::finding::Finding;
use sqlx::MySqlConnection;

const SETTINGS: &str = "\
SHOW GLOBAL VARIABLES WHERE Variable_name IN ('version', 'read_only', 'super_read_only', \
'innodb_read_only', 'innodb_flush_log_at_trx_commit', 'log_bin', 'binlog_format', 'sync_binlog')";

/// Asks a server for its settings, and checks them.
pub(super) async fn examine(connection: &mut MySqlConnection) -> Result<Vec<Finding>, sqlx::Error> {
    // As bytes: what kind of text it is depends on the server.
    let settings: Vec<(Vec<u8>, Vec<u8>)> = sqlx::query_as(SETTINGS).fetch_all(connection).await?;
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let settings = settings.into_iter().map(|(name, value)| (text(name), text(value)));
    Ok(findings(&[settings.collect()], &CHECKS))
}

const CHECKS: [SettingCheck<ServerSettings>; 5] =
    [version, read_only, statements_logged, flushes, binlog_flushes];

fn version(server: &ServerSettings) -> Option<Finding> {
    let version = server.get("version");
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

fn read_only(server: &ServerSettings) -> Option<Finding> {
    let names = ["read_only", "super_read_only", "innodb_read_only"];
    // `MariaDB` knows several ways of being read-only.
    let name = names.into_iter().find(|name| !matches!(server.get(name), "" | "OFF" | "0"))?;
    Some(Finding::error(
        format!("the server is read-only (`{name} = {}`), as a replica is", server.get(name)),
        "connect to the primary (with several hosts, to a name that follows it)",
    ))
}

fn statements_logged(server: &ServerSettings) -> Option<Finding> {
    (server.get("log_bin") == "ON" && server.get("binlog_format") == "STATEMENT").then(|| {
        Finding::error(
            "`binlog_format = STATEMENT` refuses writes at READ COMMITTED, as the store does them",
            "set `binlog_format = ROW` or `MIXED`",
        )
    })
}

fn flushes(server: &ServerSettings) -> Option<Finding> {
    let setting = server.get("innodb_flush_log_at_trx_commit");
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

fn binlog_flushes(server: &ServerSettings) -> Option<Finding> {
    let setting = server.get("sync_binlog");
    (server.get("log_bin") == "ON" && !matches!(setting, "" | "1")).then(|| {
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
        let server = GOOD.into_iter().chain([other]).collect();
        findings(&[server], &CHECKS).into_iter().map(|finding| finding.severity).collect()
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
