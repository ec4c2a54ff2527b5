//! A Redis server of a test's own.

mod cluster;
mod refusal;
mod sentinels;

pub use cluster::RedisCluster;
pub use refusal::RedisRefusal;
pub use sentinels::Sentinels;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The program that runs by default.
const REDIS: &str = "redis-server";

const KEEPS_NOTHING: [&str; 4] = ["--save", "", "--appendonly", "no"];

/// The configuration of a sentinel, which must be a file.
const SENTINEL: &str = "sentinel.conf";

/// A private server on a Unix socket in a temporary directory; it ends when it is dropped.
#[derive(Debug)]
pub struct RedisServer {
    program: PathBuf,
    process: Option<Child>,
    directory: TempDir,
    options: Vec<String>,
}

impl RedisServer {
    /// Starts a server that keeps nothing on disk.
    pub fn start() -> Self {
        Self::start_with(&KEEPS_NOTHING)
    }

    /// Starts a Valkey server that keeps nothing on disk: it knows `SET … IFEQ`.
    pub fn start_valkey() -> Self {
        let fetched = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/valkey/valkey-server");
        let program = if fetched.exists() { fetched } else { "valkey-server".into() };
        Self::run(program, &KEEPS_NOTHING)
    }

    /// Starts a server with these options.
    pub fn start_with(options: &[&str]) -> Self {
        Self::run(REDIS.into(), options)
    }

    fn run(program: PathBuf, options: &[&str]) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let options = options.iter().map(|&option| option.to_owned()).collect();
        let mut server = Self { program, process: None, directory, options };
        server.restart();
        server
    }

    /// Starts a sentinel with this configuration, which it rewrites as it learns.
    pub fn start_sentinel(config: &str) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        std::fs::write(directory.path().join(SENTINEL), config).expect("it can be written");
        let options = vec!["--sentinel".to_owned()];
        let mut server = Self { program: REDIS.into(), process: None, directory, options };
        server.restart();
        server
    }

    /// Starts it again after [`kill`](Self::kill), on the same socket.
    pub fn restart(&mut self) {
        let mut command = Command::new(&self.program);
        let config = self.directory.path().join(SENTINEL);
        if config.exists() {
            command.arg(config);
        } else {
            command.args(["--port", "0"]);
        }
        let process = command
            .arg("--dir")
            .arg(self.directory.path())
            .arg("--unixsocket")
            .arg(self.socket())
            .args(&self.options)
            .stdout(Stdio::null())
            .spawn()
            .expect("the server is installed, as `sh tests/run.sh` does");
        self.process = Some(process);
        let started = Instant::now();
        while !self.answers() {
            assert!(
                started.elapsed() < Duration::from_secs(20),
                "{} does not answer",
                self.program.display()
            );
            std::thread::yield_now();
        }
    }

    /// Ends it with SIGKILL.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().and_then(|()| process.wait()).expect("the server ends");
        }
    }

    /// Stops it with SIGSTOP until the returned value is dropped: it answers nothing and closes nothing.
    pub fn suspend(&self) -> Suspended {
        Suspended::new(self.process.as_ref().expect("it runs").id())
    }

    /// Its address for `RedisStore::connect`.
    pub fn url(&self) -> String {
        format!("redis+unix://{}", self.socket().display())
    }

    /// Sends one command on a connection of its own.
    pub fn command<T: redis::FromRedisValue>(&self, words: &[&str]) -> T {
        self.try_command(words).expect("the server accepts the command")
    }

    /// Sends one command to a server that may refuse it, or close its connections.
    ///
    /// # Errors
    /// When the server does so.
    pub fn try_command<T: redis::FromRedisValue>(&self, words: &[&str]) -> redis::RedisResult<T> {
        let mut connection = self.connect()?;
        redis::cmd(words[0]).arg(&words[1..]).query(&mut connection)
    }

    fn answers(&self) -> bool {
        self.connect().and_then(|mut connection| redis::cmd("PING").exec(&mut connection)).is_ok()
    }

    fn connect(&self) -> redis::RedisResult<redis::Connection> {
        redis::Client::open(self.url())?.get_connection()
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.directory.path().join("redis.sock")
    }
}

/// A process that stands still.
#[derive(Debug)]
#[must_use = "it goes on when this is dropped"]
pub struct Suspended(u32);

impl Suspended {
    /// Stops a process with SIGSTOP.
    pub fn new(process: u32) -> Self {
        signal("-STOP", process);
        Self(process)
    }
}

impl Drop for Suspended {
    fn drop(&mut self) {
        signal("-CONT", self.0);
    }
}

fn signal(which: &str, process: u32) {
    let sent = Command::new("kill").arg(which).arg(process.to_string()).status();
    assert!(sent.expect("`kill` runs").success());
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}
