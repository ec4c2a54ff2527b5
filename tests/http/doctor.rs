//! Findings about stores that cannot keep their promises.

use idempotent_runtime::store::Severity;
use idempotent_runtime::{BuildError, Idempotency, RedisStore, Scope};
use std::path::PathBuf;
use tests::RedisServer;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, UnixStream};

#[tokio::test]
async fn a_server_that_drops_records_is_refused_unless_the_app_insists() {
    let evicting = ["--maxmemory", "10mb", "--maxmemory-policy", "allkeys-lru"];
    let server = RedisServer::start_with(&evicting);
    let store = RedisStore::connect(&server.url()).await.unwrap();
    let refused = Idempotency::builder(store).scope(Scope::shared()).build().unwrap_err();
    assert!(matches!(refused, BuildError::UnfitStore(_)), "{refused}");
    assert!(refused.to_string().contains("noeviction"), "{refused}");

    let store = RedisStore::connect(&server.url()).await.unwrap();
    let built = Idempotency::builder(store).scope(Scope::shared()).without_check().build().unwrap();
    assert_eq!(built.check().await[0].severity, Severity::Error);
}

#[tokio::test]
async fn a_server_that_keeps_nothing_has_a_finding_and_a_careful_one_has_none() {
    for (append, remarks) in [("no", 1), ("yes", 0)] {
        let server = RedisServer::start_with(&["--save", "", "--appendonly", append]);
        let store = RedisStore::connect(&server.url()).await.unwrap();
        let built = Idempotency::builder(store).scope(Scope::shared()).build().unwrap();
        let found = built.check().await;
        assert_eq!(found.len(), remarks, "{found:?}");
        assert!(found.iter().all(|finding| finding.severity == Severity::Warning));
    }
}

#[tokio::test]
async fn a_server_that_forbids_config_is_used_and_has_a_finding() {
    let server = RedisServer::start_with(&["--rename-command", "CONFIG", ""]);
    let store = RedisStore::connect(&server.url()).await.unwrap();
    let built = Idempotency::builder(store).scope(Scope::shared()).build().unwrap();
    assert!(built.check().await[0].to_string().contains("CONFIG"), "{:?}", built.check().await);
}

/// A server that only takes snapshots, and a replica, which must not be written to.
#[tokio::test]
async fn a_replica_is_refused_and_snapshots_have_a_finding() {
    let server = RedisServer::start_with(&["--replicaof", "127.0.0.1", "1", "--appendonly", "yes"]);
    let store = RedisStore::connect(&server.url()).await.unwrap();
    let refused = Idempotency::builder(store).scope(Scope::shared()).build().unwrap_err();
    assert!(refused.to_string().contains("replica of 127.0.0.1"), "{refused}");

    let server = RedisServer::start_with(&["--save", "3600 1", "--appendonly", "no"]);
    let store = RedisStore::connect(&server.url()).await.unwrap();
    let built = Idempotency::builder(store).scope(Scope::shared()).build().unwrap();
    let found = built.check().await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].to_string().contains("only takes snapshots"), "{found:?}");
}

/// A proxy that changes a server's version to another one of the same length.
async fn of_version(server: &RedisServer, before: &'static str, version: &'static str) -> String {
    assert_eq!(before.len(), version.len());
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let socket = PathBuf::from(server.url().trim_start_matches("redis+unix://"));
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let (mut answers, mut to_server) =
                UnixStream::connect(&socket).await.unwrap().into_split();
            let (mut requests, mut to_client) = client.into_split();
            tokio::spawn(async move { copy(&mut requests, &mut to_server).await });
            tokio::spawn(async move {
                let mut piece = vec![0; 1 << 16];
                while let Ok(length @ 1..) = answers.read(&mut piece).await {
                    let piece = &mut piece[..length];
                    let found =
                        piece.windows(before.len()).position(|part| part == before.as_bytes());
                    if let Some(at) = found {
                        piece[at..at + version.len()].copy_from_slice(version.as_bytes());
                    }
                    to_client.write_all(piece).await.unwrap();
                }
            });
        }
    });
    format!("redis://{address}")
}

#[tokio::test]
async fn a_server_that_is_too_old_is_refused() {
    let server = RedisServer::start_with(&["--save", "", "--appendonly", "yes"]);
    let info: String = server.command(&["INFO", "server"]);
    let version = info.lines().find(|line| line.starts_with("redis_version:")).unwrap();
    let version: &'static str = version.trim_end().to_owned().leak();
    let old = format!("redis_version:6.{}", &version["redis_version:6.".len()..]).leak();
    let store = RedisStore::connect(&of_version(&server, version, old).await).await.unwrap();
    let refused = Idempotency::builder(store).scope(Scope::shared()).build().unwrap_err();
    assert!(matches!(refused, BuildError::UnfitStore(_)), "{refused}");
    for said in ["Redis 6.", "`SET … NX GET`", "Redis 7.0 or later"] {
        assert!(refused.to_string().contains(said), "{refused}");
    }
    let store = RedisStore::connect(&of_version(&server, version, version).await).await.unwrap();
    assert!(Idempotency::builder(store).scope(Scope::shared()).build().is_ok());
}
