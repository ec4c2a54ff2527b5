//! Ctrl-C and SIGTERM: running handlers finish and are stored, then the process ends. Invariant L4.

use crate::shop::{assert_replays, suffering};
use crate::{Records, Shop};
use serde_json::{Value, json};
use tests::{Reply, eventually};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

on! { memory: [
    a_server_told_to_end_takes_nothing_new_and_finishes_what_runs,
    a_server_can_be_told_to_end_as_soon_as_it_listens,
] }

on! { sqlite redis: [
    a_server_told_to_end_takes_nothing_new_and_finishes_what_runs,
    a_server_can_be_told_to_end_as_soon_as_it_listens,
    what_ran_at_sigterm_is_replayed_after_a_restart,
    what_ran_at_ctrl_c_is_replayed_after_a_restart,
    who_waited_at_sigterm_gets_the_answer,
    who_is_told_twice_does_not_wait,
    what_ran_without_its_client_at_sigterm_is_replayed_after_a_restart,
] }

const DRAINING: &str = "finishing running handlers";

async fn a_server_told_to_end_takes_nothing_new_and_finishes_what_runs(records: Records) {
    let mut shop = Shop::open(records);
    let first = tokio::spawn(shop.suffer("k", &json!({"delay_ms": 1500})).send());
    shop.effects_reach("create_order", 1).await;
    shop.orders.signal("TERM");
    shop.orders.line_with(DRAINING);
    // The line is printed a moment before new runs are refused.
    let mut keys = 0..;
    eventually("new orders are refused", async || {
        let refused = shop.order(&format!("new-{}", keys.next()?)).send().await;
        (refused.status != 201).then(|| refused.is_problem(503, "shutting-down"))
    })
    .await;
    assert!(!first.is_finished(), "the refusal came in time");
    assert_eq!(first.await.expect("no panic").status, 201);
    shop.orders.ends();
}

async fn a_server_can_be_told_to_end_as_soon_as_it_listens(records: Records) {
    let mut shop = Shop::open(records);
    for _ in 0..5 {
        shop.orders.stop();
        shop.orders.restart();
    }
    assert_eq!(shop.order("k").send().await.status, 201);
}

async fn what_ran_at_sigterm_is_replayed_after_a_restart(records: Records) {
    drained_by("TERM", Shop::open(records)).await;
}

async fn what_ran_at_ctrl_c_is_replayed_after_a_restart(records: Records) {
    drained_by("INT", Shop::open(records)).await;
}

async fn drained_by(signal: &str, mut shop: Shop) {
    let slow = json!({"delay_ms": 1000});
    let first = tokio::spawn(shop.suffer("k", &slow).send());
    shop.effects_reach("create_order", 1).await;
    shop.orders.signal(signal);
    shop.orders.line_with(DRAINING);
    assert!(!first.is_finished(), "the signal came in time");
    let first = first.await.expect("no panic");
    assert_eq!((first.status, first.header("Idempotency-Stored")), (201, None));
    shop.orders.ends();
    shop.orders.restart();
    assert_replays(&first, &shop.suffer("k", &slow).send().await);
    assert_eq!((shop.effects("create_order").await, shop.list().await.len()), (1, 1));
}

async fn who_waited_at_sigterm_gets_the_answer(records: Records) {
    let mut shop = Shop::open(records);
    let slow = json!({"delay_ms": 1500});
    let mut tries = 1..;
    eventually("one waits before the signal comes", async || {
        let n = tries.next()?;
        let key = format!("k-{n}");
        let both = [(); 2].map(|()| tokio::spawn(shop.order_or_wait(&key, &slow).try_send()));
        shop.effects_reach("create_order_or_wait", n).await;
        shop.orders.signal("TERM");
        let [one, two] = both.map(async |reply| reply.await.expect("no panic").ok());
        let (one, two) = tokio::join!(one, two);
        shop.orders.ends();
        let replies = [one, two].into_iter().flatten().filter(|reply| reply.status == 201);
        let (again, first): (Vec<_>, Vec<_>) = replies.partition(Reply::is_replay);
        assert_eq!(first.len(), 1);
        if again.is_empty() {
            // From outside it cannot be seen whether the other request waits already; it came after the signal.
            shop.orders.restart();
            return None;
        }
        assert_replays(&first[0], &again[0]);
        Some(())
    })
    .await;
}

/// actix would drop a handler that no connection waits for.
async fn what_ran_without_its_client_at_sigterm_is_replayed_after_a_restart(records: Records) {
    let mut shop = Shop::open(records);
    let slow = json!({"delay_ms": 1500});
    let client = typed(&shop, "k", &slow).await;
    shop.effects_reach("create_order", 1).await;
    // The connection ends by a reset.
    client.set_zero_linger().expect("it can be reset");
    drop(client);
    assert_eq!(shop.list().await, [Value::Null; 0], "it still runs");
    shop.orders.stop();
    shop.orders.restart();

    let [order] = &shop.list().await[..] else { panic!("it was finished") };
    let retry = shop.suffer("k", &slow).send().await;
    assert_eq!((retry.status, retry.is_replay(), &retry.json()), (201, true, order));
    assert_eq!(shop.effects("create_order").await, 1);
}

/// Sends an order on a connection that the test holds.
async fn typed(shop: &Shop, key: &str, what: &Value) -> TcpStream {
    let address = shop.orders.url().strip_prefix("http://").expect("plain HTTP");
    let body = suffering(what).to_string();
    let request = format!(
        "POST /orders HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer alice\r\n\
         Idempotency-Key: {key}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut client = TcpStream::connect(address).await.expect("it listens");
    client.write_all(request.as_bytes()).await.expect("it reads");
    client
}

async fn who_is_told_twice_does_not_wait(records: Records) {
    let mut shop = Shop::open(records);
    let first = tokio::spawn(shop.suffer("k", &json!({"delay_ms": 600_000})).send());
    shop.effects_reach("create_order", 1).await;
    shop.orders.signal("INT");
    shop.orders.line_with(DRAINING);
    shop.orders.signal("INT");
    shop.orders.line_with("1 still running");
    shop.orders.ends();
    first.abort();
}
