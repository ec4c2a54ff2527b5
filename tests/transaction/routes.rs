//! Handlers that work in the transaction of their guard.

use actix_web::{Error, HttpResponse, Responder, error, post, web};
use idempotent_runtime::{Tx, idempotent};
use sqlx::Sqlite;
use tests::Stage;

pub(crate) fn all(config: &mut web::ServiceConfig) {
    config.service(dedup).service(impatient).service(optional).service(rejecting).service(twice);
}

type Hand = web::Data<Stage>;

/// An effect, and then what the test says.
async fn act(tx: &mut Tx<Sqlite>, stage: &Stage) -> Result<HttpResponse, Error> {
    let insert = sqlx::query("INSERT INTO effects (what) VALUES ('done')");
    insert.execute(&mut **tx).await.map_err(error::ErrorInternalServerError)?;
    Ok(stage.perform().await)
}

#[post("/dedup")]
#[idempotent(strategy = "dedup_table", wait = "1m")]
async fn dedup(mut tx: Tx<Sqlite>, stage: Hand, _body: web::Bytes) -> impl Responder {
    act(&mut tx, &stage).await
}

#[post("/impatient")]
#[idempotent(strategy = "dedup_table", wait = "50ms")]
async fn impatient(mut tx: Tx<Sqlite>, stage: Hand) -> impl Responder {
    act(&mut tx, &stage).await
}

#[post("/optional")]
#[idempotent(strategy = "dedup_table", required = false)]
async fn optional(stage: Hand, mut tx: Tx<Sqlite>) -> Result<impl Responder, Error> {
    act(&mut tx, &stage).await
}

#[post("/rejecting")]
#[idempotent(strategy = "dedup_table", on_duplicate = "reject")]
async fn rejecting(stage: Hand, mut tx: Tx<Sqlite>) -> impl Responder {
    act(&mut tx, &stage).await
}

/// Asks for the transaction a second time, which there is not.
#[post("/twice")]
#[idempotent(strategy = "dedup_table")]
async fn twice(mut one: Tx<Sqlite>, mut other: Tx<Sqlite>, stage: Hand) -> impl Responder {
    let _ = act(&mut one, &stage).await;
    act(&mut other, &stage).await
}
