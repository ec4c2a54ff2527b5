//! A client that leaves.

use crate::Server;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

/// A client with a request under way. When it leaves, its connection ends by a reset.
#[derive(Debug)]
pub struct Guest(TcpStream);

impl Guest {
    /// Sends a request with these header lines, each with its end.
    pub async fn send(server: &Server, method: &str, path: &str, headers: &str) -> Self {
        let mut line = TcpStream::connect(server.address()).await.expect("the server listens");
        let request =
            format!("{method} {path} HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: 0\r\n\r\n");
        line.write_all(request.as_bytes()).await.expect("the server reads");
        Self(line)
    }

    /// Sends a POST of this account with this key.
    pub async fn post(server: &Server, path: &str, account: &str, key: &str) -> Self {
        let headers = format!("Authorization: Bearer {account}\r\nIdempotency-Key: {key}\r\n");
        Self::send(server, "POST", path, &headers).await
    }

    /// Leaves by a reset, so actix drops the handler's future.
    pub fn leaves(self) {
        self.0.set_zero_linger().expect("an open socket");
    }
}
