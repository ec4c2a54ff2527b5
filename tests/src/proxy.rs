//! A network between a store and its server that a test breaks as it likes.

use crate::RedisServer;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A proxy on a TCP port of its own in front of a Redis server; it ends when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    line: Arc<Line>,
    accepts: JoinHandle<()>,
}

/// What happens to bytes on their way, in both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weather {
    Pass,
    Delay(Duration),
    Freeze,
    Refuse,
}

#[derive(Debug)]
struct Line {
    server: PathBuf,
    weather: watch::Sender<Weather>,
    /// Counts the times that every connection was dropped.
    drops: watch::Sender<usize>,
    cut: Mutex<Option<Cut>>,
}

/// Which answers do not arrive whole.
#[derive(Debug)]
struct Cut {
    /// What their requests contain.
    to: Vec<u8>,
    after: usize,
    left: usize,
}

/// That nothing is to be cut.
const WHOLE: usize = usize::MAX;

impl Proxy {
    /// Starts one that passes everything on.
    pub async fn to(server: &RedisServer) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let line = Arc::new(Line {
            server: server.socket(),
            weather: watch::Sender::new(Weather::Pass),
            drops: watch::Sender::new(0),
            cut: Mutex::default(),
        });
        let accepts = tokio::spawn(Arc::clone(&line).accept(listener));
        Self { address, line, accepts }
    }

    /// Its address for `RedisStore::connect`.
    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Everything passes, also what was held back.
    pub fn pass(&self) {
        self.line.weather.send_replace(Weather::Pass);
    }

    /// Every piece is on its way for this long.
    pub fn delay(&self, time: Duration) {
        self.line.weather.send_replace(Weather::Delay(time));
    }

    /// Nothing arrives and nothing is closed; what is sent is kept for later.
    pub fn freeze(&self) {
        self.line.weather.send_replace(Weather::Freeze);
    }

    /// Closes every connection; new ones are accepted.
    pub fn drop_connections(&self) {
        self.line.drops.send_modify(|drops| *drops += 1);
    }

    /// Closes every connection and resets new ones.
    pub fn refuse(&self) {
        self.line.weather.send_replace(Weather::Refuse);
        self.drop_connections();
    }

    /// The answers to the next so many requests that contain this are carried out and cut: their
    /// first bytes arrive, then the connection closes.
    pub fn cut_answers(&self, to: &[u8], after: usize, many: usize) {
        let cut = Cut { to: to.to_vec(), after, left: many };
        *self.line.cut.lock().expect("no panic") = Some(cut);
    }

    /// How many answers are still to be cut.
    pub fn answers_to_cut(&self) -> usize {
        self.line.cut.lock().expect("no panic").as_ref().map_or(0, |cut| cut.left)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepts.abort();
        self.drop_connections();
    }
}

impl Line {
    async fn accept(self: Arc<Self>, listener: TcpListener) {
        while let Ok((client, _)) = listener.accept().await {
            if *self.weather.borrow() == Weather::Refuse {
                // A reset, and no orderly end.
                drop(client.set_zero_linger());
                continue;
            }
            let line = Arc::clone(&self);
            tokio::spawn(async move {
                let mut drops = line.drops.subscribe();
                tokio::select! {
                    _ = line.carry(client) => {}
                    _ = drops.changed() => {}
                }
            });
        }
    }

    async fn carry(&self, client: TcpStream) -> std::io::Result<()> {
        self.passage().await;
        client.set_nodelay(true)?;
        let (from_server, to_server) = UnixStream::connect(&self.server).await?.into_split();
        let (from_client, to_client) = client.into_split();
        // How many bytes of answers may still pass.
        let allowed = AtomicUsize::new(WHOLE);
        tokio::select! {
            done = self.requests(from_client, to_server, &allowed) => done,
            done = self.answers(from_server, to_client, &allowed) => done,
        }
    }

    async fn requests(
        &self,
        mut from: impl AsyncRead + Unpin,
        mut to: impl AsyncWrite + Unpin,
        allowed: &AtomicUsize,
    ) -> std::io::Result<()> {
        let mut buffer = vec![0; 1 << 16];
        loop {
            let piece = self.next(&mut from, &mut buffer).await?;
            if let Some(after) = self.cut(piece) {
                allowed.store(after, Ordering::SeqCst);
            }
            to.write_all(piece).await?;
        }
    }

    async fn answers(
        &self,
        mut from: impl AsyncRead + Unpin,
        mut to: impl AsyncWrite + Unpin,
        allowed: &AtomicUsize,
    ) -> std::io::Result<()> {
        let mut buffer = vec![0; 1 << 16];
        loop {
            let piece = self.next(&mut from, &mut buffer).await?;
            let allowed = allowed.load(Ordering::SeqCst);
            to.write_all(&piece[..piece.len().min(allowed)]).await?;
            if allowed != WHOLE {
                return to.shutdown().await;
            }
        }
    }

    /// The next piece, when it may arrive; an error at the end.
    async fn next<'a>(
        &self,
        from: &mut (impl AsyncRead + Unpin),
        buffer: &'a mut [u8],
    ) -> std::io::Result<&'a [u8]> {
        let length = from.read(buffer).await?;
        if length == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        self.passage().await;
        Ok(&buffer[..length])
    }

    /// Waits as long as the weather wants it.
    async fn passage(&self) {
        let weather = *self.weather.borrow();
        if let Weather::Delay(time) = weather {
            tokio::time::sleep(time).await;
        }
        let mut weather = self.weather.subscribe();
        let passes = weather.wait_for(|weather| *weather != Weather::Freeze).await;
        drop(passes.expect("the line lives"));
    }

    /// After how many bytes the answer to this request ends, if it is one of those.
    fn cut(&self, request: &[u8]) -> Option<usize> {
        let mut cut = self.cut.lock().expect("no panic");
        let cut = cut.as_mut().filter(|cut| cut.left > 0)?;
        let meant = request.windows(cut.to.len()).any(|part| part == cut.to);
        meant.then(|| {
            cut.left -= 1;
            cut.after
        })
    }
}
