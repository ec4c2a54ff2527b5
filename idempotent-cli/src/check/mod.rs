//! A black-box tester of endpoints.

// From the top; each imports only files below it.
mod arguments;
mod checks;
mod consent;
mod finding;
mod report;
mod request;
mod shown;
mod suite;
mod trial;
mod wire;

pub(crate) use arguments::CheckArguments;

use consent::Plan;
use finding::Verdict;
use request::Template;
use serde_json::json;
use std::io::{self, ErrorKind, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use suite::{Chosen, Outcomes};
use trial::Trial;
use wire::{Client, Endpoint, Limits};

/// Exit codes, beside 0.
const SOMETHING_DOES_NOT_HOLD: u8 = 1;
const USAGE: u8 = 2;
const NO_ANSWER: u8 = 3;
const REFUSED: u8 = 4;

/// Tests an endpoint, and prints what holds.
pub(crate) async fn run(arguments: CheckArguments) -> ExitCode {
    ended(tested(&arguments, wire::system).await, arguments.json)
}

/// The end of a run that has no outcome: its message, and its exit code.
struct End(String, u8);

fn ended(end: Result<u8, End>, as_json: bool) -> ExitCode {
    ExitCode::from(end.unwrap_or_else(|End(words, code)| {
        if as_json {
            let kind = match code {
                USAGE => "usage",
                NO_ANSWER => "no-answer",
                _ => "refused",
            };
            eprintln!("{}", json!({ "error": { "kind": kind, "code": code, "message": words } }));
        } else {
            eprintln!("error: {words}");
        }
        code
    }))
}

async fn tested(
    arguments: &CheckArguments,
    resolve: impl AsyncFnOnce(String, u16) -> io::Result<Vec<SocketAddr>>,
) -> Result<u8, End> {
    let usage = |error: &dyn std::error::Error| End(error.to_string(), USAGE);
    let chosen = Chosen::of(&arguments.only, &arguments.skip).map_err(|error| usage(&error))?;
    let template = Template::of(arguments).map_err(|error| usage(&error))?;
    let authority = arguments.ca.as_deref();
    let endpoint = Endpoint::find(&arguments.url, authority, resolve).await;
    let endpoint = endpoint.map_err(|error| {
        let code = if error.is_unreachable() { NO_ANSWER } else { USAGE };
        End(error.to_string(), code)
    })?;
    let limits = Limits::new(arguments.timeout, arguments.total_timeout);
    let trial = Trial::new(Client::new(endpoint, limits), template, arguments.concurrency);
    let plan = Plan { trial: &trial, chosen: &chosen };
    let asked = consent::at_the_terminal(&plan, arguments.yes);
    if !asked.map_err(|error| End(error.to_string(), REFUSED))? {
        return Err(End(
            "nothing was sent: it was not confirmed; `--yes` confirms it".to_owned(),
            REFUSED,
        ));
    }
    let outcomes = chosen.run(&trial).await;
    let outcomes = outcomes.map_err(|error| End(error.to_string(), NO_ANSWER))?;
    told(arguments, &trial, &outcomes)?;
    Ok(match (outcomes.count(Verdict::DoesNotHold), &outcomes.cut_short) {
        (0, None) => 0,
        (0, Some(_)) => NO_ANSWER,
        _ => SOMETHING_DOES_NOT_HOLD,
    })
}

fn told(arguments: &CheckArguments, trial: &Trial, outcomes: &Outcomes) -> Result<(), End> {
    if let Some(path) = &arguments.junit {
        let report = report::junit(trial, outcomes).map_err(|error| error.to_string());
        let written = report
            .and_then(|report| std::fs::write(path, report).map_err(|error| error.to_string()));
        written.map_err(|error| End(format!("--junit {}: {error}", path.display()), USAGE))?;
    }
    let text = if arguments.json {
        let json = report::json(trial, outcomes).map_err(|error| End(error.to_string(), USAGE))?;
        format!("{json}\n")
    } else {
        report::table(trial, outcomes)
    };
    match io::stdout().write_all(text.as_bytes()) {
        // The reader closed the pipe: it has seen enough.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(End(error.to_string(), USAGE)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    /// A server that counts its requests.
    struct Counting {
        address: SocketAddr,
        requests: Arc<AtomicU32>,
    }

    impl Counting {
        /// Answers every request to this host with 201 and a number.
        async fn start(host: &'static str) -> Self {
            Self::listen("127.0.0.1:0".parse().expect("an address"), host, None).await
        }

        /// `at_first` listens from its first request on.
        async fn listen(at: SocketAddr, host: &'static str, at_first: Option<SocketAddr>) -> Self {
            let listener = TcpListener::bind(at).await.expect("a free port");
            let address = listener.local_addr().expect("it listens");
            let requests = Arc::new(AtomicU32::new(0));
            let count = Arc::clone(&requests);
            tokio::spawn(async move {
                let mut others = Vec::new();
                while let Ok((mut client, _)) = listener.accept().await {
                    let mut request = vec![0; 4096];
                    let length = client.read(&mut request).await.unwrap_or_default();
                    let text = String::from_utf8_lossy(&request[..length]).into_owned();
                    assert!(text.contains(&format!("Host: {host}\r\n")), "{text}");
                    let number = count.fetch_add(1, Ordering::SeqCst);
                    if let (0, Some(other)) = (number, at_first) {
                        others.push(TcpListener::bind(other).await.expect("a free port"));
                    }
                    let answer = format!("HTTP/1.1 201 Created\r\n\r\n{number}");
                    drop(client.write_all(answer.as_bytes()).await);
                }
            });
            Self { address, requests }
        }

        fn requests(&self) -> u32 {
            self.requests.load(Ordering::SeqCst)
        }
    }

    #[tokio::test]
    async fn a_name_is_looked_up_once_and_nothing_goes_elsewhere() {
        let (own, rival) = (Counting::start("name.test").await, Counting::start("name.test").await);
        let asked = Cell::new(0);
        let resolve = async |name: String, port| {
            assert_eq!((&name[..], port), ("name.test", 80));
            asked.set(asked.get() + 1);
            // The name has another address at the second look-up.
            Ok(vec![if asked.get() == 1 { own.address } else { rival.address }])
        };
        let words = ["http://name.test/", "--only", "mismatch,missing-key,key-case", "--json"];
        let code = tested(&CheckArguments::of(&words), resolve).await;
        assert!(matches!(code, Ok(0)), "{:?}", code.err().map(|End(words, _)| words));
        assert_eq!((asked.get(), own.requests(), rival.requests()), (1, 6, 0));
    }

    #[tokio::test]
    async fn the_address_that_took_the_first_connection_takes_all() {
        // Nobody listens at the first address of the name until the second got a request.
        let free = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = free.local_addr().expect("it listens").port();
        let late = SocketAddr::from(([127, 0, 0, 99], port));
        let own = SocketAddr::from(([127, 0, 0, 98], port));
        let own = Counting::listen(own, "two.test", Some(late)).await;
        let words = ["http://two.test/", "--only", "missing-key"];
        let arguments = CheckArguments::of(&words);
        let code = tested(&arguments, async |_, _| Ok(vec![late, own.address])).await;
        assert!(matches!(code, Ok(0)), "{:?}", code.err().map(|End(words, _)| words));
        assert_eq!(own.requests(), 4);
    }

    #[tokio::test]
    async fn what_cannot_be_spoken_to_ends_with_its_code() {
        for (url, expected) in [
            ("http://a b/", USAGE),
            ("ftp://secret/", USAGE),
            ("secret", USAGE),
            ("http://me:secret@h/", USAGE),
            ("http://no.test/", NO_ANSWER),
        ] {
            let nothing = async |_, _| Ok(vec![]);
            let end = tested(&CheckArguments::of(&[url]), nothing).await.err();
            let End(words, code) = end.expect("an end");
            assert_eq!(code, expected, "{url}: {words}");
            assert!(!words.contains("secret"), "{words}");
        }
    }
}
