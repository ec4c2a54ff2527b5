//! There is one connection for each worker, not one for all workers nor one for each request.

use crate::Shop;
use futures_util::future::join_all;
use idempotent_runtime::RedisStore;
use idempotent_runtime::key::StorageKey;
use idempotent_runtime::store::{Store, StoreErrorKind};
use std::collections::BTreeSet;
use tests::RedisServer;

/// The number of workers that `tests::Server` starts.
const WORKERS: usize = 2;

/// The ids of the connections that were last used for records.
fn serving(shop: &Shop) -> BTreeSet<String> {
    let clients: String = shop.redis.command(&["CLIENT", "LIST"]);
    let field = |client: &str, name: &str| {
        let found = client.split(' ').find_map(|field| field.strip_prefix(name));
        found.expect("a field").to_owned()
    };
    clients
        .lines()
        .filter(|client| ["set", "evalsha"].contains(&field(client, "cmd=").as_str()))
        .map(|client| field(client, "id="))
        .collect()
}

/// So many requests at once that every worker serves some.
async fn requests(shop: &Shop, round: &str) {
    let orders = (0..20).map(|n| shop.post("/orders").key(&format!("{round}-{n}")).send());
    let replies = join_all(orders).await;
    assert!(replies.iter().all(|reply| reply.status == 201));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_worker_has_one_connection_and_keeps_it() {
    let shop = Shop::open().await;
    requests(&shop, "first").await;
    let first = serving(&shop);
    assert_eq!(first.len(), WORKERS, "{first:?}");
    for round in ["second", "third"] {
        requests(&shop, round).await;
        assert_eq!(serving(&shop), first);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_the_server_closed_is_replaced() {
    let shop = Shop::open().await;
    requests(&shop, "first").await;
    let first = serving(&shop);
    let killed: usize = shop.redis.command(&["CLIENT", "KILL", "TYPE", "normal"]);
    assert!(killed >= WORKERS);
    requests(&shop, "second").await;
    let second = serving(&shop);
    assert_eq!(second.len(), WORKERS, "{second:?}");
    assert!(second.is_disjoint(&first));
}

#[tokio::test]
async fn a_server_that_wants_a_password_says_so() {
    let server = RedisServer::start();
    let () = server.command(&["CONFIG", "SET", "requirepass", "open sesame"]);
    let error = RedisStore::connect(&server.url()).await.unwrap_err();
    let why = error.to_string();
    assert_eq!(error.kind(), StoreErrorKind::Rejected, "{why}");
    assert!(why.contains("Authentication required"), "{why}");
}

/// The files and sockets that this process holds open.
fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("Linux").count()
}

/// Runs alone in its process: others open descriptors, too.
#[test]
fn a_connection_goes_with_the_runtime_that_drives_it() {
    let name = "connections::a_connection_goes_with_the_runtime_that_drives_it";
    if std::env::var_os(ALONE).is_none() {
        let test = std::env::current_exe().expect("this test");
        let mut test = std::process::Command::new(test);
        let ended = test.args(["--exact", name]).env(ALONE, "1").status().expect("it starts");
        return assert!(ended.success());
    }
    let server = RedisServer::start();
    let on_a_runtime =
        || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let first = on_a_runtime();
    let store = first.block_on(RedisStore::connect(&server.url())).unwrap();
    let key = StorageKey::from_bytes([7; 32]);
    let uses = || {
        on_a_runtime().block_on(async {
            store.read(&key).await.expect("it answers");
            let watched = store.watch(&key).expect("it can tell").await;
            drop(watched.expect("it answers"));
        });
    };
    uses();
    let before = descriptors();
    (0..20).for_each(|_| uses());
    assert_eq!(descriptors(), before);
    // The store still works.
    first.block_on(store.read(&key)).expect("it answers");
}

const ALONE: &str = "IDEMPOTENT_TEST_ALONE";
