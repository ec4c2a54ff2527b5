//! `list` and `stats` show every record once, and only records that fit.

use crate::Place;
use crate::shop::Shop;
use idempotent_runtime::key::{Guard, StorageKey};
use idempotent_runtime::outcome::{Outcome, StoredResponse};
use idempotent_runtime::store::Label;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;
use tests::eventually;

/// More records than a command reads at once.
const MANY: u16 = 1100;

fn keys(answer: &Value) -> Vec<&str> {
    let records = answer["records"].as_array().expect("a list");
    records.iter().map(|record| record["key"].as_str().expect("a key")).collect()
}

fn numbered(number: u16) -> StorageKey {
    let mut bytes = [7; 32];
    bytes[..2].copy_from_slice(&number.to_be_bytes());
    StorageKey::from_bytes(bytes)
}

impl Shop {
    /// Many records of two operations that ran, and a few of runs that never end.
    async fn with_many() -> Self {
        let shop = Self::open(Place::sqlite().await);
        for number in 0..MANY {
            let operation = if number % 2 == 0 { "pay" } else { "ship" };
            let label = Label::new(Guard::Message, operation, &number.to_string());
            let run = shop.claimed(numbered(number), label, Duration::from_mins(1)).await;
            let response = StoredResponse {
                status: 201,
                headers: Vec::new(),
                body: "done".into(),
                is_cut: false,
            };
            if number % 500 != 0 {
                run.complete(Outcome::Response(response), Duration::from_hours(1)).await;
            }
        }
        shop
    }
}

#[tokio::test]
async fn pages_have_every_record_once_and_end() {
    let shop = Shop::with_many().await;
    let (mut seen, mut pages, mut after) = (BTreeSet::new(), 0, String::new());
    loop {
        let page = if after.is_empty() {
            shop.run_json(&["list", "--limit", "300"])
        } else {
            shop.run_json(&["list", "--limit", "300", "--after", &after])
        };
        let page = page.answer();
        let found = keys(&page);
        assert!(found.len() <= 300);
        seen.extend(found.into_iter().map(str::to_owned));
        pages += 1;
        let Some(next) = page["next"].as_str() else { break };
        next.clone_into(&mut after);
    }
    assert_eq!((seen.len(), pages), (usize::from(MANY), 4));
    let all = shop.run_json(&["list", "--limit", "5000"]).answer();
    assert_eq!((keys(&all).len(), &all["next"]), (usize::from(MANY), &Value::Null));
    // The three records without an end still have a lease, of a minute.
    let few = shop.run_json(&["list", "--state", "running", "--limit", "2"]).answer();
    assert!(keys(&few).len() == 2 && few["next"].is_string(), "{few}");
    let next = few["next"].as_str().expect("a cursor");
    let rest = shop.run_json(&["list", "--state", "running", "--after", next]).answer();
    assert_eq!((keys(&rest).len(), &rest["next"]), (1, &Value::Null));
    let paid = shop.run_json(&["list", "--operation", "pay", "--limit", "5000"]).answer();
    assert_eq!(keys(&paid).len(), usize::from(MANY / 2));

    let stats = shop.run_json(&["stats"]).answer();
    assert_eq!((&stats["records"], &stats["states"]["running"]), (&json!(MANY), &json!(3)));
    let operations = json!([["pay", MANY / 2], ["ship", MANY / 2]]);
    let told: Vec<_> = stats["operations"].as_array().expect("a list").iter().collect();
    let told: Vec<_> = told.iter().map(|one| json!([one["operation"], one["records"]])).collect();
    assert_eq!(json!(told), operations);
    let people = shop.run(&["stats"]);
    let last = people.stdout.lines().last().expect("a line");
    let words: Vec<_> = last.split_whitespace().collect();
    assert_eq!(words[..4], ["all", "3", "1097", "1100"], "{}", people.stdout);
}

#[tokio::test]
async fn every_store_lists_and_counts_what_handlers_left() {
    for shop in Shop::on_all().await {
        for key in ["a", "b", "c"] {
            assert_eq!(shop.order(key).await.status, 201);
        }
        let held = shop.abandoned("held").await.to_string();
        let all = shop.run_json(&["list"]).answer();
        let expected: BTreeSet<_> =
            ["a", "b", "c", "held"].map(|key| shop.storage_key(key).to_string()).into();
        let found: BTreeSet<_> = keys(&all).into_iter().map(str::to_owned).collect();
        assert_eq!(found, expected, "{}", shop.place.url);
        let abandoned = shop.run_json(&["list", "--state", "abandoned"]).answer();
        assert_eq!(keys(&abandoned), [held.as_str()]);
        let old = shop.run_json(&["list", "--older-than", "1h"]).answer();
        assert!(keys(&old).is_empty(), "{old}");
        let young = shop.run_json(&["list", "--older-than", "0s"]).answer();
        assert_eq!(keys(&young).len(), 4);
        let stats = shop.run_json(&["stats"]).answer();
        let expected = json!([4, { "abandoned": 1, "completed": 3 }]);
        assert_eq!(json!([stats["records"], stats["states"]]), expected);
        let people = shop.run(&["list", "--state", "abandoned"]);
        assert_eq!(people.stdout.lines().count(), 2, "{}", people.stdout);
        assert!(people.stdout.contains(&held) && people.stdout.contains("create_order"));
    }
}

#[tokio::test]
async fn a_store_with_nothing_in_it_has_no_records() {
    for place in Place::all().await {
        let shop = Shop::open(place);
        let nothing = json!({ "records": [], "next": null });
        // Opening a store tries it with records that end a moment later.
        eventually("nothing", async || {
            (shop.run_json(&["list"]).answer() == nothing).then_some(())
        })
        .await;
        assert_eq!(shop.run_json(&["stats"]).answer()["records"], 0);
        assert_eq!(shop.run(&["list"]).stdout, "no records\n");
    }
}

#[tokio::test]
async fn a_cursor_that_is_none_is_reported() {
    let shop = Shop::open(Place::sqlite().await);
    let (code, ..) = shop.run_json(&["list", "--after", "nonsense"]).error();
    assert_eq!(code, 2);
}
