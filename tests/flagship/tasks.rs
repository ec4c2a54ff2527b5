//! Invariant S13 with real processes: tasks survive the processes that accepted them and ran them.

use crate::{Records, Shop};
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Reply, Sender, eventually};

on! { memory: [
    a_report_is_made_while_its_client_asks_how_far_it_is,
    a_report_is_of_the_account_that_wants_it_and_of_nobody_else,
    a_process_told_to_end_finishes_the_report_that_is_being_made,
] }

on! { sqlite redis postgres mariadb: [
    a_report_is_made_while_its_client_asks_how_far_it_is,
    a_report_is_of_the_account_that_wants_it_and_of_nobody_else,
    a_process_told_to_end_finishes_the_report_that_is_being_made,
    a_report_whose_process_died_is_made_by_the_next_one,
    a_report_whose_process_died_is_made_by_another_that_lives,
    a_report_that_waited_is_made_after_a_restart,
    a_report_that_must_not_be_made_twice_is_held,
    what_was_promised_at_the_kill_is_kept,
    a_report_that_another_made_while_its_process_was_stopped_stays_the_others,
    under_kills_every_report_is_made_and_ends_once,
] }

const ROUTE: &str = "/reports";

impl Shop {
    /// A report for alice with this number of rows, each of which takes this long.
    fn report_at(&self, route: &str, key: &str, rows: u32, delay_ms: u64) -> Sender {
        let report = json!({"rows": rows, "simulate": {"delay_ms": delay_ms}});
        self.orders.post(route).key(key).json(&report)
    }

    async fn report(&self, key: &str, rows: u32, delay_ms: u64) -> String {
        accepted(&self.report_at(ROUTE, key, rows, delay_ms).send().await)
    }

    async fn task(&self, address: &str) -> Value {
        let reply = self.orders.get(address).send().await;
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.json()
    }

    async fn is(&self, address: &str, status: &str) -> Value {
        eventually(status, async || {
            let task = self.task(address).await;
            (task["status"] == status).then_some(task)
        })
        .await
    }
}

#[track_caller]
fn accepted(reply: &Reply) -> String {
    assert_eq!(reply.status, 202, "{reply:?}");
    reply.header("Location").expect("an address").to_owned()
}

/// Checks that a task ended with alice's report of this number of rows.
#[track_caller]
fn assert_made(task: &Value, rows: u64) {
    assert_eq!(task["status"], "succeeded", "{task}");
    let report = &task["result"]["body"];
    let expected = json!({"account": "alice", "rows": rows, "sum": rows * (rows + 1) / 2,
                          "attempt": report["attempt"]});
    assert_eq!(*report, expected, "{task}");
}

async fn a_report_is_made_while_its_client_asks_how_far_it_is(records: Records) {
    let shop = Shop::open(records);
    let reply = shop.report_at(ROUTE, "k", 20, 100).send().await;
    let address = accepted(&reply);
    let far = eventually("progress", async || {
        let task = shop.task(&address).await;
        let progress = task.get("progress").cloned();
        assert!(progress.is_none() || task["status"] == "running", "{task}");
        progress
    })
    .await;
    assert_eq!(far["total"], 20);
    let again = shop.report_at(ROUTE, "k", 20, 100).send().await;
    assert!(again.is_replay() && !reply.is_replay());
    assert_eq!((accepted(&again), &again.body), (address.clone(), &reply.body));
    assert_made(&shop.is(&address, "succeeded").await, 20);
    assert_eq!(shop.report("k", 20, 100).await, address);
    let result = shop.orders.get(&format!("{address}/result")).send().await;
    assert_eq!((result.status, &result.json()["sum"]), (201, &json!(210)));
    assert_eq!(shop.effects("create_report").await, 1);
}

async fn a_report_is_of_the_account_that_wants_it_and_of_nobody_else(records: Records) {
    let shop = Shop::open(records);
    let address = shop.report("k", 1, 0).await;
    assert_made(&shop.is(&address, "succeeded").await, 1);
    shop.orders.get(&address).as_account("bob").send().await.is_problem(404, "task-missing");
    let url = format!("{}{address}", shop.orders.url());
    assert_eq!(Sender::anonymous(Method::GET, url).send().await.status, 401);
    let revoked = shop.orders.post("/admin/revoke/alice").send().await;
    assert_eq!(revoked.status, 204);
    assert_eq!(shop.orders.get(&address).send().await.status, 401);
    assert_eq!(shop.report_at(ROUTE, "k", 1, 0).send().await.status, 401);
}

/// A task that waits is neither begun nor lost.
async fn a_process_told_to_end_finishes_the_report_that_is_being_made(records: Records) {
    let forgets = records.store() == "memory:";
    let mut shop = Shop::with(records, &["--tasks", "1"]);
    let first = shop.report("first", 10, 100).await;
    let second = shop.report("second", 1, 0).await;
    shop.effects_reach("create_report", 1).await;
    shop.orders.stop();
    shop.orders.restart();
    assert!(shop.effects("create_report").await >= 1);
    if !forgets {
        assert_made(&shop.is(&first, "succeeded").await, 10);
        assert_made(&shop.is(&second, "succeeded").await, 1);
        assert_eq!(shop.effects("create_report").await, 2);
    }
}

async fn a_report_whose_process_died_is_made_by_the_next_one(records: Records) {
    let mut shop = Shop::with(records, &["--lease", "2s"]);
    let address = shop.report("k", 10, 100).await;
    shop.effects_reach("create_report", 1).await;
    shop.orders.kill();
    shop.orders.restart();
    assert_made(&shop.is(&address, "succeeded").await, 10);
    assert_eq!(shop.report("k", 10, 100).await, address);
    assert_eq!(shop.effects("create_report").await, 2);
}

async fn a_report_whose_process_died_is_made_by_another_that_lives(records: Records) {
    let mut one = Shop::with(records, &["--lease", "2s"]);
    let address = one.report("k", 10, 100).await;
    one.effects_reach("create_report", 1).await;
    let other = one.beside(&["--lease", "2s"]);
    assert_eq!(other.task(&address).await["status"], "running");
    one.orders.kill();
    assert_made(&other.is(&address, "succeeded").await, 10);
    assert_eq!(other.report("k", 10, 100).await, address);
    assert_eq!(other.effects("create_report").await, 2);
}

async fn a_report_that_waited_is_made_after_a_restart(records: Records) {
    let mut shop = Shop::with(records, &["--tasks", "1", "--lease", "2s"]);
    let first = shop.report("first", 10, 100).await;
    shop.effects_reach("create_report", 1).await;
    let second = shop.report("second", 2, 0).await;
    let third = shop.report("third", 3, 0).await;
    assert_eq!(shop.task(&second).await["status"], "pending");
    let off = Sender::new(Method::DELETE, format!("{}{third}", shop.orders.url())).send().await;
    assert_eq!(off.json()["status"], "cancelled");
    shop.orders.kill();
    shop.orders.restart();
    assert_made(&shop.is(&second, "succeeded").await, 2);
    assert_made(&shop.is(&first, "succeeded").await, 10);
    assert_eq!(shop.task(&third).await["status"], "cancelled");
    // The first report ran twice, the second once.
    assert_eq!(shop.effects("create_report").await, 3);
}

async fn a_report_that_must_not_be_made_twice_is_held(records: Records) {
    let mut shop = Shop::with(records, &["--lease", "1s"]);
    let address = accepted(&shop.report_at("/reports/once", "k", 10, 300).send().await);
    shop.effects_reach("create_report_once", 1).await;
    shop.orders.kill();
    shop.orders.restart();
    shop.is(&address, "held").await;
    let result = shop.orders.get(&format!("{address}/result")).send().await;
    result.is_problem(409, "outcome-unknown");
    let again = shop.report_at("/reports/once", "k", 10, 300).send().await;
    assert_eq!(accepted(&again), address);
    // Other reports are made meanwhile, but not this one.
    let next = shop.report("next", 1, 0).await;
    assert_made(&shop.is(&next, "succeeded").await, 1);
    assert_eq!(shop.task(&address).await["status"], "held");
    assert_eq!(shop.effects("create_report_once").await, 1);
}

/// The process is killed as soon as the answer arrived: an accepted task is stored.
async fn what_was_promised_at_the_kill_is_kept(records: Records) {
    let mut shop = Shop::with(records, &["--lease", "1s"]);
    for number in 0..5 {
        let key = format!("k{number}");
        let address = shop.report(&key, number, 0).await;
        shop.orders.kill();
        shop.orders.restart();
        assert_eq!(shop.report(&key, number, 0).await, address);
        assert_made(&shop.is(&address, "succeeded").await, number.into());
    }
}

async fn a_report_that_another_made_while_its_process_was_stopped_stays_the_others(
    records: Records,
) {
    let mut one = Shop::with(records, &["--lease", "1s"]);
    let address = one.report("k", 10, 100).await;
    one.effects_reach("create_report", 1).await;
    one.orders.signal("STOP");
    let other = one.beside(&["--lease", "1s"]);
    let task = other.is(&address, "succeeded").await;
    assert_made(&task, 10);
    assert_eq!(task["result"]["body"]["attempt"], 2);
    // The process finishes its running task before it ends, but does not record it again.
    one.orders.signal("CONT");
    one.orders.stop();
    assert_eq!(other.task(&address).await, task);
    assert_eq!(other.effects("create_report").await, 2);
}

/// The end of each task is recorded once: every later read gets the same.
async fn under_kills_every_report_is_made_and_ends_once(records: Records) {
    let options = ["--lease", "1s", "--tasks", "4"];
    let mut doomed = Shop::with(records, &options);
    let other = doomed.beside(&options);
    let mut tasks = Vec::new();
    for round in 0..4 {
        for number in 0..6 {
            let key = format!("{round}-{number}");
            tasks.push((key.clone(), doomed.report(&key, 3, 30).await));
        }
        doomed.effects_reach("create_report", 3 * (round + 1)).await;
        doomed.orders.kill();
        doomed.orders.restart();
    }
    let mut ended = Vec::new();
    for (_, address) in &tasks {
        let task = other.is(address, "succeeded").await;
        assert_made(&task, 3);
        ended.push(task);
    }
    let runs = other.effects("create_report").await;
    assert!(runs >= tasks.len() as u64, "{runs}");
    for ((key, address), task) in tasks.iter().zip(&ended) {
        assert_eq!(doomed.report(key, 3, 30).await, *address);
        assert_eq!(doomed.task(address).await, *task);
    }
    assert_eq!(other.effects("create_report").await, runs);
}
