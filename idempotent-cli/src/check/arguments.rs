//! The words of the command line.

use clap::{Args, ValueHint};
use jiff::SignedDuration;
use std::path::PathBuf;
use std::time::Duration;

/// The exit codes, for `--help` and the man page.
const EXIT_CODES: &str = "\
Exit codes:
  0  all holds that can be told
  1  something does not hold
  2  the command line is wrong
  3  the endpoint did not answer, or not all could be tried
  4  nothing was sent: it was not confirmed";

/// The request that is tried, and how.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(crate) struct CheckArguments {
    /// The address of the endpoint.
    // Not parsed by clap, as headers are not: its errors would print the value.
    #[arg(value_hint = ValueHint::Url)]
    pub(crate) url: String,

    /// The method.
    #[arg(long, default_value = "POST")]
    pub(crate) method: String,

    /// A header of every request; its value is never printed.
    #[arg(long = "header", short = 'H', value_name = "NAME: VALUE")]
    pub(crate) headers: Vec<String>,

    /// Reads headers from a file, a line each, so that no list of processes shows them.
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub(crate) headers_file: Option<PathBuf>,

    /// The body. `{unique}` in it stands for something new in each request that is not a retry.
    #[arg(long, value_name = "TEXT")]
    pub(crate) body: Option<String>,

    /// A file with the body.
    #[arg(long, value_name = "PATH", conflicts_with = "body", value_hint = ValueHint::FilePath)]
    pub(crate) body_file: Option<PathBuf>,

    /// The body of another request that the endpoint accepts, for `mismatch`.
    #[arg(long, value_name = "TEXT")]
    pub(crate) other_body: Option<String>,

    /// A body for which the endpoint fails, for `error-retry`.
    #[arg(long, value_name = "TEXT")]
    pub(crate) failing_body: Option<String>,

    /// A body that keeps the endpoint busy for about a second, for `in-flight` and `lost-connection`.
    #[arg(long, value_name = "TEXT")]
    pub(crate) slow_body: Option<String>,

    /// A header that makes the request another caller's, for `scope`; it replaces headers of the same
    /// name.
    #[arg(long = "other-header", value_name = "NAME: VALUE")]
    pub(crate) other_headers: Vec<String>,

    /// The path of another operation, for `other-path`. It is sent the body and a key that is used already.
    #[arg(long, value_name = "PATH")]
    pub(crate) other_path: Option<String>,

    /// The header that carries the key.
    #[arg(long, value_name = "NAME", default_value = "Idempotency-Key")]
    pub(crate) key_header: String,

    /// Sends keys in quotes, as the draft has them, for endpoints that refuse the bare form.
    #[arg(long)]
    pub(crate) quoted_keys: bool,

    /// Expects that a request without a key is refused.
    #[arg(long)]
    pub(crate) key_required: bool,

    /// A PEM file of certificate authorities to trust, beside those of this host.
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub(crate) ca: Option<PathBuf>,

    /// The time limit of a request, and of all tries of one that is told to come later: `500ms`, `10s`.
    #[arg(long, value_parser = duration, default_value = "10s")]
    pub(crate) timeout: Duration,

    /// The time limit of all requests together.
    #[arg(long, value_parser = duration, default_value = "5m")]
    pub(crate) total_timeout: Duration,

    /// The number of requests that `concurrency` sends at the same moment.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(2..=499))]
    pub(crate) concurrency: u32,

    /// Prints JSON.
    #[arg(long)]
    pub(crate) json: bool,

    /// Writes a report for a CI server into this file, in the format of `JUnit`.
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub(crate) junit: Option<PathBuf>,

    /// Sends to other hosts without asking.
    #[arg(long, short = 'y')]
    pub(crate) yes: bool,

    /// Runs only these checks, after `accepted`.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) only: Vec<String>,

    /// Leaves these checks out.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) skip: Vec<String>,
}

fn duration(text: &str) -> Result<Duration, String> {
    let read = text.parse::<SignedDuration>().map_err(|error| error.to_string())?;
    let read = Duration::try_from(read).ok().filter(|read| !read.is_zero());
    let read = read.ok_or("a duration must be longer than zero")?;
    if read > Duration::from_hours(1) {
        Err("a duration is at most an hour".to_owned())
    } else {
        Ok(read)
    }
}

#[cfg(test)]
impl CheckArguments {
    /// Reads these words.
    pub(crate) fn of(words: &[&str]) -> Self {
        use clap::FromArgMatches;
        let command = Self::augment_args(clap::Command::new("check"));
        let matches = command.try_get_matches_from([&["check"], words].concat());
        Self::from_arg_matches(&matches.expect("words that are known")).expect("arguments")
    }
}
