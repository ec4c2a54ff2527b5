//! A Redis Cluster of a test's own.

use crate::{Proxy, RedisServer, eventually, free_ports};

/// The number of slots of a cluster.
const SLOTS: u16 = 16384;

/// Three masters, each behind a proxy; they end when this is dropped.
#[derive(Debug)]
pub struct RedisCluster {
    nodes: Vec<Node>,
}

#[derive(Debug)]
struct Node {
    server: RedisServer,
    /// The address that the node announces.
    proxy: Proxy,
    id: String,
    port: String,
}

/// A slot on its way from one master to another.
#[derive(Debug)]
#[must_use = "a slot that stays between two masters"]
pub struct Move<'a> {
    cluster: &'a RedisCluster,
    slot: String,
    from: usize,
    to: usize,
}

impl RedisCluster {
    /// Starts the masters, which share all slots evenly.
    pub async fn start() -> Self {
        let mut nodes: Vec<Node> = Vec::new();
        for number in 0..3 {
            let [port, bus] = free_ports().map(|port| port.to_string());
            let fixed = ["--save", "", "--appendonly", "no", "--cluster-enabled", "yes"];
            let own = ["--bind", "127.0.0.1", "--port", &port, "--cluster-port", &bus];
            let server = RedisServer::start_with(&[&fixed[..], &own[..]].concat());
            let proxy = Proxy::to(&server).await;
            let announced = proxy.address().port().to_string();
            let () = server.command(&["CONFIG", "SET", "cluster-announce-port", &announced]);
            let first = SLOTS / 3 * number;
            let last = if number == 2 { SLOTS } else { first + SLOTS / 3 } - 1;
            let (first, last) = (first.to_string(), last.to_string());
            let () = server.command(&["CLUSTER", "ADDSLOTSRANGE", &first, &last]);
            let () = server.command(&["CLUSTER", "SET-CONFIG-EPOCH", &(number + 1).to_string()]);
            let id = server.command(&["CLUSTER", "MYID"]);
            if let Some(met) = nodes.first() {
                let () = met.server.command(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus]);
            }
            nodes.push(Node { server, proxy, id, port });
        }
        let cluster = Self { nodes };
        eventually("the cluster is formed", async || cluster.is_formed().then_some(())).await;
        cluster
    }

    /// Whether every master knows where every slot is.
    fn is_formed(&self) -> bool {
        self.nodes.iter().all(|node| {
            let info: String = node.server.command(&["CLUSTER", "INFO"]);
            let known: String = node.server.command(&["CLUSTER", "NODES"]);
            let announced = |node: &Node| known.contains(&node.proxy.address().to_string());
            info.contains("cluster_state:ok")
                && info.contains("cluster_slots_ok:16384")
                && self.nodes.iter().all(announced)
        })
    }

    /// Sends one command to the master that has its key.
    pub fn command<T: redis::FromRedisValue>(&self, words: &[&str]) -> T {
        let mut answers = self.nodes.iter().map(|node| node.server.try_command(words));
        answers.find_map(Result::ok).expect("a master accepts the command")
    }

    /// Its address for `RedisStore::connect`. It names two of the three nodes, so that the third must be found.
    pub fn url(&self) -> String {
        let [one, other, _] = &self.nodes[..] else { unreachable!("three nodes") };
        format!("redis+cluster://{},{}", one.proxy.address(), other.proxy.address())
    }

    /// The proxies in front of the masters.
    pub fn proxies(&self) -> impl Iterator<Item = &Proxy> {
        self.nodes.iter().map(|node| &node.proxy)
    }

    /// The names of the keys that each master has.
    pub fn names(&self) -> Vec<Vec<String>> {
        self.nodes.iter().map(|node| node.server.command(&["KEYS", "*"])).collect()
    }

    /// The number of times that this command arrived, at all masters together.
    pub fn calls(&self, command: &str) -> u64 {
        let calls = |node: &Node| -> u64 {
            let statistics: String = node.server.command(&["INFO", "commandstats"]);
            let marked = format!("cmdstat_{command}:calls=");
            let calls = statistics.split(&marked).nth(1).unwrap_or("0");
            calls.split(',').next().unwrap_or_default().parse().expect("a number")
        };
        self.nodes.iter().map(calls).sum()
    }

    /// Begins to move the slot of a key from the master that has it to the next.
    pub fn begin_to_move(&self, name: &str) -> Move<'_> {
        let names = self.names();
        let from = names.iter().position(|names| names.iter().any(|known| known == name));
        let from = from.expect("a master has it");
        let to = (from + 1) % self.nodes.len();
        let slot: u16 = self.nodes[from].server.command(&["CLUSTER", "KEYSLOT", name]);
        let moved = Move { cluster: self, slot: slot.to_string(), from, to };
        let (source, target) = moved.ends();
        let set = |node: &Node, state, other: &Node| {
            let () = node.server.command(&["CLUSTER", "SETSLOT", &moved.slot, state, &other.id]);
        };
        set(target, "IMPORTING", source);
        set(source, "MIGRATING", target);
        moved
    }
}

impl Move<'_> {
    fn ends(&self) -> (&Node, &Node) {
        (&self.cluster.nodes[self.from], &self.cluster.nodes[self.to])
    }

    /// Moves the keys of the slot; the slot itself is still where it was.
    pub fn carry_keys(&self) {
        let (source, target) = self.ends();
        let names: Vec<String> =
            source.server.command(&["CLUSTER", "GETKEYSINSLOT", &self.slot, "1000"]);
        if names.is_empty() {
            return;
        }
        let mut migrate = vec!["MIGRATE", "127.0.0.1", &target.port, "", "0", "5000", "KEYS"];
        migrate.extend(names.iter().map(String::as_str));
        let () = source.server.command(&migrate);
    }

    /// Ends the move: all masters know the slot's new place.
    pub fn end(self) {
        let (_, target) = self.ends();
        let others = self.cluster.nodes.iter().filter(|node| node.id != target.id);
        for node in std::iter::once(target).chain(others) {
            let () = node.server.command(&["CLUSTER", "SETSLOT", &self.slot, "NODE", &target.id]);
        }
    }
}
