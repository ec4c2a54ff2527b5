//! A network between a store and its server, which a test can break.

mod line;

use crate::{MariaDbServer, PostgresServer, RabbitMqServer, RedisServer, ZooKeeperServer};
use line::{Condition, Cut, Line};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A server that a proxy can lead to.
pub trait Reached {
    /// Its address.
    fn place(&self) -> Place;
}

/// Where a server listens.
#[derive(Clone, Debug)]
pub enum Place {
    /// On a Unix socket.
    Socket(PathBuf),
    /// On a TCP port.
    Port(SocketAddr),
}

impl Reached for RedisServer {
    fn place(&self) -> Place {
        Place::Socket(self.socket())
    }
}

impl Reached for PostgresServer {
    fn place(&self) -> Place {
        Place::Socket(self.socket())
    }
}

impl Reached for MariaDbServer {
    fn place(&self) -> Place {
        Place::Socket(self.socket())
    }
}

impl Reached for RabbitMqServer {
    fn place(&self) -> Place {
        Place::Port(self.address())
    }
}

impl Reached for ZooKeeperServer {
    fn place(&self) -> Place {
        Place::Port(self.address())
    }
}

/// A proxy on a TCP port of its own in front of a server; it ends when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    line: Arc<Line>,
    accepts: JoinHandle<()>,
}

impl Proxy {
    /// Starts one that passes everything on.
    pub async fn to(server: &impl Reached) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let line = Arc::new(Line::to(server.place()));
        let accepts = tokio::spawn(Arc::clone(&line).accept(listener));
        Self { address, line, accepts }
    }

    /// Its address for `RedisStore::connect`, if a Redis server is behind it.
    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on another server is behind it; every connection is closed.
    pub fn lead_to(&self, server: &impl Reached) {
        *self.line.server.lock().expect("no panic") = server.place();
        self.drop_connections();
    }

    /// How many round trips began, on all connections.
    pub fn turns(&self) -> usize {
        self.line.turns.load(Ordering::SeqCst)
    }

    /// Everything passes, also what was held back.
    pub fn pass(&self) {
        self.line.condition.send_replace(Condition::Pass);
    }

    /// Every piece is on its way for this long.
    pub fn delay(&self, time: Duration) {
        self.line.condition.send_replace(Condition::Delay(time));
    }

    /// Nothing arrives and nothing is closed; what is sent is kept for later.
    pub fn freeze(&self) {
        self.line.condition.send_replace(Condition::Freeze);
    }

    /// Closes every connection; new ones are accepted.
    pub fn drop_connections(&self) {
        self.line.drops.send_modify(|drops| *drops += 1);
    }

    /// Nothing arrives any more on the connections there are, and they are not closed, as when the host
    /// behind them is gone; new ones pass.
    pub fn silence(&self) {
        self.line.silences.send_modify(|silences| *silences += 1);
    }

    /// Whether connections that come from now on end by a reset, as where a process died with a
    /// request unread.
    pub fn end_by_reset(&self, reset: bool) {
        self.line.resets.store(reset, Ordering::SeqCst);
    }

    /// Closes every connection and resets new ones.
    pub fn refuse(&self) {
        self.line.condition.send_replace(Condition::Refuse);
        self.drop_connections();
    }

    /// The next so many requests that contain this, which all do if it is empty, are carried out and
    /// their answers cut: the first bytes arrive, then the connection ends.
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
