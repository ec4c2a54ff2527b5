//! Runs and replays of an engine on databases, against statements by hand with the same promises.
//!
//! `cargo bench -p benches --bench databases`, or with names of stores behind it, and how many records are there in
//! the larger case: `-- postgres redis 100000`
//!
//! Both sides have 16 tasks, as many connections (eight, or a writer and four that read, or one), the same server and its
//! durable settings. They have their turns in each round; a ratio is that of two turns of one round. A replay asks for any
//! of the records.

mod by_hand;
mod mariadb;
mod postgres;
mod redis;
mod sqlite;

use benches::{ANSWER, RedisByHand, engine, key, replay, row, run};
use by_hand::{First, Hand};
use bytes::Bytes;
use idempotent_runtime::MemoryStore;
use idempotent_runtime::engine::Engine;
use idempotent_runtime::key::StorageKey;
use idempotent_runtime::store::{Store, open};
use mariadb::MariaDbHand;
use postgres::PostgresHand;
use sqlite::SqliteHand;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tests::{MariaDbServer, PostgresServer, RedisServer, free_ports};
use tokio::task::JoinSet;

const TASKS: usize = 16;

/// An odd number, so that there is a median.
const ROUNDS: usize = 21;
const TURN: Duration = Duration::from_millis(150);

/// The number of records at first, and in the larger case unless the command names another.
const FEW: u64 = 1_000;
const MANY: u64 = 100_000;

/// The number of records that are copied at once.
const COPIED: usize = 1_000;

/// The first new key.
const NEW: u64 = 1 << 40;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let words: Vec<_> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let many = words.iter().find_map(|word| word.parse().ok()).unwrap_or(MANY);
    let names: Vec<_> = words.iter().filter(|word| word.parse::<u64>().is_err()).collect();
    let is_wanted = |name: &str| names.is_empty() || names.iter().any(|word| *word == name);
    println!("| case | by hand, a second | ours | ratio | range |");
    println!("| --- | ---: | ---: | ---: | --- |");
    for records in [FEW, many] {
        if is_wanted("postgres") {
            let room = ["-c", "shared_buffers=1GB", "-c", "max_wal_size=8GB"];
            let server = PostgresServer::start_with(&room).await;
            compare::<PostgresHand>("PostgreSQL", records, &server.database().await).await;
        }
        if is_wanted("mariadb") {
            // Flushed as by default, and not as in tests.
            let durable = ["--innodb-flush-method=O_DIRECT", "--innodb-log-file-size=1G"];
            let room = ["--innodb-buffer-pool-size=1G"];
            let server = MariaDbServer::start_with(&[durable.as_slice(), &room].concat()).await;
            compare::<MariaDbHand>("MariaDB", records, &server.database().await).await;
        }
        if is_wanted("sqlite") {
            let directory = tempfile::tempdir().expect("a directory");
            let url = format!("sqlite:{}", directory.path().join("records.db").display());
            compare::<SqliteHand>("SQLite", records, &url).await;
        }
        if is_wanted("redis") {
            let [port] = free_ports().map(|port| port.to_string());
            let options = ["--save", "", "--appendonly", "no", "--port", &port];
            let _server = RedisServer::start_with(&options);
            let url = format!("redis://127.0.0.1:{port}");
            compare::<RedisByHand>("Redis", records, &url).await;
        }
    }
}

/// Fills both tables and has both sides take their turns.
async fn compare<H: Hand>(name: &str, records: u64, url: &str) {
    let store = open(url).await.expect("it connects");
    let sides = Arc::new(Sides {
        engine: engine(store),
        hand: H::open(url).await,
        records,
        next: AtomicU64::new(NEW),
    });
    sides.fill().await;
    for what in [What::Replay, What::New] {
        let mut ours = Vec::new();
        let mut by_hand = vec![Vec::new(); H::ORDERS.len()];
        // A first round to warm up, which does not count.
        for round in 0..=ROUNDS {
            for turn in 0..=H::ORDERS.len() {
                // Nobody always comes behind the same other.
                let side = (turn + round) % (H::ORDERS.len() + 1);
                let first = H::ORDERS.get(side).map(|(first, _)| *first);
                let rate = Arc::clone(&sides).turn(what, first).await;
                if round > 0 {
                    by_hand.get_mut(side).unwrap_or(&mut ours).push(rate);
                }
            }
        }
        for (by_hand, (_, order)) in by_hand.into_iter().zip(H::ORDERS) {
            row(&format!("{name}, {records} records, {what:?}, {order}"), by_hand, ours.clone());
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum What {
    New,
    Replay,
}

struct Sides<H> {
    engine: Engine,
    hand: H,
    records: u64,
    next: AtomicU64,
}

impl<H: Hand> Sides<H> {
    /// Puts a record on each side, and one like it under each other key.
    async fn fill(&self) {
        let start = Instant::now();
        let first = key(0);
        run(&self.engine, first).await;
        self.by_hand(What::New, First::Claim, first).await;
        // A record is bound to its key.
        let (store, [ours, by_hand]) = (Arc::new(MemoryStore::new()), H::TABLES);
        let nearby = engine(Arc::clone(&store) as Arc<dyn Store>);
        let keys: Vec<_> = (1..self.records).map(key).collect();
        for keys in keys.chunks(COPIED) {
            let mut records = Vec::new();
            for key in keys {
                run(&nearby, *key).await;
                let there = store.read(key).await.expect("it answers").expect("it was put");
                records.push((*key, there.value));
            }
            self.hand.copy(ours, first, &records).await;
            for (_, value) in &mut records {
                *value = Bytes::from_static(ANSWER);
            }
            self.hand.copy(by_hand, first, &records).await;
        }
        self.hand.settle().await;
        eprintln!("filled with {} in {:.1?}", self.records, start.elapsed());
    }

    /// Has all tasks work for a turn, by hand in this order or with the engine; says how many a second were done.
    async fn turn(self: Arc<Self>, what: What, by_hand: Option<First>) -> f64 {
        let start = Instant::now();
        let mut tasks = JoinSet::new();
        for _ in 0..TASKS {
            let sides = Arc::clone(&self);
            tasks.spawn(async move {
                let mut done = 0;
                while start.elapsed() < TURN {
                    let key = sides.key(what);
                    match (by_hand, what) {
                        (Some(first), _) => sides.by_hand(what, first, key).await,
                        (None, What::New) => run(&sides.engine, key).await,
                        (None, What::Replay) => replay(&sides.engine, key).await,
                    }
                    done += 1;
                }
                done
            });
        }
        let done: u32 = tasks.join_all().await.into_iter().sum();
        f64::from(done) / start.elapsed().as_secs_f64()
    }

    fn key(&self, what: What) -> StorageKey {
        key(match what {
            What::New => self.next.fetch_add(1, Ordering::Relaxed),
            What::Replay => rand::random_range(0..self.records),
        })
    }

    async fn by_hand(&self, what: What, first: First, key: StorageKey) {
        // Of an owner of its own.
        let claim = format!("running:{:032x}", rand::random::<u128>());
        let there = self.hand.claim(first, key, claim.as_bytes()).await;
        match what {
            What::New => {
                assert_eq!(there, None, "{key} is new");
                self.hand.complete(key, claim.as_bytes(), ANSWER).await;
            }
            What::Replay => assert_eq!(there.as_deref(), Some(ANSWER), "{key} is done"),
        }
    }
}
