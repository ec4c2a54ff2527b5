//! The round trips of a guarded request, and the statements that are sent together to save some.

use crate::bank::Pool;
use crate::{Bank, Kind};
use actix_web::HttpResponse;
use sqlx::mysql::MySqlPoolOptions;
use sqlx::postgres::PgPoolOptions;
use tests::{MariaDbServer, PostgresServer, Proxy};

/// A bank whose only connection to its database is counted.
struct Counted {
    bank: Bank,
    proxy: Proxy,
}

impl Counted {
    async fn open(kind: Kind) -> Self {
        let (pool, proxy) = if kind == Kind::Postgres {
            let server = PostgresServer::shared().await;
            let (proxy, database) = (Proxy::to(server).await, server.database().await);
            let url = PostgresServer::through(&proxy, &database);
            let pool = PgPoolOptions::new().max_connections(1).test_before_acquire(false);
            (Pool::Postgres(pool.connect(&url).await.unwrap()), proxy)
        } else {
            let server = MariaDbServer::shared().await;
            let (proxy, database) = (Proxy::to(server).await, server.database().await);
            let url = MariaDbServer::through(&proxy, &database);
            let pool = MySqlPoolOptions::new().max_connections(1).test_before_acquire(false);
            (Pool::MariaDb(pool.connect(&url).await.unwrap()), proxy)
        };
        let bank = Bank::on(pool, tempfile::tempdir().unwrap()).await;
        let counted = Self { bank, proxy };
        // The table exists, statements are prepared, and the first purge is over.
        for n in 0..20 {
            assert_eq!(counted.post("/dedup", &format!("warm-{n}")).await, 201);
        }
        counted.turns().await;
        counted
    }

    async fn post(&self, path: &str, key: &str) -> u16 {
        self.bank.post(path).key(key).send().await.status
    }

    /// The number of round trips so far, when the connection is back in its pool. (This look costs one more, which the
    /// next count includes.)
    async fn turns(&self) -> usize {
        match &self.bank.pool {
            Pool::Postgres(pool) => {
                let _idle = pool.acquire().await.unwrap();
                self.proxy.turns()
            }
            Pool::MariaDb(pool) => {
                let _idle = pool.acquire().await.unwrap();
                self.proxy.turns()
            }
            Pool::Sqlite(_) => unreachable!("it has no network"),
        }
    }

    /// The number of round trips of this many requests with keys of their own.
    async fn of(&self, path: &str, keys: &[String], status: u16) -> usize {
        let before = self.turns().await + 1;
        for key in keys {
            assert_eq!(self.post(path, key).await, status);
        }
        self.turns().await - before
    }
}

/// The handler's own statement is one of them, and the pool's test of a connection that comes back another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_request_costs_five_or_six_round_trips_and_a_replay_three() {
    let keys: Vec<_> = (0..10).map(|n| format!("k{n}")).collect();
    for (kind, turns) in [(Kind::Postgres, 60), (Kind::MariaDb, 50)] {
        let counted = Counted::open(kind).await;
        let ran = counted.bank.handler.runs();
        let new = counted.of("/dedup", &keys, 201).await;
        let replayed = counted.of("/dedup", &keys, 201).await;
        assert_eq!((new, replayed), (turns, 30), "{kind:?}");
        assert_eq!(counted.bank.handler.runs() - ran, 10, "{kind:?}");
    }
}

/// An answer whose effects are rolled back costs one more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_that_is_stored_costs_six_or_seven_round_trips() {
    let keys: Vec<_> = (0..10).map(|n| format!("k{n}")).collect();
    for (kind, turns) in [(Kind::Postgres, 70), (Kind::MariaDb, 60)] {
        let counted = Counted::open(kind).await;
        let effects = counted.bank.effects().await;
        counted.bank.handler.answers(|_| HttpResponse::Conflict().finish());
        assert_eq!(counted.of("/dedup", &keys, 409).await, turns, "{kind:?}");
        assert_eq!(counted.of("/dedup", &keys, 409).await, 30, "{kind:?}");
        assert_eq!(counted.bank.effects().await, effects, "{kind:?}");
    }
}

async fn answers_of_every_length_and_byte_are_replayed(kind: Kind) {
    let bank = Bank::open(kind, 2).await;
    let bytes = |length: usize| (0..=255).cycle().take(length).collect::<Vec<u8>>();
    for length in [0, 1, 256, 65_000, 65_536, 200_000] {
        let body = bytes(length);
        bank.handler.answers(move |_| HttpResponse::Created().body(body.clone()));
        let key = format!("\"'$1?; {length}\"");
        for is_replay in [false, true] {
            let reply = bank.post("/dedup").key(&key).send().await;
            assert_eq!((reply.status, reply.is_replay()), (201, is_replay), "{length}");
            assert!(reply.body[..] == bytes(length)[..], "{kind:?} {length}");
        }
    }
    assert_eq!((bank.handler.runs(), bank.effects().await, bank.records().await), (6, 6, 6));
}

/// The settings of a connection that an app made.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_setting_of_a_session_reads_what_is_sent_otherwise() {
    for (kind, settings) in [
        (
            Kind::Postgres,
            "SET standard_conforming_strings = off; SET backslash_quote = on; \
             SET bytea_output = escape; SET escape_string_warning = on",
        ),
        (Kind::MariaDb, "SET sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,STRICT_ALL_TABLES'"),
        (Kind::MariaDb, "SET sql_mode = ''"),
        (Kind::MariaDb, "SET sql_mode = 'ORACLE'"),
    ] {
        let bank = Bank::settled(kind, 1, settings).await;
        for is_replay in [false, true] {
            let reply = bank.post("/dedup").key("k").send().await;
            assert_eq!(
                (reply.status, reply.is_replay()),
                (201, is_replay),
                "{settings}: {reply:?}"
            );
        }
        assert_eq!((bank.handler.runs(), bank.effects().await), (1, 1), "{settings}");
    }
}

async fn a_handler_that_deletes_its_record_commits_nothing(kind: Kind) {
    let bank = Bank::open(kind, 2).await;
    assert_eq!(bank.post("/dedup").key("first").send().await.status, 201);
    bank.run("DELETE FROM effects; DELETE FROM idempotency_records").await;
    for body in [0, 100_000] {
        bank.handler.answers(move |_| HttpResponse::Created().body(vec![b'x'; body]));
        let statements = "INSERT INTO effects VALUES ('done')\nDELETE FROM idempotency_records";
        let send = || bank.post("/statements").key("k").body(statements).send();
        for _ in 0..2 {
            let reply = send().await;
            assert_eq!((reply.status, reply.is_replay()), (503, false), "{reply:?}");
        }
        assert_eq!((bank.effects().await, bank.records().await), (0, 0));
    }
}

/// If the DDL of the table ran for each request, the dropped index would come back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_creates_the_table_where_it_is_missing_and_not_for_each_request() {
    let bank = Bank::open(Kind::Sqlite, 2).await;
    let post = async |key: &str| bank.post("/dedup").key(key).send().await;
    assert_eq!(post("first").await.status, 201);
    bank.run("DROP INDEX idempotency_records_ends_ms").await;
    let indexes = "SELECT count(*) FROM sqlite_master WHERE name = 'idempotency_records_ends_ms'";
    assert_eq!(post("second").await.status, 201);
    assert!(post("second").await.is_replay());
    assert_eq!(bank.number(indexes).await, 0);
    bank.run("DROP TABLE idempotency_records").await;
    assert_eq!(post("second").await.status, 201);
    assert!(post("second").await.is_replay());
    assert_eq!((bank.number(indexes).await, bank.handler.runs()), (1, 3));
}

on_every_database! {
    answers_of_every_length_and_byte_are_replayed,
    a_handler_that_deletes_its_record_commits_nothing,
}
