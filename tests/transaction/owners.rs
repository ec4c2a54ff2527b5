//! Rows that exist for their owner alone: invariant S19.

use crate::bank::Pool;
use crate::{Bank, Kind};
use actix_web::HttpRequest;
use idempotent_runtime::{Idempotency, MemoryStore, Scope};
use tests::{MariaDbServer, PostgresServer, eventually};

on_every_database! {
    others_are_told_nothing_of_a_row,
    others_are_told_at_once_of_a_row_that_is_held,
    with_a_key_a_row_that_changed_hands_replays_to_its_old_owner_and_is_gone_for_new_keys,
}

const PATHS: [&str; 4] = ["row", "version", "pay", "keyed"];

impl Bank {
    async fn of_alice(kind: Kind) -> Self {
        let things = "INSERT INTO things (id) VALUES (7)";
        Self::open(kind, 4).await.with_things(things).await
    }

    /// Waits until a statement that locks a row waits for another.
    async fn somebody_waits_for_a_row(&self) {
        let waiting = match self.pool {
            Pool::MariaDb(_) => {
                "SELECT COUNT(*) FROM information_schema.processlist
                 WHERE db = DATABASE() AND info LIKE 'SELECT 1 FROM %things%FOR UPDATE'"
            }
            _ => {
                "SELECT count(*) FROM pg_stat_activity
                 WHERE wait_event_type = 'Lock' AND query LIKE 'SELECT 1 FROM %things%FOR UPDATE'"
            }
        };
        let is_so = async || (self.number(waiting).await > 0).then_some(());
        eventually("somebody waits for a row", is_so).await;
    }

    /// The answer to an account, without the parts that name the path.
    async fn tell(&self, account: &str, path: &str, id: u8) -> (u16, String, Option<String>) {
        let post = self.post(&format!("/owned/{path}/{id}")).as_account(account);
        let reply = post.header("If-Match", "\"0\"").key("k").send().await;
        let body = String::from_utf8_lossy(&reply.body).replace(&format!("/{id}"), "/…");
        (reply.status, body, reply.header("ETag").map(str::to_owned))
    }
}

async fn others_are_told_nothing_of_a_row(kind: Kind) {
    let bank = Bank::of_alice(kind).await;
    for status in ["created", "paid", "cancelled"] {
        for version in [0, 1] {
            let state = format!("UPDATE things SET status = '{status}', version = {version}");
            bank.run(&state).await;
            for path in PATHS {
                let missing = bank.tell("bob", path, 8).await;
                assert_eq!((missing.0, &missing.2), (404, &None), "{path}");
                assert!(missing.1.contains("row-missing"), "{missing:?}");
                // Collations that ignore case or blanks would take these names for alice.
                for other in ["bob", "Alice", "ALICE", "al%", "alice."] {
                    assert_eq!(bank.tell(other, path, 7).await, missing, "{other} {path}");
                }
            }
        }
    }
    assert_eq!((bank.handler.runs(), bank.effects().await), (0, 0));
    bank.run("UPDATE things SET status = 'created', version = 0").await;
    for path in PATHS {
        assert_eq!(bank.tell("alice", path, 7).await.0, 201, "{path}");
    }
    assert_eq!(bank.effects().await, 4);
}

async fn others_are_told_at_once_of_a_row_that_is_held(kind: Kind) {
    let bank = Bank::of_alice(kind).await;
    bank.handler.pause();
    let held = tokio::spawn(bank.post("/owned/row/7").send());
    bank.handler.runs_reach(1).await;
    // With a key, the record is put before; and on SQLite every writer waits for all others.
    let paths = if kind == Kind::Sqlite { &PATHS[..3] } else { &PATHS };
    for path in paths {
        assert_eq!(bank.tell("bob", path, 7).await, bank.tell("bob", path, 8).await, "{path}");
        assert_eq!(bank.tell("bob", path, 7).await.0, 404, "{path}");
    }
    bank.handler.resume();
    assert_eq!(held.await.expect("it is answered").status, 201);
    assert_eq!(bank.handler.runs(), 1);
}

/// On `SQLite` a waiting transaction cannot be seen.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_owner_is_judged_under_the_lock() {
    for kind in [Kind::Postgres, Kind::MariaDb] {
        let bank = Bank::of_alice(kind).await;
        bank.handler.pause();
        let given = tokio::spawn(bank.post("/owned/give/7").send());
        bank.handler.runs_reach(1).await;
        // The request is in another process, so that it waits in the database: the thing is still alice's at its look, and
        // not any more when it has the lock.
        let elsewhere = bank.elsewhere();
        let late = tokio::spawn(elsewhere.post("/owned/give/7").send());
        bank.somebody_waits_for_a_row().await;
        bank.handler.resume();
        assert_eq!(given.await.expect("it is answered").status, 201);
        late.await.expect("it is answered").is_problem(404, "row-missing");
        assert_eq!(bank.tell("bob", "row", 7).await.0, 201);
        assert_eq!(bank.effects().await, 2);
    }
}

async fn with_a_key_a_row_that_changed_hands_replays_to_its_old_owner_and_is_gone_for_new_keys(
    kind: Kind,
) {
    let bank = Bank::of_alice(kind).await;
    let post = |account: &'static str, key: &'static str| {
        bank.post("/owned/keyed/7").as_account(account).key(key).send()
    };
    let first = post("alice", "k").await;
    assert_eq!((first.status, first.is_replay()), (201, false));
    post("bob", "k").await.is_problem(404, "row-missing");
    assert_eq!(bank.post("/owned/give/7").send().await.status, 201);
    let again = post("alice", "k").await;
    assert_eq!((again.status, again.is_replay(), again.body), (201, true, first.body));
    post("alice", "l").await.is_problem(404, "row-missing");
    assert_eq!(bank.records().await, 1);
    let now = post("bob", "k").await;
    assert_eq!((now.status, now.is_replay()), (201, false));
}

/// Sets the caller for policies of the database.
fn caller(request: &HttpRequest) -> Option<(&'static str, String)> {
    let credential = request.headers().get("Authorization")?.to_str().ok()?;
    Some(("app.account", credential.strip_prefix("Bearer ")?.to_owned()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_of_the_database_sees_the_caller() {
    let url = PostgresServer::shared().await.database().await;
    let admin = Bank::on(
        Pool::postgres(&url, 1, "SELECT 1").await,
        tempfile::tempdir().expect("a directory"),
    );
    let admin = admin.await.with_things("INSERT INTO things (id) VALUES (7)").await;
    let policy = "
        CREATE ROLE rows_of_callers;
        DO $$ BEGIN
            EXECUTE format('GRANT ALL ON SCHEMA %I TO rows_of_callers', current_schema());
            EXECUTE format('GRANT ALL ON ALL TABLES IN SCHEMA %I TO rows_of_callers', current_schema());
        END $$;
        ALTER TABLE things ENABLE ROW LEVEL SECURITY;
        CREATE POLICY own ON things USING (owner = current_setting('app.account'))";
    admin.run(policy).await;
    let pool = Pool::postgres(&url, 2, "SET ROLE rows_of_callers").await;
    let directory = tempfile::tempdir().expect("a directory");
    let bank = Bank::guarded(pool, directory, |builder| builder.on_begin(caller)).await;
    let post = |account: &'static str, path: &str| {
        bank.post(path).as_account(account).header("If-Match", "\"0\"").key("k").send()
    };
    for path in ["/row/7", "/versioned/7", "/pay/7", "/pay-with-key/7", "/owned/row/7"] {
        post("bob", path).await.is_problem(404, "row-missing");
    }
    for path in ["/row/7", "/versioned/7", "/pay-with-key/7", "/owned/row/7", "/owned/keyed/7"] {
        assert_eq!(post("alice", path).await.status, 201, "{path}");
    }
    // The handler itself reads by the policy: alice counts to 2, and for bob there is nothing to count.
    assert_eq!(post("alice", "/count/7").await.status, 201);
    assert_eq!(admin.number("SELECT version FROM things").await, 2);
    post("bob", "/count/7").await.is_problem(404, "row-missing");
    // No setting of a caller is left on a connection.
    let left = "SELECT count(*) WHERE COALESCE(current_setting('app.account', true), '') <> ''";
    for _ in 0..2 {
        assert_eq!(bank.number(left).await, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn variables_of_the_session_last_as_long_as_the_transaction() {
    let url = MariaDbServer::shared().await.database().await;
    let pool = Pool::mariadb(&url, 1, "SELECT 1").await;
    let directory = tempfile::tempdir().expect("a directory");
    let bank = Bank::guarded(pool, directory, |builder| builder.on_begin(caller)).await;
    for (account, status) in [("alice", 201), ("bob", 503), ("carol", 201)] {
        let note = "INSERT INTO effects (what) VALUES (@`app.account`)";
        bank.handler.answers(move |_| {
            actix_web::HttpResponse::build(status.try_into().expect("a status")).finish()
        });
        let post = bank.post("/statements").as_account(account).key("k").body(note);
        assert_eq!(post.send().await.status, status);
        assert_eq!(bank.number("SELECT COUNT(*) FROM effects WHERE what = 'bob'").await, 0);
        assert_eq!(bank.number("SELECT @`app.account` IS NULL").await, 1);
        let own = format!("SELECT COUNT(*) FROM effects WHERE what = '{account}'");
        assert_eq!(bank.number(&own).await, i64::from(status == 201));
    }
}

#[tokio::test]
async fn sqlite_has_nothing_to_set() {
    let pool = sqlx::SqlitePool::connect_lazy("sqlite::memory:").expect("a pool");
    let builder = Idempotency::builder(MemoryStore::new()).scope(Scope::shared()).database(pool);
    let refused = builder.on_begin(caller).build().expect_err("it is refused").to_string();
    assert!(refused.contains("`on_begin`") && refused.contains("SQLite"), "{refused}");
}
