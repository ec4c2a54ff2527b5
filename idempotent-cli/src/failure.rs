//! The ways a command ends, and their exit codes.

use idempotent_runtime::store::StoreError;

/// The exit codes, for `--help` and the man page.
pub(crate) const EXIT_CODES: &str = "\
Exit codes of the commands that use a store:
  0  done
  1  nothing is there: no such record, or `doctor` found what breaks a promise
  2  the command line is wrong
  3  the store did not answer, or refused
  4  refused: declined, not confirmed, still running, or not abandoned";

/// The environment, for `--help` and the man page.
pub(crate) const ENVIRONMENT: &str = "\
Environment:
  IDEMPOTENT_STORE              the URL of the store, as `--store`
  IDEMPOTENT_STORE_PASSWORD     its password, if the URL has none
  IDEMPOTENT_DATABASE           the URL of the business database
  IDEMPOTENT_DATABASE_PASSWORD  its password, if the URL has none
  IDEMPOTENT_PREFIX             as `--prefix`
  IDEMPOTENT_NAMESPACE          as `--namespace`
  IDEMPOTENT_KEY_SECRET         the `key_secret` of the app, if in no file
Others on this host can read arguments: keep passwords in the environment.
No output of a command contains a password.";

/// The end of a command that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It did what it was asked.
    Done,
    /// It answered that something is missing or does not hold.
    Wanting,
}

impl Ending {
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Wanting => 1,
        }
    }
}

/// The reason why a command did not do what it was asked.
#[derive(Debug)]
pub(crate) enum Failure {
    /// There is no such record.
    NotFound(String),
    /// The options contradict each other, or something is missing.
    Usage(String),
    /// The store did not answer, or refused.
    Store(String),
    /// It was not confirmed, or the record is not in a state that allows it.
    Refused(String),
}

impl Failure {
    pub(crate) const fn code(&self) -> u8 {
        match self {
            Self::NotFound(_) => 1,
            Self::Usage(_) => 2,
            Self::Store(_) => 3,
            Self::Refused(_) => 4,
        }
    }

    /// The kind of the failure, as a name in JSON that never changes.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "not-found",
            Self::Usage(_) => "usage",
            Self::Store(_) => "store",
            Self::Refused(_) => "refused",
        }
    }

    /// The failure in words.
    pub(crate) fn message(&self) -> &str {
        match self {
            Self::NotFound(why) | Self::Usage(why) | Self::Store(why) | Self::Refused(why) => why,
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error.to_string())
    }
}
