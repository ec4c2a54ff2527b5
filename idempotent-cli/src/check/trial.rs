//! The way to the endpoint, and the comparison of its answers. All checks share them.

use crate::check::request::{Asked, Caller, Operation, Template};
use crate::check::shown::Hidden;
use crate::check::wire::{Client, Connection, NoAnswer, Reply};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Pauses between tries that are told to come later.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// The most tries of one request that is told to come later.
const MOST_TRIES: u32 = 12;

/// Values by which headers say that an answer is a replay.
const YES: [&str; 6] = ["true", "?1", "1", "yes", "replayed", "hit"];

/// One run against one endpoint.
pub(crate) struct Trial {
    pub(crate) client: Client,
    pub(crate) template: Template,
    pub(crate) concurrency: u32,
    hidden: Hidden,
    refusals: Mutex<Vec<Refusal>>,
}

/// A refusal that concerns a key.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    /// The refused request, in words.
    pub(crate) of: &'static str,
    pub(crate) answer: Reply,
}

/// A request that was done, and the answers that others are compared with.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub(crate) asked: Asked,
    pub(crate) first: Reply,
    /// The answer to an equal request with another key.
    pub(crate) other: Reply,
    /// The answer to a retry of the first.
    pub(crate) again: Result<Reply, NoAnswer>,
    /// The time that the first request took.
    pub(crate) took: Duration,
}

/// The relation of an answer to an earlier one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Likeness {
    /// It is the same, and a run of its own would have been answered otherwise.
    Replay,
    /// It is the same, but so is the answer to every request.
    LikeAny,
    /// It is another answer, with this difference, in words.
    Other(String),
}

impl Trial {
    pub(crate) fn new(client: Client, template: Template, concurrency: u32) -> Self {
        let hidden = Hidden::new(template.secrets());
        Self { client, template, concurrency, hidden, refusals: Mutex::default() }
    }

    /// The usual request, with a key that nobody had before.
    pub(crate) fn fresh(&self) -> Asked {
        self.fresh_with(&self.template.body)
    }

    /// A request with this body and a new key.
    pub(crate) fn fresh_with(&self, body: &str) -> Asked {
        let keys = vec![self.spelt(&key())];
        let (by, to) = (Caller::Usual, Operation::Usual);
        Asked { keys, unique: key(), body: body.to_owned(), by, to }
    }

    /// A key as it is sent, in quotes if these are wanted.
    pub(crate) fn spelt(&self, key: &str) -> Vec<u8> {
        let quoted = self.template.quoted_keys;
        if quoted { format!("\"{key}\"").into_bytes() } else { key.as_bytes().to_vec() }
    }

    /// The bytes of a request, and where its body begins.
    pub(crate) fn bytes(&self, asked: &Asked) -> (Vec<u8>, usize) {
        let endpoint = &self.client.endpoint;
        self.template.bytes(&endpoint.host, &endpoint.target, asked)
    }

    /// Sends a request and reads its answer.
    pub(crate) async fn send(&self, asked: &Asked) -> Result<Reply, NoAnswer> {
        let mut connection = self.client.connect().await?;
        connection.send(&self.bytes(asked).0).await?;
        self.read(connection).await
    }

    /// Reads the answer to a request that was sent.
    pub(crate) async fn read(&self, connection: Connection<'_>) -> Result<Reply, NoAnswer> {
        connection.read(&self.template.method).await
    }

    /// Sends a request, and again while it is told to come later, until the time or number of tries is used up.
    pub(crate) async fn settled(&self, asked: &Asked) -> Result<Reply, NoAnswer> {
        let begun = Instant::now();
        let patience = self.client.limits.for_each();
        let mut pause = SHORTEST_PAUSE;
        for _ in 1..MOST_TRIES {
            let answer = self.send(asked).await?;
            // After `Retry-After: 0`, too, there is a pause.
            let told = answer.retry_after().unwrap_or_default().max(pause);
            if !comes_later(answer.status) || begun.elapsed() + told > patience {
                return final_answer(answer);
            }
            self.client.limits.pause(told).await?;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        final_answer(self.send(asked).await?)
    }

    /// Keeps a refusal for the checks that judge refusals.
    pub(crate) fn note(&self, of: &'static str, answer: &Reply) {
        if answer.status >= 400 {
            let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
            refusals.push(Refusal { of, answer: answer.clone() });
        }
    }

    /// The refusals so far.
    pub(crate) fn refusals(&self) -> Vec<Refusal> {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The status of an answer, and the beginning of its body.
    pub(crate) fn told(&self, answer: &Reply) -> String {
        match self.excerpt(&answer.body) {
            text if text.is_empty() => answer.status.to_string(),
            text => format!("{}: {text}", answer.status),
        }
    }

    /// Text of the server, made safe to print.
    pub(crate) fn excerpt(&self, text: &[u8]) -> String {
        self.hidden.excerpt(text)
    }
}

/// The answer to the last try. That of a busy server says nothing about keys, so it is an error.
fn final_answer(answer: Reply) -> Result<Reply, NoAnswer> {
    match answer.status {
        429 | 503 => Err(NoAnswer::TooMuch(answer.status)),
        _ => Ok(answer),
    }
}

/// Whether a client is meant to send the same again.
pub(crate) fn comes_later(status: u16) -> bool {
    matches!(status, 409 | 423 | 425 | 429 | 503)
}

/// A random key, so that no two runs meet: a UUID of version 4.
pub(crate) fn key() -> String {
    let bits = rand::random::<u128>();
    let bits = bits & !(0xf << 76) & !(0b11 << 62) | (0x4 << 76) | (0b10 << 62);
    let digits = format!("{bits:032x}");
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|part| &digits[part]);
    parts.join("-")
}

impl Accepted {
    /// Compares two answers to one key.
    pub(crate) fn compare(&self, first: &Reply, again: &Reply) -> Likeness {
        if let Some(difference) = difference(first, again) {
            return Likeness::Other(difference);
        }
        let tells_runs_apart = difference(&self.first, &self.other).is_some();
        if tells_runs_apart || self.is_marked(again) { Likeness::Replay } else { Likeness::LikeAny }
    }

    /// Whether an answer says that it is a replay.
    pub(crate) fn is_marked(&self, answer: &Reply) -> bool {
        self.mark(answer).is_some()
    }

    /// Whether the endpoint marks its replays.
    pub(crate) fn marks(&self) -> bool {
        self.again.as_ref().is_ok_and(|again| self.is_marked(again))
    }

    /// The line of a header by which an answer says that it is a replay.
    pub(crate) fn mark<'a>(&self, answer: &'a Reply) -> Option<&'a (String, Vec<u8>)> {
        answer.headers.iter().find(|line| {
            let (name, value) = line;
            let says = YES.iter().any(|yes| value.eq_ignore_ascii_case(yes.as_bytes()));
            let speaks = name.contains("idempot") || name.contains("replay");
            // A header that the first answer has, too, marks no replay.
            says && speaks && !self.first.headers.contains(line)
        })
    }
}

/// The first difference of two answers that a client acts on.
pub(crate) fn difference(one: &Reply, other: &Reply) -> Option<String> {
    if one.status != other.status {
        return Some(format!("status {} and then {}", one.status, other.status));
    }
    if one.body != other.body {
        let same = one.body.iter().zip(&other.body).take_while(|(one, other)| one == other);
        return Some(format!(
            "bodies of {} and {} bytes that differ from byte {} on",
            one.body.len(),
            other.body.len(),
            same.count() + 1
        ));
    }
    let locations = [one, other].map(|answer| answer.header("location"));
    let elsewhere = locations.iter().all(Option::is_some) && locations[0] != locations[1];
    elsewhere.then(|| "two values of `Location`".to_owned())
}

/// The number of different answers.
pub(crate) fn different<'a>(answers: impl IntoIterator<Item = &'a Reply>) -> usize {
    let mut seen: Vec<&Reply> = Vec::new();
    for answer in answers {
        if seen.iter().all(|other| difference(other, answer).is_some()) {
            seen.push(answer);
        }
    }
    seen.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Reply {
        let line = |(name, value): &(&str, &str)| ((*name).to_owned(), value.as_bytes().to_vec());
        Reply { status, headers: headers.iter().map(line).collect(), body: body.into() }
    }

    fn accepted(first: Reply, other: Reply) -> Accepted {
        let (by, to) = (Caller::Usual, Operation::Usual);
        let asked = Asked { keys: vec![], unique: String::new(), body: String::new(), by, to };
        Accepted { asked, again: Ok(first.clone()), first, other, took: Duration::ZERO }
    }

    #[test]
    fn keys_are_uuids_and_never_the_same() {
        let keys: BTreeSet<_> = (0..1000).map(|_| key()).collect();
        assert_eq!(keys.len(), 1000);
        for key in keys {
            assert!(key.len() == 36 && key.as_bytes()[14] == b'4', "{key}");
            assert!(b"89ab".contains(&key.as_bytes()[19]), "{key}");
        }
    }

    #[test]
    fn equal_answers_prove_a_replay_only_if_runs_differ_or_it_is_marked() {
        let [one, two] = ["1", "2"].map(|body| answer(201, &[], body));
        let marked = answer(201, &[("idempotent-replayed", "true")], "1");
        let runs_differ = accepted(one.clone(), two.clone());
        assert_eq!(runs_differ.compare(&one, &one), Likeness::Replay);
        assert!(matches!(runs_differ.compare(&one, &two), Likeness::Other(_)));
        let runs_alike = accepted(one.clone(), one.clone());
        assert_eq!(runs_alike.compare(&one, &one), Likeness::LikeAny);
        assert_eq!(runs_alike.compare(&one, &marked), Likeness::Replay);
        // A replay may leave out the `Location`. It must not have another one.
        let [here, there] = ["/1", "/2"].map(|at| answer(201, &[("location", at)], "1"));
        assert_eq!(runs_alike.compare(&here, &marked), Likeness::Replay);
        assert!(matches!(runs_alike.compare(&here, &there), Likeness::Other(_)));
    }

    #[test]
    fn a_mark_is_a_yes_that_the_first_answer_lacks() {
        let first = answer(201, &[("idempotency-supported", "true")], "");
        let known = accepted(first.clone(), first.clone());
        for (name, value, is_mark) in [
            ("idempotency-replayed", "TRUE", true),
            ("x-replay", "?1", true),
            ("idempotency-supported", "true", false),
            ("idempotency-stored", "false", false),
            ("idempotency-key", "8e03978e", false),
            ("x-cache", "hit", false),
        ] {
            assert_eq!(known.is_marked(&answer(201, &[(name, value)], "")), is_mark, "{name}");
        }
    }
}
