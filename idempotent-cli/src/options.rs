//! The options that commands share.

use crate::confirm::Confirmation;
use crate::failure::Failure;
use crate::secrets::KEY_SECRET;
use clap::Args;
use jiff::SignedDuration;
use std::path::PathBuf;
use std::time::Duration;

/// The options of every command that uses a store.
#[derive(Args)]
pub(crate) struct Options {
    /// Where records live: `sqlite:PATH`, `redis://…`, `postgres://…` or `mysql://…`.
    #[arg(
        long,
        global = true,
        env = "IDEMPOTENT_STORE",
        hide_env_values = true,
        value_name = "URL",
        help_heading = "The store"
    )]
    pub(crate) store: Option<String>,

    /// The business database, where it keeps records too: `sqlite:PATH`, `postgres://…` or `mysql://…`.
    #[arg(
        long,
        global = true,
        env = "IDEMPOTENT_DATABASE",
        hide_env_values = true,
        value_name = "URL",
        help_heading = "The store"
    )]
    pub(crate) database: Option<String>,

    /// The prefix of keys in Redis; `idempotency:` if it is not given.
    #[arg(
        long,
        global = true,
        env = "IDEMPOTENT_PREFIX",
        hide_env_values = true,
        value_name = "TEXT",
        help_heading = "The store"
    )]
    pub(crate) prefix: Option<String>,

    /// The namespace of the app.
    #[arg(
        long,
        global = true,
        env = "IDEMPOTENT_NAMESPACE",
        hide_env_values = true,
        value_name = "TEXT",
        help_heading = "The store"
    )]
    pub(crate) namespace: Option<String>,

    /// A file with the `key_secret` of the app, byte for byte; or the secret itself in `IDEMPOTENT_KEY_SECRET`.
    #[arg(long, global = true, value_name = "PATH", help_heading = "The store")]
    key_secret_file: Option<PathBuf>,

    /// The time that the store may take for one answer.
    #[arg(
        long,
        global = true,
        value_name = "SECONDS",
        default_value_t = 5,
        value_parser = clap::value_parser!(u64).range(1..=3600),
        help_heading = "The store"
    )]
    patience: u64,

    /// Prints one JSON document, and errors as JSON on stderr.
    #[arg(long, global = true, help_heading = "Output")]
    pub(crate) json: bool,

    /// Makes changes without asking, for scripts.
    #[arg(long, short = 'y', global = true, help_heading = "Output")]
    yes: bool,
}

impl Options {
    /// The time that the store may take for one answer.
    pub(crate) const fn patience(&self) -> Duration {
        Duration::from_secs(self.patience)
    }

    pub(crate) const fn confirmation(&self) -> Confirmation {
        if self.yes { Confirmation::Given } else { Confirmation::Asked }
    }

    /// The secret that storage keys are made with, if the app has one.
    ///
    /// # Errors
    /// When there are two, the file cannot be read, or it holds none.
    pub(crate) fn key_secret(&self) -> Result<Option<Vec<u8>>, Failure> {
        let usage = |why: String| Err(Failure::Usage(why));
        let secret = match (&self.key_secret_file, std::env::var_os(KEY_SECRET)) {
            (Some(_), Some(_)) => {
                return usage(format!(
                    "`--key-secret-file` and {KEY_SECRET} are two secrets: give one"
                ));
            }
            (None, None) => return Ok(None),
            (None, Some(secret)) => secret.into_encoded_bytes(),
            (Some(path), None) => match std::fs::read(path) {
                Ok(secret) => secret,
                Err(error) => return usage(format!("{}: {error}", path.display())),
            },
        };
        if secret.len() < 32 {
            return usage("a key secret has 32 bytes at least, and this one is shorter".to_owned());
        }
        Ok(Some(secret))
    }
}

/// A duration as people write it.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let read = text.parse::<SignedDuration>().map_err(|error| error.to_string())?;
    Duration::try_from(read).map_err(|_| "a duration cannot be negative".to_owned())
}
