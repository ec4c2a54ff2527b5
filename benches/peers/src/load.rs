//! A load from one thread that sends requests as fast as a server answers them, and compares each answer.

use std::future::pending;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::select;
use tokio::task::{JoinSet, yield_now};

const BODY: &str = r#"{"sku":"tea-earl-grey-1k","quantity":2}  "#;
const ANSWER: &str = r#"{"sku":"tea-earl-grey-1k","quantity":2}"#;

/// The number of keys that are replayed.
const REPEATED: u64 = 1000;

/// The keys that a load sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keys {
    /// Each is new.
    New,
    /// Each was used before.
    Repeated,
    /// New keys and used keys, in turns.
    Mixed,
}

/// A load on one server.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    pub(crate) address: SocketAddr,
    pub(crate) connections: usize,
    /// The header that a repeated answer carries.
    pub(crate) replay_header: Option<&'static str>,
    pub(crate) cookie: Option<String>,
    /// Whether the load looks for answers all the time, in place of sleeping until one wakes it. To wake a core
    /// that sleeps takes a server on a virtual machine several microseconds, and only one that is slower than
    /// the load has to.
    pub(crate) never_sleeps: bool,
}

impl Load {
    /// Fetches a session; `None` if the server hangs up, as it does if its store lacks a command.
    pub(crate) async fn begin_session(&mut self) -> Option<()> {
        let mut connection = self.connect().await;
        let head = "POST /session HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n";
        connection.write_all(head.as_bytes()).await.expect("it reads");
        let head = answer(&mut connection, &mut Vec::new()).await?;
        let cookie = header(&head, "set-cookie");
        let cookie = cookie.and_then(|cookie| cookie.split(';').next()).expect("a cookie");
        self.cookie = Some(cookie.to_owned());
        Some(())
    }

    /// Sends each of the repeated keys once.
    pub(crate) async fn use_keys(&self) {
        let mut connection = self.connect().await;
        let mut buffer = Vec::new();
        for key in 0..REPEATED {
            self.exchange(&mut connection, "repeated", key, None, &mut buffer).await;
        }
    }

    /// Sends for this long, with new keys numbered from `first`; returns the number of answers.
    pub(crate) async fn run(&self, keys: Keys, first: u64, time: Duration) -> u64 {
        let end = Instant::now() + time;
        let mut all = JoinSet::new();
        for connection in 0..self.connections as u64 {
            let load = self.clone();
            all.spawn(async move { load.one(keys, first + connection, end).await });
        }
        let busy = async {
            while self.never_sleeps {
                yield_now().await;
            }
            pending().await
        };
        select! {
            answered = all.join_all() => answered.into_iter().sum(),
            () = busy => unreachable!("it never ends"),
        }
    }

    async fn one(&self, keys: Keys, first: u64, end: Instant) -> u64 {
        let mut connection = self.connect().await;
        let mut buffer = Vec::with_capacity(4096);
        let mut answered = 0;
        while Instant::now() < end {
            let number = first + answered * self.connections as u64;
            let is_repeated = match keys {
                Keys::New => false,
                Keys::Repeated => true,
                Keys::Mixed => answered % 2 == 1,
            };
            let (kind, key) =
                if is_repeated { ("repeated", number % REPEATED) } else { ("new", number) };
            self.exchange(&mut connection, kind, key, Some(is_repeated), &mut buffer).await;
            answered += 1;
        }
        answered
    }

    async fn connect(&self) -> TcpStream {
        let connection = TcpStream::connect(self.address).await.expect("it listens");
        connection.set_nodelay(true).expect("a TCP connection");
        connection
    }

    async fn exchange(
        &self,
        connection: &mut TcpStream,
        kind: &str,
        key: u64,
        is_repeated: Option<bool>,
        buffer: &mut Vec<u8>,
    ) {
        let cookie = self.cookie.as_deref().map_or(String::new(), |it| format!("Cookie: {it}\r\n"));
        let request = format!(
            "POST /orders HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer alice\r\n{cookie}\
             Idempotency-Key: {kind}-{key:012}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{BODY}",
            BODY.len(),
        );
        connection.write_all(request.as_bytes()).await.expect("it reads");
        let head = answer(connection, buffer).await.expect("it answers");
        assert!(head.starts_with("HTTP/1.1 201"), "{head}");
        assert!(buffer.ends_with(ANSWER.as_bytes()), "{}", String::from_utf8_lossy(buffer));
        if let (Some(name), Some(is_repeated)) = (self.replay_header, is_repeated) {
            assert_eq!(header(&head, name).is_some(), is_repeated, "{head}");
        }
    }
}

/// Reads a whole response into a buffer; returns its head, or `None` if the server hung up.
async fn answer(connection: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<String> {
    buffer.clear();
    loop {
        if connection.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
        let Some(end) = buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
        let length = header(&head, "content-length");
        let length: usize = length.map_or(0, |length| length.parse().expect("a length"));
        if buffer.len() >= end + 4 + length {
            return Some(head);
        }
    }
}

/// The value of a header. Its name must be in lower case.
fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let lines = head.lines().filter_map(|line| line.split_once(": "));
    lines.filter(|(there, _)| there.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
}
