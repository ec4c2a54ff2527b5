//! A cluster of three masters that keep the records between them, and slots that move.
//! Invariants S1, S9, S10, L5.

use crate::{assert_ran, assert_replays, guard, routes};
use actix_web::{HttpResponse, Responder, route, web};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::join_all;
use idempotent_runtime::key::StorageKey;
use idempotent_runtime::store::conformance::{self, StoreUnderTest};
use idempotent_runtime::store::{PageRequest, Store};
use idempotent_runtime::token::issue_token;
use idempotent_runtime::{Idempotency, RedisStore, Scope, idempotent};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tests::{ControlledHandler, RedisCluster, Reply, Sender, Server, eventually};
use tokio::sync::watch;

/// Two apps on one cluster; they share the handler.
struct Spread {
    handler: ControlledHandler,
    idempotency: Idempotency,
    apps: [Server; 2],
    cluster: RedisCluster,
}

impl Spread {
    async fn open() -> Self {
        let (cluster, handler) = (RedisCluster::start().await, ControlledHandler::new());
        let idempotency = guard(&cluster.url()).await;
        let all = |config: &mut web::ServiceConfig| {
            routes(config);
            config.service((once, exclusive)).route("/token", issue_token("once"));
        };
        let one = Server::start(&idempotency, &handler, all);
        let other = Server::start(&guard(&cluster.url()).await, &handler, all);
        Self { handler, idempotency, apps: [one, other], cluster }
    }

    async fn ask(&self, app: usize, path: &str, key: &str) -> Reply {
        self.apps[app].post(path).key(key).send().await
    }
}

#[route("/once", method = "POST")]
#[idempotent(
    strategy = "token",
    key = "{header.token}",
    operation = "once",
    on_duplicate = "reject"
)]
async fn once(handler: web::Data<ControlledHandler>) -> impl Responder {
    handler.run().await
}

#[route("/exclusive", method = "POST")]
#[idempotent(strategy = "lock", key = "account", wait = "20s")]
async fn exclusive(handler: web::Data<ControlledHandler>) -> impl Responder {
    handler.run().await
}

/// Tests the contract, one promise after the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_is_a_store() {
    let cluster = RedisCluster::start().await;
    macro_rules! holds {
        ($($promise:ident)*) => {
            $(
                let prefix = concat!(stringify!($promise), ":");
                let url = cluster.url();
                let store = RedisStore::connect_with_prefix(&url, prefix).await;
                let store = store.expect("it connects");
                conformance::$promise(&StoreUnderTest::in_real_time(Arc::new(store))).await;
            )*
        };
    }
    holds! {
        create_puts_where_nothing_is
        create_tells_what_is_there_and_changes_nothing
        swap_replaces_what_was_expected
        swap_tells_what_is_there_instead
        swap_tells_that_nothing_is_there
        of_many_creates_at_once_one_puts
        of_many_swaps_at_once_one_replaces
        what_is_over_does_not_exist
        a_swap_gives_a_new_life
        read_tells_how_long_is_left
        values_come_back_exactly
        keys_do_not_touch_each_other
        the_longest_life_is_accepted
        every_operation_can_be_sent_again
        a_purge_drops_nothing_that_lives
        a_dropped_call_leaves_the_store_usable
        pages_give_everything_that_lives
        pages_leave_out_what_is_over
        a_filter_takes_away_nothing_that_fits
        pages_lose_nothing_while_others_come_and_go
        a_foreign_cursor_is_refused
    }
}

/// The slot moves in each of its states, and after each page.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listing_of_a_cluster_misses_nothing_in_a_slot_that_moved() {
    const MANY: u16 = 120;
    let cluster = RedisCluster::start().await;
    let store = RedisStore::connect(&cluster.url()).await.expect("it connects");
    let keys: HashSet<_> = (0..MANY).map(|n| StorageKey::from_bytes(spread_bytes(n))).collect();
    for key in &keys {
        assert_eq!(store.create(key, &"v".into(), Duration::from_hours(1)).await.unwrap(), None);
    }
    let page = async |request: &PageRequest| store.browse(request).expect("it lists").await;
    let (mut request, mut seen, mut carried) = (PageRequest::first(20), HashSet::new(), 0);
    loop {
        let page = eventually("it lists", async || page(&request).await.ok()).await;
        seen.extend(page.entries.into_iter().map(|(key, _)| key));
        let Some(next) = page.next else { break };
        request = request.after(next);
        // A slot that was not listed yet moves to the next master; after the last master comes the first.
        if let Some(unseen) = keys.iter().find(|key| !seen.contains(*key)).filter(|_| carried < 3) {
            let unseen = URL_SAFE_NO_PAD.encode(unseen.as_bytes());
            let moved = cluster.begin_to_move(&format!("idempotency:{unseen}"));
            moved.carry_keys();
            moved.end();
            carried += 1;
        }
    }
    assert_eq!((seen.len(), carried), (usize::from(MANY), 3));
}

/// A key, spread over the slots as hashes are.
fn spread_bytes(n: u16) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[..2].copy_from_slice(&n.to_be_bytes());
    bytes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn claims_are_spread_over_all_masters_and_tokens_and_locks_hold() {
    let spread = Spread::open().await;
    for n in 0..60 {
        assert_ran(&spread.ask(n % 2, "/orders", &format!("k{n}")).await, None);
    }
    for n in 0..60 {
        let again = spread.ask((n + 1) % 2, "/orders", &format!("k{n}")).await;
        assert_replays(&again, &format!("run {}", n + 1));
    }
    let many: Vec<_> = spread.cluster.names().iter().map(Vec::len).collect();
    assert!(many.iter().all(|many| *many > 5) && many.iter().sum::<usize>() == 60, "{many:?}");

    let url = format!("http://{}/token", spread.apps[0].address());
    let token = Sender::new(reqwest::Method::GET, url).send().await;
    let token = String::from_utf8(token.body.to_vec()).expect("a token");
    let uses = (0..20).map(|n| spread.apps[n % 2].post("/once").header("token", &token).send());
    let uses = join_all(uses).await;
    assert_eq!(uses.iter().filter(|reply| reply.status == 201).count(), 1, "{uses:?}");
    assert!(uses.iter().all(|reply| matches!(reply.status, 201 | 409)), "{uses:?}");

    let handler = spread.handler.clone();
    spread
        .handler
        .answers(move |run| HttpResponse::Created().body(handler.is_alone(run).to_string()));
    let holders = (0..12).map(|n| spread.apps[n % 2].post("/exclusive").send());
    for holder in join_all(holders).await {
        assert_eq!((holder.status, &holder.body[..]), (201, &b"true"[..]));
    }
    assert_eq!(spread.handler.runs(), 60 + 1 + 12);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slot_that_moves_in_mid_run_takes_its_owner_along() {
    let spread = Spread::open().await;
    spread.handler.pause();
    let running = tokio::spawn(spread.apps[0].post("/brief").key("k").send());
    spread.handler.runs_reach(1).await;
    let name = spread.cluster.names().concat().pop().expect("one record");
    // Each stage is longer than a lease, so the lease must have been renewed.
    let lives = async || {
        let before = spread.idempotency.counts().renewed;
        eventually("it is renewed", async || {
            for app in 0..2 {
                spread.ask(app, "/brief", "k").await.is_problem(409, "in-progress");
            }
            (spread.idempotency.counts().renewed >= before + 4).then_some(())
        })
        .await;
    };
    let moved = spread.cluster.begin_to_move(&name);
    lives().await;
    moved.carry_keys();
    lives().await;
    moved.end();
    lives().await;
    let moved = spread.cluster.begin_to_move(&name);
    moved.carry_keys();
    // The outcome is written while the slot is between two masters.
    spread.handler.resume();
    assert_ran(&running.await.expect("no panic"), None);
    for app in 0..2 {
        assert_replays(&spread.ask(app, "/brief", "k").await, "run 1");
    }
    moved.end();
    for app in 0..2 {
        assert_replays(&spread.ask(app, "/brief", "k").await, "run 1");
    }
    assert_eq!((spread.handler.runs(), spread.idempotency.counts().lost), (1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_notices_nothing_of_slots_that_move() {
    let spread = Spread::open().await;
    let (answers, mut answered) = watch::channel(());
    let crowd = async {
        // It is dropped with the last answer.
        let answers = answers;
        for round in 0..30 {
            let (spread, answers) = (&spread, &answers);
            let asked = (0..10).map(|n| async move {
                let reply = spread.ask(n % 2, "/orders", &format!("{round}-{}", n / 2)).await;
                answers.send_replace(());
                reply
            });
            for reply in join_all(asked).await {
                match reply.status {
                    201 => {}
                    _ => reply.is_problem(409, "in-progress"),
                }
            }
        }
    };
    let chaos = async {
        let mut moved = 0;
        let mut another_answer = async || {
            answered.mark_unchanged();
            drop(answered.changed().await);
        };
        while spread.handler.runs() < 150 {
            for name in spread.cluster.names().concat() {
                // The crowd goes on while a slot is in each of its states.
                let slot = spread.cluster.begin_to_move(&name);
                another_answer().await;
                slot.carry_keys();
                another_answer().await;
                slot.end();
                moved += 1;
            }
            tokio::task::yield_now().await;
        }
        moved
    };
    let ((), moved) = tokio::join!(crowd, chaos);
    assert!(moved > 20, "{moved}");
    for round in 0..30 {
        for n in 0..5 {
            assert!(spread.ask(n % 2, "/orders", &format!("{round}-{n}")).await.is_replay());
        }
    }
    assert_eq!(spread.handler.runs(), 150);
}

/// The client by itself sends a command again if it got no answer. Only the owner in the claim shows that this is
/// not a second claim.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_that_the_client_sends_again_by_itself_runs_once() {
    let spread = Spread::open().await;
    for n in 0..8 {
        assert_ran(&spread.ask(0, "/orders", &format!("warm-{n}")).await, None);
    }
    for n in 0..6 {
        let before = spread.cluster.calls("set");
        for proxy in spread.cluster.proxies() {
            proxy.cut_answers(crate::answers::CLAIM, n, 1);
        }
        let (key, body) = (format!("k{n}"), format!("run {}", n + 9));
        assert_ran(&spread.ask(0, "/orders", &key).await, None);
        assert!(spread.cluster.proxies().any(|proxy| proxy.answers_to_cut() == 0), "one is cut");
        assert!(spread.cluster.calls("set") > before + 1, "it arrived more than once");
        for proxy in spread.cluster.proxies() {
            proxy.cut_answers(crate::answers::CLAIM, 0, 0);
        }
        assert_replays(&spread.ask(1, "/orders", &key).await, &body);
    }
    assert_eq!(spread.handler.runs(), 14);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_node_of_a_cluster_is_not_taken_for_a_server() {
    let cluster = RedisCluster::start().await;
    let node = cluster.proxies().next().expect("three nodes").url();
    let store = RedisStore::connect(&node).await.expect("it connects");
    let built = Idempotency::builder(store).scope(Scope::shared()).build();
    let refused = built.expect_err("it is refused").to_string();
    assert!(refused.contains("redis+cluster://"), "{refused}");
}
