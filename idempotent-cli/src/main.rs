//! The command line: an operator's look into the records of a store, and a tester for anybody's API.

mod check;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Looks into the records of `idempotent-runtime`, settles what a crash left, and tests endpoints for retries.
#[derive(Debug, Parser)]
#[command(name = "idempotent", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Tests an endpoint, in whatever language it is written, for what a client that retries can observe.
    Check(check::CheckArguments),
}

#[tokio::main]
async fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Check(arguments) => check::run(arguments).await,
    }
}
