//! What an app is told about a store that cannot keep its promises.

use idempotent_runtime::store::Severity;
use idempotent_runtime::{BuildError, Idempotency, RedisStore, Scope};
use tests::RedisServer;

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
    assert_eq!(built.check()[0].severity, Severity::Error);
}

#[tokio::test]
async fn a_server_that_keeps_nothing_is_remarked_upon_and_a_careful_one_is_not() {
    for (append, remarks) in [("no", 1), ("yes", 0)] {
        let server = RedisServer::start_with(&["--save", "", "--appendonly", append]);
        let store = RedisStore::connect(&server.url()).await.unwrap();
        let built = Idempotency::builder(store).scope(Scope::shared()).build().unwrap();
        let found = built.check();
        assert_eq!(found.len(), remarks, "{found:?}");
        assert!(found.iter().all(|finding| finding.severity == Severity::Warning));
    }
}

#[tokio::test]
async fn a_server_that_forbids_config_is_used_and_remarked_upon() {
    let server = RedisServer::start_with(&["--rename-command", "CONFIG", ""]);
    let store = RedisStore::connect(&server.url()).await.unwrap();
    let built = Idempotency::builder(store).scope(Scope::shared()).build().unwrap();
    assert!(built.check()[0].to_string().contains("CONFIG"), "{:?}", built.check());
}

/// One that takes snapshots now and then, and one that nobody should write to.
#[tokio::test]
async fn a_replica_is_refused_and_snapshots_are_remarked_upon() {
    let server = RedisServer::start_with(&["--replicaof", "127.0.0.1", "1", "--appendonly", "yes"]);
    let store = RedisStore::connect(&server.url()).await.unwrap();
    let refused = Idempotency::builder(store).scope(Scope::shared()).build().unwrap_err();
    assert!(refused.to_string().contains("replica of 127.0.0.1"), "{refused}");

    let server = RedisServer::start_with(&["--save", "3600 1", "--appendonly", "no"]);
    let store = RedisStore::connect(&server.url()).await.unwrap();
    let built = Idempotency::builder(store).scope(Scope::shared()).build().unwrap();
    let found = built.check();
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].to_string().contains("only takes snapshots"), "{found:?}");
}
