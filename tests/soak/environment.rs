//! Two processes with the same routes, and their store.

use crate::history::{Hit, Life, Promise, Served, Span, Told, Trouble, now};
use crate::process::Process;
use rand::random_range;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, Row, SqliteConnection};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex as Locked;
use std::time::Duration;
use tempfile::TempDir;
use tests::{MariaDbServer, PostgresServer, Proxy, RedisServer, Reply, SmallDisk};
use tokio::sync::{Mutex, RwLock};
use tokio::time::timeout;

/// The longest time that a client waits for an answer.
const BOUND: Duration = Duration::from_secs(30);

/// The store, and its server.
pub(crate) enum RecordStore {
    /// A file, without a network; on a disk that can be filled, if there is one.
    Sqlite(Option<SmallDisk>),
    Redis(Box<RedisServer>),
    Postgres(PostgresServer),
    MariaDb(MariaDbServer),
}

pub(crate) struct Environment {
    directory: TempDir,
    /// The address of the store for the processes, and the address without the network.
    url: String,
    pub(crate) direct: String,
    pub(crate) store: Mutex<RecordStore>,
    pub(crate) proxy: Option<Proxy>,
    pub(crate) processes: [RwLock<Process>; 2],
    troubles: Locked<Vec<Trouble>>,
}

/// A request to send.
pub(crate) struct Request<'a> {
    pub(crate) key: &'a str,
    pub(crate) promise: Promise,
    /// The time that its handler takes.
    pub(crate) slow: Option<Duration>,
    /// The time after which its client leaves, if it does.
    pub(crate) leaves: Option<Duration>,
}

impl Environment {
    pub(crate) async fn open(store: RecordStore) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let (proxy, direct, url) = match &store {
            RecordStore::Sqlite(disk) => {
                let place = disk.as_ref().map_or(directory.path(), SmallDisk::path);
                let url = format!("sqlite:{}", place.join("records.db").display());
                (None, url.clone(), url)
            }
            RecordStore::Redis(server) => {
                let proxy = Proxy::to(&**server).await;
                let url = proxy.url();
                (Some(proxy), server.url(), url)
            }
            RecordStore::Postgres(server) => {
                let (proxy, database) = (Proxy::to(server).await, server.database().await);
                let url = PostgresServer::through(&proxy, &database);
                (Some(proxy), database, url)
            }
            RecordStore::MariaDb(server) => {
                let (proxy, database) = (Proxy::to(server).await, server.database().await);
                let url = MariaDbServer::through(&proxy, &database);
                (Some(proxy), database, url)
            }
        };
        let business = business(&directory);
        let processes = [(); 2].map(|()| RwLock::new(start(&url, &business)));
        let (store, troubles) = (Mutex::new(store), Locked::default());
        Self { directory, url, direct, store, proxy, processes, troubles }
    }

    /// Starts a process in place of one that was killed.
    pub(crate) fn start(&self) -> Process {
        start(&self.url, &business(&self.directory))
    }

    /// Sends a request to one of the processes.
    pub(crate) async fn ask(&self, request: &Request<'_>) -> (Told, Option<Served>) {
        let path = match request.promise {
            Promise::Retry => "/retry",
            Promise::Hold => "/hold",
            Promise::Lasting => "/lasting",
        };
        let sender = self.processes[random_range(0..2)].read().await.post(path).key(request.key);
        let sender = match request.slow {
            Some(slow) => sender.header("X-Slow", slow.as_millis().to_string()),
            None => sender,
        };
        match timeout(request.leaves.unwrap_or(BOUND), sender.try_send()).await {
            Ok(Ok(reply)) => (told(&reply), reply.header("X-Served").and_then(Served::read)),
            Ok(Err(_)) => (Told::Nothing, None),
            Err(_) if request.leaves.is_some() => (Told::Left, None),
            Err(_) => (Told::Other { status: 0, body: "no answer in bounded time".into() }, None),
        }
    }

    /// Notes the times of a blow, and returns its result.
    pub(crate) async fn hit<T>(&self, hit: Hit, blow: impl Future<Output = T>) -> T {
        let began = now();
        let done = blow.await;
        let trouble = Trouble { hit, began, ended: now() };
        self.troubles.lock().expect("no panic").push(trouble);
        done
    }

    pub(crate) fn troubles(&self) -> Vec<Trouble> {
        self.troubles.lock().expect("no panic").clone()
    }

    /// Waits until the store and both processes work again.
    pub(crate) fn end_faults(&self) {
        if let Some(proxy) = &self.proxy {
            proxy.pass();
            proxy.cut_answers(b"", 0, 0);
        }
    }

    async fn business(&self) -> SqliteConnection {
        let options = SqliteConnectOptions::new().filename(business(&self.directory));
        SqliteConnection::connect_with(&options).await.expect("it is there")
    }

    /// The number of keys with this prefix whose handlers began.
    pub(crate) async fn began(&self, beginning: &str) -> i64 {
        let count =
            "SELECT count(DISTINCT thing) FROM marks WHERE mark = 'entered' AND thing LIKE ?";
        let count = sqlx::query_scalar(count).bind(format!("{beginning}%"));
        count.fetch_one(&mut self.business().await).await.expect("it counts")
    }

    /// Adds the effects of handlers, which the business database has.
    pub(crate) async fn enter(&self, lives: &mut BTreeMap<String, Life>) {
        let mut business = self.business().await;
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
        let spans = sqlx::query("SELECT thing, attempt, process, asked, entered FROM spans");
        for row in spans.fetch_all(&mut business).await.expect("it reads") {
            let thing: String = row.get(0);
            let life = lives.get_mut(&thing).expect("somebody asked for it");
            let (attempt, process, asked, entered) =
                (row.get(1), row.get(2), row.get(3), row.get(4));
            life.spans.push(Span { attempt, process, asked, entered });
        }
    }
}

fn business(directory: &TempDir) -> PathBuf {
    directory.path().join("business.db")
}

/// A process that lives until it is killed.
fn start(url: &str, business: &Path) -> Process {
    Process::start(url, business, &format!("sqlite:{}", business.display()), None)
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
