//! A master, its replica, and sentinels that watch them.

use crate::free_ports;
use crate::{RedisServer, eventually};

/// The name of the master for sentinels.
const NAME: &str = "main";

/// Two servers and three sentinels of a test's own; they end when this is dropped.
#[derive(Debug)]
pub struct Sentinels {
    /// The sentinels, and the port of each.
    watch: Vec<(RedisServer, String)>,
    /// The master at first.
    pub first: RedisServer,
    /// Its replica at first.
    pub second: RedisServer,
}

impl Sentinels {
    /// Starts all, and waits until the sentinels could fail over.
    pub async fn start() -> Self {
        let [port, other] = free_ports().map(|port| port.to_string());
        let fixed = ["--save", "", "--appendonly", "no", "--repl-diskless-sync-delay", "0"];
        let server = |own: &[&str]| RedisServer::start_with(&[&fixed, own].concat());
        let bind = ["--bind", "127.0.0.1", "--port"];
        let first = server(&[&bind[..], &[&port]].concat());
        let second = server(&[&bind[..], &[&other, "--replicaof", "127.0.0.1", &port]].concat());
        let sentinels = [(); 3].map(|()| {
            let [own] = free_ports().map(|port| port.to_string());
            let config = format!(
                "bind 127.0.0.1\nport {own}\nsentinel monitor {NAME} 127.0.0.1 {port} 2\n\
                 sentinel down-after-milliseconds {NAME} 500\n\
                 sentinel failover-timeout {NAME} 5000\n"
            );
            (RedisServer::start_sentinel(&config), own)
        });
        let new = Self { watch: sentinels.into(), first, second };
        eventually("the sentinels are ready", async || new.are_ready().then_some(())).await;
        new
    }

    /// Whether each knows the replica and the other sentinels.
    fn are_ready(&self) -> bool {
        self.watch.iter().all(|(sentinel, _)| {
            let about: Vec<String> = sentinel.command(&["SENTINEL", "MASTER", NAME]);
            let field = |name: &str| about.iter().skip_while(|word| *word != name).nth(1).cloned();
            let has = |name, many: &str| field(name).as_deref() == Some(many);
            has("num-slaves", "1") && has("num-other-sentinels", "2")
        })
    }

    /// The address of a master of this name for `RedisStore::connect`.
    pub fn url_of(&self, name: &str) -> String {
        let hosts: Vec<_> =
            self.watch.iter().map(|(_, port)| format!("127.0.0.1:{port}")).collect();
        format!("redis+sentinel://{}/{name}", hosts.join(","))
    }

    /// The address of the master.
    pub fn url(&self) -> String {
        self.url_of(NAME)
    }

    /// Makes the replica the master, while the old master lives.
    pub fn fail_over(&self) {
        let () = self.watch[0].0.command(&["SENTINEL", "FAILOVER", NAME]);
    }

    /// Ends the first sentinel in the URL.
    pub fn kill_one(&mut self) {
        self.watch[0].0.kill();
    }
}
