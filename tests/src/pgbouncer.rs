//! A `PgBouncer` of the tests' own.

use crate::PostgresServer;
use crate::daemon::Daemon;
use sqlx::{Connection, PgConnection};
use std::path::Path;
use std::time::{Duration, Instant};

/// A private pooler on a Unix socket before a server; it ends when it is dropped.
#[derive(Debug)]
pub struct PgBouncer {
    daemon: Daemon,
}

impl PgBouncer {
    /// Starts one with these lines of settings, such as `pool_mode = session`.
    pub async fn start_before(server: &PostgresServer, settings: &str) -> Self {
        let socket = server.socket();
        let host = socket.parent().expect("it is in a directory").display();
        let configure = |directory: &Path| {
            let own = directory.display();
            let file = format!(
                "[databases]\n* = host={host} user=postgres\n[pgbouncer]\nunix_socket_dir = {own}\n\
                 listen_port = 6432\nauth_type = any\nunix_socket_mode = 0777\n{settings}\n"
            );
            let write = format!("cat >'{own}/ini' <<'END'\n{file}END\n");
            ["sh", "-c", &write].map(str::to_owned).to_vec()
        };
        let serve = |directory: &Path| {
            vec!["pgbouncer".to_owned(), directory.join("ini").display().to_string()]
        };
        let pooler = Self { daemon: Daemon::new("postgres", "KILL", configure, serve) };
        pooler.daemon.start();
        let started = Instant::now();
        // Even a refusal of the first query shows that the pooler answers.
        while let Err(sqlx::Error::Io(_)) = PgConnection::connect(&pooler.url()).await {
            let late = started.elapsed() > Duration::from_secs(30);
            assert!(!late, "pgbouncer does not answer: {}", pooler.daemon.log());
            tokio::task::yield_now().await;
        }
        pooler
    }

    /// The address of the server's main database through it.
    pub fn url(&self) -> String {
        let socket = self.daemon.directory().display().to_string().replace('/', "%2F");
        format!("postgres://postgres@{socket}:6432/postgres")
    }

    /// The address of the same schema as in this one.
    pub fn through(&self, database: &str) -> String {
        let (_, options) = database.split_once('?').expect("a schema is named");
        format!("{}?{options}", self.url())
    }
}
