//! A consumer that works in a database and stands still where it is told to, to be killed.
//!
//! `consuming KIND URL QUEUE GROUP DATABASE [STEP]`

use idempotent_runtime::consume::{AmqpQueue, Consumer, Failure, Incoming, RedisStream, Source};
use idempotent_runtime::idempotent;
use idempotent_runtime::message::Messages;
use idempotent_runtime::transaction::Tx;
use sqlx::Sqlite;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use std::error::Error;
use std::future::pending;
use std::io::{Write, stdout};
use std::time::Duration;

struct SteppedHandler {
    messages: Messages,
    step: String,
}

impl SteppedHandler {
    #[idempotent(strategy = "message", operation = "book", key = "{id}", engine = "self.messages")]
    async fn book(&self, id: &str, mut tx: Tx<Sqlite>) -> Result<(), Failure> {
        let insert = sqlx::query("INSERT INTO effects (id) VALUES (?)").bind(id.to_owned());
        insert.execute(&mut *tx).await.map_err(Failure::later)?;
        self.reach("before the record").await;
        Ok(())
    }

    async fn handle(&self, incoming: Incoming) -> Result<(), Failure> {
        let id = str::from_utf8(incoming.payload()).map_err(Failure::undecodable)?;
        if self.step == "slowly" {
            // The others are worked on beside it, if they may be.
            tokio::time::sleep(Duration::from_millis(if id == "kills" { 50 } else { 100 })).await;
            if id == "kills" {
                std::process::abort();
            }
        }
        self.book(id).await?;
        self.reach("before the acknowledgement").await;
        Ok(())
    }

    async fn reach(&self, step: &str) {
        if self.step == step {
            println!("reached");
            stdout().flush().expect("somebody listens");
            pending::<()>().await;
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [kind, url, queue, group, database, step @ ..] = &arguments[..] else {
        return Err("five arguments".into());
    };
    let options =
        SqliteConnectOptions::new().filename(database).busy_timeout(Duration::from_mins(1));
    let pool = SqlitePool::connect_with(options).await?;
    let messages = Messages::connect("memory:").await?.scope("tests").database(pool).build()?;
    let orders = SteppedHandler { messages, step: step.first().cloned().unwrap_or_default() };
    if kind == "stream" {
        let stream = RedisStream::new(url, queue, group)?;
        consume(stream.take_over_after(Duration::from_millis(300)), orders).await
    } else {
        consume(AmqpQueue::new(url, queue)?, orders).await
    }
}

async fn consume(source: impl Source, orders: SteppedHandler) -> Result<(), Box<dyn Error>> {
    let orders = std::sync::Arc::new(orders);
    let handler = move |incoming| {
        let orders = std::sync::Arc::clone(&orders);
        async move { orders.handle(incoming).await }
    };
    let soon = (Duration::from_millis(20), Duration::from_millis(100));
    Ok(Consumer::of(source).delays(soon.0, soon.1).run(pending(), handler).await?)
}
