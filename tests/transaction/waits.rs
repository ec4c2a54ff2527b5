//! Handlers that do not wait for others, or not for long: they get free keys and rows, and are refused if one is held.

use crate::bank::Pool;
use crate::{Bank, Kind};
use std::time::Duration;

on_every_database! {
    what_nobody_holds_runs_without_a_wait,
    a_held_key_is_refused_without_a_wait,
    a_held_row_is_refused_without_a_wait,
    who_waited_in_vain_gives_the_connection_back_as_it_was,
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

/// Longer than nothing, so that the database waits, and not the line of the process.
const SHORT: Duration = Duration::from_millis(100);

async fn who_waited_in_vain_gives_the_connection_back_as_it_was(kind: Kind) {
    let bank = Bank::open(kind, 1).await;
    let (_idempotency, elsewhere) = bank.elsewhere_with(|builder| builder.wait(SHORT));
    bank.handler.pause();
    let first = tokio::spawn(bank.post("/optional").key("k").send());
    bank.handler.runs_reach(1).await;
    elsewhere.post("/optional").key("k").send().await.is_problem(409, "in-progress");
    bank.handler.resume();
    assert_eq!(first.await.expect("it is answered").status, 201);
    let replayed = elsewhere.post("/optional").key("k").send().await;
    assert!(replayed.is_replay(), "{replayed:?}");
    assert_eq!(elsewhere.post("/optional").key("other").send().await.status, 201);
    assert_eq!((bank.handler.runs(), bank.effects().await), (2, 2));
}

/// The first claim leads to the handler, whose waits are not the guard's; the second one is a guard's again.
#[tokio::test]
async fn a_claim_over_an_ended_record_waits_no_longer_than_a_guard_may() {
    let bank = Bank::open(Kind::Postgres, 1).await;
    let (_idempotency, elsewhere) = bank.elsewhere_with(|builder| builder.wait(SHORT));
    // Behind the first commit ended records are purged, on the only connection; the second commit comes after that.
    for key in ["k", "later"] {
        assert_eq!(bank.post("/optional").key(key).send().await.status, 201);
    }
    bank.run("UPDATE idempotency_records SET ends = 1").await;
    let Pool::Postgres(pool) = &bank.pool else { unreachable!("it is PostgreSQL") };
    let mut rival = pool.begin().await.expect("it begins");
    // The first claim does not see a lock; the second one waits for it.
    let hold = sqlx::query("SELECT FROM idempotency_records FOR UPDATE");
    hold.execute(&mut *rival).await.expect("it locks");
    elsewhere.post("/optional").key("k").send().await.is_problem(409, "in-progress");
    // The only connection is free while the rival goes on.
    assert_eq!(elsewhere.post("/optional").key("other").send().await.status, 201);
    rival.rollback().await.expect("it rolls back");
    let again = elsewhere.post("/optional").key("k").send().await;
    assert_eq!((again.status, again.is_replay()), (201, false));
}
