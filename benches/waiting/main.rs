//! 1 000 and 10 000 requests with one key, over two processes, that wait for a run in one of them.
//!
//! `cargo bench -p benches --bench waiting`, or with names of stores behind it: `-- redis postgres`
//!
//! The run ends when it is told to, a second after all wait. The time is that from then on until the last answer is
//! there, beside that of as many plain requests that are sent at once on the same connections. All answers but that of
//! the run must be replays of it. Commands are those of the server's own statistics from the first request to the last
//! answer, without those of the run and without those that drop what is over. Each process has one worker, and memory
//! and `SQLite` have one process.

mod crowd;
mod server;
mod stores;

use benches::median;
use crowd::Crowd;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use server::Server;
use std::time::{Duration, Instant};
use stores::BenchStore;
use tokio::time::sleep;

const SIZES: [usize; 2] = [1_000, 10_000];

/// An odd number, so that there is a median.
const ROUNDS: u32 = 7;

/// As many before them do not count: each process connects as the first of its requests waits for the other one.
const FIRST: u32 = 3;

/// How long all wait.
const WAIT: Duration = Duration::from_secs(1);

/// The numbers of one round, in milliseconds.
struct Measured {
    plain: f64,
    half: f64,
    last: f64,
    commands: Option<f64>,
}

fn main() {
    // Of this process and those that it starts: the connections of all that wait.
    let limit = getrlimit(Resource::Nofile);
    let most = Rlimit { current: limit.maximum, maximum: limit.maximum };
    setrlimit(Resource::Nofile, most).expect("up to the maximum it may be raised");
    match server::is_told() {
        Some(url) => server::serve(&url),
        None => measure(),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn measure() {
    println!(
        "| store | wait | plain, ms | half answered, ms | last, ms | last, longest | ratio | commands | most |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    let named: Vec<_> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    for name in stores::NAMES {
        if named.is_empty() || named.iter().any(|word| word == name) {
            let store = BenchStore::start(name).await;
            for size in SIZES {
                row(&store, size).await;
            }
        }
    }
}

async fn row(store: &BenchStore, size: usize) {
    let mut servers: Vec<_> = (0..store.processes).map(|_| Server::start(&store.url)).collect();
    let addresses: Vec<_> = servers.iter().map(|server| server.address).collect();
    let mut crowd = Crowd::connect(&addresses, size).await;
    let mut rounds = Vec::new();
    for round in 1..=FIRST + ROUNDS {
        let measured = measure_round(store, &mut servers, &mut crowd, round).await;
        if round > FIRST {
            rounds.push(measured);
        }
    }
    let of = |what: fn(&Measured) -> f64| rounds.iter().map(what).collect::<Vec<_>>();
    let most = |values: Vec<f64>| values.into_iter().fold(0.0, f64::max);
    let commands = rounds.iter().filter_map(|round| round.commands).collect::<Vec<_>>();
    let commands = match commands.len() {
        0 => " | ".to_owned(),
        _ => format!("{} | {}", median(commands.clone()), most(commands)),
    };
    println!(
        "| {} | {size} | {:.1} | {:.1} | {:.1} | {:.1} | **{:.2}** | {commands} |",
        store.name,
        median(of(|round| round.plain)),
        median(of(|round| round.half)),
        median(of(|round| round.last)),
        most(of(|round| round.last)),
        median(of(|round| round.last / round.plain)),
    );
}

async fn measure_round(
    store: &BenchStore,
    servers: &mut [Server],
    crowd: &mut Crowd,
    round: u32,
) -> Measured {
    let start = Instant::now();
    crowd.send("/plain", round);
    let plain = crowd.answers().await.times(start);
    let sent = store.sent().await;
    crowd.send(&format!("/patient/{round}"), round);
    crowd.all_wait().await;
    sleep(WAIT).await;
    let end = Instant::now();
    for server in servers {
        server.end(round);
    }
    let answers = crowd.answers().await;
    let commands =
        store.sent().await.zip(sent).map(|(after, before)| after - before - store.of_the_run);
    answers.are_of_one_run();
    let times = answers.times(end);
    let (half, last) = (times[times.len() / 2], times[times.len() - 1]);
    Measured { plain: plain[plain.len() - 1], half, last, commands }
}
