//! Runs and replays of an engine on a Redis server that is 0.5 ms and 1 ms away, against the same commands by hand on a
//! connection with `TCP_NODELAY`, 64 at once on one thread.
//!
//! `cargo bench -p benches --bench distance`
//!
//! The same by hand without `TCP_NODELAY` shows a cost that is not seen on loopback.

use benches::{ANSWER, RedisByHand, engine, key, median, replay, row, run};
use idempotent_runtime::engine::Engine;
use idempotent_runtime::store::open;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};
use tests::RedisServer;
use tokio::task::LocalSet;

const AT_ONCE: usize = 64;
const DISTANCES: [Duration; 2] = [Duration::from_micros(500), Duration::from_millis(1)];

/// The number of rounds. It is odd, so that there is a median.
const ROUNDS: usize = 21;
const TURN: Duration = Duration::from_millis(300);

/// The keys of replays.
const REPEATED: u64 = 1_000;

/// A way to run and replay.
#[derive(Clone)]
enum Side {
    Ours(Engine),
    ByHand(Rc<RedisByHand>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    New,
    Replay,
}

/// The rates of turns, and the median time of a run or a replay in each.
#[derive(Default)]
struct Turns {
    rates: Vec<f64>,
    times: Vec<f64>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    println!("| case | by hand | ours | ratio | range |");
    println!("| --- | ---: | ---: | ---: | --- |");
    for distance in DISTANCES {
        let server = RedisServer::start();
        let socket = server.url().replace("redis+unix://", "").into();
        let url = format!("redis://{}", far(socket, distance));
        let sides = [
            Side::ByHand(Rc::new(RedisByHand::connect(&url, true).await)),
            Side::Ours(engine(open(&url).await.expect("it connects"))),
            Side::ByHand(Rc::new(RedisByHand::connect(&url, false).await)),
        ];
        LocalSet::new().run_until(compare(distance, &sides)).await;
    }
}

async fn compare(distance: Duration, sides: &[Side; 3]) {
    for number in 0..REPEATED {
        sides[0].work(What::New, number).await;
        sides[1].work(What::New, number).await;
    }
    let mut next = REPEATED;
    for what in [What::New, What::Replay] {
        let mut turns: [Turns; 3] = Default::default();
        // A first round to warm up, which does not count.
        for round in 0..=ROUNDS {
            for turn in 0..sides.len() {
                // The order of the ways changes, so that no way always follows the same other.
                let side = (turn + round) % sides.len();
                let (rate, times) = sides[side].turn(what, &mut next).await;
                if round > 0 {
                    turns[side].rates.push(rate);
                    turns[side].times.push(median(times));
                }
            }
        }
        let [hand, ours, delayed] = turns;
        let case = format!("{distance:?} away, {what:?}");
        row(&format!("{case}, a second"), hand.rates.clone(), ours.rates);
        row(&format!("{case}, median µs"), hand.times.clone(), ours.times);
        row(&format!("{case}, by hand without nodelay, a second"), hand.rates, delayed.rates);
        row(&format!("{case}, by hand without nodelay, median µs"), hand.times, delayed.times);
    }
}

impl Side {
    /// The rate for each second, and the median time in microseconds.
    async fn turn(&self, what: What, next: &mut u64) -> (f64, Vec<f64>) {
        let (start, first) = (Instant::now(), *next);
        let tasks = (0..AT_ONCE).map(|task| {
            let side = self.clone();
            tokio::task::spawn_local(async move {
                let mut times = Vec::new();
                let numbers = (first + task as u64..).step_by(AT_ONCE);
                for number in numbers.take_while(|_| start.elapsed() < TURN) {
                    let began = Instant::now();
                    side.work(what, number).await;
                    times.push(began.elapsed().as_secs_f64() * 1e6);
                }
                times
            })
        });
        let (mut all, mut most) = (Vec::new(), 0);
        for task in tasks.collect::<Vec<_>>() {
            let times = task.await.expect("no panic");
            most = most.max(times.len());
            all.extend(times);
        }
        *next += (most * AT_ONCE) as u64;
        #[expect(clippy::cast_precision_loss, reason = "a rate")]
        let rate = all.len() as f64 / start.elapsed().as_secs_f64();
        (rate, all)
    }

    async fn work(&self, what: What, number: u64) {
        let key = key(if what == What::New { number } else { number % REPEATED });
        match (self, what) {
            (Self::Ours(engine), What::New) => run(engine, key).await,
            (Self::Ours(engine), What::Replay) => replay(engine, key).await,
            (Self::ByHand(hand), _) => {
                // Each claim has an owner of its own.
                let claim = format!("running:{:032x}", rand::random::<u128>());
                match (what, hand.claim(key, claim.as_bytes()).await) {
                    (What::New, None) => hand.complete(key, claim.as_bytes(), ANSWER).await,
                    (What::Replay, Some(there)) => assert_eq!(there, ANSWER),
                    (what, there) => panic!("{what:?}: {there:?}"),
                }
            }
        }
    }
}

/// Listens on a port, and passes bytes on to a socket and back. Each byte takes this long in either direction; the
/// amount of data makes no difference.
fn far(socket: PathBuf, distance: Duration) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    thread::spawn(move || {
        for client in listener.incoming() {
            let client = client.expect("it connects");
            client.set_nodelay(true).expect("a TCP connection");
            let server = UnixStream::connect(&socket).expect("the server is up");
            let (client_too, server_too): (TcpStream, UnixStream) =
                (client.try_clone().expect("a handle"), server.try_clone().expect("a handle"));
            carry(client, server, distance);
            carry(server_too, client_too, distance);
        }
    });
    address
}

/// Carries bytes, on threads of their own, until either end closes.
fn carry(
    mut from: impl Read + Send + 'static,
    mut to: impl Write + Send + 'static,
    distance: Duration,
) {
    let (sent, under_way) = mpsc::channel::<(Instant, Vec<u8>)>();
    thread::spawn(move || {
        let mut buffer = vec![0; 1 << 16];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            if sent.send((Instant::now() + distance, buffer[..length].to_vec())).is_err() {
                return;
            }
        }
    });
    thread::spawn(move || {
        for (arrives, bytes) in under_way {
            thread::sleep(arrives.saturating_duration_since(Instant::now()));
            if to.write_all(&bytes).is_err() {
                return;
            }
        }
    });
}
