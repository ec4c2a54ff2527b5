//! Two processes serve thousands of keys on one store, while processes are killed and stopped, the store
//! restarts, refuses and loses data, its disk is full, the network freezes, lags, drops, refuses and cuts, and
//! clients leave. Then one checker reads the whole history. Invariants S1, S2, S3, S5, S9, S17, L1, L3, L5, L8
//! and L9.
//!
//! `SOAK=10m cargo test -p tests --test soak -- --nocapture` takes ten minutes and prints a table.

mod blows;
mod checker;
mod environment;
mod history;
#[path = "../crashes/process.rs"]
#[expect(dead_code, reason = "what only processes that are told to die need")]
mod process;
#[path = "../crashes/step.rs"]
mod step;

use blows::Blow;
use environment::{Environment, RecordStore, Request};
use futures_util::future::{join, join_all};
use futures_util::{StreamExt, stream};
use history::{Life, Promise, Sums};
use rand::random_range;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};
use tests::{
    DURABLE_BEFORE_VISIBLE, MariaDbServer, NoDisk, PostgresServer, RedisServer, SmallDisk,
    eventually, soak_length,
};
use tokio::sync::RwLock;
use tokio::time::sleep;

/// The number of clients at the same time.
const CLIENTS: usize = 12;

/// The time in which a key must settle once all faults are over: a few times the longer lease.
const SETTLES: Duration = Duration::from_secs(30);

/// The number of runs while the store is emptied, and their length: they end after their first renewal.
const FLUSHED: usize = 16;
const RUNS_FOR: Duration = Duration::from_millis(700);

/// The size of the disk that is filled: larger than all the records.
const MEGABYTES: u32 = 96;

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn sqlite() {
    let disk = match SmallDisk::of_megabytes(MEGABYTES, "sqlite") {
        Ok(None) => return,
        Ok(disk) => disk,
        Err(NoDisk) => {
            eprintln!("no disk is filled up: no file system of its own can be mounted here");
            None
        }
    };
    soak("SQLite", RecordStore::Sqlite(disk)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn redis() {
    let options = ["--save", "", "--appendonly", "yes", "--appendfsync", "always"];
    soak("Redis", RecordStore::Redis(Box::new(RedisServer::start_with(&options)))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn postgres() {
    soak("PostgreSQL", RecordStore::Postgres(PostgresServer::start_with(&[]).await)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn mariadb() {
    soak("MariaDB", RecordStore::MariaDb(MariaDbServer::start_with(&DURABLE_BEFORE_VISIBLE).await))
        .await;
}

type Lives = Mutex<BTreeMap<String, Life>>;

/// Counts how often the store was emptied. A client holds it while it sends a request: meanwhile the store is not
/// emptied.
type Epoch = RwLock<u64>;

/// Sends a request with a key once, and notes the answer.
async fn ask(environment: &Environment, lives: &Lives, request: Request<'_>) {
    let (told, served) = environment.ask(&request).await;
    let mut lives = lives.lock().expect("no panic");
    let life = lives.entry(request.key.to_owned()).or_insert_with(|| Life::new(request.promise));
    life.told.push(told);
    life.served.extend(served);
}

/// A request of a client that may leave, with a handler that may be slow.
fn request(key: &str, promise: Promise) -> Request<'_> {
    let now_and_then = |one_of, millis| {
        let time = || Duration::from_millis(random_range(1..millis));
        (random_range(0..one_of) == 0).then(time)
    };
    Request { key, promise, slow: now_and_then(6, 400), leaves: now_and_then(10, 300) }
}

fn is_settled(lives: &Lives, key: &str) -> bool {
    lives.lock().expect("no panic").get(key).is_some_and(Life::is_settled)
}

/// A client that sends many requests, repeats those without an answer, and does not wait for ever.
async fn client(
    environment: &Environment,
    lives: &Lives,
    epoch: &Epoch,
    name: usize,
    until: Instant,
) {
    let (mut current, mut n) = (0, 0);
    while Instant::now() < until {
        let number = if n > 0 && random_range(0..3) == 0 { random_range(0..n) } else { n };
        let promise = match number % 4 {
            0 => Promise::Hold,
            1 => Promise::Lasting,
            _ => Promise::Retry,
        };
        let key = format!("{current}-{name}-{number}");
        for _ in 0..4 {
            let calm = epoch.read().await;
            if Instant::now() >= until || *calm > current {
                break;
            }
            let asked = || ask(environment, lives, request(&key, promise));
            if random_range(0..4) == 0 {
                // A double click, to both processes or twice to one.
                join(asked(), asked()).await;
            } else {
                asked().await;
            }
            drop(calm);
            if is_settled(lives, &key) {
                break;
            }
            // The pause before a retry is random, as it is for real clients.
            sleep(Duration::from_millis(random_range(20..400))).await;
        }
        n += 1;
        let now = *epoch.read().await;
        if now > current {
            // Keys from before are forgotten.
            (current, n) = (now, 0);
        }
    }
}

/// Lets one blow happen after another, each kind once before any comes again; returns the number of each.
async fn chaos(
    environment: &Environment,
    lives: &Lives,
    epoch: &Epoch,
    until: Instant,
) -> BTreeMap<&'static str, usize> {
    let (mut blows, mut deck) = (BTreeMap::new(), Vec::new());
    while Instant::now() < until {
        // This pause waits for nothing: it is the time between two blows. Sometimes it is enough for a renewal.
        let calm = if random_range(0..3) == 0 { 2_000..3_000 } else { 100..1_000 };
        sleep(Duration::from_millis(random_range(calm))).await;
        if deck.is_empty() {
            deck = environment.blows().await;
        }
        let name = match deck.swap_remove(random_range(0..deck.len())) {
            Blow::Flush => flush(environment, lives, epoch).await,
            blow => environment.strike(blow).await,
        };
        *blows.entry(name).or_default() += 1;
    }
    environment.end_faults();
    blows
}

/// Lets the store lose everything while handlers run, and sends no retry before they end. Then only the records that
/// their owners put again exist, and retries of these are replayed. Keys that had ended before are not used again.
async fn flush(environment: &Environment, lives: &Lives, epoch: &Epoch) -> &'static str {
    let mut epoch = epoch.write().await;
    *epoch += 1;
    let beginning = format!("{epoch}-flushed-");
    let keys: Vec<_> = (0..FLUSHED).map(|n| format!("{beginning}{n}")).collect();
    let all = async |slow| {
        let asked = keys.iter().enumerate().map(|(n, key)| {
            let promise = if n % 2 == 0 { Promise::Hold } else { Promise::Lasting };
            ask(environment, lives, Request { key, promise, slow, leaves: None })
        });
        join_all(asked).await;
    };
    let flushed = async {
        let began = async || (environment.began(&beginning).await > 0).then_some(());
        let answered =
            async || lives.lock().expect("no panic").contains_key(&keys[0]).then_some(());
        // A request that does not reach the store after the blow before does not run.
        eventually("they run", async || began().await.or(answered().await)).await;
        environment.strike(Blow::Flush).await
    };
    let (name, ()) = join(flushed, all(Some(RUNS_FOR))).await;
    all(None).await;
    name
}

/// Sends a request with a key until the key is settled, and returns how long that took.
async fn settle(environment: &Environment, lives: &Lives, key: &str, promise: Promise) -> Duration {
    let began = Instant::now();
    let asked = eventually(key, async || {
        ask(environment, lives, Request { key, promise, slow: None, leaves: None }).await;
        let stuck = || lives.lock().expect("whole")[key].clone();
        assert!(began.elapsed() < SETTLES || is_settled(lives, key), "stuck: {key}: {:?}", stuck());
        is_settled(lives, key).then_some(())
    });
    asked.await;
    began.elapsed()
}

async fn soak(name: &str, store: RecordStore) {
    let (environment, lives) = (Environment::open(store).await, Lives::default());
    let (until, epoch) = (Instant::now() + soak_length(), Epoch::default());
    let clients = (0..CLIENTS).map(|name| client(&environment, &lives, &epoch, name, until));
    let (_, blows) = join(join_all(clients), chaos(&environment, &lives, &epoch, until)).await;

    let last = format!("{}-", epoch.into_inner());
    let keys: Vec<_> = {
        let lives = lives.lock().expect("no panic");
        let remembered = lives.iter().filter(|(key, _)| key.starts_with(&last));
        remembered.map(|(key, life)| (key.clone(), life.promise)).collect()
    };
    let settled =
        stream::iter(&keys).map(|(key, promise)| settle(&environment, &lives, key, *promise));
    let slowest = settled
        .buffer_unordered(CLIENTS)
        .fold(Duration::ZERO, async |slowest, took| slowest.max(took));
    let slowest = slowest.await;

    let mut lives = lives.into_inner().expect("no panic");
    environment.enter(&mut lives).await;
    let troubles = environment.troubles();
    let faults = lives.iter().map(|(key, life)| (key, life, life.faults(&troubles)));
    let faults: Vec<_> = faults
        .filter(|(.., faults)| !faults.is_empty())
        .map(|(key, life, faults)| format!("{key}: {faults:?}\n  of {life:?}"))
        .collect();
    let (many, all) = (faults.len(), lives.len());
    assert!(faults.is_empty(), "{many} of {all} keys:\n{}\nafter {troubles:?}", faults.join("\n"));

    let sums = Sums::of(&lives, &troubles);
    assert!(blows.values().sum::<usize>() >= 3 && sums.keys > 100 && sums.replays > sums.keys / 4);
    println!("{}", row(name, &blows, &sums, slowest));
}

fn row(name: &str, blows: &BTreeMap<&str, usize>, sums: &Sums, slowest: Duration) -> String {
    let all: usize = blows.values().sum();
    let blows: Vec<_> = blows.iter().map(|(blow, many)| format!("{blow} {many}")).collect();
    let Sums { requests, keys, replays, in_progress, unavailable, unanswered, .. } = sums;
    let Sums { unknown, effects, again, left, longest_wait, .. } = sums;
    format!(
        "| {name} | {all} | {requests} | {keys} | {effects} | {again} | {unknown} | {replays} | \
         {in_progress} | {unavailable} | {unanswered} | {left} | {longest_wait} ms |\n\
         {name}: settled in {slowest:.1?}; {}",
        blows.join(", "),
    )
}
