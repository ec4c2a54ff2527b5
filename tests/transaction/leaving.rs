//! A client that leaves while its request waits for the transaction of another one.

use crate::{Bank, Kind};
use actix_web::HttpResponse;
use tests::{Guest, eventually};

on_every_database! {
    who_leaves_while_another_has_the_key_does_not_run,
}

async fn who_leaves_while_another_has_the_key_does_not_run(kind: Kind) {
    let bank = Bank::open(kind, 4).await;
    bank.handler.answers(|run| match run {
        1 => HttpResponse::InternalServerError().finish(),
        _ => HttpResponse::Created().finish(),
    });
    let under_way = async |many| {
        let is_so = async || (bank.idempotency.under_way() == many).then_some(());
        eventually("as many requests are under way as were sent", is_so).await;
    };
    bank.handler.pause();
    let first = tokio::spawn(bank.post("/dedup").key("k").send());
    bank.handler.runs_reach(1).await;
    let guest = Guest::post(&bank.server, "/dedup", "alice", "k").await;
    under_way(2).await;
    guest.leaves();
    // Other requests on the same server were served after the reset arrived.
    for _ in 0..20 {
        bank.post("/dedup").send().await.is_problem(400, "key-missing");
    }
    bank.handler.resume();
    // The first transaction rolls back, so that the next one in the database's queue gets the key.
    assert_eq!(first.await.unwrap().status, 500);
    under_way(0).await;
    assert_eq!((bank.handler.runs(), bank.effects().await), (1, 0));
    assert_eq!(bank.post("/dedup").key("k").send().await.status, 201);
    assert_eq!((bank.handler.runs(), bank.effects().await), (2, 1));
}
