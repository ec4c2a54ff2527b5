//! Choices on the command line and in the environment.

use clap::Parser;
use clap::builder::RangedI64ValueParser;
use jiff::SignedDuration;
use sha2::{Digest, Sha256};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// A shop that can be retried: every strategy behind one server.
#[derive(Debug, Parser)]
pub(crate) struct Options {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, env = "ORDERS_ADDR", default_value = "127.0.0.1:8080")]
    pub(crate) addr: SocketAddr,

    /// Where records live: `memory:`, `sqlite:PATH`, `redis://…`, `postgres://…` or `mysql://…`, encrypted by
    /// `?sslmode=verify-full` or `?ssl-mode=VERIFY_IDENTITY`.
    #[arg(
        long,
        env = "ORDERS_STORE",
        hide_env_values = true,
        value_name = "URL",
        default_value = "sqlite:orders-records.db"
    )]
    pub(crate) store: String,

    /// Where business data lives: `sqlite:PATH`, `postgres://…` or `mysql://…`.
    #[arg(
        long,
        env = "ORDERS_DATABASE",
        hide_env_values = true,
        value_name = "URL",
        default_value = "sqlite:orders.db"
    )]
    pub(crate) database: String,

    /// Keeps locks in `ZooKeeper` instead of the store: `zookeeper://host:port,host:port`.
    #[arg(long, env = "ORDERS_LOCKS", hide_env_values = true, value_name = "URL")]
    pub(crate) locks: Option<String>,

    /// The time for which a run still excludes others if its process dies: `500ms`, `30s`, `2m`.
    #[arg(long, env = "ORDERS_LEASE", value_parser = duration, default_value = "60s")]
    pub(crate) lease: Duration,

    /// The number of threads that serve requests.
    #[arg(long, env = "ORDERS_WORKERS", default_value_t = 2, value_parser = from_one())]
    pub(crate) workers: u16,

    /// The number of reports that are made at the same time; others wait.
    #[arg(long, env = "ORDERS_TASKS", default_value_t = 16, value_parser = from_one())]
    pub(crate) tasks: u16,

    /// Signs tokens with this secret instead of storing them.
    #[arg(
        long,
        env = "ORDERS_TOKEN_SECRET",
        value_name = "TEXT",
        hide_env_values = true,
        value_parser = clap::builder::NonEmptyStringValueParser::new()
    )]
    token_secret: Option<String>,

    /// Mounts the page for operators at /inspector/. Its password is in this file, or in the variable
    /// `ORDERS_OPERATOR_TOKEN`. Without a password there is no page.
    #[arg(long, value_name = "PATH")]
    pub(crate) operator_token_file: Option<PathBuf>,

    /// Prints the SQL that creates the tables in the chosen databases, and ends.
    #[arg(long)]
    pub(crate) print_ddl: bool,
}

impl Options {
    /// The secret, as a key of full length that is derived from the given text.
    pub(crate) fn secret(&self) -> Option<Vec<u8>> {
        self.token_secret.as_ref().map(|text| Sha256::digest(text.as_bytes()).to_vec())
    }
}

fn from_one() -> RangedI64ValueParser<u16> {
    clap::value_parser!(u16).range(1..)
}

fn duration(text: &str) -> Result<Duration, String> {
    let read = text.parse::<SignedDuration>().map_err(|error| error.to_string())?;
    Duration::try_from(read).map_err(|_| "a duration cannot be negative".to_owned())
}
