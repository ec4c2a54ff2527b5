//! The engine that commands look at records with, as the app built it: its store, database, namespace and secret.

use crate::failure::Failure;
use crate::options::Options;
use crate::store::{StoreKind, database_url, open};
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
fn on(store: Arc<dyn Store>, options: &Options, hosts: Hosts) -> Result<Idempotency, Failure> {
    let builder = Idempotency::builder(store)
        .scope(Scope::shared())
        .namespace(&options.namespace)
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
            return Err(Failure::Usage("Redis is no business database".to_owned()));
        }
    })
}
