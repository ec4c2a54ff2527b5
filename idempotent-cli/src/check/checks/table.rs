//! The table of checks: what each tests, what it rests on, and what it costs if it does not hold.

use crate::check::checks::{
    connections, contention, errors, keys, mismatch, missing, refusals, replay, scope,
};
use crate::check::finding::Seen;
use crate::check::trial::{Accepted, Trial};
use crate::check::wire::NoAnswer;
use serde::Serialize;
use std::pin::Pin;

/// A check that runs.
type Running<'a> = Pin<Box<dyn Future<Output = Result<Seen, NoAnswer>> + 'a>>;

/// One thing that a client can observe.
pub(crate) struct Check {
    pub(crate) name: &'static str,
    pub(crate) tests: &'static str,
    pub(crate) severity: Severity,
    pub(crate) rests_on: &'static str,
    /// The harm to clients or callers if it does not hold.
    pub(crate) cost: &'static str,
    /// About how many requests it sends, without the ones that `concurrency` sends at once.
    pub(crate) requests: u32,
    pub(crate) run: for<'a> fn(&'a Trial, &'a Accepted) -> Running<'a>,
}

/// The weight of a check that does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Severity {
    /// Something is done twice or never, or somebody gets what belongs to another.
    Harm,
    /// A client that does as the draft says is stuck or surprised.
    Contract,
    /// A client has to guess.
    Convention,
}

/// The first check. All others need its answers.
pub(crate) const ACCEPTED: Check = Check {
    name: "accepted",
    tests: "the request is done, with one key and with another",
    severity: Severity::Contract,
    rests_on: "draft 2.6, first time",
    cost: "nothing else can be tested",
    requests: 3,
    run: |_, _| Box::pin(async { Ok(Seen::holds("")) }),
};

/// All other checks, in the order in which they run.
pub(crate) const CHECKS: [Check; 21] = [
    Check {
        name: "replay",
        tests: "the same key and body get the same status and bytes",
        severity: Severity::Harm,
        rests_on: "draft 2.6, retry",
        cost: "a client that retries after a lost answer orders or pays twice",
        requests: 0,
        run: |trial, known| Box::pin(async { Ok(replay::replay(trial, known)) }),
    },
    Check {
        name: "replay-marker",
        tests: "a replay says that it is one, for example by `Idempotency-Replayed: true`",
        severity: Severity::Convention,
        rests_on: "convention",
        cost: "nobody can tell a replay from a second effect, neither in a log nor here",
        requests: 0,
        run: |trial, known| Box::pin(async { Ok(replay::marker(trial, known)) }),
    },
    Check {
        name: "replay-headers",
        tests: "a replay has the headers that a client acts on, such as Content-Type and Location",
        severity: Severity::Contract,
        rests_on: "draft 2.6; RFC 9110 8.3, 10.2.2",
        cost: "a retry gets bytes that it cannot read, or does not find what it made",
        requests: 0,
        run: |trial, known| Box::pin(async { Ok(replay::headers(trial, known)) }),
    },
    Check {
        name: "replay-cookies",
        tests: "a replay sets no cookie of the first answer",
        severity: Severity::Harm,
        rests_on: "RFC 6265 8.4; RFC 9111 7.3",
        cost: "a session is given out again, much later and to anybody who has the key",
        requests: 0,
        run: |trial, known| Box::pin(async { Ok(replay::cookies(trial, known)) }),
    },
    Check {
        name: "mismatch",
        tests: "another body with a used key is refused",
        severity: Severity::Harm,
        rests_on: "draft 2.7, 422",
        cost: "a client that reuses a key by mistake loses a request, or gets another one's answer",
        requests: 2,
        run: |trial, known| Box::pin(mismatch::mismatch(trial, known)),
    },
    Check {
        name: "missing-key",
        tests: "a request without a key is refused where one is required",
        severity: Severity::Contract,
        rests_on: "draft 2.7, 400",
        cost: "a client that forgets its key is not protected, and is not told",
        requests: 1,
        run: |trial, known| Box::pin(missing::missing(trial, known)),
    },
    Check {
        name: "empty-key",
        tests: "an empty key is refused",
        severity: Severity::Harm,
        rests_on: "draft 5; RFC 9651 4.2",
        cost: "clients that lost their key share one, or are not protected",
        requests: 1,
        run: |trial, known| Box::pin(keys::empty(trial, known)),
    },
    Check {
        name: "two-keys",
        tests: "two lines with two keys are refused",
        severity: Severity::Contract,
        rests_on: "draft 2.1; RFC 9651 4.2",
        cost: "a proxy and the server behind it may act on different keys",
        requests: 1,
        run: |trial, known| Box::pin(keys::two(trial, known)),
    },
    Check {
        name: "control-characters",
        tests: "a key with a control character is refused",
        severity: Severity::Contract,
        rests_on: "RFC 9110 5.5; RFC 9651 3.3.3",
        cost: "keys reach logs and stores that read commands in them, or cut them short",
        requests: 1,
        run: |trial, known| Box::pin(keys::control(trial, known)),
    },
    Check {
        name: "long-keys",
        tests: "two keys of 300 characters are refused or told apart",
        severity: Severity::Harm,
        rests_on: "draft 2.2, 5",
        cost: "keys are cut short, and a request gets another one's answer",
        requests: 2,
        run: |trial, known| Box::pin(keys::long(trial, known)),
    },
    Check {
        name: "key-case",
        tests: "two keys that differ in case are two",
        severity: Severity::Harm,
        rests_on: "draft 2.2; RFC 9651 3.3.3",
        cost: "a request gets another one's answer",
        requests: 2,
        run: |trial, known| Box::pin(keys::case(trial, known)),
    },
    Check {
        name: "quoted-key",
        tests: "a key and the same in quotes are one, or one of the forms is refused",
        severity: Severity::Harm,
        rests_on: "draft 2.1; RFC 9651 3.3.3",
        cost: "a client whose library changes the form between a try and its retry causes two effects",
        requests: 2,
        run: |trial, known| Box::pin(keys::quoted(trial, known)),
    },
    Check {
        name: "scope",
        tests: "another caller with the same key is served as if the first did not exist",
        severity: Severity::Harm,
        rests_on: "draft 5, composite key",
        cost: "one caller reads the answers of another, or blocks their keys",
        requests: 2,
        run: |trial, known| Box::pin(scope::scope(trial, known)),
    },
    Check {
        name: "other-path",
        tests: "another operation with a used key is done, too",
        severity: Severity::Harm,
        rests_on: "draft 2.2; RFC 9110 9.2.2",
        cost: "a client gets the answer of another operation, and believes that its own is done",
        requests: 2,
        run: |trial, known| Box::pin(scope::other_path(trial, known)),
    },
    Check {
        name: "half-body",
        tests: "a connection that breaks in the middle of the body does not use up the key",
        severity: Severity::Contract,
        rests_on: "draft 1; RFC 9112 8",
        cost: "a client that lost its connection cannot send its request under its key any more",
        requests: 2,
        run: |trial, known| Box::pin(connections::half(trial, known)),
    },
    Check {
        name: "lost-connection",
        tests: "a connection that breaks before the answer leaves one effect, and its answer for the retry",
        severity: Severity::Harm,
        rests_on: "draft 1, 2.6; RFC 9110 9.2.2",
        cost: "the client that a key is made for orders twice, or waits for ever",
        requests: 6,
        run: |trial, known| Box::pin(connections::lost(trial, known)),
    },
    Check {
        name: "error-retry",
        tests: "a temporary fault leaves the key free; a final refusal is repeated",
        severity: Severity::Contract,
        rests_on: "draft 2.6, 2.7; RFC 9110 15.5, 15.6",
        cost: "a fault locks the key, and a client that takes a new one causes a second effect",
        requests: 3,
        run: |trial, known| Box::pin(errors::retry(trial, known)),
    },
    Check {
        name: "in-flight",
        tests: "a second request while the first runs is refused or waits",
        severity: Severity::Harm,
        rests_on: "draft 2.6, concurrent; 2.7, 409",
        cost: "a client that retries quickly causes two effects",
        requests: 4,
        run: |trial, known| Box::pin(contention::in_flight(trial, known)),
    },
    Check {
        name: "concurrency",
        tests: "of many at the same moment one is done",
        severity: Severity::Harm,
        rests_on: "draft 2.6, concurrent",
        cost: "a double click, or a proxy that retries, causes many effects",
        requests: 1,
        run: |trial, known| Box::pin(contention::concurrency(trial, known)),
    },
    Check {
        name: "problem-documents",
        tests: "refusals are problem documents with type, title and status",
        severity: Severity::Convention,
        rests_on: "RFC 9457 3; draft 2.7",
        cost: "a program cannot read what is wrong",
        requests: 0,
        run: |trial, _| Box::pin(async { Ok(refusals::documents(trial)) }),
    },
    Check {
        name: "retry-after",
        tests: "a client that is told to come later is told when",
        severity: Severity::Convention,
        rests_on: "RFC 9110 10.2.3; RFC 6585 4",
        cost: "clients guess, and come all at once or much too late",
        requests: 0,
        run: |trial, _| Box::pin(async { Ok(refusals::retry_after(trial)) }),
    },
];
