//! Statements for `SQLite`: a connection that writes all that came meanwhile in one commit, and some that read.

use crate::by_hand::{First, Hand, Pool, Record, Table, millis};
use benches::{LEASE, TTL};
use idempotent_runtime::key::StorageKey;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, SqliteConnection, query, query_scalar, raw_sql,
};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::{mpsc, oneshot};

/// Connections that read, as many as the store has.
const READERS: usize = 4;

/// The number of writes in one commit.
const TOGETHER: usize = 256;

const SCHEMA: &str = "\
CREATE TABLE by_hand (key BLOB NOT NULL PRIMARY KEY, value BLOB NOT NULL, ends INTEGER NOT NULL) STRICT;
CREATE INDEX by_hand_ends ON by_hand (ends);";

const CLAIM: &str = "\
INSERT INTO by_hand (key, value, ends) VALUES (?1, ?2, ?3)
ON CONFLICT (key) DO UPDATE SET value = excluded.value, ends = excluded.ends WHERE ends <= ?4";
const LOOK: &str = "SELECT value FROM by_hand WHERE key = ?1 AND ends > ?2";
const COMPLETE: &str = "\
UPDATE by_hand SET value = ?2, ends = ?3 WHERE key = ?1 AND ends > ?4 AND value = ?5";

#[derive(Debug)]
pub(crate) struct SqliteHand {
    writes: mpsc::Sender<Queued>,
    readers: Pool<SqliteConnection>,
    /// For what is not measured.
    options: SqliteConnectOptions,
}

/// A claim, or an exchange of one; it answers whether it wrote.
#[derive(Debug)]
struct Queued {
    key: StorageKey,
    value: Vec<u8>,
    life: Duration,
    expected: Option<Vec<u8>>,
    done: oneshot::Sender<bool>,
}

fn now() -> i64 {
    millis(SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later than 1970"))
}

async fn write_all(mut connection: SqliteConnection, mut queue: mpsc::Receiver<Queued>) {
    let mut writes = Vec::with_capacity(TOGETHER);
    while queue.recv_many(&mut writes, TOGETHER).await > 0 {
        let (now, mut done) = (now(), Vec::with_capacity(writes.len()));
        let mut all = connection.begin_with("BEGIN IMMEDIATE").await.expect("it writes");
        for Queued { key, value, life, expected, .. } in &writes {
            let text = if expected.is_some() { COMPLETE } else { CLAIM };
            let statement = query(text).bind(key.as_bytes().as_slice()).bind(value.as_slice());
            let statement = statement.bind(now + millis(*life)).bind(now);
            let statement = match expected {
                Some(expected) => statement.bind(expected.as_slice()),
                None => statement,
            };
            let rows = statement.execute(&mut *all).await.expect("it writes").rows_affected();
            done.push(rows == 1);
        }
        all.commit().await.expect("it writes");
        for (queued, done) in writes.drain(..).zip(done) {
            queued.done.send(done).expect("somebody waits");
        }
    }
}

impl SqliteHand {
    async fn write(
        &self,
        key: StorageKey,
        value: &[u8],
        life: Duration,
        expected: Option<&[u8]>,
    ) -> bool {
        let (done, answer) = oneshot::channel();
        let expected = expected.map(<[u8]>::to_vec);
        let queued = Queued { key, value: value.to_vec(), life, expected, done };
        self.writes.send(queued).await.expect("it writes");
        answer.await.expect("it writes")
    }

    async fn look(&self, key: StorageKey) -> Option<Vec<u8>> {
        let look = query_scalar(LOOK).bind(key.as_bytes().as_slice()).bind(now());
        look.fetch_optional(&mut *self.readers.lend().await).await.expect("it reads")
    }
}

impl Hand for SqliteHand {
    const TABLES: [Table; 2] = [
        Table { name: "idempotency_records", columns: "ends_ms, operation, label, state" },
        Table { name: "by_hand", columns: "ends" },
    ];

    async fn open(url: &str) -> Self {
        let options: SqliteConnectOptions = url.parse().expect("a URL");
        let options = options
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(5));
        let mut connection = options.connect().await.expect("it opens");
        raw_sql(SCHEMA).execute(&mut connection).await.expect("it writes");
        let (writes, queue) = mpsc::channel(TOGETHER);
        tokio::spawn(write_all(connection, queue));
        let mut readers = Vec::new();
        for _ in 0..READERS {
            readers.push(options.clone().read_only(true).connect().await.expect("it opens"));
        }
        Self { writes, readers: Pool::of(readers), options }
    }

    async fn claim(&self, first: First, key: StorageKey, claim: &[u8]) -> Option<Vec<u8>> {
        if let First::Look = first
            && let Some(there) = self.look(key).await
        {
            return Some(there);
        }
        if self.write(key, claim, LEASE, None).await { None } else { self.look(key).await }
    }

    async fn complete(&self, key: StorageKey, claim: &[u8], answer: &[u8]) {
        assert!(self.write(key, answer, TTL, Some(claim)).await, "{key} is ours");
    }

    async fn copy(&self, Table { name, columns }: Table, of: StorageKey, records: &[Record]) {
        let mut own = self.options.connect().await.expect("it opens");
        let copy = format!(
            "INSERT INTO {name} (key, value, {columns}) SELECT ?1, ?2, {columns} FROM {name} WHERE key = ?3"
        );
        let mut all = own.begin().await.expect("it writes");
        for (key, value) in records {
            let copy = query(AssertSqlSafe(copy.clone())).bind(key.as_bytes().as_slice());
            let copy = copy.bind(&value[..]).bind(of.as_bytes().as_slice()).execute(&mut *all);
            copy.await.expect("it writes");
        }
        all.commit().await.expect("it writes");
    }

    async fn settle(&self) {
        let mut own = self.options.connect().await.expect("it opens");
        let settle = "PRAGMA wal_checkpoint(TRUNCATE); ANALYZE";
        raw_sql(settle).execute(&mut own).await.expect("it writes");
    }
}
