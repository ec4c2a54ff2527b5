//! Answers that are not HTTP, or have no end.

use crate::command::Call;
use crate::raw::{Server, created, request};
use std::io::Write;
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

/// Runs the command against this server, and returns its exit code and its errors.
fn against(timeout: &str, serve: impl Fn(&mut TcpStream) + Send + Sync + 'static) -> (i32, String) {
    let server = Server::with(move |_, mut client| {
        if request(&mut client).is_some() {
            serve(&mut client);
        }
    });
    let said = Call::of(&server.url()).with(&["--timeout", timeout]).run();
    assert_eq!(said.out, "", "{said:?}");
    (said.code, said.err)
}

fn say(client: &mut TcpStream, bytes: &[u8]) -> bool {
    client.write_all(bytes).is_ok()
}

#[test]
fn an_answer_without_end_is_cut() {
    let (code, told) = against("30s", |client| {
        let mut goes_on = say(client, b"HTTP/1.1 201 Created\r\n\r\n");
        while goes_on {
            goes_on = say(client, &[b'a'; 1 << 12]);
        }
    });
    assert_eq!(code, 3, "{told}");
    assert!(told.contains("longer than"), "{told}");
}

#[test]
fn a_head_without_end_is_cut() {
    let (code, told) = against("30s", |client| {
        let mut goes_on = say(client, b"HTTP/1.1 201 Created\r\nA: ");
        while goes_on {
            goes_on = say(client, &[b'a'; 1 << 12]);
        }
    });
    assert_eq!(code, 3, "{told}");
    assert!(told.contains("longer than"), "{told}");
}

#[test]
fn an_answer_that_trickles_is_cut() {
    let (code, told) = against("500ms", |client| {
        let mut goes_on = say(client, b"HTTP/1.1 201 Created\r\n\r\n");
        while goes_on {
            thread::sleep(Duration::from_millis(20));
            goes_on = say(client, b"a");
        }
    });
    assert_eq!((code, told.contains("in time")), (3, true), "{told}");
}

#[test]
fn nonsense_is_reported() {
    let (code, told) = against("30s", |client| {
        say(client, b"SSH-2.0-OpenSSH_9\r\n");
    });
    assert_eq!((code, told.contains("not HTTP")), (3, true), "{told}");
    let (code, told) = against("30s", |_| ());
    assert_eq!((code, told.contains("ended without an answer")), (3, true), "{told}");
}

#[test]
fn an_address_without_a_server_is_reported() {
    let server = Server::start(|_, _| created("1"));
    // Nobody listens on this address of the same host.
    let url = format!("http://127.0.0.98:{}/", server.port());
    let said = Call::of(&url).run();
    assert_eq!((said.code, said.err.contains("no connection")), (3, true), "{said:?}");
    let said = Call::of("http://no-such-name.invalid/").run();
    assert_eq!((said.code, said.err.contains("no address")), (3, true), "{said:?}");
}

#[test]
fn a_server_that_goes_away_is_no_success() {
    let server = Server::with(|number, mut client| {
        if number <= 3 && request(&mut client).is_some() {
            drop(client.write_all(&created(if number == 2 { "2" } else { "1" })));
        }
    });
    let judged = Call::of(&server.url()).with(&["--only", "missing-key,key-case"]).judged();
    assert_eq!(judged.code, 3, "{:#}", judged.json);
    assert_eq!(judged.with("cannot-tell").len(), 2, "{:#}", judged.json);
}

#[test]
fn a_request_that_ends_its_connection_is_a_fault_where_others_are_answered() {
    let server = Server::with(|number, mut client| {
        let request = request(&mut client).unwrap_or_default();
        if request.contains("Idempotency-Key: ") {
            drop(client.write_all(&created(if number == 2 { "2" } else { "1" })));
        }
    });
    let judged = Call::of(&server.url()).with(&["--only", "missing-key"]).judged();
    judged.fails(&["missing-key"]);
}

/// A server that has too much to do has no fault with keys.
#[test]
fn a_server_that_has_too_much_to_do_says_nothing_about_keys() {
    for status in ["429 Too Many Requests", "503 Service Unavailable"] {
        let server = Server::start(move |number, _| match number {
            1 | 3 => created("1"),
            2 => created("2"),
            _ => {
                format!("HTTP/1.1 {status}\r\nRetry-After: 60\r\nContent-Length: 0\r\n\r\n").into()
            }
        });
        let words =
            ["--only", "mismatch,long-keys,key-case,quoted-key,scope,half-body,lost-connection"];
        let judged = Call::of(&server.url())
            .with(&words)
            .with(&["--body", "{}", "--other-body", "[]", "--other-header", "A: b"])
            .judged();
        judged.fails(&[]);
        assert_eq!(judged.with("cannot-tell").len(), 7, "{:#}", judged.json);
    }
}

#[test]
fn text_of_a_server_does_not_steer_the_terminal() {
    let server = Server::start(|_, _| {
        let body = "\u{1b}]0;owned\u{7}\u{1b}[2J\r\u{9b}31m\u{202e}";
        let head = format!("HTTP/1.1 500 No\r\nContent-Length: {}\r\n\r\n", body.len());
        [head.as_bytes(), body.as_bytes()].concat()
    });
    for words in [&[][..], &["--json"]] {
        let said = Call::of(&server.url()).with(words).run();
        let steers = |one: char| (one.is_control() && one != '\n') || one == '\u{202e}';
        assert!(!said.out.chars().any(steers), "{said:?}");
        assert!(said.out.contains("owned") && said.code == 1, "{said:?}");
    }
}
