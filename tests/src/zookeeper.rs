//! A `ZooKeeper` server of a test's own.

use crate::Suspended;
use crate::daemon::Daemon;
use crate::free_ports;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

/// A private server on a free port, with its data in a temporary directory; it ends when it is
/// dropped.
///
/// It lets sessions end after 400 milliseconds of silence.
#[derive(Debug)]
pub struct ZooKeeperServer {
    daemon: Daemon,
    port: u16,
}

impl ZooKeeperServer {
    /// Starts a server.
    pub async fn start() -> Self {
        let [port] = free_ports();
        let daemon = Daemon::new("zookeeper", "KILL", |directory| install(directory, port), serve);
        let server = Self { daemon, port };
        server.restart().await;
        server
    }

    /// Starts it again after [`kill`](Self::kill), with its data on disk.
    pub async fn restart(&self) {
        self.daemon.start();
        let started = Instant::now();
        while self.ask("srvr").is_none_or(|answer| !answer.contains("Mode: ")) {
            let late = started.elapsed() > Duration::from_mins(1);
            assert!(!late, "zookeeper does not answer: {}", self.daemon.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Ends it with SIGKILL.
    pub fn kill(&self) {
        self.daemon.kill();
    }

    /// Stops it with SIGSTOP until the returned value is dropped: it answers nothing and closes nothing.
    pub fn suspend(&self) -> Suspended {
        Suspended::new(self.daemon.server())
    }

    /// Its address for `ZooKeeperLocks::connect`.
    pub fn url(&self) -> String {
        format!("zookeeper://{}", self.address())
    }

    /// Its address.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// The answer to one of its commands of four letters.
    pub fn ask(&self, word: &str) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        // A server that is just starting may not answer.
        stream.set_read_timeout(Some(Duration::from_secs(1))).ok()?;
        stream.write_all(word.as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    }

    /// The nodes that end with their sessions: one for each lock that is held or waited for.
    pub fn places(&self) -> usize {
        self.listed("dump")
    }

    /// The number of these nodes that are watched: one for each lock that somebody waits for.
    pub fn waited_for(&self) -> usize {
        self.listed("wchp")
    }

    fn listed(&self, word: &str) -> usize {
        let list = self.ask(word).expect("the server is up");
        list.lines().filter(|line| line.trim().starts_with("/idempotency/locks/")).count()
    }
}

fn install(directory: &Path, port: u16) -> Vec<String> {
    let (data, config) = (directory.join("data"), directory.join("zoo.cfg"));
    let settings = format!(
        "tickTime=100\ndataDir={}\nclientPortAddress=127.0.0.1\nclientPort={port}\n\
         maxClientCnxns=0\nminSessionTimeout=400\nmaxSessionTimeout=60000\n\
         admin.enableServer=false\n4lw.commands.whitelist=*\n",
        data.display(),
    );
    let write = r#"mkdir "$1" && printf %s "$2" >"$3""#;
    let (data, config) = (data.display().to_string(), config.display().to_string());
    ["sh", "-c", write, "install", &data, &settings, &config].map(str::to_owned).to_vec()
}

/// The command that starts the server of Debian's package `zookeeper`.
fn serve(directory: &Path) -> Vec<String> {
    let config = directory.join("zoo.cfg").display().to_string();
    let small = ["java", "-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];
    let main = "org.apache.zookeeper.server.quorum.QuorumPeerMain";
    let program = ["-cp", "/usr/share/java/zookeeper.jar", main, &config];
    small.into_iter().chain(program).map(str::to_owned).collect()
}
