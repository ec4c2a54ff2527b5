//! Encrypted endpoints.

use crate::command::Call;
use crate::raw::created;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use tests::Certificates;

/// A server whose certificate is for `localhost`; returns its port, and the count of requests it could read.
fn server(certificates: &Certificates) -> (u16, Arc<AtomicU32>) {
    let chain =
        CertificateDer::from_pem_file(certificates.path("server.pem")).expect("a certificate");
    let key = PrivateKeyDer::from_pem_file(certificates.path("server.key")).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![chain], key)
        .expect("they belong together");
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("it listens").port();
    let served = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&served);
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let (config, count) = (Arc::clone(&config), Arc::clone(&count));
            thread::spawn(move || {
                let session = rustls::ServerConnection::new(config).expect("a session");
                let mut stream = rustls::StreamOwned::new(session, client);
                if crate::raw::request(&mut stream).is_some() {
                    let number = count.fetch_add(1, Ordering::SeqCst) + 1;
                    drop(std::io::Write::write_all(&mut stream, &created(&number.to_string())));
                }
            });
        }
    });
    (port, served)
}

#[test]
fn an_endpoint_gets_requests_only_if_its_certificate_is_trusted() {
    let certificates = Certificates::of(&[("server", "localhost")]);
    let (port, served) = server(&certificates);
    let call = |host: &str, authority: &str| {
        let path = certificates.path(authority);
        let words = ["--only", "missing-key,half-body,lost-connection", "--ca", &path];
        Call::of(&format!("https://{host}:{port}/")).with(&words).with(&["--body", "abc"])
    };
    // A server of an unknown authority or of another name gets no request.
    for (host, authority) in [("localhost", "other.pem"), ("127.0.0.1", "ca.pem")] {
        let said = call(host, authority).run();
        assert_eq!((said.code, served.load(Ordering::SeqCst)), (3, 0), "{said:?}");
    }
    let judged = call("localhost", "ca.pem").judged();
    // This server does not replay.
    judged.fails(&["lost-connection"]);
    assert!(judged.with("holds").contains("half-body"), "{:#}", judged.json);
    assert!(served.load(Ordering::SeqCst) > 5);
}

#[test]
fn certificates_that_cannot_be_read_are_reported() {
    for path in ["/no/such/file", "/dev/null"] {
        let said = Call::of("https://localhost:1/").with(&["--ca", path]).run();
        assert_eq!((said.code, said.err.contains(path)), (2, true), "{said:?}");
    }
}
