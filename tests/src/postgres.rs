//! A `PostgreSQL` server of the tests' own.

use crate::Proxy;
use crate::daemon::Daemon;
use sqlx::{Connection, PgConnection};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// A private server on a Unix socket in a temporary directory; it ends when it is dropped.
#[derive(Debug)]
pub struct PostgresServer {
    daemon: Daemon,
    databases: AtomicUsize,
    port: String,
}

impl PostgresServer {
    /// The server that all tests of this process share; it is started for the first.
    pub async fn shared() -> &'static Self {
        static SHARED: OnceLock<PostgresServer> = OnceLock::new();
        let server = SHARED.get_or_init(|| {
            // No test cuts the power, and many tests write at once.
            let server = Self::installed(&["-c", "fsync=off", "-c", "max_connections=500"]);
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
        let template = TEMPLATE.get_or_init(|| Daemon::new("postgres", "QUIT", initdb, |_| vec![]));
        let serve = |directory: &Path| {
            let socket = directory.display().to_string();
            let mut words = vec![program("postgres"), "-D".to_owned(), cluster(directory)];
            words.extend(["-k", &socket, "-c", "listen_addresses="].map(str::to_owned));
            words.extend(options.iter().map(|&option| option.to_owned()));
            words
        };
        let daemon = Daemon::new("postgres", "QUIT", |directory| template.copy(directory), serve);
        // The name of the socket contains the port.
        let port = options.iter().find_map(|option| option.strip_prefix("port="));
        let port = port.unwrap_or("5432").to_owned();
        Self { daemon, databases: AtomicUsize::new(0), port }
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
    ///
    /// It is a schema that is searched instead of `public`: it is made at once, and is empty, too.
    pub async fn database(&self) -> String {
        let name = format!("test{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.run(&format!("CREATE SCHEMA {name}")).await;
        format!("{}?options[search_path]={name}", self.url())
    }

    /// The address of a database through a proxy.
    pub fn through(proxy: &Proxy, database: &str) -> String {
        let (_, options) = database.split_once('?').expect("a schema is named");
        format!("postgres://postgres@{}/postgres?sslmode=disable&{options}", proxy.address())
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.daemon.directory().join(format!(".s.PGSQL.{}", self.port))
    }

    /// The address of its main database.
    pub fn url(&self) -> String {
        let socket = self.daemon.directory().display().to_string().replace('/', "%2F");
        format!("postgres://postgres@{socket}:{}/postgres", self.port)
    }

    /// Runs statements on a connection of its own.
    pub async fn run(&self, statements: &str) {
        let mut connection = self.connect().await.expect("the server is up");
        let statements = sqlx::raw_sql(sqlx::AssertSqlSafe(statements));
        statements.execute(&mut connection).await.expect("the server accepts the statements");
        connection.close().await.expect("the server is up");
    }

    /// A connection of the test's own to the main database.
    pub async fn connect(&self) -> sqlx::Result<PgConnection> {
        PgConnection::connect(&self.url()).await
    }

    async fn answers(&self) {
        let started = Instant::now();
        while self.connect().await.is_err() {
            let late = started.elapsed() > Duration::from_secs(30);
            assert!(!late, "postgres does not answer: {}", self.daemon.log());
            tokio::task::yield_now().await;
        }
    }
}

fn cluster(directory: &Path) -> String {
    directory.join("cluster").display().to_string()
}

fn initdb(directory: &Path) -> Vec<String> {
    let fixed = ["--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-locale"];
    let mut words = vec![program("initdb"), "--no-sync".to_owned(), "-D".to_owned()];
    words.push(cluster(directory));
    words.extend(fixed.map(str::to_owned));
    words
}

/// The path of a program in Debian's newest version, or its name alone, to be found by `PATH`.
fn program(name: &str) -> String {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let version = |path: &PathBuf| path.file_name()?.to_str()?.parse::<u32>().ok();
    let newest = versions.map(|entry| entry.path()).max_by_key(version);
    let found = newest.map(|path| path.join("bin").join(name)).filter(|path| path.exists());
    found.map_or_else(|| name.to_owned(), |path| path.display().to_string())
}
