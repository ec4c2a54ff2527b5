//! The findings of a store about its server's settings.

use crate::{Kind, Own, store};
use idempotent_runtime::store::Severity;

/// The severity and the text of the findings on a server with these options.
async fn found(kind: Kind, options: &[&str]) -> Vec<(Severity, String)> {
    let server = kind.start_with(options).await;
    let store = store(&server.database().await).await;
    store.findings().into_iter().map(|found| (found.severity, found.to_string())).collect()
}

#[tokio::test]
async fn servers_with_their_defaults_have_no_findings() {
    assert_eq!(found(Kind::Postgres, &[]).await, []);
    assert_eq!(found(Kind::MariaDb, &[]).await, []);
}

#[tokio::test]
async fn a_postgres_that_forgets_commits_has_a_finding() {
    let careless = ["-c", "fsync=off", "-c", "synchronous_commit=off"];
    let found = found(Kind::Postgres, &careless).await;
    let [fsync, commits] = &found[..] else { panic!("{found:?}") };
    assert!(fsync.0 == Severity::Warning && fsync.1.contains("fsync"), "{fsync:?}");
    assert!(commits.0 == Severity::Warning && commits.1.contains("synchronous"), "{commits:?}");
}

#[tokio::test]
async fn a_mariadb_that_forgets_commits_has_a_finding() {
    let found = found(Kind::MariaDb, &["--innodb-flush-log-at-trx-commit=2"]).await;
    let [flushes] = &found[..] else { panic!("{found:?}") };
    assert!(flushes.0 == Severity::Warning && flushes.1.contains("trx_commit = 2"), "{flushes:?}");
}

#[tokio::test]
async fn a_server_that_only_reads_is_refused() {
    let Own::MariaDb(server) = Kind::MariaDb.start_with(&[]).await else { unreachable!() };
    let database = server.database().await;
    drop(store(&database).await);
    server.run("SET GLOBAL read_only = 1").await;
    let findings = store(&database).await.findings();
    assert!(findings.iter().any(|found| found.severity == Severity::Error), "{findings:?}");

    let Own::Postgres(server) = Kind::Postgres.start_with(&[]).await else { unreachable!() };
    let database = server.database().await;
    drop(store(&database).await);
    // From its next start on the server follows a primary that does not exist.
    server.run("COPY (SELECT 1) TO PROGRAM 'cat > standby.signal'").await;
    server.kill();
    server.restart().await;
    let findings = store(&database).await.findings();
    assert!(findings.iter().any(|found| found.severity == Severity::Error), "{findings:?}");
}
