//! Connections with `TCP_NODELAY`, checked on the sockets of this process.

use crate::guard;
use idempotent_runtime::RedisStore;
use idempotent_runtime::key::StorageKey;
use idempotent_runtime::store::{Store, open};
use rustix::net::{getpeername, sockopt};
use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};
use std::net::SocketAddr;
use tests::{Proxy, RedisCluster, RedisServer, Sentinels};

/// For each connection of this process to an address: whether `TCP_NODELAY` is set.
fn undelayed(to: SocketAddr) -> Vec<bool> {
    let this = pidfd_open(getpid(), PidfdFlags::empty()).expect("Linux");
    let numbers = std::fs::read_dir("/proc/self/fd")
        .expect("Linux")
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
    let sockets = numbers.filter_map(|number| {
        let socket = pidfd_getfd(&this, number, PidfdGetfdFlags::empty()).ok()?;
        let peer = SocketAddr::try_from(getpeername(&socket).ok()??).ok()?;
        (peer == to).then(|| sockopt::tcp_nodelay(&socket).expect("a connection"))
    });
    sockets.collect()
}

const KEY: StorageKey = StorageKey::from_bytes([7; 32]);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_sent_to_redis_is_sent_at_once() {
    let server = RedisServer::start();
    let proxy = Proxy::to(&server).await;
    let store = RedisStore::connect(&proxy.url()).await.expect("it connects");
    // The connection on which the server reports changes is among them.
    let _watched = store.watch(&KEY).expect("it can tell").await.expect("it answers");
    assert_eq!(undelayed(proxy.address()), [true, true]);
    let client = redis::Client::open(proxy.url()).expect("a URL");
    let _store = RedisStore::connect_with(client).await.expect("it connects");
    assert_eq!(undelayed(proxy.address()), [true; 3]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_sent_to_a_cluster_is_sent_at_once() {
    let cluster = RedisCluster::start().await;
    let store = open(&cluster.url()).await.expect("it connects");
    store.read(&KEY).await.expect("it answers");
    let all: Vec<_> = cluster.proxies().flat_map(|node| undelayed(node.address())).collect();
    assert!(!all.is_empty() && all.iter().all(|undelayed| *undelayed), "{all:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_sent_to_a_master_that_sentinels_name_is_sent_at_once() {
    let servers = Sentinels::start().await;
    let _guard = guard(&servers.url()).await;
    let [_, port]: [String; 2] = servers.first.command(&["CONFIG", "GET", "port"]);
    let master = SocketAddr::from(([127, 0, 0, 1], port.parse().expect("a port")));
    let all = undelayed(master);
    assert!(!all.is_empty() && all.iter().all(|undelayed| *undelayed), "{all:?}");
}
