//! The printed reports, and the report for CI.

use crate::command::Call;
use crate::faults::call;
use crate::server::faulty;
use std::fs;

#[test]
fn the_table_says_what_it_costs_and_what_it_rests_on() {
    let said = call("one-scope").with(&["--skip", "lost-connection"]).run();
    assert_eq!((said.code, &said.err[..]), (1, ""), "{said:?}");
    let flat = said.out.split_whitespace().collect::<Vec<_>>().join(" ");
    for text in [
        "DOES NOT HOLD",
        "→ one caller reads the answers of another",
        "draft 5, composite key",
        "1 do not, 0 cannot be told, 0 skipped",
        "draft-ietf-httpapi-idempotency-key-header-07",
    ] {
        assert!(flat.contains(text), "{text}: {}", said.out);
    }
    assert!(said.out.lines().all(|line| line.chars().count() <= 110), "{}", said.out);
}

#[test]
fn a_report_for_ci_has_a_test_of_each_check() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("report.xml").display().to_string();
    let words = ["--only", "replay,mismatch,missing-key", "--body", "{}", "--junit", &path];
    let judged = Call::of(&faulty("unprotected")).with(&words).judged();
    judged.fails(&["replay"]);
    let report = fs::read_to_string(&path).expect("it is written");
    for text in [
        r#"tests="4" skipped="2" failures="1" errors="0""#,
        r#"<testcase name="accepted" classname="idempotent.check"/>"#,
        r#"<failure message="the retry got another answer"#,
        r#"<skipped message="skipped: needs `--other-body`"#,
        r#"<skipped message="cannot tell: 201"#,
        "draft 2.6, retry",
    ] {
        assert!(report.contains(text), "{text}: {report}");
    }
}

#[test]
fn json_says_all_that_the_table_says() {
    let words = ["--only", "replay", "--body", "{}"];
    let judged = Call::of(&faulty("sound-json?token=x")).with(&words).judged();
    let url = judged.json["url"].as_str().expect("a URL");
    assert!(url.ends_with("/sound-json?…"), "{url}");
    assert_eq!(judged.json["method"], "POST");
    assert!(judged.json["address"].as_str().is_some_and(|at| at.starts_with("127.0.0.1:")));
    let check = &judged.json["checks"][1];
    for (member, value) in [
        ("check", "replay"),
        ("verdict", "holds"),
        ("severity", "harm"),
        ("rests_on", "draft 2.6, retry"),
    ] {
        assert_eq!(check[member], value, "{check:#}");
    }
    assert!(judged.json["cut_short"].is_null());
}

#[test]
fn with_json_an_error_is_json_too() {
    for (url, kind, code) in [
        ("http://127.0.0.98:1/", "no-answer", 3),
        ("ftp://127.0.0.1/", "usage", 2),
        ("http://0.0.0.0:1/", "refused", 4),
    ] {
        let said = Call::of(url).with(&["--json"]).run();
        let last = said.err.lines().last().unwrap_or_default();
        let error: serde_json::Value = serde_json::from_str(last).expect("JSON");
        assert_eq!(
            (&error["error"]["kind"], &error["error"]["code"]),
            (&kind.into(), &code.into())
        );
        assert_eq!((said.code, &said.out[..]), (code, ""), "{said:?}");
    }
}

#[test]
fn a_report_that_cannot_be_written_is_no_success() {
    let words = ["--only", "replay", "--body", "{}", "--junit", "/no/such/report.xml"];
    let said = Call::of(&faulty("sound-unwritten")).with(&words).run();
    assert_eq!((said.code, said.err.contains("/no/such/report.xml")), (2, true), "{said:?}");
}

#[test]
fn the_documentation_shows_a_run_as_it_is() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/check.md");
    let document = fs::read_to_string(path).expect("it is there");
    let shown = document.split("## What it prints").nth(1).expect("the chapter");
    let shown = shown.split("```text\n").nth(1).and_then(|shown| shown.split("```").next());
    let shown = shown.expect("an example").trim_end();
    let words = ["--only", "replay,replay-marker,mismatch,missing-key,concurrency"];
    let body = ["--body", r#"{"sku":"book"}"#, "--other-body", r#"{"sku":"pen"}"#];
    let said = Call::of(&faulty("unprotected?as-in-the-book")).with(&words).with(&body).run();
    // Address and port differ.
    let behind_the_first = |text: &str| text.split_once('\n').map(|(_, rest)| rest.to_owned());
    let told = said.out.trim_end();
    assert_eq!(behind_the_first(shown), behind_the_first(told), "{told}");
}

#[test]
fn the_documentation_names_every_check() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/check.md");
    let document = fs::read_to_string(path).expect("it is there");
    let listed: Vec<_> = document.lines().filter_map(|line| line.strip_prefix("| `")).collect();
    let listed: Vec<_> = listed.iter().filter_map(|line| line.split('`').next()).collect();
    let judged = call("sound-in-the-book").judged();
    let checks = judged.json["checks"].as_array().expect("a list");
    let checks: Vec<_> = checks.iter().filter_map(|check| check["check"].as_str()).collect();
    assert_eq!(listed, checks);
}
