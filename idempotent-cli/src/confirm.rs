//! The question before something is changed.

use crate::failure::Failure;
use std::io::{BufRead, IsTerminal, Write};

/// Whether a person has to say yes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Confirmation {
    /// `--yes` said it.
    Given,
    /// A person is asked at the terminal.
    Asked,
}

impl Confirmation {
    /// Shows what is about to be changed, and goes on only after a yes.
    ///
    /// # Errors
    /// When a person says no, or there is none to ask.
    pub(crate) fn ask(self, about_to: &str) -> Result<(), Failure> {
        if self == Self::Given {
            return Ok(());
        }
        if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
            let why = format!(
                "nothing is changed without a yes, and there is no terminal to ask at; `--yes` would {about_to}"
            );
            return Err(Failure::Refused(why));
        }
        eprint!("About to: {about_to}\nGo on? [y/N] ");
        let unheard = |error| Failure::Refused(format!("nothing is changed: {error}"));
        std::io::stderr().flush().map_err(unheard)?;
        let mut said = String::new();
        std::io::stdin().lock().read_line(&mut said).map_err(unheard)?;
        match said.trim().to_lowercase().as_str() {
            "y" | "yes" => Ok(()),
            _ => Err(Failure::Refused("declined; nothing is changed".to_owned())),
        }
    }
}
