//! The engine that commands look at records with, as the app built it: its store, database, namespace and secret.

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

/// The engine on a store that is open.
///
/// # Errors
/// When the options name no store or database, or the store does not open.
pub(crate) async fn build(options: &Options, hosts: Hosts) -> Result<Idempotency, Failure> {
    on(open(options).await?, options, hosts)
}

/// The same on this store.
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
        // Whoever looks changes no promise; `doctor` tells what breaks one.
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

/// Whether the options say where the app lists its tasks, if the record is one.
///
/// # Errors
/// When they do not: a task that is put in line at another place runs never, and nobody would be told.
pub(crate) fn knows_tasks(options: &Options, record: &RecordView) -> Result<(), Failure> {
    if record.guard() == Some(Guard::Task) && options.namespace.is_none() {
        let why = "this is a task, which the app lists by its namespace and key secret: give `--namespace`, and the \
                   secret if there is one; `--namespace ''` is that of an app without a name";
        return Err(Failure::Usage(why.to_owned()));
    }
    Ok(())
}

/// Connects when the database is first needed.
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
