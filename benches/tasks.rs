//! The times of a task: until its address is known, until its handler runs, until its end is read.
//!
//! `cargo bench -p benches --bench tasks`

use actix_web::web::{Data, ServiceConfig};
use actix_web::{App, HttpResponse, HttpServer, Responder, post};
use idempotent_runtime::store::Store;
use idempotent_runtime::task::{TaskRunner, task_routes};
use idempotent_runtime::{Idempotency, MemoryStore, RedisStore, Scope, SqliteStore, idempotent};
use std::net::SocketAddr;
use std::sync::mpsc as std_mpsc;
use std::thread;
use std::time::{Duration, Instant};
use tests::RedisServer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// How many tasks are sent one by one, and how many at once.
const ONE_BY_ONE: usize = 200;
const AT_ONCE: usize = 500;

type Began = Data<UnboundedSender<Instant>>;

#[post("/reports")]
#[idempotent(strategy = "async")]
async fn report(began: Began) -> impl Responder {
    began.send(Instant::now()).expect("the bench listens");
    HttpResponse::Ok().body("done")
}

/// A server with one worker, and a runner, on a store.
struct Bench {
    address: SocketAddr,
    began: UnboundedReceiver<Instant>,
    _runner: TaskRunner,
}

fn serve(store: impl Store) -> Bench {
    let (sender, began) = unbounded_channel();
    let built = Idempotency::builder(store).scope(Scope::header("Authorization")).build();
    let idempotency = built.expect("defaults fit");
    let routes = move |app: &mut ServiceConfig| {
        app.app_data(Data::new(sender.clone())).service(report).service(task_routes("/tasks"));
    };
    let runner = TaskRunner::start(&idempotency, routes.clone()).expect("a thread");
    let (ready, started) = std_mpsc::channel();
    thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let server = HttpServer::new(move || {
                App::new().app_data(idempotency.clone()).configure(routes.clone())
            })
            .workers(1)
            .bind(("127.0.0.1", 0))
            .expect("a free port");
            ready.send(server.addrs()[0]).expect("somebody waits");
            server.run().await.expect("it serves");
        });
    });
    Bench { address: started.recv().expect("it starts"), began, _runner: runner }
}

/// Sends a request and reads its answer, which must be short.
async fn exchange(connection: &mut TcpStream, request: String) -> String {
    connection.write_all(request.as_bytes()).await.expect("it reads");
    let mut answer = Vec::new();
    loop {
        assert!(connection.read_buf(&mut answer).await.expect("it answers") > 0, "it hung up");
        let text = String::from_utf8_lossy(&answer);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if body.len() >= length.and_then(|length| length.parse().ok()).unwrap_or(0) {
            return text.into_owned();
        }
    }
}

fn head(method: &str, path: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer alice\r\n")
}

async fn put(connection: &mut TcpStream, key: &str) -> String {
    let head = head("POST", "/reports");
    let request = format!("{head}Idempotency-Key: {key}\r\nContent-Length: 0\r\n\r\n");
    let answer = exchange(connection, request).await;
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    let address = answer.lines().find_map(|line| line.strip_prefix("location: "));
    address.expect("an address").to_owned()
}

async fn wait_for_end(connection: &mut TcpStream, address: &str) {
    while !exchange(connection, head("GET", address) + "\r\n").await.contains("\"succeeded\"") {}
}

async fn measure(name: &str, mut bench: Bench) {
    let mut connection = TcpStream::connect(bench.address).await.expect("it listens");
    connection.set_nodelay(true).expect("a TCP connection");
    let (mut answered, mut began, mut ended) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..ONE_BY_ONE {
        let sent = Instant::now();
        let address = put(&mut connection, &format!("one-{number}")).await;
        answered.push(sent.elapsed());
        began.push(bench.began.recv().await.expect("it runs") - sent);
        wait_for_end(&mut connection, &address).await;
        ended.push(sent.elapsed());
    }
    let sent = Instant::now();
    let mut last = String::new();
    for number in 0..AT_ONCE {
        last = put(&mut connection, &format!("many-{number}")).await;
    }
    for _ in 0..AT_ONCE {
        bench.began.recv().await.expect("it runs");
    }
    wait_for_end(&mut connection, &last).await;
    #[expect(clippy::cast_precision_loss, reason = "a rate")]
    let rate = AT_ONCE as f64 / sent.elapsed().as_secs_f64();
    let [answered, began, ended] = [answered, began, ended].map(shown);
    println!("| {name} | {answered} | {began} | {ended} | {rate:.0} |");
}

/// The median and the 99th percentile, in milliseconds.
fn shown(mut times: Vec<Duration>) -> String {
    times.sort();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100].as_secs_f64() * 1000.0;
    format!("{:.2} (p99 {:.2})", at(50), at(99))
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    println!("| store | until 202, ms | until it runs, ms | until its end is read, ms | tasks/s |");
    println!("| --- | ---: | ---: | ---: | ---: |");
    measure("memory", serve(MemoryStore::new())).await;
    let server = RedisServer::start();
    let redis = RedisStore::connect(&server.url()).await.expect("it connects");
    measure("Redis", serve(redis)).await;
    let directory = tempfile::tempdir().expect("a temporary directory");
    let sqlite = SqliteStore::open(directory.path().join("records.db")).await.expect("it opens");
    measure("SQLite", serve(sqlite)).await;
}
