//! A `RabbitMQ` server of the tests' own.

use crate::daemon::Daemon;
use crate::eventually;
use crate::free_ports;
use lapin::options::{
    BasicAckOptions, BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions,
    QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties, Queue};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// A private node on free ports, with its data in a temporary directory and a name server of its own;
/// it ends when it is dropped.
#[derive(Debug)]
pub struct RabbitMqServer {
    daemon: Daemon,
    port: u16,
    /// The port of its name server.
    names: u16,
}

/// The connection by which a test publishes and looks into queues.
#[derive(Debug)]
pub struct Publisher {
    channel: Channel,
    url: String,
}

impl RabbitMqServer {
    /// The server that all tests of this process share; it is started for the first.
    pub async fn shared() -> &'static Self {
        static SHARED: OnceLock<RabbitMqServer> = OnceLock::new();
        let server = SHARED.get_or_init(|| {
            let server = Self::installed();
            server.daemon.start();
            server
        });
        server.answers().await;
        server
    }

    /// Starts a server of a test's own.
    pub async fn start() -> Self {
        let server = Self::installed();
        server.restart().await;
        server
    }

    /// Starts one that also listens on this port, by these lines of its configuration.
    pub async fn start_with(config: &str) -> Self {
        let server = Self::configured(config);
        server.restart().await;
        server
    }

    fn installed() -> Self {
        Self::configured("")
    }

    fn configured(config: &str) -> Self {
        let [port, nodes, names] = free_ports();
        let write = |directory: &Path| {
            let file = directory.join("rabbitmq.conf").display().to_string();
            ["sh", "-c", r#"printf %s "$1" >"$0""#, &file, config].map(str::to_owned).to_vec()
        };
        let serve = |directory: &Path| serve(directory, port, nodes, names);
        Self { daemon: Daemon::new("rabbitmq", "KILL", write, serve), port, names }
    }

    /// Starts it again after [`kill`](Self::kill), with its data on disk.
    pub async fn restart(&self) {
        self.daemon.start();
        self.answers().await;
    }

    /// Ends it with SIGKILL.
    pub fn kill(&self) {
        self.daemon.kill();
    }

    /// Makes it short of memory, so that it accepts no messages, or ends that.
    pub fn has_memory(&self, enough: bool) {
        let limit = if enough { "0.9" } else { "0.0000001" };
        self.control(&["set_vm_memory_high_watermark", limit]);
    }

    /// Stops it in order, and starts it again. All connections are closed.
    pub async fn stop_and_start(&self) {
        self.control(&["stop_app"]);
        self.control(&["start_app"]);
        self.answers().await;
    }

    fn control(&self, words: &[&str]) {
        let mut control = Command::new("/usr/lib/rabbitmq/bin/rabbitmqctl");
        control.env("HOME", self.daemon.directory()).env("ERL_EPMD_PORT", self.names.to_string());
        control.env("RABBITMQ_CONF_ENV_FILE", "/dev/null").args(["-n", "tests@localhost"]);
        let done = control.args(words).output().expect("it is installed");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    /// Its address for `AmqpQueue::new`.
    pub fn url(&self) -> String {
        format!("amqp://127.0.0.1:{}/%2f", self.port)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Connects.
    pub async fn publisher(&self) -> Publisher {
        Publisher { channel: self.connect().await.expect("the server is up"), url: self.url() }
    }

    async fn connect(&self) -> lapin::Result<Channel> {
        let channel = connect(&self.url()).await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        Ok(channel)
    }

    async fn answers(&self) {
        let started = Instant::now();
        while !matches!(
            tokio::time::timeout(Duration::from_secs(5), self.connect()).await,
            Ok(Ok(_))
        ) {
            let late = started.elapsed() > Duration::from_mins(2);
            assert!(!late, "rabbitmq does not answer: {}", self.daemon.log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Publisher {
    /// Puts a message into an existing queue. The broker has the message when this returns.
    ///
    /// A queue that was just declared may not know its leader yet.
    pub async fn publish(&self, queue: &str, payload: &[u8], properties: BasicProperties) {
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let properties = properties.with_delivery_mode(2);
        eventually("the broker takes a message", async || {
            let (to, properties) = (queue.into(), properties.clone());
            let sent = self.channel.basic_publish("".into(), to, options, payload, properties);
            let sent = sent.await.expect("the server is up").await.expect("it answers");
            (sent == Confirmation::Ack(None)).then_some(())
        })
        .await;
    }

    /// The number of messages that are ready in a queue; `None` if there is no queue.
    pub async fn ready(&self, queue: &str) -> Option<u32> {
        Some(self.look(queue).await?.message_count())
    }

    /// The number of consumers of a queue; `None` if there is no queue.
    pub async fn consumers(&self, queue: &str) -> Option<u32> {
        Some(self.look(queue).await?.consumer_count())
    }

    async fn look(&self, queue: &str) -> Option<Queue> {
        let channel = connect(&self.url).await.ok()?;
        let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        channel.queue_declare(queue.into(), passive, FieldTable::default()).await.ok()
    }

    /// Declares a durable queue with these arguments.
    pub async fn declare(&self, queue: &str, arguments: FieldTable) {
        let durable = QueueDeclareOptions::durable();
        self.channel.queue_declare(queue.into(), durable, arguments).await.expect("it is declared");
    }

    /// Deletes a queue with all that is in it.
    pub async fn delete(&self, queue: &str) {
        let deleted = self.channel.queue_delete(queue.into(), QueueDeleteOptions::default());
        deleted.await.expect("the server is up");
    }

    /// Takes a message out of a queue.
    pub async fn take(&self, queue: &str) -> Option<(Vec<u8>, BasicProperties)> {
        let channel = connect(&self.url).await.ok()?;
        let got = channel.basic_get(queue.into(), BasicGetOptions::default()).await.ok()??;
        got.ack(BasicAckOptions::default()).await.expect("the server is up");
        let delivery = got.delivery;
        Some((delivery.data, delivery.properties))
    }
}

/// A channel of a connection of its own: asking for a queue that does not exist closes both.
async fn connect(url: &str) -> lapin::Result<Channel> {
    Connection::connect(url, ConnectionProperties::default()).await?.create_channel().await
}

/// Starts the server of Debian's package `rabbitmq-server`, without its script, which writes into other folders.
///
/// It has one scheduler that does not spin, since many tests share the host.
fn serve(directory: &Path, port: u16, nodes: u16, names: u16) -> Vec<String> {
    let home = directory.display();
    let settings = [
        format!("HOME={home}"),
        format!("ERL_EPMD_PORT={names}"),
        "ERL_EPMD_ADDRESS=127.0.0.1".to_owned(),
        "RABBITMQ_NODENAME=tests@localhost".to_owned(),
        "RABBITMQ_NODE_IP_ADDRESS=127.0.0.1".to_owned(),
        format!("RABBITMQ_NODE_PORT={port}"),
        format!("RABBITMQ_DIST_PORT={nodes}"),
        format!("RABBITMQ_MNESIA_BASE={home}/data"),
        format!("RABBITMQ_LOG_BASE={home}/logs"),
        "RABBITMQ_LOGS=-".to_owned(),
        format!("RABBITMQ_ENABLED_PLUGINS_FILE={home}/plugins"),
        format!("RABBITMQ_CONFIG_FILE={home}/rabbitmq"),
        "RABBITMQ_CONF_ENV_FILE=/dev/null".to_owned(),
        // It is started as systemd starts it: the server is the process itself, without a script.
        format!("NOTIFY_SOCKET={home}/none"),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=+S 1:1 +sbwt none".to_owned(),
    ];
    let run = r#"epmd -port "$ERL_EPMD_PORT" -address 127.0.0.1 & exec "$0" </dev/null"#;
    let program = ["sh", "-c", run, "/usr/lib/rabbitmq/bin/rabbitmq-server"];
    let words = std::iter::once("env".to_owned()).chain(settings);
    words.chain(program.map(str::to_owned)).collect()
}
