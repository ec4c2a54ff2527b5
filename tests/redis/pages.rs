//! Listing the records of a server that others use as well, or that has changed before the next page.

use crate::monitor::Monitor;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use idempotent_runtime::RedisStore;
use idempotent_runtime::key::StorageKey;
use idempotent_runtime::store::{Page, PageRequest, Store, StoreErrorKind};
use std::collections::HashSet;
use std::time::Duration;
use tests::{RedisServer, eventually};

const LONG: Duration = Duration::from_hours(1);

fn key(n: u16) -> StorageKey {
    let [high, low] = n.to_be_bytes();
    let mut bytes = [high; 32];
    bytes[31] = low;
    StorageKey::from_bytes(bytes)
}

async fn put(store: &RedisStore, keys: std::ops::Range<u16>) {
    for n in keys {
        assert_eq!(store.create(&key(n), &"v".into(), LONG).await.unwrap(), None);
    }
}

async fn page(store: &RedisStore, request: &PageRequest) -> Page {
    store.browse(request).expect("it lists").await.unwrap()
}

/// The pages from this one on.
async fn pages(store: &RedisStore, mut request: PageRequest) -> Vec<Page> {
    let mut pages = Vec::new();
    loop {
        let page = page(store, &request).await;
        request = request.after(page.next.clone());
        pages.push(page);
        if request.after.is_none() {
            return pages;
        }
    }
}

fn keys(pages: &[Page]) -> HashSet<StorageKey> {
    pages.iter().flat_map(|page| page.entries.iter().map(|(key, _)| *key)).collect()
}

/// If the prefixes were patterns, each would match the keys of the others.
#[tokio::test]
async fn a_prefix_is_not_a_pattern() {
    let server = RedisServer::start();
    let prefixes = ["shop:", "shop*", "s[ht]op:", "sh?p:", r"sh\op:", "*", "", "shop:shop:"];
    for (n, prefix) in (0..).zip(prefixes) {
        let store = RedisStore::connect_with_prefix(&server.url(), prefix).await.unwrap();
        put(&store, n * 10..n * 10 + 10).await;
    }
    for (n, prefix) in (0..).zip(prefixes) {
        let store = RedisStore::connect_with_prefix(&server.url(), prefix).await.unwrap();
        let seen = keys(&pages(&store, PageRequest::first(100)).await);
        assert_eq!(seen, (n * 10..n * 10 + 10).map(key).collect(), "{prefix}");
    }
}

/// Others keep names like the store's, values of other types, and values that are not records.
#[tokio::test]
async fn values_of_other_applications_are_not_listed() {
    let server = RedisServer::start();
    let store = RedisStore::connect(&server.url()).await.unwrap();
    put(&store, 0..20).await;
    let name = |n| format!("idempotency:{}", URL_SAFE_NO_PAD.encode(key(n).as_bytes()));
    let mut others = vec![
        format!("idempotency:{}", key(100)),
        format!("{}A", name(101)),
        name(102)[..50].to_owned(),
        "idempotency:stream".to_owned(),
        URL_SAFE_NO_PAD.encode(key(103).as_bytes()),
        format!("other:{}", name(104)),
    ];
    others.retain(|name| server.command::<String>(&["SET", name, "theirs"]) == "OK");
    assert_eq!(others.len(), 6);
    let _: i64 = server.command(&["RPUSH", &name(105), "theirs"]);
    let _: i64 = server.command(&["HSET", &name(106), "theirs", "theirs"]);
    for limit in [1, 5, 100] {
        let seen = keys(&pages(&store, PageRequest::first(limit)).await);
        assert_eq!(seen, (0..20).map(key).collect());
    }
}

/// There are five records among fifty thousand keys. `KEYS` would make all other commands wait.
#[tokio::test]
async fn a_page_is_little_work_for_the_server_however_much_others_keep() {
    const OTHERS: usize = 50_000;
    let server = RedisServer::start();
    let fill = "for n = 1, 50000 do redis.call('SET', 'other:' .. n, n) end";
    let () = server.command(&["EVAL", fill, "0"]);
    let store = RedisStore::connect(&server.url()).await.unwrap();
    put(&store, 0..5).await;
    let monitor = Monitor::start(&server);
    let pages = pages(&store, PageRequest::first(1000)).await;
    let sent = monitor.stop(&server);
    assert_eq!(keys(&pages), (0..5).map(key).collect());
    assert!(pages.len() > OTHERS / 4096, "{} pages: none may go past all", pages.len());
    let commands = |name: &str| sent.iter().filter(|sent| sent.words[0] == name).count();
    assert_eq!(commands("KEYS"), 0);
    // A page does not take one round trip for each key of others, either.
    let scans = commands("SCAN");
    assert!((OTHERS / 1024..OTHERS / 64).contains(&scans), "{scans}");
    for sent in sent.iter().filter(|sent| sent.words[0] == "SCAN") {
        let count = sent.words.iter().skip_while(|word| *word != "COUNT").nth(1);
        assert!(count.expect("a count").parse::<u32>().unwrap() <= 512, "{sent:?}");
    }
}

/// A cursor has no meaning after a restart of the server.
#[tokio::test]
async fn a_listing_begins_again_after_a_restart() {
    let mut server =
        RedisServer::start_with(&["--save", "", "--appendonly", "yes", "--appendfsync", "always"]);
    let store = RedisStore::connect(&server.url()).await.unwrap();
    put(&store, 0..300).await;
    let first = page(&store, &PageRequest::first(100)).await;
    assert!((100..200).contains(&first.entries.len()), "{}", first.entries.len());
    server.kill();
    server.restart();
    let request = PageRequest::first(100).after(first.next);
    // The connection broke with the server.
    eventually("it answers again", async || {
        store.browse(&request).expect("it lists").await.ok().map(drop)
    })
    .await;
    let seen = keys(&pages(&store, request).await);
    assert_eq!(seen, (0..300).map(key).collect(), "those of the first page as well");
}

#[tokio::test]
async fn a_user_who_may_not_list_is_told_so_and_guards_all_the_same() {
    let server = RedisServer::start();
    let user = ["ACL", "SETUSER", "limited", "on", ">sesame", "~*", "&*", "+@all", "-scan"];
    let () = server.command(&user);
    let url = format!("{}?user=limited&pass=sesame", server.url());
    let store = RedisStore::connect(&url).await.expect("guarding needs no list");
    put(&store, 0..1).await;
    let refused = store.browse(&PageRequest::first(1)).unwrap().await.unwrap_err();
    assert_eq!(refused.kind(), StoreErrorKind::Rejected);
    assert!(refused.to_string().contains("scan"), "{refused}");
}
