//! A consumer that writes into a database and stops at a given step, to be killed.
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
use std::path::PathBuf;
use std::time::Duration;

struct SteppedHandler {
    messages: Messages,
    step: String,
    /// A file that exists while another system is down.
    down: PathBuf,
}

/// The name of no step: the consumer does not stop, and messages do as they say.
const SOAKS: &str = "soaks";

impl SteppedHandler {
    #[idempotent(strategy = "message", operation = "book", key = "{id}", engine = "self.messages")]
    async fn book(&self, id: &str, mut tx: Tx<Sqlite>) -> Result<(), Failure> {
        let insert = sqlx::query("INSERT INTO effects (id) VALUES (?)").bind(id.to_owned());
        insert.execute(&mut *tx).await.map_err(Failure::later)?;
        self.linger().await;
        self.reach("before the record").await;
        Ok(())
    }

    /// Does as a message of a soak says; others fail while another system is down.
    async fn soaks(&self, id: &str) -> Result<(), Failure> {
        self.linger().await;
        match id.split('-').next() {
            Some("kills") => std::process::abort(),
            Some("cannot") => return Err(Failure::never("no such account")),
            _ => {}
        }
        if !self.down.exists() {
            return Ok(());
        }
        let pause = Duration::from_millis(rand::random_range(50..500));
        let is_known = rand::random_range(0..20) == 0;
        Err(if is_known {
            Failure::pause(pause, "it is down")
        } else {
            Failure::later("it is down")
        })
    }

    /// Lets a process die here, now and then.
    async fn linger(&self) {
        if self.step == SOAKS {
            tokio::time::sleep(Duration::from_millis(rand::random_range(0..20))).await;
        }
    }

    async fn handle(&self, incoming: Incoming) -> Result<(), Failure> {
        let id = str::from_utf8(incoming.payload()).map_err(Failure::undecodable)?;
        if self.step == "slowly" {
            // Other messages are processed at the same time, if they may be.
            tokio::time::sleep(Duration::from_millis(if id == "kills" { 50 } else { 100 })).await;
            if id == "kills" {
                std::process::abort();
            }
        }
        if self.step == SOAKS {
            self.soaks(id).await?;
        }
        match incoming.messages() {
            Ok(messages) => self.guarded_by(messages).book(id).await?,
            Err(_) => self.book(id).await?,
        }
        self.linger().await;
        self.reach("before the acknowledgement").await;
        Ok(())
    }

    fn guarded_by(&self, messages: &Messages) -> Self {
        Self { messages: messages.clone(), step: self.step.clone(), down: self.down.clone() }
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
    let step = step.first().cloned().unwrap_or_default();
    let down = PathBuf::from(database).with_extension("down");
    let orders = SteppedHandler { messages, step, down };
    if kind == "stream" {
        let stream = RedisStream::new(url, queue, group)?;
        let idle = Duration::from_millis(if orders.step == SOAKS { 1000 } else { 300 });
        consume(stream.take_over_after(idle), orders).await
    } else {
        consume(AmqpQueue::new(url, queue)?, orders).await
    }
}

async fn consume(source: impl Source, orders: SteppedHandler) -> Result<(), Box<dyn Error>> {
    let soon = (Duration::from_millis(20), Duration::from_millis(100));
    let mut consumer = Consumer::of(source).delays(soon.0, soon.1);
    if orders.step == SOAKS {
        consumer = consumer.guarded_by(&orders.messages);
    }
    let orders = std::sync::Arc::new(orders);
    let handler = move |incoming| {
        let orders = std::sync::Arc::clone(&orders);
        async move { orders.handle(incoming).await }
    };
    Ok(consumer.run(pending(), handler).await?)
}
