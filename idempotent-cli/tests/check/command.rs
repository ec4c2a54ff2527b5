//! A call of the binary, and what it prints.

use serde_json::Value;
use std::collections::BTreeSet;
use std::process::{Command, Output, Stdio};

/// A call that is not started yet.
pub(crate) struct Call(Command);

/// The end of a call, and its output.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Call {
    /// `idempotent check URL`, without a terminal, and with nothing in its environment.
    pub(crate) fn of(url: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_idempotent"));
        command.args(["check", url]).env_clear().stdin(Stdio::null());
        Self(command)
    }

    pub(crate) fn with(mut self, words: &[&str]) -> Self {
        self.0.args(words);
        self
    }

    pub(crate) fn environment(mut self, name: &str, value: &str) -> Self {
        self.0.env(name, value);
        self
    }

    pub(crate) fn run(mut self) -> Said {
        let Output { status, stdout, stderr } = self.0.output().expect("it is built");
        let text = |bytes| String::from_utf8(bytes).expect("text");
        Said {
            code: status.code().expect("it ends by itself"),
            out: text(stdout),
            err: text(stderr),
        }
    }

    /// Runs it for JSON.
    pub(crate) fn judged(self) -> Judged {
        let said = self.with(&["--json"]).run();
        let json = serde_json::from_str(&said.out);
        let json = json.unwrap_or_else(|error| panic!("no JSON: {error}: {said:?}"));
        Judged { code: said.code, json }
    }
}

/// The verdicts of a run.
#[derive(Debug)]
pub(crate) struct Judged {
    pub(crate) code: i32,
    pub(crate) json: Value,
}

impl Judged {
    /// The checks with this verdict.
    pub(crate) fn with(&self, verdict: &str) -> BTreeSet<&str> {
        let checks = self.json["checks"].as_array().expect("a list");
        let own = checks.iter().filter(|check| check["verdict"] == verdict);
        own.map(|check| check["check"].as_str().expect("a name")).collect()
    }

    /// The text about what a check saw.
    pub(crate) fn seen(&self, name: &str) -> &str {
        let checks = self.json["checks"].as_array().expect("a list");
        let check = checks.iter().find(|check| check["check"] == name);
        check.and_then(|check| check["seen"].as_str()).expect("it ran")
    }

    /// Asserts that exactly these checks do not hold, and that the exit code agrees.
    #[track_caller]
    pub(crate) fn fails(&self, expected: &[&str]) {
        let expected: BTreeSet<_> = expected.iter().copied().collect();
        assert_eq!(self.with("does-not-hold"), expected, "{:#}", self.json);
        assert_eq!(self.code, i32::from(!expected.is_empty()), "{:#}", self.json);
    }
}
