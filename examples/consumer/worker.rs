//! A consumer, as a process of its own.

use crate::ledger::Ledger;
use crate::queue::Queue;
use idempotent_runtime::consume::{AmqpQueue, Consumer, Failure, Incoming, RedisStream, Source};
use idempotent_runtime::idempotent;
use idempotent_runtime::message::Messages;
use idempotent_runtime::transaction::Tx;
use serde::{Deserialize, Serialize};
use sqlx::Sqlite;
use std::error::Error;
use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

#[derive(Deserialize, Serialize)]
pub(crate) struct Payment {
    pub(crate) id: u32,
    pub(crate) cents: u32,
}

/// Makes a payment; its record commits with it.
#[idempotent(strategy = "message", key = "{payment.id}", engine = "messages")]
async fn pay(messages: &Messages, payment: Payment, mut tx: Tx<Sqlite>) -> Result<(), Failure> {
    let insert = sqlx::query("INSERT INTO payments (id, cents) VALUES (?, ?)");
    let insert = insert.bind(payment.id).bind(payment.cents).execute(&mut *tx);
    insert.await.map(drop).map_err(Failure::later)
}

/// Consumes until the standard input ends.
pub(crate) async fn work(queue: &Queue, ledger: &Path) -> Result<(), Box<dyn Error>> {
    if queue.is_redis() {
        // This is short, so that messages of a killed consumer are delivered again soon.
        let stream = RedisStream::new(&*queue.url, &*queue.name, "ledger")?;
        consume(stream.take_over_after(Duration::from_secs(1)), ledger).await
    } else {
        consume(AmqpQueue::new(&queue.url, &*queue.name)?, ledger).await
    }
}

async fn consume(source: impl Source, ledger: &Path) -> Result<(), Box<dyn Error>> {
    let ledger = Ledger::open(ledger).await?;
    let messages = Messages::connect("memory:").await?.scope("ledger");
    let messages = messages.database(ledger.pool.clone()).build()?;
    let handler = move |incoming: Incoming| {
        let (ledger, messages) = (ledger.clone(), messages.clone());
        async move {
            let payment: Payment = incoming.json()?;
            ledger.record_delivery(payment.id).await.map_err(Failure::later)?;
            pay(&messages, payment).await
        }
    };
    let stop = async {
        let ended = tokio::task::spawn_blocking(|| io::stdin().read_line(&mut String::new()));
        drop(ended.await);
    };
    Ok(Consumer::of(source).prefetch(8).run(stop, handler).await?)
}

/// A consumer that this program started.
pub(crate) struct Worker(Child);

impl Worker {
    pub(crate) fn start(queue: &Queue, ledger: &Path) -> io::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["--queue", &queue.url, "--name", &queue.name, "work"]).arg(ledger);
        command.stdin(Stdio::piped()).spawn().map(Self)
    }

    /// Kills the consumer, as `kill -9` does.
    pub(crate) fn kill(&mut self) -> io::Result<()> {
        self.0.kill()?;
        self.0.wait().map(drop)
    }

    /// Stops the consumer after it finished its messages in progress.
    pub(crate) fn stop(mut self) -> io::Result<()> {
        drop(self.0.stdin.take());
        self.0.wait().map(drop)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // A consumer that has ended already cannot be killed; that is fine.
        let _ = self.0.kill();
    }
}
