//! Handlers that work in the transaction of their guard.

use actix_web::{Error, HttpResponse, Responder, error, post, web};
use idempotent_runtime::{States, Tx, idempotent};
use sqlx::Sqlite;
use tests::Stage;

pub(crate) fn all(config: &mut web::ServiceConfig) {
    config
        .service(dedup)
        .service(impatient)
        .service(optional)
        .service(rejecting)
        .service(twice)
        .service(versioned)
        .service(accepting)
        .service(versioned_with_key)
        .service(pay)
        .service(complete)
        .service(cancel)
        .service(raise)
        .service(row)
        .service(row_impatient);
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

#[post("/versioned/{id}")]
#[idempotent(strategy = "version", table = "things", id = "{path.id}")]
async fn versioned(stage: Hand, mut tx: Tx<Sqlite>) -> impl Responder {
    act(&mut tx, &stage).await
}

#[post("/accepting/{id}")]
#[idempotent(strategy = "version", table = "things", id = "{path.id}", on_duplicate = "accept")]
async fn accepting(stage: Hand, mut tx: Tx<Sqlite>) -> impl Responder {
    act(&mut tx, &stage).await
}

#[post("/versioned-with-key/{id}")]
#[idempotent(
    strategy = "version",
    table = "things",
    id = "{path.id}",
    key = "{header.Idempotency-Key}"
)]
async fn versioned_with_key(stage: Hand, mut tx: Tx<Sqlite>) -> impl Responder {
    act(&mut tx, &stage).await
}

#[derive(States)]
enum Status {
    #[to(Paid, Cancelled)]
    Created,
    #[to(Completed)]
    Paid,
    Completed,
    Cancelled,
}

#[derive(States)]
enum Level {
    #[to(High)]
    Low = 1,
    High = 5,
}

#[post("/pay/{id}")]
#[idempotent(strategy = "state", table = "things", id = "{path.id}", from = Status::Created, to = Status::Paid)]
async fn pay(stage: Hand, mut tx: Tx<Sqlite>) -> impl Responder {
    act(&mut tx, &stage).await
}

#[post("/complete/{id}")]
#[idempotent(strategy = "state", table = "things", id = "{path.id}", from = Status::Paid, to = Status::Completed)]
async fn complete(stage: Hand, mut tx: Tx<Sqlite>) -> impl Responder {
    act(&mut tx, &stage).await
}

#[post("/cancel/{id}")]
#[idempotent(strategy = "state", table = "things", id = "{path.id}", from = Status::Created, to = Status::Cancelled)]
async fn cancel(stage: Hand, mut tx: Tx<Sqlite>) -> impl Responder {
    act(&mut tx, &stage).await
}

#[post("/raise/{id}")]
#[idempotent(strategy = "state", table = "things", id = "{path.id}", column = "level", from = Level::Low, to = Level::High)]
async fn raise(stage: Hand, mut tx: Tx<Sqlite>) -> impl Responder {
    act(&mut tx, &stage).await
}

#[post("/row/{id}")]
#[idempotent(strategy = "row_lock", table = "things", id = "{path.id}", wait = "1m")]
async fn row(stage: Hand, mut tx: Tx<Sqlite>) -> impl Responder {
    act(&mut tx, &stage).await
}

#[post("/row-impatient/{id}")]
#[idempotent(strategy = "row_lock", table = "things", id = "{path.id}", wait = "50ms")]
async fn row_impatient(stage: Hand, mut tx: Tx<Sqlite>) -> impl Responder {
    act(&mut tx, &stage).await
}
