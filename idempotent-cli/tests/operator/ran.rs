//! One run of the command.

use serde_json::Value;
use std::process::{Command, Output, Stdio};

/// The command, without the variables of the environment that the tests run in.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_idempotent"));
    command.args(arguments).env_clear().stdin(Stdio::null());
    command
}

/// The exit code and the output of a run.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// Runs it with these arguments.
    pub(crate) fn of(arguments: &[&str]) -> Self {
        Self::by(&mut command(arguments))
    }

    pub(crate) fn by(command: &mut Command) -> Self {
        let Output { status, stdout, stderr } = command.output().expect("it runs");
        let [stdout, stderr] =
            [stdout, stderr].map(|said| String::from_utf8(said).expect("it says text"));
        Self { code: status.code(), stdout, stderr }
    }

    /// The answer on stdout. Asserts that the run succeeded and printed no error.
    pub(crate) fn answer(&self) -> Value {
        assert_eq!((self.code, self.stderr.as_str()), (Some(0), ""), "{self:?}");
        self.document()
    }

    /// The document on stdout.
    pub(crate) fn document(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// The error on stderr. Asserts that the run failed and printed no answer.
    pub(crate) fn error(&self) -> (i32, String, String) {
        assert_eq!(self.stdout, "", "{self:?}");
        let told: Value =
            serde_json::from_str(&self.stderr).unwrap_or_else(|_| panic!("no JSON: {self:?}"));
        let text = |name: &str| told["error"][name].as_str().expect("a text").to_owned();
        let code = self.code.expect("it exits");
        assert_eq!(told["error"]["code"], code);
        (code, text("kind"), text("message"))
    }
}
