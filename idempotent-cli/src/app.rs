//! The engine by which commands read records. It has the app's store, database, namespace and secret.

use crate::failure::Failure;
use crate::options::Options;
use crate::store::{StoreKind, database_url, open};
use idempotent_runtime::key::Guard;
use idempotent_runtime::records::RecordView;
use idempotent_runtime::store::Store;
use idempotent_runtime::{Idempotency, IdempotencyBuilder, Scope};
use sqlx::{MySqlPool, PgPool, SqlitePool};
use std::sync::Arc;

/// Whether the app tells hosts apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hosts {
    One,
    Many,
}

/// Opens the store, and builds the engine on it.
///
/// # Errors
/// When the options name no store or database, or the store does not open.
pub(crate) async fn build(options: &Options, hosts: Hosts) -> Result<Idempotency, Failure> {
    on(open(options).await?, options, hosts)
}

/// Builds the engine on this store.
///
/// # Errors
/// When the options contradict each other.
pub(crate) fn on(
    store: Arc<dyn Store>,
    options: &Options,
    hosts: Hosts,
) -> Result<Idempotency, Failure> {
    let builder = Idempotency::builder(store)
        .scope(Scope::shared())
        .namespace(options.namespace.as_deref().unwrap_or_default())
        .store_patience(options.patience())
        // Looking at records breaks no promise, so findings do not matter here; `doctor` reports them.
        .without_check();
    let builder = match options.key_secret()? {
        Some(secret) => builder.key_secret(secret),
        None => builder,
    };
    let builder = match hosts {
        Hosts::One => builder,
        Hosts::Many => builder.host_is_identity(),
    };
    let builder = match database_url(options)? {
        Some((kind, url)) => with_database(builder, kind, &url)?,
        None => builder,
    };
    builder.build().map_err(|error| Failure::Usage(error.to_string()))
}

/// Checks that the options say where the app lists its tasks, if the record is a task.
///
/// # Errors
/// When they do not: a task that is put in line elsewhere would never run, without any error.
pub(crate) fn knows_tasks(options: &Options, record: &RecordView) -> Result<(), Failure> {
    if record.guard() == Some(Guard::Task) && options.namespace.is_none() {
        let why = "this is a task, which the app lists by its namespace and key secret: give `--namespace` (`''` if \
                   the app has none), and the key secret if it has one";
        return Err(Failure::Usage(why.to_owned()));
    }
    Ok(())
}

/// Adds the business database, which is connected to when it is first needed.
fn with_database(
    builder: IdempotencyBuilder,
    kind: StoreKind,
    url: &str,
) -> Result<IdempotencyBuilder, Failure> {
    let unread = |error: sqlx::Error| Failure::Usage(format!("the URL of the database: {error}"));
    Ok(match kind {
        StoreKind::Sqlite => builder.database(SqlitePool::connect_lazy(url).map_err(unread)?),
        StoreKind::Postgres => builder.database(PgPool::connect_lazy(url).map_err(unread)?),
        StoreKind::MySql => builder.database(MySqlPool::connect_lazy(url).map_err(unread)?),
        StoreKind::Redis => {
            return Err(Failure::Usage("Redis is not a business database".to_owned()));
        }
    })
}
