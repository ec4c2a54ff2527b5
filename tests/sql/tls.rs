//! TLS to servers that accept only TLS, with certificates that the tests make.

use crate::{Kind, Own, on_both_servers};
use idempotent_runtime::store::{Finding, Severity, Store, open};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use tests::{Certificates, MariaDbServer, PostgresServer, Proxy, free_ports};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

on_both_servers! {
    a_wrong_name_is_refused,
    an_unknown_authority_is_refused,
    encryption_alone_is_remarked_upon,
    a_server_without_tls_is_refused,
}

/// A server on a port that accepts only TLS, with a certificate for `localhost`.
struct Encrypted {
    kind: Kind,
    files: Certificates,
    port: u16,
    _server: Own,
}

impl Encrypted {
    async fn start(kind: Kind) -> Self {
        let files = Certificates::of(&[("server", "localhost")]);
        fs::write(files.path("hba"), "local all all trust\nhostssl all all 127.0.0.1/32 trust\n")
            .expect("it is written");
        belong_to_the_server(kind, files.directory());
        let [port] = free_ports();
        let [cert, key, hba] = ["server.pem", "server.key", "hba"].map(|name| files.path(name));
        let options = match kind {
            Kind::Postgres => [
                "listen_addresses=127.0.0.1".to_owned(),
                format!("port={port}"),
                "ssl=on".to_owned(),
                format!("ssl_cert_file={cert}"),
                format!("ssl_key_file={key}"),
                format!("hba_file={hba}"),
            ]
            .into_iter()
            .flat_map(|option| ["-c".to_owned(), option])
            .collect(),
            Kind::MariaDb => vec![
                "--skip-networking=0".to_owned(),
                "--bind-address=127.0.0.1".to_owned(),
                format!("--port={port}"),
                format!("--ssl-cert={cert}"),
                format!("--ssl-key={key}"),
                "--require-secure-transport=ON".to_owned(),
            ],
        };
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        let server = kind.start_with(&options).await;
        Self { kind, files, port, _server: server }
    }

    /// Connects to a host with this mode, and with the authority in this file, if one is named.
    async fn connect(
        &self,
        host: &str,
        mode: &str,
        authority: Option<&str>,
    ) -> Result<Arc<dyn Store>, String> {
        let Self { kind, files, port, .. } = self;
        let mut url = match kind {
            Kind::Postgres => format!("postgres://postgres@{host}:{port}/postgres?sslmode={mode}"),
            Kind::MariaDb => format!("mysql://root@{host}:{port}/mysql?ssl-mode={mode}"),
        };
        if let Some(authority) = authority {
            let file = files.path(authority);
            url = format!("{url}&{}={}", kind.pick("sslrootcert", "ssl-ca"), file);
        }
        open(&url).await.map_err(|error| error.to_string())
    }

    const fn verified(&self) -> &'static str {
        self.kind.pick("verify-full", "VERIFY_IDENTITY")
    }

    const fn authority_alone(&self) -> &'static str {
        self.kind.pick("verify-ca", "VERIFY_CA")
    }
}

/// Lets only the server read its key.
fn belong_to_the_server(kind: Kind, files: &Path) {
    let command = |words: &[&str]| Command::new(words[0]).args(&words[1..]).arg(files).status();
    let user = kind.pick("postgres", "mysql");
    let id = Command::new("id").arg("-u").output().expect("`id` runs");
    if id.stdout.trim_ascii() == b"0" {
        command(&["chown", "-R", user]).expect("`chown` runs");
    }
    command(&["chmod", "-R", "u=rwX,go="]).expect("`chmod` runs");
}

async fn a_wrong_name_is_refused(kind: Kind) {
    let server = Encrypted::start(kind).await;
    let store = server.connect("localhost", server.verified(), Some("ca.pem")).await;
    assert_eq!(store.expect("it is the server").findings(), []);
    let error = server.connect("127.0.0.1", server.verified(), Some("ca.pem")).await.unwrap_err();
    assert!(error.contains("not valid for name"), "{error}");
    // This mode does not check the name.
    let store = server.connect("127.0.0.1", server.authority_alone(), Some("ca.pem")).await;
    assert_eq!(store.expect("it is of the authority").findings(), []);
}

async fn an_unknown_authority_is_refused(kind: Kind) {
    let server = Encrypted::start(kind).await;
    for mode in [server.verified(), server.authority_alone()] {
        for authority in [Some("other.pem"), None] {
            let error = server.connect("localhost", mode, authority).await.unwrap_err();
            assert!(error.contains("invalid peer certificate"), "{mode}, {authority:?}: {error}");
        }
    }
}

async fn encryption_alone_is_remarked_upon(kind: Kind) {
    let server = Encrypted::start(kind).await;
    let store = server.connect("127.0.0.1", kind.pick("require", "REQUIRED"), None).await;
    let findings = store.expect("the server takes it").findings();
    let [Finding { severity: Severity::Warning, help, .. }] = &findings[..] else {
        panic!("{findings:?}")
    };
    assert!(help.contains(server.verified()), "{help}");
    // So the accepted connection was encrypted.
    server
        .connect("127.0.0.1", kind.pick("disable", "DISABLED"), None)
        .await
        .expect_err("plaintext");
}

async fn a_server_without_tls_is_refused(kind: Kind) {
    let database = kind.database().await;
    let (proxy, mode, asked) = match kind {
        Kind::Postgres => {
            let proxy = Proxy::to(PostgresServer::shared().await).await;
            (proxy, "sslmode=disable", "sslmode=require")
        }
        Kind::MariaDb => {
            let proxy = Proxy::to(MariaDbServer::shared().await).await;
            (proxy, "ssl-mode=disabled", "ssl-mode=REQUIRED")
        }
    };
    let plain = match kind {
        Kind::Postgres => PostgresServer::through(&proxy, &database),
        Kind::MariaDb => MariaDbServer::through(&proxy, &database),
    };
    open(&plain).await.expect("plaintext is meant");
    let error = open(&plain.replace(mode, asked)).await.expect_err("there is no certificate");
    assert!(error.to_string().contains("server does not support TLS"), "{error}");
}

/// Somebody in the middle answers that there is no TLS.
#[tokio::test]
async fn a_server_that_says_no_is_told_no_credentials() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let heard = async {
        let (mut client, _) = listener.accept().await.unwrap();
        let mut request = [0; 8];
        client.read_exact(&mut request).await.unwrap();
        client.write_all(b"N").await.unwrap();
        let mut rest = Vec::new();
        client.read_to_end(&mut rest).await.unwrap();
        rest
    };
    let url = format!("postgres://user:secret@{address}/db?sslmode=verify-full");
    let (heard, opened) = tokio::join!(heard, open(&url));
    assert_eq!(heard, b"");
    opened.expect_err("there is no TLS");
}
