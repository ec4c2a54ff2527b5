//! TLS to `RabbitMQ`, with certificates that the tests make.

use idempotent_runtime::consume::{AmqpQueue, Consumer, Failure, Incoming};
use lapin::BasicProperties;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;
use tests::{Certificates, RabbitMqServer, eventually, free_ports};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

const LONG: Duration = Duration::from_secs(30);

/// A broker that asks its clients for certificates, which is known as `localhost`.
struct Encrypted {
    server: RabbitMqServer,
    port: u16,
    files: Certificates,
}

impl Encrypted {
    async fn start() -> Self {
        let files = Certificates::of(&[("server", "localhost")]);
        // The broker has a user of its own.
        fs::set_permissions(files.directory(), fs::Permissions::from_mode(0o755))
            .expect("it is ours");
        let [port] = free_ports();
        let at = files.directory().display();
        let config = format!(
            "listeners.ssl.1 = 127.0.0.1:{port}\nssl_options.cacertfile = {at}/ca.pem\n\
             ssl_options.certfile = {at}/server.pem\nssl_options.keyfile = {at}/server.key\n\
             ssl_options.verify = verify_peer\nssl_options.fail_if_no_peer_cert = true\n"
        );
        Self { server: RabbitMqServer::start_with(&config).await, port, files }
    }

    fn queue(
        &self,
        host: &str,
        port: u16,
        authority: Option<&str>,
        certificate: &str,
    ) -> AmqpQueue {
        let at = self.files.directory().display();
        let authority = authority.map(|name| format!("ca={at}/{name}&")).unwrap_or_default();
        let certificate = certificate.replace("AT", &at.to_string());
        let url = format!("amqps://{host}:{port}/%2f?{authority}{certificate}");
        AmqpQueue::new(&url, "encrypted").expect("a URL")
    }
}

const KNOWN: &str = "cert=AT/server.pem&key=AT/server.key";

async fn refused(queue: AmqpQueue) -> String {
    let error = queue.ping(LONG).await.expect_err("it is refused");
    let cause = std::error::Error::source(&error).map(ToString::to_string);
    format!("{error}: {}", cause.unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_is_consumed_over_tls_and_by_nobody_who_may_not() {
    let broker = Encrypted::start().await;
    let publisher = broker.server.publisher().await;
    let queue = |host, authority| broker.queue(host, broker.port, authority, KNOWN);
    let (tell, mut told) = mpsc::unbounded_channel();
    let handler = move |incoming: Incoming| {
        let told = tell.send(incoming.payload().to_vec());
        async move { told.map_err(|_| Failure::never("nobody listens")) }
    };
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let consumer = Consumer::of(queue("localhost", Some("ca.pem")));
    let consumer = tokio::spawn(consumer.run(async move { drop(stopped.await) }, handler));
    eventually("the queue is declared", async || publisher.ready("encrypted").await).await;
    publisher.publish("encrypted", b"one", BasicProperties::default()).await;
    assert_eq!(told.recv().await.as_deref(), Some(&b"one"[..]));
    drop(stop);
    consumer.await.expect("no panic").expect("a stop is no error");

    let error = refused(queue("127.0.0.1", Some("ca.pem"))).await;
    assert!(error.contains("not valid for name"), "{error}");
    for authority in [Some("other.pem"), None] {
        let error = refused(queue("localhost", authority)).await;
        assert!(error.contains("invalid peer certificate"), "{authority:?}: {error}");
    }
    refused(broker.queue("localhost", broker.port, Some("ca.pem"), "")).await;
}

/// A listener sees the beginning of TLS, and neither a header nor credentials.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_sent_in_clear() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("amqps://user:secret@{}", listener.local_addr().expect("it is bound"));
    let queue = AmqpQueue::new(&url, "encrypted").expect("a URL");
    let heard = async {
        let (mut client, _) = listener.accept().await.expect("it connects");
        client.read_u8().await.expect("it says something")
    };
    let (heard, error) = tokio::join!(heard, refused(queue));
    assert_eq!(heard, 0x16, "a handshake of TLS");
    assert!(!error.contains("secret"), "{error}");
}

#[test]
fn certificates_that_cannot_be_used_are_named() {
    for (query, says) in [
        ("amqps://h?ca=/no/such/file", "`/no/such/file` of `?ca=`"),
        ("amqps://h?cert=/dev/null", "`/dev/null` of `?cert=`"),
        ("amqp://h?ca=/dev/null", "`?ca=` is for TLS"),
    ] {
        let error = AmqpQueue::new(query, "encrypted").expect_err("refused").to_string();
        assert!(error.contains(says), "{error}");
    }
}
