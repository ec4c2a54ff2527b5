//! The command line: commands for an operator of a store, and a tester for any HTTP API.

mod app;
mod check;
mod commands;
mod confirm;
mod failure;
mod options;
mod output;
mod progress;
mod record;
mod secrets;
mod store;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};
use commands::{completions, ddl, doctor, find, forget, list, man, purge, resolve, show, stats};
use failure::{ENVIRONMENT, EXIT_CODES, Failure};
use options::Options;
use output::Output;
use secrets::Secrets;
use std::process::ExitCode;

/// Shows and settles the records of `idempotent-runtime`, and tests how endpoints answer retries.
#[derive(Parser)]
#[command(name = "idempotent", version, after_help = format!("{ENVIRONMENT}\n\n{EXIT_CODES}"))]
struct Arguments {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Tests how an endpoint, written in any language, answers a client that retries.
    Check(Box<check::CheckArguments>),
    /// Lists records, page by page.
    List(list::ListArguments),
    /// Shows one record.
    Show(show::ShowArguments),
    /// Finds the record of a request or call, by facts that a support desk knows.
    Find(find::FindArguments),
    /// Settles a run whose process died: it happened, or it did not and may run again.
    Resolve(resolve::ResolveArguments),
    /// Forgets a record, so that the next request with its key runs.
    Forget(forget::ForgetArguments),
    /// Counts records by operation and state.
    Stats,
    /// Examines the settings of a store, and tries each of its operations.
    Doctor,
    /// Drops the records whose life is over. Services do this now and then, too.
    Purge,
    /// Prints the SQL that makes the table of records.
    Ddl(ddl::DdlArguments),
    /// Prints a script that completes commands and options in a shell.
    Completions(completions::CompletionsArguments),
    /// Prints the manual, or writes a page for each command into a directory.
    Man(man::ManArguments),
}

#[tokio::main]
async fn main() -> ExitCode {
    let secrets = Secrets::of_process();
    let Arguments { options, command } = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error, secrets),
    };
    let output = Output::new(options.json, secrets);
    let ended = match command {
        Command::Check(arguments) => return check::run(*arguments).await,
        Command::List(arguments) => list::run(&arguments, &options, &output).await,
        Command::Show(arguments) => show::run(&arguments, &options, &output).await,
        Command::Find(arguments) => find::run(&arguments, &options, &output).await,
        Command::Resolve(arguments) => resolve::run(&arguments, &options, &output).await,
        Command::Forget(arguments) => forget::run(&arguments, &options, &output).await,
        Command::Stats => stats::run(&options, &output).await,
        Command::Doctor => doctor::run(&options, &output).await,
        Command::Purge => purge::run(&options, &output).await,
        Command::Ddl(arguments) => ddl::run(&arguments, &options, &output),
        Command::Completions(arguments) => completions::run(&arguments, Arguments::command()),
        Command::Man(arguments) => man::run(&arguments, Arguments::command()),
    };
    ExitCode::from(match ended {
        Ok(ending) => ending.code(),
        Err(failure) => {
            output.failed(&failure);
            failure.code()
        }
    })
}

/// Prints help if it was asked for, and otherwise the mistake in the arguments, without secrets.
fn usage(error: &clap::Error, secrets: Secrets) -> ExitCode {
    if !error.use_stderr() {
        // Help was asked for. It quotes no argument.
        drop(error.print());
        return ExitCode::SUCCESS;
    }
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        drop(error.print());
        return ExitCode::from(2);
    }
    let is_json = std::env::args_os().any(|argument| argument == "--json");
    let text = error.render().to_string();
    let failure = Failure::Usage(text.trim_end().trim_start_matches("error: ").to_owned());
    Output::new(is_json, secrets).failed(&failure);
    ExitCode::from(failure.code())
}
