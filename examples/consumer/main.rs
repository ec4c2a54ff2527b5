//! Messages are delivered twice, consumers are killed, and each effect still happens once:
//! `cargo run --example consumer -- --queue redis://127.0.0.1/`, or `amqp://127.0.0.1/%2f`.
//!
//! It publishes 1 000 payments and repeats every third, starts three consumers as processes of their own,
//! kills one of them ten times, and counts what they did. A payment and its record commit together.

mod ledger;
mod queue;
mod worker;

use clap::{Parser, Subcommand};
use ledger::Ledger;
use queue::Queue;
use std::error::Error;
use std::path::{Path, PathBuf};
use worker::Worker;

const PAYMENTS: u32 = 1000;
const WORKERS: usize = 3;

#[derive(Parser)]
struct Options {
    /// Where the queue is: `redis://…` or `amqp://…`
    #[arg(long, default_value = "redis://127.0.0.1/")]
    queue: String,
    /// The name of the queue; a new name for each run, unless it is given.
    #[arg(long, default_value_t = format!("payments-{}", ulid::Ulid::generate()))]
    name: String,
    /// The number of times that a consumer is killed.
    #[arg(long, default_value_t = 10)]
    kills: u32,
    #[command(subcommand)]
    role: Option<Role>,
}

#[derive(Subcommand)]
enum Role {
    /// Consumes until its standard input ends: this program starts such processes, and kills them.
    #[command(hide = true)]
    Work { ledger: PathBuf },
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let Options { queue, name, kills, role } = Options::parse();
    let queue = Queue { url: queue, name };
    match role {
        Some(Role::Work { ledger }) => worker::work(&queue, &ledger).await,
        None => {
            let directory = tempfile::tempdir()?;
            publish_and_kill(&queue, kills, &directory.path().join("ledger.db")).await
        }
    }
}

async fn publish_and_kill(queue: &Queue, kills: u32, path: &Path) -> Result<(), Box<dyn Error>> {
    let ledger = Ledger::open(path).await?;
    let mut workers = Vec::new();
    for _ in 0..WORKERS {
        workers.push(Worker::start(queue, path)?);
    }
    let killing = async {
        for kill in 0..kills {
            // The kills are spread over the payments, so that each hits a consumer at work.
            ledger.wait_for_payments(PAYMENTS / (kills + 1) * (kill + 1)).await?;
            let victim = &mut workers[kill as usize % WORKERS];
            victim.kill()?;
            *victim = Worker::start(queue, path)?;
        }
        ledger.wait_for_payments(PAYMENTS).await
    };
    let (published, ()) = tokio::try_join!(queue.publish(PAYMENTS), killing)?;
    // A message may be delivered again after its payment is made: wait for that, too.
    queue.wait_until_empty().await?;
    for worker in workers {
        worker.stop()?;
    }
    let made = ledger.distinct_payments().await?;
    let twice = ledger.payment_rows().await? - made;
    println!("published   {published:>6}  ({PAYMENTS} payments, every third twice)");
    println!("killed      {kills:>6}  consumers at work");
    println!("delivered   {:>6}", ledger.deliveries().await?);
    println!("made        {made:>6}  payments");
    println!("made twice  {twice:>6}");
    println!("dead        {:>6}", queue.dead_letters().await?);
    if made != PAYMENTS || twice != 0 {
        return Err("a payment is missing, or was made twice".into());
    }
    Ok(())
}
