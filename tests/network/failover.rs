//! A master dies and its replica takes over: records that survive, records that are lost, and settings that help.

use crate::{assert_ran, assert_replays, guard, refused, routes};
use actix_web::{Responder, route};
use idempotent_runtime::extract::Attempt;
use idempotent_runtime::{Idempotency, idempotent};
use tests::{ControlledHandler, Proxy, RedisServer, Reply, Server, eventually};

/// An app in front of a master with one replica.
struct Pair {
    handler: ControlledHandler,
    idempotency: Idempotency,
    app: Server,
    /// The proxy between the app and its current master.
    front: Proxy,
    /// The proxy between the master and its replica.
    link: Proxy,
    master: RedisServer,
    replica: RedisServer,
}

impl Pair {
    /// A master with these options, and a replica that has caught up with it.
    async fn open(options: &[&str]) -> Self {
        let fixed = ["--save", "", "--appendonly", "no", "--repl-diskless-sync-delay", "0"];
        let master = RedisServer::start_with(&[&fixed, options].concat());
        let (link, replica) = (Proxy::to(&master).await, RedisServer::start());
        let (host, port) = (link.address().ip().to_string(), link.address().port().to_string());
        let () = replica.command(&["REPLICAOF", &host, &port]);
        until_replicated(&master).await;
        let front = Proxy::to(&master).await;
        let (idempotency, handler) = (guard(&front.url()).await, ControlledHandler::new());
        let app = Server::start(&idempotency, &handler, |config| {
            routes(config);
            config.service(numbered);
        });
        Self { handler, idempotency, app, front, link, master, replica }
    }

    async fn order(&self, key: &str) -> Reply {
        self.app.post("/orders").key(key).send().await
    }

    /// Takes the lock once more, and returns its fence.
    async fn number(&self) -> u64 {
        let reply = self.app.post("/numbered").send().await;
        let number = std::str::from_utf8(&reply.body).expect("a number");
        number.parse().expect("a number")
    }

    /// Waits until the replica has this many keys.
    async fn replica_has(&self, keys: u64) {
        eventually("the replica has them", async || {
            (self.replica.command::<u64>(&["DBSIZE"]) == keys).then_some(())
        })
        .await;
    }

    /// The master dies and the replica is promoted.
    fn fail_over(&mut self) {
        self.master.kill();
        let () = self.replica.command(&["REPLICAOF", "NO", "ONE"]);
        self.front.lead_to(&self.replica);
    }

    /// Whether there is a finding about replication.
    async fn is_warned(&self) -> bool {
        let findings = self.idempotency.check().await;
        findings.iter().any(|finding| finding.to_string().contains("replication is asynchronous"))
    }
}

async fn until_replicated(master: &RedisServer) {
    eventually("the replica has caught up", async || {
        let replication: String = master.command(&["INFO", "replication"]);
        replication.contains("state=online").then_some(())
    })
    .await;
}

/// The number of each run is its fence.
#[route("/numbered", method = "POST")]
#[idempotent(strategy = "lock", key = "account")]
async fn numbered(attempt: Attempt) -> impl Responder {
    attempt.number().to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_replica_had_survives_and_runs_under_way_end_on_the_new_master() {
    let mut pair = Pair::open(&[]).await;
    assert_ran(&pair.order("done").await, None);
    pair.handler.pause();
    let running = tokio::spawn(pair.app.post("/orders").key("running").send());
    pair.handler.runs_reach(2).await;
    pair.replica_has(2).await;
    // The number of keys alone does not show their outcomes.
    eventually("the replica knows the outcome", async || {
        let names: Vec<String> = pair.replica.command(&["KEYS", "*"]);
        let is_same = |name: &String| {
            let get = ["GET", name.as_str()];
            pair.master.command::<Vec<u8>>(&get) == pair.replica.command::<Vec<u8>>(&get)
        };
        names.iter().all(is_same).then_some(())
    })
    .await;

    pair.fail_over();
    assert_replays(&pair.order("done").await, "run 1");
    pair.order("running").await.is_problem(409, "in-progress");
    pair.handler.resume();
    assert_ran(&running.await.expect("no panic"), None);
    assert_replays(&pair.order("running").await, "run 2");
    assert_eq!(pair.handler.runs(), 2);
}

/// The limit of plain replication, and its finding.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_replica_did_not_have_runs_again_and_the_doctor_had_warned() {
    let mut pair = Pair::open(&[]).await;
    assert!(pair.is_warned().await, "{:?}", pair.idempotency.check().await);
    pair.link.freeze();
    assert_ran(&pair.order("done").await, None);
    pair.handler.pause();
    let running = tokio::spawn(pair.app.post("/orders").key("running").send());
    pair.handler.runs_reach(2).await;

    pair.fail_over();
    // The claim is granted once more, while the first run goes on.
    let second = tokio::spawn(pair.app.post("/orders").key("running").send());
    pair.handler.runs_reach(3).await;
    pair.handler.resume();
    let (first, second) = (running.await.expect("no panic"), second.await.expect("no panic"));
    assert_ran(&first, Some("false"));
    assert_ran(&second, None);
    assert_replays(&pair.order("running").await, "run 3");
    // An outcome that was stored before is forgotten, too.
    assert_ran(&pair.order("done").await, None);
    assert_eq!(pair.handler.runs(), 4);
}

/// Invariant S5 after the record is lost: fences of locks begin with the time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_fence_of_a_lock_grows_even_over_a_failover_that_forgot_it() {
    let mut pair = Pair::open(&[]).await;
    pair.link.freeze();
    let before = pair.number().await;
    pair.fail_over();
    assert_eq!(pair.replica.command::<u64>(&["DBSIZE"]), 0, "it knows nothing of it");
    let after = pair.number().await;
    assert!(after > before, "{after} after {before}");
}

const STRICT: [&str; 4] = ["--min-replicas-to-write", "1", "--min-replicas-max-lag", "2"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_wants_a_replica_refuses_claims_without_one() {
    let pair = Pair::open(&STRICT).await;
    assert!(!pair.is_warned().await, "{:?}", pair.idempotency.check().await);
    assert_ran(&pair.order("before").await, None);
    pair.link.refuse();
    eventually("the master misses its replica", async || {
        let replication: String = pair.master.command(&["INFO", "replication"]);
        replication.contains("connected_slaves:0").then_some(())
    })
    .await;
    for _ in 0..3 {
        refused(pair.app.post("/orders").key("without")).await;
    }
    assert_eq!(pair.handler.runs(), 1);
    pair.link.pass();
    until_replicated(&pair.master).await;
    assert_ran(&pair.order("without").await, None);
    assert_replays(&pair.order("before").await, "run 1");
}

/// The setting limits the data that a failover loses to the time of the lag, and does not prevent the loss.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_falls_silent_is_trusted_for_its_lag_and_then_claims_are_refused() {
    let pair = Pair::open(&STRICT).await;
    pair.link.freeze();
    let mut granted = 0;
    eventually("the lag is over", async || {
        // A run that was claimed in time may end too late: it sends its outcome again for as long as its lease.
        let reply = pair.app.post("/brief").key(&format!("k{granted}")).send().await;
        match reply.status {
            201 => granted += 1,
            _ => reply.is_problem(503, "store-unavailable"),
        }
        (reply.status == 503).then_some(())
    })
    .await;
    assert!(granted > 0, "these a failover would forget");
    assert_eq!(pair.handler.runs(), granted);
    pair.link.pass();
    eventually("the replica is heard again", async || {
        (pair.order("after").await.status == 201).then_some(())
    })
    .await;
}
