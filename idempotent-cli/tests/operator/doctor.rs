//! `doctor` on stores that are well, and on one that is not.

use crate::Place;
use crate::ran::Ran;
use serde_json::Value;
use tests::RedisServer;

/// The outcome of each operation, with its name. An operation that was done has a time.
fn outcomes(answer: &Value) -> Vec<(&str, &str)> {
    let operations = answer["operations"].as_array().expect("a list");
    let outcome = |tried: &'_ Value| {
        let time = tried["milliseconds"].as_f64();
        assert_eq!(time.is_some_and(|time| time > 0.0), tried["outcome"] == "done", "{tried}");
    };
    operations.iter().for_each(outcome);
    let text = |tried: &Value, name: &str| tried[name].as_str().expect("a text").len();
    operations
        .iter()
        .map(|tried| {
            let _lengths = (text(tried, "operation"), text(tried, "outcome"));
            (tried["operation"].as_str().unwrap_or(""), tried["outcome"].as_str().unwrap_or(""))
        })
        .collect()
}

#[tokio::test]
async fn each_operation_of_each_store_is_tried_and_timed() {
    for place in Place::all().await {
        let answer = Ran::of(&["doctor", "--json", "--store", &place.url]).answer();
        assert_eq!(answer["store"], place.store.describe());
        let outcomes = outcomes(&answer);
        let done = |operation| (operation, "done");
        assert_eq!(outcomes[..3], ["create", "read", "swap"].map(done), "{}", place.url);
        let watch = outcomes[3].1;
        // These stores report changes themselves.
        let tells = ["redis", "postgres"].iter().any(|scheme| place.url.starts_with(scheme));
        let expected = if tells { "done" } else { "not supported" };
        assert!(watch.starts_with(expected), "{watch}");
        let people = Ran::of(&["doctor", "--store", &place.url]);
        assert_eq!((people.code, people.stderr.as_str()), (Some(0), ""));
        assert!(people.stdout.contains(" ms\n"), "{}", people.stdout);
    }
}

#[tokio::test]
async fn a_setting_that_breaks_a_promise_is_1() {
    let drops = ["--save", "", "--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"];
    let server = RedisServer::start_with(&drops);
    let ran = Ran::of(&["doctor", "--json", "--store", &server.url()]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(1), ""));
    let finding = &ran.document()["findings"][0];
    assert_eq!(finding["severity"], "error");
    let message = finding["message"].as_str().expect("a text");
    assert!(message.contains("maxmemory"), "{message}");
    let people = Ran::of(&["doctor", "--store", &server.url()]);
    assert!(people.code == Some(1) && people.stdout.contains("error: "), "{people:?}");
}

#[tokio::test]
async fn an_operation_that_is_refused_is_reported_with_its_cause() {
    let place = Place::redis().await;
    let server = RedisServer::start();
    // From now on the server is full: it refuses to store, but can be read.
    let _: String = server.command(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    let _: String = server.command(&["CONFIG", "SET", "maxmemory", "1"]);
    let ran = Ran::of(&["doctor", "--json", "--store", &server.url()]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(1), ""), "{ran:?}");
    let create = &ran.document()["operations"][0];
    assert_eq!((&create["operation"], &create["milliseconds"]), (&"create".into(), &Value::Null));
    let why = create["outcome"].as_str().expect("a text");
    assert!(why.contains("OOM"), "{why}");
    drop(place);
}
