//! Opens a store by its URL.

use crate::error::{StoreError, StoreErrorKind};
use crate::store::contract::Store;
use crate::store::memory::MemoryStore;
use std::sync::Arc;

/// Opens the store that a URL names: `memory:`, `sqlite:PATH` (feature `sqlite`), `redis://…` (`redis`),
/// `postgres://…` (`postgres`), `mysql://…` or `mariadb://…` (`mysql`).
///
/// A Redis URL may have every form that `RedisStore::connect` accepts. The URL of an `SQLite` file is one of
/// sqlx: percent-encoded, with `?mode=…`. Without a mode the file is created if it is missing.
///
/// # Errors
/// When the URL names no store of this build, or the store cannot be opened.
pub async fn open(url: &str) -> Result<Arc<dyn Store>, StoreError> {
    let Some(parts) = url.split_once(':') else {
        let why = format!(
            "`{url}` is not a URL: write `{url}:` and what follows, such as `sqlite:records.db`"
        );
        return Err(StoreError::new(StoreErrorKind::Rejected, "connect").because(why));
    };
    match parts {
        ("memory", "") => Ok(Arc::new(MemoryStore::by_the_engines_clock())),
        ("memory", _) => {
            let why = "`memory:` takes nothing after the colon";
            Err(StoreError::new(StoreErrorKind::Rejected, "connect").because(why))
        }
        #[cfg(feature = "sqlite")]
        ("sqlite", _) => Ok(Arc::new(crate::store::sql::SqliteStore::connect(url).await?)),
        #[cfg(feature = "redis")]
        (
            "redis" | "rediss" | "redis+unix" | "unix" | "redis+cluster" | "rediss+cluster"
            | "redis+sentinel" | "rediss+sentinel",
            _,
        ) => Ok(Arc::new(crate::store::redis::RedisStore::connect(url).await?)),
        #[cfg(feature = "postgres")]
        ("postgres" | "postgresql", _) => {
            Ok(Arc::new(crate::store::sql::PostgresStore::connect(url).await?))
        }
        #[cfg(feature = "mysql")]
        ("mysql" | "mariadb", _) => {
            Ok(Arc::new(crate::store::sql::MySqlStore::connect(url).await?))
        }
        #[cfg(feature = "zookeeper")]
        ("zookeeper", _) => {
            let why = "`zookeeper:` keeps locks and no records; open a store, and add \
                       `.locks(ZooKeeperLocks::connect(…).await?)`";
            Err(StoreError::new(StoreErrorKind::Rejected, "connect").because(why))
        }
        (scheme, _) => {
            let known = "`memory:`, `sqlite:PATH` (feature `sqlite`), `redis://…` (feature \
                         `redis`), `postgres://…` (feature `postgres`), `mysql://…` (feature `mysql`)";
            let why = format!("`{scheme}:` names no store of this build; there are {known}");
            Err(StoreError::new(StoreErrorKind::Rejected, "connect").because(why))
        }
    }
}
