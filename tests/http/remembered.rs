//! Answers that a process remembers, and the moments when it asks the store again.

use crate::Shop;
use idempotent_runtime::key::KeyParts;
use idempotent_runtime::records::{Force, Forgotten, Target};
use std::time::Duration;
use tests::{Backend, Reply, Server, eventually};

const MILLISECOND: Duration = Duration::from_millis(1);
const FRESH: Duration = Duration::from_secs(5);
const UNANSWERED: Duration = Duration::from_mins(1);
const TTL: Duration = Duration::from_hours(24);

on_every_store! {
    a_replay_of_what_was_stored_here_asks_nothing,
    an_answer_of_another_process_is_remembered_after_one_read,
    a_used_token_asks_nothing,
    nothing_is_remembered_where_the_app_says_so,
}

impl Shop {
    async fn order(&self) -> Reply {
        order_at(&self.server).await
    }

    /// The number of operations of the store while this future runs.
    async fn asked<T>(&self, work: impl Future<Output = T>) -> (usize, T) {
        let before = self.backend.store.operations();
        let done = work.await;
        (self.backend.store.operations() - before, done)
    }

    async fn forget_order(&self) {
        let target = Target::route("POST", "/orders");
        let (scope, key) = (KeyParts::new().value("Bearer alice"), KeyParts::new().value("k"));
        let seen = self.idempotency.find(&target, &scope, &key).await.expect("the store answers");
        let forgotten = self.idempotency.forget(&seen.expect("a record"), Force::No).await;
        assert_eq!(forgotten.expect("the store answers"), Forgotten::Yes);
    }
}

async fn order_at(server: &Server) -> Reply {
    server.post("/orders").key("k").send().await
}

/// A time that is one millisecond shorter.
fn just_before(span: Duration) -> Duration {
    span.saturating_sub(MILLISECOND)
}

async fn in_memory() -> Shop {
    Shop::open(Backend::memory().await)
}

async fn a_replay_of_what_was_stored_here_asks_nothing(backend: Backend) {
    let shop = Shop::remembering(backend);
    let first = shop.order().await;
    assert_eq!((first.status, first.is_replay()), (201, false));
    for _ in 0..3 {
        let (asked, replay) = shop.asked(shop.order()).await;
        assert_eq!((asked, replay.is_replay(), &replay.body), (0, true, &first.body));
    }
    // A reused key is refused without asking the store, too.
    let reused = shop.asked(shop.post("/orders").key("k").body("another").send()).await;
    reused.1.is_problem(422, "key-reused");
    assert_eq!(reused.0, 0);
    let counts = shop.idempotency.counts();
    assert_eq!((counts.ran, counts.replayed, counts.remembered), (1, 3, 4));
}

async fn an_answer_of_another_process_is_remembered_after_one_read(backend: Backend) {
    let shop = Shop::remembering(backend);
    assert_eq!(order_at(&shop.beside()).await.status, 201);
    // A claim finds the answer, and a read tells how long it lives.
    for operations in [1, 1, 0, 0] {
        let (asked, replay) = shop.asked(shop.order()).await;
        assert_eq!(
            (asked, replay.is_replay(), &replay.body[..]),
            (operations, true, &b"run 1"[..])
        );
    }
}

async fn a_used_token_asks_nothing(backend: Backend) {
    let shop = Shop::remembering(backend);
    let url = format!("http://{}/tokens/token_replayed", shop.server.address());
    let token = tests::Sender::new(reqwest::Method::GET, url).send().await.body;
    let send = || shop.post("/token-replayed").header("token", &token).send();
    assert_eq!(send().await.status, 201);
    let (asked, replay) = shop.asked(send()).await;
    assert_eq!((asked, replay.is_replay()), (0, true));
}

async fn nothing_is_remembered_where_the_app_says_so(backend: Backend) {
    let shop = Shop::forgetful(backend);
    shop.order().await;
    for _ in 0..3 {
        let (asked, replay) = shop.asked(shop.order()).await;
        assert_eq!((asked, replay.is_replay()), (1, true));
    }
    assert_eq!(shop.idempotency.counts().remembered, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_request_looks_again_after_five_seconds_and_the_others_wait_for_it() {
    let shop = in_memory().await;
    shop.order().await;
    for _ in 0..2 {
        shop.backend.pass(just_before(FRESH)).await;
        assert_eq!(shop.asked(shop.order()).await.0, 0);
        shop.backend.pass(MILLISECOND).await;
        let reads = shop.backend.store.answers_to_reads();
        reads.close();
        let all = async {
            let sent = (0..8).map(|_| tokio::spawn(shop.post("/orders").key("k").send()));
            let sent: Vec<_> = sent.collect();
            shop.all_are_in(8).await;
            reads.reached().await;
            reads.open();
            futures_util::future::join_all(sent).await
        };
        let (asked, replies) = shop.asked(all).await;
        assert!(replies.into_iter().all(|reply| reply.unwrap().is_replay()));
        assert_eq!(asked, 1);
    }
}

/// The request that looks may leave: then another one that waits looks.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_look_whose_client_leaves_is_made_by_the_next() {
    let shop = in_memory().await;
    shop.order().await;
    shop.backend.pass(FRESH).await;
    let reads = shop.backend.store.answers_to_reads();
    reads.close();
    let first = tokio::spawn(shop.post("/orders").key("k").send());
    reads.reached().await;
    let second = tokio::spawn(shop.post("/orders").key("k").send());
    shop.all_are_in(2).await;
    first.abort();
    let (asked, reply) = shop.asked(second).await;
    let reply = reply.unwrap();
    assert!(reply.is_replay());
    assert!(asked <= 1, "{asked} looks");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_store_does_not_answer_an_answer_is_used_for_a_minute_more() {
    let shop = in_memory().await;
    shop.order().await;
    assert_eq!(shop.post("/orders").key("l").send().await.status, 201);
    shop.backend.store.set_down(true);
    shop.backend.pass(FRESH).await;
    // The store is asked once a second, for all keys together.
    for operations in [1, 0, 0] {
        let (asked, replay) = shop.asked(shop.order()).await;
        assert_eq!((asked, replay.is_replay()), (operations, true));
        let (asked, replay) = shop.asked(shop.post("/orders").key("l").send()).await;
        assert_eq!((asked, replay.is_replay()), (0, true));
    }
    shop.backend.pass(just_before(UNANSWERED)).await;
    assert!(shop.order().await.is_replay());
    shop.backend.pass(MILLISECOND).await;
    shop.order().await.is_problem(503, "store-unavailable");
    shop.backend.store.set_down(false);
    // The claim that got no answer is given back.
    eventually("it is", async || (shop.idempotency.under_way() == 0).then_some(())).await;
    assert!(shop.order().await.is_replay());
    assert_eq!(shop.asked(shop.order()).await.0, 0, "it answers again");
    assert_eq!(shop.handler.runs(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_remembered_beyond_the_end_of_its_record() {
    let shop = in_memory().await;
    shop.order().await;
    shop.backend.pass(just_before(TTL)).await;
    assert!(shop.order().await.is_replay());
    shop.backend.pass(MILLISECOND).await;
    // The record was looked at a millisecond ago.
    let again = shop.order().await;
    assert_eq!((again.status, again.is_replay(), &again.body[..]), (201, false, &b"run 2"[..]));
    // This holds while the store does not answer, too.
    shop.backend.pass(just_before(TTL)).await;
    assert!(shop.order().await.is_replay());
    shop.backend.store.set_down(true);
    shop.backend.pass(MILLISECOND).await;
    shop.order().await.is_problem(503, "store-unavailable");
}

/// The store counts a life from the moment when it answers. The answer may arrive much later.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_is_counted_from_before_the_store_was_asked() {
    let shop = in_memory().await;
    shop.order().await;
    let (late, left) = (Duration::from_secs(2), Duration::from_secs(4));
    shop.backend.pass(TTL.saturating_sub(left)).await;
    let reads = shop.backend.store.answers_to_reads();
    reads.close();
    let replay = tokio::spawn(shop.post("/orders").key("k").send());
    reads.reached().await;
    shop.backend.pass(late).await;
    reads.open();
    assert!(replay.await.unwrap().is_replay());
    shop.backend.pass(left.saturating_sub(late)).await;
    let again = shop.order().await;
    assert_eq!((again.status, again.is_replay()), (201, false));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_forgotten_runs_at_once_here_and_elsewhere_after_five_seconds() {
    let shop = in_memory().await;
    let beside = shop.beside();
    shop.order().await;
    for _ in 0..3 {
        assert!(order_at(&beside).await.is_replay());
    }
    shop.forget_order().await;
    assert!(order_at(&beside).await.is_replay(), "it was read a moment ago");
    let again = shop.order().await;
    assert_eq!((again.status, again.is_replay(), &again.body[..]), (201, false, &b"run 2"[..]));
    shop.backend.pass(just_before(FRESH)).await;
    assert_eq!(&order_at(&beside).await.body[..], b"run 1");
    shop.backend.pass(MILLISECOND).await;
    assert_eq!(&order_at(&beside).await.body[..], b"run 2");
}

/// Invariants S6 and S7.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_remembered_answer_is_for_its_own_caller_and_request_alone() {
    let shop = in_memory().await;
    shop.order().await;
    assert!(shop.order().await.is_replay());
    let bobs = shop.post("/orders").as_account("bob").key("k").send().await;
    assert_eq!((bobs.status, bobs.is_replay()), (201, false));
    let other = shop.post("/orders/7/items").key("k").send().await;
    assert_eq!((other.status, other.is_replay()), (201, false));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_finished_is_asked_for_each_time() {
    let shop = in_memory().await;
    shop.handler.pause();
    let first = tokio::spawn(shop.post("/holding").key("k").send());
    shop.handler.runs_reach(1).await;
    for _ in 0..3 {
        let (asked, refused) = shop.asked(shop.post("/holding").key("k").send()).await;
        refused.is_problem(409, "in-progress");
        assert!(asked > 0);
    }
    shop.handler.answers(|_| panic!("as the test asked"));
    shop.handler.resume();
    assert_eq!(first.await.unwrap().status, 500);
    for _ in 0..3 {
        let (asked, refused) = shop.asked(shop.post("/holding").key("k").send()).await;
        refused.is_problem(409, "outcome-unknown");
        assert!(asked > 0);
    }
    assert_eq!(shop.idempotency.counts().remembered, 0);
}

/// If the store restarts in between, the client still gets its answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_read_that_fails_is_followed_by_a_claim() {
    let shop = in_memory().await;
    assert_eq!(order_at(&shop.beside()).await.status, 201);
    assert!(shop.order().await.is_replay());
    shop.backend.store.lose(idempotent_runtime::testing::LostPart::Request, 0);
    assert!(shop.order().await.is_replay());
    assert_eq!(shop.handler.runs(), 1);
}
