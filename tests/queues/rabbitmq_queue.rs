//! Queues of `RabbitMQ`.

use crate::queue_under_test::QueueUnderTest;
use idempotent_runtime::consume::AmqpQueue;
use lapin::BasicProperties;
use lapin::types::AMQPValue;
use std::sync::atomic::{AtomicUsize, Ordering};
use tests::{Proxy, Publisher, RabbitMqServer, eventually};

/// A queue that no other test uses.
pub(crate) struct Queue {
    /// The server, if it is not the one that all tests share.
    server: Option<RabbitMqServer>,
    url: String,
    pub(crate) name: String,
    pub(crate) publisher: Publisher,
}

impl Queue {
    async fn on(server: &RabbitMqServer) -> Self {
        static QUEUES: AtomicUsize = AtomicUsize::new(0);
        let name = format!("orders{}", QUEUES.fetch_add(1, Ordering::Relaxed));
        Self { server: None, url: server.url(), name, publisher: server.publisher().await }
    }

    /// The server that no other test uses.
    pub(crate) fn server(&self) -> &RabbitMqServer {
        self.server.as_ref().expect("a server of its own")
    }

    /// A queue that its consumer will declare.
    pub(crate) async fn is_declared(&self) {
        eventually("the queue is declared", async || self.publisher.ready(&self.name).await).await;
    }

    pub(crate) async fn publish_with(&self, payload: &str, properties: BasicProperties) {
        self.is_declared().await;
        self.publisher.publish(&self.name, payload.as_bytes(), properties).await;
    }

    /// The queue, and those in which its messages wait.
    fn waiting(&self) -> impl Iterator<Item = String> {
        let steps = [20, 40, 80, 100].map(|after| format!("{}.later.{after}", self.name));
        std::iter::once(self.name.clone()).chain(steps)
    }

    /// Takes the dead letters out of their queue.
    pub(crate) async fn take_dead(&self) -> Vec<(String, BasicProperties)> {
        let mut dead = Vec::new();
        while let Some((payload, properties)) =
            self.publisher.take(&format!("{}.dead", self.name)).await
        {
            dead.push((String::from_utf8(payload).expect("text"), properties));
        }
        dead
    }
}

/// A header, if it is text.
pub(crate) fn text(properties: &BasicProperties, name: &str) -> String {
    let headers = properties.headers().as_ref().expect("there are headers");
    let Some(AMQPValue::LongString(text)) = headers.inner().get(name) else { panic!("no {name}") };
    text.to_string()
}

impl QueueUnderTest for Queue {
    type Source = AmqpQueue;

    async fn new() -> Self {
        Self::on(RabbitMqServer::shared().await).await
    }

    async fn of_its_own() -> Self {
        let server = RabbitMqServer::start().await;
        let queue = Self::on(&server).await;
        Self { server: Some(server), ..queue }
    }

    fn source(&self) -> AmqpQueue {
        AmqpQueue::new(&self.url, self.name.as_str()).expect("it is a URL")
    }

    fn arguments(&self) -> [String; 3] {
        [self.url.clone(), self.name.clone(), String::new()]
    }

    async fn publish(&self, payload: &str) {
        self.publish_with(payload, BasicProperties::default()).await;
    }

    async fn is_settled(&self) -> bool {
        // The broker does not report messages that are delivered and not acknowledged.
        for queue in self.waiting() {
            if self.publisher.ready(&queue).await.is_some_and(|ready| ready > 0) {
                return false;
            }
        }
        true
    }

    async fn dead(&self) -> Vec<(String, String)> {
        let dead = self.take_dead().await.into_iter();
        dead.map(|(payload, properties)| (payload, text(&properties, "idempotency-reason")))
            .collect()
    }

    async fn put_back(&self) -> usize {
        let dead = self.take_dead().await;
        let moved = dead.len();
        for (payload, properties) in dead {
            self.publish_with(&payload, properties).await;
        }
        moved
    }

    async fn redrive(&self, at_most: usize) -> usize {
        self.source().redrive(at_most).await.expect("the broker answers")
    }

    async fn kill_and_restart(&mut self) {
        let server = self.server();
        server.kill();
        server.restart().await;
        self.publisher = server.publisher().await;
    }

    async fn network(&self) -> (Proxy, String) {
        let proxy = Proxy::to(self.server()).await;
        let url = format!("amqp://{}/%2f", proxy.address());
        (proxy, url)
    }

    /// A classic queue may lose a message whose delay ends while the server stops, so it waits until none is delayed.
    async fn restart_without_loss(&mut self, network: &Proxy) {
        network.refuse();
        eventually("no delay is left", async || {
            for queue in self.waiting().skip(1) {
                if self.publisher.ready(&queue).await.is_some_and(|ready| ready > 0) {
                    return None;
                }
            }
            Some(())
        })
        .await;
        let server = self.server();
        server.stop_and_start().await;
        self.publisher = server.publisher().await;
        network.pass();
    }
}
