//! Two processes that serve the same, their store, and the faults that are injected.

use crate::history::{Life, Promise, Span, Told};
use crate::process::Process;
use rand::random_range;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, Row, SqliteConnection};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;
use tests::{MariaDbServer, PostgresServer, Proxy, RedisServer, Reply};
use tokio::sync::{Mutex, RwLock};
use tokio::time::{sleep, timeout};

/// Nobody waits for longer, whatever happens.
const BOUND: Duration = Duration::from_secs(30);

/// Where records are, and who keeps them.
pub(crate) enum RecordStore {
    /// In a file, without a network.
    Sqlite,
    Redis(Box<RedisServer>),
    Postgres(PostgresServer),
    MariaDb(MariaDbServer),
}

pub(crate) struct Environment {
    directory: TempDir,
    url: String,
    store: Mutex<RecordStore>,
    proxy: Option<Proxy>,
    processes: [RwLock<Process>; 2],
}

/// A process that lives until it is killed.
fn start(url: &str, business: &Path) -> Process {
    Process::start(url, business, &format!("sqlite:{}", business.display()), None)
}

impl Environment {
    pub(crate) async fn open(store: RecordStore) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let (proxy, url) = match &store {
            RecordStore::Sqlite => {
                (None, format!("sqlite:{}", directory.path().join("records.db").display()))
            }
            RecordStore::Redis(server) => {
                let proxy = Proxy::to(&**server).await;
                let url = proxy.url();
                (Some(proxy), url)
            }
            RecordStore::Postgres(server) => {
                let proxy = Proxy::to(server).await;
                let url = PostgresServer::through(&proxy, &server.database().await);
                (Some(proxy), url)
            }
            RecordStore::MariaDb(server) => {
                let proxy = Proxy::to(server).await;
                let url = MariaDbServer::through(&proxy, &server.database().await);
                (Some(proxy), url)
            }
        };
        let business = directory.path().join("business.db");
        let processes = [(); 2].map(|()| RwLock::new(start(&url, &business)));
        Self { directory, url, store: Mutex::new(store), proxy, processes }
    }

    fn business(&self) -> PathBuf {
        self.directory.path().join("business.db")
    }

    /// Sends a request to one of the processes.
    pub(crate) async fn ask(&self, key: &str, promise: Promise) -> Told {
        let path = match promise {
            Promise::Retry => "/retry",
            Promise::Hold => "/hold",
        };
        let request = self.processes[random_range(0..2)].read().await.post(path).key(key);
        match timeout(BOUND, request.try_send()).await {
            Ok(Ok(reply)) => told(&reply),
            Ok(Err(_)) => Told::Nothing,
            Err(_) => Told::Other { status: 0, body: "no answer in bounded time".into() },
        }
    }

    /// Something bad happens, and is over in the end; its name.
    pub(crate) async fn inject_fault(&self) -> &'static str {
        let faults = match (&self.proxy, &*self.store.lock().await) {
            (None, _) => 2,
            (Some(_), RecordStore::Redis(_)) => 10,
            (Some(_), _) => 9,
        };
        match random_range(0..faults) {
            0 => self.kill_a_process(async || ()).await,
            1 => self.stop_a_process().await,
            2 => self.restart_the_store().await,
            3 => {
                let freezes = async || self.disturb(Proxy::freeze, 100..2_500).await;
                self.kill_a_process(freezes).await;
                "a process killed as the network is frozen"
            }
            9 => self.let_the_store_refuse().await,
            n => self.disturb_network(n).await,
        }
    }

    /// All is well again.
    pub(crate) fn end_faults(&self) {
        if let Some(proxy) = &self.proxy {
            proxy.pass();
            proxy.cut_answers(b"", 0, 0);
        }
    }

    async fn kill_a_process(&self, meanwhile: impl AsyncFnOnce()) -> &'static str {
        let mut process = self.processes[random_range(0..2)].write().await;
        process.kill();
        meanwhile().await;
        *process = start(&self.url, &self.business());
        "a process killed"
    }

    /// Longer than its lease, or not.
    async fn stop_a_process(&self) -> &'static str {
        let stopped = self.processes[random_range(0..2)].read().await.suspend();
        // How long it stands still is the blow.
        sleep(Duration::from_millis(random_range(100..2_500))).await;
        drop(stopped);
        "a process stopped"
    }

    async fn restart_the_store(&self) -> &'static str {
        match &mut *self.store.lock().await {
            RecordStore::Sqlite => {}
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

    /// Shorter than a lease, or not.
    async fn let_the_store_refuse(&self) -> &'static str {
        let memory = async |limit| {
            if let RecordStore::Redis(server) = &*self.store.lock().await {
                let () = server.command(&["CONFIG", "SET", "maxmemory", limit]);
            }
        };
        memory("1").await;
        // How long it refuses is the blow.
        sleep(Duration::from_millis(random_range(50..1_500))).await;
        memory("0").await;
        "the store without memory"
    }

    async fn disturb(&self, sets: impl Fn(&Proxy), lasts: std::ops::Range<u64>) {
        let Some(proxy) = &self.proxy else { return };
        proxy.end_by_reset(random_range(0..2) == 0);
        sets(proxy);
        // How long it lasts is the blow, too.
        sleep(Duration::from_millis(random_range(lasts))).await;
        proxy.pass();
    }

    async fn disturb_network(&self, how: i32) -> &'static str {
        match how {
            4 => {
                let lag = Duration::from_millis(random_range(1..150));
                self.disturb(|proxy| proxy.delay(lag), 100..2_000).await;
                "the network slow"
            }
            5 => {
                self.disturb(Proxy::freeze, 100..2_500).await;
                "the network frozen"
            }
            6 => {
                self.disturb(Proxy::drop_connections, 1..100).await;
                "connections dropped"
            }
            7 => {
                self.disturb(Proxy::refuse, 100..2_000).await;
                "connections refused"
            }
            _ => {
                let (after, many) = (random_range(0..60), random_range(1..6));
                self.disturb(|proxy| proxy.cut_answers(b"", after, many), 50..500).await;
                "answers cut"
            }
        }
    }

    /// Enters what handlers did, by the business database.
    pub(crate) async fn enter(&self, lives: &mut BTreeMap<String, Life>) {
        let options = SqliteConnectOptions::new().filename(self.business());
        let mut business = SqliteConnection::connect_with(&options).await.expect("it is there");
        let marks = sqlx::query("SELECT thing, mark, attempt FROM marks");
        for row in marks.fetch_all(&mut business).await.expect("it reads") {
            let (thing, mark, attempt): (String, String, i64) =
                (row.get(0), row.get(1), row.get(2));
            let life = lives.get_mut(&thing).expect("somebody asked for it");
            match mark.as_str() {
                "entered" => life.entered.push(attempt),
                _ => life.effects.push(attempt),
            }
        }
        let spans = sqlx::query("SELECT thing, attempt, asked, entered FROM spans");
        for row in spans.fetch_all(&mut business).await.expect("it reads") {
            let thing: String = row.get(0);
            let life = lives.get_mut(&thing).expect("somebody asked for it");
            let (attempt, asked, entered) = (row.get(1), row.get(2), row.get(3));
            life.spans.push(Span { attempt, asked, entered });
        }
    }
}

fn told(reply: &Reply) -> Told {
    let Reply { status, body, .. } = reply;
    let body = body.clone();
    match status {
        201 if reply.is_replay() => Told::Replayed { body },
        201 => Told::Ran { body, stored: reply.header("Idempotency-Stored").is_none() },
        409 if reply.problem() == "in-progress" => Told::InProgress,
        409 if reply.problem() == "outcome-unknown" => Told::OutcomeUnknown,
        503 if reply.problem() == "store-unavailable" => Told::Unavailable,
        _ => Told::Other { status: *status, body },
    }
}
