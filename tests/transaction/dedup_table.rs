//! `strategy = "dedup_table"`: effect and record commit together, or neither does (invariant S4).

use crate::{Bank, Kind};
use actix_web::HttpResponse;
use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use idempotent_runtime::{Idempotency, MemoryStore, Scope};
use tests::{ControlledHandler, Server};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

on_every_database! {
    it_runs_once_and_replays,
    a_failure_leaves_neither_effect_nor_record_and_a_retry_runs,
    an_error_that_would_repeat_is_stored_without_its_effects,
    of_fifty_at_once_one_runs_and_all_get_its_answer,
    fifty_keys_at_once_all_run,
    waiting_for_the_first_to_commit_ends,
    without_a_key_an_optional_one_runs_in_a_transaction_all_the_same,
    a_duplicate_can_be_rejected,
    a_client_that_is_gone_does_not_stop_the_commit,
    a_record_that_cannot_be_read_stops_the_handler,
    a_draining_server_finishes_its_transactions,
    a_second_tx_in_one_handler_is_a_panic_and_nothing_commits,
    records_whose_life_is_over_are_dropped,
}

async fn it_runs_once_and_replays(kind: Kind) {
    let bank = Bank::open(kind, 4).await;
    let first = bank.post("/dedup").key("k").body("one").send().await;
    let again = bank.post("/dedup").key("k").body("one").send().await;
    assert_eq!((first.status, first.is_replay()), (201, false));
    assert_eq!((again.status, again.is_replay(), again.body), (201, true, first.body));
    bank.post("/dedup").key("k").body("two").send().await.is_problem(422, "key-reused");
    let other = bank.post("/dedup").as_account("bob").key("k").body("one").send().await;
    assert_eq!((other.status, other.is_replay()), (201, false));
    assert_eq!((bank.effects().await, bank.records().await), (2, 2));
}

async fn a_failure_leaves_neither_effect_nor_record_and_a_retry_runs(kind: Kind) {
    let bank = Bank::open(kind, 4).await;
    bank.handler.answers(|run| match run {
        1 => HttpResponse::ServiceUnavailable().finish(),
        2 => panic!("as the test wants it"),
        _ => HttpResponse::Created().finish(),
    });
    for (status, effects) in [(503, 0), (500, 0), (201, 1)] {
        assert_eq!(bank.post("/dedup").key("k").send().await.status, status);
        assert_eq!(bank.effects().await, effects);
    }
    assert_eq!(bank.records().await, 1);
}

async fn an_error_that_would_repeat_is_stored_without_its_effects(kind: Kind) {
    let bank = Bank::open(kind, 4).await;
    bank.handler.answers(|_| HttpResponse::Conflict().body("not enough money"));
    for replay in [false, true] {
        let reply = bank.post("/dedup").key("k").send().await;
        assert_eq!((reply.status, reply.is_replay()), (409, replay));
        assert_eq!(reply.body, "not enough money");
    }
    assert_eq!((bank.handler.runs(), bank.effects().await, bank.records().await), (1, 0, 1));
}

async fn of_fifty_at_once_one_runs_and_all_get_its_answer(kind: Kind) {
    // There are fewer connections than duplicates, or only one: no request waits for a second connection.
    for connections in [1, 4] {
        let bank = Bank::open(kind, connections).await;
        let replies = join_all((0..50).map(|_| bank.post("/dedup").key("k").send())).await;
        assert!(replies.iter().all(|reply| reply.status == 201 && reply.body == "run 1"));
        assert_eq!(replies.iter().filter(|reply| !reply.is_replay()).count(), 1);
        assert_eq!((bank.handler.runs(), bank.effects().await), (1, 1));
    }
}

async fn fifty_keys_at_once_all_run(kind: Kind) {
    let bank = Bank::open(kind, 4).await;
    let sent = (0..50).map(|n| bank.post("/dedup").key(&format!("k{n}")).send());
    assert!(join_all(sent).await.iter().all(|reply| reply.status == 201));
    assert_eq!((bank.effects().await, bank.records().await), (50, 50));
}

async fn waiting_for_the_first_to_commit_ends(kind: Kind) {
    for connections in [1, 4] {
        let bank = Bank::open(kind, connections).await;
        // The database is connected and has its table, so that neither counts as waiting for the first request.
        assert_eq!(bank.post("/dedup").key("before").send().await.status, 201);
        bank.handler.pause();
        let first = tokio::spawn(bank.post("/impatient").key("k").send());
        bank.handler.runs_reach(2).await;
        let tired = bank.post("/impatient").key("k").send().await;
        tired.is_problem(409, "in-progress");
        assert!(tired.header("Retry-After").is_some());
        bank.handler.resume();
        assert_eq!(first.await.unwrap().status, 201);
    }
}

async fn without_a_key_an_optional_one_runs_in_a_transaction_all_the_same(kind: Kind) {
    let bank = Bank::open(kind, 4).await;
    bank.handler.answers(|run| match run {
        1 => HttpResponse::InternalServerError().finish(),
        2 => HttpResponse::BadRequest().finish(),
        _ => HttpResponse::Created().finish(),
    });
    for (status, effects) in [(500, 0), (400, 0), (201, 1), (201, 2)] {
        assert_eq!(bank.post("/optional").send().await.status, status);
        assert_eq!(bank.effects().await, effects);
    }
}

async fn a_duplicate_can_be_rejected(kind: Kind) {
    let bank = Bank::open(kind, 4).await;
    assert_eq!(bank.post("/rejecting").key("k").send().await.status, 201);
    bank.post("/rejecting").key("k").send().await.is_problem(409, "duplicate");
    assert_eq!(bank.effects().await, 1);
}

async fn a_client_that_is_gone_does_not_stop_the_commit(kind: Kind) {
    let bank = Bank::open(kind, 4).await;
    assert_eq!(bank.post("/dedup").key("before").send().await.status, 201);
    bank.handler.pause();
    let mut client = TcpStream::connect(bank.server.address()).await.unwrap();
    let request = "POST /impatient HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer alice\r\n\
                   Idempotency-Key: k\r\nContent-Length: 0\r\n\r\n";
    client.write_all(request.as_bytes()).await.unwrap();
    bank.handler.runs_reach(2).await;
    client.set_zero_linger().unwrap();
    drop(client);
    // This request is served after the reset arrived.
    for _ in 0..5 {
        bank.post("/impatient").key("k").send().await.is_problem(409, "in-progress");
    }
    bank.handler.resume();
    let again = loop {
        let again = bank.post("/impatient").key("k").send().await;
        if again.status != 409 {
            break again;
        }
    };
    assert!(again.is_replay());
    assert_eq!((bank.handler.runs(), bank.effects().await), (2, 2));
}

async fn a_record_that_cannot_be_read_stops_the_handler(kind: Kind) {
    let bank = Bank::open(kind, 4).await;
    assert_eq!(bank.post("/dedup").key("k").send().await.status, 201);
    let damage = match kind {
        Kind::Postgres => r"UPDATE idempotency_records SET value = '\x0102'",
        _ => "UPDATE idempotency_records SET value = x'0102'",
    };
    bank.run(damage).await;
    bank.post("/dedup").key("k").send().await.is_problem(503, "store-unavailable");
    assert_eq!((bank.handler.runs(), bank.idempotency.counts().undecodable), (1, 1));
}

async fn a_draining_server_finishes_its_transactions(kind: Kind) {
    let bank = Bank::open(kind, 4).await;
    bank.handler.pause();
    let first = tokio::spawn(bank.post("/dedup").key("k").send());
    bank.handler.runs_reach(1).await;
    assert_eq!(bank.idempotency.drain(std::time::Duration::ZERO).await, 1);
    bank.post("/dedup").key("new").send().await.is_problem(503, "shutting-down");
    bank.handler.resume();
    assert_eq!(first.await.unwrap().status, 201);
    assert_eq!((bank.effects().await, bank.records().await), (1, 1));
}

#[tokio::test]
async fn an_app_without_the_database_says_so() {
    let idempotency =
        Idempotency::builder(MemoryStore::new()).scope(Scope::shared()).build().unwrap();
    let handler = ControlledHandler::new();
    let server = Server::start(&idempotency, &handler, crate::routes::sqlite::all);
    server.post("/dedup").key("k").send().await.is_problem(500, "misconfigured");
    assert_eq!(handler.runs(), 0);
}

async fn a_second_tx_in_one_handler_is_a_panic_and_nothing_commits(kind: Kind) {
    let bank = Bank::open(kind, 4).await;
    bank.post("/twice").key("k").send().await.is_problem(500, "handler-panicked");
    assert_eq!(bank.effects().await, 0);
}

/// Invariant L6: records whose life is over are dropped after enough new ones.
async fn records_whose_life_is_over_are_dropped(kind: Kind) {
    let bank = Bank::open(kind, 4).await;
    for key in ["old", "older"] {
        assert_eq!(bank.post("/dedup").key(key).send().await.status, 201);
    }
    bank.run(match kind {
        Kind::Sqlite => "UPDATE idempotency_records SET ends_ms = 1",
        Kind::Postgres | Kind::MariaDb => "UPDATE idempotency_records SET ends = 1",
    })
    .await;
    let sent = (0..127).map(|n| bank.post("/dedup").key(&format!("k{n}")).send());
    // There are as many requests at a time as connections, so that none waits too long.
    let replies: Vec<_> = stream::iter(sent).buffer_unordered(4).collect().await;
    assert!(replies.iter().all(|reply| reply.status == 201));
    tests::eventually("the old are dropped", async || (bank.records().await == 127).then_some(()))
        .await;
}
