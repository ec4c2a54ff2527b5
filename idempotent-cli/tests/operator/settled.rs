//! `resolve` and `forget` change only records that may be changed, and only after a yes.

use crate::Place;
use crate::ran::Ran;
use crate::shop::Shop;
use idempotent_runtime::key::{Guard, StorageKey};
use idempotent_runtime::records::RecordState;
use idempotent_runtime::store::Label;
use std::sync::Arc;
use std::time::Duration;
use tests::eventually;

#[tokio::test]
async fn a_held_key_is_settled_on_every_store() {
    for shop in Shop::on_all().await {
        let [happened, not] = [shop.abandoned("happened").await, shop.abandoned("not").await];
        let [happened_key, not_key] = [happened.to_string(), not.to_string()];
        shop.order("happened").await.is_problem(409, "outcome-unknown");

        // Nothing changes before a yes.
        for arguments in [&["resolve", &happened_key, "--done"][..], &["forget", &not_key]] {
            let (code, kind, message) = shop.run_json(arguments).error();
            assert_eq!((code, kind.as_str()), (4, "refused"));
            assert!(message.contains("create_order") && message.contains("--yes"), "{message}");
        }
        assert_eq!(shop.state(&happened).await, RecordState::Abandoned);
        assert_eq!(shop.state(&not).await, RecordState::Abandoned);

        let settled = shop.run_json(&["resolve", &happened_key, "--done", "--yes"]).answer();
        assert_eq!(settled["resolution"], "done");
        shop.order("happened").await.is_problem(409, "not-replayable");
        shop.run_json(&["resolve", &not_key, "--not-done", "--yes"]).answer();
        assert_eq!((shop.order("not").await.status, shop.handler.runs()), (201, 1));

        // A record that was settled is not abandoned any more.
        for key in [&happened_key, &not_key] {
            let (code, _, message) = shop.run_json(&["resolve", key, "--done", "--yes"]).error();
            assert!(code == 4 && message.contains("completed"), "{message}");
        }
    }
}

#[tokio::test]
async fn a_forgotten_record_runs_again_and_one_that_runs_is_left_alone() {
    for shop in Shop::on_all().await {
        let key = shop.storage_key("k").to_string();
        shop.order("k").await;
        assert!(shop.order("k").await.is_replay());
        shop.run_json(&["forget", &key, "--yes"]).answer();
        assert_eq!(shop.handler.runs(), 1);
        assert!(!shop.order("k").await.is_replay());
        assert_eq!(shop.handler.runs(), 2);

        shop.run_json(&["forget", &key, "--yes"]).answer();
        shop.handler.pause();
        let shop = Arc::new(shop);
        let running = tokio::spawn({
            let shop = Arc::clone(&shop);
            async move { shop.order("k").await }
        });
        shop.handler.runs_reach(3).await;
        for arguments in [&["forget", &key, "--yes"][..], &["resolve", &key, "--not-done", "--yes"]]
        {
            let (code, kind, message) = shop.run_json(arguments).error();
            assert_eq!((code, kind.as_str()), (4, "refused"), "{message}");
            assert!(message.contains("running"), "{message}");
        }
        let state = shop.state(&shop.storage_key("k")).await;
        assert!(matches!(state, RecordState::Running { .. }), "{state:?}");
        shop.run_json(&["forget", &key, "--yes", "--force"]).answer();
        assert_eq!(shop.state(&shop.storage_key("k")).await, RecordState::Issued);
        shop.handler.resume();
        running.await.expect("no panic");
    }
}

/// A task that is put in line where its app does not look would never run.
#[tokio::test]
async fn a_task_is_left_alone_if_the_namespace_is_not_given() {
    let shop = Shop::open(Place::sqlite().await);
    let key = StorageKey::from_bytes([8; 32]);
    let label = Label::new(Guard::Task, "report", "r-1");
    drop(shop.claimed(key, label, Duration::from_millis(100)).await);
    eventually("its lease is over", async || {
        (shop.state(&key).await == RecordState::Abandoned).then_some(())
    })
    .await;
    let hexadecimal = key.to_string();
    for arguments in
        [&["resolve", &hexadecimal, "--not-done", "--yes"][..], &["forget", &hexadecimal, "--yes"]]
    {
        let anonymous = ["--json", "--store", &shop.place.url];
        let (code, kind, message) = Ran::of(&[arguments, &anonymous].concat()).error();
        assert_eq!((code, kind.as_str()), (2, "usage"));
        assert!(message.contains("--namespace"), "{message}");
        assert_eq!(shop.state(&key).await, RecordState::Abandoned);
    }
    shop.run_json(&["forget", &hexadecimal, "--yes"]).answer();
    assert_eq!(shop.state(&key).await, RecordState::Cancelled);
}

#[tokio::test]
async fn a_record_that_does_not_exist_cannot_be_settled_or_forgotten() {
    let shop = Shop::open(Place::sqlite().await);
    let key = shop.storage_key("nothing").to_string();
    for arguments in [&["forget", &key, "--yes"][..], &["resolve", &key, "--done", "--yes"]] {
        let (code, kind, _) = shop.run_json(arguments).error();
        assert_eq!((code, kind.as_str()), (1, "not-found"));
    }
    for wrong in [&["resolve", &key][..], &["resolve", &key, "--done", "--not-done"]] {
        assert_eq!(shop.run_json(wrong).error().0, 2);
    }
}
