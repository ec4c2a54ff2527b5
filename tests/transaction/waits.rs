//! Handlers that do not wait for others: they get free keys and rows, and are refused if one is held.

use crate::{Bank, Kind};

on_every_database! {
    what_nobody_holds_runs_without_a_wait,
    a_held_key_is_refused_without_a_wait,
    a_held_row_is_refused_without_a_wait,
}

async fn what_nobody_holds_runs_without_a_wait(kind: Kind) {
    let bank = Bank::without_wait(kind).await.with_things("INSERT INTO things (id) VALUES (7)");
    let bank = bank.await;
    for path in ["/optional", "/rejecting", "/insert-with-key/a"] {
        let reply = bank.post(path).key("k").send().await;
        assert_eq!(reply.status, 201, "{path} {reply:?}");
    }
    for path in ["/versioned/7", "/pay/7", "/raise/7"] {
        let reply = bank.post(path).header("If-Match", "\"0\"").send().await;
        assert_eq!(reply.status, 201, "{path} {reply:?}");
    }
    // This holds for all except the one that inserts by itself.
    assert_eq!(bank.handler.runs(), 5);
}

async fn a_held_key_is_refused_without_a_wait(kind: Kind) {
    let bank = Bank::without_wait(kind).await;
    bank.handler.pause();
    let first = tokio::spawn(bank.post("/optional").key("k").send());
    bank.handler.runs_reach(1).await;
    bank.post("/optional").key("k").send().await.is_problem(409, "in-progress");
    bank.handler.resume();
    assert_eq!(first.await.expect("it is answered").status, 201);
    assert_eq!((bank.handler.runs(), bank.effects().await), (1, 1));
}

async fn a_held_row_is_refused_without_a_wait(kind: Kind) {
    let bank = Bank::without_wait(kind).await.with_things("INSERT INTO things (id) VALUES (7)");
    let bank = bank.await;
    bank.handler.pause();
    let first = tokio::spawn(bank.post("/pay/7").send());
    bank.handler.runs_reach(1).await;
    let refused = bank.post("/versioned/7").header("If-Match", "\"0\"").send().await;
    refused.is_problem(409, "in-progress");
    bank.handler.resume();
    assert_eq!(first.await.expect("it is answered").status, 201);
    assert_eq!((bank.handler.runs(), bank.effects().await), (1, 1));
}
