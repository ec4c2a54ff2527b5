//! Statements for `MariaDB`.

use crate::by_hand::{CONNECTIONS, First, Hand, Pool, Record, Table, millis};
use benches::{LEASE, TTL};
use idempotent_runtime::key::StorageKey;
use sqlx::{AssertSqlSafe, Connection, MySqlConnection, query, query_scalar, raw_sql};

#[derive(Debug)]
pub(crate) struct MariaDbHand(Pool<MySqlConnection>);

const SCHEMA: &str = "\
CREATE TABLE by_hand (`key` VARBINARY(32) PRIMARY KEY, value LONGBLOB NOT NULL, ends BIGINT NOT NULL, KEY (ends))";

/// As a session of the store.
const CONFIGURE: &str = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED";

macro_rules! now {
    () => {
        "TIMESTAMPDIFF(MICROSECOND, TIMESTAMP'1970-01-01 00:00:00', UTC_TIMESTAMP(3)) DIV 1000"
    };
}

/// Where it finds a record that is over, one more statement would take that; none is here.
const CLAIM: &str = concat!("INSERT IGNORE INTO by_hand VALUES (?, ?, ? + ", now!(), ")");
const LOOK: &str = concat!("SELECT value FROM by_hand WHERE `key` = ? AND ends > ", now!());
const COMPLETE: &str = concat!(
    "UPDATE by_hand SET value = ?, ends = ? + ",
    now!(),
    " WHERE `key` = ? AND value = ? AND ends > ",
    now!()
);

async fn look(connection: &mut MySqlConnection, key: StorageKey) -> Option<Vec<u8>> {
    let look = query_scalar(LOOK).bind(key.as_bytes().as_slice());
    look.fetch_optional(connection).await.expect("it answers")
}

impl Hand for MariaDbHand {
    const TABLES: [Table; 2] = [
        Table { name: "idempotency_records", columns: "ends, operation, label, state" },
        Table { name: "by_hand", columns: "ends" },
    ];

    async fn open(url: &str) -> Self {
        let mut connections = Vec::new();
        for _ in 0..CONNECTIONS {
            let mut connection = MySqlConnection::connect(url).await.expect("it connects");
            raw_sql(CONFIGURE).execute(&mut connection).await.expect("it answers");
            connections.push(connection);
        }
        raw_sql(SCHEMA).execute(&mut connections[0]).await.expect("it answers");
        Self(Pool::of(connections))
    }

    async fn claim(&self, first: First, key: StorageKey, claim: &[u8]) -> Option<Vec<u8>> {
        let mut connection = self.0.lend().await;
        if let First::Look = first
            && let Some(there) = look(&mut connection, key).await
        {
            return Some(there);
        }
        let put = query(CLAIM).bind(key.as_bytes().as_slice()).bind(claim).bind(millis(LEASE));
        let put = put.execute(&mut *connection).await.expect("it answers");
        if put.rows_affected() == 1 { None } else { look(&mut connection, key).await }
    }

    async fn complete(&self, key: StorageKey, claim: &[u8], answer: &[u8]) {
        let mut connection = self.0.lend().await;
        let done = query(COMPLETE).bind(answer).bind(millis(TTL));
        let done = done.bind(key.as_bytes().as_slice()).bind(claim);
        let done = done.execute(&mut *connection).await.expect("it answers");
        assert_eq!(done.rows_affected(), 1, "{key} is ours");
    }

    async fn copy(&self, Table { name, columns }: Table, of: StorageKey, records: &[Record]) {
        let rows: Vec<_> = records
            .iter()
            .map(|(key, value)| format!("SELECT x'{key}' AS copied, x'{value:x}' AS content"))
            .collect();
        let copy = format!(
            "INSERT INTO {name} (`key`, value, {columns}) SELECT copied, content, {columns} \
             FROM ({}) AS copies, {name} WHERE `key` = x'{of}'",
            rows.join(" UNION ALL "),
        );
        let copied = raw_sql(AssertSqlSafe(copy)).execute(&mut *self.0.lend().await).await;
        assert_eq!(copied.expect("it answers").rows_affected(), records.len() as u64);
    }

    async fn settle(&self) {
        for table in Self::TABLES {
            let analyze = AssertSqlSafe(format!("ANALYZE TABLE {}", table.name));
            raw_sql(analyze).execute(&mut *self.0.lend().await).await.expect("it answers");
        }
    }
}
