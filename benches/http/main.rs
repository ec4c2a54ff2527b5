//! The cost of the guard for a request, against handlers written by hand, with one worker each.
//!
//! `cargo bench -p benches --bench http`

mod careful;
mod floor;
mod guarded;

use actix_web::web::ServiceConfig;
use actix_web::{App, HttpServer};
use benches::{Load, Requests, Round, compare};
use idempotent_runtime::{Idempotency, MemoryStore, RedisStore, Scope, SqliteStore};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::sync::mpsc;
use std::thread;
use tests::RedisServer;

/// The request and the answer of both sides.
#[derive(Deserialize, Serialize)]
pub(crate) struct Order {
    sku: String,
    quantity: u32,
}

const CONNECTIONS: usize = 32;

/// Adds the routes that are written by hand, with their records on this server.
type Configure = fn(&mut ServiceConfig, &str);

/// A server with one worker on threads of its own.
fn serve(configure: impl Fn(&mut ServiceConfig) + Clone + Send + 'static) -> SocketAddr {
    let (ready, started) = mpsc::channel();
    thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let server = HttpServer::new(move || App::new().configure(configure.clone()))
                .workers(1)
                .bind(("127.0.0.1", 0))
                .expect("a free port");
            ready.send(server.addrs()[0]).expect("somebody waits");
            server.run().await.expect("it serves");
        });
    });
    started.recv().expect("it starts")
}

fn guarded(store: impl idempotent_runtime::store::Store) -> Load {
    let idempotency = Idempotency::builder(store)
        .scope(Scope::header("Authorization"))
        .build()
        .expect("defaults fit");
    let address = serve(move |config| {
        config.app_data(idempotency.clone()).service(guarded::create);
    });
    Load::new(address, "/orders", CONNECTIONS)
}

/// By hand, a script exchanges the record on both servers; the guard runs no script if the server needs none. The
/// cost of the promises by hand shows how much of the guard's cost they are.
async fn on_server(name: &str, server: &RedisServer) {
    let guarded = guarded(RedisStore::connect(&server.url()).await.expect("it connects"));
    let [commands, promises] = [floor::on_redis as Configure, careful::on_redis].map(|configure| {
        let url = server.url();
        Load::new(serve(move |config| configure(config, &url)), "/orders", CONNECTIONS)
    });
    for (sides, guarded, floor) in [
        ("against the same commands by hand", &guarded, &commands),
        ("against the same promises by hand", &guarded, &promises),
        ("the same promises by hand against the same commands", &promises, &commands),
    ] {
        for (case, requests) in [("new key", Requests::New), ("replay", Requests::Repeated)] {
            compare(&format!("{name}, {case}, {sides}"), &Round { guarded, floor, requests }).await;
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    println!("| case | floor, requests/s | guarded | ratio | range |");
    println!("| --- | ---: | ---: | ---: | ---: |");
    let bare = serve(|config| {
        config.service(floor::bare);
    });
    let bare = Load::new(bare, "/orders", CONNECTIONS);

    let memory = guarded(MemoryStore::new());
    for (name, requests) in [("new key", Requests::New), ("replay", Requests::Repeated)] {
        let round = Round { guarded: &memory, floor: &bare, requests };
        compare(&format!("memory, {name}, against a bare handler"), &round).await;
    }

    on_server("Redis", &RedisServer::start()).await;
    on_server("Valkey", &RedisServer::start_valkey()).await;

    let directory = tempfile::tempdir().expect("a temporary directory");
    let store = SqliteStore::open(directory.path().join("records.db")).await.expect("it opens");
    let sqlite = guarded(store);
    for (name, requests) in [("new key", Requests::New), ("replay", Requests::Repeated)] {
        let round = Round { guarded: &sqlite, floor: &bare, requests };
        compare(&format!("SQLite, {name}, against a bare handler"), &round).await;
    }
}
