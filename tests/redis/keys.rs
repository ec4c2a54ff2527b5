//! One key for each record, and one record for each command: what a cluster needs.

use crate::Shop;
use crate::monitor::{Monitor, Sent};
use actix_web::HttpResponse;
use tests::eventually;

/// Commands that set a connection up, or that bracket a transaction.
const NAMES_NO_KEY: [&str; 10] =
    ["AUTH", "CLIENT", "DBSIZE", "EXEC", "HELLO", "KEYS", "MULTI", "PING", "SCRIPT", "SELECT"];

impl Shop {
    /// The keys that a command names, according to the server.
    fn keys_of(&self, sent: &Sent) -> Vec<String> {
        let words: Vec<&str> = sent.words.iter().map(String::as_str).collect();
        self.redis.command(&[&["COMMAND", "GETKEYS"], &words[..]].concat())
    }

    fn size(&self) -> usize {
        self.redis.command(&["DBSIZE"])
    }
}

/// Does every operation of a store at least once.
async fn everything(shop: &Shop) {
    // A claim, its completion, a replay, a mismatch.
    shop.order("k").await;
    assert!(shop.order("k").await.is_replay());
    assert_eq!(shop.post("/orders").key("k").body("other").send().await.status, 422);
    // A key given back, and claimed again.
    shop.handler.answers(|run| match run % 2 {
        0 => HttpResponse::ServiceUnavailable().finish(),
        _ => HttpResponse::Created().finish(),
    });
    assert_eq!(shop.order("again").await.status, 503);
    assert_eq!(shop.order("again").await.status, 201);
    // A token.
    let token = shop.token().await;
    shop.handler.answers(|_| HttpResponse::Created().finish());
    assert_eq!(shop.post("/token").header("token", &token).send().await.status, 201);
    assert_eq!(shop.post("/token").header("token", &token).send().await.status, 409);
    // A run is under way: a duplicate is refused, one waits, and the lease is renewed.
    shop.handler.pause();
    let before = shop.handler.runs();
    let lasting = tokio::spawn(shop.post("/lasting").key("k").send());
    let awaited = tokio::spawn(shop.post("/waiting").key("k").send());
    shop.handler.runs_reach(before + 2).await;
    assert_eq!(shop.post("/lasting").key("k").send().await.status, 409);
    let waiting = tokio::spawn(shop.post("/waiting").key("k").send());
    eventually("a renewal", async || (shop.idempotency.counts().renewed > 0).then_some(())).await;
    shop.handler.resume();
    assert_eq!(lasting.await.unwrap().status, 201);
    assert_eq!((awaited.await.unwrap().status, waiting.await.unwrap().status), (201, 201));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_command_names_exactly_one_key() {
    let shop = Shop::open().await;
    let monitor = Monitor::start(&shop.redis);
    everything(&shop).await;
    let seen = monitor.stop(&shop.redis);
    let mut outer = Vec::new();
    let mut judged = 0;
    for sent in &seen {
        if NAMES_NO_KEY.contains(&&*sent.words[0].to_uppercase()) {
            continue;
        }
        let keys = shop.keys_of(sent);
        assert_eq!(keys.len(), 1, "{sent:?}");
        if sent.by_script {
            assert_eq!(keys, outer, "a script touches the key it was given: {sent:?}");
        } else {
            outer = keys;
        }
        judged += 1;
    }
    assert!(judged > 15, "{judged}");
    assert!(seen.iter().any(|sent| sent.words[0] == "GET" && !sent.by_script), "also readings");
}

/// The commands between `MULTI` and `EXEC` must name keys of one slot.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_transaction_is_about_one_key() {
    let shop = Shop::open().await;
    let monitor = Monitor::start(&shop.redis);
    everything(&shop).await;
    let seen = monitor.stop(&shop.redis);
    let mut transactions = 0;
    for (at, sent) in seen.iter().enumerate().filter(|(_, sent)| sent.words == ["MULTI"]) {
        let inside = seen[at + 1..].iter().take_while(|sent| sent.words != ["EXEC"]);
        let mut keys: Vec<_> = inside.flat_map(|sent| shop.keys_of(sent)).collect();
        assert!(keys.len() > 1, "{sent:?}");
        keys.dedup();
        assert_eq!(keys.len(), 1, "{keys:?}");
        transactions += 1;
    }
    assert!(transactions > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_record_is_one_key_with_an_end_and_a_name_that_nothing_can_shape() {
    let shop = Shop::open().await;
    let keys = ["plain", "\"{tag}\"", "\"*\"", "\"a b\"", "../..", "idempotency:"];
    for (n, key) in keys.into_iter().enumerate() {
        for _ in 0..2 {
            shop.order(key).await;
        }
        assert_eq!(shop.size(), n + 1, "{key}");
    }
    for name in shop.names() {
        let hash = name.strip_prefix("idempotency:").expect("the prefix");
        let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        assert!(hash.len() == 43 && hash.bytes().all(letter), "{name}");
        let left: i64 = shop.redis.command(&["PTTL", &name]);
        assert!((1..=24 * 3600 * 1000).contains(&left), "{name}: {left} ms");
    }
}

/// With a key as clients make them, and a small answer.
#[tokio::test]
async fn a_record_takes_few_bytes_beside_its_response() {
    let shop = Shop::open().await;
    shop.handler
        .answers(|_| HttpResponse::Created().json(["a body of as many as forty bytes, no"]));
    let reply = shop.order("5f0c6d3e-9a63-4b43-8d53-0b5c1f1c9a77").await;
    assert_eq!(reply.body.len(), 40, "{reply:?}");
    let [name] = &shop.names()[..] else { panic!("one record") };
    let record: Vec<u8> = shop.redis.command(&["GET", name]);
    let taken: usize = shop.redis.command(&["MEMORY", "USAGE", name]);
    // The numbers may only fall. The server also keeps the record's name of 55 bytes and some data of its own.
    assert!(record.len() <= 114 && taken <= 232, "{} bytes, {taken} in all", record.len());
}

/// A flood of refused requests does not fill the server for a day.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_its_run_gave_back_is_remembered_for_five_minutes() {
    let shop = Shop::open().await;
    shop.handler.answers(|run| match run {
        3 => HttpResponse::Created().finish(),
        _ => HttpResponse::Unauthorized().finish(),
    });
    let left = || {
        let names = shop.names();
        let [name] = &names[..] else { panic!("one key: {names:?}") };
        shop.redis.command::<u64>(&["PTTL", name])
    };
    for _ in 0..2 {
        assert_eq!(shop.order("k").await.status, 401);
        assert!((1..=300_000).contains(&left()), "{}", left());
    }
    assert_eq!(shop.order("k").await.status, 201);
    assert!(left() > 300_000);
}
