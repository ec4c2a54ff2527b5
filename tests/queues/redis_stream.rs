//! Streams of Redis, each on a server of its own.

use crate::queue_under_test::QueueUnderTest;
use idempotent_runtime::consume::RedisStream;
use std::time::Duration;
use tests::{Proxy, RedisServer};

/// The default time after which an entry of a stream is taken over.
pub(crate) const IDLE: Duration = Duration::from_millis(300);

const STREAM: &str = "orders";
const GROUP: &str = "shop";

/// A stream on a Redis server of its own, which writes everything to disk.
pub(crate) struct Stream {
    pub(crate) server: RedisServer,
    /// The time after which its entries are taken over.
    pub(crate) idle: Duration,
}

impl Stream {
    /// Sends a command that begins with its stream and its group.
    pub(crate) fn ask<T: redis::FromRedisValue>(&self, words: &[&str], rest: &[&str]) -> T {
        self.server.command(&[words, &[STREAM, GROUP], rest].concat())
    }
}

impl QueueUnderTest for Stream {
    type Source = RedisStream;

    async fn new() -> Self {
        let options = ["--save", "", "--appendonly", "yes", "--appendfsync", "always"];
        Self { server: RedisServer::start_with(&options), idle: IDLE }
    }

    fn source(&self) -> RedisStream {
        let source = RedisStream::new(self.server.url(), STREAM, GROUP).expect("it is a URL");
        source.take_over_after(self.idle)
    }

    fn arguments(&self) -> [String; 3] {
        [self.server.url(), STREAM.to_owned(), GROUP.to_owned()]
    }

    async fn publish(&self, payload: &str) {
        self.server.command::<String>(&["XADD", STREAM, "*", "payload", payload]);
    }

    async fn is_settled(&self) -> bool {
        type Groups = Vec<std::collections::HashMap<String, redis::Value>>;
        let groups: Groups = self.server.command(&["XINFO", "GROUPS", STREAM]);
        let zero = Some(&redis::Value::Int(0));
        groups.len() == 1 && groups[0].get("pending") == zero && groups[0].get("lag") == zero
    }

    async fn dead(&self) -> Vec<(String, String)> {
        type Entries = Vec<(String, Vec<String>)>;
        let entries: Entries = self.server.command(&["XRANGE", "orders:dead", "-", "+"]);
        let dead = entries.into_iter().map(|(_, fields)| {
            let field = |name: &str| {
                let pair = fields.chunks(2).find(|pair| pair[0] == name);
                pair.map(|pair| pair[1].clone()).unwrap_or_default()
            };
            (field("payload"), field("idempotency-reason"))
        });
        dead.collect()
    }

    async fn put_back(&self) -> usize {
        type Entries = Vec<(String, Vec<String>)>;
        let entries: Entries = self.server.command(&["XRANGE", "orders:dead", "-", "+"]);
        let moved = entries.len();
        for (id, fields) in entries {
            let fields = fields.iter().map(String::as_str);
            let add: Vec<_> = ["XADD", STREAM, "*"].into_iter().chain(fields).collect();
            self.server.command::<String>(&add);
            self.server.command::<u32>(&["XDEL", "orders:dead", &id]);
        }
        moved
    }

    async fn redrive(&self, at_most: usize) -> usize {
        self.source().redrive(at_most).await.expect("the server answers")
    }

    async fn kill_and_restart(&mut self) {
        self.server.kill();
        self.server.restart();
    }

    async fn network(&self) -> (Proxy, String) {
        let proxy = Proxy::to(&self.server).await;
        let url = proxy.url();
        (proxy, url)
    }

    async fn restart_without_loss(&mut self, _network: &Proxy) {
        self.kill_and_restart().await;
    }
}
