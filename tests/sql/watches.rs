//! Requests that wait for an owner in another process are told by `NOTIFY`; without waiting requests nothing is sent.

use crate::shop::Shop;
use crate::{Kind, Own, Session};
use idempotent_runtime::key::StorageKey;
use idempotent_runtime::store::{Changed, Store, Swap};
use sqlx::postgres::PgListener;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tests::eventually;

const LONG: Duration = Duration::from_hours(1);

/// The locks of watched keys in this database, and the sessions that hold them.
const WATCHED: &str = "\
SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database \
WHERE locktype = 'advisory' AND mode = 'ShareLock' AND granted AND datname = current_database()";
const LISTENERS: &str = "\
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() \
AND query ~ '^(UN)?LISTEN|^SELECT pg_advisory_'";
const END_LISTENERS: &str = "\
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() \
AND pid <> pg_backend_pid() AND query ~ '^(UN)?LISTEN|^SELECT pg_advisory_'";

/// A database, and a connection that looks at it.
struct Watched {
    database: String,
    session: Session,
    /// The server is the test's own: databases of the shared server are schemas, and share channels and locks.
    _server: Own,
}

impl Watched {
    async fn open() -> Self {
        let server = Kind::Postgres.start_with(&["-c", "fsync=off"]).await;
        let database = server.database().await;
        Self { session: Session::open(&database).await, database, _server: server }
    }

    async fn store(&self) -> Arc<dyn Store> {
        crate::store(&self.database).await
    }

    /// Waits until this number of keys is watched.
    async fn keys(&mut self, many: i64) {
        let started = Instant::now();
        while self.session.number(WATCHED).await != many {
            assert!(started.elapsed() < Duration::from_mins(1), "{many} keys are never watched");
            tokio::task::yield_now().await;
        }
    }

    /// Waits until this number of sessions listens, or listened last.
    async fn listeners(&mut self, many: i64) {
        let started = Instant::now();
        while self.session.number(LISTENERS).await != many {
            assert!(started.elapsed() < Duration::from_mins(1), "there are never {many}");
            tokio::task::yield_now().await;
        }
    }
}

fn key(n: u8) -> StorageKey {
    StorageKey::from_bytes([n; 32])
}

async fn watched(store: &Arc<dyn Store>, n: u8) -> Option<Changed> {
    let key = key(n);
    store.watch(&key).expect("it can tell").await.ok()
}

async fn is_told(changed: Changed) {
    tokio::time::timeout(Duration::from_mins(1), changed).await.expect("it is never told");
}

/// A request that is not told looks after half a second at the earliest.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_for_a_run_of_another_process_is_told_at_once() {
    let (mut seen, rounds) = (Watched::open().await, 3);
    let shop = Shop::open(&seen.database).await;
    let elsewhere = shop.beside(seen.store().await);
    let mut woken = Duration::ZERO;
    for round in 1..=rounds {
        let key = format!("k{round}");
        shop.handler.pause();
        let waits = async {
            shop.handler.runs_reach(round).await;
            let answered = async {
                let reply = elsewhere.post("/patient").key(&key).send().await;
                (reply, Instant::now())
            };
            let ends = async {
                seen.keys(1).await;
                shop.handler.resume();
                Instant::now()
            };
            tokio::join!(answered, ends)
        };
        let (first, ((second, told), ended)) = tokio::join!(shop.patient(&key), waits);
        assert!(first.status == 201 && second.is_replay(), "{first:?} {second:?}");
        woken += told.saturating_duration_since(ended);
        seen.keys(0).await;
    }
    assert!(woken < Duration::from_millis(250) * u32::try_from(rounds).unwrap(), "{woken:?}");
}

/// The connection exists only while a request waits, and writers send nothing if none waits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_listens_nor_notifies_while_nobody_waits() {
    let mut seen = Watched::open().await;
    let (store, other) = (seen.store().await, seen.store().await);
    let mut listener = PgListener::connect(&seen.database).await.unwrap();
    listener.listen("idempotency").await.unwrap();
    let is = seen.session.number(LISTENERS).await;
    for n in 0..3 {
        assert_eq!(store.create(&key(n), &"v".into(), LONG).await.unwrap(), None);
        let changed = watched(&other, n).await.expect("it is watched");
        assert_eq!(store.swap(&key(n), &"v".into(), &"w".into(), LONG).await.unwrap(), Swap::Done);
        is_told(changed).await;
        let told = listener.recv().await.unwrap();
        assert_eq!(told.payload(), format!("{n:02x}").repeat(32));
        assert_eq!(seen.session.number(LISTENERS).await, is + 1, "one for all");
    }
    seen.keys(0).await;
    seen.listeners(is).await;
    assert_eq!(store.swap(&key(0), &"w".into(), &"x".into(), LONG).await.unwrap(), Swap::Done);
    seen.session.run("NOTIFY idempotency, 'by this test'").await;
    assert_eq!(listener.recv().await.unwrap().payload(), "by this test");
}

/// The number of locks of a server is limited.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_watches_sixty_four_keys_at_once_and_no_more() {
    let mut seen = Watched::open().await;
    let (store, other) = (seen.store().await, seen.store().await);
    let mut all = Vec::new();
    for n in 0..64 {
        all.push(watched(&other, n).await.expect("there is room"));
        all.push(watched(&other, n).await.expect("the key is watched already"));
    }
    assert!(watched(&other, 64).await.is_none(), "one too many");
    seen.keys(64).await;
    for n in 0..64 {
        assert_eq!(store.create(&key(n), &"v".into(), LONG).await.unwrap(), None);
        assert_eq!(store.swap(&key(n), &"v".into(), &"w".into(), LONG).await.unwrap(), Swap::Done);
    }
    for changed in all {
        is_told(changed).await;
    }
    seen.keys(0).await;
    // The connection may be closing just now.
    drop(eventually("there is room again", async || watched(&other, 64).await).await);
}

/// Every waiting request is told to look, and the next one opens another connection.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_the_server_ends_tells_all_who_wait() {
    let mut seen = Watched::open().await;
    let (store, other) = (seen.store().await, seen.store().await);
    for n in 0..2 {
        assert_eq!(store.create(&key(n), &"v".into(), LONG).await.unwrap(), None);
        let changed = watched(&other, n).await.expect("it is watched");
        seen.session.run(END_LISTENERS).await;
        is_told(changed).await;
    }
    let again = eventually("it listens again", async || watched(&other, 0).await).await;
    assert_eq!(store.swap(&key(0), &"v".into(), &"w".into(), LONG).await.unwrap(), Swap::Done);
    is_told(again).await;
}
