//! `completions`: a script for a shell.

use crate::failure::{Ending, Failure};
use crate::output::print;
use clap::{Args, Command};
use clap_complete::Shell;

/// The arguments of `completions`.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArguments {
    /// The shell that completes.
    shell: Shell,
}

/// Prints the script.
pub(crate) fn run(
    arguments: &CompletionsArguments,
    mut command: Command,
) -> Result<Ending, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "idempotent", &mut script);
    print(&String::from_utf8_lossy(&script))?;
    Ok(Ending::Done)
}
