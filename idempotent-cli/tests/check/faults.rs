//! Each check fails on a server that was made to fail it. Other checks fail with it only for a reason.

use crate::command::{Call, Judged};
use crate::raw;
use crate::server::{effects, faulty};
use std::collections::BTreeSet;

/// Every option that a check may need.
pub(crate) const ALL: [&str; 14] = [
    "--header",
    "Authorization: Bearer alice",
    "--other-header",
    "Authorization: Bearer bob",
    "--body",
    r#"{"sku":"book"}"#,
    "--other-body",
    r#"{"sku":"pen"}"#,
    "--failing-body",
    r#"{"fail":500}"#,
    "--slow-body",
    r#"{"delay_ms":1000}"#,
    "--other-path",
    "/OPERATION/other",
];

fn judged(fault: &str) -> Judged {
    call(fault).judged()
}

/// A call with all of these options.
pub(crate) fn call(fault: &str) -> Call {
    let other = format!("/{fault}/other");
    let words: Vec<_> = ALL.iter().map(|word| word.replace("/OPERATION/other", &other)).collect();
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    Call::of(&faulty(fault)).with(&words)
}

/// Each server, and exactly the checks that it fails.
macro_rules! faults {
    ($($name:ident: $fault:literal fails $($check:literal)*;)*) => {
        $(
            #[test]
            fn $name() {
                judged($fault).fails(&[$($check),*]);
            }
        )*

        const FAILED: &[&str] = &[$($($check),*),*];
    };
}

faults! {
    a_replay_with_other_bytes: "other-bytes" fails "replay";
    a_replay_with_another_status: "other-status" fails "replay";
    a_replay_that_does_not_say_so: "no-marker" fails "replay-marker";
    a_replay_without_its_content_type: "drops-content-type" fails "replay-headers";
    a_replay_without_its_location: "drops-location" fails "replay-headers";
    a_replay_with_a_cookie: "replays-cookies" fails "replay-cookies";
    another_body_that_is_done: "mismatch-runs" fails "mismatch";
    another_body_that_gets_the_first_answer: "mismatch-replays" fails "mismatch";
    another_body_that_breaks_the_server: "mismatch-500" fails "mismatch";
    a_missing_key_that_breaks_the_server: "missing-500" fails "missing-key";
    an_empty_key_that_is_one: "empty-is-a-key" fails "empty-key";
    an_empty_key_that_protects_nobody: "empty-is-missing" fails "empty-key";
    the_first_of_two_keys: "first-of-two" fails "two-keys";
    keys_that_are_cut: "cuts-keys" fails "long-keys";
    keys_whose_case_is_ignored: "ignores-case" fails "key-case";
    quotes_that_are_part_of_a_key: "quotes-count" fails "quoted-key";
    keys_of_all_callers_in_one: "one-scope" fails "scope";
    keys_of_all_operations_in_one: "one-operation" fails "other-path";
    keys_that_block_other_operations: "one-busy-operation" fails "other-path";
    keys_that_block_other_callers: "one-busy-scope" fails "scope";
    a_key_that_is_claimed_before_its_body: "claims-before-the-body" fails "half-body";
    a_handler_that_ends_with_its_client: "ends-with-its-client" fails "lost-connection";
    a_fault_that_is_replayed: "keeps-500" fails "error-retry";
    a_fault_that_locks_its_key: "locked-by-500" fails "error-retry";
    a_duplicate_that_breaks_the_server: "busy-500" fails "concurrency" "in-flight" "lost-connection";
    refusals_in_plain_text: "plain-errors" fails "problem-documents";
    problems_without_a_title: "no-title" fails "problem-documents";
    problems_with_another_status: "other-problem-status" fails "problem-documents";
    no_retry_after: "no-retry-after" fails "retry-after";
    a_retry_after_that_nobody_can_read: "odd-retry-after" fails "retry-after";
    a_redirect: "redirects" fails "accepted";
    no_protection_at_all: "unprotected" fails "concurrency" "empty-key" "in-flight" "lost-connection" "mismatch"
        "quoted-key" "replay" "two-keys";
}

#[test]
fn a_sound_server_fails_none() {
    let judged = judged("sound");
    judged.fails(&[]);
    for verdict in ["skipped", "cannot-tell"] {
        assert_eq!(judged.with(verdict), BTreeSet::new(), "{:#}", judged.json);
    }
}

#[test]
fn every_check_fails_somewhere() {
    let judged = judged("sound-too");
    let failed: BTreeSet<_> = FAILED.iter().copied().chain(["control-characters"]).collect();
    assert_eq!(judged.with("holds"), failed, "a check that no server here fails");
}

/// Requests at the same moment all find that the key is free.
#[test]
fn a_check_before_the_run() {
    let words = ["--only", "concurrency", "--body", "{}"];
    let judged = Call::of(&faulty("checks-and-then-runs")).with(&words).judged();
    judged.fails(&["concurrency"]);
}

/// A parser that takes any byte, as some do.
#[test]
fn a_control_character_in_a_key() {
    let server = raw::Server::start(|number, _| raw::created(&format!("{number}")));
    let judged = Call::of(&server.url()).with(&["--only", "control-characters"]).judged();
    judged.fails(&["control-characters"]);
}

#[test]
fn a_refusal_that_changes_is_found() {
    let words = ["--failing-body", r#"{"fail":404}"#, "--only", "error-retry"];
    for (fault, expected) in [("forgets-404", &["error-retry"][..]), ("keeps-404", &[])] {
        Call::of(&faulty(fault)).with(&ALL[..6]).with(&words).judged().fails(expected);
    }
}

#[test]
fn a_key_that_has_to_be_required() {
    let words = ["--only", "missing-key", "--body", "{}"];
    let judged = Call::of(&faulty("optional-key")).with(&words).judged();
    judged.fails(&[]);
    assert_eq!(judged.with("cannot-tell"), ["missing-key"].into());
    let required = Call::of(&faulty("optional-key")).with(&words).with(&["--key-required"]);
    required.judged().fails(&["missing-key"]);
}

/// Effects that no client can see are no failure.
#[test]
fn answers_that_are_all_alike_prove_nothing() {
    let judged = judged("all-alike");
    judged.fails(&[]);
    for check in ["replay", "concurrency", "lost-connection", "scope"] {
        assert!(judged.with("cannot-tell").contains(check), "{:#}", judged.json);
    }
}

#[test]
fn an_endpoint_may_take_one_form_of_keys_alone() {
    let judged = judged("strict-bare");
    judged.fails(&[]);
    assert!(judged.seen("quoted-key").contains("only the bare form"), "{:#}", judged.json);
    let words = ["--body", "{}", "--only", "quoted-key,replay"];
    Call::of(&faulty("strict-quoted")).with(&words).judged().fails(&["accepted"]);
    let quoted = Call::of(&faulty("strict-quoted")).with(&words).with(&["--quoted-keys"]).judged();
    quoted.fails(&[]);
    assert!(quoted.seen("quoted-key").contains("only the form in quotes"), "{:#}", quoted.json);
}

#[test]
fn the_placeholder_tests_an_endpoint_that_refuses_equal_bodies() {
    let only =
        ["--only", "replay,mismatch,concurrency,scope", "--other-header", "Authorization: b"];
    let plain = Call::of(&faulty("unique-bodies")).with(&only).with(&["--body", r#"{"code":"c"}"#]);
    plain.judged().fails(&["accepted"]);
    let unique = r#"{"code":"{unique}"}"#;
    let judged = Call::of(&faulty("unique-bodies")).with(&only).with(&["--body", unique]).judged();
    judged.fails(&[]);
    assert_eq!(judged.with("holds").len(), 5, "{:#}", judged.json);
}

#[test]
fn a_redirect_is_not_followed() {
    let judged = judged("redirects");
    assert!(judged.seen("accepted").contains("`/sound-target`"), "{:#}", judged.json);
    assert_eq!(effects("sound-target"), 0);
    let form = Call::of(&faulty("post-redirect-get")).with(&["--only", "replay", "--body", "a=b"]);
    form.judged().fails(&[]);
}
