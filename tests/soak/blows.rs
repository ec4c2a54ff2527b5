//! The faults that are injected. Each of them ends.

use crate::environment::{Environment, RecordStore};
use crate::history::Hit;
use rand::random_range;
use sqlx::{Connection, MySqlConnection, PgConnection, SqliteConnection};
use std::time::Duration;
use tests::{Proxy, RedisRefusal, SqlRefusal};
use tokio::time::{sleep, timeout};

/// A kind of fault.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Blow {
    KillProcess,
    /// The store is killed while the network is frozen.
    KillCutOff,
    StopProcess,
    KillStore,
    Slow,
    Freeze,
    Drop,
    Refuse,
    Cut,
    /// The store refuses to write.
    InRedis(RedisRefusal),
    InSql(SqlRefusal),
    FullDisk,
    /// The store loses all of its records; only runs under way notice.
    Flush,
}

const ON_PROCESSES: [Blow; 5] =
    [Blow::KillProcess, Blow::KillProcess, Blow::StopProcess, Blow::StopProcess, Blow::Flush];

const ON_A_NETWORK: [Blow; 7] = [
    Blow::KillCutOff,
    Blow::KillStore,
    Blow::Slow,
    Blow::Freeze,
    Blow::Drop,
    Blow::Refuse,
    Blow::Cut,
];

/// Statements on a connection of the test's own, and the statements that end the blow.
macro_rules! refuses {
    ($connection:ident, $url:expr, $refusal:expr) => {{
        let mut connection = $connection::connect($url).await.expect("the store is there");
        for (lasts, statements) in [(lasting(), $refusal.begins), (Duration::ZERO, $refusal.ends)] {
            let done = sqlx::raw_sql(statements).execute(&mut connection);
            // Other transactions have released their locks by then.
            let done = timeout(Duration::from_mins(1), done).await.expect("it answers");
            done.expect("it accepts the statements");
            // The store refuses for the length of the blow.
            sleep(lasts).await;
        }
    }};
}

macro_rules! forgets {
    ($connection:ident, $url:expr) => {{
        let mut connection = $connection::connect($url).await.expect("the store is there");
        let forgotten = sqlx::query("DELETE FROM idempotency_records").execute(&mut connection);
        forgotten.await.expect("it deletes");
    }};
}

/// Shorter than the shorter lease or not, and sometimes longer than the engine's patience, twice over.
fn lasting() -> Duration {
    Duration::from_millis(match random_range(0..6) {
        0 => random_range(5_000..6_500),
        _ => random_range(50..1_500),
    })
}

impl Environment {
    /// Each blow that can happen here, once or twice.
    pub(crate) async fn blows(&self) -> Vec<Blow> {
        let network = if self.proxy.is_some() { &ON_A_NETWORK[..] } else { &[] };
        let refusals: Vec<_> = match &*self.store.lock().await {
            RecordStore::Redis(_) => RedisRefusal::ALL.map(Blow::InRedis).to_vec(),
            RecordStore::Postgres(_) => SqlRefusal::POSTGRES.map(Blow::InSql).to_vec(),
            RecordStore::MariaDb(_) => SqlRefusal::MARIADB.map(Blow::InSql).to_vec(),
            RecordStore::Sqlite(disk) => {
                let full = disk.iter().flat_map(|_| [Blow::FullDisk, Blow::FullDisk]);
                SqlRefusal::SQLITE.map(Blow::InSql).into_iter().chain(full).collect()
            }
        };
        [&ON_PROCESSES[..], network, &refusals].concat()
    }

    /// Lets it happen; its name.
    pub(crate) async fn strike(&self, blow: Blow) -> &'static str {
        match blow {
            Blow::KillProcess => self.kill_a_process(async || ()).await,
            Blow::KillCutOff => {
                let freezes = async || self.disturb(Proxy::freeze, lasting()).await;
                self.kill_a_process(freezes).await;
                "a process killed as the network is frozen"
            }
            Blow::StopProcess => self.stop_a_process().await,
            Blow::KillStore => self.hit(Hit::Store, self.restart_the_store()).await,
            Blow::Slow => {
                let lag = Duration::from_millis(random_range(1..150));
                self.disturb(|proxy| proxy.delay(lag), lasting()).await;
                "the network slow"
            }
            Blow::Freeze => {
                self.disturb(Proxy::freeze, lasting()).await;
                "the network frozen"
            }
            Blow::Drop => {
                let lasts = Duration::from_millis(random_range(1..100));
                self.disturb(Proxy::drop_connections, lasts).await;
                "connections dropped"
            }
            Blow::Refuse => {
                self.disturb(Proxy::refuse, lasting()).await;
                "connections refused"
            }
            Blow::Cut => {
                let (after, many) = (random_range(0..60), random_range(1..6));
                let lasts = Duration::from_millis(random_range(50..500));
                self.disturb(|proxy| proxy.cut_answers(b"", after, many), lasts).await;
                "answers cut"
            }
            Blow::InRedis(refusal) => self.hit(Hit::Store, self.refuse_in_redis(refusal)).await,
            Blow::InSql(refusal) => self.hit(Hit::Store, self.refuse_in_sql(refusal)).await,
            Blow::FullDisk => self.hit(Hit::Store, self.fill_the_disk()).await,
            Blow::Flush => {
                self.forget().await;
                "the store emptied"
            }
        }
    }

    async fn kill_a_process(&self, meanwhile: impl AsyncFnOnce()) -> &'static str {
        let mut process = self.processes[random_range(0..2)].write().await;
        self.hit(Hit::Killed(process.id()), async { process.kill() }).await;
        meanwhile().await;
        *process = self.start();
        "a process killed"
    }

    /// Longer than the shorter lease, or not.
    async fn stop_a_process(&self) -> &'static str {
        let process = self.processes[random_range(0..2)].read().await;
        let stopped = async {
            let stopped = process.suspend();
            // The process stands still for the length of the blow.
            sleep(Duration::from_millis(random_range(100..2_500))).await;
            drop(stopped);
        };
        self.hit(Hit::Stopped(process.id()), stopped).await;
        "a process stopped"
    }

    async fn restart_the_store(&self) -> &'static str {
        match &mut *self.store.lock().await {
            RecordStore::Sqlite(_) => {}
            RecordStore::Redis(server) => {
                server.kill();
                server.restart();
            }
            RecordStore::Postgres(server) => {
                server.kill();
                server.restart().await;
            }
            RecordStore::MariaDb(server) => {
                server.kill();
                server.restart().await;
            }
        }
        "the store killed"
    }

    async fn disturb(&self, sets: impl Fn(&Proxy), lasts: Duration) {
        let Some(proxy) = &self.proxy else { return };
        proxy.end_by_reset(random_range(0..2) == 0);
        let disturbed = async {
            sets(proxy);
            // The fault lasts for the length of the blow, too.
            sleep(lasts).await;
            proxy.pass();
        };
        self.hit(Hit::Store, disturbed).await;
    }

    async fn refuse_in_redis(&self, refusal: RedisRefusal) -> &'static str {
        if let RecordStore::Redis(server) = &*self.store.lock().await {
            refusal.begin(server);
            // The store refuses for the length of the blow.
            sleep(lasting()).await;
            refusal.end(server);
        }
        refusal.name()
    }

    async fn refuse_in_sql(&self, refusal: SqlRefusal) -> &'static str {
        let url = &self.direct;
        match &*self.store.lock().await {
            RecordStore::Sqlite(_) => refuses!(SqliteConnection, url, refusal),
            RecordStore::Postgres(_) => refuses!(PgConnection, url, refusal),
            RecordStore::MariaDb(_) => refuses!(MySqlConnection, url, refusal),
            RecordStore::Redis(_) => {}
        }
        refusal.name
    }

    async fn fill_the_disk(&self) -> &'static str {
        if let RecordStore::Sqlite(Some(disk)) = &*self.store.lock().await {
            disk.fill();
            // The disk is full for the length of the blow.
            sleep(lasting()).await;
            disk.make_room();
        }
        "the disk full"
    }

    async fn forget(&self) {
        let url = &self.direct;
        match &*self.store.lock().await {
            RecordStore::Redis(server) => server.command::<()>(&["FLUSHALL"]),
            RecordStore::Sqlite(_) => forgets!(SqliteConnection, url),
            RecordStore::Postgres(_) => forgets!(PgConnection, url),
            RecordStore::MariaDb(_) => forgets!(MySqlConnection, url),
        }
    }
}
