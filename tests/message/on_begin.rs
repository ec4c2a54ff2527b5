//! Settings of a function's transaction, which policies of the database read.

use idempotent_runtime::message::{MessageError, Messages};
use idempotent_runtime::transaction::Tx;
use idempotent_runtime::{Idempotency, MemoryStore, Scope, idempotent};
use sqlx::{PgPool, Postgres};
use tests::PostgresServer;

#[derive(Debug)]
enum ReadError {
    Guard(MessageError),
    Database,
}

impl From<MessageError> for ReadError {
    fn from(error: MessageError) -> Self {
        Self::Guard(error)
    }
}

impl From<sqlx::Error> for ReadError {
    fn from(_: sqlx::Error) -> Self {
        Self::Database
    }
}

/// The tenant of its transaction, as a policy would read it.
async fn tenant(tx: &mut Tx<Postgres>) -> Result<String, ReadError> {
    let read = sqlx::query_scalar("SELECT current_setting('app.tenant')");
    Ok(read.fetch_one(&mut **tx).await?)
}

#[idempotent(strategy = "message", key = "{id}", engine = "messages")]
async fn of_the_engine(
    messages: &Messages,
    id: &str,
    mut tx: Tx<Postgres>,
) -> Result<String, ReadError> {
    tenant(&mut tx).await
}

#[idempotent(strategy = "message", key = "{id}", scope = "{of}", engine = "messages")]
async fn of_its_own(
    messages: &Messages,
    id: &str,
    of: &str,
    mut tx: Tx<Postgres>,
) -> Result<String, ReadError> {
    tenant(&mut tx).await
}

#[idempotent(strategy = "message", key = "{id}", engine = "app")]
async fn of_an_app(app: &Idempotency, id: &str, mut tx: Tx<Postgres>) -> Result<String, ReadError> {
    tenant(&mut tx).await
}

#[tokio::test]
async fn a_function_has_the_settings_of_its_scope() {
    let url = PostgresServer::shared().await.database().await;
    let pool = PgPool::connect(&url).await.expect("a database");
    let messages = Messages::builder(MemoryStore::new()).scope("acme").database(pool.clone());
    let messages = messages.on_begin(|scope| [("app.tenant", scope.to_owned())]);
    let messages = messages.build().expect("it fits");
    assert_eq!(of_the_engine(&messages, "1").await.expect("it runs"), "acme");
    assert_eq!(of_its_own(&messages, "2", "other").await.expect("it runs"), "other");

    let app = Idempotency::builder(MemoryStore::new()).scope(Scope::shared()).database(pool);
    let app = app.on_begin(|_| [("app.tenant", "whose?")]).build().expect("it fits");
    let refused = of_an_app(&app, "3").await;
    assert!(
        matches!(refused, Err(ReadError::Guard(MessageError::Misconfigured(_)))),
        "{refused:?}"
    );
}
