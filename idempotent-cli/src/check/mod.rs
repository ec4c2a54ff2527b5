//! A black-box tester of endpoints.

use clap::Args;
use std::process::ExitCode;

/// The request that is tried.
#[derive(Debug, Args)]
pub(crate) struct CheckArguments {
    /// The address of the endpoint.
    url: String,
}

/// Tests an endpoint, and prints what holds.
pub(crate) async fn run(arguments: CheckArguments) -> ExitCode {
    eprintln!("{}: not tested yet", arguments.url);
    ExitCode::FAILURE
}
