//! `strategy = "unique"`: behaviour 37.

use crate::Bank;
use futures_util::future::join_all;

#[tokio::test]
async fn of_twenty_inserts_of_one_code_one_inserts_and_every_caller_gets_it() {
    // One connection is enough: none waits for a second while it holds the first.
    for (path, connections) in [("/insert/a", 1), ("/insert/a", 4), ("/insert-elsewhere/a", 4)] {
        let bank = Bank::open(connections).await;
        let replies = join_all((0..20).map(|_| bank.post(path).body("it").send())).await;
        let created = replies.iter().filter(|reply| reply.status == 201).count();
        let found = replies.iter().filter(|reply| reply.status == 200).count();
        assert_eq!((created, found), (1, 19), "{path}");
        assert!(replies.iter().all(|reply| reply.body == replies[0].body), "{path}");
        assert_eq!(bank.number("SELECT count(*) FROM codes").await, 1);
    }
}

#[tokio::test]
async fn what_the_handler_did_before_its_insert_failed_is_taken_back() {
    let bank = Bank::open(4).await;
    for status in [201, 200, 200] {
        assert_eq!(bank.post("/insert/a").body("it").send().await.status, status);
        assert_eq!(bank.effects().await, 1);
    }
}

#[tokio::test]
async fn another_index_is_another_matter() {
    let bank = Bank::open(4).await;
    let index = "CREATE UNIQUE INDEX one_effect ON effects (what)";
    sqlx::raw_sql(index).execute(&bank.pool).await.unwrap();
    assert_eq!(bank.post("/insert/a").send().await.status, 201);
    // The code is new; what is there twice is the effect.
    assert_eq!(bank.post("/insert/b").send().await.status, 500);
    assert_eq!(bank.number("SELECT count(*) FROM codes").await, 1);
}

#[tokio::test]
async fn with_a_key_a_duplicate_gets_the_first_answer() {
    let bank = Bank::open(4).await;
    let insert = |key: &str| bank.post("/insert-with-key/a").key(key).body("it");
    for (key, status, replay) in
        [("k", 201, false), ("k", 201, true), ("l", 200, false), ("l", 200, true)]
    {
        let reply = insert(key).send().await;
        assert_eq!((reply.status, reply.is_replay(), &*reply.body), (status, replay, &b"a it"[..]));
    }
    assert_eq!((bank.effects().await, bank.records().await), (1, 2));
}

/// What the strategy is for: neither of these is idempotent, however common they are.
#[tokio::test]
async fn looking_before_inserting_and_adding_on_conflict_are_not_idempotent() {
    let bank = Bank::open(4).await;
    let adding = "INSERT INTO sums (id, total) VALUES (1, 10)
                  ON CONFLICT (id) DO UPDATE SET total = total + excluded.total";
    let schema = "CREATE TABLE sums (id INTEGER PRIMARY KEY, total INTEGER NOT NULL) STRICT";
    sqlx::raw_sql(schema).execute(&bank.pool).await.unwrap();
    for _ in 0..2 {
        sqlx::raw_sql(adding).execute(&bank.pool).await.unwrap();
    }
    assert_eq!(bank.number("SELECT total FROM sums").await, 20, "repeated, it adds again");

    // Two that both look before either inserts.
    let looks = "SELECT count(*) FROM effects";
    let seen = [bank.number(looks).await, bank.number(looks).await];
    for nothing in seen {
        assert_eq!(nothing, 0);
        sqlx::raw_sql("INSERT INTO effects VALUES ('done')").execute(&bank.pool).await.unwrap();
    }
    assert_eq!(bank.effects().await, 2, "both inserted");
}
