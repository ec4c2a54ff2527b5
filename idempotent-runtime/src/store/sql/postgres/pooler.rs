//! Whether a connection is a session of the server, or a pooler deals sessions out for each transaction.

use crate::store::sql::login::Login;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection, Row};
use std::time::Duration;
use tokio::time::timeout;

/// How long a second connection has to open, and to begin a transaction.
const PATIENCE: Duration = Duration::from_millis(300);

/// How often the first connection is asked: a pooler may deal its sessions out in turn.
const TIMES: usize = 3;

const SHARED: &str = "\
connections share sessions of the server, as those of PgBouncer with `pool_mode = transaction`: settings and \
prepared statements of one would be those of others; use `pool_mode = session` for this database and user";

/// Refuses connections whose session changes while another connection is in a transaction.
///
/// By simple queries alone, which every pooler passes on. Nothing is set before it, since others have the session
/// next.
pub(super) async fn refuse_shared_sessions(
    first: &mut PgConnection,
    login: &Login<PgConnectOptions>,
) -> Result<(), sqlx::Error> {
    let own = session(first).await?;
    // Whoever may have one connection alone shares it with nobody.
    let Ok(Ok(mut second)) = timeout(PATIENCE, login.open()).await else { return Ok(()) };
    let begun = async {
        sqlx::raw_sql("BEGIN").execute(&mut second).await?;
        session(&mut second).await
    };
    // The first has the only session, and keeps it.
    let Ok(other) = timeout(PATIENCE, begun).await else { return Ok(()) };
    let mut is_shared = other? == own;
    for _ in 0..TIMES {
        is_shared = is_shared || session(first).await? != own;
    }
    let ended = async {
        sqlx::raw_sql("ROLLBACK").execute(&mut second).await?;
        second.close().await
    };
    drop(timeout(PATIENCE, ended).await);
    if is_shared { Err(sqlx::Error::Configuration(SHARED.into())) } else { Ok(()) }
}

async fn session(connection: &mut PgConnection) -> Result<i32, sqlx::Error> {
    sqlx::raw_sql("SELECT pg_backend_pid()").fetch_one(connection).await?.try_get(0)
}
