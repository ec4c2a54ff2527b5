//! Connections of the app's pool, while many requests want the same thing.

use crate::{Bank, Kind};
use futures_util::future::join_all;
use tests::eventually;

on_every_database! {
    duplicates_that_wait_leave_the_connections_to_others,
    those_who_wait_for_a_row_leave_the_connections_to_others,
    a_line_of_the_owner_keeps_nobody_else_waiting,
    who_waits_in_line_for_too_long_is_told_so,
}

const MANY: usize = 40;

impl Bank {
    /// One request that works and many that wait for it; meanwhile others read.
    async fn crowd(&self, path: &str) {
        self.handler.pause();
        let first = tokio::spawn(self.post(path).key("k").send());
        self.handler.runs_reach(1).await;
        let crowd: Vec<_> =
            (0..MANY).map(|_| tokio::spawn(self.post(path).key("k").send())).collect();
        let all = async || (self.idempotency.under_way() > MANY).then_some(());
        eventually("they wait", all).await;
        // If the waiting requests had all connections, this one would fail to get one.
        for _ in 0..50 {
            assert_eq!(self.number("SELECT count(*) FROM effects").await, 0);
        }
        self.handler.resume();
        assert_eq!(first.await.expect("it is answered").status, 201);
        for waited in join_all(crowd).await {
            assert_eq!(waited.expect("it is answered").status, 201);
        }
    }
}

async fn duplicates_that_wait_leave_the_connections_to_others(kind: Kind) {
    let bank = Bank::open(kind, 4).await;
    bank.crowd("/dedup").await;
    assert_eq!((bank.handler.runs(), bank.effects().await), (1, 1));
}

async fn those_who_wait_for_a_row_leave_the_connections_to_others(kind: Kind) {
    let bank = Bank::open(kind, 4).await.with_things("INSERT INTO things (id) VALUES (7)").await;
    bank.crowd("/row/7").await;
    assert_eq!(bank.effects().await, i64::try_from(MANY).expect("a few") + 1);
}

async fn a_line_of_the_owner_keeps_nobody_else_waiting(kind: Kind) {
    let things = "INSERT INTO things (id, owner) VALUES (7, 'alice'), (8, 'bob')";
    let bank = Bank::open(kind, 4).await.with_things(things).await;
    bank.handler.pause();
    let work = |id: u8| bank.post(&format!("/owned/row/{id}")).send();
    let first = tokio::spawn(work(7));
    bank.handler.runs_reach(1).await;
    let crowd: Vec<_> = (0..MANY).map(|_| tokio::spawn(work(7))).collect();
    let all = async || (bank.idempotency.under_way() > MANY).then_some(());
    eventually("they wait", all).await;
    for id in [7, 8, 9] {
        let told = bank.post(&format!("/owned/row/{id}")).as_account("carol").send().await;
        told.is_problem(404, "row-missing");
    }
    bank.handler.resume();
    assert_eq!(first.await.expect("it is answered").status, 201);
    for waited in join_all(crowd).await {
        assert_eq!(waited.expect("it is answered").status, 201);
    }
    assert_eq!(bank.post("/owned/row/8").as_account("bob").send().await.status, 201);
}

async fn who_waits_in_line_for_too_long_is_told_so(kind: Kind) {
    let bank = Bank::open(kind, 4).await.with_things("INSERT INTO things (id) VALUES (7)").await;
    bank.handler.pause();
    let first = tokio::spawn(bank.post("/row/7").send());
    bank.handler.runs_reach(1).await;
    let tired = join_all((0..MANY).map(|_| bank.post("/row-impatient/7").send())).await;
    for tired in tired {
        tired.is_problem(423, "locked");
    }
    bank.handler.resume();
    assert_eq!(first.await.expect("it is answered").status, 201);
    assert_eq!((bank.handler.runs(), bank.effects().await), (1, 1));
}
