//! The same network in front of `PostgreSQL` and `MariaDB`; invariants S8, S9, L3 and L5.

use crate::{BOUND, assert_ran, assert_replays, guard, refused, routes};
use futures_util::future::join_all;
use idempotent_runtime::Idempotency;
use std::time::{Duration, Instant};
use tests::{
    ControlledHandler, Guest, MariaDbServer, PostgresServer, Proxy, Reply, Sender, Server,
    eventually,
};

/// Makes a test of every behaviour for each server.
macro_rules! on_both_servers {
    ($($behaviour:ident)*) => {
        on_both_servers!(@ postgres, PostgresServer; $($behaviour)*);
        on_both_servers!(@ mariadb, MariaDbServer; $($behaviour)*);
    };
    (@ $name:ident, $server:ident; $($behaviour:ident)*) => {
        mod $name {
            use super::*;

            async fn open() -> Apart {
                let server = $server::shared().await;
                let (database, proxy) = (server.database().await, Proxy::to(server).await);
                Apart::open($server::through(&proxy, &database), &database, proxy).await
            }

            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $behaviour() {
                    super::$behaviour(open().await).await;
                }
            )*
        }
    };
}

on_both_servers! {
    a_slow_network_delays_everything_and_changes_nothing
    while_the_network_is_frozen_nothing_runs_and_after_it_all_is_well
    while_connections_are_refused_nothing_runs_and_after_it_all_is_well
    connections_that_drop_in_mid_handler_cost_nothing
    a_claim_whose_answer_is_cut_runs_once_and_leaves_no_key_stuck
    an_outcome_whose_answer_is_cut_is_stored_once
    a_replay_whose_answer_is_cut_is_still_the_same_to_the_byte
    renewals_that_fail_in_a_freeze_shorter_than_the_lease_lose_nothing
    a_freeze_longer_than_the_lease_loses_the_key_to_who_asks_for_it
    an_outcome_is_stored_behind_its_answer_when_the_network_comes_back
    who_leaves_while_its_claim_is_on_its_way_gives_its_key_back
    a_thousand_who_wait_ask_as_often_as_one
}

/// An app whose database is behind the network, and an app next to the database. They share the handler.
struct Apart {
    handler: ControlledHandler,
    idempotency: Idempotency,
    far: Server,
    near: Server,
    proxy: Proxy,
}

impl Apart {
    async fn open(far: String, near: &str, proxy: Proxy) -> Self {
        let (idempotency, handler) = (guard(&far).await, ControlledHandler::new());
        let far = Server::start(&idempotency, &handler, routes);
        let near = Server::start(&guard(near).await, &handler, routes);
        Self { handler, idempotency, far, near, proxy }
    }

    async fn far(&self, path: &str, key: &str) -> Reply {
        self.far.post(path).key(key).send().await
    }

    async fn near(&self, path: &str, key: &str) -> Reply {
        self.near.post(path).key(key).send().await
    }

    /// Sends a request to the far app, whose handler is paused.
    async fn held(&self, path: &str) -> tokio::task::JoinHandle<Reply> {
        self.handler.pause();
        let running = tokio::spawn(self.far.post(path).key("k").send());
        self.handler.runs_reach(1).await;
        running
    }

    /// Sends a request to the app next to the database until the lease of the other run is over, and lets it run.
    async fn taken_over(&self, path: &str) -> tokio::task::JoinHandle<Reply> {
        let taken = self.handler.runs() + 1;
        let url = format!("http://{}{path}", self.near.address());
        let running = tokio::spawn(eventually("the lease is over", async move || {
            let reply = Sender::post(url.clone()).key("k").send().await;
            (reply.status != 409).then_some(reply)
        }));
        self.handler.runs_reach(taken).await;
        running
    }
}

async fn a_slow_network_delays_everything_and_changes_nothing(net: Apart) {
    net.proxy.delay(Duration::from_millis(50));
    let replies = join_all((0..20).map(|n| match n % 2 {
        0 => net.far.post("/orders").key("k").send(),
        _ => net.near.post("/orders").key("k").send(),
    }));
    for reply in replies.await {
        assert!(matches!(reply.status, 201 | 409), "{reply:?}");
    }
    assert_eq!(net.handler.runs(), 1);
    assert_replays(&net.far("/orders", "k").await, "run 1");
    assert_replays(&net.near("/orders", "k").await, "run 1");
}

async fn while_the_network_is_frozen_nothing_runs_and_after_it_all_is_well(net: Apart) {
    assert_ran(&net.far("/orders", "before").await, None);
    net.proxy.freeze();
    refused(net.far.post("/orders").key("before")).await;
    refused(net.far.post("/brief").key("new")).await;
    assert_eq!(net.handler.runs(), 1);
    net.proxy.pass();
    assert_ran(&net.far("/orders", "other").await, None);
    assert_replays(&net.far("/orders", "before").await, "run 1");
    // The claim that was under way may have arrived by now; its key is free after its lease.
    eventually("the key is free", async || {
        let retry = net.far("/brief", "new").await;
        assert!(matches!(retry.status, 201 | 409), "{retry:?}");
        (retry.status == 201).then_some(())
    })
    .await;
    assert_eq!(net.handler.runs(), 3);
}

async fn while_connections_are_refused_nothing_runs_and_after_it_all_is_well(net: Apart) {
    assert_ran(&net.far("/orders", "before").await, None);
    for round in 1..=2 {
        net.proxy.refuse();
        for key in ["before", "new"] {
            refused(net.far.post("/orders").key(key)).await;
        }
        assert_eq!(net.handler.runs(), round);
        net.proxy.pass();
        assert_ran(&net.far("/orders", &format!("after-{round}")).await, None);
        assert_replays(&net.far("/orders", "before").await, "run 1");
    }
    assert_ran(&net.far("/orders", "new").await, None);
}

async fn connections_that_drop_in_mid_handler_cost_nothing(net: Apart) {
    let running = net.held("/orders").await;
    net.proxy.drop_connections();
    net.handler.resume();
    assert_ran(&running.await.expect("no panic"), None);
    assert_replays(&net.far("/orders", "k").await, "run 1");
    assert_replays(&net.near("/orders", "k").await, "run 1");
}

/// A claim is known by the key that its record shows.
async fn a_claim_whose_answer_is_cut_runs_once_and_leaves_no_key_stuck(net: Apart) {
    for (n, bytes) in [0, 1, 5, 6, 11, 40].into_iter().enumerate() {
        let (key, body) = (format!("the-key-{n}"), format!("run {}", n + 1));
        net.proxy.cut_answers(key.as_bytes(), bytes, 1);
        assert_ran(&net.far("/orders", &key).await, None);
        assert_eq!((net.proxy.answers_to_cut(), net.handler.runs()), (0, n + 1));
        assert_replays(&net.far("/orders", &key).await, &body);
        assert_replays(&net.near("/orders", &key).await, &body);
    }
}

/// The end of a run is known by the response in it.
async fn an_outcome_whose_answer_is_cut_is_stored_once(net: Apart) {
    for (n, bytes) in [0, 1, 5, 11].into_iter().enumerate() {
        let (key, body) = (format!("k{n}"), format!("run {}", n + 1));
        net.proxy.cut_answers(body.as_bytes(), bytes, 1);
        assert_ran(&net.far("/orders", &key).await, None);
        assert_eq!((net.proxy.answers_to_cut(), net.handler.runs()), (0, n + 1));
        assert_replays(&net.near("/orders", &key).await, &body);
    }
    assert_eq!((net.idempotency.counts().lost, net.idempotency.counts().not_stored), (0, 0));
}

async fn a_replay_whose_answer_is_cut_is_still_the_same_to_the_byte(net: Apart) {
    assert_ran(&net.far("/orders", "the-key").await, None);
    for bytes in [0, 1, 6, 20, 100, 150] {
        net.proxy.cut_answers(b"the-key", bytes, 1);
        assert_replays(&net.far("/orders", "the-key").await, "run 1");
        assert_eq!((net.proxy.answers_to_cut(), net.handler.runs()), (0, 1));
    }
}

async fn renewals_that_fail_in_a_freeze_shorter_than_the_lease_lose_nothing(net: Apart) {
    let running = net.held("/lasting").await;
    eventually("a renewal", async || (net.idempotency.counts().renewed > 0).then_some(())).await;
    net.proxy.freeze();
    // The lease is three seconds, and a renewal is due when two are left.
    eventually("a renewal is overdue", async || {
        let told = net.near("/lasting", "k").await;
        told.is_problem(409, "in-progress");
        (told.header("Retry-After") == Some("2")).then_some(())
    })
    .await;
    let renewed = net.idempotency.counts().renewed;
    net.proxy.pass();
    eventually("it is renewed for longer than a lease", async || {
        (net.idempotency.counts().renewed >= renewed + 4).then_some(())
    })
    .await;
    net.near("/lasting", "k").await.is_problem(409, "in-progress");
    net.handler.resume();
    assert_ran(&running.await.expect("no panic"), None);
    assert_replays(&net.near("/lasting", "k").await, "run 1");
    assert_eq!((net.idempotency.counts().lost, net.handler.runs()), (0, 1));
}

/// The network causes a pause that is longer than the lease.
async fn a_freeze_longer_than_the_lease_loses_the_key_to_who_asks_for_it(net: Apart) {
    let running = net.held("/brief").await;
    net.proxy.freeze();
    let taken = net.taken_over("/brief").await;
    let began = Instant::now();
    net.proxy.pass();
    net.handler.resume();
    let (first, second) = (running.await.expect("no panic"), taken.await.expect("no panic"));
    assert!(began.elapsed() < BOUND, "{:?}", began.elapsed());
    assert_ran(&first, Some("false"));
    assert_ran(&second, None);
    assert_eq!((&first.body[..], &second.body[..]), (&b"run 1"[..], &b"run 2"[..]));
    assert_replays(&net.far("/brief", "k").await, "run 2");
    assert_eq!(net.handler.runs(), 2);
}

/// S17 and L9.
async fn an_outcome_is_stored_behind_its_answer_when_the_network_comes_back(net: Apart) {
    let running = net.held("/orders").await;
    net.proxy.refuse();
    net.handler.resume();
    let began = Instant::now();
    assert_ran(&running.await.expect("no panic"), Some("false"));
    assert!(began.elapsed() < BOUND, "{:?}", began.elapsed());
    net.near("/orders", "k").await.is_problem(409, "in-progress");
    net.proxy.pass();
    assert_eq!(net.idempotency.drain(Duration::from_mins(1)).await, 0);
    assert_replays(&net.near("/orders", "k").await, "run 1");
    let counts = net.idempotency.counts();
    assert_eq!((counts.stored_late, counts.lost, net.handler.runs()), (1, 0, 1));
}

/// L3: otherwise no request could run with the key for ten minutes.
async fn who_leaves_while_its_claim_is_on_its_way_gives_its_key_back(net: Apart) {
    net.proxy.freeze();
    let guest = Guest::post(&net.far, "/slow", "alice", "k").await;
    let is = async |many| {
        eventually("so many are under way", async || {
            (net.idempotency.under_way() == many).then_some(())
        })
        .await;
    };
    is(1).await;
    guest.leaves();
    net.proxy.pass();
    is(0).await;
    // The request has run if the claim's answer came before the server knew that the client left.
    let retry = net.near("/slow", "k").await;
    assert_eq!((retry.status, net.handler.runs()), (201, 1), "{retry:?}");
}

/// L2.
async fn a_thousand_who_wait_ask_as_often_as_one(net: Apart) {
    let many = 1000;
    net.handler.pause();
    let first = tokio::spawn(net.near.post("/patient").key("k").send());
    net.handler.runs_reach(1).await;
    let (began, before) = (Instant::now(), net.proxy.turns());
    let waiting: Vec<_> =
        (0..many).map(|_| tokio::spawn(net.far.post("/patient").key("k").send())).collect();
    eventually("all wait", async || (net.idempotency.under_way() == many).then_some(())).await;
    let turns = net.proxy.turns() - before;
    assert!(turns <= allowed(began), "{turns} round trips");
    let began = Instant::now();
    let before = net.proxy.turns();
    net.handler.resume();
    assert_ran(&first.await.expect("no panic"), None);
    for reply in join_all(waiting).await {
        assert_replays(&reply.expect("no panic"), "run 1");
    }
    let turns = net.proxy.turns() - before;
    assert!(turns <= allowed(began), "{turns} round trips");
}

/// Twenty statements for all requests that wait together. In addition, one request looks at most every quarter of a
/// second, and records whose life is over are dropped every three seconds.
fn allowed(began: Instant) -> usize {
    20 + 5 * (1 + usize::try_from(began.elapsed().as_secs()).expect("a few"))
}
