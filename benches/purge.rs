//! The effect of a purge on new keys: 200 000 records end at one moment, while 500 keys each second are claimed and
//! completed.
//!
//! `cargo bench -p benches --bench purge`; stores are arguments: `-- sqlite postgres`
//!
//! For comparison, keys also come before and after, together for as long as records end. Servers are durable.

use benches::{TTL, engine, key, outcome, request};
use idempotent_runtime::MemoryStore;
use idempotent_runtime::engine::{Admission, Completion, Engine};
use idempotent_runtime::store::{Store, open};
use sqlx::{AssertSqlSafe, Connection, MySqlConnection, PgConnection, SqliteConnection, raw_sql};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tests::{MariaDbServer, PostgresServer, RedisServer};
use tokio::time::{interval, sleep};

const RECORDS: u32 = 200_000;

/// The time between two new keys.
const EVERY: Duration = Duration::from_millis(2);

/// The number of new keys between two looks at the progress of the purge.
const LOOK: usize = 50;

/// The time for which keys come before the records end, and after.
const BEFORE: Duration = Duration::from_secs(9);
const AFTER: Duration = Duration::from_secs(6);

/// All records end at one moment, this long after the first was put.
const UNTIL_THEIR_END: Duration = Duration::from_secs(36);

/// The longest time that the purge is watched.
const LONGEST: Duration = Duration::from_secs(45);

/// Statements that put the records; each needs their end in milliseconds since 1970.
const SQLITE: &str = "\
WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 200000) \
INSERT INTO idempotency_records SELECT randomblob(32), randomblob(300), ENDS, 'o', 'l', 's' FROM numbers";
const POSTGRES: &str = "\
INSERT INTO idempotency_records SELECT sha256(n::text::bytea), decode(repeat('78', 300), 'hex'), ENDS, 'o', 'l', 's' \
FROM generate_series(1, 200000) AS n; ANALYZE idempotency_records";
const MARIADB: &str = "\
INSERT INTO idempotency_records SELECT UNHEX(SHA2(seq, 256)), REPEAT('x', 300), ENDS, 'o', 'l', 's' \
FROM seq_1_to_200000; ANALYZE TABLE idempotency_records";

/// The times of new keys, and the number that failed, for example because the store did not answer in time.
#[derive(Default)]
struct Keys {
    times: Vec<Duration>,
    failed: usize,
}

/// Reports the number of dropped records after this number of new keys.
type Gone = Box<dyn Fn(usize) -> usize>;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    println!(
        "| store | p99 without | p99 meanwhile | ratio | begins after | dropped a second | failed |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: |");
    let named: Vec<_> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let is_wanted = |name: &str| named.is_empty() || named.iter().any(|word| word == name);
    if is_wanted("memory") {
        let store = MemoryStore::new();
        let counted = store.clone();
        // The store drops records by itself, too, while new keys come.
        let gone = move |new: usize| (RECORDS as usize + new).saturating_sub(counted.held());
        measure("memory", Arc::new(store), "", Some(Box::new(gone))).await;
    }
    if is_wanted("sqlite") {
        let directory = tempfile::tempdir().expect("a directory");
        let file = format!("sqlite:{}", directory.path().join("records.db").display());
        measure("SQLite", open(&file).await.expect("it opens"), &file, None).await;
    }
    if is_wanted("postgres") {
        let room = ["-c", "shared_buffers=1GB", "-c", "max_wal_size=8GB"];
        let server = PostgresServer::start_with(&room).await;
        let url = server.database().await;
        measure("PostgreSQL", open(&url).await.expect("it connects"), &url, None).await;
    }
    if is_wanted("mariadb") {
        let durable = ["--innodb-flush-method=O_DIRECT", "--innodb-log-file-size=1G"];
        let room = ["--innodb-buffer-pool-size=1G"];
        let server = MariaDbServer::start_with(&[durable.as_slice(), &room].concat()).await;
        let url = server.database().await;
        measure("MariaDB", open(&url).await.expect("it connects"), &url, None).await;
    }
    if is_wanted("redis") {
        let server = Arc::new(RedisServer::start());
        let (store, counted) = (open(&server.url()).await.expect("it connects"), server);
        let held = move || counted.command::<usize>(&["DBSIZE"]);
        let gone = move |new: usize| (RECORDS as usize + new).saturating_sub(held());
        measure("Redis", store, "", Some(Box::new(gone))).await;
    }
}

/// Puts the records that will end, and returns the moment of their end.
async fn fill(store: &Arc<dyn Store>, url: &str) -> Instant {
    let ends = Instant::now() + UNTIL_THEIR_END;
    let wall = SystemTime::now() + UNTIL_THEIR_END;
    let wall = wall.duration_since(UNIX_EPOCH).expect("it is later than 1970").as_millis();
    let statement = |text: &str| AssertSqlSafe(text.replace("ENDS", &wall.to_string()));
    match url.split(':').next() {
        Some("sqlite") => {
            let mut own = SqliteConnection::connect(url).await.expect("it opens");
            raw_sql(statement(SQLITE)).execute(&mut own).await.expect("it writes");
        }
        Some("postgres") => {
            let mut own = PgConnection::connect(url).await.expect("it connects");
            raw_sql(statement(POSTGRES)).execute(&mut own).await.expect("it writes");
        }
        Some("mysql") => {
            let mut own = MySqlConnection::connect(url).await.expect("it connects");
            raw_sql(statement(MARIADB)).execute(&mut own).await.expect("it writes");
        }
        _ => {
            let value = vec![b'x'; 300].into();
            for number in 0..RECORDS.into() {
                let left = ends.saturating_duration_since(Instant::now());
                let put = store.create(&key(number), &value, left).await;
                assert_eq!(put.expect("it answers"), None);
            }
        }
    }
    let took = UNTIL_THEIR_END.saturating_sub(ends.saturating_duration_since(Instant::now()));
    assert!(took + BEFORE < UNTIL_THEIR_END, "it took {took:?} to fill");
    ends
}

async fn measure(name: &str, store: Arc<dyn Store>, url: &str, gone: Option<Gone>) {
    let ends = fill(&store, url).await;
    let engine = engine(store);
    let counted = engine.clone();
    let purged = move || usize::try_from(counted.counts().purged).expect("a few");
    let gone = gone.unwrap_or_else(|| Box::new(move |_| purged()));
    sleep(ends.saturating_duration_since(Instant::now()).saturating_sub(BEFORE)).await;
    let mut without = keys_come(&engine, 1 << 40, |_| Instant::now() < ends).await;
    let (mut begins, mut last) = (None, (Duration::ZERO, 0));
    let already = without.times.len();
    let mut meanwhile = keys_come(&engine, 1 << 41, |new| {
        let now = (ends.elapsed(), gone(already + new));
        if now.1 > last.1 {
            begins.get_or_insert(now);
            last = now;
        }
        now.1 < RECORDS as usize && now.0 < LONGEST
    })
    .await;
    let after = Instant::now() + AFTER;
    let more = keys_come(&engine, 1 << 42, |_| Instant::now() < after).await;
    without.times.extend(more.times);
    let failed = [without.failed + more.failed, meanwhile.failed];
    let (without, meanwhile) = (without.p99(), meanwhile.p99());
    let begins = begins.expect("it begins");
    let took = last.0.saturating_sub(begins.0).as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a rate")]
    let rate = (last.1 - begins.1) as f64 / took;
    println!(
        "| {name} | {:.1} ms | {:.1} ms | **{:.1}** | {:.1} s | {rate:.0} | {} and {} |",
        without * 1e3,
        meanwhile * 1e3,
        meanwhile / without,
        begins.0.as_secs_f64(),
        failed[0],
        failed[1],
    );
    if last.1 < RECORDS as usize {
        println!(
            "| {name}: {} were left after {LONGEST:?} | | | | | | |",
            RECORDS as usize - last.1
        );
    }
}

/// Sends new keys until `goes_on` says stop, and returns the time of each.
async fn keys_come(engine: &Engine, first: u64, mut goes_on: impl FnMut(usize) -> bool) -> Keys {
    let mut ticks = interval(EVERY);
    let mut runs = Vec::new();
    while runs.len() % LOOK != 0 || goes_on(runs.len()) {
        ticks.tick().await;
        let (engine, key) = (engine.clone(), key(first + runs.len() as u64));
        runs.push(tokio::spawn(async move {
            let start = Instant::now();
            let is_done = match engine.begin(&request(key)).await {
                Ok(Admission::Run(run)) => run.complete(outcome(), TTL).await == Completion::Yes,
                Ok(other) => panic!("{key} is new: {other:?}"),
                Err(_) => false,
            };
            // A key that failed counts with the time that was waited for it.
            (start.elapsed(), is_done)
        }));
    }
    let mut keys = Keys::default();
    for run in runs {
        let (time, is_done) = run.await.expect("no panic");
        keys.times.push(time);
        keys.failed += usize::from(!is_done);
    }
    keys
}

impl Keys {
    /// The 99th percentile of the times, in seconds.
    fn p99(&mut self) -> f64 {
        self.times.sort();
        self.times[self.times.len() * 99 / 100].as_secs_f64()
    }
}
