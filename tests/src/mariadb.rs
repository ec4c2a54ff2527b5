//! A `MariaDB` server of the tests' own.

use crate::Proxy;
use crate::daemon::Daemon;
use sqlx::{Connection, MySqlConnection};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// A private server on a Unix socket in a temporary directory; it ends when it is dropped.
#[derive(Debug)]
pub struct MariaDbServer {
    daemon: Daemon,
    databases: AtomicUsize,
}

/// Options of a server that is killed. Without a binary log others see a commit before it is written, and it can
/// be lost after that. (The kernel keeps written data, so the log need not be synced.)
pub const DURABLE_BEFORE_VISIBLE: [&str; 2] = ["--log-bin=binlog", "--sync-binlog=0"];

impl MariaDbServer {
    /// The server that all tests of this process share; it is started for the first.
    pub async fn shared() -> &'static Self {
        static SHARED: OnceLock<MariaDbServer> = OnceLock::new();
        let server = SHARED.get_or_init(|| {
            let server = Self::installed(&["--max-connections=500"]);
            server.daemon.start();
            server
        });
        server.answers().await;
        server
    }

    /// Starts a server of a test's own, with these options.
    pub async fn start_with(options: &[&str]) -> Self {
        let server = Self::installed(options);
        server.restart().await;
        server
    }

    fn installed(options: &[&str]) -> Self {
        // Installing is slow, copying is not.
        static TEMPLATE: OnceLock<Daemon> = OnceLock::new();
        let template = TEMPLATE.get_or_init(|| Daemon::new("mysql", "KILL", install, |_| vec![]));
        let serve = |directory: &Path| {
            let socket = format!("--socket={}", socket(directory));
            let mut words = command("mariadbd", directory);
            words.extend(["--skip-networking".to_owned(), socket]);
            words.extend(options.iter().map(|&option| option.to_owned()));
            words
        };
        let daemon = Daemon::new("mysql", "KILL", |directory| template.copy(directory), serve);
        Self { daemon, databases: AtomicUsize::new(0) }
    }

    /// Starts it again after [`kill`](Self::kill), on the same socket.
    pub async fn restart(&self) {
        self.daemon.start();
        self.answers().await;
    }

    /// Ends it with SIGKILL.
    pub fn kill(&self) {
        self.daemon.kill();
    }

    /// Its log since it was started.
    pub fn log(&self) -> String {
        self.daemon.log()
    }

    /// The address of a new database.
    pub async fn database(&self) -> String {
        let name = format!("test{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.run(&format!("CREATE DATABASE {name}")).await;
        self.url(&name)
    }

    /// The address of a database through a proxy.
    pub fn through(proxy: &Proxy, database: &str) -> String {
        let name = database.split(['/', '?']).nth(3).expect("a name");
        format!("mysql://root@{}/{name}?ssl-mode=disabled", proxy.address())
    }

    pub(crate) fn socket(&self) -> PathBuf {
        PathBuf::from(socket(self.daemon.directory()))
    }

    /// The address of a database of this name.
    pub fn url(&self, database: &str) -> String {
        format!("mysql://root@localhost/{database}?socket={}", socket(self.daemon.directory()))
    }

    /// Runs statements on a connection of its own.
    pub async fn run(&self, statements: &str) {
        let mut connection = self.connect().await.expect("the server is up");
        let statements = sqlx::raw_sql(sqlx::AssertSqlSafe(statements));
        statements.execute(&mut connection).await.expect("the server accepts the statements");
        connection.close().await.expect("the server is up");
    }

    /// A connection of the test's own, in the server's own database.
    pub async fn connect(&self) -> sqlx::Result<MySqlConnection> {
        MySqlConnection::connect(&self.url("mysql")).await
    }

    async fn answers(&self) {
        let started = Instant::now();
        while self.connect().await.is_err() {
            let late = started.elapsed() > Duration::from_secs(30);
            assert!(!late, "mariadbd does not answer: {}", self.daemon.log());
            tokio::task::yield_now().await;
        }
    }
}

/// A program that works in this directory. (Servers that share one for temporary files delete each
/// other's.)
fn command(program: &str, directory: &Path) -> Vec<String> {
    let data = format!("--datadir={}", directory.join("data").display());
    let temporary = format!("--tmpdir={}", directory.display());
    // No test cuts the power, so data in the kernel is safe. Files are no larger than needed.
    let cheap = ["--innodb-flush-method=nosync", "--innodb-log-file-size=16M"];
    [program, "--no-defaults", &data, &temporary, cheap[0], cheap[1]].map(str::to_owned).to_vec()
}

fn install(directory: &Path) -> Vec<String> {
    let mut words = command("mariadb-install-db", directory);
    let fixed = ["--auth-root-authentication-method=normal", "--skip-test-db"];
    words.extend(fixed.map(str::to_owned));
    words
}

fn socket(directory: &Path) -> String {
    directory.join("mariadb.sock").display().to_string()
}
