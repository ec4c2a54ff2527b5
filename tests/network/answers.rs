//! Invariant S9: answers that do not arrive whole.

use crate::{Net, assert_ran, assert_replays, refused};
use tests::eventually;

/// Bytes that only a claim contains.
pub(crate) const CLAIM: &[u8] = b"\r\n$2\r\nNX\r\n";

/// The answer to a claim that is granted is `$-1\r\n`: cut before, within and after it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_whose_answer_is_cut_runs_once_and_leaves_no_key_stuck() {
    let net = Net::open().await;
    for bytes in 0..=5 {
        let key = format!("k{bytes}");
        net.proxy.cut_answers(CLAIM, bytes, 1);
        assert_ran(&net.far("/orders", &key).await, None);
        assert_eq!((net.proxy.answers_to_cut(), net.runs()), (0, bytes + 1));
        let body = format!("run {}", bytes + 9);
        assert_replays(&net.far("/orders", &key).await, &body);
        assert_replays(&net.near("/orders", &key).await, &body);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_whose_answer_is_cut_twice_is_still_settled() {
    let net = Net::open().await;
    net.proxy.cut_answers(CLAIM, 2, 2);
    assert_ran(&net.far("/orders", "k").await, None);
    assert_eq!((net.proxy.answers_to_cut(), net.runs()), (0, 1));
    assert_replays(&net.near("/orders", "k").await, "run 9");
}

/// It is not known whether the claim was granted, so nothing runs. The key is free again by the end of the lease.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_that_is_never_answered_runs_nothing_and_frees_its_key() {
    let net = Net::open().await;
    net.proxy.cut_answers(CLAIM, 2, 1000);
    refused(net.far.post("/brief").key("k")).await;
    assert_eq!(net.runs(), 0);
    assert!(net.lease_left().is_some(), "it was granted");
    net.proxy.cut_answers(CLAIM, 2, 0);
    let ran = eventually("the lease is over", async || {
        let retry = net.far("/brief", "k").await;
        (retry.status != 409).then_some(retry)
    })
    .await;
    assert_ran(&ran, None);
    assert_eq!(net.runs(), 1);
}

/// The answer is a whole record: cut within its length, its head and its body.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_whose_answer_is_cut_is_still_the_same_to_the_byte() {
    let net = Net::open().await;
    assert_ran(&net.far("/orders", "k").await, None);
    for bytes in [0, 1, 3, 6, 20, 100] {
        net.proxy.cut_answers(CLAIM, bytes, 1);
        assert_replays(&net.far("/orders", "k").await, "run 9");
        assert_eq!((net.proxy.answers_to_cut(), net.runs()), (0, 1));
    }
}

/// The request that stores the outcome is recognised by the response in it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outcome_whose_answer_is_cut_is_stored_once() {
    let net = Net::open().await;
    for bytes in 0..=3 {
        let (key, body) = (format!("k{bytes}"), format!("run {}", bytes + 9));
        net.proxy.cut_answers(body.as_bytes(), bytes, 1);
        assert_ran(&net.far("/orders", &key).await, None);
        assert_eq!((net.proxy.answers_to_cut(), net.runs()), (0, bytes + 1));
        assert_replays(&net.near("/orders", &key).await, &body);
    }
    assert_eq!((net.idempotency.counts().lost, net.idempotency.counts().not_stored), (0, 0));
}

/// The renewal is sent again, and the lease goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_renewal_whose_answer_is_cut_loses_nothing() {
    let net = Net::open().await;
    let running = net.held("/brief").await;
    // While the handler is paused, only renewals are sent.
    net.proxy.cut_answers(b"idempotency:", 2, 1);
    eventually("it is cut", async || (net.proxy.answers_to_cut() == 0).then_some(())).await;
    let renewed = net.idempotency.counts().renewed;
    eventually("it is renewed for longer than a lease", async || {
        (net.idempotency.counts().renewed >= renewed + 4).then_some(())
    })
    .await;
    net.near("/brief", "k").await.is_problem(409, "in-progress");
    net.handler.resume();
    assert_ran(&running.await.expect("no panic"), None);
    assert_replays(&net.near("/brief", "k").await, "run 9");
    assert_eq!((net.idempotency.counts().lost, net.runs()), (0, 1));
}
