//! The flagship: every strategy behind one server. `cargo run --example orders`
//!
//! Without options it needs nothing: records and business data are `SQLite` files in the current
//! directory. `--help` lists what can be chosen.

mod account;
mod activity;
mod business;
mod error;
mod options;
mod routes;
mod simulate;
mod welcome;

use activity::Activity;
use actix_web::dev::ServerHandle;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer, web};
use business::Business;
use clap::Parser;
use idempotent_runtime::{Idempotency, Scope, ZooKeeperLocks};
use options::Options;
use std::time::Duration;

/// How long Ctrl-C waits for handlers under way.
const DRAIN: Duration = Duration::from_secs(30);

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let options = Options::parse();
    let business = Business::open(&options.database).await?;
    let builder = Idempotency::connect(&options.store).await?;
    let builder = builder.scope(Scope::from_fn(account::scope)).lease(options.lease);
    let builder = builder.tasks_at_once(options.tasks);
    let mut builder = business.guard(builder);
    if let Some(secret) = options.secret() {
        builder = builder.token_secret(secret);
    }
    if let Some(url) = &options.locks {
        builder = builder.locks(ZooKeeperLocks::connect(url).await?);
    }
    let idempotency = builder.build()?;

    let app = idempotency.clone();
    let data = web::Data::new(business);
    let activity = web::Data::new(Activity::default());
    let tasks = idempotency.run_tasks({
        let (data, activity) = (data.clone(), activity.clone());
        move |app| {
            app.app_data(data).app_data(activity).configure(routes::all);
        }
    });
    let server = HttpServer::new(move || {
        App::new()
            .app_data(app.clone())
            .app_data(data.clone())
            .app_data(activity.clone())
            .wrap(from_fn(activity::noting))
            .configure(routes::all)
    })
    .workers(options.workers)
    // Signals are ours: what runs is finished before the server stops.
    .disable_signals()
    .bind(options.addr)?;
    // Before anybody can know that there is something to end.
    let signal = signal()?;
    welcome::print(&server.addrs(), &options, &idempotency);
    let server = server.run();
    actix_web::rt::spawn(drain_after(signal, server.handle(), idempotency));
    server.await?;
    drop(tasks);
    Ok(())
}

/// After the signal: no new runs, the running ones are finished and stored, then the end.
async fn drain_after(
    signal: impl Future<Output = ()>,
    server: ServerHandle,
    idempotency: Idempotency,
) {
    signal.await;
    println!("finishing what runs…");
    match idempotency.drain(DRAIN).await {
        0 => println!("done"),
        left => {
            println!("{left} still running after {DRAIN:?}; their keys are free after the lease");
        }
    }
    server.stop(true).await;
}

/// Listens for Ctrl-C and SIGTERM from now on; the first ends the future.
fn signal() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
