//! Transactions that the database or their handler ended: nothing that is done afterwards is committed, and the
//! pool still works (invariant S18).

use crate::{Bank, Kind};
use actix_web::HttpResponse;
use idempotent_runtime::engine::{Resolution, Resolved};
use idempotent_runtime::key::StorageKey;

const EFFECT: &str = "INSERT INTO effects VALUES ('done')";

/// The ways in which a transaction of `SQLite` ends, most of them with an error of a statement.
const ENDINGS: [&str; 4] = [
    "INSERT INTO effects VALUES ('forbidden')",
    "INSERT OR ROLLBACK INTO codes VALUES ('taken')",
    "COMMIT",
    "ROLLBACK",
];

/// A bank with one connection, a table of records, and a trigger that rolls transactions back.
async fn bank() -> Bank {
    let bank = Bank::open(Kind::Sqlite, 1).await;
    assert_eq!(bank.post("/dedup").key("before").send().await.status, 201);
    bank.run(
        "CREATE TRIGGER forbids BEFORE INSERT ON effects WHEN NEW.what = 'forbidden'
         BEGIN SELECT RAISE(ROLLBACK, 'this is forbidden'); END;
         INSERT INTO codes VALUES ('taken');
         DELETE FROM effects;",
    )
    .await;
    bank
}

/// Writes before this statement, and after it.
fn around(ending: &str) -> String {
    [EFFECT, ending, EFFECT, "BEGIN", EFFECT, "COMMIT"].join("\n")
}

async fn nothing_stays_and_all_is_well(bank: &Bank, context: &str) {
    assert_eq!((bank.effects().await, bank.records().await), (0, 1), "{context}");
    // An unguarded write works, on the pool's only connection.
    bank.run("INSERT INTO effects VALUES ('by somebody else')").await;
    assert_eq!(bank.effects().await, 1, "{context}");
    assert_eq!(bank.post("/dedup").key("next").send().await.status, 201, "{context}");
    assert_eq!((bank.effects().await, bank.records().await), (2, 2), "{context}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_that_goes_on_after_its_transaction_commits_nothing() {
    for ending in ENDINGS {
        for path in ["/statements", "/statements-row/taken"] {
            let bank = bank().await;
            for _ in 0..3 {
                let reply = bank.post(path).key("k").body(around(ending)).send().await;
                reply.is_problem(503, "store-unavailable");
            }
            assert_eq!(bank.handler.runs(), 4, "{ending}");
            nothing_stays_and_all_is_well(&bank, ending).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_that_reports_the_end_of_its_transaction_is_believed() {
    for ending in ENDINGS {
        let bank = bank().await;
        bank.handler.answers(|run| match run {
            2 => HttpResponse::InternalServerError().finish(),
            3 => panic!("as the test wants it"),
            4 => HttpResponse::UnprocessableEntity().body("not so"),
            _ => HttpResponse::Created().finish(),
        });
        for status in [500, 500, 422] {
            let reply = bank.post("/statements").key("k").body(around(ending)).send().await;
            assert_eq!(reply.status, status, "{ending}");
            if status == 422 {
                assert_eq!(reply.header("Idempotency-Stored"), Some("false"), "{ending}");
                assert_eq!(reply.body, "not so", "{ending}");
            }
        }
        nothing_stays_and_all_is_well(&bank, ending).await;
    }
}

/// The limit of pages belongs to the connection, so a new connection has room again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_without_room_takes_nothing_and_is_well_when_it_has_some() {
    for path in ["/statements", "/statements-row/taken"] {
        let bank = bank().await;
        let pages = bank.number("PRAGMA page_count").await;
        bank.run(&format!("PRAGMA max_page_count = {}", pages + 4)).await;
        let large = "INSERT INTO codes VALUES (hex(randomblob(1 << 20)))";
        let reply = bank.post(path).key("k").body(around(large)).send().await;
        reply.is_problem(503, "store-unavailable");
        nothing_stays_and_all_is_well(&bank, path).await;
        // There is no room even for the record.
        let pages = bank.number("PRAGMA page_count").await;
        bank.run(&format!("PRAGMA max_page_count = {pages}")).await;
        let fill = "INSERT INTO codes VALUES (hex(randomblob(512)))";
        while bank.try_run(fill).await {}
        let (key, refused) = bank.fill_up("full").await;
        refused.is_problem(503, "store-unavailable");
        bank.run("PRAGMA max_page_count = 1073741823").await;
        let reply = bank.post("/dedup").key(&key).send().await;
        assert_eq!((reply.status, reply.is_replay()), (201, false), "{reply:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_hook_is_left_on_a_connection_whichever_way_its_transaction_went() {
    let bank = bank().await;
    bank.handler.answers(|run| match run {
        2 => HttpResponse::ServiceUnavailable().finish(),
        3 => panic!("as the test wants it"),
        4 => HttpResponse::Conflict().finish(),
        _ => HttpResponse::Created().finish(),
    });
    for (n, (path, key, status)) in (1..).zip([
        ("/dedup", "k", 503),
        ("/dedup", "k", 500),
        ("/dedup", "k", 409),
        ("/dedup", "k", 409),
        ("/dedup", "before", 201),
        ("/dedup", "before", 201),
        ("/statements-row/nobody", "k", 404),
        ("/statements-row/taken", "k", 201),
    ]) {
        assert_eq!(bank.post(path).key(key).send().await.status, status, "{path} {n}");
        bank.run("INSERT INTO effects VALUES ('by somebody else')").await;
        assert_eq!(bank.effects().await, n, "{path} {status}");
    }
}

/// On `MariaDB` each of these statements commits the writes before it.
const COMMITS: [&str; 3] = ["CREATE TABLE made_by_a_handler (id INT)", "CALL commits()", "COMMIT"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_in_the_middle_is_an_unknown_outcome_and_no_key_is_stuck() {
    for commits in COMMITS {
        let bank = Bank::open(Kind::MariaDb, 1).await;
        bank.run("CREATE PROCEDURE commits() BEGIN COMMIT; END").await;
        bank.handler.answers(|run| match run {
            2 => HttpResponse::InternalServerError().finish(),
            3 => panic!("as the test wants it"),
            4 => HttpResponse::Conflict().finish(),
            _ => HttpResponse::Created().finish(),
        });
        let body = [EFFECT, commits, EFFECT].join("\n");
        for (effects, (key, status)) in (1..).zip([("a", 409), ("b", 500), ("c", 500), ("d", 409)])
        {
            let send = || bank.post("/statements").key(key).body(body.clone()).send();
            let reply = send().await;
            assert_eq!(reply.status, status, "{commits} {reply:?}");
            if status == 409 {
                reply.is_problem(409, "outcome-unknown");
            }
            // Earlier writes are committed, later ones are not.
            assert_eq!(bank.effects().await, effects, "{commits} {status}");
            for _ in 0..2 {
                send().await.is_problem(409, "outcome-unknown");
            }
            bank.post("/statements").key(key).send().await.is_problem(422, "key-reused");
            bank.run("DROP TABLE IF EXISTS made_by_a_handler").await;
        }
        assert_eq!(bank.handler.runs(), 4);
        bank.run("INSERT INTO effects VALUES ('by somebody else')").await;
        assert_eq!(bank.post("/dedup").key("next").send().await.status, 201);
        assert_eq!((bank.effects().await, bank.records().await), (6, 5));
    }
}

/// There is no record, so the client is told to check the outcome.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_in_the_middle_of_a_guarded_row_is_not_called_a_success() {
    for commits in COMMITS {
        let bank = Bank::open(Kind::MariaDb, 1).await;
        bank.run("CREATE PROCEDURE commits() BEGIN COMMIT; END").await;
        bank.run("INSERT INTO codes VALUES ('taken')").await;
        let body = [EFFECT, commits, EFFECT].join("\n");
        let reply = bank.post("/statements-row/taken").body(body).send().await;
        reply.is_problem(503, "store-unavailable");
        assert_eq!(reply.json()["retryable"], false, "{commits}");
        assert_eq!(bank.effects().await, 1, "{commits}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_of_postgres_that_commits_and_then_fails_leaves_no_key_stuck() {
    let bank = Bank::open(Kind::Postgres, 1).await;
    bank.handler.answers(|_| HttpResponse::InternalServerError().finish());
    let send = || bank.post("/statements").key("k").body([EFFECT, "COMMIT"].join("\n")).send();
    assert_eq!(send().await.status, 500);
    send().await.is_problem(409, "outcome-unknown");
    assert_eq!((bank.handler.runs(), bank.effects().await, bank.records().await), (1, 1, 1));
}

/// The handler commits and fails, and an operator settles the key.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_committed_in_the_middle_is_resolved_in_the_business_database() {
    for kind in [Kind::MariaDb, Kind::Postgres] {
        let bank = Bank::open(kind, 1).await;
        bank.handler.answers(|run| match run {
            1 | 2 => HttpResponse::InternalServerError().finish(),
            _ => HttpResponse::Created().finish(),
        });
        let resolve = async |key: &StorageKey, resolution| {
            bank.idempotency.resolve(key, resolution).await.expect("the database answers")
        };
        let unknown = StorageKey::from_bytes([7; 32]);
        assert_eq!(resolve(&unknown, Resolution::Done).await, Resolved::NotAbandoned);
        for (resolution, key) in [(Resolution::Done, "done"), (Resolution::NotDone, "not-done")] {
            let body = [EFFECT, "COMMIT"].join("\n");
            let send = |body: &str| bank.post("/statements").key(key).body(body.to_owned()).send();
            assert_eq!(send(&body).await.status, 500);
            send(&body).await.is_problem(409, "outcome-unknown");
            let held = bank.held_key().await;
            assert_eq!(resolve(&held, resolution).await, Resolved::Yes);
            assert_eq!(resolve(&held, resolution).await, Resolved::NotAbandoned);
            match resolution {
                Resolution::Done => send(&body).await.is_problem(409, "not-replayable"),
                _ => assert_eq!(send(EFFECT).await.status, 201),
            }
        }
        assert_eq!((bank.handler.runs(), bank.effects().await), (3, 3), "{kind:?}");
    }
}
