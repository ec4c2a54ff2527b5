//! Connections to the servers, each with a request on it.

use benches::{post, read_created};
use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// So many connections are opened at once.
const AT_ONCE: usize = 64;

const REPLAYED: &str = "idempotency-replayed: true";

/// A connection, and the last response on it.
struct Client {
    connection: TcpStream,
    response: Vec<u8>,
    answered: Instant,
}

/// Clients that send at once.
pub(crate) struct Crowd {
    idle: Vec<Client>,
    busy: Vec<JoinHandle<Client>>,
    /// One to each server, to ask who waits there.
    asks: Vec<Client>,
}

/// The last responses of all.
pub(crate) struct Answers<'a>(&'a [Client]);

impl Crowd {
    /// As many at each of the servers.
    pub(crate) async fn connect(servers: &[SocketAddr], size: usize) -> Self {
        let each = servers.iter().copied().cycle().take(size).map(Client::connect);
        let idle = stream::iter(each).buffer_unordered(AT_ONCE).collect().await;
        let asks = join_all(servers.iter().copied().map(Client::connect)).await;
        Self { idle, busy: Vec::new(), asks }
    }

    /// Each sends this request with the key of this round, which no smaller crowd had.
    pub(crate) fn send(&mut self, path: &str, round: u32) {
        let request = post(path, &format!("{}-{round}", self.idle.len()));
        for mut client in self.idle.drain(..) {
            let request = request.clone();
            self.busy.push(tokio::spawn(async move {
                client.exchange(&request).await;
                client
            }));
        }
    }

    /// Waits until all are under way.
    pub(crate) async fn all_wait(&mut self) {
        loop {
            let mut waiting = 0;
            for server in &mut self.asks {
                server.exchange("GET /under_way HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
                waiting += server.body().parse::<usize>().expect("a number");
            }
            if waiting == self.busy.len() {
                return;
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits for all answers.
    pub(crate) async fn answers(&mut self) -> Answers<'_> {
        let clients = join_all(self.busy.drain(..)).await;
        self.idle = clients.into_iter().map(|client| client.expect("no panic")).collect();
        Answers(&self.idle)
    }
}

impl Client {
    async fn connect(to: SocketAddr) -> Self {
        let connection = TcpStream::connect(to).await.expect("it listens");
        connection.set_nodelay(true).expect("a TCP connection");
        Self { connection, response: Vec::with_capacity(1024), answered: Instant::now() }
    }

    async fn exchange(&mut self, request: &str) {
        self.connection.write_all(request.as_bytes()).await.expect("it reads");
        read_created(&mut self.connection, &mut self.response).await;
        self.answered = Instant::now();
    }

    fn parts(&self) -> (&str, &str) {
        let response = std::str::from_utf8(&self.response).expect("text");
        response.split_once("\r\n\r\n").expect("a whole response")
    }

    fn body(&self) -> &str {
        self.parts().1
    }

    fn is_replay(&self) -> bool {
        self.parts().0.contains(REPLAYED)
    }
}

impl Answers<'_> {
    /// The milliseconds from this moment to each answer, in their order.
    pub(crate) fn times(&self, since: Instant) -> Vec<f64> {
        let each = self.0.iter().map(|client| client.answered.saturating_duration_since(since));
        let mut times: Vec<_> = each.map(|time| time.as_secs_f64() * 1e3).collect();
        times.sort_by(f64::total_cmp);
        times
    }

    /// Fails unless one ran, and all others got what it answered.
    pub(crate) fn are_of_one_run(&self) {
        let ran: Vec<_> = self.0.iter().filter(|client| !client.is_replay()).collect();
        let [ran] = ran[..] else { panic!("{} ran", ran.len()) };
        assert!(self.0.iter().all(|client| client.body() == ran.body()), "a replay that differs");
    }
}
