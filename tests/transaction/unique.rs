//! `strategy = "unique"`.

use crate::{Bank, Kind};
use futures_util::future::join_all;

on_every_database! {
    of_fifty_inserts_of_one_code_one_inserts_and_every_caller_gets_it,
    what_the_handler_did_before_its_insert_failed_is_taken_back,
    another_index_is_another_matter,
    a_transaction_may_be_inside_of_another_extractor,
    with_a_key_a_duplicate_gets_the_first_answer,
    a_handler_may_insert_or_ignore_or_insert_or_set_as_well,
    looking_before_inserting_and_adding_on_conflict_are_not_idempotent,
    an_index_that_a_handler_names_is_found_by_its_name,
}

async fn of_fifty_inserts_of_one_code_one_inserts_and_every_caller_gets_it(kind: Kind) {
    // One connection is enough: no request waits for a second one while it holds the first.
    for (path, connections) in [("/insert/a", 1), ("/insert/a", 4), ("/insert-elsewhere/a", 4)] {
        let bank = Bank::open(kind, connections).await;
        let replies = join_all((0..50).map(|_| bank.post(path).body("it").send())).await;
        let created = replies.iter().filter(|reply| reply.status == 201).count();
        let found = replies.iter().filter(|reply| reply.status == 200).count();
        assert_eq!((created, found), (1, 49), "{path}");
        assert!(replies.iter().all(|reply| reply.body == replies[0].body), "{path}");
        assert_eq!(bank.number("SELECT count(*) FROM codes").await, 1);
    }
}

async fn what_the_handler_did_before_its_insert_failed_is_taken_back(kind: Kind) {
    let bank = Bank::open(kind, 4).await;
    for status in [201, 200, 200] {
        assert_eq!(bank.post("/insert/a").body("it").send().await.status, status);
        assert_eq!(bank.effects().await, 1);
    }
}

async fn another_index_is_another_matter(kind: Kind) {
    let bank = Bank::open(kind, 4).await;
    let index = "CREATE UNIQUE INDEX one_effect ON effects (what)";
    bank.run(index).await;
    assert_eq!(bank.post("/insert/a").send().await.status, 201);
    // The code is new; the violation is of the effect's index.
    assert_eq!(bank.post("/insert/b").send().await.status, 500);
    assert_eq!(bank.number("SELECT count(*) FROM codes").await, 1);
}

async fn a_transaction_may_be_inside_of_another_extractor(kind: Kind) {
    let bank = Bank::open(kind, 4).await;
    for status in [201, 200, 200] {
        assert_eq!(bank.post("/insert-by-wrapped/a").send().await.status, status);
        assert_eq!(bank.effects().await, 1);
    }
    let refused = bank.post("/wrapped-without-transaction").key("k").send().await;
    refused.is_problem(500, "misconfigured");
    assert_eq!(bank.handler.runs(), 0);
}

async fn with_a_key_a_duplicate_gets_the_first_answer(kind: Kind) {
    let bank = Bank::open(kind, 4).await;
    let insert = |key: &str| bank.post("/insert-with-key/a").key(key).body("it");
    for (key, status, replay) in
        [("k", 201, false), ("k", 201, true), ("l", 200, false), ("l", 200, true)]
    {
        let reply = insert(key).send().await;
        assert_eq!((reply.status, reply.is_replay(), &*reply.body), (status, replay, &b"a it"[..]));
    }
    assert_eq!((bank.effects().await, bank.records().await), (1, 2));
}

/// An insert that cannot violate the index is idempotent by itself, and every request gets the existing row.
async fn a_handler_may_insert_or_ignore_or_insert_or_set_as_well(kind: Kind) {
    for path in ["/insert-or-ignore/a", "/insert-or-set/a"] {
        let bank = Bank::open(kind, 4).await;
        let replies = join_all((0..50).map(|_| bank.post(path).send())).await;
        let all = replies.iter().all(|reply| reply.status == 200 && reply.body == "a");
        assert!(all, "{path}: {replies:?}");
        assert_eq!(bank.number("SELECT count(*) FROM codes").await, 1);
    }
}

/// The reason for the strategy: this common code is not idempotent.
async fn looking_before_inserting_and_adding_on_conflict_are_not_idempotent(kind: Kind) {
    let bank = Bank::open(kind, 4).await;
    let or_else = match kind {
        Kind::MariaDb => "ON DUPLICATE KEY UPDATE total = total + VALUES(total)",
        _ => "ON CONFLICT (id) DO UPDATE SET total = sums.total + excluded.total",
    };
    let adding = format!("INSERT INTO sums (id, total) VALUES (1, 10) {or_else}");
    let schema = "CREATE TABLE sums (id BIGINT PRIMARY KEY, total BIGINT NOT NULL)";
    bank.run(schema).await;
    for _ in 0..2 {
        bank.run(&adding).await;
    }
    assert_eq!(bank.number("SELECT total FROM sums").await, 20, "repeated, it adds again");

    // Two requests both look before either inserts.
    let looks = "SELECT count(*) FROM effects";
    let seen = [bank.number(looks).await, bank.number(looks).await];
    for nothing in seen {
        assert_eq!(nothing, 0);
        bank.run("INSERT INTO effects VALUES ('done')").await;
    }
    assert_eq!(bank.effects().await, 2, "both inserted");
}

async fn an_index_that_a_handler_names_is_found_by_its_name(kind: Kind) {
    // (MariaDB has no index of expressions; MySQL has.)
    let (what, same) = match kind {
        Kind::MariaDb => ("code", "A"),
        Kind::Sqlite | Kind::Postgres => ("lower(code)", "a"),
    };
    let bank = Bank::open(kind, 4).await;
    bank.run(&format!("CREATE UNIQUE INDEX one_code ON codes ({what})")).await;
    bank.run("CREATE UNIQUE INDEX one_effect ON effects (what)").await;
    if kind == Kind::MariaDb {
        bank.run("DROP INDEX code ON codes").await;
    }
    for (code, status) in [("A", 201), (same, 200)] {
        bank.run("DELETE FROM effects").await;
        assert_eq!(bank.post(&format!("/insert-by-index/{code}")).send().await.status, status);
    }
    // The violation is of the effect's index, with every text in the client's code.
    bank.run("DELETE FROM effects").await;
    bank.run("INSERT INTO effects (what) VALUES ('inserting')").await;
    let other = bank.post("/insert-by-index/x'%20for%20key%20'one_code").send().await;
    assert_eq!(other.status, 500);
    assert_eq!(bank.number("SELECT count(*) FROM codes").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_speaks_german_names_the_index_all_the_same() {
    let bank = Bank::settled(Kind::MariaDb, 4, "SET SESSION lc_messages = 'de_DE'").await;
    bank.run("CREATE UNIQUE INDEX one_code ON codes (code)").await;
    bank.run("DROP INDEX code ON codes").await;
    for status in [201, 200, 200] {
        assert_eq!(bank.post("/insert-by-index/a").send().await.status, status);
    }
    assert_eq!(bank.effects().await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_constraint_that_is_checked_at_commit_counts() {
    let bank = Bank::open(Kind::Postgres, 4).await;
    let deferred = "ALTER TABLE codes DROP CONSTRAINT codes_code_key;
                    ALTER TABLE codes ADD CONSTRAINT codes_code_key UNIQUE (code)
                    DEFERRABLE INITIALLY DEFERRED";
    bank.run(deferred).await;
    let replies = join_all((0..20).map(|_| bank.post("/insert/a").body("it").send())).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 201).count(), 1, "{replies:?}");
    assert!(replies.iter().all(|reply| reply.body == replies[0].body), "{replies:?}");
    for (key, status, replay) in [("k", 200, false), ("k", 200, true)] {
        let reply = bank.post("/insert-with-key/a").key(key).body("it").send().await;
        assert_eq!((reply.status, reply.is_replay(), &*reply.body), (status, replay, &b"a it"[..]));
    }
    assert_eq!(bank.effects().await, 1);
    assert_eq!(bank.number("SELECT count(*) FROM codes").await, 1);
    // Another constraint that fails at the commit does not count.
    bank.run(
        "ALTER TABLE effects ADD CONSTRAINT one_effect UNIQUE (what) DEFERRABLE INITIALLY DEFERRED",
    )
    .await;
    bank.post("/insert/b").body("it").send().await.is_problem(500, "database-refused");
    assert_eq!(bank.number("SELECT count(*) FROM codes").await, 1);
}
