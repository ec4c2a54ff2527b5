//! 5 000 keys that come at once when their store is back after an outage, against the same where there was none; and
//! 5 000 runs that ended meanwhile, whose records are put then.
//!
//! `cargo bench -p benches --bench outage`, or with names of stores behind it: `-- redis postgres`
//!
//! Redis is cut off and reached again; a database is killed, and started again. Each key is claimed and completed. A
//! client that gets an error, or finds its own claim, comes again after one to two seconds. Commands are those of
//! Redis' own statistics, with the two of each script, or round trips on the way to a database. A run that ended
//! meanwhile failed where its client was not told of its record in time; its record is put all the same, after its
//! lease was renewed, and all are read in the end.

use benches::{TTL, commands, engine, key, outcome, replay, request};
use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use idempotent_runtime::engine::{Admission, Completion, Engine};
use idempotent_runtime::store::open;
use std::time::{Duration, Instant};
use tests::{MariaDbServer, PostgresServer, Proxy, RedisServer};
use tokio::time::sleep;

const KEYS: u64 = 5_000;

/// Each is told as it ends: a database that is overloaded takes long for one.
const ROUNDS: u64 = 3;

/// The number that come at once before the first round counts.
const FEW: usize = 32;

/// The time for which the store is away, without that in which a server starts.
const AWAY: Duration = Duration::from_secs(3);

/// So many take longer than the p99: a hundredth.
const SLOWEST: usize = 50;

/// A store that can be away, and who uses it.
struct Far {
    engine: Engine,
    proxy: Proxy,
    server: Server,
}

/// The server of a store.
enum Server {
    Redis(RedisServer),
    Postgres(PostgresServer),
    MariaDb(MariaDbServer),
}

/// What a crowd met: the time until so many were done, in seconds, the tries that failed, and what was sent.
struct Met {
    p99: f64,
    last: f64,
    failed: f64,
    sent: f64,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    println!("| store | 5 000 keys at once | p99, ms | last, ms | tries that failed | commands |");
    println!("| --- | --- | ---: | ---: | ---: | ---: |");
    let named: Vec<_> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let is_wanted = |name: &str| named.is_empty() || named.iter().any(|word| word == name);
    if is_wanted("redis") {
        let server = RedisServer::start();
        let proxy = Proxy::to(&server).await;
        let url = proxy.url();
        measure("Redis", Far::new(&url, proxy, Server::Redis(server)).await).await;
    }
    if is_wanted("postgres") {
        let server = PostgresServer::start_with(&["-c", "max_wal_size=8GB"]).await;
        let proxy = Proxy::to(&server).await;
        let url = PostgresServer::through(&proxy, &server.database().await);
        measure("PostgreSQL", Far::new(&url, proxy, Server::Postgres(server)).await).await;
    }
    if is_wanted("mariadb") {
        let durable = ["--innodb-flush-method=O_DIRECT", "--innodb-log-file-size=1G"];
        let server = MariaDbServer::start_with(&durable).await;
        let proxy = Proxy::to(&server).await;
        let url = MariaDbServer::through(&proxy, &server.database().await);
        measure("MariaDB", Far::new(&url, proxy, Server::MariaDb(server)).await).await;
    }
}

async fn measure(name: &str, far: Far) {
    for round in 0..ROUNDS {
        let first = 3 * KEYS * round;
        let told = |case: &str, Met { p99, last, failed, sent }: Met| {
            let (p99, last) = (p99 * 1e3, last * 1e3);
            println!("| {name} | {case} | {p99:.0} | {last:.0} | {failed:.0} | {sent:.0} |");
        };
        told("without an outage", far.crowd(first).await);
        told("after an outage", far.after_an_outage(first + KEYS).await);
        told("runs that ended in an outage", far.ended_meanwhile(first + 2 * KEYS).await);
    }
}

impl Far {
    async fn new(url: &str, proxy: Proxy, server: Server) -> Self {
        Self { engine: engine(open(url).await.expect("it connects")), proxy, server }
    }

    /// From now on its store is away.
    fn lose(&self) {
        match &self.server {
            // It keeps nothing on disk.
            Server::Redis(_) => self.proxy.refuse(),
            Server::Postgres(server) => server.kill(),
            Server::MariaDb(server) => server.kill(),
        }
    }

    /// Done when its store is back.
    async fn regain(&self) {
        sleep(AWAY).await;
        match &self.server {
            Server::Redis(_) => self.proxy.pass(),
            Server::Postgres(server) => server.restart().await,
            Server::MariaDb(server) => server.restart().await,
        }
    }

    /// The number of commands that were sent to the store.
    #[expect(clippy::cast_precision_loss, reason = "not so many")]
    fn sent(&self) -> f64 {
        match &self.server {
            Server::Redis(server) => commands(server),
            Server::Postgres(_) | Server::MariaDb(_) => self.proxy.turns() as f64,
        }
    }

    /// All keys from this one on at once.
    async fn crowd(&self, first: u64) -> Met {
        let (sent, start) = (self.sent(), Instant::now());
        let clients = (first..first + KEYS).map(|number| {
            let engine = self.engine.clone();
            tokio::spawn(async move {
                let failed = until_done(&engine, number).await;
                (start.elapsed().as_secs_f64(), failed)
            })
        });
        let met = join_all(clients.collect::<Vec<_>>()).await.into_iter();
        let (mut times, failed): (Vec<_>, Vec<_>) = met.map(|met| met.expect("no panic")).unzip();
        times.sort_by(f64::total_cmp);
        Met {
            p99: times[times.len() - SLOWEST],
            last: times[times.len() - 1],
            failed: failed.into_iter().map(f64::from).sum(),
            sent: self.sent() - sent,
        }
    }

    /// The same, of clients that met the outage.
    async fn after_an_outage(&self, first: u64) -> Met {
        self.lose();
        let clients = (first..first + KEYS).map(|number| {
            let engine = self.engine.clone();
            tokio::spawn(async move { engine.begin(&request(key(number))).await.map(drop) })
        });
        for refused in join_all(clients.collect::<Vec<_>>()).await {
            refused.expect("no panic").expect_err("the store is away");
        }
        self.regain().await;
        self.crowd(first).await
    }

    /// Runs that begin before an outage and end in it, from its end on until their records are put.
    async fn ended_meanwhile(&self, first: u64) -> Met {
        let begins = stream::iter(first..first + KEYS).map(|number| async move {
            match self.engine.begin(&request(key(number))).await {
                Ok(Admission::Run(run)) => run,
                other => panic!("{number} is new: {other:?}"),
            }
        });
        let runs: Vec<_> = begins.buffer_unordered(FEW).collect().await;
        self.lose();
        let ends: Vec<_> =
            runs.into_iter().map(|run| tokio::spawn(run.complete(outcome(), TTL))).collect();
        let sent = self.sent();
        self.regain().await;
        let start = Instant::now();
        let mut p99 = None;
        while self.engine.under_way() > 0 {
            if self.engine.under_way() <= SLOWEST {
                p99.get_or_insert(start.elapsed().as_secs_f64());
            }
            sleep(Duration::from_millis(1)).await;
        }
        let last = start.elapsed().as_secs_f64();
        let untold = join_all(ends).await.into_iter();
        let untold = untold.filter(|told| !matches!(told, Ok(Completion::Yes))).count();
        let sent = self.sent() - sent;
        // What was insisted on is there.
        let looks = stream::iter(first..first + KEYS);
        looks.for_each_concurrent(FEW, |number| replay(&self.engine, key(number))).await;
        #[expect(clippy::cast_precision_loss, reason = "not so many")]
        let failed = untold as f64;
        Met { p99: p99.unwrap_or(last), last, failed, sent }
    }
}

/// Comes again until the run is complete; says how often it had to.
async fn until_done(engine: &Engine, number: u64) -> u32 {
    let mut failed = 0;
    loop {
        match engine.begin(&request(key(number))).await {
            Ok(Admission::Run(run)) => {
                if run.complete(outcome(), TTL).await == Completion::Yes {
                    return failed;
                }
            }
            Ok(Admission::Replay(_)) => return failed,
            Ok(Admission::Refused(_)) | Err(_) => {}
        }
        failed += 1;
        sleep(Duration::from_millis(rand::random_range(1_000..2_000))).await;
    }
}
