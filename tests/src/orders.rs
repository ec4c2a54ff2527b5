//! The example `orders` as a process of its own.

use crate::Sender;
use crate::built::example;
use reqwest::Method;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The time that a process may take to print an expected line, or to end.
const PATIENCE: Duration = Duration::from_mins(1);

/// The number of arguments that every process has: for its address, its business, its records.
const FIXED: usize = 6;

/// A running `orders`, with its files in a temporary directory; it is killed when it is dropped.
#[derive(Debug)]
pub struct Orders {
    running: Option<Running>,
    directory: Arc<TempDir>,
    options: Vec<String>,
    /// The only variable in its environment.
    variable: Option<(String, String)>,
}

#[derive(Debug)]
struct Running {
    process: Child,
    lines: Receiver<String>,
    url: String,
}

impl Orders {
    /// Starts it with its records in this store and its business in this database.
    ///
    /// Relative paths are inside its temporary directory: `sqlite:records.db`.
    pub fn start(store: &str, database: &str, options: &[&str]) -> Self {
        let directory = Arc::new(tempfile::tempdir().expect("a temporary directory"));
        let fixed = ["--addr", "127.0.0.1:0", "--database", database, "--store", store];
        Self::start_in(directory, &[&fixed, options].concat())
    }

    /// Starts another one with the same records and the same business, and these options.
    #[must_use]
    pub fn start_beside(&self, options: &[&str]) -> Self {
        let fixed = &self.options[2..FIXED];
        let fixed = ["--addr", "127.0.0.1:0"].into_iter().chain(fixed.iter().map(String::as_str));
        let options: Vec<_> = fixed.chain(options.iter().copied()).collect();
        Self::start_in(Arc::clone(&self.directory), &options)
    }

    fn start_in(directory: Arc<TempDir>, options: &[&str]) -> Self {
        let options = options.iter().map(|&option| option.to_owned()).collect();
        let mut new = Self { running: None, directory, options, variable: None };
        new.restart();
        new
    }

    /// Starts it again, with a variable in its environment.
    #[must_use]
    pub fn knowing(mut self, variable: &str, value: &str) -> Self {
        self.variable = Some((variable.to_owned(), value.to_owned()));
        self.restart();
        self
    }

    /// Starts it on the same data, at another address. A process that still runs is killed before.
    pub fn restart(&mut self) {
        self.kill();
        let mut process = Command::new(example("orders"))
            .args(&self.options)
            .current_dir(self.directory.path())
            // The environment of the tests may have `ORDERS_…` set.
            .env_clear()
            .envs(self.variable.clone())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("what was built can be started");
        let (said, lines) = mpsc::channel();
        let stdout = BufReader::new(process.stdout.take().expect("it is piped"));
        // The output is read even if the test does not need it any more, so that the process never waits.
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                drop(said.send(line));
            }
        });
        // The process is kept before its output is read, so that a failure kills it.
        let running = self.running.insert(Running { process, lines, url: String::new() });
        let first = running.line_with("");
        let url = first.strip_prefix("orders is listening on ").expect("its first line");
        url.clone_into(&mut running.url);
    }

    /// The same, at its old address: for clients that come back.
    pub fn restart_in_place(&mut self) {
        let address = self.url().trim_start_matches("http://").to_owned();
        let [_, at, ..] = &mut self.options[..] else { unreachable!("`--addr` comes first") };
        *at = address;
        self.restart();
    }

    /// Its address: `http://…`.
    pub fn url(&self) -> &str {
        &self.running().url
    }

    /// The file of its business database, if it is `sqlite:orders.db`.
    pub fn database(&self) -> PathBuf {
        self.directory.path().join("orders.db")
    }

    /// A GET of this path by alice.
    pub fn get(&self, path: &str) -> Sender {
        Sender::new(Method::GET, format!("{}{path}", self.url()))
    }

    /// A POST to this path by alice.
    pub fn post(&self, path: &str) -> Sender {
        Sender::post(format!("{}{path}", self.url()))
    }

    /// Waits until it prints a line with this text; lines before are skipped.
    pub fn line_with(&self, text: &str) -> String {
        self.running().line_with(text)
    }

    /// Sends it a signal, by its name without `SIG`.
    pub fn signal(&self, name: &str) {
        let command = format!("kill -s {name} {}", self.running().process.id());
        let sent = Command::new("sh").args(["-c", &command]).status().expect("`sh` runs");
        assert!(sent.success(), "the process is there to get a signal");
    }

    /// Sends it SIGTERM, on which it ends by itself.
    pub fn stop(&mut self) {
        self.signal("TERM");
        self.ends();
    }

    /// Waits until it has ended by itself, with success.
    pub fn ends(&mut self) {
        let mut running = self.running.take().expect("it runs");
        let asked = Instant::now();
        let status = loop {
            if let Some(status) = running.process.try_wait().expect("it is our child") {
                break status;
            }
            assert!(asked.elapsed() < PATIENCE, "it does not end");
            thread::sleep(Duration::from_millis(5));
        };
        assert!(status.success(), "it ended with {status}");
    }

    /// Ends it with SIGKILL.
    pub fn kill(&mut self) {
        drop(self.running.take());
    }

    fn running(&self) -> &Running {
        self.running.as_ref().expect("it was started and not ended")
    }
}

impl Running {
    fn line_with(&self, text: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("orders does not say {text:?}"));
            if line.contains(text) {
                return line;
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // One that ended already cannot be killed, and that is fine.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
