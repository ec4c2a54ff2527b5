//! Statements for `PostgreSQL`.

use crate::by_hand::{CONNECTIONS, First, Hand, Pool, Record, Table, millis};
use benches::{LEASE, TTL};
use idempotent_runtime::key::StorageKey;
use sqlx::{AssertSqlSafe, Connection, PgConnection, query, query_scalar, raw_sql};

#[derive(Debug)]
pub(crate) struct PostgresHand(Pool<PgConnection>);

const SCHEMA: &str = "\
CREATE TABLE by_hand (key bytea PRIMARY KEY, value bytea NOT NULL, ends bigint NOT NULL);
CREATE INDEX by_hand_ends ON by_hand (ends);";

macro_rules! now {
    () => {
        "floor(extract(epoch FROM statement_timestamp()) * 1000)::bigint"
    };
}

const CLAIM: &str = concat!(
    "INSERT INTO by_hand AS old (key, value, ends) VALUES ($1, $2, $3 + ",
    now!(),
    ") ON CONFLICT (key) DO UPDATE SET value = excluded.value, ends = excluded.ends WHERE old.ends <= ",
    now!()
);
const LOOK: &str = concat!("SELECT value FROM by_hand WHERE key = $1 AND ends > ", now!());
const COMPLETE: &str = concat!(
    "UPDATE by_hand SET value = $2, ends = $3 + ",
    now!(),
    " WHERE key = $1 AND value = $4 AND ends > ",
    now!()
);

async fn look(connection: &mut PgConnection, key: StorageKey) -> Option<Vec<u8>> {
    let look = query_scalar(LOOK).bind(key.as_bytes().as_slice());
    look.fetch_optional(connection).await.expect("it answers")
}

impl Hand for PostgresHand {
    const TABLES: [Table; 2] = [
        Table { name: "idempotency_records", columns: "ends, operation, label, state" },
        Table { name: "by_hand", columns: "ends" },
    ];

    async fn open(url: &str) -> Self {
        let mut connections = Vec::new();
        for _ in 0..CONNECTIONS {
            connections.push(PgConnection::connect(url).await.expect("it connects"));
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
        let done = query(COMPLETE).bind(key.as_bytes().as_slice()).bind(answer);
        let done = done.bind(millis(TTL)).bind(claim).execute(&mut *connection).await;
        assert_eq!(done.expect("it answers").rows_affected(), 1, "{key} is ours");
    }

    async fn copy(&self, Table { name, columns }: Table, of: StorageKey, records: &[Record]) {
        let keys: Vec<_> = records.iter().map(|(key, _)| key.as_bytes().as_slice()).collect();
        let values: Vec<_> = records.iter().map(|(_, value)| &value[..]).collect();
        let copy = format!(
            "INSERT INTO {name} (key, value, {columns}) SELECT copy.key, copy.value, {columns} \
             FROM unnest($1::bytea[], $2::bytea[]) AS copy (key, value), {name} AS old WHERE old.key = $3"
        );
        let copy = query(AssertSqlSafe(copy)).bind(keys).bind(values);
        let copy = copy.bind(of.as_bytes().as_slice());
        copy.execute(&mut *self.0.lend().await).await.expect("it answers");
    }

    async fn settle(&self) {
        for statement in ["VACUUM ANALYZE", "CHECKPOINT"] {
            query(statement).execute(&mut *self.0.lend().await).await.expect("it answers");
        }
    }
}
