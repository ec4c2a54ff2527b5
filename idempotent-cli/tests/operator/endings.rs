//! Exit codes, and the places of error messages.

use crate::Place;
use crate::ran::{Ran, command};

#[tokio::test]
async fn a_command_line_that_is_wrong_is_2() {
    for wrong in [
        &["--json"][..],
        &["--json", "dcotor"],
        &["--json", "doctor"],
        &["--json", "doctor", "--store", "memory:"],
        &["--json", "doctor", "--store", "sqlite:a.db", "--prefix", "a"],
        &["--json", "doctor", "--store", "http://a"],
        &["--json", "ddl"],
        &["--json", "ddl", "oracle"],
    ] {
        let (code, kind, message) = Ran::of(wrong).error();
        assert_eq!((code, kind.as_str()), (2, "usage"), "{wrong:?}: {message}");
        assert!(!message.is_empty(), "{wrong:?}");
    }
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_3() {
    for away in ["redis://127.0.0.1:1", "postgres://me@127.0.0.1:1/db", "mysql://me@127.0.0.1:1/db"]
    {
        let (code, kind, message) = Ran::of(&["doctor", "--json", "--store", away]).error();
        assert_eq!((code, kind.as_str()), (3, "store"), "{away}: {message}");
    }
}

#[test]
fn a_file_that_is_not_there_is_3_and_is_not_made() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let url = format!("sqlite:{}", directory.path().join("recrods.db").display());
    let (code, kind, message) = Ran::of(&["purge", "--yes", "--json", "--store", &url]).error();
    assert_eq!((code, kind.as_str()), (3, "store"), "{message}");
    assert!(message.contains("recrods.db"), "{message}");
    let made = std::fs::read_dir(directory.path()).expect("a directory").count();
    assert_eq!(made, 0, "a command that looks makes nothing");
}

#[tokio::test]
async fn an_error_for_people_is_a_line_on_stderr() {
    let told = Ran::of(&["doctor", "--store", "memory:"]);
    let line =
        "error: `memory:` is inside of the service's own process, where nobody else can look\n";
    assert_eq!((told.code, told.stdout.as_str(), told.stderr.as_str()), (Some(2), "", line));
}

#[tokio::test]
async fn settings_come_from_the_environment_too() {
    let place = Place::redis().await;
    let by_environment =
        Ran::by(command(&["doctor", "--json"]).env("IDEMPOTENT_STORE", &place.url));
    assert_eq!(by_environment.answer()["operations"][0]["outcome"], "done");
}
