//! A server in a process of its own, which the bench is told to be.

use actix_web::web::{Bytes, Data, Path};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, Responder, get, post};
use benches::BODY;
use idempotent_runtime::{Idempotency, Scope, idempotent};
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, Command, Stdio, id};
use std::thread;
use tokio::sync::watch;

/// The word before the URL of its store.
const SERVES: &str = "serve-to-those-who-wait";

/// How many wait for a connection at the most.
const BACKLOG: u32 = 4096;

/// The number of the last round whose run was told to end, from 1.
type Ended = watch::Sender<u32>;

/// A server, which ends with this.
pub(crate) struct Server {
    process: Child,
    ends: ChildStdin,
    pub(crate) address: SocketAddr,
}

impl Server {
    pub(crate) fn start(url: &str) -> Self {
        let this = std::env::current_exe().expect("a path");
        let mut process = Command::new(this)
            .args([SERVES, url])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it is there");
        let (ends, says) = (process.stdin.take(), process.stdout.take());
        let mut address = String::new();
        BufReader::new(says.expect("it is piped")).read_line(&mut address).expect("it starts");
        let address = address.trim().parse().expect("an address");
        Self { process, ends: ends.expect("it is piped"), address }
    }

    /// Lets the run of this round end.
    pub(crate) fn end(&mut self, round: u32) {
        writeln!(self.ends, "{round}").expect("it listens");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// The URL of its store, if this process is to be a server.
pub(crate) fn is_told() -> Option<String> {
    let mut words = std::env::args().skip(1);
    words.find(|word| word == SERVES).and_then(|_| words.next())
}

/// Serves until nobody holds the other end of its input.
pub(crate) fn serve(url: &str) {
    let ended = Data::new(Ended::new(0));
    let told = Data::clone(&ended);
    thread::spawn(move || {
        for line in std::io::stdin().lines() {
            told.send_replace(line.expect("text").parse().expect("a number"));
        }
        std::process::exit(0);
    });
    actix_web::rt::System::new().block_on(async {
        let builder = Idempotency::connect(url).await.expect("it connects");
        let built = builder.scope(Scope::header("Authorization")).build();
        let idempotency = built.expect("defaults fit");
        let server = HttpServer::new(move || {
            let app = App::new().app_data(idempotency.clone()).app_data(ended.clone());
            app.service((plain, patient, under_way))
        });
        let server =
            server.workers(1).backlog(BACKLOG).bind(("127.0.0.1", 0)).expect("a free port");
        println!("{}", server.addrs()[0]);
        server.run().await.expect("it serves");
    });
}

/// As large in each process.
fn answer() -> HttpResponse {
    HttpResponse::Created().body(format!("{:0BODY$}", id()))
}

#[post("/plain")]
async fn plain(_body: Bytes) -> impl Responder {
    answer()
}

#[post("/patient/{round}")]
#[idempotent(on_in_flight = "wait", wait = "10m")]
async fn patient(round: Path<u32>, ended: Data<Ended>, _body: Bytes) -> impl Responder {
    ended.subscribe().wait_for(|ended| *ended >= *round).await.expect("the app has it");
    answer()
}

/// How many requests wait or run.
#[get("/under_way")]
async fn under_way(request: HttpRequest) -> impl Responder {
    let idempotency = request.app_data::<Idempotency>().expect("the app has it");
    HttpResponse::Created().body(idempotency.under_way().to_string())
}
