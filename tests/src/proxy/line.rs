//! The way of bytes between the two ends of a proxy.

use super::Place;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;

/// The state of the network, for both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    Pass,
    Delay(Duration),
    Freeze,
    Refuse,
}

/// The way between an app and its server.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) server: Mutex<Place>,
    pub(super) condition: watch::Sender<Condition>,
    /// Counts the times that every connection was dropped.
    pub(super) drops: watch::Sender<usize>,
    /// Counts the times that every connection fell silent.
    pub(super) silences: watch::Sender<usize>,
    pub(super) cut: Mutex<Option<Cut>>,
    /// Whether connections end by a reset.
    pub(super) resets: AtomicBool,
    /// Counts requests on all connections. All bytes that a client sends before it gets an answer are one request.
    pub(super) turns: AtomicUsize,
}

/// The answers that are cut.
#[derive(Debug)]
pub(super) struct Cut {
    /// The bytes that their requests contain.
    pub(super) to: Vec<u8>,
    pub(super) after: usize,
    pub(super) left: usize,
}

/// No answer is cut.
const WHOLE: usize = usize::MAX;

impl Line {
    pub(super) fn to(server: Place) -> Self {
        Self {
            server: Mutex::new(server),
            condition: watch::Sender::new(Condition::Pass),
            drops: watch::Sender::new(0),
            silences: watch::Sender::new(0),
            cut: Mutex::default(),
            resets: AtomicBool::new(false),
            turns: AtomicUsize::new(0),
        }
    }

    pub(super) async fn accept(self: Arc<Self>, listener: TcpListener) {
        while let Ok((client, _)) = listener.accept().await {
            // This is read before the condition: a refusal changes the condition first, and then drops connections.
            let mut drops = self.drops.subscribe();
            if *self.condition.borrow() == Condition::Refuse {
                // The connection ends by a reset.
                drop(client.set_zero_linger());
                continue;
            }
            let connection = Connection {
                line: Arc::clone(&self),
                drops: *drops.borrow_and_update(),
                silences: *self.silences.borrow(),
                allowed: AtomicUsize::new(WHOLE),
                asks: AtomicBool::new(false),
            };
            tokio::spawn(async move {
                tokio::select! {
                    _ = connection.carry(client) => {}
                    _ = drops.changed() => {}
                }
            });
        }
    }

    /// Waits for as long as the condition says.
    async fn passage(&self) {
        let condition = *self.condition.borrow();
        if let Condition::Delay(time) = condition {
            tokio::time::sleep(time).await;
        }
        let mut condition = self.condition.subscribe();
        let passes = condition.wait_for(|condition| *condition != Condition::Freeze).await;
        drop(passes.expect("the line lives"));
    }

    /// The number of bytes after which the answer to this request is cut, if it is.
    fn cut(&self, request: &[u8]) -> Option<usize> {
        let mut cut = self.cut.lock().expect("no panic");
        let cut = cut.as_mut().filter(|cut| cut.left > 0)?;
        let holds = |part: &[u8]| request.windows(part.len()).any(|window| window == part);
        let meant = cut.to.is_empty() || holds(&cut.to);
        meant.then(|| {
            cut.left -= 1;
            cut.after
        })
    }
}

/// One connection through the proxy.
struct Connection {
    line: Arc<Line>,
    /// The number of times that all connections were dropped before this one began.
    drops: usize,
    /// The number of times that all connections fell silent before this one began.
    silences: usize,
    /// The number of bytes of its next answer that may pass.
    allowed: AtomicUsize,
    /// Whether the last bytes came from the client.
    asks: AtomicBool,
}

impl Connection {
    async fn carry(&self, client: TcpStream) -> io::Result<()> {
        self.line.passage().await;
        client.set_nodelay(true)?;
        let server = self.line.server.lock().expect("no panic").clone();
        match server {
            Place::Socket(path) => {
                let (from, to) = UnixStream::connect(path).await?.into_split();
                self.between(client, from, to).await
            }
            Place::Port(address) => {
                let (from, to) = TcpStream::connect(address).await?.into_split();
                self.between(client, from, to).await
            }
        }
    }

    async fn between(
        &self,
        mut client: TcpStream,
        from_server: impl AsyncRead + Unpin,
        to_server: impl AsyncWrite + Unpin,
    ) -> io::Result<()> {
        if self.line.resets.load(Ordering::SeqCst) {
            client.set_zero_linger()?;
        }
        let (from_client, to_client) = client.split();
        tokio::select! {
            done = self.requests(from_client, to_server) => done,
            done = self.answers(from_server, to_client) => done,
        }
    }

    async fn requests(
        &self,
        mut from: impl AsyncRead + Unpin,
        mut to: impl AsyncWrite + Unpin,
    ) -> io::Result<()> {
        let mut buffer = vec![0; 1 << 16];
        loop {
            let piece = self.next(&mut from, &mut buffer).await?;
            if !self.asks.swap(true, Ordering::SeqCst) {
                self.line.turns.fetch_add(1, Ordering::SeqCst);
            }
            if let Some(after) = self.line.cut(piece) {
                self.allowed.store(after, Ordering::SeqCst);
            }
            to.write_all(piece).await?;
        }
    }

    async fn answers(
        &self,
        mut from: impl AsyncRead + Unpin,
        mut to: impl AsyncWrite + Unpin,
    ) -> io::Result<()> {
        let mut buffer = vec![0; 1 << 16];
        loop {
            let piece = self.next(&mut from, &mut buffer).await?;
            self.asks.store(false, Ordering::SeqCst);
            let allowed = self.allowed.load(Ordering::SeqCst);
            to.write_all(&piece[..piece.len().min(allowed)]).await?;
            if allowed != WHOLE {
                // When both directions have ended, the connection ends.
                return Ok(());
            }
        }
    }

    /// The next bytes, with the time when they may arrive; an error at the end.
    async fn next<'a>(
        &self,
        from: &mut (impl AsyncRead + Unpin),
        buffer: &'a mut [u8],
    ) -> io::Result<&'a [u8]> {
        let length = from.read(buffer).await?;
        self.line.passage().await;
        if *self.line.silences.borrow() != self.silences {
            return std::future::pending().await;
        }
        // A dropped connection ends when its task runs next; after the drop it carries nothing.
        if length == 0 || *self.line.drops.borrow() != self.drops {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(&buffer[..length])
    }
}
