//! Invariants S8, L3, L5: the store does not answer before the claim.

use crate::{Net, assert_ran, assert_replays, refused};
use tests::eventually;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_network_is_frozen_nothing_runs_and_after_it_all_is_well() {
    let net = Net::open().await;
    assert_ran(&net.far("/orders", "before").await, None);
    net.proxy.freeze();
    refused(net.far.post("/orders").key("before")).await;
    refused(net.far.post("/brief").key("new")).await;
    assert_eq!(net.runs(), 1);

    net.proxy.pass();
    assert_ran(&net.far("/orders", "other").await, None);
    assert_replays(&net.far("/orders", "before").await, "run 9");
    // The claim that was under way has arrived by now; its key is free after its lease.
    let ran = eventually("the lease is over", async || {
        let retry = net.far("/brief", "new").await;
        assert!(matches!(retry.status, 201 | 409), "{retry:?}");
        (retry.status == 201).then_some(retry)
    })
    .await;
    assert_ran(&ran, None);
    assert_eq!(net.runs(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_in_a_frozen_network_is_refused_in_bounded_time() {
    let net = Net::open().await;
    net.proxy.freeze();
    let crowd = (0..40).map(|n| refused(net.far.post("/orders").key(&format!("k{n}"))));
    futures_util::future::join_all(crowd).await;
    assert_eq!(net.runs(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_connections_are_refused_nothing_runs_and_after_it_all_is_well() {
    let net = Net::open().await;
    assert_ran(&net.far("/orders", "before").await, None);
    for round in 1..=2 {
        net.proxy.refuse();
        for key in ["before", "new"] {
            refused(net.far.post("/orders").key(key)).await;
        }
        assert_eq!(net.runs(), round);
        net.proxy.pass();
        // Refused connections brought no claim to the store.
        assert_ran(&net.far("/orders", &format!("after-{round}")).await, None);
        assert_replays(&net.far("/orders", "before").await, "run 9");
    }
    assert_ran(&net.far("/orders", "new").await, None);
}

/// The host at the other end is gone, so the connection never reports an end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_falls_silent_is_replaced() {
    let net = Net::open().await;
    assert_ran(&net.far("/orders", "before").await, None);
    net.proxy.silence();
    for n in 0..4 {
        assert_replays(&net.far("/orders", "before").await, "run 9");
        assert_ran(&net.far("/orders", &format!("after-{n}")).await, None);
    }
}
