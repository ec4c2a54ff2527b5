//! The `SQLite` store if a write is rolled back, or if its disk has no room; invariant L8.

use crate::shop::Shop;
use actix_web::HttpResponse;
use bytes::Bytes;
use futures_util::future::join_all;
use idempotent_runtime::SqliteStore;
use idempotent_runtime::clock::Clock;
use idempotent_runtime::key::StorageKey;
use idempotent_runtime::store::{Store, StoreErrorKind, Swap};
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;
use tests::{SmallDisk, eventually};

const LONG: Duration = Duration::from_hours(1);

fn key(n: u8) -> StorageKey {
    StorageKey::from_bytes([n; 32])
}

/// One of many writes of a commit fails, and `SQLite` rolls back the whole transaction.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_fails_fails_alone() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("records.db");
    let store = SqliteStore::open(&path).await.expect("it opens");
    let (old, new, bad) = ("old".into(), "new".into(), Bytes::from("bad"));
    let created = join_all((0..=199).map(async |n| store.create(&key(n), &old, LONG).await)).await;
    assert!(created.into_iter().all(|created| created.unwrap().is_none()));
    let mut other = SqliteConnection::connect(path.to_str().unwrap()).await.unwrap();
    for (round, taken_back) in ["ROLLBACK", "ABORT", "FAIL"].into_iter().enumerate() {
        let trigger = format!(
            "CREATE TRIGGER refuses_{round} BEFORE UPDATE ON idempotency_records
             WHEN NEW.value = x'626164' BEGIN SELECT RAISE({taken_back}, 'not this one'); END;"
        );
        sqlx::raw_sql(AssertSqlSafe(trigger)).execute(&mut other).await.unwrap();
        let (before, after) = if round % 2 == 0 { (&old, &new) } else { (&new, &old) };
        // All writes are in the queue before the first commit ends.
        let swaps = (0..=199).map(async |n| {
            let value = if n == 100 { &bad } else { after };
            store.swap(&key(n), if n == 100 { &old } else { before }, value, LONG).await
        });
        for (n, swapped) in (0..).zip(join_all(swaps).await) {
            match swapped {
                Ok(Swap::Done) => assert_ne!(n, 100, "{taken_back}"),
                Ok(differs) => panic!("{taken_back} {n}: {differs:?}"),
                Err(error) => assert_eq!(n, 100, "{taken_back}: {error}"),
            }
            let there = store.read(&key(n)).await.unwrap().unwrap().value;
            assert_eq!(&there, if n == 100 { &old } else { after }, "{taken_back} {n}");
        }
        let drop = format!("DROP TRIGGER refuses_{round}");
        sqlx::raw_sql(AssertSqlSafe(drop)).execute(&mut other).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_over_when_there_is_room() {
    let name = "sqlite_file::a_full_disk_is_over_when_there_is_room";
    let Some(disk) = SmallDisk::for_test(name) else { return };
    let records = disk.path().join("records.db");
    let shop = Shop::open(&format!("sqlite:{}", records.display())).await;
    let first = shop.order("before").await;
    assert_eq!(first.status, 201);
    for round in 0..2 {
        disk.fill();
        let mut stored = 0;
        // The free room inside of its files is soon used up.
        let refused = loop {
            let reply = shop.order(&format!("{round}-{stored}")).await;
            if reply.status != 201 {
                break reply;
            }
            stored += 1;
        };
        refused.is_problem(503, "store-unavailable");
        let runs = shop.handler.runs();
        let refused = join_all((0..300).map(|n| {
            let (shop, key) = (&shop, format!("{round}-full-{n}"));
            async move { shop.order(&key).await }
        }));
        for refused in refused.await {
            refused.is_problem(503, "store-unavailable");
        }
        assert_eq!(shop.handler.runs(), runs);
        // Existing records can still be read.
        let again = shop.order("before").await;
        assert_eq!((again.is_replay(), &again.body), (true, &first.body));
        disk.make_room();
        // It works again at the first request.
        for key in [format!("{round}-{stored}"), format!("{round}-full-7")] {
            let reply = shop.order(&key).await;
            assert_eq!((reply.status, reply.is_replay()), (201, false), "{key} {reply:?}");
        }
    }
}

/// S17: only the outcome of the run needs room.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_is_full_at_the_end_of_a_run_costs_no_second_effect() {
    let name = "sqlite_file::a_disk_that_is_full_at_the_end_of_a_run_costs_no_second_effect";
    let Some(disk) = SmallDisk::for_test(name) else { return };
    let records = disk.path().join("records.db");
    let shop = Shop::open(&format!("sqlite:{}", records.display())).await;
    // The answer is larger than the free room inside of its files.
    shop.handler.answers(|run| HttpResponse::Created().body(vec![b'a'; (1 << 18) + run]));
    let first = shop.ordered_while(async { disk.fill() }).await;
    assert_eq!((first.status, first.header("Idempotency-Stored")), (201, Some("false")));
    shop.order("k").await.is_problem(409, "in-progress");
    disk.make_room();
    let stored = async || (shop.idempotency.counts().stored_late == 1).then_some(());
    eventually("it is stored after all", stored).await;
    let retry = shop.order("k").await;
    assert_eq!((retry.is_replay(), retry.body == first.body, shop.handler.runs()), (true, true, 1));
}

/// A clock of the app's own that panics once on the store's thread.
#[derive(Debug)]
struct BrokenClock(AtomicBool);

impl Clock for BrokenClock {
    fn wall(&self) -> Duration {
        let is_the_stores = thread::current().name() == Some("idempotency-sqlite");
        assert!(!(is_the_stores && self.0.swap(false, Ordering::SeqCst)), "as the test asked");
        Duration::from_secs(1)
    }

    fn steady(&self) -> Duration {
        Duration::ZERO
    }
}

/// Invariant L8.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_on_the_stores_thread_costs_one_write() {
    let directory = tempfile::tempdir().expect("a directory");
    let clock = Arc::new(BrokenClock(AtomicBool::new(false)));
    let path = directory.path().join("records.db");
    let store = SqliteStore::open_with_clock(path, clock.clone()).await.expect("it opens");
    clock.0.store(true, Ordering::SeqCst);
    let created = store.create(&key(1), &"v".into(), LONG).await;
    assert_eq!(created.unwrap_err().kind(), StoreErrorKind::Unavailable);
    assert_eq!(store.create(&key(1), &"v".into(), LONG).await.unwrap(), None);
    assert_eq!(store.read(&key(1)).await.unwrap().expect("it is there").value, "v");
}

/// Records in a file without a name would end with the process.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_gone_is_refused_until_it_is_back() {
    let directory = tempfile::tempdir().expect("a directory");
    let [path, away] = ["records.db", "away.db"].map(|name| directory.path().join(name));
    let shop = Shop::open(&format!("sqlite:{}", path.display())).await;
    let first = shop.order("k").await;
    assert_eq!(first.status, 201);
    std::fs::rename(&path, &away).expect("it is moved");
    for another in [false, true] {
        if another {
            std::fs::write(&path, "").expect("another file has its name");
        }
        for key in ["k", "new"] {
            shop.order(key).await.is_problem(503, "store-unavailable");
        }
        let told = shop.idempotency.ping(LONG).await.expect_err("it is gone").to_string();
        assert!(told.contains(if another { "another file" } else { "deleted" }), "{told}");
    }
    assert_eq!(shop.handler.runs(), 1);
    std::fs::rename(&away, &path).expect("it is back");
    let again = shop.order("k").await;
    assert_eq!((again.is_replay(), &again.body), (true, &first.body));
    assert_eq!(shop.order("new").await.status, 201);
}

/// The URL has the same form as sqlx's, which is used for the business database.
#[tokio::test]
async fn a_url_is_percent_encoded_and_has_a_mode() {
    let directory = tempfile::tempdir().expect("a directory");
    let here = directory.path().display();
    for (url, opens) in [
        (format!("sqlite:{here}/a%20b.db?mode=rw"), None),
        (format!("sqlite:{here}/a%20b.db?mode=rwc"), Some("a b.db")),
        (format!("sqlite://{here}/c.db"), Some("c.db")),
        (format!("sqlite://{here}/a%20b.db?mode=rw"), Some("a b.db")),
        (format!("sqlite:{here}/d.db?mode=odd"), None),
        ("sqlite:".to_owned(), None),
        ("sqlite::memory:".to_owned(), None),
        (format!("sqlite:{here}/e.db?mode=memory"), None),
        ("sqlite".to_owned(), None),
        ("memory".to_owned(), None),
    ] {
        match (idempotent_runtime::store::open(&url).await, opens) {
            (Ok(_), Some(file)) => assert!(directory.path().join(file).exists(), "{url}"),
            (Err(error), None) => assert!(!error.to_string().is_empty(), "{url}"),
            (opened, _) => panic!("{url}: {opened:?}"),
        }
    }
    let names = std::fs::read_dir(directory.path()).expect("a directory");
    let names = names.map(|file| file.expect("a file").file_name().into_string().expect("text"));
    assert!(names.into_iter().all(|name| name.starts_with("a b.db") || name.starts_with("c.db")));
}

#[tokio::test]
async fn one_reader_is_enough() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = SqliteStore::open(directory.path().join("records.db")).await.expect("it opens");
    let store = store.readers(1);
    assert_eq!(store.create(&key(1), &"v".into(), LONG).await.unwrap(), None);
    let reads = join_all((0..50).map(|_| async { store.read(&key(1)).await.unwrap() })).await;
    assert!(reads.into_iter().all(|read| read.expect("it is there").value == "v"));
}

/// Reads that wait for a connection share a statement.
#[tokio::test]
async fn each_of_many_reads_gets_its_own_value() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = SqliteStore::open(directory.path().join("records.db")).await.expect("it opens");
    let store = store.readers(1);
    let value = |n: u8| Bytes::from(vec![n; usize::from(n)]);
    for n in (0..40).filter(|n| n % 3 > 0) {
        let life = if n % 3 == 1 { LONG } else { Duration::ZERO };
        assert_eq!(store.create(&key(n), &value(n), life).await.unwrap(), None);
    }
    for together in [1, 2, 4, 5, 16, 17, 100] {
        let asked: Vec<_> = (0..50).cycle().take(together).collect();
        let reads = join_all(asked.iter().map(|n| async { store.read(&key(*n)).await.unwrap() }));
        for (n, there) in asked.iter().zip(reads.await) {
            let expected = (*n < 40 && n % 3 == 1).then(|| value(*n));
            assert_eq!(there.map(|there| there.value), expected, "{n} of {together}");
        }
    }
}
