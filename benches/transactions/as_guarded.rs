//! Handlers by hand that send the statements of the guard, in as many round trips: they keep all of its promises in the
//! database.
//!
//! Beside a claim and an answer these are: a failure can be stored without its effects; who waits for a key is told in
//! time, and the handler has the pool's own time for locks again; a transaction whose process is suspended ends; a
//! record is exchanged against its own bytes; an operator sees whose record it is.

use crate::by_hand::{Asked, created, hex};
use actix_web::HttpResponse;

/// The bytes of a claim: the fingerprint, its owner, and as much more as the guard's records have.
fn claimed(asked: &Asked) -> Vec<u8> {
    let owner: [u8; 16] = rand::random();
    [&asked.fingerprint[..], &owner, &[0; 48]].concat()
}

/// The bytes of an answer, with its fingerprint and as much more as the guard's records have.
fn completed(asked: &Asked, answer: &[u8]) -> Vec<u8> {
    [&asked.fingerprint[..], &[0; 64], answer].concat()
}

/// The answer in a record.
fn replayed(asked: &Asked, record: &[u8]) -> HttpResponse {
    asked.replayed(&record[..32], record[96..].to_vec())
}

pub(crate) mod postgres {
    use super::{Asked, HttpResponse, claimed, completed, created, hex, replayed};
    use crate::by_hand::TTL;
    use sqlx::{AssertSqlSafe, PgPool, query, query_as};

    pub(crate) const SCHEMA: &str = "\
CREATE TABLE as_guarded (key bytea PRIMARY KEY, value bytea NOT NULL, ends bigint NOT NULL, operation text NOT NULL,
                         label text NOT NULL, state text NOT NULL);
CREATE INDEX as_guarded_ends ON as_guarded (ends);";

    const LOOK: &str = "\
SELECT value, ends > floor(extract(epoch FROM statement_timestamp()) * 1000)::bigint FROM as_guarded WHERE key = $1";

    const COMPLETE: &str = "\
UPDATE as_guarded SET value = $2, ends = $3 + floor(extract(epoch FROM statement_timestamp()) * 1000)::bigint,
    operation = $4, label = $5, state = $6
WHERE key = $1 AND value = $7 AND ends > floor(extract(epoch FROM statement_timestamp()) * 1000)::bigint";

    pub(crate) async fn answered(
        asked: &Asked,
        pool: &PgPool,
        write: &'static str,
    ) -> Result<HttpResponse, sqlx::Error> {
        let (ttl, key, claimed) = (TTL.as_millis(), asked.key.as_slice(), claimed(asked));
        let (key_digits, digits, label) = (hex(key), hex(&claimed), hex(key)[..8].to_owned());
        let mut tx = pool
            .begin_with(AssertSqlSafe(format!(
                r"BEGIN; SET LOCAL lock_timeout = 10000; SET LOCAL idle_in_transaction_session_timeout = 60000;
SET LOCAL client_connection_check_interval = 1000;
INSERT INTO as_guarded (key, value, ends, operation, label, state) VALUES (E'\\x{key_digits}', E'\\x{digits}',
    {ttl} + floor(extract(epoch FROM statement_timestamp()) * 1000)::bigint, E'guarded', E'{label}', E'in progress')
ON CONFLICT (key) DO NOTHING; SAVEPOINT handler; SET LOCAL lock_timeout = '0'"
            )))
            .await?;
        let look = query_as(LOOK).bind(key).fetch_one(&mut *tx).await?;
        let (there, is_alive): (Vec<u8>, bool) = look;
        assert!(is_alive, "it lives for a day");
        if there != claimed {
            return Ok(replayed(asked, &there));
        }
        let write = query(write).bind(&asked.order.sku).bind(asked.order.quantity);
        write.execute(&mut *tx).await?;
        let answer = serde_json::to_vec(&asked.order).expect("JSON");
        let complete = query(COMPLETE)
            .bind(key)
            .bind(completed(asked, &answer))
            .bind(i64::try_from(ttl).expect("not so long"))
            .bind("guarded")
            .bind(label)
            .bind("completed")
            .bind(claimed);
        assert_eq!(complete.execute(&mut *tx).await?.rows_affected(), 1, "it is ours");
        tx.commit().await?;
        Ok(created(answer))
    }
}

pub(crate) mod mariadb {
    use super::{Asked, HttpResponse, claimed, completed, created, hex, replayed};
    use crate::by_hand::TTL;
    use sqlx::mysql::MySqlDatabaseError;
    use sqlx::{AssertSqlSafe, MySqlPool, Row, query, raw_sql};

    pub(crate) const SCHEMA: &str = "\
CREATE TABLE as_guarded (`key` VARBINARY(32) PRIMARY KEY, value LONGBLOB NOT NULL, ends BIGINT NOT NULL,
                         operation TEXT NOT NULL, label TEXT NOT NULL, state VARCHAR(32) NOT NULL, KEY (ends))
DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;";

    const NOW: &str =
        "TIMESTAMPDIFF(MICROSECOND, TIMESTAMP'1970-01-01 00:00:00', UTC_TIMESTAMP(3)) DIV 1000";

    const LEAVE: &str = "SET SESSION innodb_lock_wait_timeout = @wait, SESSION autocommit = @auto";

    pub(crate) async fn answered(
        asked: &Asked,
        pool: &MySqlPool,
        write: &'static str,
    ) -> Result<HttpResponse, sqlx::Error> {
        let (ttl, key, claimed) = (TTL.as_millis(), asked.key.as_slice(), claimed(asked));
        let (key_digits, digits, label) = (hex(key), hex(&claimed), hex(key)[..8].to_owned());
        let label_digits = hex(label.as_bytes());
        let mut connection = pool.acquire().await?;
        let begun = raw_sql(AssertSqlSafe(format!(
            "SET @wait = @@SESSION.innodb_lock_wait_timeout, @auto = @@SESSION.autocommit,
SESSION innodb_lock_wait_timeout = 10, SESSION autocommit = 0; START TRANSACTION;
INSERT INTO as_guarded (`key`, value, ends, operation, label, state) VALUES (x'{key_digits}', x'{digits}',
    {ttl} + {NOW}, _utf8mb4 x'67756172646564', _utf8mb4 x'{label_digits}', _utf8mb4 x'696e2070726f6772657373')
ON DUPLICATE KEY UPDATE ends = IF(ends <= {NOW}, VALUES(ends), ends + 18446744073709551615),
    value = VALUES(value), operation = VALUES(operation), label = VALUES(label), state = VALUES(state);
SAVEPOINT handler; SET SESSION innodb_lock_wait_timeout = @wait"
        )));
        if let Err(error) = begun.execute(&mut *connection).await {
            let number = error.as_database_error().and_then(|error| error.try_downcast_ref());
            if number.map(MySqlDatabaseError::number) != Some(1690) {
                return Err(error);
            }
            let look = raw_sql(AssertSqlSafe(format!(
                "SELECT value FROM as_guarded WHERE `key` = x'{key_digits}' AND ends > {NOW}; ROLLBACK; {LEAVE}"
            )));
            let rows = look.fetch_all(&mut *connection).await?;
            let there: Vec<u8> = rows[0].try_get(0)?;
            return Ok(replayed(asked, &there));
        }
        let write = query(write).bind(&asked.order.sku).bind(asked.order.quantity);
        write.execute(&mut *connection).await?;
        let answer = serde_json::to_vec(&asked.order).expect("JSON");
        let complete = query(AssertSqlSafe(format!(
            "BEGIN NOT ATOMIC UPDATE as_guarded SET value = ?, ends = ? + {NOW}, operation = ?, label = ?, state = ?
WHERE `key` = ? AND value = ? AND ends > {NOW}; IF ROW_COUNT() <> 1 THEN SIGNAL SQLSTATE 'GONE1'; END IF;
RELEASE SAVEPOINT handler; COMMIT; {LEAVE}; END"
        )));
        let complete = complete
            .bind(completed(asked, &answer))
            .bind(i64::try_from(ttl).expect("not so long"))
            .bind("guarded")
            .bind(label)
            .bind("completed")
            .bind(key)
            .bind(claimed);
        complete.execute(&mut *connection).await?;
        Ok(created(answer))
    }
}

pub(crate) mod sqlite {
    use super::{Asked, HttpResponse, claimed, completed, created, replayed};
    use crate::by_hand::TTL;
    use sqlx::{SqlitePool, query, query_scalar, raw_sql};
    use std::time::{SystemTime, UNIX_EPOCH};

    pub(crate) const SCHEMA: &str = "\
CREATE TABLE as_guarded (key BLOB PRIMARY KEY, value BLOB NOT NULL, ends INTEGER NOT NULL, operation TEXT NOT NULL,
                         label TEXT NOT NULL, state TEXT NOT NULL) STRICT;
CREATE INDEX as_guarded_ends ON as_guarded (ends);";

    const CLAIM: &str = "\
INSERT INTO as_guarded (key, value, ends, operation, label, state) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (key) DO UPDATE SET value = excluded.value, ends = excluded.ends, operation = excluded.operation,
    label = excluded.label, state = excluded.state WHERE ends <= ?";

    const COMPLETE: &str = "\
UPDATE as_guarded SET value = ?, ends = ?, operation = ?, label = ?, state = ?
WHERE key = ? AND value = ? AND ends > ?";

    pub(crate) async fn answered(
        asked: &Asked,
        pool: &SqlitePool,
        write: &'static str,
    ) -> Result<HttpResponse, sqlx::Error> {
        let now = || {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later");
            i64::try_from(since.as_millis()).expect("not so late")
        };
        let ttl = i64::try_from(TTL.as_millis()).expect("not so long");
        let (key, claimed) = (asked.key.as_slice(), claimed(asked));
        let label = super::hex(key)[..8].to_owned();
        let mut tx = pool.begin_with("BEGIN IMMEDIATE").await?;
        let claim = query(CLAIM).bind(key).bind(&claimed).bind(now() + ttl);
        let claim = claim.bind("guarded").bind(&label).bind("in progress").bind(now());
        if claim.execute(&mut *tx).await?.rows_affected() == 0 {
            let look = query_scalar("SELECT value FROM as_guarded WHERE key = ?").bind(key);
            let there: Vec<u8> = look.fetch_one(&mut *tx).await?;
            tx.rollback().await?;
            return Ok(replayed(asked, &there));
        }
        raw_sql("SAVEPOINT handler").execute(&mut *tx).await?;
        let write = query(write).bind(&asked.order.sku).bind(asked.order.quantity);
        write.execute(&mut *tx).await?;
        let answer = serde_json::to_vec(&asked.order).expect("JSON");
        let complete = query(COMPLETE)
            .bind(completed(asked, &answer))
            .bind(now() + ttl)
            .bind("guarded")
            .bind(&label)
            .bind("completed")
            .bind(key)
            .bind(&claimed)
            .bind(now());
        assert_eq!(complete.execute(&mut *tx).await?.rows_affected(), 1, "it is ours");
        tx.commit().await?;
        Ok(created(answer))
    }
}
