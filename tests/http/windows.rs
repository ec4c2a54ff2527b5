//! `within`: requests from too long ago, or from the future.

use crate::Shop;
use tests::Backend;

on_every_store! {
    a_timestamp_within_the_window_runs_and_others_do_not,
}

async fn a_timestamp_within_the_window_runs_and_others_do_not(backend: Backend) {
    let shop = Shop::open(backend);
    let now = shop.backend.clock.wall().as_secs();
    let send = |key: &'static str, time: u64| {
        shop.post("/recent").key(key).header("Timestamp", time.to_string()).send()
    };
    assert_eq!(send("now", now).await.status, 201);
    assert_eq!(send("early", now - 200).await.status, 201);
    send("old", now - 400).await.is_problem(400, "stale-request");
    send("future", now + 400).await.is_problem(400, "stale-request");
    shop.post("/recent").key("none").send().await.is_problem(400, "stale-request");
    let nonsense = shop.post("/recent").key("odd").header("Timestamp", "yesterday").send().await;
    nonsense.is_problem(400, "stale-request");
    assert_eq!(shop.stage.runs(), 2);
}
