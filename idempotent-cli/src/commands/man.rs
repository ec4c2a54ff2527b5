//! `man`: pages of the manual.

use crate::failure::{Ending, Failure};
use crate::output::print;
use clap::{Args, Command};
use clap_mangen::Man;
use std::path::PathBuf;

/// The place of the pages.
#[derive(Debug, Args)]
pub(crate) struct ManArguments {
    /// Writes a page for each command into this directory, such as /usr/local/share/man/man1. Without it, the
    /// first page is printed.
    directory: Option<PathBuf>,
}

/// Writes the pages.
pub(crate) fn run(arguments: &ManArguments, command: Command) -> Result<Ending, Failure> {
    if let Some(directory) = &arguments.directory {
        let unwritten = |error| Failure::Refused(format!("{}: {error}", directory.display()));
        clap_mangen::generate_to(command, directory).map_err(unwritten)?;
    } else {
        let mut page = Vec::new();
        let unwritten = |error| Failure::Refused(format!("the page cannot be made: {error}"));
        Man::new(command.disable_help_subcommand(true)).render(&mut page).map_err(unwritten)?;
        print(&String::from_utf8_lossy(&page))?;
    }
    Ok(Ending::Done)
}
