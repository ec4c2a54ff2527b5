//! Nothing is sent to anybody who was not named, nor too often, nor for too long.

use crate::command::Call;
use crate::raw::{Server, created};
use crate::server::faulty;
use std::time::{Duration, Instant};

const MOST: u32 = 500;

#[test]
fn five_hundred_requests_are_the_end() {
    let server = Server::start(|number, _| created(&number.to_string()));
    let words = ["--concurrency", "499", "--body", "{}", "--other-body", "[]"];
    let judged = Call::of(&server.url()).with(&words).judged();
    assert_eq!(judged.json["requests"], MOST);
    // The last requests wait behind the limit.
    let begun = Instant::now();
    while server.connections() < MOST && begun.elapsed() < Duration::from_mins(1) {
        std::thread::yield_now();
    }
    assert_eq!(server.connections(), MOST);
    let reason = judged.json["cut_short"].as_str().expect("a reason");
    assert!(reason.contains("limit of requests"), "{reason}");
    assert!(judged.seen("concurrency").contains("limit of requests"), "{:#}", judged.json);
}

#[test]
fn concurrency_above_the_limit_is_refused() {
    for (many, code) in [("1", 2), ("500", 2), ("2", 0)] {
        let server = Server::start(|number, _| created(&number.to_string()));
        let words = ["--concurrency", many, "--only", "missing-key"];
        assert_eq!(Call::of(&server.url()).with(&words).run().code, code, "{many}");
    }
}

#[test]
fn another_host_is_not_sent_to_without_a_yes() {
    // The address is this host's, but does not say so.
    let server = Server::start(|number, _| created(&number.to_string()));
    let url = format!("http://0.0.0.0:{}/", server.port());
    let said = Call::of(&url).run();
    assert_eq!((said.code, server.connections(), &said.out[..]), (4, 0, ""), "{said:?}");
    assert!(said.err.contains("`--yes`") && said.err.contains("0.0.0.0:"), "{said:?}");
    let said = Call::of(&url).with(&["--yes", "--only", "missing-key"]).run();
    assert_eq!((said.code, server.connections()), (0, 4), "{said:?}");
}

#[test]
fn no_proxy_of_the_environment_is_used() {
    let proxy = Server::start(|_, _| created("by the proxy"));
    let server = Server::start(|number, _| created(&number.to_string()));
    let mut call = Call::of(&server.url()).with(&["--only", "missing-key"]);
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]
    {
        call = call.environment(name, &proxy.url());
    }
    let said = call.environment("REQUEST_METHOD", "").run();
    assert_eq!((said.code, server.connections(), proxy.connections()), (0, 4, 0), "{said:?}");
}

#[test]
fn the_run_ends_in_time() {
    let begun = Instant::now();
    let server = Server::start(|number, _| {
        // It is not too slow for one request, but for all of them.
        std::thread::sleep(Duration::from_millis(300));
        created(&number.to_string())
    });
    let words = ["--timeout", "10s", "--total-timeout", "4s"];
    let judged = Call::of(&server.url()).with(&words).judged();
    assert!(begun.elapsed() < Duration::from_mins(1), "{:?}", begun.elapsed());
    let reason = judged.json["cut_short"].as_str().expect("a reason");
    assert!(reason.contains("time for all"), "{reason}");
    // Before the end it was seen that a replay is not one.
    assert_eq!((judged.code, judged.seen("retry-after")), (1, "it was not tried"));
}

#[test]
fn a_run_that_ends_too_early_is_no_success() {
    let server = Server::start(|number, _| {
        if number > 3 {
            std::thread::sleep(Duration::from_mins(5));
        }
        created(if number == 2 { "2" } else { "1" })
    });
    let words = ["--total-timeout", "3s", "--only", "missing-key,key-case"];
    let said = Call::of(&server.url()).with(&words).run();
    assert_eq!(said.code, 3, "{said:?}");
    assert!(said.out.contains("Not all was tried"), "{said:?}");
}

#[test]
fn wrong_arguments_are_refused_before_anything_is_sent() {
    let server = Server::start(|_, _| created("1"));
    for words in [
        &["--only", "replays"][..],
        &["--skip", "x"],
        &["--timeout", "0s"],
        &["--timeout", "soon"],
        &["--total-timeout", "2h"],
        &["--header", "x"],
        &["--body", "a", "--body-file", "b"],
        &["--ca", "/dev/null", "--method", ""],
    ] {
        let said = Call::of(&server.url()).with(words).run();
        assert_eq!((said.code, &said.out[..]), (2, ""), "{words:?}: {said:?}");
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn chosen_checks_run_alone() {
    let judged = Call::of(&faulty("sound-chosen")).with(&["--only", "replay,marker"]).run();
    assert_eq!(judged.code, 2, "no such name");
    let words = ["--only", "replay,missing-key", "--skip", "replay", "--body", "{}"];
    let judged = Call::of(&faulty("sound-chosen")).with(&words).judged();
    assert_eq!(judged.with("holds"), ["accepted", "missing-key"].into());
    assert_eq!(judged.json["requests"], 4);
}
