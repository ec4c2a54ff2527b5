//! `/metrics` of a real process, and the documents that name its metrics.

use crate::shop::book;
use crate::{Records, Shop};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::iter::Sum;
use std::path::Path;
use std::str::FromStr;
use tests::{Sender, eventually};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

on! { memory sqlite redis: [
    each_request_is_counted_once_by_its_outcome,
    a_run_is_seen_while_it_lasts_and_when_its_client_left,
] }

/// Words that a client chooses. No label may hold them.
const KEY: &str = "tell-tale-key";
const CALLER: &str = "tell-tale-caller";
const PATH: &str = "tell-tale-path";

/// The samples of a process: name and labels, and the value.
#[derive(Debug)]
struct Samples(Vec<(String, BTreeMap<String, String>, String)>);

impl Samples {
    /// Reads them as Prometheus does.
    fn read(text: &str) -> Self {
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        Self(lines.map(sample).collect())
    }

    fn names(&self) -> BTreeSet<&str> {
        self.0.iter().map(|(name, ..)| name.as_str()).collect()
    }

    /// The sum of the samples with this name that have at least these labels.
    fn sum<T: FromStr + Sum>(&self, name: &str, labels: &[(&str, &str)]) -> T {
        let has = |of: &BTreeMap<String, String>| {
            labels.iter().all(|(label, value)| of.get(*label).is_some_and(|has| has == value))
        };
        let samples = self.0.iter().filter(|(of, with, _)| of == name && has(with));
        samples.map(|(.., value)| value.parse().ok().expect("such a number")).sum()
    }

    fn requests(&self, operation: &str, outcome: &str) -> u64 {
        let labels = [("operation", operation), ("outcome", outcome)];
        self.sum("idempotency_requests_total", &labels)
    }
}

/// `name{label="value",label="value"} 1`
fn sample(line: &str) -> (String, BTreeMap<String, String>, String) {
    let (series, value) = line.rsplit_once(' ').expect("a value");
    let (name, labels) = series.split_once('{').unwrap_or((series, ""));
    let labels = labels.trim_end_matches('}').split("\",").filter(|label| !label.is_empty());
    let labels = labels.map(|label| {
        let (name, value) = label.split_once("=\"").expect("a label");
        (name.to_owned(), value.trim_end_matches('"').to_owned())
    });
    (name.to_owned(), labels.collect(), value.to_owned())
}

impl Shop {
    async fn metrics(&self) -> String {
        let url = format!("{}/metrics", self.orders.url());
        let reply = Sender::anonymous(Method::GET, url).send().await;
        assert_eq!(reply.status, 200);
        String::from_utf8(reply.body.to_vec()).expect("text")
    }

    async fn samples(&self) -> Samples {
        Samples::read(&self.metrics().await)
    }

    /// Sends some requests of every kind.
    async fn is_busy(&self) {
        for _ in 0..2 {
            assert_eq!(self.order(KEY).as_account(CALLER).send().await.status, 201);
        }
        let token = self.token("alice").await;
        assert_eq!(self.buy("alice", &token).send().await.status, 200);
        let nowhere = self.orders.post(&format!("/{PATH}")).key(KEY).json(&book());
        assert_eq!(nowhere.send().await.status, 404);
        let owned = self.orders.post(&format!("/purchase-orders/{PATH}/pay")).key(KEY);
        owned.send().await;
        let report = json!({"rows": 1});
        let report = self.orders.post("/reports").key(KEY).json(&report).send().await;
        let address = report.header("Location").expect("an address").to_owned();
        eventually("the report", async || {
            let task = self.orders.get(&address).send().await.json();
            (task["status"] == "succeeded").then_some(())
        })
        .await;
    }
}

async fn each_request_is_counted_once_by_its_outcome(records: Records) {
    let shop = Shop::open(records);
    let route = "POST /orders";
    let before = shop.samples().await;
    assert!(!before.names().contains("idempotency_requests_total"), "nothing came yet");
    assert_eq!(shop.order("k").send().await.status, 201);
    shop.order("k").send().await;
    shop.order("k").send().await;
    let other = json!({"sku": "pen", "quantity": 1});
    shop.order("k").json(&other).send().await.is_problem(422, "key-reused");
    shop.orders.post("/orders").json(&book()).send().await.is_problem(400, "key-missing");
    assert_eq!(shop.order("bad").json(&json!([])).send().await.status, 400);
    shop.suffer("p", &json!({"panic": true})).send().await.is_problem(500, "handler-panicked");
    // The handler's answer does not change the outcome `ran`.
    assert_eq!(shop.suffer("f", &json!({"status": 503})).send().await.status, 503);

    let slow = tokio::spawn(shop.suffer("slow", &json!({"delay_ms": 500})).send());
    shop.effects_reach("create_order", 4).await;
    shop.suffer("slow", &json!({"delay_ms": 500})).send().await.is_problem(409, "in-progress");
    let waits = shop.order_or_wait("wait", &json!({"delay_ms": 500}));
    let first = tokio::spawn(waits.send());
    shop.effects_reach("create_order_or_wait", 1).await;
    shop.order_or_wait("wait", &json!({"delay_ms": 500})).send().await;
    assert_eq!((slow.await.unwrap().status, first.await.unwrap().status), (201, 201));

    let counted = shop.samples().await;
    for (outcome, times) in [
        ("ran", 3),
        ("replayed", 2),
        ("key-reused", 1),
        ("key-missing", 1),
        ("rejected", 1),
        ("handler-panicked", 1),
        ("in-progress", 1),
        ("outcome-unknown", 0),
    ] {
        assert_eq!(counted.requests(route, outcome), times, "{outcome}: {counted:?}");
    }
    let all = [("operation", route), ("strategy", "request_id")];
    assert_eq!(counted.sum::<u64>("idempotency_requests_total", &all), 10);
    assert_eq!(counted.requests("POST /orders/wait", "replayed"), 1);
    assert_eq!(counted.sum::<u64>("idempotency_waits_total", &[]), 1);
    // A request that an extractor refuses does not ask the store.
    assert_eq!(counted.sum::<u64>("idempotency_admission_duration_seconds_count", &all), 9);
    assert_eq!(counted.sum::<u64>("idempotency_run_duration_seconds_count", &all), 4);
    let run = counted.sum::<f64>("idempotency_run_duration_seconds_sum", &all);
    assert!((0.5..5.0).contains(&run), "{run} seconds");
    assert!(
        counted.sum::<u64>("idempotency_store_call_duration_seconds_count", &[("call", "create")])
            > 7
    );
    assert_eq!(counted.sum::<u64>("idempotency_store_errors_total", &[]), 0);
    // Five outcomes were stored: of the runs without a panic or a 503, one of them with a request that waited.
    assert_eq!(counted.sum::<u64>("idempotency_record_bytes_count", &[]), 3);
    assert_eq!(counted.sum::<u64>("idempotency_runs_in_flight", &[]), 0);
}

async fn a_run_is_seen_while_it_lasts_and_when_its_client_left(records: Records) {
    let shop = Shop::open(records);
    let mut client =
        TcpStream::connect(shop.orders.url().trim_start_matches("http://")).await.unwrap();
    let order = json!({"sku": "book", "quantity": 1, "simulate": {"delay_ms": 2500}}).to_string();
    let request = format!(
        "POST /orders HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer alice\r\nIdempotency-Key: k\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{order}",
        order.len()
    );
    client.write_all(request.as_bytes()).await.unwrap();
    shop.effects_reach("create_order", 1).await;
    // The connection ends by a reset, so actix drops the handler's future.
    client.set_zero_linger().unwrap();
    drop(client);
    eventually("it goes on without its client", async || {
        let samples = shop.samples().await;
        let levels = ["idempotency_runs_in_flight", "idempotency_runs_without_client"];
        let is_old = samples.sum::<f64>("idempotency_oldest_run_seconds", &[]) > 0.5;
        (levels.iter().all(|level| samples.sum::<u64>(level, &[]) == 1) && is_old).then_some(())
    })
    .await;
    let done = eventually("it ends", async || {
        let samples = shop.samples().await;
        let is_over = samples.sum::<f64>("idempotency_oldest_run_seconds", &[]) <= 0.0;
        (samples.requests("POST /orders", "ran") == 1 && is_over).then_some(samples)
    })
    .await;
    assert_eq!(done.sum::<u64>("idempotency_runs_detached_total", &[]), 1);
    for level in ["idempotency_runs_in_flight", "idempotency_runs_without_client"] {
        assert_eq!(done.sum::<u64>(level, &[]), 0, "{level}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_of_the_business_transaction_are_measured_too() {
    let shop = Shop::open(Records::memory());
    for key in ["one", "one", "two"] {
        let deposit = shop.orders.post("/accounts/a/deposit").key(key);
        assert_eq!(deposit.json(&json!({"amount": 7})).send().await.status, 200);
    }
    let counted = shop.samples().await;
    assert_eq!(counted.sum::<u64>("idempotency_record_bytes_count", &[]), 2);
    let bytes = counted.sum::<u64>("idempotency_record_bytes_sum", &[]);
    assert!((100..2000).contains(&bytes), "{bytes} bytes");
}

fn document(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name);
    std::fs::read_to_string(path).expect("a document")
}

/// The metrics that a text names, with the labels that it uses of each.
fn named(text: &str) -> BTreeSet<(String, Vec<String>)> {
    let mut named = BTreeSet::new();
    let mut rest = text;
    while let Some(at) = rest.find("idempotency_") {
        rest = &rest[at..];
        let end = rest.find(|one: char| one != '_' && !one.is_ascii_lowercase());
        let (name, after) = rest.split_at(end.unwrap_or(rest.len()));
        let selector = after.strip_prefix('{').and_then(|after| after.split('}').next());
        let labels = selector.unwrap_or_default().split(", ").filter(|one| !one.is_empty());
        let labels = labels.filter_map(|one| one.split(['=', '!']).next().map(str::to_owned));
        named.insert((name.to_owned(), labels.collect()));
        rest = after;
    }
    named
}

/// Every query of the dashboard.
fn queries(dashboard: &Value) -> Vec<&str> {
    let panels = dashboard["panels"].as_array().expect("panels");
    let targets = panels.iter().filter_map(|panel| panel["targets"].as_array()).flatten();
    let queries: Vec<_> = targets.map(|target| target["expr"].as_str().expect("a query")).collect();
    assert!(queries.len() > 20, "{queries:?}");
    queries
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_dashboard_and_alerts_ask_for_is_there_and_no_label_is_a_clients_word() {
    let shop = Shop::open(Records::sqlite());
    shop.is_busy().await;
    let text = shop.metrics().await;
    for word in [KEY, CALLER, PATH] {
        assert!(!text.contains(word), "{word}: {text}");
    }
    let samples = Samples::read(&text);
    let dashboard: Value = serde_json::from_str(&document("dashboard.json")).expect("JSON");
    let alerts = document("alerts.yml");
    let rules = alerts.lines().filter_map(|line| line.trim().strip_prefix("expr: "));
    assert_eq!(rules.clone().count(), alerts.matches("- alert: ").count());
    for query in queries(&dashboard).into_iter().chain(rules) {
        let asked = named(query);
        assert!(!asked.is_empty(), "{query}");
        for (name, labels) in asked {
            // `orders` consumes no queue.
            if name.starts_with("idempotency_consumer_") {
                assert!(document("metrics.md").contains(&format!("| `{name}` |")), "{query}");
                continue;
            }
            let of_name = |(of, ..): &&(String, _, String)| *of == name;
            let (_, has, _) = samples.0.iter().find(of_name).unwrap_or_else(|| panic!("{query}"));
            assert!(labels.iter().all(|label| has.contains_key(label)), "{query}: {has:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_chapter_lists_every_metric_and_none_that_is_gone() {
    let shop = Shop::open(Records::sqlite());
    shop.is_busy().await;
    let text = shop.metrics().await;
    let kinds = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let told: BTreeSet<_> = kinds.filter(|kind| kind.starts_with("idempotency_")).collect();
    let chapter = document("metrics.md");
    let rows = chapter.lines().filter_map(|line| line.strip_prefix("| `idempotency_"));
    let listed: BTreeSet<_> = rows
        .filter(|row| !row.starts_with("consumer_"))
        .map(|row| {
            let (name, rest) = row.split_once("` | ").expect("a kind");
            format!("idempotency_{name} {}", rest.split(' ').next().unwrap_or_default())
        })
        .collect();
    assert_eq!(listed.iter().map(String::as_str).collect::<BTreeSet<_>>(), told);
    for name in told.iter().filter_map(|kind| kind.split(' ').next()) {
        assert!(text.contains(&format!("# HELP {name} ")), "{name} has no description");
    }
}
