//! `show` and `find` print one record, its body only if it is asked for, and nothing that steers a terminal.

use crate::Place;
use crate::shop::Shop;
use actix_web::HttpResponse;
use bytes::Bytes;
use idempotent_runtime::key::{Guard, StorageKey};
use idempotent_runtime::outcome::{Outcome, StoredResponse};
use idempotent_runtime::seal::Keys;
use idempotent_runtime::store::Label;
use serde_json::Value;
use std::time::Duration;

const FIND: [&str; 6] = ["find", "--method", "POST", "--path", "/orders/7", "--scope"];

#[tokio::test]
async fn a_record_is_found_by_what_support_knows_on_every_store() {
    for shop in Shop::on_all().await {
        shop.handler.answers(|run| {
            HttpResponse::Created().insert_header(("X-Part", "hid-den")).body(format!("body {run}"))
        });
        shop.order("k-1").await;
        let key = shop.storage_key("k-1").to_string();
        let found = shop.run_json(&[&FIND[..], &["alice", "--key", "k-1"]].concat()).answer();
        assert_eq!(
            (found["key"].as_str(), found["record"]["key"].as_str()),
            (Some(&*key), Some(&*key))
        );
        let shown = shop.run_json(&["show", &key]).answer();
        let record = &shown["record"];
        assert_eq!((&record["state"], &record["guard"]), (&"completed".into(), &"handler".into()));
        assert_eq!(
            (&record["operation"], &record["label"]),
            (&"create_order".into(), &"k-1".into())
        );
        assert_eq!((&record["attempt"], &record["kept_in"]), (&1.into(), &"store".into()));
        assert_eq!(
            (&record["outcome"]["status"], &record["outcome"]["bytes"]),
            (&201.into(), &6.into())
        );
        assert!(record["claimed_at"].as_str().is_some_and(|at| at.ends_with('Z')), "{record}");

        // A body is shown only if it is asked for.
        for arguments in [&["show", &key][..], &["list"], &["stats"], &FIND_K1] {
            for ran in [shop.run(arguments), shop.run_json(arguments)] {
                assert_eq!(ran.code, Some(0), "{ran:?}");
                assert!(
                    !ran.stdout.contains("body 1") && !ran.stdout.contains("hid-den"),
                    "{ran:?}"
                );
            }
        }
        let whole = shop.run_json(&["show", &key, "--body"]).answer();
        assert_eq!(whole["stored"]["body"]["text"], "body 1");
        let people = shop.run(&["show", &key, "--body"]);
        assert!(
            people.stdout.contains("x-part: hid-den\n") && people.stdout.ends_with("\nbody 1\n"),
            "{}",
            people.stdout
        );
    }
}

const FIND_K1: [&str; 9] =
    ["find", "--method", "POST", "--path", "/orders/7", "--scope", "alice", "--key", "k-1"];

#[tokio::test]
async fn a_record_that_does_not_exist_is_1_and_its_storage_key_is_printed() {
    let shop = Shop::open(Place::sqlite().await);
    let key = shop.storage_key("k-1").to_string();
    let (code, kind, message) = shop.run_json(&["show", &key]).error();
    assert_eq!((code, kind.as_str()), (1, "not-found"));
    assert!(message.contains(&key), "{message}");
    let found = shop.run_json(&FIND_K1);
    assert_eq!((found.code, &found.document()["record"]), (Some(1), &Value::Null));
    assert_eq!(found.document()["key"], key.as_str());
    // With another caller, path, method, namespace or secret, it is another record.
    shop.order("k-1").await;
    assert_eq!(shop.run(&FIND_K1).code, Some(0));
    for (place, other) in [(2, "PUT"), (4, "/orders/8"), (6, "bob"), (8, "k-2")] {
        let mut other_request = FIND_K1;
        other_request[place] = other;
        assert_eq!(shop.run(&other_request).code, Some(1), "{other}");
    }
    let secret = "s".repeat(32);
    let mut keyed = crate::ran::command(&FIND_K1);
    keyed.args(["--store", &shop.place.url, "--namespace", "shop"]);
    assert_eq!(crate::ran::Ran::by(keyed.env("IDEMPOTENT_KEY_SECRET", &secret)).code, Some(1));
}

#[tokio::test]
async fn a_target_that_is_none_is_2() {
    let shop = Shop::open(Place::sqlite().await);
    for wrong in [
        &["find", "--key", "k"][..],
        &["find", "--path", "/orders/7", "--key", "k"],
        &["find", "--method", "POST", "--path", "orders", "--key", "k"],
        &["find", "--method", "POST", "--path", "/a", "--lock", "--key", "k"],
        &["find", "--method", "POST", "--path", "/a"],
        &["find", "--operation", "request_id", "pay", "--key", "k"],
        &["find", "--operation", "message", "--key", "k"],
        &["find", "--operation", "token", "pay", "--key", "no token"],
        &["find", "--lock", "--host", "a", "--key", "k"],
        &["show", "beef"],
        &["list", "--state", "done"],
        &["list", "--older-than", "-5m"],
        &["list", "--older-than", "soon"],
        &["list", "--limit", "0"],
    ] {
        assert_eq!(shop.run_json(wrong).error().0, 2, "{wrong:?}");
    }
}

#[tokio::test]
async fn a_secret_from_a_file_finds_what_was_stored_with_it() {
    let place = Place::sqlite().await;
    let secret = [0xff; 32];
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("secret").display().to_string();
    std::fs::write(&path, secret).expect("it can be written");
    let builder = idempotent_runtime::Idempotency::builder(place.store.clone());
    let scope = idempotent_runtime::Scope::shared();
    let app = builder.scope(scope).key_secret(secret).build().expect("it fits");
    let target = idempotent_runtime::records::Target::lock();
    let parts = idempotent_runtime::key::KeyParts::new;
    let key = app.storage_key(&target, &parts(), &parts().value("nightly")).expect("a target");
    let found = ["find", "--lock", "--key", "nightly", "--json", "--store", &place.url];
    let found = crate::ran::Ran::of(&[&found[..], &["--key-secret-file", &path]].concat());
    assert_eq!(found.document()["key"], key.to_string());
    std::fs::write(&path, "short").expect("it can be written");
    for wrong in [path.as_str(), "/no/such/file"] {
        let ran = ["list", "--json", "--store", &place.url, "--key-secret-file", wrong];
        assert_eq!(crate::ran::Ran::of(&ran).error().0, 2);
    }
}

#[tokio::test]
async fn texts_of_records_do_not_steer_a_terminal() {
    let shop = Shop::open(Place::sqlite().await);
    let bad = "a\u{1b}]0;owned\u{7}\u{9b}2J\r\nb\u{202e}c";
    let key = StorageKey::from_bytes([9; 32]);
    let run = shop.claimed(key, Label::new(Guard::Message, bad, bad), Duration::from_mins(1)).await;
    let header = |name: &'static str| (Bytes::from_static(name.as_bytes()), Bytes::from(bad));
    let headers = vec![header("x-bad"), header("x-\u{1b}bad")];
    let response = StoredResponse { status: 200, headers, body: bad.into(), is_cut: false };
    run.complete(Outcome::Response(response), Duration::from_hours(1)).await;
    let key = key.to_string();
    for arguments in [
        &["list"][..],
        &["stats"],
        &["show", &key],
        &["show", &key, "--body"],
        &["forget", &key],
        &["resolve", &key, "--done"],
        &["list", "--after", bad],
        &["show", bad],
        &[bad],
    ] {
        for ran in [shop.run(arguments), shop.run_json(arguments)] {
            let said = format!("{}{}", ran.stdout, ran.stderr);
            let steers = |one: char| one != '\n' && (one.is_control() || one == '\u{202e}');
            assert!(!said.is_empty() && !said.chars().any(steers), "{arguments:?}: {said:?}");
        }
    }
    // A program gets the texts unchanged.
    let shown = shop.run_json(&["show", &key, "--body"]).answer();
    assert_eq!(shown["record"]["operation"], bad);
    assert_eq!(shown["stored"]["body"]["text"], bad);
}

/// The command has no key to open the record: it shows the rest, and can forget the record.
#[tokio::test]
async fn a_sealed_record_is_shown_as_such_and_can_be_forgotten() {
    for place in Place::all().await {
        let keys = Keys::new("2026", [7; 32]).labels();
        let shop = Shop::with(place, |builder| builder.seal(keys));
        shop.handler.answers(|run| HttpResponse::Created().body(format!("body {run}")));
        shop.order("k-1").await;
        let key = shop.storage_key("k-1").to_string();
        let shown = shop.run_json(&["show", &key, "--body"]).answer();
        let record = &shown["record"];
        assert_eq!((&record["state"], &record["label"]), (&"completed".into(), &"(sealed)".into()));
        let outcome = &record["outcome"];
        assert_eq!((&outcome["kind"], &outcome["key"]), (&"sealed".into(), &"2026".into()));
        assert!(outcome["bytes"].as_u64().is_some_and(|bytes| bytes > 6), "{outcome}");
        assert_eq!(shown["stored"], Value::Null, "nobody can show its body");
        let people = shop.run(&["show", &key, "--body"]).stdout;
        assert!(people.contains("completed: sealed with `2026`"), "{people}");
        assert!(!people.contains("body 1"), "{people}");
        assert_eq!(shop.run(&["forget", &key, "--yes"]).code, Some(0));
        assert_eq!(shop.order("k-1").await.body, "body 2");
    }
}
