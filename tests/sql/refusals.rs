//! S17 and S12: a database refuses, for any reason, while a run ends.

use crate::shop::Shop;
use crate::{Kind, Session, on_both_servers};
use actix_web::HttpResponse;
use futures_util::future::join_all;
use std::time::{Duration, Instant};
use tests::{SqlRefusal, eventually};

on_both_servers! {
    a_refusal_at_the_end_of_a_run_costs_no_second_effect,
    an_outcome_that_the_database_never_takes_leaves_a_tombstone,
    a_table_that_is_emptied_in_mid_handler_costs_no_second_effect,
}

/// The engine's patience with its store, two seconds, and something for a busy host; far below the lease.
const BOUND: Duration = Duration::from_secs(12);

/// The database lacks a table, room, a permission, or a lock; some of these errors count as permanent.
async fn a_refusal_at_the_end_of_a_run_costs_no_second_effect(kind: Kind) {
    let refusals = kind.pick(SqlRefusal::POSTGRES, SqlRefusal::MARIADB);
    // All refusals run at once: each has a database of its own, and takes the store's patience.
    join_all(refusals.map(async |SqlRefusal { name, begins, ends }| {
        let database = kind.database().await;
        let shop = Shop::open(&database).await;
        let mut session = Session::open(&database).await;
        let first = shop.ordered_while(session.run(begins)).await;
        assert_eq!((first.status, first.header("Idempotency-Stored")), (201, Some("false")));
        session.run(ends).await;
        eventually(name, async || (shop.idempotency.counts().stored_late == 1).then_some(())).await;
        let retry = shop.order("k").await;
        assert_eq!((retry.is_replay(), &retry.body), (true, &first.body), "{name}");
        let counts = shop.idempotency.counts();
        assert_eq!((counts.not_stored, counts.lost, shop.handler.runs()), (1, 0, 1), "{name}");
    }))
    .await;
}

/// The error of a packet that is too large is recognised at once. A constraint counts as permanent after three
/// refusals over five seconds.
async fn an_outcome_that_the_database_never_takes_leaves_a_tombstone(kind: Kind) {
    let server = match kind {
        Kind::Postgres => kind.start_with(&[]).await,
        Kind::MariaDb => kind.start_with(&["--max-allowed-packet=1048576"]).await,
    };
    let database = server.database().await;
    let shop = Shop::open(&database).await;
    if kind == Kind::Postgres {
        let limit = "ALTER TABLE idempotency_records ADD CHECK (length(value) < 100000)";
        Session::open(&database).await.run(limit).await;
    }
    let body = vec![b'a'; 3 << 19];
    shop.handler.answers(move |_| HttpResponse::Created().body(body.clone()));
    let began = Instant::now();
    let first = shop.brief("k").await;
    assert!(began.elapsed() < BOUND, "{:?}", began.elapsed());
    assert_eq!((first.status, first.body.len()), (201, 3 << 19));
    assert_eq!(first.header("Idempotency-Stored"), Some("false"));
    eventually("the fact is stored", async || {
        let retry = shop.brief("k").await;
        (retry.problem() == "not-replayable").then_some(())
    })
    .await;
    assert_eq!((shop.handler.runs(), shop.idempotency.counts().not_stored), (1, 1));
}

/// This is like a failover to a replica that did not have the claim.
async fn a_table_that_is_emptied_in_mid_handler_costs_no_second_effect(kind: Kind) {
    let database = kind.database().await;
    let shop = Shop::open(&database).await;
    let mut session = Session::open(&database).await;
    let first = shop.ordered_while(session.run("DELETE FROM idempotency_records")).await;
    assert_eq!((first.status, first.header("Idempotency-Stored")), (201, None));
    let retry = shop.order("k").await;
    assert_eq!((retry.is_replay(), &retry.body, shop.handler.runs()), (true, &first.body, 1));
}
