//! A load from one thread that sends requests as fast as a server answers them.

use futures_util::future::join_all;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The keys that a load sends.
#[derive(Clone, Copy, Debug)]
pub enum Requests {
    /// Each request has a key of its own.
    New,
    /// All requests have keys that were used before.
    Repeated,
}

/// A load on one server.
#[derive(Debug)]
pub struct Load {
    address: SocketAddr,
    path: &'static str,
    connections: usize,
    next: Arc<AtomicU64>,
}

/// The number of keys that a repeated load goes through again and again.
const REPEATED: u64 = 1000;

impl Load {
    /// A load of POSTs to this path over this many connections.
    pub fn new(address: SocketAddr, path: &'static str, connections: usize) -> Self {
        Self { address, path, connections, next: Arc::default() }
    }

    /// Sends for this long, and returns the number of answers for each second.
    pub async fn run(&self, requests: Requests, time: Duration) -> f64 {
        if matches!(requests, Requests::Repeated) {
            // Every key is used once before the clock starts.
            let mut connection = TcpStream::connect(self.address).await.expect("it listens");
            for key in 0..REPEATED {
                self.exchange(&mut connection, &format!("repeated-{key}"), &mut Vec::new()).await;
            }
        }
        // The client never sleeps: waking it would cost processor time of the server, and more for the slower side.
        let awake = tokio::spawn(async {
            loop {
                tokio::task::yield_now().await;
            }
        });
        let start = Instant::now();
        let each = (0..self.connections).map(|_| self.one(requests, start + time));
        let answered: u64 = join_all(each).await.into_iter().sum();
        awake.abort();
        #[expect(clippy::cast_precision_loss, reason = "a rate")]
        let rate = answered as f64 / start.elapsed().as_secs_f64();
        rate
    }

    async fn one(&self, requests: Requests, end: Instant) -> u64 {
        let mut connection = TcpStream::connect(self.address).await.expect("it listens");
        connection.set_nodelay(true).expect("a TCP connection");
        let mut answered = 0;
        let mut buffer = Vec::with_capacity(4096);
        while Instant::now() < end {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let key = match requests {
                Requests::New => format!("new-{number}"),
                Requests::Repeated => format!("repeated-{}", number % REPEATED),
            };
            self.exchange(&mut connection, &key, &mut buffer).await;
            answered += 1;
        }
        answered
    }

    async fn exchange(&self, connection: &mut TcpStream, key: &str, buffer: &mut Vec<u8>) {
        let order = post(self.path, key);
        connection.write_all(order.as_bytes()).await.expect("it reads");
        read_created(connection, buffer).await;
    }
}

/// A POST of an order to this path with this key.
#[must_use]
pub fn post(path: &str, key: &str) -> String {
    let body = r#"{"sku":"book","quantity":1}"#;
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer alice\r\n\
         Idempotency-Key: {key}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len(),
    )
}

/// Reads a response, which must be 201, into an empty buffer.
pub async fn read_created(connection: &mut TcpStream, buffer: &mut Vec<u8>) {
    buffer.clear();
    loop {
        assert!(connection.read_buf(buffer).await.expect("it answers") > 0, "it hung up");
        if is_whole(buffer) {
            assert!(buffer.starts_with(b"HTTP/1.1 201"), "{}", String::from_utf8_lossy(buffer));
            return;
        }
    }
}

/// Whether a response with a Content-Length has arrived whole.
fn is_whole(response: &[u8]) -> bool {
    let Some(head) = response.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
        return false;
    };
    let headers = String::from_utf8_lossy(&response[..head]).to_ascii_lowercase();
    let length = headers.lines().find_map(|line| line.strip_prefix("content-length: "));
    let length: usize = length.and_then(|length| length.trim().parse().ok()).unwrap_or(0);
    response.len() >= head + 4 + length
}
