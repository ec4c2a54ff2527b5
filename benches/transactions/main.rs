//! Requests that write one row: with `dedup_table`, with the same promises by hand, and without any.
//!
//! `cargo bench -p benches --bench transactions`, or with names of databases behind it: `-- postgres mariadb`
//!
//! Each has a server with one worker, a pool of their own with eight connections, and the same database with its
//! durable settings. They have their turns in each round; a ratio is that of two turns of one round.

mod as_guarded;
mod by_hand;
mod servers;

use actix_web::web::ServiceConfig;
use actix_web::{App, HttpServer};
use benches::{Load, Requests, row};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use tests::{MariaDbServer, PostgresServer};

/// The body that all handlers take and return.
#[derive(Deserialize, Serialize)]
pub(crate) struct Order {
    sku: String,
    quantity: i32,
}

/// Connections of clients, and of each pool.
const CLIENTS: usize = 16;
pub(crate) const CONNECTIONS: u32 = 8;

/// An odd number, so that there is a median.
const ROUNDS: usize = 21;
const TURN: Duration = Duration::from_millis(250);

/// Adds a handler to a server whose database is at this address.
type Configure = fn(&mut ServiceConfig, &str);

/// The handlers that are compared on one database. Two are by hand: a plain one, and one that sends the statements of the
/// guard.
#[derive(Clone, Copy)]
pub(crate) struct Sides {
    pub(crate) guarded: Configure,
    pub(crate) by_hand: Configure,
    pub(crate) as_guarded: Configure,
    pub(crate) bare: Configure,
}

/// A load on a server with one worker on threads of its own.
fn serve(configure: Configure, url: &str) -> Load {
    let (ready, started) = mpsc::channel::<SocketAddr>();
    let url = url.to_owned();
    thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let app = move || App::new().configure(|config| configure(config, &url));
            let server =
                HttpServer::new(app).workers(1).bind(("127.0.0.1", 0)).expect("a free port");
            ready.send(server.addrs()[0]).expect("somebody waits");
            server.run().await.expect("it serves");
        });
    });
    Load::new(started.recv().expect("it starts"), "/orders", CLIENTS)
}

async fn compare(name: &str, sides: Sides, url: &str) {
    let loads =
        [sides.guarded, sides.by_hand, sides.as_guarded, sides.bare].map(|side| serve(side, url));
    for (what, requests) in [("new", Requests::New), ("replay", Requests::Repeated)] {
        let mut rates = [const { Vec::new() }; 4];
        // A first round to warm up, which does not count.
        for round in 0..=ROUNDS {
            for turn in 0..loads.len() {
                // Nobody always comes behind the same other.
                let side = (turn + round) % loads.len();
                let rate = loads[side].run(requests, TURN).await;
                if round > 0 {
                    rates[side].push(rate);
                }
            }
        }
        let [guarded, by_hand, as_guarded, bare] = rates;
        row(&format!("{name}, {what}, against by hand"), by_hand, guarded.clone());
        row(
            &format!("{name}, {what}, against its statements by hand"),
            as_guarded,
            guarded.clone(),
        );
        row(&format!("{name}, {what}, against no guard"), bare, guarded);
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let names: Vec<_> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let is_wanted = |name: &str| names.is_empty() || names.iter().any(|word| word == name);
    println!("| case | others, requests/s | guarded | ratio | range |");
    println!("| --- | ---: | ---: | ---: | --- |");
    if is_wanted("postgres") {
        let server = PostgresServer::start_with(&["-c", "max_wal_size=8GB"]).await;
        let url = server.database().await;
        by_hand::create::<sqlx::Postgres>(&url, servers::postgres::SCHEMAS).await;
        compare("PostgreSQL", servers::postgres::SIDES, &url).await;
    }
    if is_wanted("mariadb") {
        // Flushed as by default, and not as in tests.
        let durable = ["--innodb-flush-method=O_DIRECT", "--innodb-log-file-size=1G"];
        let server = MariaDbServer::start_with(&durable).await;
        let url = server.database().await;
        by_hand::create::<sqlx::MySql>(&url, servers::mariadb::SCHEMAS).await;
        compare("MariaDB", servers::mariadb::SIDES, &url).await;
    }
    if is_wanted("sqlite") {
        let directory = tempfile::tempdir().expect("a directory");
        let url = format!("sqlite:{}?mode=rwc", directory.path().join("shop.db").display());
        by_hand::create::<sqlx::Sqlite>(&url, servers::sqlite::SCHEMAS).await;
        compare("SQLite", servers::sqlite::SIDES, &url).await;
    }
}
