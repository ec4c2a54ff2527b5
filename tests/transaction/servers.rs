//! Behaviour that only database servers have: isolation levels, deadlocks, ids of every type, and sudden ends.

use crate::bank::Pool;
use crate::rows::{fifty_hold_a_row_one_by_one, one_of_fifty_succeeds};
use crate::{Bank, Kind};
use actix_web::HttpResponse;
use futures_util::future::join_all;
use tests::{MariaDbServer, PostgresServer, eventually};

const LEVELS: [(Kind, &str); 4] = [
    (Kind::Postgres, "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ"),
    (Kind::Postgres, "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE"),
    (Kind::MariaDb, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"),
    (Kind::MariaDb, "SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_every_isolation_level_of_fifty_duplicates_one_runs_and_all_get_its_answer() {
    for (kind, level) in LEVELS {
        let bank = Bank::settled(kind, 8, level).await;
        let replies = join_all((0..50).map(|_| bank.post("/dedup").key("k").send())).await;
        let all = replies.iter().all(|reply| reply.status == 201 && reply.body == "run 1");
        assert!(all, "{level}: {replies:?}");
        assert_eq!((bank.handler.runs(), bank.effects().await, bank.records().await), (1, 1, 1));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_every_isolation_level_of_fifty_updates_of_one_version_one_succeeds() {
    for (kind, level) in LEVELS {
        let bank = Bank::settled(kind, 8, level).await;
        let bank = bank.with_things("INSERT INTO things (id) VALUES (7)").await;
        one_of_fifty_succeeds(&bank).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_every_isolation_level_of_fifty_holders_of_a_row_no_two_overlap() {
    for (kind, level) in LEVELS {
        let bank = Bank::settled(kind, 8, level).await;
        let bank = bank.with_things("INSERT INTO things (id) VALUES (7)").await;
        fifty_hold_a_row_one_by_one(&bank).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_first_is_taken_back_while_several_wait_the_next_runs_and_nobody_sees_a_deadlock()
{
    for kind in [Kind::MariaDb, Kind::Postgres] {
        for round in 0..5 {
            let bank = Bank::open(kind, 8).await;
            bank.handler.pause();
            bank.handler.answers(|run| match run {
                1 => HttpResponse::ServiceUnavailable().finish(),
                run => HttpResponse::Created().body(format!("run {run}")),
            });
            let first = tokio::spawn(bank.post("/dedup").key("k").send());
            bank.handler.runs_reach(1).await;
            // One request of each process waits in the database, and the others of the process wait behind it.
            let servers: Vec<_> = (0..6).map(|_| bank.elsewhere()).collect();
            let waiting: Vec<_> = servers
                .iter()
                .map(|server| tokio::spawn(server.post("/dedup").key("k").send()))
                .collect();
            bank.waiters_reach(6).await;
            bank.handler.resume();
            assert_eq!(first.await.unwrap().status, 503);
            for waiting in waiting {
                let reply = waiting.await.unwrap();
                assert_eq!((reply.status, &*reply.body), (201, &b"run 2"[..]), "round {round}");
            }
            assert_eq!((bank.handler.runs(), bank.effects().await), (2, 1));
            if kind == Kind::MariaDb {
                let deadlocks = "SELECT CAST(variable_value AS SIGNED)
                                 FROM information_schema.global_status
                                 WHERE variable_name = 'INNODB_DEADLOCKS'";
                assert!(bank.number(deadlocks).await > 0, "there was no deadlock to survive");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_killed_in_mid_transaction_leaves_neither_effect_nor_record() {
    for kind in [Kind::Postgres, Kind::MariaDb] {
        let server = Killed::start(kind).await;
        let bank = Bank::on(server.pool().await, tempfile::tempdir().unwrap()).await;
        bank.handler.pause();
        let first = tokio::spawn(bank.post("/dedup").key("k").send());
        bank.handler.runs_reach(1).await;
        server.kill();
        bank.handler.resume();
        first.await.unwrap().is_problem(503, "store-unavailable");
        bank.post("/dedup").key("k").send().await.is_problem(503, "store-unavailable");
        assert_eq!(bank.handler.runs(), 1);
        server.restart().await;
        assert_eq!((bank.effects().await, bank.records().await), (0, 0));
        let again = bank.post("/dedup").key("k").send().await;
        assert_eq!((again.status, again.is_replay()), (201, false), "{again:?}");
        assert_eq!((bank.effects().await, bank.records().await), (1, 1));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ids_are_of_every_type_and_what_is_none_names_no_row() {
    let uuid = "b5c1e1f6-6f0a-4f0e-9d2d-0a2c4a1e7d11";
    let cases = [
        (Kind::Postgres, "smallint", "7", vec!["7x", "99999", "x", "%20", "1e0"]),
        (Kind::Postgres, "integer", "7", vec!["7x", "99999999999", "99999999999999999999", "7%00"]),
        (Kind::Postgres, "uuid", uuid, vec!["7", "b5c1e1f6"]),
        (Kind::Postgres, "varchar(4)", "abcd", vec!["abcde", "ABCD", "%00"]),
        (Kind::Postgres, "char(4)", "abcd", vec!["abcde", "a"]),
        (Kind::Postgres, "text", "it's", vec!["it", "7%20OR%201%3D1"]),
        (
            Kind::MariaDb,
            "bigint unsigned",
            "18446744073709551615",
            vec!["-1", "18446744073709551616"],
        ),
        (Kind::MariaDb, "int", "7", vec!["7x", "7%20OR%201%3D1", "99999999999", "7.2"]),
        (Kind::MariaDb, "decimal(10,2)", "7.25", vec!["7.25x", "7.2"]),
        (Kind::MariaDb, "varchar(40)", uuid, vec!["7", "b5c1e1f6"]),
        (Kind::MariaDb, "uuid", uuid, vec!["7", "b5c1e1f6"]),
    ];
    for (kind, column, id, others) in cases {
        let bank = Bank::open(kind, 4).await;
        bank.run(&format!(
            "CREATE TABLE things (id {column} PRIMARY KEY, version INTEGER NOT NULL DEFAULT 0,
             status VARCHAR(20) NOT NULL DEFAULT 'created', level SMALLINT NOT NULL DEFAULT 1)"
        ))
        .await;
        bank.run(&format!("INSERT INTO things (id) VALUES ('{}')", id.replace('\'', "''"))).await;
        for path in ["row", "versioned", "pay", "raise"] {
            let post = |id: &str| bank.post(&format!("/{path}/{id}")).header("If-Match", "\"0\"");
            for other in &others {
                let reply = post(other).send().await;
                assert_eq!(reply.status, 404, "{column} {path} {other} {reply:?}");
                reply.is_problem(404, "row-missing");
            }
            assert_eq!(post(id).send().await.status, 201, "{column} {path}");
        }
        assert_eq!(bank.effects().await, 4);
    }
}

/// After a failed statement `PostgreSQL` rolls back at `COMMIT`, without an error.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_success_after_a_failed_statement_is_none_and_an_error_is_remembered() {
    let bank = Bank::open(Kind::Postgres, 4).await;
    bank.run("CREATE TABLE things (id BIGINT PRIMARY KEY)").await;
    bank.run("INSERT INTO things VALUES (7)").await;
    for path in ["/careless", "/careless-row/7"] {
        bank.post(path).key("k").send().await.is_problem(503, "store-unavailable");
    }
    assert_eq!((bank.handler.runs(), bank.effects().await, bank.records().await), (2, 0, 0));
    bank.handler.answers(|_| HttpResponse::Conflict().finish());
    for replay in [false, true] {
        let reply = bank.post("/careless").key("k").send().await;
        assert_eq!((reply.status, reply.is_replay()), (409, replay));
    }
    assert_eq!((bank.effects().await, bank.records().await), (0, 1));
}

/// A server that a test may kill.
enum Killed {
    Postgres(PostgresServer),
    MariaDb(MariaDbServer),
}

impl Killed {
    async fn start(kind: Kind) -> Self {
        match kind {
            Kind::MariaDb => Self::MariaDb(MariaDbServer::start_with(&[]).await),
            _ => Self::Postgres(PostgresServer::start_with(&[]).await),
        }
    }

    async fn pool(&self) -> Pool {
        match self {
            Self::Postgres(server) => Pool::postgres(&server.database().await, 4, "SELECT 1").await,
            Self::MariaDb(server) => Pool::mariadb(&server.database().await, 4, "SELECT 1").await,
        }
    }

    fn kill(&self) {
        match self {
            Self::Postgres(server) => server.kill(),
            Self::MariaDb(server) => server.kill(),
        }
    }

    async fn restart(&self) {
        match self {
            Self::Postgres(server) => server.restart().await,
            Self::MariaDb(server) => server.restart().await,
        }
    }
}

impl Bank {
    /// Waits until this many transactions wait for a lock.
    async fn waiters_reach(&self, many: i64) {
        let waiters = match self.pool {
            Pool::MariaDb(_) => {
                // (`innodb_trx` is not updated while it is read all the time.)
                "SELECT COUNT(*) FROM information_schema.processlist
                 WHERE db = DATABASE() AND info LIKE 'INSERT INTO idempotency_records%'"
            }
            _ => {
                "SELECT count(*) FROM pg_stat_activity
                 WHERE wait_event_type = 'Lock' AND query LIKE '%idempotency_records%'"
            }
        };
        eventually("they wait", async || (self.number(waiters).await >= many).then_some(())).await;
    }
}
