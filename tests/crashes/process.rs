//! The guarded server as a process of its own.

use crate::step::Step;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use tests::{Sender, Suspended, eventually};

/// A running server; it is killed when it is dropped.
pub(crate) struct Process {
    child: Child,
    said: BufReader<ChildStdout>,
    url: String,
}

impl Process {
    /// Starts a process with its fault at a step: `dies` or `holds`.
    pub(crate) fn start(
        store: &str,
        business: &Path,
        ledger: &str,
        fate: Option<(&str, Step)>,
    ) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_guarded"))
            .arg(store)
            .arg(business)
            .arg(ledger)
            .args(fate.map(|(fate, _)| fate))
            .args(fate.map(|(_, step)| step.to_string()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("what was built can be started");
        let said = BufReader::new(child.stdout.take().expect("it is piped"));
        // It is kept before its output is read, so that a failure kills it.
        let mut process = Self { child, said, url: String::new() };
        process.url = process.line();
        assert!(process.url.starts_with("http://"), "it says {:?}", process.url);
        process
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.said.read_line(&mut line).expect("it says something");
        line.truncate(line.trim_end().len());
        line
    }

    /// Waits until it holds at its step.
    pub(crate) fn holds(&mut self) {
        let said = tokio::task::block_in_place(|| self.line());
        assert_eq!(said, "reached");
    }

    /// A POST to this path by alice.
    pub(crate) fn post(&self, path: &str) -> Sender {
        Sender::post(format!("{}{path}", self.url))
    }

    /// Lets it go on where it was asked to hold.
    pub(crate) fn go_on(&mut self) {
        let stdin = self.child.stdin.as_mut().expect("it is piped");
        stdin.write_all(b"go on\n").expect("it reads");
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The names of its threads.
    pub(crate) fn threads(&self) -> Vec<String> {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.id())).expect("it runs");
        let name = |task: fs::DirEntry| fs::read_to_string(task.path().join("comm")).ok();
        let names = tasks.filter_map(|task| name(task.ok()?));
        names.map(|name| name.trim_end().to_owned()).collect()
    }

    /// Stops it with SIGSTOP until the answer is dropped.
    pub(crate) fn suspend(&self) -> Suspended {
        Suspended::new(self.id())
    }

    /// Ends it with SIGKILL.
    pub(crate) fn kill(&mut self) {
        // One that ended already cannot be killed, and that is fine.
        drop(self.child.kill());
        drop(self.child.wait());
    }

    /// Waits until it killed itself.
    pub(crate) async fn dies(mut self) {
        let ended = eventually("it dies", async || self.child.try_wait().expect("our child")).await;
        assert_eq!(ended.signal(), Some(9), "{ended}");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
