//! Values of headers are never printed.

use crate::command::Call;
use crate::raw::Server;
use std::fs;

/// A server that refuses each request and repeats all of it.
fn parrot(status: &'static str) -> Server {
    Server::start(move |_, request| {
        let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n", request.len());
        let echo = request.lines().find(|line| line.starts_with("Authorization")).unwrap_or("");
        format!("{head}X-Echo: {echo}\r\nLocation: /?{echo}\r\n\r\n{request}").into_bytes()
    })
}

#[test]
fn no_value_of_a_header_is_printed() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name).display().to_string();
    fs::write(path("headers"), "X-Api-Key: in-a-file-0815\n\nX-More: 1\n").expect("it is written");
    for status in ["400 No", "302 Found", "307 Elsewhere", "201 Created"] {
        for form in [&["--json"][..], &[]] {
            let said = Call::of(&parrot(status).url())
                .with(&["-H", "Authorization: Bearer s3cr3t-4711", "-H", "Cookie: sid=s3cr3t-42"])
                .with(&["--other-header", "Authorization: Basic b2I6c2VjcmV0"])
                .with(&["--headers-file", &path("headers"), "--junit", &path("junit.xml")])
                .with(&["--skip", "concurrency"])
                .with(form)
                .run();
            let report = fs::read_to_string(path("junit.xml")).expect("it is written");
            for text in [&said.out, &said.err, &report] {
                for secret in ["s3cr3t", "b2I6c2VjcmV0", "in-a-file"] {
                    assert!(!text.contains(secret), "{status}: {text}");
                }
            }
            assert!(said.code == 1 && !report.is_empty(), "{said:?}");
        }
    }
}

#[test]
fn no_mistake_on_the_command_line_prints_a_value() {
    for words in [
        &["-H", "s3cr3t"][..],
        &["-H", "Authorization s3cr3t: x"],
        &["-H", "Authorization: s3cr3t\nb"],
        &["--other-header", "s3cr3t"],
        &["-H", "Authorization: s3cr3t", "--no-such-option"],
        &["-H", "Authorization: s3cr3t", "--only", "nothing"],
        &["-H", "Authorization: s3cr3t", "--headers-file", "/no/such"],
    ] {
        let said = Call::of("http://127.0.0.1:1/").with(words).run();
        assert_eq!(said.code, 2, "{said:?}");
        assert!(!said.err.contains("s3cr3t") && said.out.is_empty(), "{said:?}");
    }
    for url in ["http://me:s3cr3t@127.0.0.1/", "s3cr3t", "http://127.0.0.1:1/?key=s3cr3t"] {
        let said = Call::of(url).run();
        assert!(!said.err.contains("s3cr3t") && said.out.is_empty(), "{said:?}");
    }
}
