//! `state`: duplicates that get a success, and duplicates that are refused.

use crate::{Bank, Kind};
use futures_util::future::join_all;

on_every_database! {
    in_a_circle_a_transition_is_claimed_only_where_it_must_have_happened,
    a_state_that_no_way_leads_to_says_nothing_about_transitions,
    where_another_way_leads_to_the_state_a_retry_is_refused,
    a_duplicate_of_a_state_is_no_replay,
    with_a_key_only_that_key_is_told_of_success,
}

impl Bank {
    /// One thing, in this state.
    async fn thing(kind: Kind, status: &str) -> Self {
        let bank =
            Self::open(kind, 4).await.with_things("INSERT INTO things (id) VALUES (7)").await;
        bank.is_now(status).await;
        bank
    }

    async fn is_now(&self, status: &str) {
        self.run(&format!("UPDATE things SET status = '{status}' WHERE id = 7")).await;
    }
}

async fn in_a_circle_a_transition_is_claimed_only_where_it_must_have_happened(kind: Kind) {
    let bank = Bank::thing(kind, "draft").await;
    let step = |step: &str| bank.post(&format!("/{step}/7")).send();
    let refused = step("publish").await;
    refused.is_problem(409, "illegal-transition");
    for round in 1..=2 {
        // The transitions of the first round say nothing about the second one.
        step("publish").await.is_problem(409, "illegal-transition");
        for name in ["submit", "publish"] {
            assert_eq!(step(name).await.status, 201, "{round}");
            let again = step(name).await;
            assert_eq!(
                (again.status, again.header("Idempotency-Already-Done")),
                (200, Some("true"))
            );
        }
        assert_eq!(step("withdraw").await.status, 201);
        step("withdraw").await.is_problem(409, "illegal-transition");
        assert_eq!(bank.effects().await, 3 * round);
    }
}

async fn a_state_that_no_way_leads_to_says_nothing_about_transitions(kind: Kind) {
    let bank = Bank::thing(kind, "imported").await;
    for name in ["submit", "publish", "withdraw"] {
        let refused = bank.post(&format!("/{name}/7")).send().await;
        refused.is_problem(409, "illegal-transition");
        assert!(refused.json()["detail"].to_string().contains("`imported`"), "{refused:?}");
    }
    bank.is_now("unheard of").await;
    bank.post("/publish/7").send().await.is_problem(409, "illegal-transition");
    assert_eq!(bank.handler.runs(), 0);
}

async fn where_another_way_leads_to_the_state_a_retry_is_refused(kind: Kind) {
    // The thing came from `packed` or from `returned`: the state does not say from which.
    let bank = Bank::thing(kind, "packed").await;
    assert_eq!(bank.post("/send/7").send().await.status, 201);
    bank.post("/send/7").send().await.is_problem(409, "illegal-transition");
    assert_eq!(bank.post("/arrive/7").send().await.status, 201);
    assert_eq!(bank.post("/arrive/7").send().await.status, 200);
    bank.post("/send/7").send().await.is_problem(409, "illegal-transition");
    // A thing in a first state has not arrived.
    bank.is_now("returned").await;
    bank.post("/arrive/7").send().await.is_problem(409, "illegal-transition");
    assert_eq!(bank.effects().await, 2);
}

async fn a_duplicate_of_a_state_is_no_replay(kind: Kind) {
    let bank = Bank::thing(kind, "created").await;
    let pay = |account: &str| bank.post("/pay/7").as_account(account).send();
    let first = pay("alice").await;
    assert_eq!((first.status, first.header("Idempotency-Already-Done")), (201, None));
    for account in ["alice", "bob"] {
        let again = pay(account).await;
        assert_eq!((again.status, again.is_replay()), (200, false), "{again:?}");
        assert_eq!(again.header("Idempotency-Already-Done"), Some("true"));
        assert_eq!(again.json(), serde_json::json!({"status": "paid"}));
    }
    assert_eq!(bank.effects().await, 1);
}

async fn with_a_key_only_that_key_is_told_of_success(kind: Kind) {
    let bank = Bank::thing(kind, "created").await;
    let pay = |key: &'static str| bank.post("/pay-with-key/7").key(key).send();
    let paid = join_all((0..20).map(|_| pay("k"))).await;
    assert!(paid.iter().all(|reply| reply.status == 201 && reply.body == paid[0].body), "{paid:?}");
    assert_eq!(paid.iter().filter(|reply| !reply.is_replay()).count(), 1);
    pay("l").await.is_problem(409, "illegal-transition");
    // A refusal by the row is not stored.
    bank.is_now("created").await;
    let (first, again) = (pay("l").await, pay("l").await);
    assert_eq!((first.status, first.is_replay(), again.is_replay()), (201, false, true));
    assert_eq!(bank.effects().await, 2);
}
