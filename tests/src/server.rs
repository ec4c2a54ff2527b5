//! A server under test, on a port and threads of its own.

use crate::{ControlledHandler, Sender};
use actix_web::dev::ServerHandle;
use actix_web::web::{Data, ServiceConfig};
use actix_web::{App, HttpServer};
use idempotent_runtime::Idempotency;
use reqwest::Method;
use std::net::SocketAddr;
use std::sync::mpsc;
use std::thread;

/// A running server; it ends when it is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    handle: ServerHandle,
    thread: Option<thread::JoinHandle<()>>,
}

#[derive(Clone, Copy)]
enum Protocol {
    Http1,
    Http2,
}

impl Server {
    /// Serves these routes, guarded by `idempotency`, with `handler` in the handlers' data.
    pub fn start(
        idempotency: &Idempotency,
        handler: &ControlledHandler,
        routes: impl Fn(&mut ServiceConfig) + Clone + Send + 'static,
    ) -> Self {
        Self::speaking(Protocol::Http1, idempotency, handler, routes)
    }

    /// The same for clients that know beforehand that it speaks HTTP/2.
    pub fn start_http2(
        idempotency: &Idempotency,
        handler: &ControlledHandler,
        routes: impl Fn(&mut ServiceConfig) + Clone + Send + 'static,
    ) -> Self {
        Self::speaking(Protocol::Http2, idempotency, handler, routes)
    }

    fn speaking(
        protocol: Protocol,
        idempotency: &Idempotency,
        handler: &ControlledHandler,
        routes: impl Fn(&mut ServiceConfig) + Clone + Send + 'static,
    ) -> Self {
        let (ready, started) = mpsc::channel();
        let (idempotency, handler) = (idempotency.clone(), handler.clone());
        let thread = thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let server = HttpServer::new(move || {
                    App::new()
                        .app_data(idempotency.clone())
                        .app_data(Data::new(handler.clone()))
                        .configure(routes.clone())
                })
                .workers(2)
                .disable_signals()
                .shutdown_timeout(1);
                let place = ("127.0.0.1", 0);
                let bound = match protocol {
                    Protocol::Http1 => server.bind(place),
                    Protocol::Http2 => server.bind_auto_h2c(place),
                };
                let server = bound.expect("a free port");
                let address = server.addrs()[0];
                let server = server.run();
                ready.send((address, server.handle())).expect("the test waits");
                server.await.expect("it serves");
            });
        });
        let (address, handle) = started.recv().expect("the server starts");
        Self { address, handle, thread: Some(thread) }
    }

    /// Its address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A request with this method, to be filled in and sent.
    pub fn send(&self, method: Method, path: &str) -> Sender {
        Sender::new(method, format!("http://{}{path}", self.address))
    }

    /// A POST to this path, to be filled in and sent.
    pub fn post(&self, path: &str) -> Sender {
        Sender::post(format!("http://{}{path}", self.address))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The server's own thread stops the server.
        drop(self.handle.stop(false));
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}
