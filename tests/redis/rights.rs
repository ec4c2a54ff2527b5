//! Users who may connect but lack rights that the store needs; and servers that do not answer.

use crate::Shop;
use idempotent_runtime::RedisStore;
use idempotent_runtime::store::StoreErrorKind;
use std::time::Duration;
use tests::{RedisServer, eventually};

/// The address of a server for a user with these rights.
fn limited(server: &RedisServer, rights: &[&str]) -> String {
    let user = [&["ACL", "SETUSER", "limited", "reset", "on", ">sesame"], rights].concat();
    let () = server.command(&user);
    format!("{}?user=limited&pass=sesame", server.url())
}

#[tokio::test]
async fn a_user_without_a_right_is_refused_at_once() {
    let server = RedisServer::start();
    for rights in [
        &["~*", "&*", "+@all", "-@scripting"][..],
        &["~shop:*", "&*", "+@all"],
        &["~*", "&*", "+@all", "-set"],
        &["~*", "&*", "+@all", "-pttl"],
    ] {
        let error = RedisStore::connect(&limited(&server, rights)).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Rejected, "{rights:?} {error}");
        assert!(error.to_string().contains("permissions"), "{rights:?} {error}");
    }
}

#[tokio::test]
async fn a_user_of_some_keys_alone_names_them() {
    let server = RedisServer::start();
    let url = limited(&server, &["~shop:*", "&*", "+@all"]);
    RedisStore::connect_with_prefix(&url, "shop:").await.expect("it may use those");
    let left: Vec<String> = server.command(&["KEYS", "*"]);
    assert_eq!(left, [""; 0], "nothing is left of the trial");
}

/// The store works again without a restart, and replays finished records meanwhile.
#[tokio::test]
async fn a_server_without_memory_is_no_reason_not_to_start() {
    let server = RedisServer::start();
    let () = server.command(&["CONFIG", "SET", "maxmemory", "1"]);
    RedisStore::connect(&server.url()).await.expect("it may be well later");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_does_not_answer_is_told_of_by_a_ping() {
    let shop = Shop::open().await;
    let within = Duration::from_secs(20);
    shop.idempotency.ping(within).await.expect("it answers");
    {
        let _suspended = shop.redis.suspend();
        let error = shop.idempotency.ping(Duration::from_millis(200)).await.expect_err("silence");
        assert_eq!(error.parts().map(|(part, _)| part).collect::<Vec<_>>(), ["store"]);
    }
    eventually("it answers again", async || shop.idempotency.ping(within).await.ok()).await;
    assert_eq!(
        shop.idempotency.check().await.len(),
        1,
        "it keeps nothing on disk, and all else is well"
    );
}

/// The patience is longer than the client's own deadline for all of its tries.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_late_is_waited_for_as_long_as_patience_lasts() {
    let shop =
        Shop::with(RedisServer::start(), |builder| builder.store_patience(Duration::from_mins(1)))
            .await;
    assert_eq!(shop.order("before").await.status, 201);
    let suspended = shop.redis.suspend();
    let meanwhile = async {
        tokio::time::sleep(Duration::from_millis(2500)).await;
        drop(suspended);
    };
    let (reply, ()) = tokio::join!(shop.order("k"), meanwhile);
    assert_eq!((reply.status, reply.is_replay()), (201, false), "{reply:?}");
}
