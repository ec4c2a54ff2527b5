//! The switch that turns records off.

use std::env::VarError;
use std::fmt;

/// The setting of a builder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Switch {
    /// Records are kept.
    #[default]
    On,
    /// No records are kept.
    Off,
    /// The environment variable with this name decides.
    ByVariable(String),
}

/// Whether requests have records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recording {
    On,
    Off,
}

/// A variable whose value is neither yes nor no.
#[derive(Debug)]
pub struct NoSwitch {
    name: String,
    value: String,
}

impl fmt::Display for NoSwitch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, value } = self;
        write!(
            f,
            "the variable `{name}` is `{value}`: `1` or `true` turns records off, `0`, `false` or nothing \
             keeps them",
        )
    }
}

impl std::error::Error for NoSwitch {}

impl Switch {
    /// Reads the switch, and logs its state if the app has one.
    pub(crate) fn read(self) -> Result<Recording, NoSwitch> {
        match self {
            Self::On => Ok(Recording::On),
            Self::Off => {
                tell_off("`disabled()`");
                Ok(Recording::Off)
            }
            Self::ByVariable(name) => {
                let value = match std::env::var(&name) {
                    Ok(value) => value,
                    Err(VarError::NotPresent) => String::new(),
                    Err(VarError::NotUnicode(value)) => value.to_string_lossy().into_owned(),
                };
                let Some(records) = meaning(&value) else { return Err(NoSwitch { name, value }) };
                match records {
                    Recording::Off => tell_off(&name),
                    Recording::On => {
                        tracing::info!(
                            by = name,
                            "records are kept; this variable can turn them off at the next start"
                        );
                    }
                }
                Ok(records)
            }
        }
    }
}

fn meaning(value: &str) -> Option<Recording> {
    match value {
        "1" | "true" => Some(Recording::Off),
        "" | "0" | "false" => Some(Recording::On),
        _ => None,
    }
}

fn tell_off(by: &str) {
    tracing::warn!(
        by,
        "records are off: `request_id`, `cache`, `message` and the keys of rows let every request through; \
         transactions, rows, locks, tokens and tasks are still guarded",
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_words_turn_records_off_and_no_other_is_guessed_at() {
        for (value, expected) in [
            ("1", Some(Recording::Off)),
            ("true", Some(Recording::Off)),
            ("", Some(Recording::On)),
            ("0", Some(Recording::On)),
            ("false", Some(Recording::On)),
            ("yes", None),
            ("TRUE", None),
            (" 1", None),
        ] {
            assert_eq!(meaning(value), expected, "{value:?}");
        }
    }
}
