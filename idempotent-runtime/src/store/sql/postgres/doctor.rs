//! Settings of a server that break or weaken the contract of its store.

use crate::store::doctor::{ServerSettings, SettingCheck, findings};
use crate::store::finding::Finding;
use sqlx::PgConnection;

const SETTINGS: &str = "\
SELECT name, setting FROM pg_settings WHERE name IN ('server_version_num', 'server_version', \
'server_encoding', 'default_transaction_read_only', 'synchronous_commit', 'fsync') \
UNION ALL SELECT 'in_recovery', pg_is_in_recovery()::text";

/// Asks a server for its settings, and checks them.
pub(super) async fn examine(connection: &mut PgConnection) -> Result<Vec<Finding>, sqlx::Error> {
    let settings: Vec<(String, String)> = sqlx::query_as(SETTINGS).fetch_all(connection).await?;
    Ok(findings(&[settings.into_iter().collect()], &CHECKS))
}

const CHECKS: [SettingCheck<ServerSettings>; 6] =
    [version, replica, read_only, fsync, commits, encoding];

fn version(server: &ServerSettings) -> Option<Finding> {
    let number: u32 = server.get("server_version_num").parse().ok()?;
    (number < 130_000).then(|| {
        Finding::error(
            format!("PostgreSQL {} is not tested", server.get("server_version")),
            "use PostgreSQL 13 or later",
        )
    })
}

fn replica(server: &ServerSettings) -> Option<Finding> {
    (server.get("in_recovery") == "true").then(|| {
        Finding::error(
            "the server is a replica, which refuses writes",
            "connect to the primary (with several hosts, to a name that follows it)",
        )
    })
}

fn read_only(server: &ServerSettings) -> Option<Finding> {
    (server.get("default_transaction_read_only") == "on").then(|| {
        Finding::error(
            "`default_transaction_read_only = on` refuses every write",
            "switch it off for the user of the store",
        )
    })
}

fn fsync(server: &ServerSettings) -> Option<Finding> {
    (server.get("fsync") == "off").then(|| {
        Finding::warning(
            "`fsync = off`: a crash of the host can lose every record, and the database",
            "set `fsync = on`",
        )
    })
}

fn commits(server: &ServerSettings) -> Option<Finding> {
    (server.get("synchronous_commit") == "off").then(|| {
        Finding::warning(
            "`synchronous_commit = off`: after a crash of the server the last keys are free again",
            "set `synchronous_commit = on`, at least for the user of the store",
        )
    })
}

fn encoding(server: &ServerSettings) -> Option<Finding> {
    let encoding = server.get("server_encoding");
    (encoding != "UTF8").then(|| {
        Finding::warning(
            format!("the database's encoding {encoding} cannot hold every label: some are refused"),
            "use a database whose encoding is UTF8",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::finding::Severity;

    const GOOD: [(&str, &str); 7] = [
        ("server_version_num", "150018"),
        ("server_version", "15.18 (Debian 15.18-0+deb12u1)"),
        ("in_recovery", "false"),
        ("default_transaction_read_only", "off"),
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("server_encoding", "UTF8"),
    ];

    fn found(other: (&str, &str)) -> Vec<Severity> {
        let server = GOOD.into_iter().chain([other]).collect();
        findings(&[server], &CHECKS).into_iter().map(|finding| finding.severity).collect()
    }

    #[test]
    fn a_server_set_up_well_is_not_remarked_upon() {
        assert_eq!(found(GOOD[0]), []);
        assert_eq!(found(("synchronous_commit", "remote_apply")), []);
    }

    #[test]
    fn each_setting_that_breaks_or_weakens_a_promise_is_found() {
        use Severity::{Error, Warning};
        for (name, bad, severity) in [
            ("server_version_num", "120022", Error),
            ("in_recovery", "true", Error),
            ("default_transaction_read_only", "on", Error),
            ("fsync", "off", Warning),
            ("synchronous_commit", "off", Warning),
            ("server_encoding", "LATIN1", Warning),
        ] {
            assert_eq!(found((name, bad)), [severity], "{name} = {bad}");
        }
    }
}
