//! Thousands of keys, two processes and one store, while processes are killed and stopped, the store
//! restarts, and the network between them freezes, lags, drops, refuses and cuts; then one checker
//! over the whole history. Invariants S1, S2, S3, S5, S9, L1, L3 and L5.
//!
//! `SOAK=10m cargo test -p tests --test soak -- --nocapture` takes ten minutes and prints a table.

mod environment;
mod history;
#[path = "../crashes/process.rs"]
#[expect(dead_code, reason = "what only processes that are told to die need")]
mod process;
#[path = "../crashes/step.rs"]
mod step;

use environment::{Environment, RecordStore};
use futures_util::future::{join, join_all};
use futures_util::{StreamExt, stream};
use history::{Life, Promise, Sums};
use rand::random_range;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};
use tests::{DURABLE_BEFORE_VISIBLE, MariaDbServer, PostgresServer, RedisServer, eventually};
use tokio::time::sleep;

/// How many ask at once.
const CLIENTS: usize = 12;

/// How long a key may take to its end once all is well: its lease of a second, a few times over.
const SETTLES: Duration = Duration::from_secs(30);

/// As part of all tests it is short.
const SHORT: Duration = Duration::from_secs(12);

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn sqlite() {
    soak("SQLite", RecordStore::Sqlite).await;
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

/// `SOAK`, such as `10m` or `90s`.
fn length() -> Duration {
    let Ok(asked) = std::env::var("SOAK") else { return SHORT };
    let (many, unit) = asked.split_at(asked.len().saturating_sub(1));
    let many: u64 = many.parse().expect("a number in `SOAK`");
    match unit {
        "m" => Duration::from_mins(many),
        "s" => Duration::from_secs(many),
        _ => panic!("`SOAK` is in `m` or `s`"),
    }
}

type Lives = Mutex<BTreeMap<String, Life>>;

/// Asks for a key once, and keeps what was told.
async fn ask(environment: &Environment, lives: &Lives, key: &str, promise: Promise) {
    let told = environment.ask(key, promise).await;
    let mut lives = lives.lock().expect("no panic");
    lives.entry(key.to_owned()).or_insert_with(|| Life::new(promise)).told.push(told);
}

fn is_settled(lives: &Lives, key: &str) -> bool {
    lives.lock().expect("no panic").get(key).is_some_and(Life::is_settled)
}

/// Somebody with many things to do, who repeats what got no answer and does not wait for ever.
async fn client(environment: &Environment, lives: &Lives, name: usize, until: Instant) {
    for n in 0.. {
        let old = n > 0 && random_range(0..3) == 0;
        let number = if old { random_range(0..n) } else { n };
        let key = format!("{name}-{number}");
        let promise = if number % 4 == 0 { Promise::Hold } else { Promise::Retry };
        for _ in 0..4 {
            if Instant::now() >= until {
                return;
            }
            if random_range(0..4) == 0 {
                // A double click, to both processes or twice to one.
                join(
                    ask(environment, lives, &key, promise),
                    ask(environment, lives, &key, promise),
                )
                .await;
            } else {
                ask(environment, lives, &key, promise).await;
            }
            if is_settled(lives, &key) {
                break;
            }
            // What somebody takes to try again is part of what is tried here.
            sleep(Duration::from_millis(random_range(20..400))).await;
        }
    }
}

/// One blow after another; how many of each.
async fn chaos(environment: &Environment, until: Instant) -> BTreeMap<&'static str, usize> {
    let mut blows = BTreeMap::new();
    while Instant::now() < until {
        // So is the time between two blows: nothing is waited for.
        sleep(Duration::from_millis(random_range(100..1_000))).await;
        *blows.entry(environment.inject_fault().await).or_default() += 1;
    }
    environment.end_faults();
    blows
}

/// Asks for a key until its end is known, and says how long that took.
async fn settle(environment: &Environment, lives: &Lives, key: &str, promise: Promise) -> Duration {
    let began = Instant::now();
    let asked = eventually(key, async || {
        ask(environment, lives, key, promise).await;
        let stuck = || lives.lock().expect("whole")[key].clone();
        assert!(began.elapsed() < SETTLES || is_settled(lives, key), "stuck: {key}: {:?}", stuck());
        is_settled(lives, key).then_some(())
    });
    asked.await;
    began.elapsed()
}

async fn soak(name: &str, store: RecordStore) {
    let (environment, lives) = (Environment::open(store).await, Lives::default());
    let until = Instant::now() + length();
    let clients = (0..CLIENTS).map(|name| client(&environment, &lives, name, until));
    let (_, blows) = join(join_all(clients), chaos(&environment, until)).await;

    let keys: Vec<_> = {
        let lives = lives.lock().expect("no panic");
        lives.iter().map(|(key, life)| (key.clone(), life.promise)).collect()
    };
    let settled =
        stream::iter(&keys).map(|(key, promise)| settle(&environment, &lives, key, *promise));
    let slowest = settled
        .buffer_unordered(CLIENTS)
        .fold(Duration::ZERO, async |slowest, took| slowest.max(took));
    let slowest = slowest.await;

    let mut lives = lives.into_inner().expect("no panic");
    environment.enter(&mut lives).await;
    let faults: Vec<_> = lives
        .iter()
        .filter(|(_, life)| !life.faults().is_empty())
        .map(|(key, life)| format!("{key}: {:?}\n  of {life:?}", life.faults()))
        .collect();
    assert!(faults.is_empty(), "{} of {} keys:\n{}", faults.len(), lives.len(), faults.join("\n"));

    let sums = Sums::of(&lives);
    assert!(blows.values().sum::<usize>() >= 3 && sums.keys > 100 && sums.replays > sums.keys / 2);
    println!("{}", row(name, &blows, &sums, slowest));
}

fn row(name: &str, blows: &BTreeMap<&str, usize>, sums: &Sums, slowest: Duration) -> String {
    let all: usize = blows.values().sum();
    let blows: Vec<_> = blows.iter().map(|(blow, many)| format!("{blow} {many}")).collect();
    let Sums { requests, keys, replays, in_progress, unavailable, unanswered, .. } = sums;
    let Sums { unknown, effects, again, .. } = sums;
    format!(
        "| {name} | {all} | {requests} | {keys} | {effects} | {again} | {unknown} | {replays} | \
         {in_progress} | {unavailable} | {unanswered} | {slowest:.1?} |\n{name}: {}",
        blows.join(", "),
    )
}
