//! Servers that send whatever bytes a test wants.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

/// A server that counts its connections. It lives as long as the process.
pub(crate) struct Server {
    address: SocketAddr,
    connections: Arc<AtomicU32>,
}

impl Server {
    /// Answers each whole request, by its number from 1 on and its bytes.
    pub(crate) fn start(answer: impl Fn(u32, &str) -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self::with(move |number, mut client| {
            if let Some(request) = request(&mut client) {
                drop(client.write_all(&answer(number, &request)));
            }
        })
    }

    /// Serves each connection by this function.
    pub(crate) fn with(serve: impl Fn(u32, TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it listens");
        let connections = Arc::new(AtomicU32::new(0));
        let (count, serve) = (Arc::clone(&connections), Arc::new(serve));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let number = count.fetch_add(1, Ordering::SeqCst) + 1;
                let serve = Arc::clone(&serve);
                thread::spawn(move || serve(number, client));
            }
        });
        Self { address, connections }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// The number of connections so far.
    pub(crate) fn connections(&self) -> u32 {
        self.connections.load(Ordering::SeqCst)
    }
}

/// Reads a request to its end; `None` if the connection breaks.
pub(crate) fn request(client: &mut impl Read) -> Option<String> {
    let mut bytes = Vec::new();
    let mut some = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
            if body.len() >= length.map_or(0, |length| length.parse().expect("a number")) {
                return Some(text);
            }
        }
        match client.read(&mut some) {
            Ok(read @ 1..) => bytes.extend_from_slice(&some[..read]),
            _ => return None,
        }
    }
}

/// 201 with this body.
pub(crate) fn created(body: &str) -> Vec<u8> {
    format!("HTTP/1.1 201 Created\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}
