//! A slow network that loses nothing.

use crate::{Net, assert_ran, assert_replays};
use futures_util::future::join_all;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_network_delays_everything_and_changes_nothing() {
    let net = Net::open().await;
    net.proxy.delay(Duration::from_millis(100));
    let replies = join_all((0..20).map(|n| match n % 2 {
        0 => net.far.post("/orders").key("k").send(),
        _ => net.near.post("/orders").key("k").send(),
    }))
    .await;
    let (ran, others): (Vec<_>, Vec<_>) =
        replies.iter().partition(|reply| reply.status == 201 && !reply.is_replay());
    assert_eq!((ran.len(), net.runs()), (1, 1), "{replies:?}");
    assert_ran(ran[0], None);
    for other in others {
        match other.status {
            201 => assert_replays(other, "run 9"),
            _ => other.is_problem(409, "in-progress"),
        }
    }
    for reply in [net.far("/orders", "k").await, net.near("/orders", "k").await] {
        assert_replays(&reply, "run 9");
    }
}
