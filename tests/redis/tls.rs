//! TLS to one server, a cluster, and a master that sentinels name, with certificates that the tests make.

use crate::Shop;
use idempotent_runtime::RedisStore;
use idempotent_runtime::store::Store;
use std::fs;
use tests::{Certificates, RedisServer, eventually, free_ports};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

/// Certificates of a server and of another host's.
struct Files(Certificates);

impl Files {
    fn new() -> Self {
        Self(Certificates::of(&[("server", "127.0.0.1"), ("elsewhere", "db.example")]))
    }

    fn path(&self, name: &str) -> String {
        self.0.path(name)
    }

    /// The options of a server that takes TLS alone, on this port, with this certificate.
    fn options(&self, port: u16, certificate: &str, asks_clients: bool) -> Vec<String> {
        [
            ("--save", String::new()),
            ("--bind", "127.0.0.1".to_owned()),
            ("--tls-port", port.to_string()),
            ("--tls-cert-file", self.path(&format!("{certificate}.pem"))),
            ("--tls-key-file", self.path(&format!("{certificate}.key"))),
            ("--tls-ca-cert-file", self.path("ca.pem")),
            ("--tls-auth-clients", if asks_clients { "yes" } else { "no" }.to_owned()),
        ]
        .into_iter()
        .flat_map(|(name, value)| [name.to_owned(), value])
        .collect()
    }

    fn server(
        &self,
        port: u16,
        certificate: &str,
        asks_clients: bool,
        more: &[&str],
    ) -> RedisServer {
        let options = self.options(port, certificate, asks_clients);
        let options: Vec<_> =
            options.iter().map(String::as_str).chain(more.iter().copied()).collect();
        RedisServer::start_with(&options)
    }
}

async fn refused(url: &str) -> String {
    RedisStore::connect(url).await.expect_err("it is refused").to_string()
}

#[actix_web::test]
async fn a_request_runs_once_over_tls() {
    let (files, [port]) = (Files::new(), free_ports());
    let redis = files.server(port, "server", false, &[]);
    let url = format!("rediss://127.0.0.1:{port}?ca={}", files.path("ca.pem"));
    let shop = Shop::at(&url, redis).await;
    let (first, second) = (shop.order("k").await, shop.order("k").await);
    assert_eq!((first.status, &first.body), (second.status, &second.body));
    assert_eq!(shop.handler.runs(), 1);
}

#[actix_web::test]
async fn a_wrong_name_an_unknown_authority_and_a_plaintext_port_are_refused() {
    let (files, [port, other, plain]) = (Files::new(), free_ports());
    let _redis = files.server(port, "server", false, &["--port", &plain.to_string()]);
    let _named_otherwise = files.server(other, "elsewhere", false, &[]);
    let ca = files.path("ca.pem");
    let error = refused(&format!("rediss://127.0.0.1:{other}?ca={ca}")).await;
    assert!(error.contains("not valid for name"), "{error}");
    for authority in [format!("?ca={}", files.path("other.pem")), String::new()] {
        let error = refused(&format!("rediss://127.0.0.1:{port}{authority}")).await;
        assert!(error.contains("invalid peer certificate"), "{authority}: {error}");
    }
    RedisStore::connect(&format!("redis://127.0.0.1:{plain}")).await.expect("plaintext is meant");
    refused(&format!("rediss://127.0.0.1:{plain}?ca={ca}")).await;
}

#[actix_web::test]
async fn a_server_that_asks_for_a_certificate_gets_it() {
    let (files, [port]) = (Files::new(), free_ports());
    let _redis = files.server(port, "server", true, &[]);
    let url = format!("rediss://127.0.0.1:{port}?ca={}", files.path("ca.pem"));
    refused(&url).await;
    let (cert, key) = (files.path("server.pem"), files.path("server.key"));
    let store = RedisStore::connect(&format!("{url}&cert={cert}&key={key}")).await;
    store.expect("it knows us");
    let error = refused(&format!("{url}&cert={cert}")).await;
    assert!(error.contains("`?cert=` and `?key=` need each other"), "{error}");
}

#[actix_web::test]
async fn an_app_brings_a_client_with_certificates_in_memory() {
    let (files, [port]) = (Files::new(), free_ports());
    let _redis = files.server(port, "server", false, &[]);
    let url = format!("rediss://127.0.0.1:{port}");
    let root_cert = fs::read(files.path("ca.pem")).ok();
    let certificates = redis::TlsCertificates { client_tls: None, root_cert };
    let client = redis::Client::build_with_tls(url, certificates).expect("a client");
    let store = RedisStore::connect_with(client).await.expect("it connects");
    assert!(store.describe().contains(&port.to_string()), "{store:?}");
}

#[actix_web::test]
async fn every_node_of_a_cluster_is_spoken_to_by_tls() {
    let (files, [port, bus]) = (Files::new(), free_ports());
    let bus = bus.to_string();
    let more = ["--cluster-enabled", "yes", "--tls-cluster", "yes", "--cluster-port", &bus];
    let redis = files.server(port, "server", false, &more);
    let () = redis.command(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
    let ready = async || {
        let info: String = redis.command(&["CLUSTER", "INFO"]);
        info.contains("cluster_state:ok").then_some(())
    };
    eventually("the cluster is formed", ready).await;
    let url = format!("rediss+cluster://127.0.0.1:{port}?ca=");
    let store = RedisStore::connect(&format!("{url}{}", files.path("ca.pem"))).await;
    assert!(store.expect("it connects").describe().contains("Redis Cluster"));
    refused(&format!("{url}{}", files.path("other.pem"))).await;
}

#[actix_web::test]
async fn sentinels_and_their_master_are_spoken_to_by_tls() {
    let (files, [port, own]) = (Files::new(), free_ports());
    let _redis = files.server(port, "server", false, &["--tls-replication", "yes"]);
    let options = files.options(own, "server", false);
    let mut config: Vec<_> = options
        .chunks(2)
        .filter(|option| option[0] != "--save")
        .map(|option| format!("{} {}", option[0].trim_start_matches("--"), option[1]))
        .collect();
    config.extend(["port 0", "tls-replication yes"].map(str::to_owned));
    config.push(format!("sentinel monitor main 127.0.0.1 {port} 1"));
    let _sentinel = RedisServer::start_sentinel(&(config.join("\n") + "\n"));
    let url = format!("rediss+sentinel://127.0.0.1:{own}/main?ca=");
    let right = format!("{url}{}", files.path("ca.pem"));
    eventually("the sentinel knows its master", async || RedisStore::connect(&right).await.ok())
        .await;
    refused(&format!("{url}{}", files.path("other.pem"))).await;
}

/// A listener sees the beginning of TLS, and no command.
#[actix_web::test]
async fn nothing_is_sent_in_clear() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("rediss://user:secret@{}", listener.local_addr().expect("it is bound"));
    let heard = async {
        let (mut client, _) = listener.accept().await.expect("it connects");
        client.read_u8().await.expect("it says something")
    };
    let (heard, error) = tokio::join!(heard, refused(&url));
    assert_eq!(heard, 0x16, "a handshake of TLS");
    assert!(!error.contains("secret"), "{error}");
}
