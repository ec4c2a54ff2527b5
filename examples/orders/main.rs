//! The flagship: every strategy behind one server. `cargo run --example orders`
//!
//! Without options it needs nothing: records and business data are `SQLite` files in the current
//! directory. `--help` lists what can be chosen.

mod account;
mod activity;
mod business;
mod ddl;
mod error;
mod metrics;
mod operator;
mod options;
mod routes;
mod simulate;
mod welcome;

use account::Account;
use activity::Activity;
use actix_web::dev::ServerHandle;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpRequest, HttpServer, web};
use anyhow::Context;
use business::Business;
use clap::Parser;
use idempotent_runtime::lock::ZooKeeperLocks;
use idempotent_runtime::store::Severity;
use idempotent_runtime::task::TaskRunner;
use idempotent_runtime::{Idempotency, Scope};
use operator::OperatorCredential;
use options::Options;
use std::io::stderr;
use std::process::ExitCode;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::filter::{EnvFilter, LevelFilter};

/// The time that Ctrl-C waits for handlers under way.
const DRAIN: Duration = Duration::from_secs(30);

/// The seconds that connections have to close once nothing runs.
const CLOSING: u64 = 2;

#[actix_web::main]
async fn main() -> ExitCode {
    // Logs warnings, such as a key that is held or a lease that is lost. `RUST_LOG` asks for more.
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::WARN.into());
    tracing_subscriber::fmt().with_env_filter(filter.from_env_lossy()).with_writer(stderr).init();
    match run(Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("orders ends: {}", told(&error));
            ExitCode::FAILURE
        }
    }
}

/// An error with its causes, unless it quotes them itself.
fn told(error: &anyhow::Error) -> String {
    error.chain().fold(String::new(), |told, cause| match cause.to_string() {
        cause if told.is_empty() => cause,
        cause if told.ends_with(&cause) => told,
        cause => format!("{told}: {cause}"),
    })
}

async fn run(options: Options) -> anyhow::Result<()> {
    if options.print_ddl {
        print!("{}", ddl::of(&options)?);
        return Ok(());
    }
    let operator = OperatorCredential::given(options.operator_token_file.as_deref())?;
    let recorder = web::Data::new(metrics::install().context("the recorder of metrics")?);
    let business = Business::open(&options.database).await.context("--database")?;
    let builder = Idempotency::connect(&options.store).await.context("--store")?;
    let builder = builder.scope(Scope::extract::<Account>()).lease(options.lease);
    let builder = builder.tasks_at_once(options.tasks.into());
    let mut builder = business.guard(builder);
    if let Some(secret) = options.secret() {
        builder = builder.token_secret(secret);
    }
    if let Some(url) = &options.locks {
        builder = builder.locks(ZooKeeperLocks::connect(url).await.context("--locks")?);
    }
    let idempotency = builder.build()?;
    let findings = idempotency.check().await;
    if let Some(broken) = findings.iter().find(|finding| finding.severity == Severity::Error) {
        anyhow::bail!("{broken}");
    }

    let app = idempotency.clone();
    let data = web::Data::new(business);
    let activity = web::Data::new(Activity::default());
    let tasks = TaskRunner::start(&idempotency, {
        let (data, activity) = (data.clone(), activity.clone());
        move |app| {
            app.app_data(data).app_data(activity).configure(routes::all);
        }
    })?;
    // The inspector is mounted only if it has a credential of its own.
    let inspector = operator.map(|credential| {
        idempotency.inspector(move |request: &HttpRequest| credential.check(request))
    });
    let mounted = inspector.clone();
    let server = HttpServer::new(move || {
        let inspector = mounted.clone();
        App::new()
            .app_data(app.clone())
            .app_data(data.clone())
            .app_data(activity.clone())
            .app_data(recorder.clone())
            .wrap(from_fn(activity::noting))
            .service(metrics::show)
            .configure(|config| {
                if let Some(inspector) = inspector {
                    config.service(inspector);
                }
            })
            .configure(routes::all)
    })
    .workers(options.workers.into())
    // Signals are handled here, so that running handlers finish before the server stops.
    .disable_signals()
    .shutdown_timeout(CLOSING)
    .bind(options.addr)
    .with_context(|| format!("--addr {}", options.addr))?;
    // Signals are caught before the address is printed, so that no signal comes too early.
    let signals = Signals::new()?;
    welcome::print(&server.addrs(), &options, &idempotency, &findings, inspector.is_some());
    let server = server.run();
    actix_web::rt::spawn(drain_after(signals, server.handle(), idempotency));
    server.await?;
    drop(tasks);
    Ok(())
}

/// After a signal, starts no new run, lets running ones finish and be stored, and stops the server. A second
/// signal stops it at once.
async fn drain_after(mut signals: Signals, server: ServerHandle, idempotency: Idempotency) {
    signals.next().await;
    println!("finishing running handlers; a second signal ends them at once…");
    let left = tokio::select! {
        left = idempotency.drain(DRAIN) => left,
        () = signals.next() => idempotency.drain(Duration::ZERO).await,
    };
    if left == 0 {
        println!("done");
    } else {
        println!("{left} still running; their keys are free when their leases end");
    }
    server.stop(left == 0).await;
}

/// Ctrl-C and SIGTERM. It catches them as soon as it exists.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        let interrupt = signal(SignalKind::interrupt())?;
        Ok(Self { interrupt, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
