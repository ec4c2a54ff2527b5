//! Commands for Redis, on one connection that sends each at once.

use crate::by_hand::{First, Hand, Record, Table, millis};
use benches::{RedisByHand, TTL, redis_name};
use idempotent_runtime::key::StorageKey;
use redis::pipe;

impl Hand for RedisByHand {
    /// The beginnings of the names of keys.
    const TABLES: [Table; 2] =
        [Table { name: "idempotency:", columns: "" }, Table { name: Self::PREFIX, columns: "" }];

    /// The claim looks, too.
    const ORDERS: &'static [(First, &'static str)] = &[(First::Claim, "the same commands")];

    async fn open(url: &str) -> Self {
        Self::connect(url, true).await
    }

    async fn claim(&self, _: First, key: StorageKey, claim: &[u8]) -> Option<Vec<u8>> {
        Self::claim(self, key, claim).await
    }

    async fn complete(&self, key: StorageKey, claim: &[u8], answer: &[u8]) {
        Self::complete(self, key, claim, answer).await;
    }

    async fn copy(&self, table: Table, _: StorageKey, records: &[Record]) {
        let mut connection = self.connection();
        let mut all = pipe();
        for (key, value) in records {
            let set = all.cmd("SET").arg(redis_name(table.name, *key)).arg(&value[..]);
            set.arg("PX").arg(millis(TTL)).ignore();
        }
        all.exec_async(&mut connection).await.expect("it answers");
    }

    async fn settle(&self) {}
}
