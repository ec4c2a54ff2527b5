//! The client, through which every request goes: it counts them, up to the limit.

use crate::check::wire::endpoint::Endpoint;
use crate::check::wire::limits::Limits;
use crate::check::wire::no_answer::NoAnswer;
use crate::check::wire::response::{Incoming, Reply};
use crate::check::wire::stream::Stream;
use std::io;
use std::net::SocketAddr;
use std::sync::OnceLock;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout_at;

/// Sends to one endpoint.
pub(crate) struct Client {
    pub(crate) endpoint: Endpoint,
    pub(crate) limits: Limits,
    /// The address that took the first connection. No later one goes elsewhere.
    address: OnceLock<SocketAddr>,
}

/// A connection for one request.
pub(crate) struct Connection<'a> {
    stream: Stream,
    limits: &'a Limits,
    /// The bytes that were read already.
    early: Vec<u8>,
}

impl Client {
    pub(crate) fn new(endpoint: Endpoint, limits: Limits) -> Self {
        Self { endpoint, limits, address: OnceLock::new() }
    }

    /// The address that is sent to, once there was a connection.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        self.address.get().copied()
    }

    /// Counts one request, and opens a connection for it.
    pub(crate) async fn connect(&self) -> Result<Connection<'_>, NoAnswer> {
        self.limits.begin()?;
        let opened = async { self.open().await.map_err(NoAnswer::Unreachable) };
        let stream = self.limits.within(opened).await?;
        Ok(Connection { stream, limits: &self.limits, early: Vec::new() })
    }

    async fn open(&self) -> io::Result<Stream> {
        let socket = match self.address.get() {
            Some(address) => TcpStream::connect(address).await?,
            None => TcpStream::connect(&self.endpoint.addresses[..]).await?,
        };
        let address = socket.peer_addr()?;
        if *self.address.get_or_init(|| address) != address {
            return Err(io::Error::other("it has another address now"));
        }
        socket.set_nodelay(true)?;
        Ok(match &self.endpoint.tls {
            None => Stream::Clear(socket),
            Some((tls, name)) => {
                Stream::Encrypted(Box::new(tls.connect(name.clone(), socket).await?))
            }
        })
    }
}

impl Connection<'_> {
    /// Sends some of a request. Ignores that the server closed already: it may have answered, which `read` finds.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> Result<(), NoAnswer> {
        let sent = async {
            drop(self.stream.write(bytes).await);
            Ok(())
        };
        self.limits.within(sent).await
    }

    /// Waits until an answer begins, but not longer than this; says whether it did.
    pub(crate) async fn begins_within(&mut self, patience: Duration) -> bool {
        let mut some = [0; 1 << 10];
        let read = timeout_at(self.limits.end_of(patience), self.stream.read(&mut some)).await;
        let read = read.map(Result::unwrap_or_default).unwrap_or_default();
        self.early.extend_from_slice(&some[..read]);
        !self.early.is_empty()
    }

    /// Reads the whole answer.
    pub(crate) async fn read(mut self, method: &str) -> Result<Reply, NoAnswer> {
        let limits = self.limits;
        limits.within(self.read_all(method)).await
    }

    async fn read_all(&mut self, method: &str) -> Result<Reply, NoAnswer> {
        let mut incoming = Incoming::to(method);
        if let Some(answer) = incoming.take(&self.early, false)? {
            return Ok(answer);
        }
        let mut some = vec![0; 16 << 10];
        loop {
            // A reset ends the answer, but does not complete a body that ends with its connection.
            let read = self.stream.read(&mut some).await.map_err(|_| NoAnswer::Closed)?;
            if let Some(answer) = incoming.take(&some[..read], read == 0)? {
                return Ok(answer);
            }
        }
    }

    /// Breaks the connection by a reset, as if the client died.
    pub(crate) fn reset(self) {
        // If the system refuses that, the connection is closed normally, which is close enough.
        drop(self.stream.socket().set_zero_linger());
    }
}
