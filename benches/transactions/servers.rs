//! The handlers of each database.
//!
//! By hand a claim is a row in the transaction of the business, which waits for another with its key; the answer is
//! stored with the request's fingerprint, and replayed to the same request alone. It stores no failure, so it needs no
//! savepoint. The second form is that of [`as_guarded`](crate::as_guarded).

/// The same four servers, in the words of a database.
macro_rules! servers {
    (
        $database:ident, $pool:ident, $options:expr, begin: $begin:literal, schema: $schema:literal,
        write: $write:literal, claim: $claim:literal, as_guarded: $as_guarded:ident, look: $look:literal, complete: $complete:literal,
    ) => {
        use crate::as_guarded::$as_guarded;
        use crate::by_hand::{Asked, TTL, created};
        use crate::{CONNECTIONS, Order, Sides};
        use actix_web::error::ErrorInternalServerError;
        use actix_web::web::{Data, Json, ServiceConfig};
        use actix_web::{Error, HttpResponse, post};
        use idempotent_runtime::transaction::Tx;
        use idempotent_runtime::{Idempotency, MemoryStore, Scope, idempotent};
        use sqlx::pool::PoolOptions;
        use sqlx::{query, query_as, $database, $pool};

        pub(crate) const SCHEMAS: [&str; 2] = [$schema, $as_guarded::SCHEMA];

        pub(crate) const SIDES: Sides = Sides {
            guarded: |config, url| {
                let idempotency = Idempotency::builder(MemoryStore::new())
                    .scope(Scope::header("Authorization"))
                    .database(pool(url))
                    .build()
                    .expect("defaults fit");
                config.app_data(idempotency).service(guarded);
            },
            by_hand: |config, url| {
                with_pool(config, url).service(by_hand);
            },
            as_guarded: |config, url| {
                with_pool(config, url).service(by_hand_as_guarded);
            },
            bare: |config, url| {
                with_pool(config, url).service(bare);
            },
        };

        fn pool(url: &str) -> $pool {
            let options = $options(url.parse().expect("a URL"));
            PoolOptions::new().max_connections(CONNECTIONS).connect_lazy_with(options)
        }

        fn with_pool<'c>(config: &'c mut ServiceConfig, url: &str) -> &'c mut ServiceConfig {
            config.app_data(Data::new(pool(url)))
        }

        #[post("/orders")]
        #[idempotent(strategy = "dedup_table")]
        async fn guarded(order: Json<Order>, mut tx: Tx<$database>) -> Result<HttpResponse, Error> {
            let write = query($write).bind(&order.sku).bind(order.quantity);
            write.execute(&mut *tx).await.map_err(ErrorInternalServerError)?;
            Ok(HttpResponse::Created().json(order))
        }

        #[post("/orders")]
        async fn by_hand(asked: Asked, pool: Data<$pool>) -> Result<HttpResponse, Error> {
            by_hand_in(&asked, &pool).await.map_err(ErrorInternalServerError)
        }

        #[post("/orders")]
        async fn by_hand_as_guarded(
            asked: Asked,
            pool: Data<$pool>,
        ) -> Result<HttpResponse, Error> {
            let answered = $as_guarded::answered(&asked, &pool, $write).await;
            answered.map_err(ErrorInternalServerError)
        }

        async fn by_hand_in(asked: &Asked, pool: &$pool) -> Result<HttpResponse, sqlx::Error> {
            let ttl = i64::try_from(TTL.as_millis()).expect("not so long");
            let mut tx = pool.begin_with($begin).await?;
            let key = asked.key.as_slice();
            let claim = query($claim).bind(key).bind(asked.fingerprint.as_slice());
            let claimed = claim.bind(ttl).execute(&mut *tx).await?;
            if claimed.rows_affected() == 0 {
                let look = query_as($look).bind(key).fetch_one(&mut *tx).await?;
                let (fingerprint, answer): (Vec<u8>, Vec<u8>) = look;
                tx.rollback().await?;
                return Ok(asked.replayed(&fingerprint, answer));
            }
            let write = query($write).bind(&asked.order.sku).bind(asked.order.quantity);
            write.execute(&mut *tx).await?;
            let answer = serde_json::to_vec(&asked.order).expect("JSON");
            let complete = query($complete).bind(&answer).bind(key).execute(&mut *tx).await?;
            assert_eq!(complete.rows_affected(), 1, "it is ours");
            tx.commit().await?;
            Ok(created(answer))
        }

        #[post("/orders")]
        async fn bare(order: Json<Order>, pool: Data<$pool>) -> Result<HttpResponse, Error> {
            let written = async {
                let mut tx = pool.begin().await?;
                let write = query($write).bind(&order.sku).bind(order.quantity);
                write.execute(&mut *tx).await?;
                tx.commit().await
            };
            written.await.map_err(ErrorInternalServerError)?;
            Ok(HttpResponse::Created().json(order))
        }
    };
}

pub(crate) mod postgres {
    servers! {
        Postgres, PgPool, std::convert::identity::<sqlx::postgres::PgConnectOptions>,
        begin: "BEGIN; SET LOCAL lock_timeout = 10000",
        schema: "\
CREATE TABLE orders (id bigserial PRIMARY KEY, sku text NOT NULL, quantity int NOT NULL);
CREATE TABLE by_hand (key bytea PRIMARY KEY, fingerprint bytea NOT NULL, ends bigint NOT NULL, answer bytea);
CREATE INDEX by_hand_ends ON by_hand (ends);",
        write: "INSERT INTO orders (sku, quantity) VALUES ($1, $2)",
        claim: "\
INSERT INTO by_hand AS old VALUES ($1, $2, $3 + floor(extract(epoch FROM statement_timestamp()) * 1000)::bigint)
ON CONFLICT (key) DO UPDATE SET fingerprint = excluded.fingerprint, ends = excluded.ends
WHERE old.ends <= floor(extract(epoch FROM statement_timestamp()) * 1000)::bigint",
        as_guarded: postgres,
        look: "SELECT fingerprint, answer FROM by_hand WHERE key = $1",
        complete: "UPDATE by_hand SET answer = $1 WHERE key = $2",
    }
}

pub(crate) mod mariadb {
    servers! {
        MySql, MySqlPool, std::convert::identity::<sqlx::mysql::MySqlConnectOptions>,
        begin: "START TRANSACTION",
        schema: "\
CREATE TABLE orders (id BIGINT PRIMARY KEY AUTO_INCREMENT, sku VARCHAR(64) NOT NULL, quantity INT NOT NULL);
CREATE TABLE by_hand (`key` VARBINARY(32) PRIMARY KEY, fingerprint VARBINARY(32) NOT NULL, ends BIGINT NOT NULL,
                      answer LONGBLOB, KEY (ends));",
        write: "INSERT INTO orders (sku, quantity) VALUES (?, ?)",
        claim: "\
    INSERT IGNORE INTO by_hand (`key`, fingerprint, ends) VALUES (?, ?, ? + \
    TIMESTAMPDIFF(MICROSECOND, TIMESTAMP'1970-01-01 00:00:00', UTC_TIMESTAMP(3)) DIV 1000)",
        as_guarded: mariadb,
        look: "SELECT fingerprint, answer FROM by_hand WHERE `key` = ?",
        complete: "UPDATE by_hand SET answer = ? WHERE `key` = ?",
    }
}

pub(crate) mod sqlite {
    use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};

    fn durable(options: SqliteConnectOptions) -> SqliteConnectOptions {
        let options = options.journal_mode(SqliteJournalMode::Wal);
        options
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(std::time::Duration::from_secs(10))
    }

    servers! {
        Sqlite, SqlitePool, durable,
        begin: "BEGIN IMMEDIATE",
        schema: "\
CREATE TABLE orders (id INTEGER PRIMARY KEY, sku TEXT NOT NULL, quantity INTEGER NOT NULL) STRICT;
CREATE TABLE by_hand (key BLOB PRIMARY KEY, fingerprint BLOB NOT NULL, ends INTEGER NOT NULL, answer BLOB) STRICT;
CREATE INDEX by_hand_ends ON by_hand (ends);",
        write: "INSERT INTO orders (sku, quantity) VALUES (?, ?)",
        claim: "\
INSERT INTO by_hand (key, fingerprint, ends) VALUES (?, ?, ? + unixepoch() * 1000)
ON CONFLICT (key) DO UPDATE SET fingerprint = excluded.fingerprint, ends = excluded.ends
WHERE ends <= unixepoch() * 1000",
        as_guarded: sqlite,
        look: "SELECT fingerprint, answer FROM by_hand WHERE key = ?",
        complete: "UPDATE by_hand SET answer = ? WHERE key = ?",
    }
}
